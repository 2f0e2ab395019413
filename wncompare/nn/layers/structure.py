"""Questions about the layers of a model."""

from collections.abc import Iterator

import keras
from keras import layers

from wncompare.nn.keras_private import children, predecessors

from ._affine import affine_of
from ._kernels import SEPARABLE, find_kernels
from .reparameterization import Reparameterization
from .variational import GaussianSample


def descendants(layer: keras.layers.Layer) -> Iterator[keras.layers.Layer]:
    """All layers inside a layer or a model."""
    for child in children(layer):
        yield child
        yield from descendants(child)


def has_kernels(layer: keras.layers.Layer) -> bool:
    """Whether a layer can be wrapped.

    Raises:
        ValueError: if it cannot, but has layers inside that could.
    """
    if isinstance(layer, Reparameterization):
        return False
    if find_kernels(layer):
        return True
    hidden = [inner.name for inner in descendants(layer) if find_kernels(inner)]
    if hidden:
        raise ValueError(
            f"Layer '{layer.name}' of type {type(layer).__name__} has kernels in layers of its own, {hidden}, which "
            f"cannot be replaced from outside. Wrap them where it creates them, or leave it: skip=['{layer.name}']."
        )
    return False


def is_frozen(layer: keras.layers.Layer) -> bool:
    """Whether a layer's kernels or biases, or any of them, are not trained."""
    owners = [layer, *(kernel.owner for kernel in find_kernels(layer))]
    variables = [variable for kernel in find_kernels(layer) for variable in kernel.owner.weights]
    return not all(part.trainable for part in (*owners, *variables))


def channel_axis(layer: keras.layers.Layer) -> int | None:
    """The axis of a layer's output that has its channels; None unless it is an affine map with one such axis."""
    if isinstance(layer, SEPARABLE):
        return -1 if layer.data_format == "channels_last" else -1 - layer.rank
    affine = None if isinstance(layer, layers.TimeDistributed) else affine_of(layer)
    if (
        affine is None
        or len(affine.channels) != 1
        or (isinstance(layer, layers.EinsumDense) and affine.channels != (-1,))
    ):
        return None
    return affine.channels[0]


def output_layers(model: keras.Model) -> set[keras.layers.Layer]:
    """The layers with kernels from which an output of the model is reached without passing another.

    A code of which a `GaussianSample` is drawn is an output too: its encoder's.
    """
    found: set[keras.layers.Layer] = set()
    codes = [layer.input for layer in model.layers if isinstance(layer, GaussianSample)]
    pending, seen = [*(getattr(model, "outputs", None) or []), *codes], set()
    while pending:
        tensor = pending.pop()
        if id(tensor) in seen:
            continue
        seen.add(id(tensor))
        operation, inputs = predecessors(tensor)
        last = output_layers(operation) if isinstance(operation, keras.Model) else _itself(operation)
        found |= last
        pending += [] if last else inputs
    return found


def _itself(operation: object) -> set[keras.layers.Layer]:
    is_layer = isinstance(operation, keras.layers.Layer)
    return {operation} if is_layer and (find_kernels(operation) or isinstance(operation, Reparameterization)) else set()
