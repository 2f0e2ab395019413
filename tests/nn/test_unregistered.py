"""Layers, activations and the like that nobody registered come through every way of building a model anew."""

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

from wncompare.catalog.variants import VARIANTS
from wncompare.layers import fold, weight_normalize
from wncompare.nn.layers.copying import copied

from .networks import NAMED, Scaled, assert_same, functional, outputs, sequential

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword")


def squared(inputs: Any) -> Any:
    """An activation of one's own."""
    return inputs * inputs


class Sevenths(keras.initializers.Initializer):
    """An initializer of one's own, with an argument and no `get_config`."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        """The value, seven times too small."""
        return ops.ones(shape, dtype) * self.value / 7


class Penalty(keras.regularizers.Regularizer):
    """A regularizer of one's own, without `get_config`."""

    def __call__(self, x: Any) -> Any:
        """Half the L1 norm."""
        return ops.sum(ops.abs(x)) * 0.5


class Clipped(keras.constraints.Constraint):
    """A constraint of one's own."""

    def __call__(self, w: Any) -> Any:
        """Within 1."""
        return ops.clip(w, -1, 1)


def relu(inputs: Any) -> Any:
    """Not Keras's, though it has the name."""
    return inputs + 3


OWN: list[Callable[[], layers.Layer]] = [
    lambda: layers.Dense(4, activation=squared),
    lambda: layers.Dense(4, activation=relu),
    lambda: layers.Dense(4, activation=lambda x: x * 0.3),
    lambda: layers.Dense(4, activation=partial(squared)),
    lambda: layers.Dense(4, kernel_initializer=Sevenths(3.0), bias_initializer=Sevenths(1.0)),
    lambda: layers.Dense(4, kernel_regularizer=Penalty(), bias_constraint=Clipped(), activity_regularizer=Penalty()),
    lambda: layers.Activation(squared),
    lambda: layers.Lambda(lambda x: x * 2 - 1),
    lambda: layers.Lambda(squared, output_shape=lambda shape: shape),
    lambda: layers.Lambda(lambda x, factor: x * factor, arguments={"factor": 3.0}),
    lambda: Scaled(),
    lambda: keras.Sequential([keras.Input((5,)), layers.Dense(3, activation=squared), local(3)]),
]


def local(units: int) -> layers.Layer:
    """A class that only this function knows."""

    class Local(layers.Layer):
        def call(self, inputs: Any) -> Any:
            """So many times the inputs."""
            return inputs * units

    return Local()


@pytest.mark.parametrize("build", [sequential, functional])
@pytest.mark.parametrize("make", OWN)
def test_what_nobody_registered_is_taken_as_it_is(make: Any, build: Any, x: np.ndarray) -> None:
    """Whatever is one's own comes along: functions, lambdas, objects and layers, also where a name misleads."""
    x = x / 100
    model = build(make())
    expected = outputs(model, x)
    losses = [float(ops.convert_to_numpy(loss)) for loss in model.losses]
    normalized = weight_normalize(model, data_init=False)
    assert_same(outputs(normalized, x), expected)
    np.testing.assert_allclose([float(ops.convert_to_numpy(loss)) for loss in normalized.losses], losses, rtol=1e-5)
    assert_same(outputs(fold(normalized), x), expected)


@pytest.mark.parametrize("make", OWN)
@pytest.mark.parametrize("name", NAMED)
def test_every_variant_takes_what_nobody_registered(make: Any, name: str, x: np.ndarray) -> None:
    """No variant asks for a registration; the one that changes the function least still computes the same."""
    model = sequential(make())
    expected = outputs(model, x)
    varied = VARIANTS[name].load()(model, SimpleNamespace(data_init=False, momentum=0.9, epsilon=1e-3, outputs=None), x)
    if name in ("regular", "weight_norm"):
        assert_same(outputs(varied, x), expected)
    assert np.isfinite(outputs(varied, x)).all()


class Unrepeatable(layers.Layer):
    """A layer that gives no account of its arguments."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def call(self, inputs: Any) -> Any:
        """Whatever the function says."""
        return self.function(inputs)


def test_a_layer_that_cannot_be_copied_is_named_with_the_remedy(x: np.ndarray) -> None:
    """A variant takes the layer itself; a model with variables of its own needs a copy, and says what is missing."""
    model = sequential(Unrepeatable(squared))
    expected = outputs(model, x)
    with pytest.raises(ValueError, match=r"of type Unrepeatable cannot be built a second time .*get_config\(\)") as it:
        weight_normalize(model, data_init=False)
    assert "\n" not in str(it.value)
    assert_same(outputs(VARIANTS["weight_norm"].load()(model, SimpleNamespace(data_init=False), x), x), expected)


def test_recurrent_wrapped_and_compiled_ones_come_along(x: np.ndarray) -> None:
    """Inside cells and wrappers too, and a model compiled with a loss and a metric of one's own is compiled again."""
    inputs = keras.Input((4, 5))
    hidden = layers.LSTM(3, activation=squared, return_sequences=True)(inputs)
    hidden = layers.TimeDistributed(Scaled())(hidden)
    hidden = layers.RNN(layers.GRUCell(3, recurrent_activation=lambda x: x * 0.1))(hidden)
    model = keras.Model(inputs, layers.Dense(2)(hidden))

    def loss(true: Any, predicted: Any) -> Any:
        return ops.mean(ops.abs(true - predicted), axis=-1)

    model.compile("sgd", loss=loss, metrics=[loss])
    sequences = np.random.default_rng(0).normal(size=(6, 4, 5)).astype("float32")
    model.layers[2].layer.shift = np.float32(0.25)
    model.layers[2].layer.tensor = np.float32(0.5)
    expected = outputs(model, sequences)
    normalized = weight_normalize(model, data_init=False)
    assert_same(outputs(normalized, sequences), expected)
    targets = np.zeros((6, 2), "float32")
    before, after = (each.evaluate(sequences, targets, verbose=0) for each in (model, normalized))
    np.testing.assert_allclose(after, before, rtol=1e-5)


def test_a_copy_of_keras_s_own_layer_has_the_same_configuration() -> None:
    """Nothing of the way through live objects is left in a layer that needs none of it."""
    for layer in (
        layers.Dense(3, "relu", kernel_regularizer="l2"),
        layers.LSTM(2),
        layers.Conv2D(2, 3, dtype="float64"),
    ):
        assert copied(layer).get_config() == layer.get_config()
