"""Models without the layers of this package: their kernels folded into plain Keras layers."""

import keras

from ._kernels import find_kernels
from .copying import copied, copy_state
from .layer_norm_cells import LAYER_NORM_CELLS
from .mean_only_batch_normalization import MeanOnlyBatchNormalization
from .rebuild import Replacement, rebuild
from .reparameterization import Reparameterization
from .structure import descendants
from .variational import GaussianSample, Likelihood

_OWN = (Reparameterization, MeanOnlyBatchNormalization, GaussianSample, Likelihood)


def fold(model: keras.Model) -> keras.Model:
    """A new model of Keras's own layers that predicts what the given one does; that one is left as it is.

    A weight-normalized or standardized layer becomes the plain layer with the kernel w that it computes. Mean-only
    batch normalization becomes `BatchNormalization` with variance 1 and ε = 0: in inference the same, but trained
    further it would normalize the variance too. A variational autoencoder's code becomes its mean, its bound goes.

    Raises:
        ValueError: for a subclassed model, such a layer inside another where it cannot be replaced, or a
            layer-normalized recurrent cell, which Keras has none like.
    """
    return rebuild(model, _plain)


def _plain(layer: keras.layers.Layer) -> Replacement | None:
    if any(isinstance(inner, LAYER_NORM_CELLS) for inner in descendants(layer)):
        raise ValueError(
            f"Layer '{layer.name}' of type {type(layer).__name__} is layer-normalized inside, as no layer of Keras's "
            "is. Use the model as it was saved: its file loads once wncompare.layers is imported."
        )
    if isinstance(layer, Reparameterization):
        return _folded(layer)
    if isinstance(layer, MeanOnlyBatchNormalization):
        return _unit_variance(layer)
    if isinstance(layer, GaussianSample):
        return Replacement(_mean(layer), lambda: None)
    if isinstance(layer, Likelihood):
        return Replacement((keras.layers.Activation(layer.activation, name=layer.name),), lambda: None, of=0)
    hidden = [inner.name for inner in descendants(layer) if isinstance(inner, _OWN)]
    if hidden:
        raise ValueError(
            f"Layer '{layer.name}' of type {type(layer).__name__} holds {hidden}, which cannot be replaced from "
            f"outside; wrap it as a whole: WeightNormalization({type(layer).__name__}(...))."
        )
    return None


def _folded(layer: Reparameterization) -> Replacement:
    new = copied(layer.layer, name=layer.name)

    def fill() -> None:
        copy_state(layer.layer, new)
        for kernel, value in zip(find_kernels(new, layer.output_axes), layer.folded().values(), strict=True):
            kernel.variable.assign(value)

    return Replacement((new,), fill)


def _unit_variance(layer: MeanOnlyBatchNormalization) -> Replacement:
    new = keras.layers.BatchNormalization(
        axis=layer.axis, momentum=layer.momentum, epsilon=0.0, scale=False, name=layer.name, dtype=layer.dtype_policy
    )

    def fill() -> None:
        new.beta.assign(keras.ops.copy(layer.beta.value))
        new.moving_mean.assign(keras.ops.copy(layer.moving_mean.value))

    return Replacement((new,), fill)


def _mean(layer: GaussianSample) -> tuple[keras.layers.Layer, ...]:
    """The first half of what the layer is called on, by Keras's own layers."""
    size = layer.output.shape[-1]
    rows = keras.layers.Reshape((2, size), name=f"{layer.name}_statistics")
    return (
        rows,
        keras.layers.Cropping1D((0, 1), name=f"{layer.name}_mean"),
        keras.layers.Reshape((size,), name=layer.name),
    )
