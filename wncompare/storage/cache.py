"""This user's cache: where it is, if there is one."""

from pathlib import Path

from platformdirs import user_cache_path


def user_cache() -> Path | None:
    """The folder for what wncompare can make or download again; it need not exist, nor be one that can be written.

    None where the user has no home directory: then nothing is cached.
    """
    try:
        folder = user_cache_path("wncompare")
    except RuntimeError:
        return None
    return folder if folder.is_absolute() else None  # older platformdirs give a folder called ~
