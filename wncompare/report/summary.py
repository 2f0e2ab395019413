"""An experiment in numbers: a row a variant, at the last epoch."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from wncompare import stats
from wncompare.config import Variant
from wncompare.records import Experiment, Run
from wncompare.stats import Estimate

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Row:
    """One variant at the last epoch; `difference` is the headline metric's, paired by seed with the first variant.

    `epoch_seconds` is the median over epochs and seeds of one epoch's training, compilation and evaluation apart.
    """

    variant: str
    label: str
    finished: int
    planned: int
    parameters: int | None
    accuracy: Estimate
    headline: Estimate
    difference: Estimate | None
    epoch_seconds: float


@dataclass(frozen=True)
class Summary:
    """Every variant's row, and what the headline metric is."""

    experiment: str
    dataset: str
    headline: str
    rows: tuple[Row, ...]


def summarize(experiment: Experiment) -> Summary:
    """The experiment's finished runs in numbers.

    The headline is the last epoch's validation accuracy or, with a holdout, the accuracy on the test split.
    """
    config = experiment.config
    headline = "val_accuracy" if config.validation == "test" else "test_accuracy"
    reference = _headlines(experiment, config.variants[0], headline)
    rows = [_row(experiment, variant, headline, reference) for variant in config.variants]
    labels = dict.fromkeys(run.record.dataset.label for run in experiment.runs)
    return Summary(config.name, ", ".join(labels), headline, tuple(rows))


def as_data(summary: Summary) -> dict[str, Any]:
    """The summary as plain JSON data, with its schema's version."""
    return {"schema_version": SCHEMA_VERSION, **asdict(summary)}


def _row(experiment: Experiment, variant: Variant, headline: str, reference: dict[int, float]) -> Row:
    runs = experiment.finished(variant)
    values = _headlines(experiment, variant, headline)
    is_reference = variant is experiment.config.variants[0]
    seconds = [second for run in runs for second in run.history["train_seconds"]]
    return Row(
        variant=variant.id,
        label=variant.label,
        finished=len(runs),
        planned=len(experiment.config.seeds),
        parameters=runs[0].record.parameters if runs else None,
        accuracy=stats.mean_interval([run.history["accuracy"][-1] for run in runs]),
        headline=stats.mean_interval(list(values.values())),
        difference=None if is_reference else stats.paired_difference(values, reference),
        epoch_seconds=float(np.median(seconds)) if seconds else float("nan"),
    )


def _headlines(experiment: Experiment, variant: Variant, headline: str) -> dict[int, float]:
    return {run.record.seed: _headline(run, headline) for run in experiment.finished(variant)}


def _headline(run: Run, headline: str) -> float:
    if headline == "test_accuracy":
        return (run.record.test or {}).get("accuracy", float("nan"))
    return float(run.history[headline][-1])
