"""Records written, each whole or not at all."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from shutil import rmtree
from typing import Any

from wncompare.config import Config
from wncompare.records.layout import (
    CHECKPOINT_FILE,
    EXPERIMENT_FILE,
    HISTORY_FILE,
    LAYER_COLUMNS,
    LAYERS_FILE,
    MODEL_FILE,
    RUN_FILE,
    history_columns,
)
from wncompare.records.protocol import protocol_fingerprint, protocol_of
from wncompare.records.schema import ExperimentRecord, RunRecord
from wncompare.storage.files import sweep, write_csv, write_json


def write_experiment(folder: Path, config: Config, version: str) -> None:
    """Write experiment.json, into a new folder where there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    record = ExperimentRecord(
        wncompare=version,
        config=config.dump(),
        protocol=protocol_of(config),
        protocol_fingerprint=protocol_fingerprint(config),
    )
    write_json(folder / EXPERIMENT_FILE, record.model_dump())


def write_run(folder: Path, record: RunRecord) -> None:
    """Write run.json."""
    write_json(folder / RUN_FILE, record.model_dump())


def delete_run(folder: Path) -> None:
    """Delete a run's folder, where there is one."""
    if folder.exists():
        rmtree(folder)


def write_history(folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write history.csv, a row an epoch."""
    write_csv(folder / HISTORY_FILE, history_columns(rows[0] if rows else ()), rows)


def write_layers(folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write layers.csv, a row an epoch and layer."""
    write_csv(folder / LAYERS_FILE, LAYER_COLUMNS, rows)


def clear_run(folder: Path) -> None:
    """Delete what a killed worker left half written and, where there is no record, all else but the log."""
    sweep(folder)
    if not (folder / RUN_FILE).exists():
        for name in (HISTORY_FILE, LAYERS_FILE, CHECKPOINT_FILE, MODEL_FILE):
            (folder / name).unlink(missing_ok=True)
