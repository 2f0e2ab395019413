"""A training step of networks other than LeNet in wncompare against Keras `fit` on each backend, on one core.

wncompare trains in both precisions; what bfloat16 is worth depends on the processor, which the results name.

Each trains in a process of its own, turn by turn, every other round in the opposite order. The first epoch compiles and
warms up; of the `--epochs` that follow, each of `--steps` batches of 32, the fastest counts. The time of the processor
stands beside that of the clock: others on the machine do not lengthen it.

    python -m benchmarks.networks [--rounds 3] [--steps 50]
"""

import json
import sys
from collections.abc import Iterator
from functools import partial
from time import perf_counter, process_time
from typing import Any

import numpy as np

from benchmarks.common import Results, in_turn, interruptible, parser, printed
from wncompare.data.form import ONLY, Form, Input, Target, TargetKind

BATCH = 32
_ROWS = Form({ONLY: Input("image", (28, 28))}, Target("classes", (), 10))
_SERIES = Form({ONLY: Input("number", (200, 2))}, Target("numbers", (1,)))
_PICTURES = Form({ONLY: Input("image", (32, 32, 3))}, Target("classes", (), 10))
_AGAIN = Form({ONLY: Input("image", (28, 28, 1))}, Target("inputs", (28, 28, 1)))

NETWORKS: dict[str, tuple[str, dict[str, Any], Form]] = {
    "LSTM, 128 units, 28 rows of 28": ("lstm", {}, _ROWS),
    "GRU, 128 units, 28 rows of 28": ("gru", {}, _ROWS),
    "TCN, adding problem of 200 steps": ("tcn", {}, _SERIES),
    "TCN, 64 filters, adding problem of 200 steps": ("tcn", {"filters": 64}, _SERIES),
    "ResNet-8, 16 to 64 channels, 32 × 32": ("resnet8", {}, _PICTURES),
    "VGG-like, 32 to 128 channels, 32 × 32": ("vgg", {}, _PICTURES),
    "MLP, 2 × 512 units, 32 × 32": ("mlp", {"units": [512, 512]}, _PICTURES),
    "VAE, dense, 28 × 28": ("vae", {}, _AGAIN),
    "VAE, convolutional, 28 × 28": ("vae", {"network": "conv"}, _AGAIN),
}
"""A model of the catalog or `vgg`, its options and the form of the data, by name."""

SYSTEMS = {
    "wncompare": "tensorflow",
    "wncompare, mixed_bfloat16": "tensorflow",
    "Keras 3 fit, TensorFlow": "tensorflow",
    "Keras 3 fit, JAX": "jax",
    "Keras 3 fit, torch": "torch",
}
"""Keras's backend, by system."""

_LOSSES: dict[TargetKind, str] = {
    "classes": "sparse_categorical_crossentropy",
    "numbers": "mean_squared_error",
    "inputs": "own",
}


def main() -> None:
    """Measure every network in every system, or, with --network, one of them in this process."""
    options = parser(__doc__)
    options.add_argument("--rounds", type=int, default=3, help="measurements of each (default: 3)")
    options.add_argument("--epochs", type=int, default=3, help="epochs after the first (default: 3)")
    options.add_argument("--steps", type=int, default=50, help="training steps of an epoch (default: 50)")
    options.add_argument("--only", choices=NETWORKS, action="append", help="these networks alone")
    options.add_argument("--system", choices=SYSTEMS, action="append", help="these systems alone")
    options.add_argument("--network", choices=NETWORKS, help="measure it here in the one system, print it as JSON")
    chosen = options.parse_args()
    if chosen.network:
        print(json.dumps(measured(chosen.network, chosen.system[0], steps=chosen.steps, epochs=chosen.epochs)))
        return
    settings = {"batch": BATCH, "steps": chosen.steps, "epochs": chosen.epochs, "rounds": chosen.rounds}
    results = Results("networks", settings, chosen.results)
    for number in range(chosen.rounds):
        for network in chosen.only or NETWORKS:
            for system in in_turn(chosen.system or list(SYSTEMS), number):
                what = {"network": network, "system": system, "round": number}
                results.measure(what, partial(elsewhere, network, system, chosen))


