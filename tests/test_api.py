"""The main job as a Python function, on a network of the user's own."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import wncompare
from wncompare import records
from wncompare.api import _digest
from wncompare.errors import ModelError, RecordsError

ARRAYS = [(np.random.default_rng(seed).integers(0, 256, (24, 4, 4), np.uint8), np.arange(24) % 3) for seed in (0, 1)]


class Doubled(keras.layers.Layer):
    """A layer that only this file knows."""

    def call(self, inputs: Any) -> Any:
        """Twice the inputs."""
        return 2 * inputs


def network(units: int) -> keras.Model:
    """A functional model with a branch and a layer of this file's."""
    inputs = keras.Input((4, 4, 1))
    flat = keras.layers.Flatten()(inputs)
    branch = Doubled()(keras.layers.Dense(units, activation="relu")(flat))
    both = keras.layers.Concatenate()([flat, branch])
    return keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(both))


def compare(folder: Path, units: int, **changes: Any) -> Any:
    """The comparison of a closure's network, two seeds, one epoch."""
    return wncompare.compare(
        lambda: network(units),
        tuple(ARRAYS),
        seeds=[0, 1],
        output=folder,
        training={"epochs": 1, "batch_size": 8},
        quiet=True,
        **changes,
    )


def test_compare_trains_a_network_that_only_this_process_knows(tmp_path: Path) -> None:
    """A closure with a custom layer is trained in worker processes; the table has a row a run; again is a no-op."""
    table = compare(tmp_path / "own", units=5)
    assert sorted(zip(table.variant, table.seed, table.epoch, strict=True)) == [
        ("regular", 0, 1),
        ("regular", 1, 1),
        ("weight_norm", 0, 1),
        ("weight_norm", 1, 1),
    ]
    assert np.isfinite(table.val_loss).all()
    again = compare(tmp_path / "own", units=5)
    np.testing.assert_array_equal(again.train_seconds, table.train_seconds)
    with pytest.raises(RecordsError, match=r"differs in model\.architecture"):
        compare(tmp_path / "own", units=6)


def test_a_comparison_that_trains_nothing_raises(tmp_path: Path) -> None:
    """A network that cannot be trained, or that is none, is an error with its reason, not an empty table."""
    with pytest.raises(ModelError, match=r"no run has finished: .*probabilities"):
        wncompare.compare(
            lambda: keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(3)]),
            tuple(ARRAYS),
            seeds=[0],
            output=tmp_path / "logits",
            training={"epochs": 1, "batch_size": 8},
            quiet=True,
        )
    for build_model in (None, lambda: 3):
        with pytest.raises(ModelError, match="expected a function that makes a new"):
            wncompare.compare(build_model, tuple(ARRAYS), seeds=[0], output=tmp_path / "none")


def test_compare_takes_a_holdout_a_grid_and_stopping_rules(tmp_path: Path) -> None:
    """What a config can say reaches the records: two points, a test result each, and why a run stopped."""
    wncompare.compare(
        lambda: network(5),
        tuple(ARRAYS),
        variants=["regular"],
        seeds=[0],
        output=tmp_path / "grid",
        training={"epochs": 5, "stop_at": {"metric": "val_accuracy", "value": 0.0}},
        validation={"holdout": 0.25},
        init_batch=8,
        grid={"training.batch_size": [8, 9]},
        device="cpu",
        quiet=True,
    )
    runs = records.read(tmp_path / "grid").runs
    assert [run.record.identity["training"]["batch_size"] for run in runs] == [8, 9]
    assert [run.record.identity["init_batch"] for run in runs] == [8, 8]
    assert [run.record.stopped for run in runs] == ["stop_at: val_accuracy reached 0.0"] * 2
    assert [run.epochs for run in runs] == [1, 1]
    assert all(run.record.test is not None for run in runs)


def test_an_architecture_is_known_by_its_layers_not_their_running_names() -> None:
    """Building the same network twice gives the same digest although Keras counts names up; another width does not."""
    assert _digest(lambda: network(5)) == _digest(lambda: network(5))
    assert _digest(lambda: network(5)) != _digest(lambda: network(6))


def test_a_layer_named_like_its_activation_hides_nothing() -> None:
    """Names are what Keras counts up, and only they: another activation is another architecture."""

    def named(activation: str) -> keras.Model:
        return keras.Sequential([keras.Input((2,)), keras.layers.Activation(activation, name=activation)])

    assert _digest(lambda: named("relu")) != _digest(lambda: named("tanh"))
