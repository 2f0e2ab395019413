"""What is said before anybody believes the numbers: of compilation in the seconds, of origins and of copies."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.recorded import amend, configured, redraw, summary_of
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


@pytest.mark.parametrize(
    ("momentum", "steps", "left"),
    [(0.99, 41, "29 %"), (0.9, 4, "28 %"), (0.99, 153, None), (0.9, 15, None), (0.0, 1, None)],
)
def test_moving_averages_after_few_steps_are_grave(
    write_records: Callable[..., Path], tiny: Config, momentum: float, steps: int, left: str | None
) -> None:
    """Of 0.99 after 3 · 41 = 123 steps 0.99¹²³ = 29 % is the initial value; below 1 % nothing is said.

    It is said at the verdict, of the variant whose network has them.
    """
    folder = write_records(tiny, lambda variant, seed, epoch: 0.5)
    for seed in tiny.seeds:
        redraw(folder, f"weight_norm/seed-{seed}", [0.5] * 3, steps=steps)
        amend(folder, f"weight_norm/seed-{seed}", momentum=momentum)
    found = summary_of(folder)
    said = [caveat for caveat in found.grave if "moving averages" in caveat]
    assert [caveat for caveat in found.caveats if "moving averages" in caveat] == said
    assert len(said) == (left is not None)
    if left:
        assert said[0].startswith("WeightNorm ConvNet is validated with moving averages that after")
        assert f"still hold {left} of their initial values (batch normalization, momentum {momentum:g})" in said[0]


def test_the_shortest_run_tells_of_the_moving_averages(write_records: Callable[..., Path], tiny: Config) -> None:
    """Runs of 460 and of 20 steps: 0.99²⁰ = 82 %."""
    folder = write_records(tiny, lambda variant, seed, epoch: 0.5)
    for seed, steps in enumerate((230, 10)):
        redraw(folder, f"regular/seed-{seed}", [0.5, 0.5], steps=steps)
        amend(folder, f"regular/seed-{seed}", momentum=0.99)
    (said,) = (caveat for caveat in summary_of(folder).grave if "moving averages" in caveat)
    assert "after 20 steps still hold 82 %" in said


def test_records_without_a_momentum_have_their_variants_own(write_records: Callable[..., Path], tiny: Config) -> None:
    """Runs of earlier versions: batch norm's option says it; of a network's own layers nothing is known."""
    config = configured(tiny, variants=[{"name": "regular"}, {"name": "batch_norm", "options": {"momentum": 0.9}}])
    (said,) = (caveat for caveat in summary_of(write_records(config, lambda *_: 0.5)).grave if "moving" in caveat)
    assert "batch_norm is validated with moving averages that after 6 steps still hold 53 %" in said


@pytest.mark.parametrize(
    ("layers", "words"), [(0, None), (1, "1 weight-normalized layer right"), (3, "3 weight-normalized layers")]
)
def test_a_redundant_gain_is_grave(
    write_records: Callable[..., Path], tiny: Config, layers: int, words: str | None
) -> None:
    """What stands before a batch norm is said at the verdict."""
    folder = write_records(tiny, lambda variant, seed, epoch: 0.5)
    amend(folder, "weight_norm/seed-0", redundant_gains=layers)
    said = [caveat for caveat in summary_of(folder).grave if "redundant" in caveat]
    assert len(said) == (words is not None)
    assert not words or words in said[0]
