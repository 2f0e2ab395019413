"""Which kind of device runs train on, found out without importing TensorFlow into this process.

What concerns GPUs is untested: no machine with one was at hand.
"""

import os
import subprocess
import sys
from collections.abc import Sequence

from wncompare.errors import UsageError
from wncompare.tasks import Device

_ASK_TENSORFLOW = "import tensorflow as tf; raise SystemExit(not tf.config.list_physical_devices('GPU'))"
_TIMEOUT_SECONDS = 120


def choose(asked: Device | None) -> Device:
    """The kind that is asked for; by itself a GPU where this machine has one from NVIDIA and TensorFlow sees it.

    Raises:
        UsageError: a GPU is asked for, and TensorFlow sees none.
    """
    if asked == "cpu" or (asked is None and not gpus()):
        return "cpu"
    if _answer([sys.executable, "-c", _ASK_TENSORFLOW]) is not None:
        return "gpu"
    if asked == "gpu":
        raise UsageError("device gpu: TensorFlow sees no GPU here: install its CUDA build and a driver, or use cpu")
    return "cpu"


def gpus() -> tuple[str, ...]:
    """The NVIDIA GPUs that this process may use, as CUDA_VISIBLE_DEVICES calls them; none where there is no driver."""
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if allowed is not None:
        return tuple(name for name in map(str.strip, allowed.split(",")) if name not in ("", "-1"))
    listing = (_answer(["nvidia-smi", "-L"]) or "").splitlines()
    return tuple(str(index) for index, _ in enumerate(line for line in listing if line.startswith("GPU ")))


def variables(device: Device) -> dict[str, str]:
    """What shows a worker no GPU, or let workers share one."""
    return {"CUDA_VISIBLE_DEVICES": "-1"} if device == "cpu" else {"TF_FORCE_GPU_ALLOW_GROWTH": "true"}


def _answer(command: Sequence[str]) -> str | None:
    """What a command prints, None where it is not there or fails."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=_TIMEOUT_SECONDS, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout
