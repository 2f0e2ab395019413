"""Standard output and error that never stop a command: what was trained is saved, whoever has left the pipe.

A closed stream goes nowhere. A reader that has left, as in ``| head -1``, has what it wanted, and the exit code stays
the command's. A stdout that cannot take the result, such as a full disk, is told once the command has done its work.
Names that are not the encoding's go out as they came in, byte for byte.
"""

import codecs
import errno
import io
import os
import sys
from typing import Any


class _Raw(io.FileIO):
    """A file descriptor whose first failure is kept, and after which it swallows what it is given."""

    failure: OSError | None = None

    def write(self, data: Any, /) -> int:
        size = memoryview(data).nbytes
        if self.failure is None:
            try:
                return super().write(data)
            except OSError as error:
                self.failure = error
        return size


def install() -> _Raw:
    """Put such streams in the place of this process's own, and return what is below stdout."""
    for number in range(3):
        _open_if_closed(number)
    raw = _Raw(1, "w", closefd=False)
    sys.stdout = _text(raw, sys.stdout)
    sys.stderr = _text(_Raw(2, "w", closefd=False), sys.stderr, line_buffering=True)
    return raw


def lost(raw: _Raw) -> str | None:
    """Why a result did not reach stdout, None where it did or where its reader has left."""
    sys.stdout.flush()
    failure = raw.failure
    return None if failure is None or failure.errno == errno.EPIPE else failure.strerror


def _open_if_closed(number: int) -> None:
    """Give a closed descriptor to the null device, or the next file that is opened would get what is printed."""
    try:
        os.fstat(number)
    except OSError:
        handle = os.open(os.devnull, os.O_RDWR)
        os.dup2(handle, number)
        os.set_inheritable(number, True)  # workers have one too
        if handle != number:
            os.close(handle)


def _text(raw: _Raw, like: Any, *, line_buffering: bool = False) -> io.TextIOWrapper:
    """A text stream in the encoding of the one that it replaces; without one, of which nobody reads, in UTF-8."""
    encoding = getattr(like, "encoding", None) or "utf-8"
    buffering = line_buffering or raw.isatty()
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, "wncompare.escape", line_buffering=buffering)


def _escape(error: UnicodeError) -> tuple[str | bytes, int]:
    """A byte of a file's name as itself, and what the encoding lacks as its escape."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    try:
        return codecs.lookup_error("surrogateescape")(error)
    except UnicodeEncodeError:
        return codecs.backslashreplace_errors(error)


codecs.register_error("wncompare.escape", _escape)
