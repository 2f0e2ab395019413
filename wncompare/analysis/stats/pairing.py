"""Values by seed, paired over the seeds that both arms have, and when two of them are a tie."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

RESOLUTION = float(np.finfo(np.float32).eps)
"""Values are kept as float32: what differs by less than this part of the largest of them is a tie."""


def paired(
    values: Mapping[int, float], reference: Mapping[int, float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both arms' values, given by seed, as arrays (n,) over the seeds that both have, in the seeds' order.

    NaN is a missing value: its seed is left out.
    """
    seeds = sorted(values.keys() & reference.keys())
    pairs = np.array([(values[seed], reference[seed]) for seed in seeds], np.float64).reshape(-1, 2)
    ours, theirs = pairs[~np.isnan(pairs).any(axis=1)].T
    return ours, theirs


def differences(values: NDArray[np.float64], reference: NDArray[np.float64]) -> NDArray[np.float64]:
    """values − reference, (n,): NaN where both are infinite, for of two that diverged neither is ahead."""
    with np.errstate(invalid="ignore"):
        return values - reference


def magnitude(*values: ArrayLike) -> float:
    """The largest |value| of all that are finite, 0 where none is."""
    sizes = np.abs(np.concatenate([np.ravel(np.asarray(each, np.float64)) for each in values]))
    return float(np.max(sizes, where=np.isfinite(sizes), initial=0))


def resolved(differences: ArrayLike, magnitude: float) -> NDArray[np.float64]:
    """Differences (n,) of values of that magnitude, 0 where float32 cannot tell them from 0: a tie."""
    differences = np.asarray(differences, np.float64)
    return np.where(np.abs(differences) <= RESOLUTION * magnitude, 0.0, differences)


def pairing_gain(values: ArrayLike, weights: ArrayLike = (1, -1)) -> float:
    """How many unpaired runs of each arm are worth one pair: Σ w² s² of the arms over s² of their weighted sum.

    `values` are (arms, n), in each column the runs of a seed; for a variant and its reference the gain is
    (s² + s'²)/(s² + s'² − 2·r·s·s'), r their correlation over seeds. Below 1 pairing has cost something. NaN where n is
    below three, a value is not finite, or arms do not vary at all; ∞ where the sum alone does not.
    """
    values, weights = np.asarray(values, np.float64), np.asarray(weights, np.float64)
    if values.shape[1] < 3 or not np.isfinite(values).all():
        return np.nan
    apart = sum(weight**2 * _sum_of_squares(each) for weight, each in zip(weights, values, strict=True))
    together = _sum_of_squares(weights @ values, magnitude(values))
    return float(apart / together) if together else np.inf if apart else np.nan


def correlation(values: NDArray[np.float64], reference: NDArray[np.float64]) -> float:
    """Pearson's, of values (n,) with a reference (n,) over seeds.

    NaN where n is below three, a value is not finite or an arm does not vary.
    """
    if len(values) < 3 or not np.isfinite([values, reference]).all():
        return np.nan
    squares = _sum_of_squares(values) * _sum_of_squares(reference)
    return float((values - values.mean()) @ (reference - reference.mean()) / np.sqrt(squares)) if squares else np.nan


def _sum_of_squares(values: NDArray[np.float64], size: float = 0.0) -> float:
    """About their mean, 0 where float32 cannot tell them, or values of that size, apart."""
    return float((resolved(values - values.mean(), max(size, magnitude(values))) ** 2).sum())
