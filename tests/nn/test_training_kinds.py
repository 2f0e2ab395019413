"""The compiled trainer on every kind of inputs and targets, against Keras's own steps over NumPy's arrays."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from wncompare.data.dataset import Dataset, Split, splits
from wncompare.layers import WeightNormalization, fold
from wncompare.nn import arms
from wncompare.nn.standardized import with_standard
from wncompare.nn.training import checkpoint
from wncompare.nn.training.batches import on_device
from wncompare.nn.training.trainer import Trainer, batch_order

BATCH, ROWS = 8, 30
RNG = np.random.default_rng(0)
FLOATS = RNG.normal(size=(ROWS, 4)).astype(np.float32)
TOKENS = RNG.integers(0, 9, (ROWS, 5), np.int32)
IMAGES = RNG.integers(0, 256, (ROWS, 6, 6, 1), np.uint8)
SERIES = RNG.normal(size=(ROWS, 7, 3)).astype(np.float32)
FAR = Split(FLOATS * 50 + 900, FLOATS[:, :2] * 1e4 - 3e6)
AGAIN = Split(FAR.x, FAR.x)
COLOURS = RNG.integers(0, 256, (ROWS, 6, 6, 2), np.uint8)
UNIT = COLOURS / 255
STANDARD_COLOURS = (UNIT - UNIT.mean(axis=(0, 1, 2))) / UNIT.std(axis=(0, 1, 2))


def sequential(shape: tuple[int, ...], *stack: keras.layers.Layer, dtype: str = "float32") -> keras.Model:
    """A model of these layers."""
    return keras.Sequential([keras.Input(shape, dtype=dtype), *stack])


def two_inputs() -> keras.Model:
    """Numbers and tokens by name to two numbers; its inputs are not in the data's order."""
    left, right = keras.Input((4,), name="left"), keras.Input((5,), name="right", dtype="int32")
    words = layers.Flatten()(layers.Embedding(9, 2)(right))
    return keras.Model([right, left], layers.Dense(2)(layers.Concatenate()([left, words])))


