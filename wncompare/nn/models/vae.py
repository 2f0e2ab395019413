"""A variational autoencoder: it is trained on the bound that its own layers give, whatever the variant."""

import math
from typing import Any

import keras
from keras import layers

from wncompare.catalog.models import VaeOptions
from wncompare.data.form import Form
from wncompare.errors import ModelError
from wncompare.nn.layers import GaussianSample, Likelihood
from wncompare.nn.models import only_input


def vae(options: VaeOptions, *, form: Form) -> keras.Model:
    """From inputs to the inputs again, by a code z drawn from N(μ(x), σ²(x)); trained on the bound, in nats an example.

    Kingma & Welling (2013), arXiv 1312.6114, eq. 10: loss = KL(N(μ, σ²) ‖ N(0, 1)) − log p(x | z), with one sample z.
    p is Bernoulli for images (values between black and white count as probabilities) and, for numbers, Gaussian with
    variance 1. The loss is the model's own: `training: {loss: own}`.

    `mlp` is a network of `options.units` with ReLU to a code of `options.latent` numbers, and back. `conv`: two 3 × 3
    convolutions at stride 2 with 32 and 64 channels, and back through two transposed ones.

    Raises:
        ModelError: the targets are not the inputs, or for `conv` the inputs are no images whose sides are multiples
            of 4.
    """
    given = only_input(form, "vae", kinds=("image", "number"))
    if form.target.kind != "inputs":
        raise ModelError(
            f"model vae: the targets are {form.target.kind}: expected the inputs, dataset: {{…, reconstruct: true}}"
        )
    source = keras.Input(given.shape)
    encoder, decoder = (_convolutional if options.network == "conv" else _dense)(options, given.shape)
    statistics = _chained(source, *encoder, layers.Dense(2 * options.latent, name="statistics"))
    logits = _chained(GaussianSample(name="sample")(statistics), *decoder)
    likelihood = Likelihood("bernoulli" if given.kind == "image" else "gaussian", name="likelihood")
    return keras.Model(source, likelihood([logits, source]), name="vae")


def _dense(options: VaeOptions, shape: tuple[Any, ...]) -> tuple[list[layers.Layer], list[layers.Layer]]:
    units = list(enumerate(options.units, start=1))
    encoder = [layers.Dense(size, activation="relu", name=f"encoder_{number}") for number, size in units]
    decoder = [layers.Dense(size, activation="relu", name=f"decoder_{number}") for number, size in reversed(units)]
    last = [layers.Dense(math.prod(shape), name="logits"), layers.Reshape(shape, name="shape")]
    return [layers.Flatten(name="flatten"), *encoder], [*decoder, *last]


def _convolutional(options: VaeOptions, shape: tuple[Any, ...]) -> tuple[list[layers.Layer], list[layers.Layer]]:
    if len(shape) != 3 or shape[0] % 4 or shape[1] % 4:
        raise ModelError(
            f"model vae: inputs of {shape}: expected images (height, width, channels) whose sides are multiples of 4; "
            "use network: mlp"
        )
    strided = {"strides": 2, "padding": "same", "activation": "relu"}
    encoder = [layers.Conv2D(size, 3, **strided, name=f"encoder_{number}") for number, size in enumerate((32, 64), 1)]
    size = (shape[0] // 4, shape[1] // 4, 64)
    decoder = [
        layers.Dense(math.prod(size), activation="relu", name="decoder_3"),
        layers.Reshape(size, name="picture"),
        layers.Conv2DTranspose(64, 3, **strided, name="decoder_2"),
        layers.Conv2DTranspose(32, 3, **strided, name="decoder_1"),
        layers.Conv2DTranspose(shape[2], 3, padding="same", name="logits"),
    ]
    return [*encoder, layers.Flatten(name="flatten")], decoder


def _chained(x: Any, *chain: layers.Layer) -> Any:
    for layer in chain:
        x = layer(x)
    return x
