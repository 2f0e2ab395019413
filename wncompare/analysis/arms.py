"""One variant at one setting, in numbers: what a page, a figure and a table show of it, each computed once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from wncompare.analysis import metrics, stats
from wncompare.analysis.collapse import Guess, collapsed_seeds, lost_seeds
from wncompare.analysis.estimates import Band, Estimate, Quantile
from wncompare.analysis.headline import Metric, metric
from wncompare.analysis.schema import COSTS, Cost
from wncompare.config import Variant
from wncompare.config.grid import Point
from wncompare.records import Run, Status

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RunCurves:
    """One run over training: by cost, what it had cost by the end of each epoch; by metric, its value: (epochs,)."""

    seed: int
    status: Status
    costs: Mapping[Cost, Values]
    values: Mapping[str, Values]

    def finite_epochs(self, metric: str) -> int:
        """How many epochs there are before the metric's first value that is not finite."""
        finite = np.isfinite(self.values[metric])
        return len(finite) if finite.all() else int(finite.argmin())


@dataclass(frozen=True, eq=False)
class TargetTimes:
    """The costs at which the runs of an arm first reached a target, ∞ where they never did: (runs,)."""

    target: float
    by_run: Mapping[Cost, Values]

    @cached_property
    def medians(self) -> Mapping[Cost, Quantile]:
        """The median with its bootstrap interval; a miss is infinite and stays in."""
        return {cost: stats.median_interval(times) for cost, times in self.by_run.items()}

    @property
    def reached(self) -> int:
        """How many runs reached it."""
        return int(np.isfinite(self.by_run["epochs"]).sum())


@dataclass(frozen=True, eq=False)
class Arm:
    """One variant at one point of the grid: `runs` are all that there are, of which those that ended count.

    A run that diverged ranks worst, so that it withholds the means from there on. `sessions` has those that trained a
    run, by its name. A run that is no better than the `guess` has collapsed; without a guess none is said to have.
    Numbers are computed when they are first asked for, and once.
    """

    variant: Variant
    point: Point
    runs: tuple[Run, ...]
    headline_metric: Metric
    metrics: tuple[str, ...]
    targets: tuple[float, ...]
    sessions: Mapping[str, tuple[str, ...]]
    guess: Guess | None

    @cached_property
    def ended(self) -> tuple[Run, ...]:
        """The runs that count: those that finished, and those that diverged."""
        return tuple(run for run in self.runs if run.record.status in ("finished", "diverged"))

    @property
    def finished(self) -> int:
        """How many runs finished."""
        return self.count("finished")

    @property
    def diverged(self) -> int:
        """How many runs diverged."""
        return self.count("diverged")

    def count(self, status: Status) -> int:
        """How many runs have that status."""
        return sum(run.record.status == status for run in self.runs)

    @cached_property
    def collapsed(self) -> frozenset[int]:
        """The seeds of the runs that collapsed."""
        return collapsed_seeds(self.ended, self.guess)

    @cached_property
    def lost(self) -> frozenset[int]:
        """The seeds of the runs that collapsed or diverged."""
        return lost_seeds(self.ended, self.guess)

    @cached_property
    def lost_share(self) -> Estimate:
        """The share of runs that collapsed or diverged, of those that ended, with its Clopper–Pearson interval."""
        return stats.clopper_pearson(len(self.lost), len(self.ended))

    def last(self, name: str) -> Mapping[int, float]:
        """A metric by seed at the last epoch, the worst there is where the run diverged."""
        return metrics.by_seed(self.ended, self.headline_metric.of(name))

    @cached_property
    def curves(self) -> tuple[RunCurves, ...]:
        """Every run that has an epoch, whatever became of it."""
        return tuple(_curves(run, self.metrics) for run in self.runs if run.epochs)

    @cached_property
    def costs(self) -> Mapping[Cost, Values]:
        """Where the means stand: the sum of each epoch's mean cost over the runs that have it, (epochs,)."""
        return {cost: metrics.mean_costs(self.ended, cost) for cost in COSTS}

    @cached_property
    def bands(self) -> Mapping[str, Band]:
        """By metric the mean by epoch with its 95 % Student-t interval, and the median."""
        of = self.headline_metric.of
        return {name: stats.mean_band(metrics.by_epoch(self.ended, of(name))) for name in self.metrics}

    @cached_property
    def headlines(self) -> Mapping[int, float]:
        """The headline metric by seed, the worst there is where the run diverged."""
        return metrics.by_seed(self.ended, self.headline_metric)

    @cached_property
    def headline(self) -> Estimate:
        """The headline's mean with its 95 % Student-t interval."""
        return stats.mean_interval(list(self.headlines.values()))

    @cached_property
    def median(self) -> float:
        """The headline's median: of an even number of runs the worse of the two in the middle."""
        sign = self.headline_metric.sign
        return sign * stats.median([sign * value for value in self.headlines.values()])

    @cached_property
    def step_times(self) -> Mapping[int, float]:
        """Seconds a training step by seed, of the runs that finished."""
        return metrics.step_seconds(self.ended)

    @cached_property
    def step_seconds(self) -> Estimate:
        """Their mean with its 95 % Student-t interval."""
        return stats.mean_interval(list(self.step_times.values()))

    @cached_property
    def times(self) -> tuple[TargetTimes, ...]:
        """The time to each target."""
        return tuple(_times(self.ended, target, self.headline_metric) for target in self.targets)

    def times_to(self, target: float) -> TargetTimes:
        """The time to one of the targets."""
        return next(times for times in self.times if times.target == target)

    @cached_property
    def accuracy(self) -> Estimate:
        """The training accuracy at the last epoch."""
        return stats.mean_interval(list(metrics.by_seed(self.ended, metric("accuracy")).values()))

    @cached_property
    def training(self) -> Estimate:
        """The headline's metric on the training data, at the last epoch."""
        return stats.mean_interval(list(metrics.by_seed(self.ended, self.headline_metric.training).values()))

    @cached_property
    def area(self) -> Estimate:
        """The mean of the headline's curve on validation data over its epochs."""
        return stats.mean_interval([_area(run, self.headline_metric.validation) for run in self.ended])


def _curves(run: Run, names: Sequence[str]) -> RunCurves:
    return RunCurves(
        seed=run.record.seed,
        status=run.record.status,
        costs={cost: metrics.costs(run, cost) for cost in COSTS},
        values={name: run.history[name] for name in names},
    )


def _times(runs: Sequence[Run], target: float, headline: Metric) -> TargetTimes:
    return TargetTimes(target, {cost: metrics.times_to_target(runs, cost, target, headline) for cost in COSTS})


def _area(run: Run, metric: Metric) -> float:
    return metric.worst if run.record.status == "diverged" else stats.area_under_curve(run.history[metric.name])
