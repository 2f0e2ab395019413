"""What goes wrong at a model's first step, as the refusal of a model that does not fit."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import isfinite

import keras

from wncompare.errors import ModelError


@contextmanager
def refused_misfit(model: keras.Model) -> Iterator[None]:
    """Have whatever the model's first step raises be a `ModelError` of one line."""
    try:
        yield
    except Exception as error:  # Keras and the layers raise what they like
        reason = " ".join(str(error).split())[:300]
        raise ModelError(
            f"model {model.name}: fails at its first step: {type(error).__name__}: {reason}: expected a model and a "
            "loss that fit the data"
        ) from error


def refuse_infinite(model: keras.Model, loss: float) -> None:
    """Refuse a model whose loss is not finite at its first step.

    Raises:
        ModelError: it is not.
    """
    if not isfinite(loss):
        raise ModelError(
            f"model {model.name}: its loss is {loss} at the first step, so that nothing can be learned: expected "
            "outputs that the loss takes, such as positive ones for poisson"
        )
