"""A run in single numbers: what statistics, figures and reports take, run by run."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wncompare.analysis import stats
from wncompare.analysis.headline import Metric
from wncompare.analysis.schema import COSTS, Cost
from wncompare.config import Config, Variant
from wncompare.config.grid import Point
from wncompare.records import Experiment, Run

TARGET_FRACTION = 0.95
"""Without targets in the config: this part of the reference's median final validation accuracy."""


def ended(experiment: Experiment, variant: Variant, point: Point) -> list[Run]:
    """The runs that count: those that finished, and those that diverged and rank worst."""
    return [run for run in experiment.of(variant, point) if run.record.status in ("finished", "diverged")]


def last(run: Run, metric: Metric) -> float:
    """A metric at the run's last epoch, "test_…" after it; the worst there is where it diverged, else NaN."""
    if run.record.status == "diverged":
        return metric.worst
    if metric.name.startswith("test_"):
        return (run.record.test or {}).get(metric.bare, math.nan)
    return float(run.history[metric.name][-1]) if metric.name in run.history else math.nan


def by_seed(runs: Sequence[Run], metric: Metric) -> dict[int, float]:
    """A metric at the last epoch of each run, by seed."""
    return {run.record.seed: last(run, metric) for run in runs}


def by_epoch(runs: Sequence[Run], metric: Metric) -> NDArray[np.float64]:
    """A metric by epoch (runs, epochs): NaN past a run's end, the worst from the epoch in which it diverged."""
    epochs = max((run.epochs for run in runs), default=0)
    values = np.full((len(runs), epochs), np.nan)
    for row, run in zip(values, runs, strict=True):
        if run.epochs:
            row[: run.epochs] = run.history[metric.name]
        if run.record.status == "diverged":
            row[max(run.epochs - 1, 0) :] = metric.worst
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


def targets(config: Config, reference: Sequence[Run], headline: Metric) -> tuple[float, ...]:
    """The config's targets, or one of `TARGET_FRACTION` of the reference runs' median final validation accuracy.

    For a headline that is no accuracy it is `TARGET_FRACTION` of the way from the median after the first epoch to the
    median after the last. None where there is no such median (no run, or half of them diverged), nor where the median
    after the first epoch is there already: either nothing was learned, so that the target would lie below chance, or it
    was learned at once, and the time to get there would tell nothing.
    """
    if config.targets:
        return config.targets
    metric = headline.validation
    final = stats.median(list(by_seed(reference, metric).values()))
    first = stats.median([run.history[metric.name][0] for run in reference if run.epochs])
    start = 0.0 if metric.bare == "accuracy" else first
    target = start + TARGET_FRACTION * (final - start)
    return (target,) if math.isfinite(target) and metric.sign * (target - first) > 0 else ()


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
    means = [column[~np.isnan(column)].mean() if not np.isnan(column).all() else np.nan for column in spent.T]
    return np.cumsum(means)


def known_costs(runs: Sequence[Run]) -> tuple[Cost, ...]:
    """The kinds of cost that every epoch of the runs has; of scores that something else produced some are unknown."""
    return tuple(cost for cost in COSTS if all(np.isfinite(costs(run, cost)).all() for run in runs))


def times_to_target(runs: Sequence[Run], cost: Cost, target: float, headline: Metric) -> NDArray[np.float64]:
    """Run by run the cost at which the headline, on validation data, first is at the target or better: (runs,).

    It is ∞ where that never happens; a run that diverged reached nothing, whatever it had passed on its way.
    """
    metric = headline.validation
    curves = [
        metric.sign * run.history[metric.name] if run.record.status == "finished" else np.full(run.epochs, -np.inf)
        for run in runs
    ]
    return stats.time_to_target(curves, [costs(run, cost) for run in runs], metric.sign * target)
