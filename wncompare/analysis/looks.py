"""Looks at an experiment that goes on until it is settled: what the verdict says after the first n seeds, n by n.

A look is a function of the records alone: of the runs of the first n seeds, whichever ended first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from wncompare.analysis import contrasts, sessions
from wncompare.analysis.arms import Arm
from wncompare.analysis.headline import headline
from wncompare.analysis.schema import ContrastSummary, Outcome
from wncompare.records import Experiment

SETTLING: tuple[Outcome, ...] = ("better", "worse", "equivalent")
"""The outcomes that settle a contrast."""


@dataclass(frozen=True)
class Look:
    """The verdict on each contrast over the first seeds."""

    seeds: tuple[int, ...]
    contrasts: tuple[ContrastSummary, ...]


@lru_cache(maxsize=2)
def looks(experiment: Experiment) -> tuple[Look, ...]:
    """The looks that the records give so far, up to the one that settles the last contrast.

    There is one at each number of seeds from `first` on whose runs, of every variant, have all ended; none where the
    config has a list of seeds.
    """
    until = experiment.config.until
    found: list[Look] = []
    unsettled = {contrast.name for contrast in experiment.config.compared()}
    for n in range(until.first, _complete(experiment) + 1) if until else ():
        found.append(_look(experiment, n))
        unsettled -= {contrast.name for contrast in found[-1].contrasts if contrast.outcome in SETTLING}
        if not unsettled:
            break
    return tuple(found)


def settled(experiment: Experiment) -> Mapping[str, Look]:
    """The contrasts that are settled, by name: each with the first look that settled it, whose word it keeps."""
    firsts: dict[str, Look] = {}
    for look in looks(experiment):
        for contrast in look.contrasts:
            if contrast.outcome in SETTLING:
                firsts.setdefault(contrast.name, look)
    return firsts


def is_settled(experiment: Experiment) -> bool:
    """Whether every contrast is: no further seed is trained."""
    return len(settled(experiment)) == len(experiment.config.compared())


def counted(experiment: Experiment) -> Experiment:
    """The experiment with the seeds that count so far: up to the look that settled it, or up to the next look.

    Runs of further seeds, which were under way beside, are left out: how many there are depends on the workers. With a
    list of seeds it is the experiment itself.
    """
    until = experiment.config.until
    if until is None:
        return experiment
    if is_settled(experiment):
        n = len(looks(experiment)[-1].seeds)
    else:
        n = min(max(until.first, _complete(experiment) + 1), until.most)
    return _first(experiment, n)


def _first(experiment: Experiment, n: int) -> Experiment:
    """The experiment with its first n seeds."""
    seeds = experiment.config.all_seeds[:n]
    return replace(experiment, seeds=seeds, runs=tuple(run for run in experiment.runs if run.record.seed in seeds))


def _complete(experiment: Experiment) -> int:
    """How many seeds there are, counted from the first, of which every run has ended."""
    ended = [run.record.seed for run in experiment.runs if run.record.status in ("finished", "diverged")]
    runs = len(experiment.config.variants) * len(experiment.config.points)
    seeds = experiment.config.all_seeds
    return next((n for n, seed in enumerate(seeds) if ended.count(seed) < runs), len(seeds))


def _look(experiment: Experiment, n: int) -> Look:
    first, (point,) = _first(experiment, n), experiment.config.points
    config, judged = experiment.config, headline(first)
    trained_in = sessions.sessions(first.runs)
    arms = [Arm(variant, point, tuple(first.of(variant)), judged, (), (), trained_in) for variant in config.variants]
    (found,) = contrasts.tested(config, [arms])
    return Look(first.seeds, found)
