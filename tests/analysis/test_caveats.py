"""What is said before anybody believes the numbers: of compilation in the seconds, of origins and of copies."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.recorded import amend, summary_of
from wncompare import records
from wncompare.analysis.summary import summarize
from wncompare.config import Config
from wncompare.records import DatasetRecord

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


def test_origins_that_differ_are_a_caveat(write_records: Callable[..., Path], tiny: Config) -> None:
    """What all runs share is one value in the environment; what they do not is a list, and is said.

    A run that went on elsewhere has such a list of its own.
    """
    folder = write_records(tiny, lambda variant, seed, epoch: 0.5)
    for seed, keras in enumerate(("3.14", "3.15")):
        for variant in ("regular", "weight_norm"):
            amend(folder, f"{variant}/seed-{seed}", environment={"keras": keras, "python": "3.12"}, device="cpu")
    found = summary_of(folder)
    assert found.environment == {"keras": ["3.14", "3.15"], "python": "3.12", "device": "cpu"}
    assert "Not all runs have the same keras: 3.14, 3.15." in found.caveats
    for run in records.read(folder).runs:
        amend(folder, run.name, environment={"keras": ["3.15", "3.16"], "python": "3.12"})
    assert summary_of(folder).environment["keras"] == ["3.15", "3.16"]
    assert "Not all runs have the same keras: 3.15, 3.16." in summary_of(folder).caveats


def test_an_unofficial_copy_is_a_caveat(write_records: Callable[..., Path], tiny: Config) -> None:
    """Data that are not the published bytes are named."""
    folder = write_records(tiny, lambda variant, seed, epoch: 0.5)
    dataset = DatasetRecord(name="cifar10", label="CIFAR-10 (JPEG copy)", digest="0", official=False)
    amend(folder, "regular/seed-0", dataset=dataset)
    assert "The data are CIFAR-10 (JPEG copy): not the published bytes." in summary_of(folder).caveats
