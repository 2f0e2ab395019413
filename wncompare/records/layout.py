"""What files there are in a results folder, where a run lives in it, and the columns of its tables."""

from collections.abc import Iterable
from pathlib import Path

from wncompare.catalog.metrics import METRICS as FURTHER
from wncompare.config.grid import Point

EXPERIMENT_FILE = "experiment.json"
LOOKS_FILE = "looks.json"
RUN_FILE = "run.json"
HISTORY_FILE = "history.csv"
LAYERS_FILE = "layers.csv"
LOG_FILE = "log.txt"
MODEL_FILE = "model.keras"
CHECKPOINT_FILE = "checkpoint.npz"

METRICS = ("loss", "accuracy", "val_loss", "val_accuracy")
HISTORY_COLUMNS = ("epoch", *METRICS, "learning_rate", "train_seconds", "eval_seconds", "steps")
ACCURACIES = ("accuracy", "val_accuracy")
"""What a history has where the targets are classes, and lacks where they are numbers."""
EXTRA_COLUMNS = tuple(prefix + metric for metric in FURTHER for prefix in ("", "val_"))
"""What a history may have beside these where the config asks for more metrics."""
SCORE = "score_"
"""Before a metric's name where something else produced it, on data that nobody knows."""
LAYER_COLUMNS = ("epoch", "layer", "v_norm", "g", "effective_learning_rate")


def run_name(variant: str, point: Point, seed: int) -> str:
    """How messages call a run, and where it lives in an experiment's folder: "weight_norm/seed-0"."""
    return "/".join(part for part in (variant, point.slug, f"seed-{seed}") if part)


def run_folder(folder: Path, variant: str, point: Point, seed: int) -> Path:
    """Where a run lives in an experiment's folder."""
    return folder / run_name(variant, point, seed)


def history_columns(row: Iterable[str]) -> tuple[str, ...]:
    """The columns of a history whose rows have these; without a row, those of classes."""
    row = set(row)
    absent = set(ACCURACIES) if row and row.isdisjoint(ACCURACIES) else set[str]()
    return (
        *(column for column in HISTORY_COLUMNS if column not in absent),
        *(column for column in EXTRA_COLUMNS if column in row),
    )
