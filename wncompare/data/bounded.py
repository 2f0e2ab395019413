"""Reading no more than is expected, whatever a file turns out to hold."""

from pathlib import Path
from typing import Protocol

from wncompare.errors import DatasetError


class Readable(Protocol):
    """Anything with a `read`."""

    def read(self, size: int = -1, /) -> bytes:
        """Up to `size` bytes."""


class Bounded:
    """A stream that gives `limit` bytes at most; the next one raises DatasetError, naming `name`."""

    def __init__(self, stream: Readable, limit: int, name: object) -> None:
        self._stream, self._left, self._limit, self._name = stream, limit, limit, name

    def read(self, size: int = -1, /) -> bytes:
        """Up to `size` bytes, or all that are left."""
        allowed = self._left + 1
        piece = self._stream.read(allowed if size < 0 else min(size, allowed))
        self._left -= len(piece)
        if self._left < 0:
            raise DatasetError(f"{self._name} holds more than {self._limit:,} bytes: it is not the published data")
        return piece


def read_file(path: Path, limit: int) -> bytes:
    """A file's bytes; raises DatasetError where it is missing, unreadable or longer than `limit`."""
    try:
        with path.open("rb") as stream:
            return read_all(stream, limit, path)
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}") from error


def read_all(stream: Readable, limit: int, name: object) -> bytes:
    """A stream's bytes; raises DatasetError where it is longer than `limit`."""
    return Bounded(stream, limit, name).read()
