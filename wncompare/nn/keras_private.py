"""Everything that reaches past Keras's public interface, in one place."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from keras.src import backend
from keras.src.layers.rnn.conv_lstm import ConvLSTMCell

__all__ = [
    "ConvLSTMCell",
    "children",
    "eager_value",
    "full_precision",
    "is_stateless",
    "is_symbolic",
    "predecessors",
    "schedule_of",
    "substituted",
]


def full_precision() -> Any:
    """A scope in which variables are read in their own dtype, not in a mixed-precision layer's compute dtype."""
    return backend.AutocastScope(None)


def is_symbolic() -> bool:
    """Whether Keras is only inferring shapes, so that no tensor has a value."""
    return bool(backend.in_symbolic_scope())


def is_stateless() -> bool:
    """Whether assignments to variables are held back, as in `stateless_call` and in JAX's training step."""
    return bool(backend.in_stateless_scope())


def children(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """The layers that a layer or a model holds directly."""
    return list(layer._flatten_layers(include_self=False, recursive=False))


def predecessors(tensor: Any) -> tuple[Any, list[Any]]:
    """The operation that made a symbolic tensor, and the symbolic tensors it was called on."""
    operation, node_index, _ = tensor._keras_history
    return operation, list(operation._inbound_nodes[node_index].input_tensors)


def schedule_of(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.schedules.LearningRateSchedule | None:
    """The schedule that an optimizer was given, None where its rate is a number.

    Its public `learning_rate` is only what the schedule gives for the next step.
    """
    rate = optimizer._learning_rate
    return rate if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule) else None


def eager_value(tensor: Any) -> np.ndarray | None:
    """The value of a tensor or a variable, or None while it has none because a step is being traced."""
    if backend.backend() != "tensorflow":
        return _numpy(tensor.value if isinstance(tensor, keras.Variable) else tensor)
    import tensorflow as tf

    if not isinstance(tensor, keras.Variable):
        return _numpy(tensor) if tf.executing_eagerly() else None
    with tf.init_scope():  # out of the graph under construction, where the variable has a value
        return _numpy(tensor.value)


def _numpy(tensor: Any) -> np.ndarray | None:
    try:
        return np.asarray(keras.ops.convert_to_numpy(tensor))
    except Exception:  # each backend has its own error for a tensor without a value
        return None


@contextmanager
def substituted(target: object, **attributes: Any) -> Iterator[None]:
    """Replaces attributes of an object for the length of a `with` block.

    It writes to the instance's dictionary, because Keras, TensorFlow and torch all track what goes through
    `__setattr__`: a tensor assigned that way would stay in their books after the block.
    """
    own = vars(target)
    before = {name: own[name] for name in attributes if name in own}
    own.update(attributes)
    try:
        yield
    finally:
        for name in attributes:
            own.pop(name) if name not in before else own.update({name: before[name]})
