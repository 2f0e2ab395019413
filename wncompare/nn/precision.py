"""Mixed precision: a float32 model that computes in bfloat16 from here on, with its variables as they are.

bfloat16 has float32's range, so that no loss is scaled, and 8 bits of precision. Weights, the kernels made of v and g,
moments, optimizer, losses and metrics stay in float32, and so do

- the output layers and what follows them: logits that are rounded tie, and the first of equal classes would win;
- layers that add a loss of their own, such as the parts of a variational bound;
- layers that are adapted to data, and `Rescaling`: they turn values that bfloat16 rounds coarsely into small ones.

What decides is where a layer stands, so that all arms of a network compute alike.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import keras

from wncompare.errors import ModelError
from wncompare.nn.keras_private import layer_tree, predecessors, substituted
from wncompare.nn.layers.copying import is_adapted
from wncompare.nn.layers.structure import descendants

_PLAIN, _MIXED = "float32", "mixed_bfloat16"


def mix(model: keras.Model, inputs: Any) -> None:
    """Have the layers of a built model compute in bfloat16, but for those that stay in float32.

    `inputs` are those of a few examples, as the model is given them.

    Raises:
        ModelError: a layer has another policy, which is somebody's choice, or none would compute in bfloat16.
    """
    layers = [layer for layer in dict.fromkeys(descendants(model)) if not isinstance(layer, _PASSING_ON)]
    _refuse_others(model, layers)
    fixed = {layer for layer in layers if is_adapted(layer) or isinstance(layer, keras.layers.Rescaling)}
    outermost = (*fixed, *_ends(model), *_adding_losses(model, layers, inputs))
    precise = {inner for layer in outermost for inner in layer_tree(layer)}
    if not any(map(_multiplies, set(layers) - precise)):
        raise ModelError(
            f"training.precision: {_MIXED}: model {model.name} has no weights before its output layers, which compute "
            f"in {_PLAIN}: expected {_PLAIN}"
        )
    for layer in layers:
        layer.dtype_policy = _PLAIN if layer in precise else _MIXED


_PASSING_ON = keras.Model, keras.layers.InputLayer
"""What computes nothing itself; a model with the policy of its layers would round its inputs for all of them."""


def _refuse_others(model: keras.Model, layers: list[keras.layers.Layer]) -> None:
    for layer in layers:
        if layer.dtype_policy.name not in (_PLAIN, _MIXED):
            raise ModelError(
                f"training.precision: {_MIXED}: layer {layer.name} of model {model.name} has the dtype policy "
                f"{layer.dtype_policy.name}: expected {_PLAIN}; with precision: {_PLAIN} layers keep the policies that "
                "they have"
            )


def _ends(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """The last layers that multiply by weights, and those between them and the model's outputs."""
    pending, seen = list(model.outputs), set()
    while pending:
        tensor = pending.pop()
        operation, inputs = predecessors(tensor)
        if id(tensor) not in seen and isinstance(operation, keras.layers.Layer):
            yield from _ends(operation) if isinstance(operation, keras.Model) else (operation,)
        pending += [] if id(tensor) in seen or _multiplies(operation) else inputs
        seen.add(id(tensor))


def _multiplies(operation: Any) -> bool:
    """Whether it has a matrix of weights: a normalization has vectors, one number a channel."""
    return any(len(weight.shape) > 1 for weight in getattr(operation, "weights", ()))


def _adding_losses(model: keras.Model, layers: list[keras.layers.Layer], inputs: Any) -> "set[keras.layers.Layer]":
    """The layers whose own code adds a loss; an activity's regularizer is no reason to compute it otherwise."""
    found: set[keras.layers.Layer] = set()

    def noting(layer: keras.layers.Layer) -> Callable[[Any], None]:
        add = layer.add_loss

        def noted(loss: Any) -> None:
            found.add(layer)
            add(loss)

        return noted

    with ExitStack() as stack:
        for layer in layers:
            if layer.activity_regularizer is None:
                stack.enter_context(substituted(layer, add_loss=noting(layer)))
        model(inputs, training=False)
    return found