Case = tuple[Split, Callable[[], keras.Model], str, Any, Any]
CASES: dict[str, Case] = {
    # what a split holds, a model, a loss, and what Keras is given: inputs and targets as NumPy arrays
    "numbers": (Split(FLOATS, FLOATS[:, :2]), lambda: sequential((4,), layers.Dense(2)), "mse", FLOATS, FLOATS[:, :2]),
    "numbers of any shape": (
        Split(SERIES, SERIES[:, :, :2].copy()),
        lambda: sequential((7, 3), layers.LSTM(3, return_sequences=True), layers.Dense(2)),
        "mae",
        SERIES,
        SERIES[:, :, :2],
    ),
    "numbers with classes": (
        Split(FLOATS, np.arange(ROWS) % 3),
        lambda: sequential((4,), layers.Dense(3, activation="softmax")),
        "categorical_crossentropy",
        FLOATS,
        np.eye(3)[np.arange(ROWS) % 3],
    ),
    "tokens with classes": (
        Split(TOKENS, np.arange(ROWS) % 3),
        lambda: sequential(
            (5,), layers.Embedding(9, 2), layers.Flatten(), layers.Dense(3, activation="softmax"), dtype="int32"
        ),
        "sparse_categorical_crossentropy",
        TOKENS,
        np.arange(ROWS) % 3,
    ),
    "inputs by name": (
        Split({"left": FLOATS, "right": TOKENS}, FLOATS[:, :2]),
        two_inputs,
        "mae",
        {"left": FLOATS, "right": TOKENS},
        FLOATS[:, :2],
    ),
    "images again": (
        Split(IMAGES, IMAGES),
        lambda: sequential(
            (6, 6, 1), layers.Flatten(), layers.Dense(36, activation="sigmoid"), layers.Reshape((6, 6, 1))
        ),
        "binary_crossentropy",
        IMAGES / np.float32(255),
        IMAGES / np.float32(255),
    ),
    "tokens again": (
        Split(TOKENS, TOKENS),
        lambda: sequential((5,), layers.Embedding(9, 3), layers.Dense(9, activation="softmax"), dtype="int32"),
        "categorical_crossentropy",
        TOKENS,
        np.eye(9)[TOKENS],
    ),
    "tokens again, sparse": (
        Split(TOKENS, TOKENS),
        lambda: sequential((5,), layers.Embedding(9, 3), layers.Dense(9, activation="softmax"), dtype="int32"),
        "sparse_categorical_crossentropy",
        TOKENS,
        TOKENS,
    ),
    "standardized": (
        splits(Dataset("d", "d", FAR, FAR, (), standardize=True), None)[0],
        lambda: sequential((4,), layers.Dense(2)),
        "mse",
        (FAR.x - FAR.x.mean(axis=0, dtype=np.float64)) / FAR.x.std(axis=0, dtype=np.float64),
        (FAR.y - FAR.y.mean(axis=0, dtype=np.float64)) / FAR.y.std(axis=0, dtype=np.float64),
    ),
    "numbers again, standardized": (
        splits(Dataset("d", "d", AGAIN, AGAIN, (), standardize=True), None)[0],
        lambda: sequential((4,), layers.Dense(2), layers.Dense(4)),
        "mse",
        (FAR.x - FAR.x.mean(axis=0, dtype=np.float64)) / FAR.x.std(axis=0, dtype=np.float64),
        (FAR.x - FAR.x.mean(axis=0, dtype=np.float64)) / FAR.x.std(axis=0, dtype=np.float64),
    ),
    "images, standardized": (
        splits(Dataset("d", "d", *[Split(COLOURS, np.arange(ROWS) % 3)] * 2, ("a", "b", "c"), standardize=True), None)[
            0
        ],
        lambda: sequential(
            (6, 6, 2),
            layers.Conv2D(2, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ),
        "categorical_crossentropy",
        STANDARD_COLOURS,
        np.eye(3)[np.arange(ROWS) % 3],
    ),
    "convolutions over numbers": (
        Split(SERIES.reshape(ROWS, 7, 3, 1), np.arange(ROWS) % 3),
        lambda: sequential(
            (7, 3, 1),
            layers.Conv2D(2, 2, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ),
        "categorical_crossentropy",
        SERIES.reshape(ROWS, 7, 3, 1),
        np.eye(3)[np.arange(ROWS) % 3],
    ),
}
IDS = list(CASES)


def compiled(case: Case) -> keras.Model:
    """The case's model, always with the same weights."""
    keras.utils.set_random_seed(1)
    model = case[1]()
    model.compile("adam", loss=case[2], metrics=[case[2]], run_eagerly=True)
    return model


def rows(tree: Any, chosen: np.ndarray) -> Any:
    """The rows of an array, or of all by name."""
    return {name: array[chosen] for name, array in tree.items()} if isinstance(tree, dict) else tree[chosen]


@cache
def trainer_of(name: str) -> Trainer:
    """The case's trainer, compiled once; every test starts it from a model of its own."""
    split = CASES[name][0]
    return Trainer(compiled(CASES[name]), split, split, batch_size=BATCH)


QUICK = (
    "numbers of any shape",
    "numbers with classes",
    "inputs by name",
    "images again",
    "tokens again",
    "standardized",
    "images, standardized",
)
"""Every form of inputs and of targets; a program is compiled for each."""


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in IDS]
)
def test_an_epoch_is_keras_s(name: str) -> None:
    """The same weights, losses and metrics as Keras's own steps in the same order, the last, partial batch included."""
    _, _, _, x, y = case = CASES[name]
    trainer, keras_s = trainer_of(name), compiled(case)
    trainer.restart(compiled(case))
    (result,) = trainer.epochs(1, seed=3)
    order = batch_order(ROWS, seed=3, epoch=1)
    fitted = keras_s.fit(rows(x, order), rows(y, order), batch_size=BATCH, shuffle=False, verbose=0)
    assert result.logs["loss"] == pytest.approx(fitted.history["loss"][0], rel=1e-4)
    for mine, theirs in zip(trainer.model.get_weights(), keras_s.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=2e-4, atol=2e-6)
    evaluated = keras_s.evaluate(x, y, batch_size=ROWS, verbose=0, return_dict=True)
    metric = next(key for key in evaluated if key != "loss")
    assert result.logs["val_loss"] == pytest.approx(evaluated["loss"], rel=1e-4)
    assert result.logs[f"val_{metric}"] == pytest.approx(evaluated[metric], rel=1e-4)


@pytest.mark.parametrize("name", ["numbers of any shape", "inputs by name", "tokens again", "standardized"])
def test_a_resumed_epoch_has_the_same_bits(name: str, tmp_path: Path) -> None:
    """Epoch 2 from a resume point equals epoch 2 of an unbroken run, for each kind."""
    trainer, resumed = trainer_of(name), compiled(CASES[name])
    trainer.restart(compiled(CASES[name]))
    epochs = trainer.epochs(2, seed=3)
    next(epochs)
    checkpoint.save(tmp_path / "point.npz", trainer.model, epoch=1)
    (unbroken,) = epochs
    whole = trainer.model.get_weights()
    checkpoint.restore(checkpoint.read(tmp_path / "point.npz"), resumed)
    trainer.restart(resumed)
    (again,) = trainer.epochs(2, seed=3, first_epoch=2)
    assert again.logs == unbroken.logs
    for one, other in zip(trainer.model.get_weights(), whole, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["numbers with classes", "inputs by name", "images again"])
