"""Conv2D → normalization or nothing → ReLU or nothing → MaxPool(2, 2) as one matrix product, over (c, h, w, n).

    z = Wᵀ P,   y = relu(max over the 4 positions(z) + b)

P, (rows · columns · c, h' · w' · n), holds for each pooling window the input patch that it depends on; W,
(rows · columns · c, 4 · o), holds the kernel at the window's 4 positions, with zeros around it. The batch n is the
innermost axis, (c, h, w, n), so that every slice, comparison and product runs over contiguous memory.

A normalization takes its moments over all of the convolution's positions, also those of a last odd row or column that
no window holds: then windows that reach over the edge are computed too, of which only what lies inside counts.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from wncompare.nn.training.batches import scaled
from wncompare.nn.training.norms import Norm
from wncompare.records.execution import POOL, even


@dataclass(frozen=True)
class ConvPool:
    """Conv2D (stride 1, valid) → normalization or nothing → ReLU or nothing → MaxPool(2, 2), over (c, h, w, n)."""

    kernel: Callable[[], Any]
    """Gives the kernel, (rows, columns, c, o)."""
    bias: Callable[[], Any]
    """Gives the bias, (o,), or None."""
    relu: bool
    norm: Norm | None = None

    def __call__(self, x: Any, *, training: bool) -> Any:
        """Return (o, h', w', n) for a (c, h, w, n) that is float32, or uint8 and then scaled."""
        kernel, bias = tf.convert_to_tensor(self.kernel()), self.bias()
        bias = None if bias is None else tf.reshape(bias, (-1, 1, 1, 1))
        size = x.shape[1] - kernel.shape[0] + 1, x.shape[2] - kernel.shape[1] + 1
        inside = size[0] // POOL, size[1] // POOL
        if self.norm is None:
            y = first_max(at_positions(x, kernel, inside))
            y = y if bias is None else y + bias
        else:
            z = at_positions(x, kernel, (even(size[0]) // POOL, even(size[1]) // POOL))
            z = z if bias is None else z + bias
            scale, shift = self.norm(z, counted(size), training)
            z = z[:, :, : inside[0], : inside[1]]
            y = first_max(z) + shift if scale is None else first_affine_max(z, scale, shift)
        return tf.nn.relu(y) if self.relu else y


def at_positions(x: Any, kernel: Any, windows: tuple[int, int]) -> Any:
    """Return the convolution at the 4 positions of so many pooling windows, (4, o, h', w', n)."""
    rows, columns, _, outputs = kernel.shape
    p = patches(x, (rows + 1, columns + 1), windows)
    p = scaled(p) if p.dtype == tf.uint8 else p
    z = tf.matmul(positions(kernel), tf.reshape(p, (p.shape[0], -1)), transpose_a=True)
    return tf.reshape(z, (POOL * POOL, outputs, *windows, x.shape[3]))


def counted(size: tuple[int, int]) -> NDArray[np.bool_] | None:
    """Which of the windows' positions, (4, 1, h', w', 1), lie inside an output of that size; None where all do."""
    rows, columns = (np.arange(even(length)) < length for length in size)
    if rows.all() and columns.all():
        return None
    grid = np.outer(rows, columns).reshape(len(rows) // POOL, POOL, len(columns) // POOL, POOL)
    return grid.transpose(1, 3, 0, 2).reshape(POOL * POOL, 1, len(rows) // POOL, len(columns) // POOL, 1)


def patches(x: Any, window: tuple[int, int], count: tuple[int, int]) -> Any:
    """Return the windows at stride 2 of (c, h, w, n) as (rows · columns · c, h', w', n), with an even size each.

    Through space-to-depth, (2, 2 · c, h / 2, w / 2, n), in which a window is slices without a stride: of columns first,
    then of rows. Bytes move as 32-bit numbers of 4 images each, where the batch is a multiple of 4.
    """
    x = _packed(x)
    channels, height, width, batch = x.shape
    (rows, columns), (high, wide) = window, count
    tall = max(even(height), POOL * (high - 1) + even(rows))
    broad = max(even(width), POOL * (wide - 1) + even(columns))
    x = tf.pad(x, ((0, 0), (0, tall - height), (0, broad - width), (0, 0)))
    x = tf.reshape(x, (channels, tall // POOL, POOL, broad // POOL, POOL, batch))
    x = tf.transpose(x, (2, 4, 0, 1, 3, 5))
    x = tf.reshape(x, (POOL, POOL * channels, tall // POOL, broad // POOL, batch))
    x = tf.concat([x[:, :, :, j : j + wide] for j in range(even(columns) // POOL)], axis=1)
    x = tf.reshape(x, (-1, *x.shape[2:]))
    return _unpacked(tf.concat([x[:, i : i + high] for i in range(even(rows) // POOL)], axis=0))


def _packed(x: Any) -> Any:
    if x.dtype != tf.uint8 or x.shape[-1] % 4:
        return x
    return tf.bitcast(tf.reshape(x, (*x.shape[:-1], -1, 4)), tf.uint32)


def _unpacked(x: Any) -> Any:
    return x if x.dtype != tf.uint32 else tf.reshape(tf.bitcast(x, tf.uint8), (*x.shape[:-1], -1))


def positions(kernel: Any) -> Any:
    """Return a (rows, columns, c, o) kernel at the 4 positions of a pooling window, (patch, 4 · o), zeros around it."""
    rows, columns, channels, outputs = kernel.shape
    high, wide = even(rows + 1), even(columns + 1)
    placed = [
        tf.pad(kernel, ((i, high - rows - i), (j, wide - columns - j), (0, 0), (0, 0)))
        for i in range(POOL)
        for j in range(POOL)
    ]
    return tf.reshape(tf.stack(placed, axis=3), (high * wide * channels, POOL * POOL * outputs))


@tf.custom_gradient
def first_max(z: Any) -> Any:
    """Return the maximum over the first axis, of length 4; its gradient goes to the first of equal maxima."""
    largest = tf.maximum(tf.maximum(z[0], z[1]), tf.maximum(z[2], z[3]))

    def gradient(upstream: Any) -> Any:
        return tf.stack([tf.where(chosen, upstream, 0.0) for chosen in _first(tf.unstack(z), largest)])

    return largest, gradient


@tf.custom_gradient
def first_affine_max(z: Any, scale: Any, shift: Any) -> Any:
    """Return the maximum of z · scale + shift over the first axis, of length 4, with gradients as `first_max` has them.

    Scale and shift broadcast to a part of z; their gradients are sums over the maxima alone, a quarter of z.
    """
    parts = tf.unstack(z * scale + shift)
    largest = tf.maximum(tf.maximum(parts[0], parts[1]), tf.maximum(parts[2], parts[3]))

    def gradient(upstream: Any) -> Any:
        chosen = list(_first(parts, largest))
        by_z = tf.stack([tf.where(each, upstream * scale, 0.0) for each in chosen])
        at_maximum = tf.add_n([tf.where(each, part, 0.0) for each, part in zip(chosen, tf.unstack(z), strict=True)])
        return by_z, _summed(upstream * at_maximum, scale.shape), _summed(upstream, shift.shape)

    return largest, gradient


def _first(parts: list[Any], largest: Any) -> Iterator[Any]:
    """Which of equal maxima is the first, for each part in turn."""
    free = tf.ones_like(largest, tf.bool)
    for part in parts:
        chosen = free & (part == largest)
        free &= ~chosen
        yield chosen


def _summed(x: Any, shape: tuple[int, ...]) -> Any:
    """The sum of (o, h', w', n) over the axes that have length 1 in the shape."""
    axes = [axis for axis, size in enumerate(shape) if size == 1]
    return tf.reshape(tf.reduce_sum(x, axes), shape)
