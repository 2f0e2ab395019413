"""One core's limits beside a training step's parts: matrix products and programs cut short, all turn by turn.

A part is a program of XLA that does a step only so far; the difference to the one before it is what the part takes.

    python -m benchmarks.systems.parts CIFAR10.npz [--repeats 15] [--steps 100]
"""

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from benchmarks.common import BATCH, ROOT
from benchmarks.systems import PRODUCT_SIDE
from wncompare import config as configs
from wncompare import data
from wncompare.nn import arms
from wncompare.nn.training.batches import batch_order, on_device
from wncompare.nn.training.lowering import forward
from wncompare.nn.training.trainer import Trainer

Step = Callable[[Any, Any], Any]
Timed = Callable[[], float]


def main() -> None:
    """Print the seconds of everything, by repeat."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--steps", type=int, default=100)
    options = parser.parse_args()
    config = configs.load(ROOT / "configs/cifar10.yaml", [f"dataset={{name: npz, path: {options.file}}}"])
    dataset = data.load("npz", config.dataset)
    timed: dict[str, Timed] = dict(products())
    for variant in config.variants:
        model = arms.build(config, variant.id, 0, dataset, dataset.train)
        trainer = Trainer(model, dataset.train, dataset.test, batch_size=BATCH)
        trainer.compile()
        parts = programs(model, on_device(dataset.train), options.steps)
        timed |= {f"{variant.id}: {part}": program for part, program in parts.items()}
        timed[f"{variant.id}: step"] = lambda trainer=trainer: trainer.step_seconds(options.steps, seed=0)
    print(json.dumps({"seconds": turn_by_turn(timed, options.repeats)}))


def turn_by_turn(timed: Mapping[str, Timed], repeats: int) -> dict[str, float]:
    """The median seconds of each, after one that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in timed}
    for _ in range(repeats + 1):
        for name, measure in timed.items():
            seconds[name].append(measure())
    return {name: median(values[1:]) for name, values in seconds.items()}


def products() -> Mapping[str, Timed]:
    """A large float32 matrix product, PRODUCT_SIDE × PRODUCT_SIDE, by NumPy's BLAS, TensorFlow and XLA."""
    a = np.random.default_rng(0).standard_normal((PRODUCT_SIDE, PRODUCT_SIDE), dtype=np.float32)
    placed = tf.constant(a)
    compiled = tf.function(tf.matmul, jit_compile=True, autograph=False)
    return {
        "product: NumPy": lambda: clocked(lambda: a @ a),
        "product: TensorFlow": lambda: clocked(lambda: tf.matmul(placed, placed).numpy()),
        "product: XLA": lambda: clocked(lambda: compiled(placed, placed).numpy()),
    }


def clocked(function: Callable[[], Any]) -> float:
    """Seconds of one call."""
    started = perf_counter()
    function()
    return perf_counter() - started


def programs(model: keras.Sequential, split: Any, steps: int) -> dict[str, Timed]:
    """Programs of `steps` steps, each doing more than the one before it; a call gives the seconds of a step."""
    order = tf.constant(batch_order(len(split), seed=0, epoch=1))
    found = {}
    for part, step in parts(model).items():
        program = looped(step, split, order, steps)
        found[part] = lambda program=program: clocked(lambda: float(program())) / steps
    return found


def parts(model: keras.Sequential) -> dict[str, Step]:
    """Steps cut short, in the order of what they do; each returns a number that depends on all it did."""
    pools = [index + 1 for index, layer in enumerate(model.layers) if isinstance(layer, keras.layers.MaxPooling2D)]
    stages = {f"conv_{number} forward": until(model, end) for number, end in enumerate(pools, start=1)}
    dense, conv_2, conv_1 = (layers_variables(model.layers[start:]) for start in (pools[1], pools[0], 0))
    return {
        "gather": lambda images, labels: tf.reduce_sum(tf.cast(images, tf.float32)),
        **{name: summed(stage) for name, stage in stages.items()},
        "dense forward and loss": lambda images, labels: loss(model, images, labels),
        "dense backward": gradients(model, dense),
        "conv_2 backward": gradients(model, conv_2),
        "conv_1 backward": gradients(model, conv_1),
    }


def until(model: keras.Sequential, end: int) -> Any:
    """The model's first layers as a forward pass, lowered as the trainer lowers them."""
    return forward(keras.Sequential([keras.Input(model.input_shape[1:]), *model.layers[:end]]))


def summed(predict: Any) -> Step:
    """A step that sums up a forward pass."""
    return lambda images, labels: tf.reduce_sum(predict(images, training=True))


def loss(model: keras.Model, images: Any, labels: Any) -> Any:
    """The loss of a batch."""
    predictions = forward(model)(images, training=True)
    return model.compute_loss(images, tf.one_hot(labels, predictions.shape[-1]), predictions, None, training=True)


def gradients(model: keras.Model, variables: list[Any]) -> Step:
    """A step that sums up the loss's gradients with respect to some of the variables."""

    def step(images: Any, labels: Any) -> Any:
        with tf.GradientTape() as tape:
            value = loss(model, images, labels)
        return tf.add_n([tf.reduce_sum(gradient) for gradient in tape.gradient(value, variables)])

    return step


def layers_variables(layers: list[keras.layers.Layer]) -> list[Any]:
    """What is trained in some layers."""
    return [variable.value for layer in layers for variable in layer.trainable_variables]


def looped(step: Step, split: Any, order: Any, steps: int) -> Callable[[], Any]:
    """A program of so many steps over batches in that order, as the trainer's own."""

    @tf.function(jit_compile=True, autograph=False)
    def program(images: Any, labels: Any, order: Any) -> Any:
        def body(done: Any, total: Any) -> Any:
            rows = tf.gather(order, done * BATCH + tf.range(BATCH))
            return done + 1, total + step(tf.gather(images, rows), tf.gather(labels, rows))

        return tf.while_loop(lambda done, total: done < steps, body, [tf.constant(0), tf.constant(0.0)])[1]

    return lambda: program(split.inputs, split.targets, order)


if __name__ == "__main__":
    main()
