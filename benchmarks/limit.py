"""Distance to the limit: a training step's GFLOP/s against a large matrix product's on the same core, and a profile.

python -m benchmarks.limit [--rounds 3] [--repeats 15] [--steps 100]
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import flops
from benchmarks.common import BATCH, Results, interruptible, parser, printed, write_cifar10
from benchmarks.systems import PRODUCT_SIDE


def main() -> None:
    """Measure round by round, each in a fresh process on one core."""
    options = parser(__doc__)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--repeats", type=int, default=15)
    options.add_argument("--steps", type=int, default=100)
    chosen = options.parse_args()
    with TemporaryDirectory() as folder:
        file = Path(folder) / "cifar10.npz"
        dataset = write_cifar10(file, chosen.data_dir)
        counted = {"useful_flop": flops.useful(BATCH), "executed_flop": flops.executed(BATCH)}
        settings = {"rounds": chosen.rounds, "repeats": chosen.repeats, "steps": chosen.steps, "batch_size": BATCH}
        results = Results(
            "limit",
            {
                **settings,
                **counted,
                "product_flop": 2 * PRODUCT_SIDE**3,
                "product_side": PRODUCT_SIDE,
                "dataset": dataset,
            },
            chosen.results,
        )
        for number in range(chosen.rounds):
            results.measure({"round": number}, lambda: measured(file, chosen))


def measured(file: Path, chosen: Any) -> Any:
    """Seconds of matrix products, of a step's parts and of whole steps, and of each kind of kernel."""
    parts = ["parts", file, "--repeats", chosen.repeats, "--steps", chosen.steps]
    return {**system(parts), **system(["kernels", file, "--steps", chosen.steps])}


def system(arguments: list[object]) -> Any:
    """What a program of benchmarks.systems prints, on one core."""
    module, *others = arguments
    command = [sys.executable, "-m", f"benchmarks.systems.{module}", *others]
    return printed(command, one_core=True, environment={"KERAS_BACKEND": "tensorflow"})


if __name__ == "__main__":
    interruptible(main)
