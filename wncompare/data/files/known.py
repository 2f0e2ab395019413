"""What the files of a published dataset gave when they were last read, so that the same files are not read again.

Files are the same where paths, sizes, inodes and times of change are, the time (ctime) among them that no program can
set back. What is kept is believed no further than that: a worker compares every byte of it with its digest.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from time import time_ns

from wncompare import __version__
from wncompare.catalog.registry import Options
from wncompare.data.files.decoded import Shared, kept_folders
from wncompare.data.files.published import PUBLISHED
from wncompare.data.files.store import Copy, copies
from wncompare.storage.files import write_json

_SETTLED_NS = 2_000_000_000
"""Files that changed less than this ago could change again without their times telling."""


def stamp(name: str, options: Options, data_dir: Path | None) -> str | None:
    """What tells the files of all whole copies of a dataset from others, and what is asked for of them.

    None where there is no copy, or where one has just changed.
    """
    if name not in PUBLISHED:
        return None
    try:
        found = [_told(file) for copy in copies(name, data_dir) for file in _files(copy)]
    except OSError:
        return None
    if not found or any(time_ns() - max(changed) < _SETTLED_NS for *_, changed in found):
        return None
    told = json.dumps([__version__, name, options.model_dump(mode="json"), found])
    return hashlib.sha256(told.encode()).hexdigest()


def recall(known: str) -> Shared | None:
    """Where that lies decoded which files of this stamp gave; None where they were never read."""
    for folder in kept_folders():
        try:
            data = json.loads((folder / f"{known}.json").read_bytes())
            shared = Shared.from_data({**data, "folder": str(folder)})
            os.utime(folder)
        except (OSError, ValueError, TypeError, KeyError):
            continue
        if shared.digest == folder.name:
            return shared
    return None


def remember(known: str, shared: Shared) -> None:
    """Note, beside what is decoded, that files of this stamp gave it."""
    with suppress(OSError):  # then the files are read again
        write_json(Path(shared.folder, f"{known}.json"), shared.as_data())


def _files(copy: Copy) -> Iterator[Path]:
    return iter(() if copy.missing else copy.files)


def _told(file: Path) -> tuple[str, int, int, int, tuple[int, int]]:
    """A file's path, device, inode, size and times of change, of its content and of anything."""
    found = file.stat()
    return str(file), found.st_dev, found.st_ino, found.st_size, (found.st_mtime_ns, found.st_ctime_ns)
