"""A run's folder: what the run writes there, and what it takes up again. It does I/O and decides nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from wncompare import records
from wncompare.errors import RecordsError
from wncompare.nn.runs.tensorboard import EventFiles
from wncompare.nn.training import checkpoint
from wncompare.records import RunRecord
from wncompare.storage.files import replacing

_EVENTS_FOLDER = "tensorboard"

Row = Mapping[str, Any]


@dataclass(frozen=True)
class History:
    """The rows of history.csv and of layers.csv: of epochs, and of layers from before the first epoch on."""

    epochs: tuple[Row, ...] = ()
    layers: tuple[Row, ...] = ()

    def after(self, epoch: Row, layers: Iterable[Row]) -> "History":
        """The history with one more epoch."""
        return History((*self.epochs, epoch), (*self.layers, *layers))


class RunFolder:
    """The folder of one run, which is there already; with `events`, event files for TensorBoard are kept in it."""

    def __init__(self, place: Path, *, events: bool) -> None:
        self._place = place
        self._events = EventFiles(place / _EVENTS_FOLDER) if events else None

    @property
    def path(self) -> Path:
        """The folder; a RecordsError where someone has removed it, so that no half of a run takes its place."""
        if not self._place.is_dir():
            raise RecordsError(f"{self._place}: was removed while the run was training: run again, from the start")
        return self._place

    def write_record(self, record: RunRecord) -> None:
        """Write run.json."""
        records.write_run(self.path, record)

    def write_epoch(self, history: History, model: keras.Model) -> None:
        """Write both tables, and then the resume point that they belong to."""
        records.write_history(self.path, history.epochs)
        records.write_layers(self.path, history.layers)
        checkpoint.save(self.path / records.CHECKPOINT_FILE, model, epoch=len(history.epochs))

    def write_events(self, *rows: Row) -> None:
        """Add rows of either table to the event files, where there are any."""
        if self._events:
            self._events.add(rows)

    def write_model(self, model: keras.Model) -> None:
        """Write the trained model, after which no event comes."""
        with replacing(self.path / records.MODEL_FILE) as file:
            model.save(file)
        if self._events:
            self._events.close()

    def restore(self, model: keras.Model, *, layers: int) -> History:
        """Set a model with so many kernels to the resume point; what was written up to there.

        Raises:
            FileNotFoundError: there is no resume point.
            RecordsError: it or a table is damaged, or of another model, which is left as it was.
            UnreadableError, OSError, MemoryError: something cannot be read now, though it may be whole.
        """
        point = checkpoint.read(self.path / records.CHECKPOINT_FILE)
        epochs, rows = records.read_rows(self.path, until=point.epoch, layers=layers)
        checkpoint.restore(point, model)
        return History(tuple(epochs), tuple(rows))
