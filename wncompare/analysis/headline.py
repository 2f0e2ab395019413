"""Metrics with the way in which they are better, and the one that verdicts are about."""

from dataclasses import dataclass
from math import inf

from wncompare.catalog.metrics import Better, better
from wncompare.errors import RecordsError
from wncompare.records import SCORE, Experiment, Scores

_PREFIXES = ("val_", "test_", SCORE)


@dataclass(frozen=True)
class Metric:
    """A column of a history ("val_accuracy"), or a metric taken after training ("test_accuracy"), and its direction."""

    name: str
    better: Better

    @property
    def bare(self) -> str:
        """Its name on the training data, by which the model calls it: "accuracy"."""
        return bare(self.name)

    @property
    def validation(self) -> "Metric":
        """The same on the data that each epoch is validated on; a score is itself."""
        return self if self.name.startswith(SCORE) else Metric(f"val_{self.bare}", self.better)

    @property
    def training(self) -> "Metric":
        """The same on the training data."""
        return Metric(self.bare, self.better)

    @property
    def sign(self) -> int:
        """What makes it better higher: 1, or −1 where lower is better."""
        return 1 if self.better == "higher" else -1

    @property
    def worst(self) -> float:
        """What a run that diverged counts as: −∞, or ∞ where lower is better."""
        return -inf * self.sign

    def of(self, name: str) -> "Metric":
        """The metric of that name: in this one's direction where it is this one, else in its own."""
        return Metric(name, self.better) if bare(name) == self.bare else metric(name)


def metric(name: str) -> Metric:
    """A metric by its name, in the direction of its kind."""
    return Metric(name, better(name))


def headline(experiment: Experiment) -> Metric:
    """The metric that verdicts are about: on the test split with a holdout, else on the validation data.

    It is the config's or, by default, the accuracy; where runs have none, for their targets are no classes, the loss.

    Raises:
        RecordsError: the runs do not have the metric that the config names.
    """
    if isinstance(experiment, Scores):
        return Metric(SCORE + experiment.metric, experiment.better)
    chosen = experiment.config.headline
    prefix = "val_" if experiment.config.holdout is None else "test_"
    if chosen is None:
        return metric(prefix + ("accuracy" if has_accuracy(experiment) else "loss"))
    if any(f"val_{chosen.metric}" not in run.history for run in experiment.runs if run.epochs):
        raise RecordsError(
            f"{experiment.folder}: headline {chosen.metric}: the runs have no such metric: expected loss, "
            "accuracy where the targets are classes, or one of training.metrics"
        )
    return Metric(prefix + chosen.metric, chosen.better or better(chosen.metric))


def has_accuracy(experiment: Experiment) -> bool:
    """Whether the targets are classes: told from the runs' histories, and taken so before there is one."""
    return all("val_accuracy" in run.history for run in experiment.runs if run.epochs)


def bare(name: str) -> str:
    """A metric's name without what says on which data it is taken: "accuracy" of "val_accuracy"."""
    return next((name.removeprefix(prefix) for prefix in _PREFIXES if name.startswith(prefix)), name)
