"""Files and archives, read no further than is expected, whatever they turn out to hold."""

import gzip
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from wncompare.errors import DatasetError
from wncompare.storage.files import open_plain

_GZIP_MAGIC = b"\x1f\x8b"
_DAMAGE = (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError, MemoryError)


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
    """A plain file's bytes; raises DatasetError where it is missing, unreadable or longer than `limit`."""
    try:
        with open_plain(path) as stream:
            return Bounded(stream, limit, path).read()
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}") from error


def read_gzip(path: Path, limit: int) -> bytes:
    """A file's bytes, unpacked where they are gzipped; raises DatasetError where they are damaged or over `limit`."""
    try:
        with open_plain(path) as plain:
            is_packed = plain.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
            plain.seek(0)
            return Bounded(gzip.open(plain) if is_packed else plain, limit, path).read()
    except PermissionError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}") from error
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{path} is damaged ({error}): delete it, and get the published file again") from error


def array_names(path: Path) -> tuple[str, ...]:
    """The names of the arrays in an .npz file; none where it is no such archive."""
    try:
        with open_plain(path) as stream, zipfile.ZipFile(stream) as archive:
            return tuple(name.removesuffix(".npy") for name in archive.namelist())
    except _DAMAGE:
        return ()


def read_arrays(
    path: Path, wanted: Iterable[str], optional: Iterable[str] = (), *, limit: int
) -> dict[str, NDArray[Any]]:
    """The arrays `wanted`, and those of `optional` that are there, of an .npz file.

    Raises DatasetError for a file that is no such archive, is damaged, lacks a wanted array, holds Python objects
    (never unpickled) or would unpack to more than `limit` bytes.
    """
    try:
        with open_plain(path) as stream:
            with zipfile.ZipFile(stream) as archive:
                _check_size(archive, limit, path)
            stream.seek(0)
            with np.load(stream, allow_pickle=False) as arrays:
                missing = [name for name in wanted if name not in arrays]
                if missing:
                    raise DatasetError(f"{path} lacks {', '.join(missing)}: it holds {', '.join(arrays) or 'nothing'}")
                return {name: np.asarray(arrays[name]) for name in (*wanted, *optional) if name in arrays}
    except _DAMAGE as error:
        reason = " ".join(str(error).split())
        remedy = (
            "make all rows of one length, and numbers" if "Object arrays" in reason else "write it with numpy.savez"
        )
        raise DatasetError(f"{path} is no archive of plain arrays ({reason}): {remedy}") from error


def _check_size(archive: zipfile.ZipFile, limit: int, path: Path) -> None:
    size = sum(member.file_size for member in archive.infolist())
    if size > limit:
        raise DatasetError(f"{path} unpacks to {size:,} bytes, more than {limit:,}: use a smaller one")
