"""Published datasets on this machine: found, fetched and verified."""

from dataclasses import dataclass
from pathlib import Path

from wncompare.data.download import Progress, UnreachableError, checksum, download
from wncompare.data.locate import find, folders, listed
from wncompare.data.published import PUBLISHED, File
from wncompare.errors import DatasetError


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
