"""Data-dependent initialization of one layer, Salimans & Kingma (2016), arXiv 1602.07868, section 3, eq. 5–6."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from keras import activations, layers, ops

from wncompare.nn.keras_private import eager_value, full_precision, substituted

from ._fold import norm, weight_norm
from ._kernels import CONVOLUTIONS, DEPTHWISE, TRANSPOSED, Kernel, einsum_terms, find_kernels

DataInit = bool | Literal["tfa"]


@dataclass(frozen=True)
class Affine:
    """A layer that computes activation(w·x + b) with one kernel.

    `channels` are the axes of its output that belong to the kernel's output axes, in the kernel's order;
    `bias_order` brings values in that order into the bias's, and is None where the layer has no bias for each output.
    """

    layer: layers.Layer
    kernel: Kernel
    channels: tuple[int, ...]
    bias_order: tuple[int, ...] | None

    @property
    def bias(self) -> Any:
        """The bias variable, or None."""
        return self.kernel.owner.bias if self.bias_order is not None else None


def affine_of(layer: layers.Layer) -> Affine | None:
    """The layer as an affine map, also inside `TimeDistributed`; None for a layer that is not one."""
    owner = layer.layer if isinstance(layer, layers.TimeDistributed) else layer
    if isinstance(owner, layers.EinsumDense):
        return _einsum(layer, owner)
    if not isinstance(owner, (layers.Dense, *CONVOLUTIONS, *TRANSPOSED, *DEPTHWISE)):
        return None
    first = getattr(owner, "data_format", "channels_last") == "channels_first"
    channel = -1 - owner.rank if first else -1
    order = tuple(range(len(find_kernels(owner)[0].output_axes))) if owner.use_bias else None
    return Affine(layer, find_kernels(layer)[0], (channel,), order)


def _einsum(layer: layers.Layer, owner: layers.EinsumDense) -> Affine | None:
    _, kernel, output = einsum_terms(owner.equation)
    if output.endswith("..."):
        return None
    kept = [letter for letter in kernel if letter in output]
    channels = tuple(output.index(letter) - len(output) for letter in kept)
    matches = owner.bias_axes is not None and set(owner.bias_axes) == set(kept)
    order = tuple(int(index) for index in np.argsort(channels)) if matches else None
    return Affine(layer, find_kernels(layer)[0], channels, order)


def initial_values(
    affine: Affine, inputs: Any, *, data_init: DataInit, epsilon: float, eager: bool = True
) -> tuple[Any, Any]:
    """The gain g and the bias b that a batch of inputs gives a layer; b is None where it has no bias to set.

    With t = v·x/‖v‖ over batch and positions, g = 1/σ[t] and b = −μ[t]/σ[t]. Where σ is below epsilon, relative to |μ|
    when that is above 1, the output says nothing about scale: g is ‖v‖ and b is kept. `"tfa"` takes the moments of
    v·x + b instead of t, as the layer in TensorFlow Addons did: g = 1/√(σ² + 1e-10), b = −μ·g.

    Eagerly, the moments are taken in float64.

    Raises:
        ValueError: eagerly, where the inputs have no values because the layer is called in a traced function.
    """
    if eager and eager_value(inputs) is None:
        raise ValueError(
            f"Layer '{affine.layer.name}' is called inside a function that is traced (keras.remat, a compiled one, a "
            "loop), where a batch has no values to initialize from. Leave that away until the model is initialized, or "
            "use data_init=False."
        )
    axes = affine.kernel.output_axes
    with full_precision():
        v = _float32(affine.kernel.variable)
        bias = None if affine.bias is None else _float32(affine.bias)
        norms = norm(v, axes)
        if data_init == "tfa":
            response = _response(affine, inputs, v, 1.0)
        else:
            response = _response(affine, inputs, weight_norm(v, ops.ones_like(norms), axes), 0.0)
    if eager:
        response, norms, bias = (None if x is None else _float64(x) for x in (response, norms, bias))
    xp = np if eager else ops
    mean, variance = _moments(xp, response, affine, norms.shape)
    if data_init == "tfa":
        gain = 1 / xp.sqrt(variance + 1e-10)
        return gain, None if bias is None else _as_bias(xp, -mean * gain, affine, bias)
    usable = xp.sqrt(variance) > epsilon * xp.maximum(xp.abs(mean), 1)
    gain = xp.where(usable, 1 / xp.sqrt(xp.where(usable, variance, 1)), norms)
    if bias is None:
        return gain, None
    return gain, xp.where(_as_bias(xp, usable, affine, bias), _as_bias(xp, -mean * gain, affine, bias), bias)


def _response(affine: Affine, inputs: Any, weight: Any, bias_scale: float) -> Any:
    """The layer's output with the given kernel and its bias scaled, in float32 and before the activation."""
    owner = affine.kernel.owner
    plain: dict[str, Any] = {affine.kernel.slot: weight, "activation": activations.linear}
    if owner.bias is not None:
        plain["bias"] = bias_scale * _float32(owner.bias)
    with substituted(owner, **plain):
        return affine.layer.call(ops.cast(inputs, "float32"))


def _as_bias(xp: Any, values: Any, affine: Affine, bias: Any) -> Any:
    return xp.reshape(xp.transpose(values, affine.bias_order), bias.shape)


def _float32(variable: Any) -> Any:
    return ops.cast(variable.value, "float32")


def _float64(tensor: Any) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(tensor), dtype=np.float64)


def _moments(xp: Any, response: Any, affine: Affine, shape: tuple[int, ...]) -> tuple[Any, Any]:
    """Mean and variance of each output over all other axes, in the shape of the gain."""
    last = tuple(range(-len(affine.channels), 0))
    flat = xp.reshape(xp.moveaxis(response, affine.channels, last), (-1, int(np.prod(shape))))
    return xp.reshape(xp.mean(flat, axis=0), shape), xp.reshape(xp.var(flat, axis=0), shape)
