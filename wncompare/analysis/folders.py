"""The same variants in two results folders, A and B: another machine, another version, another config."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from math import isfinite, nan
from statistics import fmean
from typing import Any

from wncompare.analysis import contrasts, judgement, metrics, sessions
from wncompare.analysis.collapse import guess, lost_seeds
from wncompare.analysis.environment import environment
from wncompare.analysis.estimates import Basis, Quantile
from wncompare.analysis.headline import Metric, headline
from wncompare.analysis.judgement import Judged, Paired
from wncompare.analysis.schema import Outcome, SeedDifference
from wncompare.analysis.stats import Estimate, Fixed, mean_interval
from wncompare.analysis.words import metric_name
from wncompare.catalog.metrics import Better
from wncompare.errors import UsageError
from wncompare.records import Experiment, Run

SCHEMA_VERSION = 1

_UNCOMPARED = ("name", "label", "color")
"""What a config says that changes no run."""


@dataclass(frozen=True)
class Side:
    """One of the two experiments, and its runs that have no partner in the other."""

    folder: str
    experiment: str
    dataset: str
    digests: tuple[str, ...]
    unpaired: tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """B minus A for one variant at one point, paired by seed; `p_holm` is corrected over all of them.

    `a` and `b` are the headline's means over the runs that have a partner, so that they differ by `difference`. The
    statistics are a contrast's. `diverged` counts the pairs in which B's run diverged and A's did not, less those
    of the other way round. `step_ratio` is B over A, without an
    interval: each folder's times are one measurement.
    """

    variant: str
    point: str
    n: int
    a: Estimate
    b: Estimate
    basis: Basis
    difference: Estimate
    median: Quantile
    by_seed: tuple[SeedDifference, ...]
    p_value: float
    p_holm: float
    smallest_p: float
    smallest_p_holm: float
    better: Better
    diverged: int
    step_ratio: Estimate
    outcome: Outcome

    @property
    def name(self) -> str:
        """How messages call it: the variant and its point."""
        return "/".join(filter(None, (self.variant, self.point)))

    def is_worse(self, tolerance: float) -> bool:
        """Whether B diverged more, or is worse by more than the tolerance over the pairs in which neither did."""
        return self.diverged > 0 or self.worsening > tolerance

    @property
    def sequential(self) -> bool:
        """Never: two folders are compared at once."""
        return False

    @property
    def worsening(self) -> float:
        """By how much B is worse on average over the pairs in which neither run diverged; NaN without any."""
        finite = [pair.difference for pair in self.by_seed if isfinite(pair.difference)]
        worse = -1 if self.better == "higher" else 1
        return worse * fmean(finite) if finite else nan


@dataclass(frozen=True)
class Differing:
    """A value of the config or the environment that A and B do not share."""

    key: str
    a: Any
    b: Any


@dataclass(frozen=True)
class FolderComparison:
    """What became of each variant from A to B, and in what else the two differ."""

    headline: str
    better: Better
    a: Side
    b: Side
    changes: tuple[Change, ...]
    config: tuple[Differing, ...]
    environment: tuple[Differing, ...]

    @property
    def other_data(self) -> str:
        """Which data the two have where they are not the same; else empty."""
        return "" if self.a.digests == self.b.digests else f"A is of {self.a.dataset}, B of {self.b.dataset}"


def compare_folders(a: Experiment, b: Experiment) -> FolderComparison:
    """Compare the finished (and diverged) runs of one variant, point and seed in both.

    Raises:
        UsageError: they have no run in common, or another headline metric.
    """
    judged, other = (headline(experiment) for experiment in (a, b))
    if judged != other:
        raise UsageError(
            f"{a.folder} reports {_reported(judged)} and {b.folder} {_reported(other)}: "
            "compare experiments with the same headline and kind of validation"
        )
    return FolderComparison(
        headline=judged.name,
        better=judged.better,
        a=_side(a, b),
        b=_side(b, a),
        changes=_changes(a, b, judged),
        config=_differing(_settings(a), _settings(b)),
        environment=_differing(*(dict(_leaves(environment(side.runs))) for side in (a, b))),
    )


def _reported(metric: Metric) -> str:
    return f"{metric_name(metric.name)} ({metric.better} is better)"


def as_data(found: FolderComparison) -> dict[str, Any]:
    """The comparison as plain data with its schema's version."""
    return {"schema_version": SCHEMA_VERSION, **asdict(found)}


