"""Runs that collapsed: finite to the end, and no better than a constant guess.

The best constant guess of a class is the most frequent one, right as often as that class is there; an accuracy counts
as no better up to three of its standard errors on the evaluated examples. The best constant guess of a number is the
mean, whose squared error is the variance.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from wncompare.analysis import metrics
from wncompare.analysis.headline import Metric
from wncompare.records import Experiment, Run

STANDARD_ERRORS = 3

TEST_SPLITS = {
    "cifar10": (10_000, 0.1),
    "cifar100": (10_000, 0.01),
    "mnist": (10_000, 0.1135),
    "fashion_mnist": (10_000, 0.1),
    "digits": (360, 0.1),
}
"""Examples and majority share of the test splits that are always the same, for records that do not say them."""

_SQUARED_ERROR = "mean_squared_error"


@dataclass(frozen=True)
class Guess:
    """What the best constant guess reaches of a metric; a run that is no better than the `limit` has collapsed."""

    metric: Metric
    limit: float

    def is_as_good_as(self, run: Run) -> bool:
        """Whether the run finished and learned nothing."""
        sign = self.metric.sign
        return run.record.status == "finished" and sign * metrics.last(run, self.metric) <= sign * self.limit


def collapsed_seeds(runs: Sequence[Run], guess: Guess | None) -> frozenset[int]:
    """The seeds of the runs that collapsed; without a guess none is said to have."""
    return frozenset(run.record.seed for run in runs if guess is not None and guess.is_as_good_as(run))


def lost_seeds(runs: Sequence[Run], guess: Guess | None) -> frozenset[int]:
    """The seeds of the runs that collapsed or diverged."""
    diverged = frozenset(run.record.seed for run in runs if run.record.status == "diverged")
    return collapsed_seeds(runs, guess) | diverged


def guess(experiment: Experiment) -> Guess | None:
    """The guess that the experiment's runs are held to; None where the records do not tell what it reaches."""
    record = next((run.record.dataset for run in experiment.runs), None)
    if record is None:
        return None
    prefix = "val_" if experiment.config.holdout is None else "test_"
    examples, share = record.test_examples, record.test_majority
    if share is None and record.targets == "classes":
        examples, share = TEST_SPLITS.get(record.name, (None, None))
    if examples and share is not None:
        error = sqrt(share * (1 - share) / examples)
        return Guess(Metric(f"{prefix}accuracy", "higher"), share + STANDARD_ERRORS * error)
    name = _squared_error(experiment)
    if record.test_variance is not None and name is not None:
        return Guess(Metric(prefix + name, "lower"), record.test_variance)
    return None


def _squared_error(experiment: Experiment) -> str | None:
    """The metric that is the mean squared error: the loss, if it is and layers add nothing to it, or one beside it."""
    training = experiment.config.training
    if training.loss.name == _SQUARED_ERROR and not any(run.record.penalized for run in experiment.runs):
        return "loss"
    return _SQUARED_ERROR if _SQUARED_ERROR in (metric.name for metric in training.metrics) else None
