"""Small models and data for the trainer's tests."""

from typing import Any

import keras
import numpy as np
from keras import layers

from wncompare.data.dataset import Split
from wncompare.nn.training.trainer import EpochResult, Trainer

BATCH = 16


SIZE = (10, 10, 2)


CLASSES = 5


def split(n: int, seed: int) -> Split:
    """Images whose brightness tells their class, with noise."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, CLASSES, n)
    x = rng.integers(0, 100, (n, *SIZE)) + 30 * y[:, None, None, None]
    return Split(x.astype(np.uint8), y)


train, validation = split(112, 0), split(37, 1)


ragged = train.take(np.arange(100))  # 6 batches of 16 and one of 4


def compiled(
    *extra: keras.layers.Layer, optimizer: Any = "adam", loss: Any = "categorical_crossentropy"
) -> keras.Sequential:
    """A small model that is lowered, with extra layers after its pooling."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input(SIZE),
            layers.Conv2D(4, 3, activation="relu"),
            layers.MaxPooling2D(2),
            *extra,
            layers.Flatten(),
            layers.Dense(CLASSES, activation="softmax"),
        ]
    )
    model.compile(optimizer=optimizer, loss=loss, metrics=["accuracy"])
    return model


def flat(optimizer: Any = "adam", **options: Any) -> keras.Sequential:
    """A small model without convolutions, which compiles faster; Keras's own `fit` runs it without compiling."""
    keras.utils.set_random_seed(0)
    hidden = layers.Dense(6, activation="relu")
    model = keras.Sequential([keras.Input(SIZE), layers.Flatten(), hidden, layers.Dense(CLASSES, activation="softmax")])
    settings = {"loss": "categorical_crossentropy", "metrics": ["accuracy"], **options}
    model.compile(optimizer=optimizer, run_eagerly=True, **settings)
    return model


def stateful(optimizer: Any = "adam") -> keras.Sequential:
    """A model with all the state there is: dropout's seed generator and batch norm's moving averages."""
    return compiled(layers.BatchNormalization(), layers.Dropout(0.3, seed=7), optimizer=optimizer)


def run(model: keras.Model, epochs: int = 2, data: Split = train, **options: Any) -> list[EpochResult]:
    """Train by the compiled trainer."""
    return list(trainer(model, data, lowered=options.pop("lowered", None)).epochs(epochs, seed=3, **options))


def trainer(model: keras.Model, data: Split = train, lowered: bool | None = None) -> Trainer:
    """The compiled trainer of a model."""
    return Trainer(model, data, validation, batch_size=BATCH, lowered=lowered)


def state(model: keras.Model) -> list[np.ndarray]:
    """Every variable there is: weights, moving averages, seed generators, optimizer."""
    return [variable.numpy() for variable in [*model.variables, *model.optimizer.variables]]


def assert_identical(one: keras.Model, other: keras.Model) -> None:
    """Every variable of both has the same bits."""
    for a, b in zip(state(one), state(other), strict=True):
        np.testing.assert_array_equal(a, b)


def without_seconds(results: list[EpochResult]) -> list[tuple[Any, ...]]:
    """What must repeat bit-identically."""
    return [(result.epoch, result.logs, result.learning_rate, result.steps) for result in results]
