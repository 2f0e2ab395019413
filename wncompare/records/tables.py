"""The tables of a run, history.csv and layers.csv, read and checked."""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wncompare.errors import RecordsError, UnreadableError
from wncompare.records.layout import ACCURACIES, HISTORY_FILE, LAYER_COLUMNS, LAYERS_FILE, history_columns
from wncompare.storage.files import open_plain

MAX_RECORD_BYTES = 64 << 20
SECONDS = ("train_seconds", "eval_seconds")


def read_history(folder: Path) -> dict[str, NDArray[np.float64]]:
    """The columns of history.csv, empty ones where the file is not there yet."""
    rows = list(_rows(folder / HISTORY_FILE))
    columns = history_columns(rows[0] if rows else ())
    return {column: np.array([row[column] for row in rows], np.float64) for column in columns}


def read_layers(folder: Path) -> list[dict[str, Any]]:
    """The rows of layers.csv: epoch, layer, and the numbers of `LAYER_COLUMNS`; none where there is no such file.

    Raises:
        RecordsError: the file is damaged.
    """
    file = folder / LAYERS_FILE
    try:
        return [
            {"epoch": int(row["epoch"]), "layer": row["layer"]} | {name: float(row[name]) for name in LAYER_COLUMNS[2:]}
            for row in (_csv(file) if file.exists() else ())
        ]
    except (ValueError, TypeError, KeyError) as error:
        raise RecordsError(f"{file}: damaged ({error}): delete the run's folder and run again") from None


def read_rows(folder: Path, *, until: int, layers: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The rows of history.csv and of layers.csv up to that epoch, as text, to go on from.

    layers.csv has rows of epoch 0 too; each of its epochs has a row for each of so many `layers`.

    Raises:
        RecordsError: a file is damaged, or a row is missing.
    """
    columns = tuple(read_history(folder))  # refuses what is damaged, as does the next line
    read_layers(folder)
    history = _until(folder / HISTORY_FILE, columns, until)
    followed = _until(folder / LAYERS_FILE, LAYER_COLUMNS, until)
    for name, rows, expected in ((HISTORY_FILE, history, until), (LAYERS_FILE, followed, layers * (until + 1))):
        if len(rows) != expected:
            raise RecordsError(f"{folder / name}: {len(rows)} rows up to epoch {until}, {expected} expected")
    return history, followed


def _until(file: Path, columns: Sequence[str], epoch: int) -> list[dict[str, Any]]:
    rows = _csv(file) if file.exists() else []
    return [{column: row[column] for column in columns} for row in rows if float(row["epoch"]) <= epoch]


def _rows(file: Path) -> Iterator[dict[str, float]]:
    try:
        for number, row in enumerate(_csv(file) if file.exists() else (), start=1):
            values = {column: float(row[column]) for column in history_columns(row)}
            if values["epoch"] != number:
                raise ValueError(f"epoch {row['epoch']} in row {number}")
            for column in filter(values.__contains__, ACCURACIES):
                if values[column] < 0 or values[column] > 1:  # NaN is neither: a diverged run has it
                    raise ValueError(f"{column} {row[column]} in row {number}, not between 0 and 1")
            for column in SECONDS:
                if not values[column] >= 0:  # NaN neither: it would be a time that nothing tells
                    raise ValueError(f"{column} {row[column]} in row {number}, not 0 or more")
            if not values["steps"] > 0:
                raise ValueError(f"steps {row['steps']} in row {number}, not above 0")
            yield values
    except (ValueError, TypeError, KeyError) as error:
        raise RecordsError(f"{file}: damaged history ({error}): delete the run's folder and run again") from None


def _csv(file: Path) -> list[dict[str, Any]]:
    try:
        return list(csv.DictReader(io.StringIO(read_text(file), newline=""), strict=True))
    except csv.Error as error:
        raise RecordsError(f"{file}: damaged CSV ({error}): delete the run's folder and run again") from None


def read_text(file: Path) -> str:
    """The text of a file that may be anyone's.

    Raises:
        UnreadableError: it is not a plain file, or the disk or its permissions do not give it.
        RecordsError: it is too large, or not text.
    """
    try:
        with open_plain(file) as handle:
            content = handle.read(MAX_RECORD_BYTES + 1)
        if len(content) > MAX_RECORD_BYTES:
            raise RecordsError(f"{file}: larger than {MAX_RECORD_BYTES:,} bytes: not a record of wncompare's")
        return content.decode("utf-8")
    except OSError as error:
        raise UnreadableError(f"{file}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise RecordsError(f"{file}: not UTF-8: delete the run's folder and run again") from None
