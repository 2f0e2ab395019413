"""A training step of LeNet in every variant: wncompare, Keras `fit` on TensorFlow and a PyTorch loop, on one core.

A process of one system trains all variants, epoch by epoch in turn; systems take turns, every other round in the
opposite order. The first epoch compiles and warms up; of the `--epochs` that follow, each of `--steps` batches of 32,
the fastest counts. The time of the processor stands beside that of the clock: others on the machine do not lengthen it.

    python -m benchmarks.variants [--rounds 3] [--steps 50]
"""

import json
import sys
from collections.abc import Callable, Mapping
from functools import partial
from time import perf_counter, process_time
from typing import Any

import numpy as np

from benchmarks.common import BATCH, Results, in_turn, interruptible, parser, printed

VARIANTS = (
    "regular",
    "weight_norm",
    "batch_norm",
    "mean_only_batch_norm",
    "weight_norm_mean_only_batch_norm",
    "layer_norm",
    "weight_standardization",
)
SHAPE, CLASSES = (32, 32, 3), 10
Epoch = Callable[[], object]


def main() -> None:
    """Measure every variant in every system, or, with --here, those of one system in this process."""
    options = parser(__doc__)
    options.add_argument("--rounds", type=int, default=3, help="measurements of each (default: 3)")
    options.add_argument("--epochs", type=int, default=3, help="epochs after the first (default: 3)")
    options.add_argument("--steps", type=int, default=50, help="training steps of an epoch (default: 50)")
    options.add_argument("--system", choices=SYSTEMS, action="append", help="these systems alone")
    options.add_argument("--here", action="store_true", help="measure the one system here, print it as JSON")
    chosen = options.parse_args()
    if chosen.here:
        print(json.dumps(measured(SYSTEMS[chosen.system[0]](*arrays(BATCH * chosen.steps)), chosen)))
        return
    settings = {"batch": BATCH, "steps": chosen.steps, "epochs": chosen.epochs, "rounds": chosen.rounds}
    results = Results("variants", settings, chosen.results)
    for number in range(chosen.rounds):
        for system in in_turn(chosen.system or list(SYSTEMS), number):
            results.measure({"system": system, "round": number}, partial(elsewhere, system, chosen))


def elsewhere(system: str, chosen: Any) -> Mapping[str, Any]:
    """One system's variants in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.variants", "--here", "--system", system]
    command += ["--steps", chosen.steps, "--epochs", chosen.epochs]
    return {"variants": printed(command, one_core=True, environment={"KERAS_BACKEND": "tensorflow"})}


def measured(epochs: Mapping[str, Epoch], chosen: Any) -> dict[str, dict[str, float]]:
    """Milliseconds of each variant's step, of the clock and of the processor, in the fastest epoch after the first."""
    times: dict[str, list[tuple[float, float]]] = {variant: [] for variant in epochs}
    for _ in range(1 + chosen.epochs):
        for variant, epoch in epochs.items():
            began = perf_counter(), process_time()
            epoch()
            times[variant].append((perf_counter() - began[0], process_time() - began[1]))
    fastest = {variant: [min(each) for each in zip(*rows[1:], strict=True)] for variant, rows in times.items()}
    return {
        variant: {"step_ms": 1000 * wall / chosen.steps, "processor_ms": 1000 * processor / chosen.steps}
        for variant, (wall, processor) in fastest.items()
    }


def arrays(count: int) -> tuple[Any, Any]:
    """Random images of CIFAR-10's shape and classes."""
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, *SHAPE), np.uint8), rng.integers(0, CLASSES, count)


def models(x: Any, y: Any) -> dict[str, Any]:
    """The compiled arm of each variant, as wncompare makes them, and the dataset."""
    from wncompare import config as configs
    from wncompare.data import Dataset, Split
    from wncompare.nn import arms

    split = Split(x, y)
    dataset = Dataset("random", "random", split, split.take(np.arange(BATCH)), tuple(map(str, range(CLASSES))))
    described = {
        "name": "variants",
        "dataset": {"name": "digits"},
        "model": {"name": "lenet"},
        "variants": [{"name": variant} for variant in VARIANTS],
        "training": {"batch_size": BATCH},
        "seeds": [0],
    }
    config = configs.from_data(described, "variants")
    return {variant: (arms.build(config, variant, 0, dataset, split), dataset) for variant in VARIANTS}


def trained(x: Any, y: Any) -> dict[str, Epoch]:
    """An epoch of wncompare's trainer, as `wncompare bench` times it."""
    from wncompare.nn.training.trainer import Trainer

    def epoch(model: Any, dataset: Any) -> Epoch:
        trainer = Trainer(model, dataset.train, dataset.test, batch_size=BATCH)
        trainer.compile()
        return lambda: trainer.step_seconds(len(y) // BATCH, seed=0)

    return {variant: epoch(*made) for variant, made in models(x, y).items()}


def fitted(x: Any, y: Any) -> dict[str, Epoch]:
    """An epoch of the same models in Keras's `fit`."""
    images, targets = x.astype("float32") / 255, np.eye(CLASSES, dtype="float32")[y]

    def epoch(model: Any) -> Epoch:
        return lambda: model.fit(images, targets, batch_size=BATCH, verbose=0)

    return {variant: epoch(model) for variant, (model, _) in models(x, y).items()}


def looped(x: Any, y: Any) -> dict[str, Epoch]:
    """An epoch of a PyTorch loop over the same networks."""
    from benchmarks.systems import torch_variants

    return torch_variants.epochs(x, y, VARIANTS)


SYSTEMS: dict[str, Callable[[Any, Any], dict[str, Epoch]]] = {
    "wncompare": trained,
    "Keras 3 fit, TensorFlow": fitted,
    "PyTorch loop, Adam(fused=True)": looped,
}


if __name__ == "__main__":
    interruptible(main)
