"""Where data lies: the folders that are searched, in order, and what is found in them."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

from wncompare.data.files.download import Progress, UnreachableError, checksum, download
from wncompare.data.files.published import PUBLISHED, File
from wncompare.errors import DatasetError, Setting


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
        remedy = "check the path or give its folder as "
        raise DatasetError(f"{path} was not found{where}: {remedy}", Setting("data_dir"))
    return found


def listed(items: Iterable[object]) -> str:
    """Items as a message lists them."""
    return ", ".join(map(str, items))


def _first(paths: Iterable[Path]) -> Path | None:
    return next((path for path in paths if os.path.exists(path)), None)  # noqa: PTH110 (Path.exists raises on EACCES)


def _expand(path: str | Path) -> Path:
    return Path(os.path.expanduser(path))  # noqa: PTH111 (Path.expanduser raises where there is no home)


@dataclass(frozen=True)
class Checked:
    """A file on this machine with the published checksum and its own; `found` is None where the file is missing."""

    path: Path
    algorithm: str
    expected: str
    found: str | None

    @property
    def official(self) -> bool:
        """Whether the bytes are the published ones."""
        return self.found == self.expected


def obtain(
    name: str, data_dir: Path | None = None, *, download: bool = True, progress: Progress | None = None
) -> tuple[Path, ...]:
    """The files (or the unpacked folder) of a published dataset, downloaded to the first data folder where absent.

    Raises DatasetError naming the folders tried, the file to place there and what runs without it.
    """
    return tuple(_obtain(name, file, data_dir, download, progress) for file in PUBLISHED[name])


def located(name: str, data_dir: Path | None = None) -> tuple[Path, ...]:
    """What of a published dataset is on this machine already."""
    found = (find(file.places, data_dir) for file in PUBLISHED.get(name, ()))
    return tuple(path for path in found if path)


def check(name: str, data_dir: Path | None = None) -> tuple[Checked, ...]:
    """Every file of a published dataset with its checksum; raises DatasetError where the dataset is absent."""
    paths = obtain(name, data_dir, download=False)
    pairs = zip(PUBLISHED[name], paths, strict=True)
    return tuple(checked for file, path in pairs for checked in _check(file, path))


def label(title: str, official: bool, note: str | None = None) -> str:
    """What plots call a published dataset: its title, and for other bytes than the published ones what they are."""
    return title if official else f"{title} ({note or 'unofficial copy'})"


def _obtain(name: str, file: File, data_dir: Path | None, fetch: bool, progress: Progress | None) -> Path:
    found = find(file.places, data_dir)
    if found is not None:
        return found
    if not fetch:
        raise DatasetError(_absent(name, file, data_dir, "downloads are off"))
    try:
        return download(file, folders(data_dir)[0], progress=progress)
    except UnreachableError as error:
        raise DatasetError(_absent(name, file, data_dir, f"{file.url}: {error}")) from error


def _absent(name: str, file: File, data_dir: Path | None, reason: str) -> str:
    tried = listed(folders(data_dir))
    return (
        f"{name} was not found in {tried} and not downloaded ({reason}): place {file.name} in one of these folders,"
        " or run configs/quickstart.yaml, which needs no download"
    )


def _check(file: File, path: Path) -> tuple[Checked, ...]:
    if not path.is_dir():
        return (_checked(path, "sha256", file.sha256),)
    return tuple(_checked(path / member, "md5", md5) for member, md5 in file.members.items())


def _checked(path: Path, algorithm: str, expected: str) -> Checked:
    try:
        return Checked(path, algorithm, expected, checksum(path, algorithm))
    except FileNotFoundError:
        return Checked(path, algorithm, expected, None)
