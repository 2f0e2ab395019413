"""How far another test set of the same size would move an accuracy, which no interval over seeds says.

The records have accuracies, not which examples were right. So a network's hits are binomial, and two networks are taken
to err independently of one another: where they err on the same examples, as networks of one kind do, a difference is
surer than this standard error says.
"""

from collections.abc import Mapping, Sequence
from math import isfinite, nan, sqrt

from wncompare.analysis.arms import Arm
from wncompare.analysis.collapse import TEST_SPLITS
from wncompare.records import Run

_SHARES = ("accuracy", "top_k_categorical_accuracy", "sparse_top_k_categorical_accuracy")
"""The metrics that are a share of examples."""


def test_examples(runs: Sequence[Run]) -> int | None:
    """How many examples the test split has by the runs' records; None where one does not say, or they differ."""
    records = [run.record.dataset for run in runs]
    sizes = {record.test_examples or TEST_SPLITS.get(record.name, (None, None))[0] for record in records}
    return sizes.pop() if len(sizes) == 1 else None


def standard_error(arms: Sequence[Arm], weights: Mapping[str, float]) -> float:
    """Of the arms' weighted sum of accuracies p, of n test examples each: √(Σ w² p (1 − p) / n).

    NaN where the headline is no share of examples, where an arm has no mean, and where n is not known.
    """
    chosen = [arm for arm in arms if arm.variant.id in weights]
    examples = test_examples([run for arm in chosen for run in arm.ended])
    means = {arm.variant.id: arm.headline.mean for arm in chosen}
    if not examples or arms[0].headline_metric.bare not in _SHARES or not all(map(isfinite, means.values())):
        return nan
    return sqrt(sum(weight**2 * means[arm] * (1 - means[arm]) for arm, weight in weights.items()) / examples)
