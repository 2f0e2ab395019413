"""What a config tells of how an arm is executed, against how it is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from wncompare.catalog.variants import VARIANTS
from wncompare.data.form import image_form
from wncompare.layers import WeightNormalization, WeightStandardization
from wncompare.nn import models
from wncompare.nn.identity import known_by
from wncompare.nn.precision import mix
from wncompare.nn.training.conv_pool import ConvPool
from wncompare.nn.training.lowering import choose_execution, lower
from wncompare.records.execution import path_of, pools_of

SIZE = (24, 24, 3)
NAMES = [name for name in VARIANTS if name != "function"]
BATCH = np.random.default_rng(0).random((8, *SIZE), dtype=np.float32)


def network(*stack: keras.layers.Layer) -> keras.Model:
    """A classifier behind a stack of layers."""
    end = [layers.Flatten(), layers.Dense(4), layers.Dense(3, activation="softmax")]
    return keras.Sequential([keras.Input(SIZE), *stack, *end])


def varied(model: keras.Model, variant: str) -> keras.Model:
    """A variant of a model, with its default options."""
    entry = VARIANTS[variant]
    return entry.load()(model, entry.options(), BATCH)


def is_lowered_anew(model: keras.Model) -> bool:
    """Whether a model is lowered, and has a block that an earlier version would have left to TensorFlow."""
    has_norm = any(isinstance(stage, ConvPool) and stage.norm for stage in lower(model))
    standardized = [layer.layer for layer in model.layers if isinstance(layer, WeightStandardization)]
    is_new = has_norm or any(isinstance(layer, layers.Conv2D) for layer in standardized)
    return is_new and choose_execution(model, (255 * BATCH).astype(np.uint8)).xla


def said(model: dict[str, Any], variant: str) -> bool:
    """Whether an identity says that an arm is lowered."""
    return path_of(variant, pools_of(model)) == {"path": "lowered"}


@pytest.mark.parametrize("variant", NAMES)
def test_a_lenet_is_executed_as_its_identity_says(variant: str) -> None:
    """Every variant of the catalog runs lowered, under XLA; those that did not always say so in their identity."""
    model = varied(models.lenet(None, form=image_form(SIZE, 3)), variant)
    assert choose_execution(model, (255 * BATCH).astype(np.uint8)).xla
    assert said({"name": "lenet"}, variant) is is_lowered_anew(model)


def test_a_lenet_in_bfloat16_is_not_lowered() -> None:
    """Its convolutions are TensorFlow's own, so that its identity needs no path."""
    model = varied(models.lenet(None, form=image_form(SIZE, 3)), "batch_norm")
    mix(model, BATCH)
    assert not choose_execution(model, (255 * BATCH).astype(np.uint8)).xla


def conv(**options: Any) -> keras.layers.Layer:
    """A convolution of few channels."""
    return layers.Conv2D(4, 3, **options)


def pool() -> keras.layers.Layer:
    """The pool that convolutions are lowered with."""
    return layers.MaxPooling2D(2)


def relu() -> keras.layers.Layer:
    """ReLU as a layer."""
    return layers.Activation("relu")


def norm(**options: Any) -> keras.layers.Layer:
    """Batch norm."""
    return layers.BatchNormalization(**options)


STACKS: dict[str, Callable[[], list[keras.layers.Layer]]] = {
    "plain": lambda: [conv(activation="relu"), pool()],
    "a ReLU of its own": lambda: [conv(), relu(), pool()],
    "normalized": lambda: [conv(), norm(), relu(), pool(), conv(activation="relu"), pool()],
    "normalized and weight-normalized": lambda: [WeightNormalization(conv(), data_init=False), norm(), pool()],
    "standardized": lambda: [WeightStandardization(conv()), pool()],
    "in groups": lambda: [conv(), layers.GroupNormalization(groups=2), pool()],
    "same padding": lambda: [conv(padding="same"), norm(), relu(), pool()],
    "strides": lambda: [conv(strides=2), norm(), relu(), pool()],
    "a norm behind the ReLU": lambda: [conv(activation="relu"), norm(), pool()],
    "one left": lambda: [conv(), norm(), relu(), pool(), conv()],
    "many channels": lambda: [layers.Conv2D(16, 3), relu(), pool(), conv(), norm(), pool()],
    "a large kernel": lambda: [layers.Conv2D(4, 9), norm(), relu(), pool()],
    "another pool": lambda: [conv(), norm(), relu(), layers.MaxPooling2D(3)],
    "another activation": lambda: [conv(activation="tanh"), pool()],
    "no convolution": lambda: [norm(), layers.Flatten(), layers.Dense(4), norm()],
    "a part of its own": lambda: [keras.Sequential([conv(), norm(), relu(), pool()])],
}


@pytest.mark.parametrize("stack", STACKS)
def test_networks_of_ones_own_are_executed_as_their_identity_says(stack: str, tmp_path: Path) -> None:
    """From a file and from a function, in every variant: the path is in the identity where the arm is lowered anew.

    A norm behind a norm is the exception: it is taken for lowered and is not.
    """

    def build() -> keras.Model:
        return network(*STACKS[stack]())

    file = {"name": "file", "file": str(tmp_path / "own.keras")}
    build().save(file["file"])
    function = {"name": "function", **known_by(build)}
    for variant in ("regular", "weight_norm", "batch_norm", "weight_standardization"):
        lowered = is_lowered_anew(varied(build(), variant))
        lowered |= variant == "batch_norm" and pools_of(file) == "normalized"
        assert said(file, variant) is said(function, variant) is lowered, variant


def test_a_variant_of_ones_own_is_known_by_what_it_makes() -> None:
    """Its network is looked at when the function is called, as the regular one's says nothing about it."""

    def vary(model: keras.Model) -> keras.Model:
        return varied(model, "batch_norm")

    def build() -> keras.Model:
        return network(conv(activation="relu"), pool())

    assert known_by(build)["pools"] == "plain"
    assert known_by(build, vary, "own")["pools"] == "normalized"
    assert path_of("function", "normalized") == {"path": "lowered"}
    assert path_of("function", "plain") == path_of("function", None) == {}


@pytest.mark.parametrize("content", [b"", b"PK", b"{}"])
def test_a_damaged_file_says_nothing(tmp_path: Path, content: bytes) -> None:
    """What loads it says what is wrong."""
    (tmp_path / "own.keras").write_bytes(content)
    assert pools_of({"name": "file", "file": str(tmp_path / "own.keras")}) is None


def test_a_functional_network_says_nothing() -> None:
    """Only a Sequential is lowered."""

    def build() -> keras.Model:
        inputs = keras.Input(SIZE)
        x = layers.Flatten()(pool()(norm()(conv()(inputs))))
        return keras.Model(inputs, layers.Dense(3, activation="softmax")(x))

    assert known_by(build)["pools"] is None
