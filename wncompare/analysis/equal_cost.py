"""The headline at equal cost instead of after equally many epochs: at the same training seconds, at the same steps.

It is taken from the histories: of each run the last epoch that it had done within the budget. An arm that is slower by
a little so loses a whole epoch. No run was stopped by a clock, so that a schedule over all epochs had not ended.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

import numpy as np

from wncompare.analysis import contrasts, judgement, metrics
from wncompare.analysis.arms import Arm
from wncompare.analysis.headline import Metric
from wncompare.analysis.judgement import Judged, Paired
from wncompare.analysis.schema import Cost, EqualCost
from wncompare.config import Config, Contrast
from wncompare.records import Run

KINDS: tuple[Cost, ...] = ("seconds", "steps")
ROUNDING = 1e-9
"""Two sums of the same seconds in another order are the same budget."""

Pair = Mapping[str, Run]
"""The runs of one seed, by variant."""


@dataclass(frozen=True)
class _Place:
    """Where a run is taken: after how many epochs, and what the metric was there, the worst where the run diverged."""

    epochs: int
    value: float


@dataclass(frozen=True)
class _Cut:
    """A contrast at one setting with its runs cut to a budget, before it is judged."""

    contrast: Contrast
    cost: Cost
    budget: float
    epochs: dict[str, float]
    pairs: Paired


def tested(config: Config, settings: Sequence[Sequence[Arm]]) -> list[tuple[EqualCost, ...]]:
    """For each setting, given by its arms, every contrast at equal training seconds and at equal steps.

    They are judged as the headline is, those of one kind of cost together. A kind of cost by which no run is cut is
    left out: there the contrast is the headline's.
    """
    return [
        tuple(each for of_one_cost in of_setting for each in of_one_cost)
        for of_setting in zip(*(_judged(config, settings, cost) for cost in KINDS), strict=True)
    ]


def _judged(config: Config, settings: Sequence[Sequence[Arm]], cost: Cost) -> list[list[EqualCost]]:
    cuts = [[cut for contrast in config.compared() if (cut := _cut(config, arms, contrast, cost))] for arms in settings]
    sign, gate = settings[0][0].headline_metric.sign, judgement.gate_of(config)
    judged = iter(judgement.judged([cut.pairs for of_setting in cuts for cut in of_setting], gate, sign=sign))
    return [[_equal_cost(cut, next(judged)) for cut in of_setting] for of_setting in cuts]


def _equal_cost(cut: _Cut, judged: Judged) -> EqualCost:
    return EqualCost(
        contrast=cut.contrast.name,
        cost=cut.cost,
        budget=cut.budget,
        epochs=cut.epochs,
        n=judged.found.n,
        basis=judged.basis,
        difference=judged.found.difference,
        median=judged.found.median,
        p_value=judged.p_value,
        p_holm=judged.p_holm,
        outcome=judged.outcome,
    )


def _cut(config: Config, arms: Sequence[Arm], contrast: Contrast, cost: Cost) -> _Cut | None:
    """The contrast at equal cost; None where no run is cut by it."""
    weights = contrast.weighted()
    chosen = [arm for arm in arms if arm.variant.id in weights]
    pairs, metric = _pairs(chosen, cost), arms[0].headline_metric.validation
    budgets = {seed: _budget(config, pair, cost) for seed, pair in pairs.items()}
    places = {
        arm: {seed: _place(pair[arm], cost, budgets[seed], metric) for seed, pair in pairs.items()} for arm in weights
    }
    if not any(places[arm][seed].epochs < run.epochs for seed, pair in pairs.items() for arm, run in pair.items()):
        return None
    values = {arm: {seed: place.value for seed, place in of_arm.items()} for arm, of_arm in places.items()}
    return _Cut(
        contrast=contrast,
        cost=cost,
        budget=median(budgets.values()),
        epochs={arm: fmean(place.epochs for place in of_arm.values()) for arm, of_arm in places.items()},
        pairs=contrasts.paired(weights, values, {arm.variant.id: arm.lost for arm in chosen}),
    )


def _pairs(arms: Sequence[Arm], cost: Cost) -> dict[int, Pair]:
    """The seeds of which every arm has a run that ended and whose cost is known; of seconds, in the same sessions."""
    runs = {
        arm.variant.id: {run.record.seed: run for run in arm.ended if cost in metrics.known_costs([run])}
        for arm in arms
    }
    sessions = {arm.variant.id: arm.sessions for arm in arms}
    seeds = sorted(set[int].intersection(*(set(by_seed) for by_seed in runs.values())))
    pairs = {seed: {arm: by_seed[seed] for arm, by_seed in runs.items()} for seed in seeds}
    return {
        seed: pair
        for seed, pair in pairs.items()
        if cost == "steps" or len({sessions[arm][run.name] for arm, run in pair.items()}) == 1
    }


def _budget(config: Config, pair: Pair, cost: Cost) -> float:
    """The smallest total of the runs, or the config's budget where that is smaller; a diverged run sets none."""
    runs = [run for run in pair.values() if run.record.status == "finished"] or list(pair.values())
    asked = getattr(config.budget, cost, None) or np.inf
    return min(asked, *(float(metrics.costs(run, cost)[-1]) for run in runs if run.epochs))


def _place(run: Run, cost: Cost, budget: float, metric: Metric) -> _Place:
    """The last epoch that was done within the budget; NaN before the first."""
    if run.record.status == "diverged":
        return _Place(run.epochs, metric.worst)
    epochs = int(np.searchsorted(metrics.costs(run, cost), budget * (1 + ROUNDING), side="right"))
    return _Place(epochs, float(run.history[metric.name][epochs - 1]) if epochs else np.nan)
