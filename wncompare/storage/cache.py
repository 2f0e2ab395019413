"""This user's cache: where it is, if there is one, and how to do without a home directory."""

import os
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


def homeless_environment() -> dict[str, str]:
    """For a process that imports TensorFlow, which would make a folder called ~ where there is no home."""
    is_home = os.path.isabs(os.path.expanduser("~"))  # noqa: PTH111, PTH117 (Path.home raises)
    return {} if is_home else {"KERAS_HOME": os.devnull}
