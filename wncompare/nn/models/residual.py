"""Residual networks of images."""

from typing import Any

import keras
from keras import layers

from wncompare.catalog.registry import Options
from wncompare.data.form import Form
from wncompare.errors import ModelError
from wncompare.nn.models import only_input, outputs


def resnet8(options: Options, *, form: Form) -> keras.Model:
    """ResNet-8: a 3 × 3 convolution and three blocks of two, with 16, 32 and 64 channels, at stride 1, 2 and 2.

    He et al. (2015), arXiv 1512.03385, section 4.2, with n = 1: 6n + 2 layers, shortcuts without parameters (option A:
    every second pixel, and zeros for the channels that are new), global average pooling. The paper normalizes each
    convolution's output by the batch: here that is the variant's. 75,050 parameters on 32 × 32 × 3 with 10 classes.

    Raises:
        ModelError: the data are no images, or of less than 8 × 8, or the targets are the inputs.
    """
    shape = only_input(form, "resnet8", kinds=("image", "number")).shape
    if form.target.kind == "inputs":
        raise ModelError("model resnet8: gives classes or numbers, not the inputs again; use the model vae")
    if len(shape) != 3 or min(size or 0 for size in shape[:2]) < 8:
        raise ModelError(
            f"model resnet8: inputs of {shape}: expected images (height, width, channels) of at least 8 × 8; use the "
            "model mlp"
        )
    source = keras.Input(shape)
    x = _convolution(16, "conv", activation="relu")(source)
    for number, channels in enumerate((16, 32, 64), start=1):
        x = _block(x, channels, 1 if number == 1 else 2, f"block_{number}")
    for layer in (layers.GlobalAveragePooling2D(name="pool"), *outputs(form)):
        x = layer(x)
    return keras.Model(source, x, name="resnet8")


def _block(x: Any, channels: int, stride: int, name: str) -> Any:
    new = _convolution(channels, f"{name}_conv_1", strides=stride, activation="relu")(x)
    new = _convolution(channels, f"{name}_conv_2")(new)
    total = layers.Add(name=f"{name}_sum")([_shortcut(x, channels, stride, name), new])
    return layers.Activation("relu", name=f"{name}_relu")(total)


def _shortcut(x: Any, channels: int, stride: int, name: str) -> Any:
    if stride > 1:
        x = layers.MaxPooling2D(1, stride, padding="same", name=f"{name}_every_second")(x)
    if more := channels - x.shape[-1]:  # the last axis, which Keras pads where it takes it for the width
        x = layers.ZeroPadding2D(((0, 0), (0, more)), data_format="channels_first", name=f"{name}_zeros")(x)
    return x


def _convolution(channels: int, name: str, **options: Any) -> layers.Layer:
    return layers.Conv2D(channels, 3, padding="same", kernel_initializer="he_normal", name=name, **options)
