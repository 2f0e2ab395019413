"""The headline at equal cost instead of after equally many epochs: at the same training seconds, at the same steps.

It is taken from the histories: of each run the last epoch that it had done within the budget. An arm that is slower by
a little so loses a whole epoch. No run was stopped by a clock, so that a schedule over all epochs had not ended.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np

from wncompare.analysis import metrics, stats
from wncompare.analysis.arms import Arm
from wncompare.analysis.headline import Metric
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


def tested(config: Config, settings: Sequence[Sequence[Arm]]) -> list[tuple[EqualCost, ...]]:
    """For each setting, given by its arms, every contrast at equal training seconds and at equal steps.

    A kind of cost by which no run is cut is left out: there the contrast is the headline's. A pair of runs that were
    trained in different sessions has no seconds to compare.
    """
    found = [
        [each for contrast in config.compared() for cost in KINDS if (each := _compared(config, arms, contrast, cost))]
        for arms in settings
    ]
    for cost in KINDS:
        found = _corrected(found, cost)
    return list(map(tuple, found))


def _corrected(found: Sequence[Sequence[EqualCost]], cost: Cost) -> list[list[EqualCost]]:
    """The same with the p-values of one kind of cost corrected by Holm."""
    family = np.array([each.p_value for setting in found for each in setting if each.cost == cost])
    p_holm = iter(stats.holm(family).tolist())
    return [
        [replace(each, p_holm=next(p_holm)) if each.cost == cost else each for each in setting] for setting in found
    ]


def _gate(config: Config) -> stats.Gate:
    """What the headline passes through: with `until` all holds at every look."""
    until, tests = config.until, len(config.compared())
    return stats.Looks(until.first, until.most, tests) if until else stats.Fixed(tests)


def _compared(config: Config, arms: Sequence[Arm], contrast: Contrast, cost: Cost) -> EqualCost | None:
    weights = contrast.weighted()
    chosen = [arm for arm in arms if arm.variant.id in weights]
    pairs = _pairs(chosen, cost)
    budgets = {seed: _budget(config, pair, cost) for seed, pair in pairs.items()}
    metric = arms[0].headline_metric.validation
    places = {
        seed: {arm: _place(run, cost, budgets[seed], metric) for arm, run in pair.items()}
        for seed, pair in pairs.items()
    }
    if not any(places[seed][arm].epochs < run.epochs for seed, pair in pairs.items() for arm, run in pair.items()):
        return None
    ahead, behind = (_weighted(places, {arm: sign * weight for arm, weight in weights.items()}) for sign in (1, -1))
    found = stats.compare_pairs(ahead, behind, sign=metric.sign, gate=_gate(config))
    return EqualCost(
        contrast=contrast.name,
        cost=cost,
        budget=median(budgets.values()),
        epochs={arm: float(np.mean([place[arm].epochs for place in places.values()])) for arm in weights},
        n=found.n,
        difference=found.difference,
        p_value=found.p_value,
        p_holm=found.p_value,
    )


def _pairs(arms: Sequence[Arm], cost: Cost) -> dict[int, Pair]:
    """The seeds of which every arm has a run that ended; where seconds are compared, in the same sessions."""
    runs = {arm.variant.id: {run.record.seed: run for run in arm.ended} for arm in arms}
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


def _weighted(places: Mapping[int, Mapping[str, _Place]], weights: Mapping[str, float]) -> dict[int, float]:
    """By seed the weighted sum of the arms whose weight is positive: two such sums keep a divergence on its side."""
    return {
        seed: sum(weight * place[arm].value for arm, weight in weights.items() if weight > 0)
        for seed, place in places.items()
    }
