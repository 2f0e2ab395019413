"""Changes to records that `write_records` wrote: other endings, other curves, other origins."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wncompare import config as configs
from wncompare import records
from wncompare.analysis.summary import Summary, summarize
from wncompare.config import Config


def configured(config: Config, **changes: Any) -> Config:
    """The config with these keys changed."""
    return configs.from_data({**config.dump(), **changes}, "test")


def summary_of(folder: Path) -> Summary:
    """The summary of the records in a folder."""
    return summarize(records.read(folder))


def amend(folder: Path, run: str, **changes: Any) -> None:
    """Change a run's record."""
    record = records.read_record(folder / run)
    assert record is not None
    records.write_run(folder / run, record.model_copy(update=changes))


def redraw(folder: Path, run: str, validation: Sequence[float], **columns: float) -> None:
    """Give a run another validation curve, and other columns the same value at each epoch."""
    row: Mapping[str, float] = {
        "loss": 1.0, "accuracy": 0.5, "val_loss": 1.0, "learning_rate": 0.001,
        "train_seconds": 2.0, "eval_seconds": 0.5, "steps": 3,
    }  # fmt: skip
    rows = [{**row, "epoch": epoch, "val_accuracy": value, **columns} for epoch, value in enumerate(validation, 1)]
    records.write_history(folder / run, rows)
    amend(folder, run, epochs=len(rows))
