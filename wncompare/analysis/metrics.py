"""A run in single numbers: what statistics, figures and reports take, run by run."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wncompare.analysis import stats
from wncompare.analysis.schema import Cost, Headline
from wncompare.config import Config, Variant
from wncompare.config.grid import Point
from wncompare.records import Experiment, Run

TARGET_FRACTION = 0.95
"""Without targets in the config: this part of the reference's median final validation accuracy."""


def headline(config: Config) -> Headline:
    """The metric that verdicts are about: accuracy on the test split with a holdout, else the validation accuracy."""
    return "val_accuracy" if config.holdout is None else "test_accuracy"


def ended(experiment: Experiment, variant: Variant, point: Point) -> list[Run]:
    """The runs that count: those that finished, and those that diverged and rank worst."""
    return [run for run in experiment.of(variant, point) if run.record.status in ("finished", "diverged")]


def last(run: Run, metric: str) -> float:
    """A metric at the run's last epoch, −∞ where it diverged; "test_accuracy" is the one taken after training."""
    if run.record.status == "diverged":
        return -math.inf
    if metric == "test_accuracy":
        return (run.record.test or {}).get("accuracy", math.nan)
    return float(run.history[metric][-1])


def by_seed(runs: Sequence[Run], metric: str) -> dict[int, float]:
    """A metric at the last epoch of each run, by seed."""
    return {run.record.seed: last(run, metric) for run in runs}


def by_epoch(runs: Sequence[Run], metric: str) -> NDArray[np.float64]:
    """A metric by epoch (runs, epochs): NaN past a run's end, the worst there is from the epoch in which it diverged.

    That is −∞ for an accuracy and ∞ for a loss.
    """
    epochs = max((run.epochs for run in runs), default=0)
    values = np.full((len(runs), epochs), np.nan)
    for row, run in zip(values, runs, strict=True):
        row[: run.epochs] = run.history[metric]
        if run.record.status == "diverged":
            row[max(run.epochs - 1, 0) :] = math.inf if metric.endswith("loss") else -math.inf
    return values


def step_seconds(runs: Sequence[Run]) -> dict[int, float]:
    """Seconds a training step takes, by seed: the median over a finished run's epochs, compilation apart."""
    return {
        run.record.seed: stats.median(run.history["train_seconds"] / run.history["steps"])
        for run in runs
        if run.record.status == "finished"
    }


def compile_seconds(runs: Sequence[Run]) -> float:
    """The median over the runs that compiled: a worker compiles once for all seeds of a variant. NaN where none did."""
    spent = [run.record.seconds.get("compile", 0.0) for run in runs]
    return stats.median([seconds for seconds in spent if seconds > 0])


def targets(config: Config, reference: Sequence[Run]) -> tuple[float, ...]:
    """The config's targets, or one of `TARGET_FRACTION` of the reference runs' median final validation accuracy.

    None where there is no such median (no run, or half of them diverged), nor where the median after the first epoch
    is there already: either nothing was learned, so that the target would lie below chance, or it was learned at once,
    and the time to get there would tell nothing.
    """
    if config.targets:
        return config.targets
    target = TARGET_FRACTION * stats.median(list(by_seed(reference, "val_accuracy").values()))
    first = stats.median([run.history["val_accuracy"][0] for run in reference if run.epochs])
    return (target,) if math.isfinite(target) and first < target else ()


def costs(run: Run, cost: Cost) -> NDArray[np.float64]:
    """What the run had cost by the end of each epoch: (epochs,)."""
    if cost == "epochs":
        return run.history["epoch"]
    return run.history["steps" if cost == "steps" else "train_seconds"].cumsum()


def mean_costs(runs: Sequence[Run], cost: Cost) -> NDArray[np.float64]:
    """What the runs had cost by the end of each epoch: the sum of each epoch's mean over the runs that have it.

    Unlike the mean of the runs' sums it never falls where a slow run stops early: (epochs,).
    """
    epochs = max((run.epochs for run in runs), default=0)
    spent = np.full((len(runs), epochs), np.nan)
    for row, run in zip(spent, runs, strict=True):
        row[: run.epochs] = np.diff(costs(run, cost), prepend=0.0)
    return np.cumsum([column[~np.isnan(column)].mean() for column in spent.T])


def times_to_target(runs: Sequence[Run], cost: Cost, target: float) -> NDArray[np.float64]:
    """Run by run the cost at which the validation accuracy first is at or above the target: (runs,).

    It is ∞ where that never happens; a run that diverged reached nothing, whatever it had passed on its way.
    """
    accuracies = [
        run.history["val_accuracy"] if run.record.status == "finished" else np.full(run.epochs, -np.inf) for run in runs
    ]
    return stats.time_to_target(accuracies, [costs(run, cost) for run in runs], target)
