"""A network whose first layers squash the images is refused; one that only looks like it is not."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from wncompare.errors import ModelError
from wncompare.nn.input_range import refuse_squashed

RNG = np.random.default_rng(0)
PHOTOS = RNG.random((8, 6, 6, 3)).astype("float32")
DULL = (0.5 + 0.08 * (RNG.random((8, 6, 6, 3)) - 0.5)).astype("float32")
DARK = (0.01 * RNG.random((8, 6, 6, 3))).astype("float32")
BRIGHT = (0.97 + 0.03 * RNG.random((8, 6, 6, 3))).astype("float32")


def adapted(images: np.ndarray, **options: Any) -> layers.Layer:
    """A Normalization adapted to images."""
    layer = layers.Normalization(**options)
    layer.adapt(images)
    return layer


def sequential(*first: layers.Layer) -> keras.Model:
    """These layers before a small network."""
    head = [layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(2, activation="softmax")]
    return keras.Sequential([keras.Input((6, 6, 3)), *first, *head])


def functional(change: Callable[[Any], Any]) -> keras.Model:
    """A function of the inputs before a submodel with the weights."""
    inputs = keras.Input((6, 6, 3))
    block = keras.Sequential([keras.Input((6, 6, 3)), layers.Conv2D(4, 3), layers.Flatten()])
    return keras.Model(inputs, layers.Dense(2)(block(change(inputs))))


class Divided(layers.Layer):
    """A layer of one's own around what divides."""

    def __init__(self) -> None:
        super().__init__()
        self.rescaling = layers.Rescaling(1 / 255)
        self.convolution = layers.Conv2D(3, 1)

    def call(self, inputs: Any) -> Any:
        """Of the divided inputs."""
        return self.convolution(self.rescaling(inputs))


SQUASHED = {
    "rescaling": lambda: sequential(layers.Rescaling(1 / 255)),
    "with an offset": lambda: sequential(layers.Rescaling(1 / 127.5, offset=-1)),
    "after augmentation": lambda: sequential(layers.RandomFlip(), layers.Rescaling(1 / 255)),
    "before pooling": lambda: sequential(layers.Rescaling(1 / 255), layers.AveragePooling2D(2)),
    "lambda": lambda: sequential(layers.Lambda(lambda x: x / 255)),
    "operation": lambda: functional(lambda x: x / 255.0),
    "means of 0..255": lambda: sequential(layers.Rescaling(1, offset=[-103.9, -116.8, -123.7])),
    "adapted to 0..255": lambda: sequential(adapted(255 * PHOTOS)),
    "adapted to dull 0..255": lambda: sequential(adapted(255 * DULL)),
    "adapted by pixel": lambda: sequential(adapted(255 * PHOTOS, axis=(1, 2, 3))),
    "before batch normalization": lambda: sequential(layers.Rescaling(1 / 255), layers.BatchNormalization()),
    "in a layer of one's own": lambda: sequential(Divided()),
    "in a submodel": lambda: sequential(keras.Sequential([keras.Input((6, 6, 3)), layers.Rescaling(1 / 255)])),
}


@pytest.mark.parametrize("case", SQUASHED)
def test_images_that_are_scaled_twice_are_refused(case: str) -> None:
    """However they are divided; the message has the ranges and the remedy, on one line."""
    with pytest.raises(ModelError, match=r"scales images to \[0, 1\] already: remove the Rescaling") as caught:
        refuse_squashed(SQUASHED[case](), PHOTOS)
    assert "\n" not in str(caught.value)


FINE = {
    "nothing": lambda: sequential(),
    "to −1..1": lambda: sequential(layers.Rescaling(2, offset=-1)),
    "back to 0..255": lambda: sequential(layers.Rescaling(255)),
    "lambda": lambda: sequential(layers.Lambda(lambda x: x * 0.3 - 0.1)),
    "adapted": lambda: sequential(adapted(PHOTOS)),
    "augmentation": lambda: sequential(layers.RandomFlip(), layers.RandomRotation(0.1)),
    "pooling": lambda: sequential(layers.AveragePooling2D(2)),
    "batch normalization": lambda: sequential(layers.BatchNormalization()),
    "rescaling behind weights": lambda: sequential(layers.Conv2D(3, 1), layers.Rescaling(1 / 255)),
    "averaged": lambda: keras.Sequential([keras.Input((6, 6, 3)), layers.GlobalAveragePooling2D(), layers.Dense(2)]),
    "no weights": lambda: keras.Sequential([keras.Input((6, 6, 3)), layers.Flatten()]),
}


@pytest.mark.parametrize("images", [PHOTOS, DULL, DARK, BRIGHT, np.zeros_like(PHOTOS)])
@pytest.mark.parametrize("case", FINE)
def test_other_networks_and_other_images_are_not(case: str, images: np.ndarray) -> None:
    """Dark, bright and dull images are what they are, and so are other ranges."""
    refuse_squashed(FINE[case](), images)