def test_a_part_trains_as_a_copy_of_its_rows_does(name: str) -> None:
    """What a holdout leaves stays where the whole is: the same bits, in training and in evaluation."""
    case = CASES[name]
    left, held = (case[0].part(rows) for rows in (np.arange(3, ROWS), np.array([2, 0, 1])))
    copies = [part.take(np.arange(len(part))) for part in (left, held)]
    found = []
    for train, validation in ((left, held), copies):
        model = compiled(case)
        (result,) = Trainer(model, train, validation, batch_size=BATCH).epochs(1, seed=3)
        found.append((result.logs, result.steps, model.get_weights()))
    assert found[0][:2] == found[1][:2]
    for one, other in zip(found[0][2], found[1][2], strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", IDS)
def test_the_initialization_batch_is_what_a_network_is_given(name: str) -> None:
    """Of every kind: images scaled, standardized, tokens as they are, by name; the seed's first rows."""
    split, _, _, x, _ = CASES[name]
    batch = arms.init_batch(split, size=5, seed=2)
    chosen = batch_order(ROWS, seed=2, epoch=0)[:5]
    keras.tree.map_structure(
        lambda one, other: np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5), batch, rows(x, chosen)
    )


def weight_normalized() -> keras.Model:
    """A model for the standardized numbers, weight-normalized."""
    return sequential((4,), WeightNormalization(layers.Dense(2), data_init=False))


def test_inputs_given_again_come_back_in_their_own_units() -> None:
    """A network that gives its standardized inputs gives, exported, the inputs."""
    keras.utils.set_random_seed(0)
    model = sequential((4,), layers.Dense(4, kernel_initializer="identity"))
    np.testing.assert_allclose(
        with_standard(model, CASES["numbers again, standardized"][0].standard)(FAR.x), FAR.x, rtol=1e-5
    )


def test_what_is_exported_takes_images_from_0_to_1() -> None:
    """It standardizes them itself."""
    split, build, _, x, _ = CASES["images, standardized"]
    keras.utils.set_random_seed(0)
    model = build()
    outer = with_standard(model, split.standard)(UNIT.astype(np.float32))
    np.testing.assert_allclose(outer, model(x.astype(np.float32)), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("build", [CASES["standardized"][1], weight_normalized])
def test_what_is_exported_takes_and_gives_the_data_s_own_units(
    build: Callable[[], keras.Model], tmp_path: Path
) -> None:
    """Saved, loaded and folded it gives y · deviation + mean of what was trained on (x − mean) / deviation."""
    split, _, _, x, _ = CASES["standardized"]
    keras.utils.set_random_seed(0)
    model = build()
    with_standard(model, split.standard).save(tmp_path / "model.keras")
    loaded = fold(keras.models.load_model(tmp_path / "model.keras"))
    inner = np.asarray(model(x.astype(np.float32)), np.float64)
    expected = inner * FAR.y.std(axis=0, dtype=np.float64) + FAR.y.mean(axis=0, dtype=np.float64)
    np.testing.assert_allclose(loaded(FAR.x), expected, rtol=1e-5)
    assert with_standard(model, None) is model


def test_a_mixture_is_standardized_where_it_is_numbers() -> None:
    """Of two inputs by name the tokens stay; classes as targets too; what is exported has the same names."""
    data = Split({"left": FAR.x, "right": TOKENS}, np.arange(ROWS) % 2)
    split = splits(Dataset("d", "d", data, data, ("a", "b"), standardize=True), None)[0]
    batch = arms.init_batch(split, size=ROWS, seed=0)
    np.testing.assert_allclose(batch["left"].mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(batch["left"].std(axis=0), 1, rtol=1e-4)
    assert batch["right"].dtype == np.int32
    exported, inner = with_standard(model := two_inputs(), split.standard), model
    given = arms.init_batch(replace(split, standard=None), size=ROWS, seed=0)
    np.testing.assert_allclose(exported(given), inner(batch), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("part", [np.s_[:, :2], np.s_[::2], np.s_[:, ::-1], np.s_[:1, :2], np.s_[:, :1]])
def test_any_view_of_aligned_memory_reaches_the_device(part: Any) -> None:
    """Columns, every other row and the like, where a tensor could begin: the device has their values."""
    memory = np.arange(ROWS * 16 + 64, dtype=np.float32)
    start = (-memory.ctypes.data % 64) // 4
    view = memory[start : start + ROWS * 16].reshape(ROWS, 16)[part]
    np.testing.assert_array_equal(on_device(Split(view, view)).inputs, view)
