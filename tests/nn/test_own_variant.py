"""A variant of one's own: what a function makes of the regular model, and how the network that it makes is known."""

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from wncompare.errors import ModelError
from wncompare.nn.identity import known_by
from wncompare.nn.own_variant import varied
from wncompare.records.identity import farthest


def network() -> keras.Sequential:
    """A regular model."""
    return keras.Sequential(
        [
            keras.Input((4, 4, 1)),
            layers.Flatten(),
            layers.Dense(6, activation="relu", name="hidden"),
            layers.Dense(3, activation="softmax", name="classes"),
        ]
    )


def tanh(model: keras.Model) -> keras.Model:
    """Another activation, in place."""
    model.get_layer("hidden").activation = keras.activations.tanh
    return model


def dropout(model: keras.Model) -> keras.Model:
    """Another model of the same layers."""
    return keras.Sequential([keras.Input((4, 4, 1)), *model.layers[:-1], layers.Dropout(0.5), model.layers[-1]])


def spectral(model: keras.Model) -> keras.Model:
    """A wrapper of Keras's around a layer."""
    flatten, hidden, classes = model.layers
    return keras.Sequential([keras.Input((4, 4, 1)), flatten, layers.SpectralNormalization(hidden), classes])


def halved(model: keras.Model) -> keras.Model:
    """Other initial weights alone."""
    model.set_weights([weight / 2 for weight in model.get_weights()])
    return model


@pytest.mark.parametrize("vary", [tanh, dropout, spectral, halved])
def test_another_change_is_another_network(vary: Any) -> None:
    """A change in the layers, in how they train or in weights alone is seen; the same one is the same each time."""
    plain, changed = known_by(network), known_by(network, vary, "changed")
    assert plain["architecture"] != changed["architecture"] or farthest(plain["probe"], changed["probe"]) > 0
    assert known_by(network, vary, "changed") == changed


def test_the_layers_that_it_keeps_have_the_regular_weights() -> None:
    """The arms of a seed begin with the same kernels, also in a model that is made of the layers anew."""
    keras.utils.set_random_seed(0)
    model = network()
    kernels = [np.array(weight) for weight in model.get_weights()]
    for one, other in zip(kernels, varied(model, dropout, "dropout").get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


class Own(keras.Sequential):
    """A model that trains in a way of its own."""

    def train_step(self, data: Any) -> Any:
        """Nothing."""


REFUSED: list[tuple[Any, str]] = [
    (lambda model: None, "returns None: expected the changed keras.Model: end it with return model"),
    (lambda model: model.layers, r"returns \[.*expected the changed keras.Model"),
    (lambda model: keras.Model(), "a Model that does not know its inputs"),
    (lambda model: Own([keras.Input((4, 4, 1)), *model.layers]), r"a Own with a train_step\(\) of its own"),
    (
        lambda model: keras.Sequential([keras.Input((4, 4, 1)), *model.layers[:-1]]),
        r"makes a model from \(None, 4, 4, 1\) to \(None, 6\): expected \(None, 4, 4, 1\) to \(None, 3\)",
    ),
    (lambda model: model.get_layer("nowhere"), "fails on the regular model: ValueError: No such layer: nowhere"),
    (lambda: None, "fails on the regular model: TypeError: .*takes 0 positional arguments"),
]


@pytest.mark.parametrize(("vary", "words"), REFUSED)
def test_what_is_no_variant_is_refused_on_one_line(vary: Any, words: str) -> None:
    """With the variant's name, what it gave and what was expected."""
    with pytest.raises(ModelError, match=f"variant mine: {words}") as caught:
        varied(network(), vary, "mine")
    assert "\n" not in str(caught.value)


def test_one_that_differs_at_its_second_call_is_refused() -> None:
    """Randomness that no seed reaches would give every run a network of its own."""

    def noisy(model: keras.Model) -> keras.Model:
        model.layers[1].kernel.assign_add(np.random.default_rng().normal(size=(16, 6)))
        return model

    with pytest.raises(ModelError, match="variant noisy: makes another network at its second call"):
        known_by(network, noisy, "noisy")
