"""What to know of batch normalization in a network: how slow its averages are, and which gains it undoes."""

from collections.abc import Iterator
from typing import Any

import keras

from wncompare.nn.keras_private import predecessors
from wncompare.nn.layers import WeightNormalization
from wncompare.nn.layers.structure import descendants


def largest_momentum(model: keras.Model) -> float | None:
    """The largest momentum of the layers that keep moving averages, which evaluation uses; None without such a layer.

    After k steps a moving average still has momentumᵏ of its initial value. Frozen layers do not move theirs.
    """
    return max((layer.momentum for layer in descendants(model) if _is_moving(layer)), default=None)


def redundant_gains(model: keras.Model) -> int:
    """How many weight-normalized layers stand right before a batch normalization, which divides by any gain again.

    Between the two is nothing, no activation either. A mean-only batch normalization keeps the gain.
    """
    pairs = ((operation, predecessors(inputs[0])[0]) for operation, inputs in _operations(model) if inputs)
    return sum(_is_undone(before) for operation, before in pairs if _divides(operation))


def _is_moving(layer: keras.layers.Layer) -> bool:
    moving = any(weight.name.startswith("moving_") for weight in layer.weights)
    return moving and layer.trainable and isinstance(getattr(layer, "momentum", None), int | float)


def _divides(operation: Any) -> bool:
    return isinstance(operation, keras.layers.BatchNormalization) and operation.trainable


def _is_undone(operation: Any) -> bool:
    if not isinstance(operation, WeightNormalization):
        return False
    return getattr(operation.layer, "activation", None) in (None, keras.activations.linear)


def _operations(model: keras.Model) -> Iterator[tuple[Any, list[Any]]]:
    """Every operation of a model and of the models in it, once, with the symbolic tensors it is called on."""
    pending, seen = list(getattr(model, "outputs", None) or []), set()
    while pending:
        tensor = pending.pop()
        if id(tensor) in seen:
            continue
        seen.add(id(tensor))
        operation, inputs = predecessors(tensor)
        if isinstance(operation, keras.Model):
            yield from _operations(operation)
        yield operation, inputs
        pending += inputs
