"""A run's history as event files for TensorBoard, written anew from the records whenever the run goes on."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from shutil import rmtree
from typing import Any

import tensorflow as tf
from tensorflow.core.framework.summary_pb2 import SummaryMetadata

_SCALARS = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="scalars"))


class EventFiles:
    """The event files of one run: a scalar for each number in a row of history.csv or layers.csv, by epoch.

    Opening them deletes those that an earlier part of the run left: hand the rows in again. A layer's scalars are
    called ``layers/<layer>/<column>``.
    """

    def __init__(self, folder: Path) -> None:
        if folder.exists():
            rmtree(folder)
        self._writer = tf.summary.create_file_writer(str(folder))

    def add(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write rows, each a number or its text by column."""
        with self._writer.as_default():
            for row in rows:
                prefix = f"layers/{row['layer']}/" if "layer" in row else ""
                for column in row.keys() - {"epoch", "layer"}:
                    value = tf.constant(float(row[column]))
                    tf.summary.write(prefix + column, value, step=int(row["epoch"]), metadata=_SCALARS)
        self._writer.flush()

    def close(self) -> None:
        """Write what is left, and let the files go."""
        self._writer.close()
