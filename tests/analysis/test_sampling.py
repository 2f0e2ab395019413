"""What an interval over seeds takes as given, and the standard error for another test set, against simulated ones."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.recorded import amend, configured, redraw, summary_of
from wncompare import records
from wncompare.analysis.schema import Summary
from wncompare.config import Config
from wncompare.records import DatasetRecord

Write = Callable[..., Path]

EXAMPLES = 400


@pytest.fixture
def summary(write_records: Write, tiny: Config) -> Callable[..., Summary]:
    """The summary of arms with validation accuracies 0.6 and 0.7, on a test split of that size."""

    def of(size: int | None = EXAMPLES, name: str = "synthetic", **changes: object) -> Summary:
        folder = write_records(configured(tiny, **changes), lambda *_: 0.5)
        dataset = DatasetRecord(name=name, label=name, digest="0" * 64, official=None, test_examples=size)
        for run in records.read(folder).runs:
            redraw(folder, run.name, [0.7 if run.record.variant == "weight_norm" else 0.6])
            amend(folder, run.name, dataset=dataset)
        return summary_of(folder)

    return of


def _error(found: Summary) -> float:
    return found.comparisons[0].contrasts[0].sampling_error


def test_another_test_set_moves_a_difference_by_its_standard_error(summary: Callable[..., Summary]) -> None:
    """Of 20,000 simulated test sets with hits drawn apart it is the spread of the differences; of like hits, more."""
    rng = np.random.default_rng(0)
    draws = rng.uniform(size=(2, 20_000, EXAMPLES))
    apart = (draws[0] < 0.7).mean(axis=1) - (draws[1] < 0.6).mean(axis=1)
    alike = (draws[0] < 0.7).mean(axis=1) - (draws[0] < 0.6).mean(axis=1)
    error = _error(summary())
    assert error == pytest.approx(apart.std(), rel=0.03)
    assert error == pytest.approx(math.sqrt((0.21 + 0.24) / EXAMPLES))
    assert alike.std() < error


def test_it_is_said_beside_what_the_interval_takes_as_given(summary: Callable[..., Summary]) -> None:
    """Training set, test set with its size, split; the standard error with its assumption."""
    (said,) = (caveat for caveat in summary().caveats if caveat.startswith("Intervals are over seeds alone"))
    assert "this training set, this test set of 400 examples and this split as given. Another test set" in said
    assert "standard error of 0.0335 at most: that is binomial, as if the arms erred independently" in said


@pytest.mark.parametrize(
    ("size", "name", "changes"),
    [(None, "npz", {}), (EXAMPLES, "synthetic", {"headline": {"metric": "loss"}})],
)
def test_where_it_is_not_known_that_is_said(
    summary: Callable[..., Summary], size: int | None, name: str, changes: dict[str, object]
) -> None:
    """Records that do not say how large the test set was; a headline that is no share of examples."""
    found = summary(size, name, **changes)
    assert math.isnan(_error(found))
    assert any("how far another test set would move a difference is not known." in text for text in found.caveats)


def test_a_test_split_that_is_always_the_same_is_known_without_a_record(summary: Callable[..., Summary]) -> None:
    """CIFAR-10's has 10,000 images, whatever a record of an earlier version leaves out."""
    assert _error(summary(None, "cifar10")) == pytest.approx(math.sqrt((0.21 + 0.24) / 10_000))


def test_a_diverged_run_leaves_no_mean_to_have_an_error(summary: Callable[..., Summary], tmp_path: Path) -> None:
    """Nor do arms of different test sets have one."""
    summary()
    folder = tmp_path / "results" / "tiny"
    amend(folder, "regular/seed-0", status="diverged")
    assert math.isnan(_error(summary_of(folder)))
    other = DatasetRecord(name="synthetic", label="", digest="0" * 64, official=None, test_examples=5)
    amend(folder, "regular/seed-0", status="finished", dataset=other)
    assert math.isnan(_error(summary_of(folder)))
