"""A network is recognised by what it computes, on whichever processor."""

import random
from collections.abc import Callable
from itertools import count
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from wncompare.errors import ModelError
from wncompare.nn.identity import architecture, known_by, probe
from wncompare.records.identity import farthest


class Scaled(layers.Layer):
    """Whose function is no part of its configuration."""

    factor = 1.0
    only_in_training = 1.0

    def call(self, inputs: Any, training: bool = False) -> Any:
        """So many times the inputs."""
        return inputs * self.factor * (self.only_in_training if training else 1.0)


def changed(**attributes: float) -> layers.Layer:
    """The layer with another function."""
    layer = Scaled()
    for name, value in attributes.items():
        setattr(layer, name, value)
    return layer


def network(layer: layers.Layer | None = None, head: str = "glorot_uniform", **options: Any) -> keras.Model:
    """A small network with such a layer in it."""
    return keras.Sequential(
        [
            keras.Input((4, 4, 1)),
            layers.Flatten(),
            layers.Dense(6, activation="relu", **options),
            layer or Scaled(),
            layers.Dense(3, activation="softmax", kernel_initializer=head),
        ]
    )


def with_weights(factor: float) -> keras.Model:
    """Weights set by hand."""
    model = network()
    model.set_weights([factor * weight for weight in model.get_weights()])
    return model


def with_normalization(shift: float) -> keras.Model:
    """Values that were adapted."""
    layer = layers.Normalization()
    layer.adapt(np.random.default_rng(0).normal(shift, 1, (50, 6)).astype("float32"))
    return network(layer)


def penalized(factor: float) -> keras.Model:
    """A regularizer whose strength no configuration tells."""

    class Penalty(keras.regularizers.Regularizer):
        def __call__(self, x: Any) -> Any:
            """A sum of squares."""
            return factor * keras.ops.sum(x * x)

        def get_config(self) -> dict[str, Any]:
            """Nothing."""
            return {}

    return network(kernel_regularizer=Penalty())


def constrained(largest: float) -> keras.Model:
    """A constraint whose bound no configuration tells."""

    class Clipped(keras.constraints.Constraint):
        def __call__(self, w: Any) -> Any:
            """Within the bound."""
            return keras.ops.clip(w, -largest, largest)

    return network(kernel_constraint=Clipped())


class Passed(layers.Layer):
    """Which gives its inputs, and may keep the gradient back."""

    stops = False

    def call(self, inputs: Any) -> Any:
        """The inputs."""
        return keras.ops.stop_gradient(inputs) if self.stops else inputs * 1


def stopping() -> keras.Model:
    """The first weights learn nothing."""
    layer = Passed()
    layer.stops = True
    return network(layer)


PAIRS: list[tuple[Callable[[], keras.Model], Callable[[], keras.Model]]] = [
    (network, lambda: network(changed(factor=1.1))),
    (network, lambda: network(changed(only_in_training=1.1))),
    (lambda: network(head="zeros"), lambda: network(changed(factor=1.1), head="zeros")),
    (network, lambda: with_weights(1.02)),
    (lambda: with_normalization(0.0), lambda: with_normalization(0.05)),
    (lambda: penalized(0.1), lambda: penalized(0.11)),
    (lambda: constrained(0.1), lambda: constrained(0.11)),
    (lambda: network(Passed()), stopping),
]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_another_function_of_the_same_architecture_is_another_network(one: Any, other: Any) -> None:
    """Code, set weights, adapted values and losses that no configuration tells, also behind a head of zeros."""
    first, second = known_by(one), known_by(other)
    assert first["architecture"] == second["architecture"]
    assert farthest(first["probe"], second["probe"]) > 0
    assert farthest(first["probe"], known_by(one)["probe"]) == 0


def test_rounding_is_no_difference_and_backends_are_not_compared() -> None:
    """Numbers that differ in their sixth digit are equal; what only one side has says nothing; NaN is a number here."""
    numbers = tuple(probe(network()))
    nearly = tuple(number * (1 + 1e-5) for number in numbers)
    assert farthest({"tensorflow": numbers}, {"tensorflow": nearly}) == 0
    assert farthest({"tensorflow": numbers}, {"jax": tuple(-number for number in numbers)}) == 0
    assert farthest(None, {"jax": numbers}) == 0
    assert farthest({"jax": numbers[1:]}, {"jax": numbers}) > 0
    broken = network(changed(factor=float("nan")))
    assert np.isfinite(probe(broken)).all()


