"""What to train on, to validate on and to test on."""

from functools import lru_cache

import numpy as np

from wncompare.data.dataset import Dataset, Split
from wncompare.errors import DatasetError

_SPLIT_SEED = 20160225  # arXiv 1602.07868 was submitted on 2016-02-25; any fixed number does


@lru_cache(maxsize=1)  # the runs of a worker share them
def splits(dataset: Dataset, fraction: float | None) -> tuple[Split, Split, Split | None]:
    """What to train on, to validate on and, where a fraction is held out to validate on, to test on in the end."""
    if fraction is None:
        return dataset.train, dataset.test, None
    return *hold_out(dataset.train, fraction), dataset.test


def hold_out(train: Split, fraction: float) -> tuple[Split, Split]:
    """`train` in two: what is left to train on, and a stratified `fraction` to validate on.

    Of each class, round(fraction · count) images are drawn, from a fixed seed: the split depends on nothing but the
    dataset. Both parts keep the order of the dataset.

    Raises:
        DatasetError: a part would be empty.
    """
    random = np.random.Generator(np.random.Philox(_SPLIT_SEED))
    held = np.zeros(len(train), bool)
    for label in np.unique(train.y):
        members = np.flatnonzero(train.y == label)
        held[random.permutation(members)[: round(fraction * len(members))]] = True
    if held.all() or not held.any():
        raise DatasetError(
            f"holdout {fraction}: leaves {(~held).sum()} images to train on and {held.sum()} to validate on, "
            "rounded class by class: expected at least one of each; choose another fraction or more images"
        )
    return train.take(np.flatnonzero(~held)), train.take(np.flatnonzero(held))
