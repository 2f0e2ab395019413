"""Step time and epoch time, regular and weight norm, against other systems, on CIFAR-10 at batch 32.

Each system trains in a process of its own, on one core with one thread and then with its default threads, turn by
turn, every other round in the opposite order. The first epoch warms up; the second, of `--steps` batches, counts.

    python -m benchmarks.step_time --tutorial-python .venv-tutorial/bin/python [--rounds 3] [--steps 200]
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.common import (
    HERE,
    STEPS_AN_EPOCH,
    Results,
    absolute,
    in_turn,
    interruptible,
    parser,
    printed,
    write_cifar10,
)

CORES = {"one core": True, "default threads": False}


@dataclass(frozen=True)
class System:
    """A program that trains both arms, and what it is run with."""

    program: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


def keras(backend: str, *options: str) -> System:
    """Stock Keras on one backend."""
    return System(("-m", "benchmarks.systems.keras_fit", *options), {"KERAS_BACKEND": backend})


SYSTEMS = {
    "wncompare": System(("-m", "benchmarks.systems.compiled"), {"KERAS_BACKEND": "tensorflow"}),
    "Keras 3 fit, TensorFlow": keras("tensorflow"),
    "Keras 3 fit, TensorFlow, jit_compile=True": keras("tensorflow", "--jit-compile"),
    "Keras 3 fit, JAX": keras("jax"),
    "Keras 3 fit, torch": keras("torch"),
    "PyTorch loop, Adam(fused=True)": System(("-m", "benchmarks.systems.torch_loop")),
    "tutorial": System((str(HERE / "tutorial.py"),)),
}


def main() -> None:
    """Measure round by round; every system's result is written as it comes."""
    options = parser(__doc__)
    options.add_argument("--tutorial-python", type=absolute, help="Python of requirements-tutorial.txt's environment")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--steps", type=int, default=200, help=f"batches of the epoch; all: {STEPS_AN_EPOCH}")
    options.add_argument("--cores", choices=CORES, help="one setting alone (default: both)")
    options.add_argument("--only", choices=SYSTEMS, action="append", help="these systems alone")
    chosen = options.parse_args()
    with TemporaryDirectory() as folder:
        file = Path(folder) / "cifar10.npz"
        dataset = write_cifar10(file, chosen.data_dir, steps=chosen.steps)
        settings = {"rounds": chosen.rounds, "steps": chosen.steps, "batch_size": 32, "dataset": dataset}
        results = Results("step_time", settings, chosen.results)
        for number, name, cores in turns(chosen):
            what = {"round": number, "system": name, "cores": cores}
            results.measure(what, partial(measured, name, file, cores, chosen.tutorial_python))


def turns(chosen: Any) -> Iterator[tuple[int, str, str]]:
    """Round, system and cores, in the order in which they are measured."""
    names = [name for name in chosen.only or SYSTEMS if name != "tutorial" or chosen.tutorial_python]
    for number in range(chosen.rounds):
        for cores in [chosen.cores] if chosen.cores else CORES:
            yield from ((number, name, cores) for name in in_turn(names, number))


def measured(name: str, file: Path, cores: str, tutorial_python: Path | None) -> dict[str, Any]:
    """The seconds of the last epoch, by arm, and what they were taken with."""
    system = SYSTEMS[name]
    python = tutorial_python if name == "tutorial" else sys.executable
    command = [python, *system.program, file, "--epochs", 2]
    found = printed(command, one_core=CORES[cores], environment=system.environment)
    arms = {arm: rows["epochs"][-1] for arm, rows in found["arms"].items()}
    return {"arms": arms, "start_up_seconds": found["start_up_seconds"], "versions": found["versions"]}


if __name__ == "__main__":
    interruptible(main)
