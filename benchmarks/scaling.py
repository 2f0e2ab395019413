"""How time and memory grow: with workers, batch sizes and images; on drawn images of CIFAR-10's shape.

python -m benchmarks.scaling [--repeats 15] [--rounds 3]
"""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from benchmarks.common import ROOT, Results, in_turn, interruptible, parser, wncompare

CONFIG = ROOT / "configs/cifar10.yaml"
BATCH_SIZES = (32, 64, 128, 256, 512, 1024)
IMAGES = (10_000, 100_000, 1_000_000)
WORKERS = (1, 2)
SEEDS = 4


def main() -> None:
    """Measure one after the other; each is written as it comes."""
    options = parser(__doc__)
    options.add_argument("--rounds", type=int, default=3, help="of the runs with 1 and 2 workers")
    options.add_argument("--epochs", type=int, default=3, help="of those runs")
    options.add_argument("--images", type=int, nargs="*", default=IMAGES, help="training images")
    options.add_argument("--batch-sizes", type=int, nargs="*", default=BATCH_SIZES)
    options.add_argument("--repeats", type=int, default=15, help="of wncompare bench")
    chosen = options.parse_args()
    settings = {"rounds": chosen.rounds, "epochs": chosen.epochs, "seeds": SEEDS, "repeats": chosen.repeats}
    results = Results("scaling", settings, chosen.results)
    with TemporaryDirectory() as cache:
        for what, function in measurements(chosen, Path(cache)):
            results.measure(what, function)


def measurements(chosen: Any, cache: Path) -> Iterator[tuple[dict[str, int], Callable[[], dict[str, Any]]]]:
    """What is measured, and the function that does."""
    for number in range(chosen.rounds):
        for workers in in_turn(WORKERS, number):
            yield {"round": number, "workers": workers}, partial(runs, cache, workers, chosen.epochs)
    for size in chosen.batch_sizes:
        yield {"batch_size": size}, partial(bench, cache, chosen.repeats, 50_000, size)
    for images in chosen.images:
        yield {"images": images}, partial(bench, cache, chosen.repeats, images, 32)


def runs(cache: Path, workers: int, epochs: int) -> dict[str, Any]:
    """The seconds of `wncompare run`, start-up, compilation and plots included, and the runs it finished."""
    with TemporaryDirectory() as folder:
        arguments = ["--workers", workers, "--output", Path(folder) / "runs", "--quiet"]
        arguments += ["--set", f"training.epochs={epochs}", "--set", f"seeds={list(range(SEEDS))}"]
        started = perf_counter()
        command(cache, "run", *arguments, *drawn(50_000))
        return {"runs": 2 * SEEDS, "seconds": perf_counter() - started}


def bench(cache: Path, repeats: int, images: int, batch_size: int) -> dict[str, Any]:
    """`wncompare bench` on so many images; a repeat trains on 3,200 of them, whatever the batch size."""
    steps = max(1, 3200 // batch_size)
    arguments = ["--json", "--repeats", repeats, "--steps", steps, "--set", f"training.batch_size={batch_size}"]
    measured = json.loads(command(cache, "bench", *arguments, *drawn(images)))
    kept = ("id", "step_seconds", "step_ratio", "compile_seconds", "peak_memory_bytes")
    return {"variants": [{key: variant[key] for key in kept} for variant in measured["variants"]]}


def drawn(images: int) -> list[str]:
    """The options that put drawn images in CIFAR-10's place."""
    return ["--set", f"dataset={{name: synthetic, train: {images}, test: 10000}}"]


def command(cache: Path, name: str, *arguments: object) -> str:
    """What a command prints on the comparison of `configs/cifar10.yaml`; the drawn images are kept in `cache`."""
    return wncompare(name, CONFIG, *arguments, environment={"XDG_CACHE_HOME": str(cache)})


if __name__ == "__main__":
    interruptible(main)
