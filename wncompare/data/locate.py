"""Where data lies: the folders that are searched, in order, and what is found in them."""

import os
from collections.abc import Iterable
from pathlib import Path

from platformdirs import user_cache_path

from wncompare.errors import DatasetError


def folders(data_dir: Path | None = None) -> list[Path]:
    """The folders searched for data, in order; the first is where downloads go.

    `data_dir` (the option --data-dir), the environment variable WNCOMPARE_DATA_DIR, the user's cache, and Keras's own
    cache ($KERAS_HOME/datasets, or ~/.keras/datasets).
    """
    keras_home = os.environ.get("KERAS_HOME") or "~/.keras"
    named = [data_dir, os.environ.get("WNCOMPARE_DATA_DIR"), user_cache_path("wncompare"), Path(keras_home, "datasets")]
    return list(dict.fromkeys(_expand(folder).absolute() for folder in named if folder))


def find(names: Iterable[str], data_dir: Path | None = None) -> Path | None:
    """The first of `names` in the first data folder that has any of them, or None."""
    wanted = list(names)
    return _first(folder / name for folder in folders(data_dir) for name in wanted)


def resolve(path: str, data_dir: Path | None = None) -> Path:
    """A user's own file or folder: absolute, below a data folder or below the working folder; else a DatasetError."""
    wanted = _expand(path)
    bases = [*folders(data_dir), Path.cwd()]
    found = _first(base / wanted for base in bases)
    if found is None:
        where = "" if wanted.is_absolute() else f" in {listed(bases)}"
        raise DatasetError(f"{path} was not found{where}: check the path or give its folder as --data-dir")
    return found


def listed(items: Iterable[object]) -> str:
    """Items as a message lists them."""
    return ", ".join(map(str, items))


def _first(paths: Iterable[Path]) -> Path | None:
    return next((path for path in paths if os.path.exists(path)), None)  # noqa: PTH110 (Path.exists raises on EACCES)


def _expand(path: str | Path) -> Path:
    return Path(os.path.expanduser(path))  # noqa: PTH111 (Path.expanduser raises where there is no home)
