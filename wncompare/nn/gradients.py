"""How far a network's outputs depend on its weights, on whichever backend Keras runs."""

from collections.abc import Callable, Iterable
from typing import Any

import keras
import numpy as np


def squared_gradients(model: keras.Model, inputs: Any) -> float:
    """‖∂s/∂θ‖² over the trainable weights θ, with s the sum of the squared outputs, in training.

    A weight that the outputs do not depend on adds nothing.
    """
    gradients = _BACKENDS[keras.backend.backend()](model, inputs) if model.trainable_variables else []
    return sum(float((_numpy(gradient) ** 2).sum()) for gradient in gradients if gradient is not None)


def _numpy(gradient: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(gradient, "float32")), np.float64)


def _total(outputs: Any) -> Any:
    return sum(keras.ops.sum(keras.ops.cast(each, "float32") ** 2) for each in keras.tree.flatten(outputs))


def _tensorflow(model: keras.Model, inputs: Any) -> Iterable[Any]:
    import tensorflow as tf

    weights = [variable.value for variable in model.trainable_variables]
    with tf.GradientTape() as tape:
        total = _total(model(inputs, training=True))
    found: Iterable[Any] = map(
        tf.convert_to_tensor, filter(lambda each: each is not None, tape.gradient(total, weights))
    )
    return found


def _torch(model: keras.Model, inputs: Any) -> Iterable[Any]:
    import torch

    weights = [variable.value for variable in model.trainable_variables]
    total = _total(model(inputs, training=True))
    if not total.requires_grad:
        return []
    found: Iterable[Any] = torch.autograd.grad(total, weights, allow_unused=True)
    return found


def _jax(model: keras.Model, inputs: Any) -> Iterable[Any]:
    import jax

    fixed = [variable.value for variable in model.non_trainable_variables]

    def total(weights: Any) -> Any:
        return _total(model.stateless_call(weights, fixed, inputs, training=True)[0])

    found: Iterable[Any] = jax.grad(total)([variable.value for variable in model.trainable_variables])
    return found


_BACKENDS: dict[str, Callable[[keras.Model, Any], Iterable[Any]]] = {
    "tensorflow": _tensorflow,
    "torch": _torch,
    "jax": _jax,
}
