"""Programs that XLA has compiled, kept in this user's cache: the next process that needs one loads it.

Compiling an arm of LeNet takes some seconds on one core, loading it a third of that, and the program is the same to the
bit. TensorFlow keys an entry by the program and its name; what it does not ask for, the processor and the versions,
names the folder. With WNCOMPARE_KEEP_PROGRAMS=0 in the environment nothing is kept or loaded.
"""

import hashlib
import json
import os
import platform
import re
import shutil
from pathlib import Path

import keras
import tensorflow as tf
from tensorflow.python.framework.ops import uid

from wncompare.records.machine import available_cores
from wncompare.storage.cache import user_cache

MOST_BYTES = 256 << 20
"""Of all entries together; the oldest go first."""
FREE_BYTES = 1 << 30
"""With less room on the disk nothing is kept: to TensorFlow, a program that cannot be written has not been compiled."""

_NUMBERS = 20_000
"""More than a worker uses up in between; to count so far takes a few milliseconds."""
_LACKS_OP = (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError)
_DAMAGE = re.compile("cache key|Serialized HLO does not match|No binary found")
"""What TensorFlow says of an entry in an error of a kind that may as well be about the model."""
_VARIABLE = "TF_XLA_FLAGS"
_SWITCH = "WNCOMPARE_KEEP_PROGRAMS"


def keep() -> None:
    """Have TensorFlow keep what it compiles for CPUs and load what is kept; it hears of it before its first device.

    Where there is no cache that can be written, or the disk is nearly full, nothing is kept.
    """
    folder = _folder()
    if folder is None or os.environ.get(_SWITCH) == "0":
        return
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        drop_oldest(folder.parent)
        usable = os.access(folder, os.W_OK) and shutil.disk_usage(folder).free > FREE_BYTES
    except OSError:
        return
    if usable and "'" not in str(folder):  # the only quote that TensorFlow reads
        os.environ[_VARIABLE] = (
            f"--tf_xla_persistent_cache_directory='{folder}' --tf_xla_persistent_cache_device_types=CPU"
        )


def name_alike() -> None:
    """Have programs that are compiled from here on named as in another worker that compiles as many, whatever it did.

    TensorFlow names a program by a number that counts on with everything the process makes, and an entry by that name.
    """
    while uid() % _NUMBERS:
        pass


def forget_damaged(error: tf.errors.OpError) -> bool:
    """Where an entry may be the error's cause, delete all and say so: compiling again then depends on none."""
    folder = _folder()
    if folder is None or str(folder) not in os.environ.get(_VARIABLE, ""):
        return False
    if isinstance(error, _LACKS_OP) and not _DAMAGE.search(error.message):
        return False
    entries = list(folder.iterdir())
    for entry in entries:
        entry.unlink(missing_ok=True)
    return bool(entries)


def drop_oldest(folder: Path) -> None:
    """Delete the oldest entries below `folder` that are too many."""
    entries = [(entry.stat(), entry) for entry in folder.rglob("*") if entry.is_file()]
    excess = sum(found.st_size for found, _ in entries) - MOST_BYTES
    for found, entry in sorted(entries, key=lambda item: item[0].st_mtime):
        if excess <= 0:
            return
        excess -= found.st_size
        entry.unlink(missing_ok=True)


def _folder() -> Path | None:
    """Where entries lie that were compiled by the same versions, for the same processor and number of threads."""
    cache = user_cache()
    if cache is None:
        return None
    compiled_by = (tf.__version__, keras.__version__, os.environ.get("XLA_FLAGS"))
    compiled_for = (platform.machine(), _processor(), available_cores(), os.environ.get("TF_NUM_INTRAOP_THREADS"))
    key = hashlib.sha256(json.dumps([*compiled_by, *compiled_for]).encode()).hexdigest()
    return cache / "programs" / key[:16]


def _processor() -> list[str]:
    """The processor's name and what it can do."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return [platform.processor()]
    return sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))})
