"""Who is writing where: locks between processes, which the kernel lets go when their holder dies."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

_POLL_SECONDS = 0.2


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Hold an experiment's folder, made where it is missing, for the moment that planning takes; waits its turn."""
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        yield


@contextmanager
def run_lock(folder: Path, *, waiting: Callable[[], None] | None = None) -> Iterator[bool]:
    """Hold a run, and yield whether this process has it; the lock lies beside the run's folder and outlives it.

    Where another process has the run, wait for it after a call of `waiting`; without that, yield False.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(_lock_file(folder))
    held = _acquire(lock, timeout=0)
    if not held and waiting is not None:
        waiting()
        held = _acquire(lock, timeout=-1)
    try:
        yield held
    finally:
        lock.release()


def is_held(folder: Path) -> bool:
    """Whether a process holds the run in `folder`; writes nothing and follows no link, so that any folder can be asked.

    It asks by holding the lock for a moment itself, which at worst makes another process wait for that moment.
    """
    try:
        handle = os.open(_lock_file(folder), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:  # no lock, no holder
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks
        return False
    else:
        return False
    finally:
        os.close(handle)


def _acquire(lock: FileLock, *, timeout: float) -> bool:
    try:
        lock.acquire(timeout=timeout, poll_interval=_POLL_SECONDS)
    except Timeout:
        return False
    return True


def _lock_file(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.lock")