def elsewhere(network: str, system: str, chosen: Any) -> Any:
    """One measurement in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.networks", "--network", network, "--system", system]
    command += ["--steps", chosen.steps, "--epochs", chosen.epochs]
    return printed(command, one_core=True, environment={"KERAS_BACKEND": SYSTEMS[system]})


def measured(network: str, system: str, *, steps: int, epochs: int) -> dict[str, float]:
    """Milliseconds of a step, of the clock and of the processor, in the fastest epoch after the first."""
    name, options, form = NETWORKS[network]
    x, y = arrays(form, steps * BATCH)
    systems = {
        "wncompare": partial(trained, "float32"),
        "wncompare, mixed_bfloat16": partial(trained, "mixed_bfloat16"),
    }
    seconds = list(systems.get(system, fitted)(name, options, form, x, y, 1 + epochs))[1:]
    wall, processor = (1000 * min(each) / steps for each in zip(*seconds, strict=True))
    return {"step_ms": wall, "processor_ms": processor}


def arrays(form: Form, count: int) -> tuple[Any, Any]:
    """Random inputs of the form and targets, as a split has them; targets that are the inputs are the same array."""
    rng = np.random.default_rng(0)
    shape = (count, *form.input.shape)
    is_image = form.input.kind == "image"
    x = rng.integers(0, 256, shape, np.uint8) if is_image else rng.random(shape, np.float32)
    if form.target.kind == "inputs":
        return x, x
    return x, rng.integers(0, 10, count) if form.target.kind == "classes" else rng.random((count, 1), np.float32)


def vgg() -> Any:
    """Pairs of 3 × 3 convolutions with 32, 64 and 128 channels, each pair followed by pooling, and two dense layers."""
    import keras

    pairs = [
        layer
        for channels in (32, 64, 128)
        for layer in (
            keras.layers.Conv2D(channels, 3, padding="same", activation="relu"),
            keras.layers.Conv2D(channels, 3, padding="same", activation="relu"),
            keras.layers.MaxPooling2D(2),
        )
    ]
    dense = [keras.layers.Dense(256, activation="relu"), keras.layers.Dense(10, activation="softmax")]
    return keras.Sequential([keras.Input((32, 32, 3)), *pairs, keras.layers.Flatten(), *dense])


def trained(
    precision: str, name: str, options: dict[str, Any], form: Form, x: Any, y: Any, epochs: int
) -> Iterator[tuple[float, float]]:
    """Seconds of each epoch of wncompare's trainer in that precision."""
    from wncompare import config as configs
    from wncompare.data import Dataset, Split
    from wncompare.nn import arms
    from wncompare.nn.training.trainer import Trainer

    classes = [str(number) for number in range(10)] if form.target.kind == "classes" else []
    split = Split(x, y)
    dataset = Dataset("random", "random", split, split.take(np.arange(BATCH)), tuple(classes))
    described = {
        "name": "networks",
        "dataset": {"name": "digits"},
        "model": {"name": "mlp" if name == "vgg" else name, **options},
        "variants": [{"name": "regular"}],
        "training": {
            "loss": _LOSSES[form.target.kind],
            "batch_size": BATCH,
            "epochs": epochs,
            "precision": precision,
        },
        "seeds": [0],
    }
    build_model = vgg if name == "vgg" else None
    model = arms.build(configs.from_data(described, "networks"), "regular", 0, dataset, split, build_model)
    trainer = Trainer(model, split, dataset.test, batch_size=BATCH)
    trainer.compile()
    clocks = perf_counter(), process_time()
    for result in trainer.epochs(epochs, seed=0):
        now = perf_counter(), process_time()
        evaluation = result.eval_seconds  # of one batch
        yield now[0] - clocks[0] - evaluation, now[1] - clocks[1] - evaluation
        clocks = perf_counter(), process_time()


def fitted(
    name: str, options: dict[str, Any], form: Form, x: Any, y: Any, epochs: int
) -> Iterator[tuple[float, float]]:
    """Seconds of each epoch of Keras's `fit`, compiled as it chooses for its backend."""
    import keras

    from wncompare.catalog.models import MODELS

    keras.utils.set_random_seed(0)
    model = vgg() if name == "vgg" else MODELS[name].load()(MODELS[name].options.model_validate(options), form=form)
    loss = _LOSSES[form.target.kind]
    metrics = ["accuracy"] if form.target.kind == "classes" else []
    model.compile(optimizer="adam", loss=None if loss == "own" else loss, metrics=metrics)
    x = x.astype("float32") / 255 if x.dtype == np.uint8 else x
    for _ in range(epochs):
        clocks = perf_counter(), process_time()
        model.fit(x, None if loss == "own" else y, batch_size=BATCH, verbose=0)
        yield perf_counter() - clocks[0], process_time() - clocks[1]


if __name__ == "__main__":
    interruptible(main)
