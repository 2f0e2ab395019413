"""NumPy archives, read without pickles and within a bound."""

import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wncompare.data.locate import listed
from wncompare.errors import DatasetError

DAMAGE = (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError, MemoryError)


def read_arrays(
    path: Path, wanted: Iterable[str], optional: Iterable[str] = (), *, limit: int
) -> dict[str, NDArray[Any]]:
    """The arrays `wanted`, and those of `optional` that are there, of an .npz file.

    Raises DatasetError for a file that is no such archive, is damaged, lacks a wanted array, holds Python objects
    (never unpickled) or would unpack to more than `limit` bytes.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_size(archive, limit, path)
        with np.load(path, allow_pickle=False) as arrays:
            missing = [name for name in wanted if name not in arrays]
            if missing:
                raise DatasetError(f"{path} lacks {listed(missing)}: it holds {listed(arrays) or 'nothing'}")
            return {name: np.asarray(arrays[name]) for name in (*wanted, *optional) if name in arrays}
    except DAMAGE as error:
        reason = " ".join(str(error).split())
        raise DatasetError(f"{path} is no archive of plain arrays ({reason}): write it with numpy.savez") from error


def _check_size(archive: zipfile.ZipFile, limit: int, path: Path) -> None:
    size = sum(member.file_size for member in archive.infolist())
    if size > limit:
        raise DatasetError(f"{path} unpacks to {size:,} bytes, more than {limit:,}: use a smaller one")
