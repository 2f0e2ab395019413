"""A frozen layer keeps its values, whichever way it was frozen."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from wncompare.layers import MeanOnlyBatchNormalization, WeightNormalization, initialize_from_data

from .support import value


def freeze(model: keras.Model, how: str) -> None:
    """Freezes the wrapped layer "w" of a model, or a part of it."""
    wrapper = model.get_layer("base").get_layer("w")
    match how:
        case "wrapper":
            wrapper.trainable = False
        case "wrapped layer":
            wrapper.layer.trainable = False
        case "parent":
            model.get_layer("base").trainable = False
        case "model":
            model.trainable = False
        case "bias":
            wrapper.layer.bias.trainable = False
        case "kernel":
            wrapper.layer.kernel.trainable = False
        case "gain":
            wrapper.g["kernel"].trainable = False


def nested(built: bool = True, **options: Any) -> keras.Sequential:
    """A model whose submodel holds a waiting layer; the last layer is free."""
    start = [keras.Input((5,))] if built else []
    base = keras.Sequential([*start, WeightNormalization(layers.Dense(4), name="w")], name="base")
    return keras.Sequential([*start, base, layers.Dense(2)], **options)


def frozen_values(model: keras.Model) -> list[np.ndarray]:
    """g, v and the bias of the wrapped layer."""
    wrapper = model.get_layer("base").get_layer("w")
    return [value(x) for x in (wrapper.g["kernel"], wrapper.layer.kernel, wrapper.layer.bias)]


AFTER = ["wrapper", "wrapped layer", "parent", "model", "bias", "kernel", "gain"]
BEFORE = ["wrapper", "wrapped layer", "parent", "model"]
CASES = [(how, True) for how in AFTER] + [(how, False) for how in BEFORE] + [("constructor", True)]


def frozen(how: str, built: bool) -> keras.Sequential:
    """A built model that was frozen after it was built, or before."""
    model = nested(built, **({"trainable": False} if how == "constructor" else {}))
    freeze(model, how)
    if not built:
        model.build((None, 5))
    return model


@pytest.mark.parametrize(("how", "built"), CASES)
@pytest.mark.parametrize("use", ["call", "training", "initialize_from_data"])
def test_a_frozen_layer_keeps_its_values(how: str, built: bool, use: str, rng: np.random.Generator) -> None:
    """Neither the first eager call nor `initialize_from_data` sets g or the bias of a layer frozen in whole or part."""
    model, batch = frozen(how, built), (rng.normal(size=(16, 5)) + 2).astype("float32")
    before = frozen_values(model)
    ways: dict[str, Callable[[], Any]] = {
        "call": lambda: model(batch),
        "training": lambda: model(batch, training=True),
        "initialize_from_data": lambda: initialize_from_data(model, batch),
    }
    ways[use]()
    for old, new in zip(before, frozen_values(model), strict=True):
        np.testing.assert_array_equal(new, old)


FIT = [(how, True) for how in ("wrapper", "wrapped layer", "parent")] + [("parent", False)]


@pytest.mark.parametrize(("how", "built"), FIT)
def test_fit_leaves_a_frozen_layer_alone(how: str, built: bool, rng: np.random.Generator) -> None:
    """The first batch of `fit` sets nothing in it, on JAX too, where an unfrozen layer would ask for data."""
    model, x = frozen(how, built), (rng.normal(size=(16, 5)) + 2).astype("float32")
    before = frozen_values(model)
    model.compile(keras.optimizers.SGD(0.0), "mse")
    model.fit(x, np.zeros((16, 2)), batch_size=8, verbose=0)
    for old, new in zip(before, frozen_values(model), strict=True):
        np.testing.assert_array_equal(new, old)


def test_an_unfrozen_layer_takes_its_first_batch(rng: np.random.Generator) -> None:
    """What waited while it was frozen is initialized once it is free."""
    layer, batch = WeightNormalization(layers.Dense(4)), rng.normal(size=(64, 5)).astype("float32")
    layer.trainable = False
    layer(batch)
    assert layer.waiting
    layer.trainable = True
    np.testing.assert_allclose(value(layer(batch)).std(0), 1, rtol=1e-4)


@pytest.mark.parametrize("parent", [True, False])
def test_plain_and_mean_only_layers_stay_frozen_too(parent: bool, rng: np.random.Generator) -> None:
    """`initialize_from_data` leaves a frozen plain layer and a frozen moving mean as they are."""
    base = keras.Sequential(
        [keras.Input((5,)), layers.Dense(4, trainable=parent), MeanOnlyBatchNormalization(trainable=parent)]
    )
    if parent:  # set from above, which goes for what is inside too
        base.trainable = False
    model = keras.Sequential([keras.Input((5,)), base, layers.Dense(2)])
    before = [value(v) for v in base.variables]
    initialize_from_data(model, (rng.normal(size=(16, 5)) + 2).astype("float32"))
    for old, variable in zip(before, base.variables, strict=True):
        np.testing.assert_array_equal(value(variable), old)
