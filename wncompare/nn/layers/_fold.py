"""w = g · v / ‖v‖, without overflow, underflow or division by zero."""

import math
from typing import Any

from keras import ops

ZERO = 1e-30
"""A slice of v whose largest entry is not above this counts as zero."""


def norm(v: Any, output_axes: tuple[int, ...]) -> Any:
    """‖v‖ over all axes but the output's: an array whose shape is that of the output axes."""
    _, squares, scale, live = _scaled(v, output_axes)
    return ops.reshape(ops.where(live, ops.sqrt(squares) * scale, 0.0), gain_shape(v.shape, output_axes))


def weight_norm(v: Any, g: Any, output_axes: tuple[int, ...]) -> Any:
    """The kernel w = g · v / ‖v‖, eq. 2 of Salimans & Kingma (2016), arXiv 1602.07868.

    Each slice is divided by its largest entry first; w does not depend on that scale, so its gradient need not pass
    through it. Where v is zero the direction is undefined: there w = g · v, so w is 0 and the gradient is finite.
    """
    u, squares, _, _ = _scaled(v, output_axes)
    return u * (ops.reshape(g, squares.shape) * ops.rsqrt(squares))


def weight_standard(v: Any, g: Any, output_axes: tuple[int, ...], epsilon: float) -> Any:
    """The kernel w = g · (v − μ) / √(N (σ² + ε)), with mean μ and variance σ² of the N entries of an output's slice."""
    centred, scale = _standard(v, output_axes, epsilon)
    return centred * (ops.reshape(g, scale.shape) / scale)


def standard_gain(v: Any, output_axes: tuple[int, ...], epsilon: float) -> Any:
    """√(N (σ² + ε)): the gain with which standardization only centres the kernel."""
    return ops.reshape(_standard(v, output_axes, epsilon)[1], gain_shape(v.shape, output_axes))


def gain_shape(shape: tuple[int, ...], output_axes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of g: the kernel's output axes, in their order.

    Raises:
        ValueError: if an axis is out of range or repeated, or none is left to take the norm over.
    """
    axes = {axis % len(shape) for axis in output_axes if -len(shape) <= axis < len(shape)}
    if len(axes) != len(output_axes) or len(axes) == len(shape):
        raise ValueError(
            f"Invalid output_axes={output_axes} for a kernel of shape {tuple(shape)}: expected distinct axes within "
            f"{-len(shape)}..{len(shape) - 1} and fewer than {len(shape)}, so that the norm has an axis to run over."
        )
    return tuple(shape[axis] for axis in sorted(axes))


def _inner_axes(v: Any, output_axes: tuple[int, ...]) -> tuple[int, ...]:
    kept = {axis % len(v.shape) for axis in output_axes}
    return tuple(axis for axis in range(len(v.shape)) if axis not in kept)


def _scaled(v: Any, output_axes: tuple[int, ...]) -> tuple[Any, Any, Any, Any]:
    axes = _inner_axes(v, output_axes)
    fixed = ops.stop_gradient(v)  # two reductions are faster than |v| written out for one
    largest = ops.maximum(ops.max(fixed, axis=axes, keepdims=True), -ops.min(fixed, axis=axes, keepdims=True))
    live = largest > ZERO
    scale = ops.where(live, largest, 1.0)
    u = v / scale
    squares = ops.where(live, ops.sum(u * u, axis=axes, keepdims=True), 1.0)
    return u, squares, scale, live


def _standard(v: Any, output_axes: tuple[int, ...], epsilon: float) -> tuple[Any, Any]:
    axes = _inner_axes(v, output_axes)
    size = math.prod(v.shape[axis] for axis in axes)
    centred = v - ops.mean(v, axis=axes, keepdims=True)
    return centred, ops.sqrt(ops.sum(centred * centred, axis=axes, keepdims=True) + size * epsilon)
