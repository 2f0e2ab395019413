"""Files that are whole or not there, and JSON that every reader can read."""

import csv
import errno
import io
import json
import math
import os
import secrets
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
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
    errno.EEXIST: "a file is where a folder is expected: name another folder",
    errno.EISDIR: "a folder is where a file is expected: move it away, or name another file",
    errno.EPERM: "change its permissions, or name another",
    errno.ENAMETOOLONG: "give it a shorter name",
    errno.ENXIO: "name a plain file",
}


_PERMISSIONS = (errno.EACCES, errno.EPERM, errno.EROFS)
_SLIPS = (*_PERMISSIONS, errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.ENAMETOOLONG, errno.ENXIO, errno.ELOOP)


def is_a_slip(error: OSError) -> bool:
    """Whether another path or other permissions would do: what was asked for is at fault, not the disk or the code."""
    return error.errno in _SLIPS


def explain(error: OSError) -> str:
    """What an error of the operating system says, in one line: the file, what is wrong and what helps."""
    remedy = _REMEDIES.get(error.errno or 0)
    parts = (_culprit(error), error.strerror or str(error) or type(error).__name__, remedy)
    return ": ".join(str(part) for part in parts if part)


def _culprit(error: OSError) -> str | None:
    """What is at fault: where a path could not be made, the nearest above it that is there."""
    if not error.filename:
        return None
    path = Path(os.fsdecode(error.filename))
    if error.errno not in (*_PERMISSIONS, errno.ENOTDIR):
        return str(path)
    return str(next((above for above in (path, *path.parents) if os.path.lexists(above)), path))


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file beside `path`, of its suffix, that is synced and takes its place when the block succeeds.

    The folder has to be there: one that somebody has removed meanwhile does not come back. A pipe, a socket or a
    dangling link in the place is replaced unopened, so that none can make a writer wait.

    Raises:
        OSError: naming `path`. A device is refused: it is somebody else's, even where one may replace it.
    """
    try:
        if _is_device(path):
            raise OSError(errno.ENXIO, "a device, not a plain file")
        with _temporary(path) as temporary:
            yield temporary
    except OSError as error:
        at_fault = path.parent if error.errno in _PERMISSIONS else path  # no reader knows the temporary file
        error.filename, error.filename2 = str(at_fault), None
        raise


def _is_device(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISCHR(mode) or stat.S_ISBLK(mode)


@contextmanager
def _temporary(path: Path) -> Iterator[Path]:
    temporary = _new_file(path)
    try:
        yield temporary
        _sync(temporary)
        temporary.replace(path)
        _sync_names(path.parent)  # a rename is on the disk when its folder is
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _new_file(path: Path) -> Path:
    """An empty file beside `path` that nobody else has, with the permissions that any new file gets here.

    The kernel takes the process's umask off 0666. To ask for the umask is to set it, for all threads at once; and
    `mkstemp`'s 0600 would hide results from colleagues.
    """
    while True:
        file = path.with_name(f".{path.stem}{_TEMPORARY}{secrets.token_hex(8)}{path.suffix}")
        with suppress(FileExistsError):
            os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
            return file


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_names(folder: Path) -> None:
    """Have the disk hold which files a folder has, where its file system can be asked to and the folder can be read."""
    try:
        _sync(folder)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EACCES):
            raise


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
    """Write strict JSON; see `json_text`."""
    write_bytes(path, json_text(value).encode())


def json_text(value: Any) -> str:
    """Data as strict JSON, for people to read too: what is not finite becomes the text "nan", "inf" or "-inf".

    A byte of a file's name that is not UTF-8, for Python a lone surrogate, is escaped: the text itself is UTF-8.
    """
    text = json.dumps(strict(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return text.encode("utf-8", "backslashreplace").decode()


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
