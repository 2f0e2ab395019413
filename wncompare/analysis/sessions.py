"""Ratios of times, whose replication is the session: runs that are trained side by side share the machine's speed.

A session is one command that trains. Seeds say how much training varies, not how fast the machine is: three sessions on
one machine gave 1.07, 1.09 and 1.10 for the same two arms, with intervals over seeds that exclude one another.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from math import nan

from wncompare.analysis import metrics, stats
from wncompare.analysis.arms import Arm
from wncompare.analysis.estimates import Estimate
from wncompare.records import Run

PAUSE = timedelta(minutes=10)
"""Records that name no session are of one until for so long none of them was training."""

Sessions = Mapping[str, tuple[str, ...]]


def sessions(runs: Sequence[Run]) -> dict[str, tuple[str, ...]]:
    """By its name each run's sessions, which are several where it was gone on with.

    Records of earlier versions name none: of these one session lasts until none was trained for `PAUSE`. Those that do
    not say when they were made are of one session.
    """
    named = {run.name: run.record.sessions for run in runs}
    unnamed = [run for run in runs if not run.record.sessions]
    spans = {run.name: span for run in unnamed if (span := _span(run))}
    found, number, latest = {run.name: ("",) for run in unnamed}, 0, None
    for name, (started, ended) in sorted(spans.items(), key=lambda item: item[1]):
        number += latest is not None and started - latest > PAUSE
        latest = ended if latest is None else max(latest, ended)
        found[name] = (f"unnamed {number}",)
    return {**named, **found}


def _span(run: Run) -> tuple[datetime, datetime] | None:
    """When the run was begun and when it ended, by its record; None where that does not say."""
    try:
        started = datetime.fromisoformat(run.record.started or "")
        ended = datetime.fromisoformat(run.record.ended or "")
    except ValueError:
        return None
    return (started, ended) if started.tzinfo and ended.tzinfo else None


def step_ratio(arm: Arm, reference: Arm) -> Estimate:
    """A training step's time over the reference's: the geometric mean over sessions, `n` of them, and its interval.

    A session's ratio is the geometric mean over the seeds of which it trained both runs. NaN without such a seed, NaN
    bounds from fewer than three sessions.
    """
    by_session: defaultdict[str, list[int]] = defaultdict(list)
    seeds, others = _sessions_of(arm), _sessions_of(reference)
    for seed in sorted(seeds.keys() & others.keys()):
        if seeds[seed] == others[seed]:
            by_session[seeds[seed][0]].append(seed)
    ratios = [_mean_ratio(arm.step_times, reference.step_times, chosen) for chosen in by_session.values()]
    return stats.ratio(dict(enumerate(ratios)), dict.fromkeys(range(len(ratios)), 1.0))


def _sessions_of(arm: Arm) -> dict[int, tuple[str, ...]]:
    return {run.record.seed: arm.sessions[run.name] for run in arm.ended if run.record.seed in arm.step_times}


def _mean_ratio(times: Mapping[int, float], reference: Mapping[int, float], seeds: Sequence[int]) -> float:
    return stats.ratio({seed: times[seed] for seed in seeds}, reference).mean


def ratio_between(runs: Sequence[Run], reference: Sequence[Run]) -> Estimate:
    """A training step's time over that of the same seeds in another folder.

    Each folder counts as one session, so that there is no interval.
    """
    found = stats.ratio(metrics.step_seconds(runs), metrics.step_seconds(reference))
    return Estimate(min(found.n, 1), found.mean, nan, nan)
