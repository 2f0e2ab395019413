"""What a loss compares a model's outputs with, from the targets as a split holds them."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from wncompare.data.dataset import Split
from wncompare.nn.training.batches import prepared, standardized

Targets = Callable[[Any, Any], Any]
"""A function of a batch's inputs and targets, as they are stored (None: the inputs themselves)."""


def targets_of(model: keras.Model, split: Split) -> Targets:
    """The function to what the compiled model's loss takes; it builds the metrics' variables on the way.

    Classes and tokens become one-hot, or columns of class numbers where the loss is sparse; numbers and images are as
    the model is given inputs of their kind, standardized where those are.
    """
    inputs = tf.nest.map_structure(lambda array: keras.KerasTensor((1, *array.shape[1:])), split.x)
    output = model.compute_output_spec(inputs).shape
    targets = _targets(model, split, classes=output[-1])
    model.compute_metrics(None, _first(targets, split), tf.zeros(output))
    model.reset_metrics()
    return targets


def _targets(model: keras.Model, split: Split, *, classes: int) -> Targets:
    standard = split.standard
    if split.has_classes:
        as_wanted = _as_classes(model.loss, classes)
        return lambda inputs, stored: as_wanted(stored)
    if not split.reconstructs:
        moments = None if standard is None else standard.target
        return lambda inputs, stored: standardized(stored, moments)
    if split.x.dtype == np.int32:
        as_wanted = _as_classes(model.loss, classes)
        return lambda inputs, stored: as_wanted(inputs)
    return lambda inputs, stored: prepared(inputs, standard)


def _as_classes(loss: Any, classes: int) -> Callable[[Any], Any]:
    if _wants_classes(loss) or classes == 1:
        return lambda labels: labels[..., None]
    return lambda labels: tf.one_hot(labels, classes, dtype=tf.float32)


def _wants_classes(loss: Any) -> bool:
    loss = keras.losses.get(loss)
    return getattr(loss, "name", getattr(loss, "__name__", "")).startswith("sparse_")


def _first(targets: Targets, split: Split) -> Any:
    """The targets of an example of zeros."""
    inputs = tf.nest.map_structure(_zeros, split.x)
    stored = None if split.reconstructs else _zeros(split.y)
    return targets(inputs, tf.cast(stored, tf.int32) if split.has_classes else stored)


def _zeros(array: NDArray[Any]) -> Any:
    """An example of zeros."""
    return tf.zeros((1, *array.shape[1:]), array.dtype)
