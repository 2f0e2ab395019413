"""What the log of looks, and the list of seeds, say against a verdict: seeds that were chosen by their results."""

from collections.abc import Iterator, Sequence

from wncompare.analysis.words import counted
from wncompare.records import Experiment, LookRecord

_UNTELLING = ("nothing", "one pair", "too few")
"""Outcomes that no result could have made a verdict: whoever saw only these had no choice to stop."""

_SHOWN = 12


def peeks(experiment: Experiment) -> Iterator[str]:
    """Caveats on seeds that were added or left out after a look, and on a protocol that was written after one."""
    telling = [look for look in _telling(experiment) if look.settings == experiment.settings]
    foreign = [look for look in telling if look.protocol != experiment.protocol]
    if foreign:
        yield (
            f"There had been {counted(len(foreign), 'look')} at these seeds under another protocol: when seeds are "
            "enough was not decided beforehand."
        )
    if experiment.config.until is None:
        yield from _of_a_list(experiment.seeds, telling)


def _telling(experiment: Experiment) -> list[LookRecord]:
    return [look for look in experiment.looks if any(said.outcome not in _UNTELLING for said in look.contrasts)]


def replaced(experiment: Experiment) -> Iterator[str]:
    """A caveat on runs that were looked at and have been replaced by those of other settings."""
    others = [look for look in _telling(experiment) if look.settings != experiment.settings]
    if others and experiment.settings:
        yield (
            f"There had been {counted(len(others), 'look')} at runs of other settings, which these have replaced: what "
            "was trained may have been chosen by its results."
        )


def _of_a_list(seeds: Sequence[int], telling: Sequence[LookRecord]) -> Iterator[str]:
    fewer = sorted({len(look.seeds) for look in telling if {*look.seeds} < {*seeds}})
    if fewer:
        yield (
            f"Seeds were added after a look: the verdict had been read with {_listed(fewer, ' and ')} of these "
            f"{len(seeds)}. A test whose number of seeds was not fixed beforehand finds differences that are not there "
            "far more often than in 5 % of experiments; with seeds: {until: settled} it may be read after every seed."
        )
    if gone := {seed for look in telling for seed in look.seeds} - {*seeds}:
        yield f"Seeds that had been looked at are left out: {_listed(sorted(gone))}."


def gaps(experiment: Experiment) -> Iterator[str]:
    """A caveat on a list of seeds that do not follow one another."""
    seeds = sorted(experiment.seeds)
    if seeds != list(range(seeds[0], seeds[0] + len(seeds))):
        yield f"The seeds do not follow one another ({_listed(seeds)}): nothing says why others are not among them."


def _listed(numbers: Sequence[int], last: str = ", ") -> str:
    *others, final = map(str, numbers[:_SHOWN])
    more = ", …" if len(numbers) > _SHOWN else ""
    return (f"{', '.join(others)}{last}{final}" if others else final) + more
