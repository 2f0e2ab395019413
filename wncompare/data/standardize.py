"""Images and numbers as (x − mean) / deviation, with the moments of the examples that a network is trained on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BLOCK = 1 << 20
"""Numbers that are looked at at a time: their moments are taken in float64 without a copy of all."""
MEASURED = ("float32", "uint8")
"""The types of arrays that have moments: numbers and images. Tokens and classes have none."""
_RESOLUTION, _SMALLEST = float(np.finfo(np.float32).eps), float(np.finfo(np.float32).tiny)


@dataclass(frozen=True, eq=False)
class Moments:
    """The `mean` and `deviation` of each feature (the last axis), over examples and all other axes, as float32.

    The deviation is the population's, as `keras.layers.Normalization` has it; of a feature that is constant, as far as
    float32 can tell, it is 1. Those of images are of their values in [0, 1].
    """

    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]

    @classmethod
    def of(cls, numbers: NDArray[Any], rows: NDArray[np.integer] | None = None) -> "Moments":
        """The moments of float32 numbers or uint8 images (n, …, features), of all examples or of those in `rows`."""
        count = (len(numbers) if rows is None else len(rows)) * numbers[0].size // numbers.shape[-1]
        mean = sum(block.sum(axis=0) for block in _blocks(numbers, rows)) / count
        squares = sum(((block - mean) ** 2).sum(axis=0) for block in _blocks(numbers, rows))
        deviation = np.sqrt(squares / count)
        constant = deviation <= np.maximum(_RESOLUTION * np.abs(mean), _SMALLEST)
        return cls(mean.astype(np.float32), np.where(constant, 1, deviation).astype(np.float32))


def _blocks(numbers: NDArray[Any], rows: NDArray[np.integer] | None) -> Iterator[NDArray[np.float64]]:
    """The features of some examples after the other, (…, features); images' in [0, 1]."""
    unit = 255.0 if numbers.dtype == np.uint8 else 1.0
    step = max(1, _BLOCK // numbers[0].size)
    for start in range(0, len(numbers) if rows is None else len(rows), step):
        place: Any = slice(start, start + step) if rows is None else rows[start : start + step]
        yield numbers[place].reshape(-1, numbers.shape[-1]).astype(np.float64) / unit


@dataclass(frozen=True, eq=False)
class Standard:
    """How data are standardized: the moments of images and numbers among the `inputs`, by name, and of a `target`."""

    inputs: Mapping[str, Moments]
    target: Moments | None

    @classmethod
    def of(
        cls, inputs: Mapping[str, NDArray[Any]], target: NDArray[Any] | None, rows: NDArray[np.integer] | None = None
    ) -> "Standard":
        """The standard of training examples, all or those in `rows`; a `target` of None is the only input."""
        moments = {name: Moments.of(array, rows) for name, array in inputs.items() if array.dtype.name in MEASURED}
        if target is None:
            return cls(moments, next(iter(moments.values()), None))
        return cls(moments, Moments.of(target, rows) if target.dtype == np.float32 else None)
