"""Records as a pandas table."""

from collections.abc import Callable
from pathlib import Path

from tests.recorded import amend, configured
from wncompare import load
from wncompare.config import Config

Write = Callable[..., Path]


def test_points_of_a_grid_are_columns(write_records: Write, tiny: Config) -> None:
    """Each row says its point and the value of each of the grid's keys, lists among them."""
    config = configured(tiny, grid={"training.batch_size": [16, 32]})
    table = load(write_records(config, lambda *_: 0.5))
    assert len(table) == 2 * 2 * 2 * 2
    by_point = table.groupby("point")["training.batch_size"].unique()
    assert {point: list(values) for point, values in by_point.items()} == {"batch_size=16": [16], "batch_size=32": [32]}


def test_without_a_grid_the_point_is_empty(write_records: Write, tiny: Config) -> None:
    """There is one point, which has no name and sets nothing."""
    table = load(write_records(tiny, lambda *_: 0.5))
    assert set(table["point"]) == {""}
    assert not [column for column in table.columns if column.startswith("training.")]


def test_the_test_split_s_result_stands_at_the_last_epoch(write_records: Write, tiny: Config) -> None:
    """Each run counts once in a mean over its rows; a run without a test result has none; without any, no column."""
    folder = write_records(tiny, lambda *_: 0.5)
    assert not [column for column in load(folder).columns if column.startswith("test_")]
    amend(folder, "regular/seed-1", test={"loss": 1.5, "accuracy": 0.25})
    table = load(folder)
    rows = table[(table.variant == "regular") & (table.seed == 1)]
    assert list(rows.test_accuracy.isna()) == [True, False]
    assert list(table.test_accuracy.dropna()) == [0.25]
    assert list(table.test_loss.dropna()) == [1.5]
