"""A variant of one's own: any function from a model to a model."""

from collections.abc import Callable

import keras

from wncompare.errors import ModelError
from wncompare.nn.models import refuse_own_training, refuse_unknown_inputs

Vary = Callable[[keras.Model], keras.Model]


def varied(model: keras.Model, vary: Vary, name: str) -> keras.Model:
    """What the function makes of the regular model, which it may change or use up; `name` is for messages.

    Raises:
        ModelError: it fails, or gives anything but a model with the same inputs and outputs that is trained as others.
    """
    name, before = f"variant {name}", _shapes(model)
    new = _called(model, vary, name)
    if not isinstance(new, keras.Model):
        raise ModelError(f"{name}: returns {new!r:.60}: expected the changed keras.Model: end it with return model")
    refuse_unknown_inputs(new, name)
    refuse_own_training(new, name)
    if _shapes(new) != before:
        raise ModelError(
            f"{name}: makes a model from {_shapes(new)[0]} to {_shapes(new)[1]}: expected {before[0]} to {before[1]}, "
            "as the regular one: change what is between its inputs and outputs"
        )
    return new


def _called(model: keras.Model, vary: Vary, name: str) -> object:
    try:
        return vary(model)
    except ModelError:
        raise
    except Exception as error:  # the user's own code raises what it likes
        reason = " ".join(str(error).split())[:300]
        raise ModelError(f"{name}: fails on the regular model: {type(error).__name__}: {reason}") from error


def _shapes(model: keras.Model) -> tuple[object, object]:
    return model.input_shape, model.output_shape
