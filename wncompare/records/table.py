"""Records as one tidy table for analysis in Python."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from wncompare import records
from wncompare.records import Experiment

if TYPE_CHECKING:
    import pandas as pd


def load(path: str | Path) -> "pd.DataFrame":
    """Every epoch of every run at or below `path` as a pandas DataFrame, a row an epoch.

    Columns: experiment, variant, label, seed, status, point (empty without a grid), those of history.csv (epoch, loss,
    accuracy, val_loss, val_accuracy, learning_rate, train_seconds, eval_seconds, steps) and the value of each key of
    the grid, such as training.optimizer.learning_rate. Where the test split was kept for the end, test_loss,
    test_accuracy and so on stand in the row of a run's last epoch, after which they were taken; NaN elsewhere. With
    seeds until all is settled, runs of further seeds that were under way beside are rows too.

    Raises:
        RecordsError: there is no experiment, or a record is damaged; the message names the file.
    """
    return tabulated(map(records.read, records.find(Path(path))))


def tabulated(experiments: Iterable[Experiment]) -> "pd.DataFrame":
    """The table of experiments that have been read; see `load`."""
    import pandas as pd

    tables = []
    for experiment in experiments:
        labels = {variant.id: variant.label for variant in experiment.config.variants}
        for run in experiment.runs:
            history = pd.DataFrame(run.history).astype({"epoch": "int64", "steps": "int64"})
            history.insert(0, "experiment", experiment.config.name)
            history.insert(1, "variant", run.record.variant)
            history.insert(2, "label", labels[run.record.variant])
            history.insert(3, "seed", run.record.seed)
            history.insert(4, "status", run.record.status)
            history.insert(5, "point", run.point.slug)
            for key, value in run.point.values.items():
                history[key] = [value] * len(history)
            for metric, value in (run.record.test or {}).items():
                history[f"test_{metric}"] = [float("nan")] * (len(history) - 1) + [value]
            tables.append(history)
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
