"""What is simulated: the tables that `python -m benchmarks.coverage` writes, row by row."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from math import exp, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from benchmarks import draws, gates, intervals
from benchmarks.common import ROOT
from benchmarks.draws import Array, Draw
from wncompare import records
from wncompare.analysis.stats import power
from wncompare.analysis.stats.paired import probability_of_improvement

PUBLISHED = ROOT / "results" / "published" / "cifar10_forty_seeds"

Outcomes = NDArray[np.generic]
"""What each of many experiments came to: whether something holds, or a number."""
Cell = Callable[[int], Outcomes]
"""The outcomes of so many experiments."""


@dataclass(frozen=True)
class Study:
    """A row of a table: its cells by column, and the share or mean that is right."""

    table: str
    what: str
    should_be: str
    columns: Mapping[str, Cell]
    cost: int = 1
    """The number of experiments is divided by it."""


# Verdicts without a difference.

WRONG = "Wrong verdicts, no difference"
CONTRASTS = (1, 3, 10)

SYMMETRIC: dict[str, Draw] = {
    "normal": draws.differences(draws.normal),
    "heavy tails (t with 3 degrees of freedom)": draws.differences(draws.heavy_tailed),
    "skewed arms (exponential)": draws.differences(draws.exponential),
}
SKEWED: dict[str, Draw] = {"skewed differences (log-normal), mean 0": draws.lognormal}


def _lognormal_of_median_0(rng: np.random.Generator, shape: draws.Shape) -> Array:
    return draws.lognormal(rng, shape) + exp(draws.SIGMA**2 / 2) - 1


MEDIAN_0: dict[str, Draw] = {
    "heavy tails": draws.differences(draws.heavy_tailed),
    "skewed differences (log-normal), median 0": _lognormal_of_median_0,
}


def _wrong(name: str, gate: Callable[[Array], Array], n: int, drawn: Mapping[str, Draw], should_be: str) -> list[Study]:
    return [
        Study(
            WRONG,
            f"{name}: {noise}",
            should_be,
            {_contrasts(count): partial(gates.wrong, gate, draw, count, n) for count in CONTRASTS},
        )
        for noise, draw in drawn.items()
    ]


def _contrasts(count: int) -> str:
    return "1 contrast" if count == 1 else f"Holm over {count}"


VERDICTS = [
    *_wrong("mean, 10 pairs", gates.at_once, 10, SYMMETRIC, "≤ 5 %"),
    *_wrong("mean, 40 pairs", gates.at_once, 40, SYMMETRIC, "≤ 5 %"),
    *_wrong("mean, looks from 8 to 40", gates.with_looks, 40, SYMMETRIC, "≤ 5 %"),
    *_wrong("median, 10 pairs", gates.signs_at_once, 10, MEDIAN_0, "≤ 5 %"),
    *_wrong("median, 40 pairs", gates.signs_at_once, 40, MEDIAN_0, "≤ 5 %"),
    *_wrong("median, looks from 8 to 40", gates.signs_with_looks, 40, MEDIAN_0, "≤ 5 %"),
    *_wrong("mean, 10 pairs", gates.at_once, 10, SKEWED, "–"),
    *_wrong("mean, 40 pairs", gates.at_once, 40, SKEWED, "–"),
    *_wrong("mean, looks from 8 to 40", gates.with_looks, 40, SKEWED, "–"),
    Study(
        WRONG,
        "the tests for a fixed number, after every pair from 6 to 40 (not used): normal",
        "–",
        {"1 contrast": partial(gates.added_one_by_one, SYMMETRIC["normal"])},
    ),
]


# Collapse.

COLLAPSE = "Verdicts where runs collapse, one in ten, by 30 standard deviations"


def _collapsing(judge: Callable[[Array, Array], Array], n: int, lift: float, both: bool, experiments: int) -> Outcomes:
    found = judge(*gates.collapsing(np.random.default_rng(0), (experiments, 1, n), lift=lift, both=both))
    return gates.any_verdict(found).reshape(experiments, -1).any(axis=1)


def _by_mean(judge: Callable[[Array], Array]) -> Callable[[Array, Array], Array]:
    return lambda differences, _: judge(differences)


def _collapse(what: str, should_be: str, lift: float, both: bool) -> list[Study]:
    """Judged by what the verdict goes by, pairs as soon as a run has collapsed, and by the mean alone."""
    by_pairs = (gates.judged_by_pairs_where_runs_collapsed, gates.judged_by_pairs_with_looks)
    by_mean = (_by_mean(gates.at_once), _by_mean(gates.with_looks))
    return [
        Study(
            COLLAPSE,
            f"{what}: {name}",
            expected,
            {
                "10 pairs": partial(_collapsing, at_once, 10, lift, both),
                "40 pairs": partial(_collapsing, at_once, 40, lift, both),
                "looks from 8 to 40": partial(_collapsing, with_looks, 40, lift, both),
            },
        )
        for name, expected, (at_once, with_looks) in (
            ("by pairs where one collapsed", should_be, by_pairs),
            ("by the mean always (not used)", "–", by_mean),
        )
    ]


EQUAL_MEDIANS = sqrt(2) * float(norm.ppf(0.5 / (1 - gates.COLLAPSED)))
EQUAL_MEANS = gates.COLLAPSED * gates.DROP
COLLAPSES = [
    *_collapse("both arms alike, wrong", "≤ 5 %", 0.0, True),
    *_collapse("one arm, equal medians, wrong", "≤ 5 %", EQUAL_MEDIANS, False),
    *_collapse("one arm, equal means, any verdict", "–", EQUAL_MEANS, False),
]


# Power.

POWER = "What is found"
EFFECTS = (0.0, 0.5, 0.8, 1.0)


def _settled(effect: float, experiments: int) -> Outcomes:
    return gates.stops(effect, experiments)[0]


def _pairs(effect: float, experiments: int) -> Outcomes:
    return gates.stops(effect, experiments)[1]


def _found(n: int, effect: float, experiments: int) -> Outcomes:
    return gates.at_once(np.random.default_rng(0).normal(effect, 1, (experiments, n))) < gates.ALPHA


def _found_by_looks(most: int, effect: float, experiments: int) -> Outcomes:
    return gates.stops(effect, experiments, most)[0]


def _by_effect(cell: Callable[[float, int], Outcomes]) -> dict[str, Cell]:
    return {f"{effect:g} sd": partial(cell, effect) for effect in EFFECTS}


FINDS = [
    Study(POWER, "looks from 8 to 40: settled", "–", _by_effect(_settled)),
    Study(POWER, "looks from 8 to 40: pairs to the end", "–", _by_effect(_pairs)),
    *(Study(POWER, f"{n} pairs: found", "–", _by_effect(partial(_found, n))) for n in (10, 20, 40)),
]

EQUIVALENCE = "Called equivalent at any look from 8 to 40, by the difference that matters"
EQUIVALENTS = [
    Study(
        EQUIVALENCE,
        what,
        should_be,
        {f"{margin:g} sd": partial(gates.called_equivalent, share * margin, margin) for margin in (0.5, 0.8, 1.0)},
    )
    for what, share, should_be in (("the difference just matters", 1.0, "≤ 5 %"), ("no difference", 0.0, "–"))
]

DETECTABLE = "What is detectable is found"
DETECTS = [
    Study(
        DETECTABLE,
        "a fixed number of pairs",
        "80 %",
        {f"n = {n}": partial(_found, n, power.detectable_effect(n)) for n in (8, 10, 20, 40)},
    ),
    Study(
        DETECTABLE,
        "looks from 8 to n",
        "80 %",
        {f"n = {n}": partial(_found_by_looks, n, power.detectable_effect_of_looks(n)) for n in (20, 40, 100)},
        cost=2,
    ),
]


# Intervals.

AT_EVERY_LOOK = "Intervals that hold the mean at every look from 8 to 40"
MEDIAN_AT_EVERY_LOOK = "Intervals that hold the median at every look from 8 to 40"
AT_ONCE = "Intervals and words, of so many seeds"


def _at_every_look(covers: Callable[[Array], Array], draw: Draw, experiments: int) -> Outcomes:
    values = draw(np.random.default_rng(0), (experiments, 1, gates.MOST))[:, 0]
    return covers(values)[:, gates.FIRST - 1 :].all(axis=1)


SEQUENCES = [
    Study(
        AT_EVERY_LOOK,
        what,
        should_be,
        {name: partial(_at_every_look, covers, draw) for name, draw in (SYMMETRIC | SKEWED).items()},
    )
    for what, should_be, covers in (
        ("confidence sequence", "≥ 95 %", gates.sequence_covers),
        ("Student's interval (not used)", "–", gates.student_covers),
    )
] + [
    Study(
        MEDIAN_AT_EVERY_LOOK,
        "confidence sequence",
        "≥ 95 %",
        {name: partial(_at_every_look, gates.median_sequence_covers, draw) for name, draw in MEDIAN_0.items()},
    )
]


def _trial(
    what: str, should_be: str, trial: intervals.Trial, cost: int = 1, seeds: tuple[int, ...] = (5, 10, 20)
) -> Study:
    return Study(AT_ONCE, what, should_be, {f"n = {n}": partial(intervals.repeated, trial, n) for n in seeds}, cost)


TRIALS = [
    _trial("mean, t interval: normal values", "95 %", intervals.mean_is_covered(draws.normal)),
    _trial("mean, t interval: Gumbel values (skewness 1.1)", "95 %", intervals.mean_is_covered(draws.gumbel)),
    _trial("mean, t interval: exponential values (skewness 2)", "95 %", intervals.mean_is_covered(draws.exponential)),
    _trial(
        "mean difference, t interval: arms with exponential noise",
        "95 %",
        intervals.mean_is_covered(draws.differences(draws.exponential)),
    ),
    _trial("median difference, order statistics", "≥ 95 %", intervals.median_difference_is_covered, 10, (10, 20)),
    _trial("median time, bootstrap", "95 %", intervals.median_is_covered(missing=0), 10),
    _trial("median time, bootstrap: 30 % of runs miss", "95 %", intervals.median_is_covered(missing=0.3), 10),
    _trial("ratio of median times, bootstrap: 10 % miss", "95 %", intervals.ratio_of_medians_is_covered, 10),
    *(
        _trial(
            f"probability of improvement {truth}, {name}",
            "95 %",
            intervals.improvement_is_covered(truth, interval, shared),
            cost,
        )
        for truth in (0.5, 0.75, 0.95)
        for name, interval, shared, cost in (
            ("Newcombe", probability_of_improvement, 0.0, 5),
            ("Newcombe, seeds half the variance", probability_of_improvement, 0.5, 5),
            ("bootstrap (not used)", intervals.bootstrapped_improvement, 0.0, 40),
        )
    ),
    _trial("share of 10 %, Clopper–Pearson", "≥ 95 %", intervals.share_is_covered(0.1)),
    _trial(
        "called equivalent, the difference just matters", "≤ 5 %", intervals.is_called("equivalent", intervals.MARGIN)
    ),
    _trial("called equivalent, no difference", "–", intervals.is_called("equivalent", 0)),
    _trial("called different, no difference", "≤ 5 %", intervals.is_called("different", 0)),
]


# Real runs.


def published_accuracies(variant: str = "regular") -> Array:
    """The validation accuracies that the variant's forty published runs ended with, in the order of seeds."""
    runs = {run.record.seed: run for run in records.read(PUBLISHED).runs if run.record.variant == variant}
    return np.array([runs[seed].history["val_accuracy"][-1] for seed in sorted(runs)], np.float64)


def _split(judge: Callable[[Array], Array], splits: int) -> Outcomes:
    verdicts = gates.any_verdict(judge(gates.split_at_random(published_accuracies(), splits)))
    return verdicts.reshape(splits, -1).any(axis=1)


REAL = [
    Study(
        "Forty real runs of one network, split at random into two arms of twenty: any verdict",
        what,
        "≤ 5 %",
        {"of the mean": partial(_split, of_mean), "of the median": partial(_split, of_median)},
        cost=10,
    )
    for what, of_mean, of_median in (
        ("20 pairs", gates.at_once, gates.signs_at_once),
        ("looks from 8 to 20", gates.with_looks, gates.signs_with_looks),
    )
]

STUDIES = [*VERDICTS, *REAL, *COLLAPSES, *FINDS, *EQUIVALENTS, *DETECTS, *SEQUENCES, *TRIALS]
