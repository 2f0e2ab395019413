"""The noise that a model draws, in training and in evaluation: the same for all arms of a seed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

_OF_EVALUATION = 1 << 31
"""Where the counters stand when an evaluation begins: training does not come that far."""


@contextmanager
def unmoved(model: keras.Model) -> Iterator[None]:
    """Afterwards the model's seed generators stand where they stood, whatever has been drawn from them meanwhile."""
    before = [(variable, np.array(keras.ops.convert_to_numpy(variable.value))) for variable in _generators(model)]
    yield
    for variable, value in before:
        variable.assign(value)


@contextmanager
def of_evaluation(model: keras.Model) -> Iterator[None]:
    """Evaluation draws the same noise each time, which follows from the seed alone; training goes on with its own."""
    with unmoved(model):
        for variable in _generators(model):
            seed, _ = np.array(keras.ops.convert_to_numpy(variable.value))
            variable.assign(np.array([seed, _OF_EVALUATION], variable.dtype))
        yield


def _generators(model: keras.Model) -> list[Any]:
    """The states of a model's seed generators, each (seed, counter): its variables but weights and metrics."""
    others = {id(variable) for variable in (*model.weights, *model.metrics_variables)}
    return [variable for variable in model.variables if id(variable) not in others]
