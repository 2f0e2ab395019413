"""The summary: what the table and the JSON say."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console
from scipy import stats as scipy_stats

from wncompare import records
from wncompare.config import Config
from wncompare.files import strict
from wncompare.report import summary, terminal

Write = Callable[..., Path]

VALUES = {("regular", 0): 0.61, ("regular", 1): 0.60, ("weight_norm", 0): 0.64, ("weight_norm", 1): 0.62}


def last(variant: str, seed: int, epoch: int) -> float:
    """Accuracies whose last epoch is in `VALUES`."""
    return VALUES[variant, seed] - 0.1 * (2 - epoch)


def test_differences_are_of_the_last_epoch_paired_by_seed(write_records: Write, tiny: Config) -> None:
    """The headline is the last validation accuracy; its difference is SciPy's paired t-test's."""
    found = summary.summarize(records.read(write_records(tiny, last)))
    regular, weight_norm = found.rows
    assert found.headline == "val_accuracy"
    assert regular.difference is None
    assert regular.headline.mean == pytest.approx(0.605 - 0.05)
    assert weight_norm.difference is not None
    assert weight_norm.difference.mean == pytest.approx(0.025)
    low, high = scipy_stats.ttest_rel([0.64, 0.62], [0.61, 0.60]).confidence_interval(0.95)
    assert (weight_norm.difference.low, weight_norm.difference.high) == (pytest.approx(low), pytest.approx(high))
    assert weight_norm.epoch_seconds == 2.0


def test_a_variant_without_finished_runs_has_no_numbers(write_records: Write, tiny: Config) -> None:
    """Nothing finished: NaN in the data, a dash in the table, never zero."""
    experiment = records.read(write_records(tiny, last))
    half = records.Experiment(experiment.folder, experiment.config, experiment.runs[:2])
    row = summary.summarize(half).rows[1]
    assert row.finished == 0
    assert math.isnan(row.headline.mean)
    console = Console(width=140, record=True, quiet=False, file=open("/dev/null", "w"))  # noqa: PTH123, SIM115
    console.print(terminal.table(summary.summarize(half)))
    console.file.close()
    line = next(line for line in console.export_text().splitlines() if "WeightNorm" in line)
    assert line.split()[2:] == ["0/2", "–", "–", "–", "–", "–"]


def test_one_seed_has_no_interval_in_the_table(write_records: Write, tiny: Config) -> None:
    """With one seed the table shows the value without ±."""
    experiment = records.read(write_records(tiny, last))
    one = records.Experiment(experiment.folder, experiment.config, (experiment.runs[0], experiment.runs[2]))
    row = summary.summarize(one).rows[1]
    assert terminal._cells(row)[4:6] == ("0.5900", "+0.0300")


def test_the_summary_is_strict_json(write_records: Write, tiny: Config) -> None:
    """The data has a schema version and survives a strict JSON encoder."""
    experiment = records.read(write_records(tiny, last))
    data = strict(summary.as_data(summary.summarize(experiment)))
    assert json.loads(json.dumps(data, allow_nan=False))["schema_version"] == 1