UNREPEATABLE: list[Callable[[], Callable[[], keras.Model]]] = [
    lambda: (lambda counter: lambda: network(units_of(next(counter))))(count(4)),
    lambda: lambda: network(changed(factor=np.random.default_rng().normal())),
    lambda: lambda: network(changed(factor=random.Random().random())),
    lambda: lambda: with_weights(random.SystemRandom().random()),
]


def units_of(units: int) -> layers.Layer:
    """A layer of that size."""
    return layers.Dense(units)


@pytest.mark.parametrize("make", UNREPEATABLE)
def test_a_function_that_makes_another_network_each_time_is_refused(make: Any) -> None:
    """A counter and randomness that no seed reaches would give every run, and every arm, a network of its own."""
    with pytest.raises(ModelError, match=r"makes another network at its second call.*set_random_seed"):
        known_by(make())


def test_seeded_randomness_is_fine_and_the_caller_s_goes_on_as_before() -> None:
    """What follows from Keras's seed, also Python's and NumPy's, is one network; the caller's streams are untouched."""
    random.seed(3)
    np.random.seed(3)  # noqa: NPY002
    expected = (random.Random(3).random(), np.random.RandomState(3).rand())
    known_by(lambda: network(changed(factor=1 + random.random() + np.random.rand())))  # noqa: NPY002
    assert (random.random(), np.random.rand()) == expected  # noqa: NPY002


def test_an_architecture_without_a_configuration_has_a_digest_too() -> None:
    """A layer that gives no account of its arguments is known by its type and its weights' shapes."""

    class Silent(layers.Layer):
        def __init__(self, function: Any) -> None:
            super().__init__()
            self.function = function

        def call(self, inputs: Any) -> Any:
            """Whatever the function says."""
            return self.function(inputs)

    wide, again, narrow = (
        architecture(keras.Sequential([keras.Input((3,)), Silent(abs), layers.Dense(units)])) for units in (4, 4, 5)
    )
    assert wide == again != narrow


def test_what_makes_no_network_is_refused_on_one_line() -> None:
    """A function that fails, needs arguments, returns something else or a model that does not know its inputs."""
    unbuilt = keras.Sequential([layers.Dense(2)])
    for function, words in (
        (lambda x: x, r"fails when called without arguments: TypeError"),
        (lambda: 1 / 0, r"ZeroDivisionError: division by zero"),
        (lambda: 3, r"returns 3: expected a function that makes"),
        (lambda: unbuilt, r"begins with keras\.Input\(shape\)"),
    ):
        with pytest.raises(ModelError, match=words) as caught:
            known_by(function)
        assert "\n" not in str(caught.value)


def test_a_keras_json_changes_no_network() -> None:
    """Workers put these settings aside, so a network is the same whatever they are; afterwards they are as before."""
    expected = known_by(network)
    config = keras.config
    before = config.epsilon()
    config.set_floatx("float64")
    config.set_image_data_format("channels_first")
    config.set_epsilon(1e-3)
    config.set_dtype_policy("mixed_float16")
    try:
        assert known_by(network) == expected
        found = config.floatx(), config.image_data_format(), config.epsilon(), config.dtype_policy().name
        assert found == ("float64", "channels_first", 1e-3, "mixed_float16")
    finally:
        config.set_floatx("float32")
        config.set_image_data_format("channels_last")
        config.set_epsilon(before)
        config.set_dtype_policy("float32")


@pytest.mark.parametrize("base", [keras.Model, keras.Sequential])
@pytest.mark.parametrize("step", ["train_step", "test_step", "compute_loss"])
def test_a_way_of_training_of_one_s_own_is_refused(base: Any, step: str) -> None:
    """It would be left out without a word: the arms are trained by one loop."""
    own = type("Own", (base,), {step: lambda self, *args, **kwargs: None, "__module__": __name__})
    inputs = keras.Input((4,))

    def make() -> keras.Model:
        return own([inputs, layers.Dense(3)]) if base is keras.Sequential else own(inputs, layers.Dense(3)(inputs))

    with pytest.raises(ModelError, match=rf"a Own with a {step}\(\) of its own, which would not be run"):
        known_by(make)


@pytest.mark.parametrize(("layer", "known"), [("LSTM", True), ("SimpleRNN", True), ("Conv1D", None)])
def test_a_recurrent_network_is_known_as_one(layer: str, known: bool | None) -> None:
    """Whether layer_norm has recurrent layers to normalize inside, which the plan asks without Keras."""
    options = {"kernel_size": 2} if layer == "Conv1D" else {}

    def build() -> keras.Model:
        inner = getattr(keras.layers, layer)(3, **options)
        return keras.Sequential([keras.Input((4, 2)), inner, keras.layers.Flatten(), keras.layers.Dense(2)])

    assert known_by(build)["recurrent"] is known
