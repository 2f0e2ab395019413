"""Records whose first epoch may hold compilation are counted before anybody believes their seconds."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.recorded import amend
from wncompare import records
from wncompare.analysis.summary import summarize
from wncompare.config import Config

PUBLISHED = Path(__file__).parents[2] / "results" / "published"


@pytest.mark.parametrize("old", [0, 1, 4])
def test_runs_of_the_old_timing_are_counted(tiny: Config, write_records: Callable[..., Path], old: int) -> None:
    """The caveat on times gives how many of the four runs lack `timing`, and says none of it where all have it."""
    folder = write_records(tiny, lambda variant, seed, epoch: 0.5)
    for run in records.read(folder).runs[:old]:
        amend(folder, run.name, timing=1)
    (caveat,) = (text for text in summarize(records.read(folder)).caveats if text.startswith("Times depend"))
    assert ("compilation is not in them" in caveat) == (old == 0)
    assert (f"{old} run{'s' if old > 1 else ''} of an earlier version" in caveat) == (old > 0)


def test_what_was_published_before_is_marked_and_keeps_its_fingerprint() -> None:
    """Every published record was timed the old way, and its fingerprint is still that of its identity."""
    files = sorted(PUBLISHED.rglob("run.json"))[:20]
    assert files
    for file in files:
        record = records.read_record(file.parent)
        assert record is not None
        assert record.timings_include_compilation
