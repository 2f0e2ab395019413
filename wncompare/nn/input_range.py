"""Images that a model's first layers squash: it would train on almost nothing, and nothing would say so."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray

from wncompare.errors import ModelError
from wncompare.nn.keras_private import children, substituted
from wncompare.nn.layers.copying import is_adapted

_SQUASHED = 0.02
_NARROWED, _FARTHER, _FAR = 0.5, 10.0, 10.0


def refuse_squashed(model: keras.Model, images: NDArray[np.float32]) -> None:
    """Refuse a model whose first weights see the images as good as constant, while the images are not.

    That is, at one place values vary from image to image over less than 2 % of the range of the images' own; or over
    less than half of it and farther from zero, beyond ±1 and more than ten times as far in standard deviations; or
    over any range so much farther, and beyond ±10. It is what dividing by 255 a second time leaves, a Normalization
    that was adapted to values up to 255, or subtracting the means of such values.

    Raises:
        ModelError: with the ranges and the remedy.
    """
    inputs = _first_inputs(model, images)
    if inputs is None or not np.isfinite(inputs).all():
        return
    given, seen = _Values.of(images), _Values.of(inputs)
    is_far = seen.level > 1 and seen.level * given.spread > _FARTHER * max(given.level, given.spread) * seen.spread
    is_constant = is_far and (seen.range < _NARROWED * given.range or seen.level > _FAR)
    if seen.range < _SQUASHED * given.range or is_constant:
        raise ModelError(
            f"model {model.name}: its first layers turn images that vary by {given.range:.3g} into values that vary by "
            f"{seen.range:.3g} around {seen.level:.3g}: wncompare scales images to [0, 1] already: remove the "
            "Rescaling or the division by 255, and adapt a Normalization, or a mean to subtract, to images in [0, 1]"
        )


class _Values(NamedTuple):
    """How values are, place by place: their `level`, and around it from example to example `spread` and `range`."""

    level: float
    spread: float
    range: float

    @classmethod
    def of(cls, values: NDArray[Any]) -> "_Values":
        means = values.mean(axis=0, dtype=np.float64)
        deviations = values - means
        level, spread = (float(np.sqrt((each**2).mean())) for each in (means, deviations))
        return cls(level, spread, float(np.ptp(deviations)))


def _first_inputs(model: keras.Model, images: NDArray[np.float32]) -> NDArray[np.float64] | None:
    """What the first layer that has weights is called on; None where there is no such layer, or it takes no numbers."""
    seen: list[Any] = []

    def watching(layer: keras.layers.Layer) -> Any:
        call = layer.call

        def watched(inputs: Any, *args: Any, **kwargs: Any) -> Any:
            seen.append(inputs)
            return call(inputs, *args, **kwargs)

        return watched

    with ExitStack() as stack:
        for layer in set(_with_weights(model)):
            stack.enter_context(substituted(layer, call=watching(layer)))
        model(images, training=False)
    first = seen[0] if seen else None
    if not keras.ops.is_tensor(first):
        return None
    values = np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(first, "float32")), np.float64)
    return values if values.size else None


def _with_weights(layer: keras.layers.Layer) -> Iterator[keras.layers.Layer]:
    """The outermost layers with weights of their own kind, inside models and layers of one's own too."""
    for child in children(layer):
        if isinstance(child, keras.Model) or not type(child).__module__.startswith(("keras.", "wncompare.")):
            yield from _with_weights(child)
        elif child.weights and not is_adapted(child):
            yield child
