"""`wncompare.compare` with variants of one's own."""

from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import wncompare
from wncompare import records
from wncompare.errors import ModelError, RecordsError, UsageError

ARRAYS = [(np.random.default_rng(seed).integers(0, 256, (24, 4, 4), np.uint8), np.arange(24) % 3) for seed in (0, 1)]


pytestmark = pytest.mark.usefixtures("in_this_process")


class Shifted(keras.layers.Layer):
    """A layer that only this file knows, whose function is no part of its configuration."""

    by = 0.5

    def call(self, inputs: Any) -> Any:
        """The inputs and so much."""
        return inputs + self.by


def network() -> keras.Model:
    """A regular model."""
    layers = [keras.layers.Flatten(), keras.layers.Dense(4, activation="relu")]
    return keras.Sequential([keras.Input((4, 4, 1)), *layers, keras.layers.Dense(3, activation="softmax")])


def shifted(model: keras.Model, by: float = 0.5) -> keras.Model:
    """The model with a layer of this file's before the last."""
    layer = Shifted()
    layer.by = by
    return keras.Sequential([keras.Input((4, 4, 1)), *model.layers[:-1], layer, model.layers[-1]])


def compare(folder: Path, *variants: Any, **changes: Any) -> Any:
    """The comparison of these variants with the regular one, a seed, an epoch."""
    settings = {"seeds": [0], "training": {"epochs": 1, "batch_size": 8}, "workers": 1, **changes}
    return wncompare.compare(network, tuple(ARRAYS), ["regular", *variants], output=folder, quiet=True, **settings)


def test_functions_are_variants_beside_those_of_the_catalog(tmp_path: Path) -> None:
    """Each is trained as its function says, under its name, with its label; again is a no-op; another one differs.

    Two of one architecture, which differ in a layer's code alone, share a worker and are still two networks.
    """
    one = {"function": partial(shifted, by=3.0), "id": "far", "label": "Far away"}
    table = compare(tmp_path, shifted, one, "weight_norm")
    losses = dict(zip(table.variant, table.val_loss, strict=True))
    assert list(losses) == ["regular", "shifted", "far", "weight_norm"]
    assert len(set(losses.values())) == 4
    config = records.read(tmp_path).config
    assert [variant.label for variant in config.variants] == ["regular", "shifted", "Far away", "weight_norm"]
    again = compare(tmp_path, shifted, one, "weight_norm")
    np.testing.assert_array_equal(again.train_seconds, table.train_seconds)
    with pytest.raises(RecordsError, match=r"far/seed-0: holds a run that differs in what its network computes"):
        compare(tmp_path, {"function": partial(shifted, by=3.1), "id": "far"})

    def far(model: keras.Model) -> keras.Model:
        return keras.Sequential([keras.Input((4, 4, 1)), *model.layers, keras.layers.ReLU()])

    with pytest.raises(RecordsError, match=r"far/seed-0: holds a run that differs in variant\.options\.architecture"):
        compare(tmp_path, far)


def test_a_run_of_a_function_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """Two epochs, and two more in a second call, are four, bit for bit."""
    compare(tmp_path / "parts", shifted, training={"epochs": 2, "batch_size": 8})
    parts = compare(tmp_path / "parts", shifted, training={"epochs": 4, "batch_size": 8})
    whole = compare(tmp_path / "whole", shifted, training={"epochs": 4, "batch_size": 8})
    assert list(parts.epoch) == list(whole.epoch)
    np.testing.assert_array_equal(parts.loss, whole.loss)


def test_the_records_do_not_hold_the_function(tmp_path: Path) -> None:
    """A config of such an experiment is readable, and training it without the function is refused with the way."""
    from wncompare.catalog.variants import VARIANTS

    with pytest.raises(ModelError, match=r"the function is not in the config: call wncompare\.compare with it again"):
        VARIANTS["function"].load()(network(), None, None)


def test_a_function_that_changes_nothing_is_said(tmp_path: Path) -> None:
    """Its arm would differ from the regular one in nothing."""

    def mistaken(model: keras.Model) -> keras.Model:
        model.layers[1] = keras.layers.Dense(4, activation="tanh")
        return model

    with pytest.warns(UserWarning, match="variant mistaken: makes the regular network again"):
        compare(tmp_path, mistaken)


def test_a_function_that_cannot_leave_this_process_is_refused(tmp_path: Path) -> None:
    """On one line, with the variant's name."""
    opened = (tmp_path / "log").open("w")

    def logging(model: keras.Model) -> keras.Model:
        opened.write(model.name)
        return shifted(model)

    with opened, pytest.raises(UsageError, match="variant logging: cannot be sent to a worker process"):
        compare(tmp_path / "out", logging)


@pytest.mark.slow
def test_the_example_of_the_documentation_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it stands in docs/networks.md, but for the seeds, the epochs and the folder."""
    text = (Path(__file__).parents[1] / "docs" / "networks.md").read_text(encoding="utf-8")
    code = text.split("```python\n")[1].split("```")[0]
    shorter = {"seeds": [0], "output": tmp_path, "training": {"epochs": 1}, "quiet": True}
    compared = wncompare.compare
    monkeypatch.setattr(wncompare, "compare", lambda *args, **settings: compared(*args, **{**settings, **shorter}))
    found: dict[str, Any] = {"__name__": "example"}
    exec(code, found)
    assert list(found["table"].variant) == ["regular", "dropout"]
