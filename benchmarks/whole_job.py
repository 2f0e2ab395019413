"""The whole job, start-up and compilation included: two arms, 10 epochs, evaluation each epoch, on CIFAR-10.

Interleaves `wncompare run configs/cifar10.yaml` with one seed, and the tutorial's script in its own environment, each
with its default threads. wncompare also writes records, checkpoints, models, plots and a summary; the tutorial nothing.

    python -m benchmarks.whole_job --tutorial-python .venv-tutorial/bin/python [--repeats 3] [--epochs 10]
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from benchmarks.common import HERE, QUIET, ROOT, Results, absolute, interruptible, parser, write_cifar10


def main() -> None:
    """Time both, turn by turn."""
    options = parser(__doc__)
    options.add_argument("--tutorial-python", type=absolute, required=True, help="of requirements-tutorial.txt")
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--epochs", type=int, default=10)
    chosen = options.parse_args()
    with TemporaryDirectory() as folder:
        file = Path(folder) / "cifar10.npz"
        dataset = write_cifar10(file, chosen.data_dir)
        settings = {"repeats": chosen.repeats, "epochs": chosen.epochs, "dataset": dataset}
        results = Results("whole_job", settings, chosen.results)
        tutorial = [chosen.tutorial_python, HERE / "tutorial.py", file, "--epochs", chosen.epochs]
        for repeat in range(chosen.repeats):
            ours = wncompare(chosen.data_dir, chosen.epochs, Path(folder) / f"{repeat}")
            jobs = {"wncompare": ours, "tutorial": tutorial}
            for system in jobs if repeat % 2 == 0 else reversed(jobs):
                results.measure({"repeat": repeat, "system": system}, partial(timed, jobs[system]))


def wncompare(data_dir: Path | None, epochs: int, output: Path) -> list[object]:
    """The command, both arms of one seed."""
    command = [sys.executable, "-m", "wncompare", "run", ROOT / "configs/cifar10.yaml", "--quiet", "--output", output]
    command += ["--data-dir", data_dir] if data_dir else []
    return [*command, "--set", "seeds=[0]", "--set", f"training.epochs={epochs}"]


def timed(command: Sequence[object]) -> dict[str, float]:
    """Wall-clock seconds of a command that has to succeed."""
    started = perf_counter()
    environment = {**os.environ, **QUIET}
    subprocess.run([*map(str, command)], check=True, cwd=ROOT, env=environment, capture_output=True, text=True)
    return {"seconds": perf_counter() - started}


if __name__ == "__main__":
    interruptible(main)
