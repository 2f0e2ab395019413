"""Experiments for the report's page: a plain one, and one with all that can go wrong and hostile names."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from wncompare import config as configs
from wncompare import records
from wncompare.analysis.summary import summarize
from wncompare.config import Config
from wncompare.config.grid import Point
from wncompare.records import Experiment
from wncompare.render import html

Write = Callable[..., Path]

HOSTILE_LABEL = "</script><script>alert(1)</script>"
HOSTILE_ERROR = "<img src=x onerror=alert(2)> & \"quoted\" 'too'"
HOSTILE_HOST = "<b>bold</b>--><!--"


def accuracy(variant: str, seed: int, epoch: int) -> float:
    """A rising accuracy, apart by seed, lower for weight_norm, the gap apart by seed."""
    rising = 0.8 - 0.5 / (epoch + 0.2 * seed + 0.5)
    return rising - (variant == "weight_norm") * (0.01 + 0.004 * np.sin(seed))


def plain(write: Write, tiny: Config) -> Experiment:
    """Two variants, six seeds, five epochs, of unequal speed."""
    data = tiny.dump() | {"seeds": list(range(6))}
    data["training"]["epochs"] = 5
    folder = write(configs.from_data(data, "test"), accuracy)
    for seed in range(6):
        _slow(folder / "weight_norm" / f"seed-{seed}", 1.5 + 0.1 * seed)
    return records.read(folder)


def hostile(write: Write, tiny: Config) -> Experiment:
    """Names that would be markup; one run diverged, one failed, one is missing."""
    data = tiny.dump() | {"seeds": [0, 1, 2, 3]}
    data["training"]["epochs"] = 4
    data["variants"][1] |= {"label": HOSTILE_LABEL}
    folder = write(configs.from_data(data, "test"), accuracy)
    _end(folder / "weight_norm" / "seed-1", "diverged", after=2, error="the loss is nan at epoch 3")
    _end(folder / "weight_norm" / "seed-2", "failed", after=1, error=HOSTILE_ERROR)
    records.delete_run(folder / "regular" / "seed-3")
    (folder / "weight_norm" / "seed-2" / "log.txt").write_text(f"ValueError: {HOSTILE_ERROR}", encoding="utf-8")
    return records.read(folder)


def tuned(write: Write, tiny: Config) -> Experiment:
    """A grid of three learning rates with held-out data, and a smallest difference that matters."""
    grid = {"training.optimizer.learning_rate": [0.0003, 0.001, 0.003]}
    data = tiny.dump() | {"seeds": list(range(6)), "grid": grid, "validation": {"holdout": 0.25}}
    config = configs.from_data(data | {"smallest_difference": 0.01, "targets": [0.3, 0.5, 0.99]}, "test")
    folder = write(config, accuracy)
    for place, point in enumerate(config.points):
        for variant in config.variants:
            for seed in config.seeds:
                _tested(folder, variant.id, point, seed, 0.6 + 0.03 * place - 0.004 * seed)
    return records.read(folder)


def save(experiment: Experiment, file: Path) -> Path:
    """The experiment's page as a file."""
    file.write_text(html.render(experiment, summarize(experiment)), encoding="utf-8")
    return file


def _slow(folder: Path, seconds: float) -> None:
    records.write_history(folder, [row | {"train_seconds": seconds} for row in _rows(folder)])


def _rows(folder: Path) -> list[dict[str, Any]]:
    history = records.read_history(folder)
    return [
        {name: values[place] for name, values in history.items()} | {"epoch": place + 1}
        for place in range(len(history["epoch"]))
    ]


def _tested(folder: Path, variant: str, point: Point, seed: int, accuracy: float) -> None:
    place = records.run_folder(folder, variant, point, seed)
    found = accuracy - 0.02 * (variant == "weight_norm") * (seed % 3)
    record = records.read_run(place, point).record
    records.write_run(place, record.model_copy(update={"test": {"accuracy": found, "loss": 1.0}}))


def _end(folder: Path, status: str, *, after: int, error: str) -> None:
    """Let the run end with that status; what diverged has NaN in the epoch after."""
    record = records.read_run(folder, Point("", {})).record
    rows = _rows(folder)[: after + (status == "diverged")]
    if status == "diverged":
        rows[-1] |= {"loss": "nan", "val_loss": "nan"}
    records.write_history(folder, rows)
    update = {"status": status, "error": error, "environment": {"host": HOSTILE_HOST}}
    records.write_run(folder, record.model_copy(update=update))
