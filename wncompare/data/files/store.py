"""Where data lies: the folders that are searched, in order, and the copies of published datasets in them."""

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from wncompare.data.dataset import Dataset
from wncompare.data.files.archive import read_gzip
from wncompare.data.files.download import UnreachableError, download
from wncompare.data.files.published import PUBLISHED, Layout
from wncompare.data.source import Lookup, Progress
from wncompare.errors import Argument, DatasetError
from wncompare.storage.cache import user_cache

_ANYONES = ("", "*", "raw")
"""Folders that, where no file of a dataset is in them, have nothing to do with it."""
_SMALL = 1 << 16
"""Bytes that a file of labels unpacks to at most, where it tells whose files these are."""


@dataclass(frozen=True)
class Copy:
    """A copy of a published dataset: its file, or the folder of its files; those files, and the names it lacks."""

    path: Path
    files: tuple[Path, ...]
    missing: tuple[str, ...] = ()

    @property
    def is_file(self) -> bool:
        """Whether it is a single file."""
        return self.files == (self.path,)


def folders(data_dir: Path | None = None) -> list[Path]:
    """The folders searched for data, in order; the first is where downloads go.

    `data_dir` (the option --data-dir), the environment variable WNCOMPARE_DATA_DIR, the user's cache, and Keras's own
    cache ($KERAS_HOME/datasets, or ~/.keras/datasets). Without a home directory there are none but those named.

    Raises:
        DatasetError: one of them is relative, and the working folder was deleted.
    """
    keras_home = os.environ.get("KERAS_HOME") or "~/.keras"
    named = [data_dir, os.environ.get("WNCOMPARE_DATA_DIR"), user_cache(), Path(keras_home, "datasets")]
    known = [_expand_user(folder) for folder in named if folder]
    return list(dict.fromkeys(_absolute(folder) for folder in known if folder.parts[:1] != ("~",)))


def find_own(path: str, data_dir: Path | None = None) -> Path:
    """A user's own file or folder: absolute, below a data folder or below the working folder; else a DatasetError."""
    wanted = _expand_user(path)
    bases = [Path("/")] if wanted.is_absolute() else [*folders(data_dir), *_working_folder()]
    for base in bases:
        if os.path.exists(base / wanted):  # noqa: PTH110 (Path.exists raises on EACCES)
            return base / wanted
    where = "" if wanted.is_absolute() else f" in {', '.join(map(str, bases)) or 'a working folder that was deleted'}"
    remedy = "check the path or give its folder as "
    raise DatasetError(f"{path} was not found{where}: {remedy}", Argument("data_dir"))


def copies(name: str, data_dir: Path | None = None) -> tuple[Copy, ...]:
    """What there is of a published dataset in the data folders, whole or not, in the order of search."""
    found = (
        _copy(folder, layout, is_named=pattern not in _ANYONES)
        for base in folders(data_dir)
        for layout in PUBLISHED[name].layouts
        for pattern in layout.folders
        for folder in (sorted(base.glob(pattern)) if pattern else [base])
    )
    return tuple(dict.fromkeys(copy for copy in found if copy))


def find_copy(name: str, data_dir: Path | None = None) -> Copy | None:
    """The first whole copy of a published dataset."""
    return next((copy for copy in copies(name, data_dir) if not copy.missing), None)


def fetch_copy(name: str, data_dir: Path | None = None, progress: Progress | None = None) -> Copy:
    """The first whole copy of a published dataset, downloaded to the first data folder where there is none.

    Raises DatasetError naming the folders searched, what is missing, the files to place there and what runs without.
    """
    return find_copy(name, data_dir) or _download(name, Lookup(data_dir, progress=progress))


def read_copy(name: str, read: Callable[[Copy], Dataset], lookup: Lookup) -> Dataset:
    """What `read` makes of the first copy of a published dataset that is whole and can be read.

    Where there is none, not even a damaged one, it is downloaded. Raises DatasetError as `fetch_copy` does or, where
    all copies are damaged, what is wrong with each.
    """
    refusals = []
    for copy in copies(name, lookup.data_dir):
        if not copy.missing:
            try:
                return read(copy)
            except DatasetError as error:
                refusals.append(str(error))
    if refusals:
        raise DatasetError("; ".join(dict.fromkeys(refusals)))
    return read(_download(name, lookup))


def _copy(folder: Path, layout: Layout, *, is_named: bool) -> Copy | None:
    """What is in the folder of a layout's files; None for nothing, unless the folder is named for the dataset."""
    found = [next((folder / name for name in names if _holds_bytes(folder / name)), None) for names in layout.files]
    files = tuple(path for path in found if path)
    missing = tuple(names[0] for names, path in zip(layout.files, found, strict=True) if not path)
    if (not files and not is_named) or _is_foreign(found, layout):
        return None
    return Copy(files[0] if len(layout.files) == len(files) == 1 else folder, files, missing)


def _holds_bytes(path: Path) -> bool:
    """Whether it is a file, and not an empty one."""
    return os.path.isfile(path) and os.path.getsize(path) > 0  # noqa: PTH113, PTH202 (as above)


def _is_foreign(found: list[Path | None], layout: Layout) -> bool:
    """Whether these are another dataset's files of the same names."""
    if layout.foreign is None:
        return False
    number, sha256 = layout.foreign
    telling = found[number]
    with suppress(DatasetError):  # a damaged file tells nothing
        return telling is not None and hashlib.sha256(read_gzip(telling, _SMALL)).hexdigest() == sha256
    return False


def _download(name: str, lookup: Lookup) -> Copy:
    searched = folders(lookup.data_dir)
    if not searched:
        remedy = "name a folder with "
        raise DatasetError(
            f"{name}: there is no home directory to look in, or to download to: {remedy}", Argument("data_dir")
        )
    if not lookup.download:
        raise DatasetError(_absent(name, lookup.data_dir, "downloads are off"))
    try:
        for file in PUBLISHED[name].files:
            download(file, searched[0], progress=lookup.progress)
    except UnreachableError as error:
        raise DatasetError(_absent(name, lookup.data_dir, f"{file.url}: {error}")) from error
    found = find_copy(name, lookup.data_dir)
    if found is None:
        raise DatasetError(_absent(name, lookup.data_dir, f"what has its name in {searched[0]} is no plain file"))
    return found


def _absent(name: str, data_dir: Path | None, reason: str) -> str:
    searched = ", ".join(map(str, folders(data_dir)))
    files = ", ".join(file.name for file in PUBLISHED[name].files)
    return (
        f"{name} was not found in {searched}{_partial(name, data_dir)} and not downloaded ({reason}): place {files}"
        " in one of these folders, or run configs/quickstart.yaml, which needs no download"
    )


def _partial(name: str, data_dir: Path | None) -> str:
    """What each copy that is not whole lacks, in brackets."""
    lacking: dict[Path, tuple[str, ...]] = {}
    for copy in copies(name, data_dir):
        lacking.setdefault(copy.path, copy.missing)
    described = "; ".join(f"{path} lacks {', '.join(missing)}" for path, missing in lacking.items() if missing)
    return f" ({described})" if described else ""


def _working_folder() -> list[Path]:
    """The working folder, unless it was deleted."""
    with suppress(FileNotFoundError):
        return [Path.cwd()]
    return []


def _absolute(folder: Path) -> Path:
    try:
        return folder.absolute()
    except FileNotFoundError:
        raise DatasetError(
            f"{folder}: the working folder was deleted: change to another, or give a full path"
        ) from None


def _expand_user(path: str | Path) -> Path:
    return Path(os.path.expanduser(path))  # noqa: PTH111 (Path.expanduser raises where there is no home)
