"""The whole job, start-up and compilation included: two arms, 10 epochs, evaluation each epoch, on CIFAR-10.

Interleaves the tutorial's script, in its own environment, and `wncompare run configs/cifar10.yaml`, each with its
default threads: with one seed and nothing cached, with one seed once more (the compiled programs and the decoded images
are kept), and with ten seeds. wncompare also writes records, checkpoints, models, plots and a summary; the tutorial
nothing.

    python -m benchmarks.whole_job --tutorial-python .venv-tutorial/bin/python [--repeats 3] [--epochs 10]
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from benchmarks.common import HERE, QUIET, ROOT, Results, absolute, interruptible, parser, write_cifar10

ARMS = 2


@dataclass(frozen=True)
class Job:
    """A command, how many runs it trains and the variables that it is given."""

    command: tuple[object, ...]
    runs: int
    environment: dict[str, str] = field(default_factory=dict)


def main() -> None:
    """Time all, turn by turn."""
    options = parser(__doc__)
    options.add_argument("--tutorial-python", type=absolute, required=True, help="of requirements-tutorial.txt")
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--epochs", type=int, default=10)
    options.add_argument("--seeds", type=int, default=10, help="of the job with several")
    chosen = options.parse_args()
    with TemporaryDirectory() as folder:
        file = Path(folder) / "cifar10.npz"
        dataset = write_cifar10(file, chosen.data_dir)
        settings = {"repeats": chosen.repeats, "epochs": chosen.epochs, "dataset": dataset}
        results = Results("whole_job", settings, chosen.results)
        tutorial = Job((chosen.tutorial_python, HERE / "tutorial.py", file, "--epochs", chosen.epochs), ARMS)
        for repeat in range(chosen.repeats):
            ours = dict(jobs(chosen, Path(folder) / f"{repeat}"))
            turns = {"tutorial": tutorial, **ours} if repeat % 2 else {**ours, "tutorial": tutorial}
            for system, job in turns.items():
                results.measure({"repeat": repeat, "system": system, "runs": job.runs}, partial(timed, job))


def jobs(chosen: Any, folder: Path) -> Iterator[tuple[str, Job]]:
    """wncompare's jobs, in the order in which they find more and more in the cache."""
    for name, seeds in (("wncompare", 1), ("wncompare, the second time", 1), ("wncompare, all seeds", chosen.seeds)):
        command = [sys.executable, "-m", "wncompare", "run", ROOT / "configs/cifar10.yaml", "--quiet"]
        command += ["--output", folder / name, "--set", f"seeds={list(range(seeds))}"]
        command += ["--set", f"training.epochs={chosen.epochs}"]
        command += ["--data-dir", chosen.data_dir] if chosen.data_dir else []
        yield name, Job(tuple(command), ARMS * seeds, {"XDG_CACHE_HOME": str(folder / "cache")})


def timed(job: Job) -> dict[str, float]:
    """Wall-clock seconds of a command that has to succeed."""
    started = perf_counter()
    environment = {**os.environ, **QUIET, **job.environment}
    subprocess.run([*map(str, job.command)], check=True, cwd=ROOT, env=environment, capture_output=True, text=True)
    return {"seconds": perf_counter() - started}


if __name__ == "__main__":
    interruptible(main)
