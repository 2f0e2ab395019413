"""Event files for TensorBoard, read back as TensorFlow reads them."""

from pathlib import Path
from typing import Any

import tensorflow as tf

from wncompare.nn.runs.tensorboard import EventFiles


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Steps and values by tag, in the order of the files."""
    found: dict[str, list[tuple[int, float]]] = {}
    for record in tf.data.TFRecordDataset(sorted(map(str, folder.iterdir()))):
        event = tf.compat.v1.Event.FromString(record.numpy())
        for value in event.summary.value:
            assert value.metadata.plugin_data.plugin_name == "scalars"
            found.setdefault(value.tag, []).append((event.step, float(tf.make_ndarray(value.tensor))))
    return found


ROWS: list[dict[str, Any]] = [{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.25}]
LAYERS: list[dict[str, Any]] = [{"epoch": 2, "layer": "conv_1", "g": 1.5}]


def test_every_number_of_a_row_is_a_scalar_by_epoch(tmp_path: Path) -> None:
    """Metrics are called by their columns, a layer's numbers by its name and theirs."""
    events = EventFiles(tmp_path / "events")
    events.add(ROWS)
    events.add(LAYERS)
    events.close()
    assert scalars(tmp_path / "events") == {"loss": [(1, 0.5), (2, 0.25)], "layers/conv_1/g": [(2, 1.5)]}


def test_what_is_added_is_on_disk_at_once(tmp_path: Path) -> None:
    """TensorBoard sees an epoch while the run goes on."""
    events = EventFiles(tmp_path / "events")
    events.add(ROWS[:1])
    assert scalars(tmp_path / "events") == {"loss": [(1, 0.5)]}
    events.close()


def test_opening_them_again_starts_anew(tmp_path: Path) -> None:
    """A resumed run hands in the rows that it goes on from, as text: nothing is there twice, nothing from after."""
    first = EventFiles(tmp_path / "events")
    first.add(ROWS)
    again = EventFiles(tmp_path / "events")
    again.add([{"epoch": "1", "loss": "0.5"}])
    again.add([{"epoch": 2, "loss": 0.125}])
    again.close()
    first.close()
    assert scalars(tmp_path / "events") == {"loss": [(1, 0.5), (2, 0.125)]}
