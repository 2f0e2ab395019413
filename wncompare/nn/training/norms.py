"""Normalization layers of Keras over (4, o, h', w', n): what a convolution gives at a pooling window's 4 positions."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from wncompare.nn.layers import MeanOnlyBatchNormalization

Counted = NDArray[np.bool_] | None
"""Which positions count, as an array that broadcasts to (4, o, h', w', n); all where None."""

Norm = Callable[[Any, Counted, bool], tuple[Any, Any]]
"""Of z, what of it counts and whether it is training: the scale and shift of z · scale + shift.

Both broadcast to (o, h', w', n); a scale of None is 1.
"""


def norm_of(layer: keras.layers.Layer) -> Norm | None:
    """What stands for a layer behind a Conv2D, None where it is not known."""
    known = _NORMS.get(type(layer))
    if known is None or layer.axis not in (-1, 3) or getattr(layer, "renorm", False):
        return None
    return None if getattr(layer, "synchronized", False) else lambda *z: known(layer, *z)


def _batch_norm(layer: keras.layers.BatchNormalization, z: Any, counted: Counted, training: bool) -> tuple[Any, Any]:
    mean, variance = layer.moving_mean.value, layer.moving_variance.value
    if training and layer.trainable:
        mean = _over_images(z, counted)
        variance = _over_images(_squares(z, _by_channel(mean)), counted)
        for moving, new in ((layer.moving_mean, mean), (layer.moving_variance, variance)):
            moving.assign(moving * layer.momentum + new * (1.0 - layer.momentum))
    return _affine(layer, _by_channel(mean), _by_channel(variance))


def _mean_only(layer: MeanOnlyBatchNormalization, z: Any, counted: Counted, training: bool) -> tuple[Any, Any]:
    mean = layer.moving_mean.value
    if training and layer.trainable:
        mean = _over_images(z, counted)
        layer.moving_mean.assign(layer.momentum * layer.moving_mean + (1 - layer.momentum) * mean)
    return None, _by_channel(layer.beta - mean)


def _group_norm(layer: keras.layers.GroupNormalization, z: Any, counted: Counted, training: bool) -> tuple[Any, Any]:
    mean = _over_channels(z, layer.groups, counted)
    return _affine(layer, mean, _over_channels(_squares(z, mean), layer.groups, counted))


_NORMS: dict[type, Callable[..., tuple[Any, Any]]] = {
    keras.layers.BatchNormalization: _batch_norm,
    MeanOnlyBatchNormalization: _mean_only,
    keras.layers.GroupNormalization: _group_norm,
}


def _affine(layer: keras.layers.Layer, mean: Any, variance: Any) -> tuple[Any, Any]:
    scale = tf.math.rsqrt(variance + layer.epsilon)
    scale = scale * _by_channel(layer.gamma) if layer.scale else scale
    return scale, _by_channel(layer.beta) - mean * scale if layer.center else -mean * scale


def _by_channel(values: Any) -> Any:
    return tf.reshape(values, (-1, 1, 1, 1))


def _squares(z: Any, mean: Any) -> Any:
    return tf.math.squared_difference(z, tf.stop_gradient(mean))


def _over_images(z: Any, counted: Counted) -> Any:
    """The mean of each channel, (o,). The product with ones keeps XLA from making one slow sum of two fast ones."""
    images = tf.ones((z.shape[-1], 1)) / (_positions(z, counted) * z.shape[-1])
    return tf.reshape(tf.matmul(_sums(z, counted), images), (-1,))


def _over_channels(z: Any, groups: int, counted: Counted) -> Any:
    """The mean of each group of channels in each image, (o, 1, 1, n)."""
    outputs, images = z.shape[1], z.shape[-1]
    sums = tf.reduce_sum(tf.reshape(_sums(z, counted), (groups, outputs // groups, images)), 1, keepdims=True)
    means = tf.broadcast_to(sums / (_positions(z, counted) * outputs // groups), (groups, outputs // groups, images))
    return tf.reshape(means, (outputs, 1, 1, images))


def _positions(z: Any, counted: Counted) -> int:
    """How many positions of one channel of one image count."""
    return int(z.shape[0] * z.shape[2] * z.shape[3] if counted is None else counted.sum())


def _sums(z: Any, counted: Counted) -> Any:
    """The sum of each channel of each image over the positions that count, (o, n).

    The 4 parts are added before what is left of the sum is taken, so that XLA adds whole vectors.
    """

    @tf.custom_gradient
    def summed(z: Any) -> Any:
        first, second, third, fourth = tf.unstack(z if counted is None else tf.where(counted, z, 0.0))
        sums = tf.reduce_sum(first + second + third + fourth, (1, 2))

        def gradient(upstream: Any) -> Any:
            upstream = tf.broadcast_to(upstream[None, :, None, None], z.shape)
            return upstream if counted is None else tf.where(counted, upstream, 0.0)

        return sums, gradient

    return summed(z)
