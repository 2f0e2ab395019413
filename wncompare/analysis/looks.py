"""Looks at an experiment that goes on until it is settled: what the verdict says after the first n seeds, n by n.

A look is a function of the records alone: of the runs of the first n seeds, whichever ended first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from wncompare.analysis import contrasts, sessions
from wncompare.analysis.arms import Arm
from wncompare.analysis.collapse import guess
from wncompare.analysis.headline import headline
from wncompare.analysis.schema import ContrastSummary, Outcome
from wncompare.analysis.settings import Setting, settings
from wncompare.config import Config
from wncompare.records import Experiment

SETTLING: tuple[Outcome, ...] = ("better", "worse", "equivalent")
"""The outcomes that settle a contrast."""


@dataclass(frozen=True)
class Look:
    """The verdict over the seeds so far, by the contrast's name; of several settings each has its contrasts."""

    seeds: tuple[int, ...]
    contrasts: Mapping[str, ContrastSummary]

    @property
    def settles(self) -> frozenset[str]:
        """The contrasts that these seeds settle."""
        return frozenset(name for name, contrast in self.contrasts.items() if _is_settling(contrast))


def _is_settling(contrast: ContrastSummary) -> bool:
    """Whether there is a word on it; pairs that are all equal are equivalent too, where the user says to what."""
    return contrast.outcome in SETTLING or (contrast.outcome == "equal" and contrast.equivalence == "equivalent")


@lru_cache(maxsize=2)
def looks(experiment: Experiment) -> tuple[Look, ...]:
    """The looks that the records give so far, up to the one that settles the last contrast.

    There is one at each number of seeds from `first` on whose runs, of every variant, have all ended; none where the
    config has a list of seeds.
    """
    return gone_on(experiment, ())


def gone_on(experiment: Experiment, known: tuple[Look, ...]) -> tuple[Look, ...]:
    """The same, where those that are known are not taken anew: what ended since changes none of them."""
    until, found = experiment.config.until, known
    if until is None:
        return ()
    for n in range(until.first + len(known), _complete(experiment) + 1):
        if settle(experiment.config, found):
            break
        found = (*found, look(_first(experiment, n)))
    return found


def settle(config: Config, found: Sequence[Look]) -> bool:
    """Whether the looks settle every contrast of the config: then no further seed is trained."""
    return len(_first_words(found)) == len(config.compared())


def settled(experiment: Experiment) -> Mapping[str, Look]:
    """The contrasts that are settled, by name: each with the first look that settled it, whose word it keeps."""
    return _first_words(looks(experiment))


def is_settled(experiment: Experiment) -> bool:
    """Whether every contrast is, so that no further seed is trained; never where there is a list of seeds."""
    return experiment.config.until is not None and settle(experiment.config, looks(experiment))


def _first_words(found: Sequence[Look]) -> dict[str, Look]:
    firsts: dict[str, Look] = {}
    for each in found:
        for name in each.settles:
            firsts.setdefault(name, each)
    return firsts


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


def look(experiment: Experiment) -> Look:
    """What the verdict says of all the runs that there are."""
    compared, arms = settings(experiment), every_arm(experiment)
    tested = contrasts.tested(experiment.config, [arms_at(setting, arms) for setting in compared], settled={})
    return Look(
        experiment.seeds,
        {
            f"{contrast.name} at {setting.name}" if setting.name else contrast.name: contrast
            for setting, found in zip(compared, tested, strict=True)
            for contrast in found
        },
    )


def every_arm(
    experiment: Experiment, names: tuple[str, ...] = (), targets: tuple[float, ...] = ()
) -> dict[tuple[str, str], Arm]:
    """Every variant at every point, by its id and the point's slug; `names` are those of the metrics with curves."""
    judged, trained_in, limit = headline(experiment), sessions.sessions(experiment.runs), guess(experiment)
    return {
        (variant.id, point.slug): Arm(
            variant, point, tuple(experiment.of(variant, point)), judged, names, targets, trained_in, limit
        )
        for variant in experiment.config.variants
        for point in experiment.config.points
    }


def arms_at(setting: Setting, arms: Mapping[tuple[str, str], Arm]) -> tuple[Arm, ...]:
    """Every variant at the setting's point, in the config's order."""
    return tuple(arms[variant, point.slug] for variant, point in setting.points.items())