_WEIGHTS = {"b": 1.0, "a": -1.0}


@dataclass(frozen=True)
class _Pair:
    """The runs of one variant at one point in B and in A, and their differences."""

    variant: str
    point: str
    runs: dict[str, list[Run]]
    paired: Paired


def _changes(a: Experiment, b: Experiment, metric: Metric) -> tuple[Change, ...]:
    pairs = [pair for pair in _pairs(a, b, metric) if pair.paired.by_seed]
    if not pairs:
        raise UsageError(
            f"{a.folder} and {b.folder} have no run of the same variant, point and seed that ended in both: "
            "compare experiments that share variants (by id) and seeds"
        )
    judged = judgement.judged([pair.paired for pair in pairs], Fixed(), sign=metric.sign)
    return tuple(_change(pair, each, metric) for pair, each in zip(pairs, judged, strict=True))


def _pairs(a: Experiment, b: Experiment, metric: Metric) -> Iterator[_Pair]:
    before, after, limit = _arms(a), _arms(b), guess(a) or guess(b)
    for variant, point in before:
        runs = {"b": after.get((variant, point), []), "a": before[variant, point]}
        values = {side: metrics.by_seed(of_side, metric) for side, of_side in runs.items()}
        lost = {side: lost_seeds(of_side, limit) for side, of_side in runs.items()}
        yield _Pair(variant, point, runs, contrasts.paired(_WEIGHTS, values, lost))


def _arms(experiment: Experiment) -> dict[tuple[str, str], list[Run]]:
    """The runs that count, by variant and point."""
    config = experiment.config
    arms = product(config.variants, config.points)
    return {(variant.id, point.slug): metrics.ended(experiment, variant, point) for variant, point in arms}


def _change(pair: _Pair, judged: Judged, metric: Metric) -> Change:
    found, differences = judged.found, pair.paired.by_seed
    values = [difference.difference for difference in differences]
    return Change(
        variant=pair.variant,
        point=pair.point,
        n=found.n,
        a=_mean(pair.runs["a"], differences, metric),
        b=_mean(pair.runs["b"], differences, metric),
        basis=judged.basis,
        difference=found.difference,
        median=found.median,
        by_seed=differences,
        p_value=judged.p_value,
        p_holm=judged.p_holm,
        smallest_p=judged.smallest_p,
        smallest_p_holm=judged.smallest_p_holm,
        better=metric.better,
        diverged=values.count(metric.worst) - values.count(-metric.worst),
        step_ratio=sessions.ratio_between(*pair.runs.values()),
        outcome=judged.outcome,
    )


def _mean(runs: list[Run], paired: Sequence[SeedDifference], metric: Metric) -> Estimate:
    """The headline's mean over the runs of the seeds that are paired."""
    seeds = {pair.seed for pair in paired}
    return mean_interval([metrics.last(run, metric) for run in runs if run.record.seed in seeds])


def _side(experiment: Experiment, other: Experiment) -> Side:
    ended, others = ([run for runs in _arms(side).values() for run in runs] for side in (experiment, other))
    partners = {run.name for run in others}
    return Side(
        folder=str(experiment.folder),
        experiment=experiment.config.name,
        dataset=", ".join(dict.fromkeys(run.record.dataset.label for run in ended)),
        digests=tuple(dict.fromkeys(run.record.dataset.digest for run in ended)),
        unpaired=tuple(run.name for run in ended if run.name not in partners),
    )


def _settings(experiment: Experiment) -> dict[str, Any]:
    """The config and the dataset by dotted key, variants by their id."""
    config = experiment.config.dump()
    digests = dict.fromkeys(run.record.dataset.digest for run in experiment.runs)
    variants = {variant["id"]: variant for variant in config["variants"]}
    return dict(_leaves({**config, "variants": variants, "dataset digest": ", ".join(digests)}))


def _leaves(value: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for key, item in value.items():
        if isinstance(item, Mapping):
            yield from _leaves(item, f"{path}{key}.")
        elif key not in _UNCOMPARED:
            yield f"{path}{key}", item


def _differing(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[Differing, ...]:
    keys = dict.fromkeys([*a, *b])
    return tuple(Differing(key, a.get(key), b.get(key)) for key in keys if a.get(key) != b.get(key))
