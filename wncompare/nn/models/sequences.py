"""Models of sequences, (steps, features) or (steps,) of tokens, to classes or numbers: recurrent and convolutional."""

from math import ceil, log2
from typing import Any

import keras
from keras import layers

from wncompare.catalog.models import RecurrentOptions, SequenceOptions, TcnOptions
from wncompare.data.form import Form
from wncompare.errors import ModelError
from wncompare.nn.models import only_input, outputs


def lstm(options: RecurrentOptions, *, form: Form) -> keras.Sequential:
    """LSTM layers of `options.units`, the last one's last output, and the output layer.

    Hochreiter & Schmidhuber (1997), doi 10.1162/neco.1997.9.8.1735, with the forget gate of Gers et al. (2000),
    doi 10.1162/089976600300015015, whose bias starts at 1. From F features, u units have 4u(F + u + 1) parameters.

    Raises:
        ModelError: the data are no sequences, or the targets are the inputs.
    """
    return _recurrent("lstm", layers.LSTM, options, form)


def gru(options: RecurrentOptions, *, form: Form) -> keras.Sequential:
    """GRU layers of `options.units`, the last one's last output, and the output layer.

    Cho et al. (2014), arXiv 1406.1078; the reset gate is applied after the matrix product, so that there are two biases
    (Keras's `reset_after`, as in cuDNN). From F features, u units have 3u(F + u + 2) parameters.

    Raises:
        ModelError: the data are no sequences, or the targets are the inputs.
    """
    return _recurrent("gru", layers.GRU, options, form)


def _recurrent(name: str, kind: type[layers.Layer], options: RecurrentOptions, form: Form) -> keras.Sequential:
    first = _steps(name, options, form)
    last = len(options.units)
    recurrent = [
        kind(units, return_sequences=number < last, name=f"{name}_{number}")
        for number, units in enumerate(options.units, start=1)
    ]
    return keras.Sequential([*first, *recurrent, *outputs(form)], name=name)


def tcn(options: TcnOptions, *, form: Form) -> keras.Model:
    """A temporal convolutional network: residual blocks of two causal convolutions, dilated by 1, 2, 4, ….

    Bai et al. (2018), arXiv 1803.01271, sections 3.1 to 3.4: each convolution is followed by ReLU and dropout, the
    block by ReLU of the sum of its input and its output, with a 1 × 1 convolution on the way where channels differ. The
    paper's convolutions are weight-normalized: here that is the variant's. The last step's channels go to the output
    layer. L blocks of kernel size k see 1 + 2(k − 1)(2^L − 1) steps; by default there are as few as see all.

    A block of F channels and kernel size k, after C channels, has kF(C + F) + 2F parameters and, where C ≠ F,
    F(C + 1) more.

    Raises:
        ModelError: the data are no sequences, or the targets are the inputs.
    """
    source, *first = _steps("tcn", options, form)
    x = source
    for layer in first:
        x = layer(x)
    steps = x.shape[1]
    for number in range(options.blocks or _blocks(steps, options.kernel_size)):
        x = _block(x, options, number)
    for layer in (layers.Cropping1D((steps - 1, 0), name="last"), layers.Flatten(name="flatten"), *outputs(form)):
        x = layer(x)
    return keras.Model(source, x, name="tcn")


def _blocks(steps: int, kernel_size: int) -> int:
    """The fewest blocks L with 1 + 2(k − 1)(2^L − 1) ≥ steps."""
    return max(1, ceil(log2((steps - 1) / (2 * (kernel_size - 1)) + 1)))


def _block(x: Any, options: TcnOptions, number: int) -> Any:
    name, before = f"block_{number + 1}", x
    for part in (1, 2):
        x = layers.Conv1D(
            options.filters,
            options.kernel_size,
            padding="causal",
            dilation_rate=2**number,
            activation="relu",
            kernel_initializer="he_normal",
            name=f"{name}_conv_{part}",
        )(x)
        x = layers.SpatialDropout1D(options.dropout, name=f"{name}_dropout_{part}")(x) if options.dropout else x
    if before.shape[-1] != options.filters:
        before = layers.Conv1D(options.filters, 1, padding="causal", name=f"{name}_skip")(before)
    return layers.Activation("relu", name=f"{name}_relu")(layers.Add(name=f"{name}_sum")([before, x]))


def _steps(name: str, options: SequenceOptions, form: Form) -> list[Any]:
    """The model's input, and what makes steps with features of it.

    Raises:
        ModelError: it is no sequence, or the targets are the inputs.
    """
    given = only_input(form, name, kinds=("number", "image", "token"))
    if form.target.kind == "inputs":
        raise ModelError(f"model {name}: gives classes or numbers, not the inputs again; use the model vae")
    if given.kind == "token" and len(given.shape) == 1:
        embedding = layers.Embedding(given.vocabulary, options.embedding, name="embedding")
        return [keras.Input(given.shape, dtype="int32"), embedding]
    if len(given.shape) != 2 or given.kind == "token":
        remedy = "make one of images by dataset: {…, as_sequence: rows}" if given.kind == "image" else "reshape them"
        raise ModelError(
            f"model {name}: {given.kind}s of {given.shape}: expected sequences, (steps, features), or (steps,) of "
            f"tokens; {remedy}"
        )
    return [keras.Input(given.shape)]
