"""Values by seed, paired over the seeds that both arms have."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray


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
