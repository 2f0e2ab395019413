"""Files that are whole or not there, and JSON that every reader can read."""

import csv
import errno
import io
import json
import math
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

_TEMPORARY = ".tmp-"

_MAKE_ROOM = "free some, then run again: finished epochs are safe"
_REMEDIES = {
    errno.ENOSPC: _MAKE_ROOM,
    errno.EDQUOT: _MAKE_ROOM,
    errno.EFBIG: "raise the limit (ulimit -f), then run again: finished epochs are safe",
    errno.EROFS: "name a folder that can be written to",
    errno.EACCES: "change its permissions, or name another",
    errno.ENOTDIR: "a file is where a folder is expected: name another folder",
}


def explain(error: OSError) -> str:
    """What an error of the operating system says, in one line: the file, what is wrong and what helps."""
    remedy = _REMEDIES.get(error.errno or 0)
    parts = (error.filename, error.strerror or str(error) or type(error).__name__, remedy)
    return ": ".join(str(part) for part in parts if part)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file beside `path`, of its suffix, that is synced and takes its place when the block succeeds.

    The folder has to be there: one that somebody has removed meanwhile does not come back.
    """
    try:
        with _temporary(path) as temporary:
            yield temporary
    except OSError as error:
        error.filename, error.filename2 = str(path), None  # no reader knows the temporary file
        raise


@contextmanager
def _temporary(path: Path) -> Iterator[Path]:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}{_TEMPORARY}", suffix=path.suffix)
    temporary = Path(name)
    try:
        yield temporary
        os.fsync(handle)
        temporary.chmod(0o666 & ~_umask())  # mkstemp's 0600 would hide results from colleagues
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    finally:
        os.close(handle)


def sweep(folder: Path) -> None:
    """Delete what writers that were killed left in a folder which nobody writes to."""
    for leftover in folder.glob(f".*{_TEMPORARY}*"):
        leftover.unlink(missing_ok=True)


def open_plain(path: Path) -> BinaryIO:
    """Open a plain file to read its bytes; a pipe or a device, which may never end, is an OSError."""
    stream = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb")
    if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        stream.close()
        raise OSError(errno.EINVAL, "not a plain file", str(path))
    return stream


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: a temporary file beside it, fsync, rename."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_json(path: Path, value: Any) -> None:
    """Write strict JSON: what is not finite becomes the text "nan", "inf" or "-inf"."""
    write_bytes(path, (json.dumps(strict(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode())


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows under the given columns; floats keep every bit (repr)."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_bytes(path, text.getvalue().encode())


def strict(value: Any) -> Any:
    """`value` with every float that JSON cannot hold as text; `float` reads it back."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [strict(item) for item in value]
    return value


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
