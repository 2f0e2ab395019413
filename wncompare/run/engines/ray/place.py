"""What goes between the driver and a node: where the driver is, and a run's files where the node does not see them."""

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from wncompare import records
from wncompare.storage.files import open_plain, write_bytes

Files = dict[str, bytes]

_FORWARDED = "WNCOMPARE_"
"""The driver's own variables, whatever the shell was in which `ray start` was called."""

_FILES = (
    records.HISTORY_FILE,
    records.LAYERS_FILE,
    records.CHECKPOINT_FILE,
    records.LOG_FILE,
    records.MODEL_FILE,
    records.RUN_FILE,
)
"""A run's files in the order of writing: a resume point is never ahead of its history, so reading goes backwards."""


@dataclass(frozen=True)
class Placed:
    """What a node says first of a task, which is for the driver alone."""

    task: str


@dataclass(frozen=True)
class Place:
    """What a node needs to know of the driver: its working folder, its variables, a file that tells its disk."""

    folder: Path
    environment: Mapping[str, str]
    token: Path


@contextmanager
def place(folder: Path, environment: Mapping[str, str]) -> Iterator[Place]:
    """Where the driver is, with a token in the results folder by which a node knows that it sees the same disk.

    A folder that is not there is made, and goes again where nothing else has come into it.
    """
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    token = folder / f".shared-{secrets.token_hex()}"
    write_bytes(token, b"")
    forwarded = {name: value for name, value in os.environ.items() if name.startswith(_FORWARDED)}
    try:
        yield Place(Path.cwd(), {**forwarded, **environment}, token)
    finally:
        token.unlink(missing_ok=True)
        if is_new:
            with suppress(OSError):  # it holds something now
                folder.rmdir()


def read_files(folder: Path) -> Files:
    """The run's files that are there."""
    found = {}
    for name in reversed(_FILES):
        with suppress(FileNotFoundError), open_plain(folder / name) as file:
            found[name] = file.read()
    return found


def version(files: Files) -> int:
    """A number that changes with a run's files, the log apart, to which whoever tries the run adds."""
    return hash(frozenset((name, content) for name, content in files.items() if name != records.LOG_FILE))


def write_files(folder: Path, files: Files) -> None:
    """Write a run's files, those alone, into a folder that is there."""
    for name in _FILES:
        if name in files:
            write_bytes(folder / name, files[name])
