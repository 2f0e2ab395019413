"""Small networks with a layer in the place that matters."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from wncompare.catalog.variants import VARIANTS

NAMED = [name for name in VARIANTS if name != "function"]
"""The variants that are there without a function of one's own."""


@dataclass
class Power:
    """An exponent."""

    value: int


class Scaled(layers.Layer):
    """A layer whose constants are set after it is made, as plain attributes of several kinds."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shift = np.zeros(1, "float32")
        self._factor = 1.0
        self.table = {"power": 1, "of": [1.0]}
        self.tensor = ops.zeros(1)
        self.options = SimpleNamespace(power=Power(1))
        self.change = lambda inputs: inputs

    def call(self, inputs: Any) -> Any:
        """Of the inputs and of every constant."""
        centred = self.change(inputs - ops.convert_to_tensor(self.shift)) ** self.options.power.value
        return centred * self._factor ** self.table["power"] * self.table["of"][0] + self.tensor

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's."""
        return input_shape


def sequential(layer: layers.Layer) -> keras.Model:
    """The layer before Dense ones."""
    return keras.Sequential([keras.Input((5,)), layer, layers.Dense(3, activation="elu"), layers.Dense(2)])


def functional(layer: layers.Layer) -> keras.Model:
    """The layer shared by two branches."""
    inputs = keras.Input((5,))
    both = [layers.Dense(3, activation="relu")(layer(branch)) for branch in (inputs, layers.Rescaling(2.0)(inputs))]
    return keras.Model(inputs, layers.Dense(2)(layers.Concatenate()(both)))


def outputs(model: keras.Model, x: Any) -> np.ndarray:
    """What it predicts."""
    return np.array(ops.convert_to_numpy(model(x, training=False)))


def assert_same(found: np.ndarray, expected: np.ndarray) -> None:
    """Equal to rounding."""
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())
