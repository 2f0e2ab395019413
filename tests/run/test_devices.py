"""Which kind of device is chosen, from what NVIDIA's tool and TensorFlow say. No GPU is needed, and none is tested."""

import sys
from collections.abc import Sequence

import pytest

from wncompare.errors import UsageError
from wncompare.run import devices

LISTING = "GPU 0: NVIDIA H200 (UUID: GPU-1)\nGPU 1: NVIDIA H200 (UUID: GPU-2)\n"


@pytest.mark.parametrize(
    ("listing", "tensorflow_sees_one", "chosen"), [(None, True, "cpu"), (LISTING, False, "cpu"), (LISTING, True, "gpu")]
)
def test_a_gpu_is_chosen_where_there_is_one_and_tensorflow_sees_it(
    monkeypatch: pytest.MonkeyPatch, listing: str | None, tensorflow_sees_one: bool, chosen: str
) -> None:
    """A GPU beside a TensorFlow without CUDA is not chosen, and asking for it is an error before any run."""

    def answer(command: Sequence[str]) -> str | None:
        if command[0] == "nvidia-smi":
            return listing
        assert command[0] == sys.executable
        return "" if tensorflow_sees_one else None

    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(devices, "_answer", answer)
    assert devices.choose(None) == chosen
    assert devices.choose("cpu") == "cpu"
    if tensorflow_sees_one:
        assert devices.choose("gpu") == "gpu"
        return
    with pytest.raises(UsageError, match="TensorFlow sees no GPU here"):
        devices.choose("gpu")


@pytest.mark.parametrize(("variable", "names"), [("", ()), ("-1", ()), ("2, 5", ("2", "5")), (None, ("0", "1"))])
def test_only_gpus_that_this_process_may_use_count(
    monkeypatch: pytest.MonkeyPatch, variable: str | None, names: tuple[str, ...]
) -> None:
    """CUDA_VISIBLE_DEVICES has the first word; without it NVIDIA's tool says which there are."""
    monkeypatch.setattr(devices, "_answer", lambda command: LISTING)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if variable is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", variable)
    assert devices.gpus() == names


def test_a_worker_for_the_cpu_sees_no_gpu() -> None:
    """CUDA shows it none."""
    assert devices.variables("cpu") == {"CUDA_VISIBLE_DEVICES": "-1"}


def test_a_tool_that_is_not_there_has_no_answer() -> None:
    """Neither a missing program nor one that fails is an error."""
    assert devices._answer(["wncompare-no-such-program"]) is None
    assert devices._answer([sys.executable, "-c", "raise SystemExit(1)"]) is None
    assert devices._answer([sys.executable, "-c", "print('hello')"]) == "hello\n"
