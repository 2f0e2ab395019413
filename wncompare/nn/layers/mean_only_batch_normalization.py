"""Batch normalization of the mean alone."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="wncompare")
class MeanOnlyBatchNormalization(keras.layers.Layer):
    """Mean-only batch normalization: y = x − μ[x] + β, with μ over all axes but the channels'.

    Salimans & Kingma (2016), arXiv 1602.07868, section 4. In training μ is the batch's mean, and the moving mean
    becomes momentum · moving mean + (1 − momentum) · μ; in inference μ is the moving mean. The variance is left to the
    weights.

    Args:
        axis: the axis of the channels.
        momentum: of the moving mean, 0 ≤ momentum < 1; the authors used 0.9.
        **kwargs: `name`, `dtype`, `trainable` and so on. A frozen layer runs in inference mode.

    Raises:
        ValueError: for a momentum out of range.
    """

    def __init__(self, axis: int = -1, momentum: float = 0.99, **kwargs: Any) -> None:
        if not 0 <= momentum < 1:
            raise ValueError(f"Invalid momentum={momentum}: expected a number from 0 to below 1.")
        super().__init__(**kwargs)
        self.axis = axis
        self.momentum = momentum
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Adds the moving mean and β, one of each a channel."""
        size = (input_shape[self.axis],)
        self.beta = self.add_weight(name="beta", shape=size, initializer="zeros", autocast=False)
        self.moving_mean = self.add_weight(
            name="moving_mean", shape=size, initializer="zeros", trainable=False, autocast=False
        )

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """The inputs with each channel's mean moved to β."""
        mean = self.moving_mean.value
        if training and self.trainable:
            mean = self._mean(inputs)
            self.moving_mean.assign(self.momentum * self.moving_mean + (1 - self.momentum) * mean)
        shift = ops.reshape(self.beta - mean, self._broadcast(inputs))  # a difference, which half precision would lose
        return ops.cast(ops.cast(inputs, shift.dtype) + shift, inputs.dtype)

    def initialize_from_batch(self, inputs: Any) -> None:
        """Starts the moving mean at a batch's, so that training and inference begin alike."""
        self.moving_mean.assign(self._mean(inputs))

    def _mean(self, inputs: Any) -> Any:
        kept = self.axis % len(inputs.shape)
        axes = [axis for axis in range(len(inputs.shape)) if axis != kept]
        return ops.mean(ops.cast(inputs, self.moving_mean.dtype), axis=axes)

    def _broadcast(self, inputs: Any) -> list[int]:
        shape = [1] * len(inputs.shape)
        shape[self.axis] = -1
        return shape

    def compute_output_shape(self, input_shape: Any) -> Any:
        """That of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "axis": self.axis, "momentum": self.momentum}
