"""Normalization layers of Keras over (4, o, h', w', n): what a convolution gives at a pooling window's 4 positions."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from wncompare.nn.layers import MeanOnlyBatchNormalization

Counted = NDArray[np.bool_] | None
Norm = Callable[[Any, Counted, bool], Any]
"""Of z, which of its positions count (all where None) and whether it is training: z normalized."""

_OF_A_BATCH = (0, 2, 3, 4)


def norm_of(layer: keras.layers.Layer) -> Norm | None:
    """What stands for a layer behind a Conv2D, None where it is not known."""
    if type(layer) is keras.layers.BatchNormalization and _on_channels(layer):
        return None if layer.renorm or layer.synchronized else lambda *z: _batch_norm(layer, *z)
    if type(layer) is MeanOnlyBatchNormalization and _on_channels(layer):
        return lambda *z: _mean_only(layer, *z)
    if type(layer) is keras.layers.GroupNormalization and _on_channels(layer):
        return lambda *z: _group_norm(layer, *z)
    return None


def _on_channels(layer: keras.layers.Layer) -> bool:
    return layer.axis in (-1, 3)


def _batch_norm(layer: keras.layers.BatchNormalization, z: Any, counted: Counted, training: bool) -> Any:
    mean, variance = layer.moving_mean.value, layer.moving_variance.value
    if training and layer.trainable:
        mean, variance = (tf.reshape(moment, (-1,)) for moment in _moments(z, _OF_A_BATCH, counted))
        for moving, new in ((layer.moving_mean, mean), (layer.moving_variance, variance)):
            moving.assign(moving * layer.momentum + new * (1.0 - layer.momentum))
    scale = tf.math.rsqrt(variance + layer.epsilon)
    scale = scale * layer.gamma if layer.scale else scale
    shift = layer.beta - mean * scale if layer.center else -mean * scale
    return z * _by_channel(scale) + _by_channel(shift)


def _mean_only(layer: MeanOnlyBatchNormalization, z: Any, counted: Counted, training: bool) -> Any:
    mean = layer.moving_mean.value
    if training and layer.trainable:
        mean = tf.reshape(_mean(z, _OF_A_BATCH, counted), (-1,))
        layer.moving_mean.assign(layer.momentum * layer.moving_mean + (1 - layer.momentum) * mean)
    return z + _by_channel(layer.beta - mean)


def _group_norm(layer: keras.layers.GroupNormalization, z: Any, counted: Counted, training: bool) -> Any:
    """Groups of channels are an axis of their own: (4, groups, o / groups, h', w', n)."""
    positions, outputs, *rest = z.shape
    grouped = tf.reshape(z, (positions, layer.groups, outputs // layer.groups, *rest))
    mean, variance = _moments(grouped, (0, 2, 3, 4), None if counted is None else counted[:, None])
    scale = tf.math.rsqrt(variance + layer.epsilon)
    scale = scale * _by_channel(layer.gamma, layer.groups) if layer.scale else scale
    shift = _by_channel(layer.beta, layer.groups) - mean * scale if layer.center else -mean * scale
    return tf.reshape(grouped * scale + shift, z.shape)


def _by_channel(values: Any, groups: int | None = None) -> Any:
    return tf.reshape(values, (-1, 1, 1, 1) if groups is None else (groups, -1, 1, 1, 1))


def _moments(z: Any, axes: tuple[int, ...], counted: Counted) -> tuple[Any, Any]:
    mean = _mean(z, axes, counted)
    return mean, _mean(tf.math.squared_difference(z, tf.stop_gradient(mean)), axes, counted)


def _mean(z: Any, axes: tuple[int, ...], counted: Counted) -> Any:
    """The mean over axes of what counts, which are kept with length 1."""
    if counted is None:
        return tf.reduce_mean(z, axes, keepdims=True)
    size = np.prod([z.shape[axis] for axis in axes]) * counted.mean()
    return tf.reduce_sum(tf.where(counted, z, 0.0), axes, keepdims=True) / size
