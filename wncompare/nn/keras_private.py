"""Everything that reaches past Keras's public interface, in one place."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import keras
import numpy as np
from keras.src import backend
from keras.src.backend.common import global_state
from keras.src.layers.rnn.conv_lstm import ConvLSTMCell

__all__ = [
    "ConvLSTMCell",
    "adopt_remat",
    "children",
    "compiled_with",
    "drawn_from",
    "eager_value",
    "entry_layer",
    "full_precision",
    "is_stateless",
    "is_symbolic",
    "layer_tree",
    "predecessors",
    "remat_names",
    "replace_child",
    "schedule_of",
    "substituted",
    "without_remat",
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


def drawn_from() -> Any:
    """The state of the generator that serves layers without one of their own; None where none has asked for it yet."""
    generator = global_state.get_global_attribute("global_seed_generator")
    return None if generator is None else generator.state


def children(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """The layers that a layer or a model holds directly."""
    return list(layer._flatten_layers(include_self=False, recursive=False))


def replace_child(layer: keras.layers.Layer, name: str, child: keras.layers.Layer) -> None:
    """Puts another layer into an attribute of a layer that is not built; Keras alone would keep both in its books."""
    layer._layers.remove(getattr(layer, name))
    setattr(layer, name, child)


def compiled_with(model: keras.Model) -> list[Any]:
    """What a model's `compile` was given, as it was given; `get_compile_config` has it as text alone."""
    return list(keras.tree.flatten(list(model._compile_config.config.values())))


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


def layer_tree(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """A layer and all layers inside it: Keras offers `Model.layers`, but no layer's own."""
    return list(layer._flatten_layers())


def entry_layer() -> keras.layers.Layer | None:
    """The outermost layer or model whose call is running: it alone knows what is frozen above a layer."""
    context = global_state.get_global_attribute("current_call_ctx")
    return None if context is None else context.entry_layer


def adopt_remat(outer: keras.layers.Layer, inner: keras.layers.Layer) -> None:
    """Gives a wrapper the rematerialization of the layer inside, which was made in a `keras.RematScope`.

    Keras notes the scope when a layer is made, in an attribute that has no public name.
    """
    if getattr(outer, "_remat_mode", None) is None:
        vars(outer)["_remat_mode"] = getattr(inner, "_remat_mode", None)


def remat_names(layer: keras.layers.Layer) -> list[str]:
    """The names that `RematScope("list_of_layers", layer_names=…)` listed when the layer was made."""
    mode = getattr(layer, "_remat_mode", None)
    return list(mode.layer_names) if mode is not None and mode.mode == "list_of_layers" else []


@contextmanager
def without_remat(layers: list[keras.layers.Layer]) -> Iterator[None]:
    """Lets layers keep what they compute for the backward pass, for the length of a `with` block.

    A layer that is computed again in the backward pass finds its own variables, not what was substituted for them.
    """
    with ExitStack() as stack:
        for layer in layers:
            if getattr(layer, "_remat_mode", None) is not None:
                stack.enter_context(substituted(layer, _remat_mode=None))
        yield
