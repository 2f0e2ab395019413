"""How many seeds would tell: from the spread of the pairs that are there to the pairs that find what matters."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from wncompare.analysis import contrasts
from wncompare.analysis.judgement import gate_of
from wncompare.analysis.looks import arms_at, counted, every_arm
from wncompare.analysis.settings import settings
from wncompare.analysis.stats.power import MOST_PAIRS
from wncompare.config import Config
from wncompare.records import Experiment

FEWEST = 3
"""Pairs from which the spread of their differences is taken."""


@dataclass(frozen=True)
class Needed:
    """The seeds with which a contrast finds a difference of `smallest_difference` with 80 % power.

    `deviation` is the standard deviation of the differences of the `n` pairs that there are, as uncertain as these are
    few. `seeds` is None where a million would not do; `seconds` is what those that are missing take on so many workers.
    """

    contrast: str
    n: int
    deviation: float
    smallest_difference: float
    seeds: int | None
    seconds: float | None

    def as_data(self) -> dict[str, Any]:
        """The same as plain JSON data."""
        return asdict(self)


def needed(experiment: Experiment, config: Config, *, workers: int) -> tuple[Needed, ...]:
    """How many seeds the config's contrasts need, told from the runs that the experiment has of its variants.

    None without a `smallest_difference`, and none of a contrast with fewer than three pairs, or of which a run
    collapsed or diverged: its spread is not that of the typical pair.
    """
    return tuple(_needed(counted(replace(experiment, config=config, seeds=())), workers))


def _needed(experiment: Experiment, workers: int) -> Iterator[Needed]:
    config = experiment.config
    smallest = config.smallest_difference
    if smallest is None:
        return
    compared, arms = settings(experiment), every_arm(experiment)
    found = contrasts.differences(config, [arms_at(setting, arms) for setting in compared])
    gate = replace(gate_of(config), tests=sum(map(len, found)))
    for setting, group in zip(compared, found, strict=True):
        for pair in group:
            differences = [each.difference for each in pair.by_seed]
            if len(differences) < FEWEST or pair.judged.basis == "median":
                continue
            deviation = float(np.std(differences, ddof=1))
            seeds = gate.pairs_needed(smallest / deviation) if deviation else len(differences)
            yield Needed(
                contrast=f"{pair.contrast.name} at {setting.name}" if setting.name else pair.contrast.name,
                n=len(differences),
                deviation=deviation,
                smallest_difference=smallest,
                seeds=seeds if seeds < MOST_PAIRS else None,
                seconds=_seconds(experiment, seeds - len(differences), workers),
            )


def _seconds(experiment: Experiment, seeds: int, workers: int) -> float | None:
    """What so many further seeds take, at the pace of the runs that have finished."""
    spent = [sum(run.record.seconds.values()) for run in experiment.runs if run.record.status == "finished"]
    if not any(spent):
        return None
    runs = max(seeds, 0) * len(experiment.config.variants) * len(experiment.config.points)
    return float(np.median(spent)) * runs / workers
