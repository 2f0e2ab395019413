"""Ratios of times, whose replication is the session: one has no interval, however many seeds it trained."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy import stats as scipy_stats

from tests.recorded import amend, configured, redraw, summary_of
from wncompare import records
from wncompare.analysis.estimates import Estimate
from wncompare.analysis.folders import compare_folders
from wncompare.analysis.sessions import sessions
from wncompare.config import Config

Write = Callable[..., Path]

RATIOS = (2.0, 2.2, 1.0, 1.2, 3.0, 3.3)
"""By seed, how much longer a step of the variant takes; two seeds a session."""


@pytest.fixture
def timed(write_records: Write, tiny: Config) -> Path:
    """Records of six seeds with these ratios."""
    config = configured(tiny, seeds=list(range(len(RATIOS))))
    folder = write_records(config, lambda variant, seed, epoch: 0.5 + seed / 100)
    for seed, ratio in enumerate(RATIOS):
        redraw(folder, f"weight_norm/seed-{seed}", [0.4, 0.5], train_seconds=2.0 * ratio)
    return folder


def _trained_in(folder: Path, by_seed: Sequence[Sequence[str]]) -> None:
    for variant in ("regular", "weight_norm"):
        for seed, of_run in enumerate(by_seed):
            amend(folder, f"{variant}/seed-{seed}", sessions=tuple(of_run))


def _ratio(folder: Path) -> Estimate:
    return summary_of(folder).comparisons[0].contrasts[0].step_ratio


def _interval(by_session: Sequence[float]) -> tuple[float, float]:
    """SciPy's Student-t interval of the logarithms."""
    low, high = scipy_stats.ttest_1samp(np.log(by_session), 0).confidence_interval(0.95)
    return math.exp(low), math.exp(high)


def test_one_session_has_no_interval(timed: Path) -> None:
    """Six seeds of one session are one measurement: their geometric mean, no interval, and the word."""
    _trained_in(timed, [["a"]] * 6)
    found = summary_of(timed).comparisons[0].contrasts[0]
    assert found.step_ratio.n == 1
    assert found.step_ratio.mean == pytest.approx(scipy_stats.gmean(RATIOS))
    assert math.isnan(found.step_ratio.low)
    assert math.isnan(found.step_ratio.high)
    assert "times as long (in 1 session)." in found.sentence


def test_sessions_are_the_replication(timed: Path) -> None:
    """Of three sessions the interval is of their three geometric means; two have none."""
    _trained_in(timed, [["a"], ["a"], ["b"], ["b"], ["c"], ["c"]])
    means = [scipy_stats.gmean(RATIOS[start : start + 2]) for start in (0, 2, 4)]
    found = summary_of(timed).comparisons[0].contrasts[0]
    assert found.step_ratio.n == 3
    assert (found.step_ratio.low, found.step_ratio.high) == pytest.approx(_interval(means))
    assert "over 3 sessions)." in found.sentence
    _trained_in(timed, [["a"]] * 4 + [["c"]] * 2)
    assert _ratio(timed).n == 2
    assert math.isnan(_ratio(timed).low)


def test_a_pair_counts_where_the_same_sessions_trained_it(timed: Path) -> None:
    """A pair of two sessions compares machines, not arms; one that both went on with counts with its first."""
    _trained_in(timed, [["a"], ["a"], ["b"], ["b"], ["c"], ["a", "c"]])
    amend(timed, "regular/seed-4", sessions=("b",))
    found = _ratio(timed)
    assert found.n == 2
    means = scipy_stats.gmean([RATIOS[0], RATIOS[1], RATIOS[5]]), scipy_stats.gmean(RATIOS[2:4])
    assert found.mean == pytest.approx(scipy_stats.gmean(means))
    for seed in range(6):
        amend(timed, f"regular/seed-{seed}", sessions=("another",))
    assert (_ratio(timed).n, math.isnan(_ratio(timed).mean)) == (0, True)


@pytest.mark.parametrize(("pause", "number"), [(0, 1), (9, 1), (11, 3)])
def test_records_without_an_id_are_told_apart_by_pauses(timed: Path, pause: int, number: int) -> None:
    """More than ten minutes in which nothing was trained part two sessions; runs that overlap are of one."""
    minute = 0
    for seed in range(6):
        for variant in ("regular", "weight_norm"):
            _made(timed, f"{variant}/seed-{seed}", minute, minute + 20)
        minute += 20 + (pause if seed % 2 else 0)
    assert _ratio(timed).n == number
    assert len(set(sessions(records.read(timed).runs).values())) == number


def _made(folder: Path, run: str, begin: int, end: int) -> None:
    started, ended = (f"2026-01-01T{minute // 60:02}:{minute % 60:02}:00+00:00" for minute in (begin, end))
    amend(folder, run, started=started, ended=ended)


@pytest.mark.parametrize("moment", [None, "yesterday", "2026-01-01", "2026-01-01T00:00:00"])
def test_records_that_do_not_say_when_are_of_one_session(timed: Path, moment: str | None) -> None:
    """Neither a time that is missing nor one that is none, or of no zone, makes a session."""
    for seed in range(6):
        amend(timed, f"regular/seed-{seed}", started=moment, ended=moment)
    assert _ratio(timed).n == 1


def test_published_experiments_were_each_one_session() -> None:
    """Their records name none, and never was there a pause of ten minutes between two runs."""
    published = Path(__file__).parents[2] / "results" / "published"
    for folder in published.glob("cifar10*"):
        assert len(set(sessions(records.read(folder).runs).values())) == 1


def test_folders_are_a_session_each(timed: Path, write_records: Write, tiny: Config, tmp_path: Path) -> None:
    """A ratio of B's times over A's has no interval: two sessions give one ratio."""
    config = configured(tiny, seeds=list(range(6)))
    other = write_records(config, lambda variant, seed, epoch: 0.5, tmp_path / "other")
    changes: Mapping[str, Estimate] = {
        change.variant: change.step_ratio
        for change in compare_folders(records.read(other), records.read(timed)).changes
    }
    assert changes["weight_norm"].mean == pytest.approx(scipy_stats.gmean(RATIOS))
    assert changes["weight_norm"].n == 1
    assert math.isnan(changes["weight_norm"].low)
