"""Experiments that can be killed at any instant and compared with one that nothing disturbed."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wncompare import records
from wncompare.records import HISTORY_COLUMNS

EXACT_COLUMNS = [column for column in HISTORY_COLUMNS if not column.endswith("_seconds")]
EPOCHS = 60
INSTANTS = int(os.environ.get("WNCOMPARE_FAULT_INSTANTS", "2"))
"""Kills of each kind; `make test-faults` asks for 10."""

needs_proc = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")


def config(model: Path) -> dict[str, Any]:
    """Two arms of a small network with dropout and batch norm, for many short epochs."""
    return {
        "name": "faults",
        "dataset": {"name": "synthetic", "shape": [8, 8, 1], "classes": 3, "train": 48, "test": 24},
        "model": {"file": str(model)},
        "variants": [{"name": "regular"}, {"name": "weight_norm"}],
        "training": {"batch_size": 16, "epochs": EPOCHS},
        "init_batch": 32,
        "seeds": list(range(max(2, (INSTANTS + 1) // 2))),
    }


def command(file: Path, folder: Path, *arguments: str) -> list[str]:
    """The command line of a run."""
    return [sys.executable, "-m", "wncompare", "run", str(file), "--output", str(folder), *arguments]


def run(file: Path, folder: Path, *arguments: str, **options: Any) -> "subprocess.CompletedProcess[str]":
    """`wncompare run` to its end."""
    return subprocess.run(
        command(file, folder, *arguments), capture_output=True, text=True, check=False, timeout=600, **options
    )


@contextmanager
def running(file: Path, folder: Path, *arguments: str) -> "Iterator[subprocess.Popen[str]]":
    """`wncompare run` under way, its messages on `stderr`."""
    with subprocess.Popen(command(file, folder, *arguments), stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def lines(process: "subprocess.Popen[str]") -> Iterator[str]:
    """What a run says, line by line."""
    assert process.stderr is not None
    return iter(process.stderr)


def wait_for(process: "subprocess.Popen[str]", text: str, count: int = 1, *, or_end: bool = False) -> None:
    """Read what a run says up to the line that has the text for the `count`-th time, or where allowed to its end."""
    seen = 0
    for line in lines(process):
        seen += text in line
        if seen == count:
            return
    if or_end:
        process.wait()
        return
    raise AssertionError(f"the run ended before it said {text!r} {count} times")


def children(pid: int) -> list[int]:
    """A driver's workers; those of all its threads."""
    return [int(child) for file in Path(f"/proc/{pid}/task").glob("*/children") for child in file.read_text().split()]


def worker_of(folder: Path, name: str) -> int:
    """The process that trains a run, as its log says."""
    return int(re.findall(r"in process (\d+)", (folder / name / "log.txt").read_text())[-1])


def kill(*pids: int) -> None:
    """SIGKILL, and wait until none of them is left."""
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not any(map(is_alive, pids)), "a killed process lives on")


def is_alive(pid: int) -> bool:
    """Whether a process is there and not a zombie."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until(holds: Callable[[], bool], otherwise: str) -> None:
    """Wait for a condition, for half a minute at most."""
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.01)


def results(folder: Path) -> dict[str, dict[str, list[float]]]:
    """Every run's history but for its seconds."""
    return {run.name: {name: run.history[name].tolist() for name in EXACT_COLUMNS} for run in records.read(folder).runs}


def assert_undisturbed(folder: Path, reference: Path) -> None:
    """Every run of `folder` is finished and equals the reference's: history, weights, optimizer and random state."""
    experiment = records.read(folder)
    assert statuses(folder) == {"finished"}
    expected = results(reference)
    assert results(folder) == {run.name: expected[run.name] for run in experiment.runs}
    for run in experiment.runs:
        assert_same_state(run.folder, reference / run.name)
    assert not list(folder.rglob(".*.tmp-*"))


def assert_same_state(ours: Path, theirs: Path) -> None:
    """Two final resume points are equal to the last bit."""
    with np.load(ours / "checkpoint.npz") as one, np.load(theirs / "checkpoint.npz") as other:
        assert set(one.files) == set(other.files)
        for name in one.files:
            np.testing.assert_array_equal(one[name], other[name])


def statuses(folder: Path) -> set[str]:
    """The states of the runs that are there."""
    return {run.record.status for run in records.read(folder).runs}


def assert_little_lost(folder: Path) -> int:
    """After a kill every record reads, and resume points lack at most the epoch under way; the epochs they hold."""
    wait_until(lambda: not statuses(folder) & {"running"}, "a run is held by a process that was killed")
    assert statuses(folder) <= {"interrupted", "finished"}
    total = 0
    for run in records.read(folder).runs:
        with np.load(run.folder / "checkpoint.npz") if run.epochs > 1 else _nothing() as saved:
            assert run.epochs - 1 <= int(saved["epoch"]) <= run.epochs
            total += int(saved["epoch"])
    return total


@contextmanager
def _nothing() -> Iterator[dict[str, int]]:
    yield {"epoch": 0}
