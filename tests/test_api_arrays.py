"""Arrays of every kind given to `compare`: trained from end to end, and refused with the row."""

import re
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import wncompare
from wncompare import config as configs
from wncompare.api import arrays
from wncompare.errors import UsageError
from wncompare.nn.runs.inputs import dataset_of

from .conftest import TINY

RNG = np.random.default_rng(0)
FLOATS, TOKENS = RNG.normal(400, 70, (48, 4)), RNG.integers(0, 9, (48, 5))
TARGETS = FLOATS @ RNG.normal(size=(4, 1)) + TOKENS[:, :1]


pytestmark = pytest.mark.usefixtures("in_this_process")


def compare(folder: Path, build_model: Any, dataset: Any, **training: Any) -> Any:
    """One seed, two epochs, with a holdout."""
    settings = {"epochs": 2, "batch_size": 8, "loss": "mean_squared_error", **training}
    return wncompare.compare(
        build_model, dataset, seeds=[0], output=folder, training=settings, validation={"holdout": 0.25}, quiet=True
    )


def two_inputs() -> keras.Model:
    """Numbers and tokens by name to a number."""
    numbers, words = keras.Input((4,), name="numbers"), keras.Input((5,), name="words", dtype="int32")
    embedded = keras.layers.Flatten()(keras.layers.Embedding(9, 3)(words))
    hidden = keras.layers.Dense(8, activation="relu")(keras.layers.Concatenate()([numbers, embedded]))
    return keras.Model([numbers, words], keras.layers.Dense(1)(hidden))


def test_inputs_by_name_and_numbers_as_targets(tmp_path: Path) -> None:
    """Standardized and held out; what is kept and exported gives numbers in the data's units."""
    split = ({"numbers": FLOATS, "words": TOKENS}, TARGETS)
    dataset = {"arrays": (split, split), "standardize": True}
    table = compare(tmp_path / "own", two_inputs, dataset, epochs=30, optimizer={"name": "adam", "learning_rate": 0.02})
    assert sorted(set(table.variant)) == ["regular", "weight_norm"]
    last = table[table.epoch == 30]
    assert (last.val_loss < 0.6).all()  # 1 is what the mean of the targets has
    record = wncompare.records.read(tmp_path / "own").runs[0].record
    assert record.dataset.test_variance == pytest.approx(1, rel=0.2)  # in the loss's units, by what was trained on
    wncompare_export(tmp_path / "own" / "weight_norm" / "seed-0", tmp_path / "plain.keras")
    predicted = keras.models.load_model(tmp_path / "plain.keras").predict([FLOATS, TOKENS], verbose=0)
    assert np.mean((predicted - TARGETS) ** 2) < 0.6 * TARGETS.var()
    again = compare(tmp_path / "own", two_inputs, dataset, epochs=30, optimizer={"name": "adam", "learning_rate": 0.02})
    np.testing.assert_array_equal(again.train_seconds, table.train_seconds)


def wncompare_export(run: Path, output: Path) -> None:
    """`wncompare export`."""
    from wncompare.nn.export import export_run

    export_run(run, output)


def autoencoder() -> keras.Model:
    """Images to images."""
    layers = [keras.layers.Flatten(), keras.layers.Dense(3), keras.layers.Dense(16, activation="sigmoid")]
    return keras.Sequential([keras.Input((4, 4, 1)), *layers, keras.layers.Reshape((4, 4, 1))])


def test_inputs_again_where_there_are_no_targets(tmp_path: Path) -> None:
    """None in the place of targets: the loss is between images and what is made of them."""
    images = RNG.integers(0, 256, (32, 4, 4), np.uint8)
    table = compare(tmp_path / "again", autoencoder, ((images, None), (images, None)))
    constant = np.var(images / 255)
    assert ((table.val_loss > 0.3 * constant) & (table.val_loss < 3 * constant)).all()


def test_options_by_name_reach_the_workers(tmp_path: Path) -> None:
    """Which several options are dictionaries, by which a worker knows the data that its runs share."""
    dataset = arrays.as_config(
        {"arrays": (({"a": FLOATS, "b": TOKENS}, TARGETS),) * 2, "inputs": {"b": "numbers"}}, tmp_path
    )
    choice = configs.from_data({**TINY, "dataset": dataset}, "test").dataset
    first = dataset_of(choice, None, None)
    assert first.form.inputs["b"].kind == "number"
    assert dataset_of(choice, None, None) is first


def kept(folder: Path, dataset: Any) -> dict[str, Any]:
    """What is in the config, and in the file that it names."""
    config = arrays.as_config(dataset, folder)
    with np.load(config["path"]) as file:
        return {"config": {key: value for key, value in config.items() if key != "path"}, **file}


def test_arrays_are_kept_by_name(tmp_path: Path) -> None:
    """Lists and tuples too; several inputs as x_train_<name>; options stand beside; each content has its own file."""
    plain = (([[1.0], [2.0]], [0, 1]), ([[3.0]], [1]))
    assert set(kept(tmp_path, plain)) == {"config", "x_train", "y_train", "x_test", "y_test"}
    several = (({"a": FLOATS, "b": TOKENS}, TARGETS),) * 2
    found = kept(tmp_path, {"arrays": several, "vocabulary": {"b": 12}})
    assert found["config"] == {"name": "npz", "vocabulary": {"b": 12}}
    np.testing.assert_array_equal(found["x_test_b"], TOKENS)
    assert kept(tmp_path, ((FLOATS, None), (FLOATS, None)))["config"] == {"name": "npz", "reconstruct": True}
    swapped = (({"b": FLOATS, "a": TOKENS}, TARGETS),) * 2
    assert arrays.as_config(swapped, tmp_path)["path"] != arrays.as_config(several, tmp_path)["path"]


class Unwilling:
    """Such as a tensor that is still on a GPU, or needs its gradient."""

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        """Raises."""
        raise RuntimeError("use .detach()")


MASKED = np.ma.masked_greater(FLOATS, FLOATS[5].max())
GOOD = (FLOATS, TARGETS)


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (((FLOATS, None), GOOD), "targets in one split alone: expected None in both"),
        (
            (([[1, 2], [3, 4], [5]], [0, 1, 0]), GOOD),
            "row 2 has the length 1, row 0 2: make all rows of one length",
        ),
        (((FLOATS, [1, "a", None]), GOOD), "y_train: a list of Python objects: expected numbers"),
        (((MASKED, TARGETS), GOOD), f"x_train: masked in row {int(np.argmax(MASKED.mask.any(axis=1)))}"),
        (((iter([1, 2]), TARGETS), GOOD), "x_train: a list_iterator of Python objects: expected numbers"),
        (((object(), TARGETS), GOOD), "x_train: a object of Python objects"),
        (
            (([np.zeros(3), np.zeros(2)], [0, 1]), GOOD),
            "no array (ValueError): row 1 has the length 2, row 0 3",
        ),
        (((Unwilling(), TARGETS), GOOD), "x_train: no array (RuntimeError)"),
        ((({}, TARGETS), GOOD), "a dictionary of no inputs"),
        ((({"a b": FLOATS}, TARGETS), GOOD), "the input 'a b': expected a name of letters"),
        ({"arrays": 7}, "of type int: expected a name, a mapping"),
        (((FLOATS,), GOOD), "of type tuple: expected a name"),
    ],
)
def test_arrays_that_are_none_are_refused(tmp_path: Path, dataset: Any, message: str) -> None:
    """On one line, with the array and the row."""
    with pytest.raises(UsageError, match=re.escape(message)) as caught:
        arrays.as_config(dataset, tmp_path)
    assert "\n" not in str(caught.value)
