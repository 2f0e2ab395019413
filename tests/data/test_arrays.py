"""A user's arrays of every kind in an .npz file: what they are taken for, and what is refused, with the row."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wncompare import data
from wncompare.catalog.datasets import NpzOptions
from wncompare.data.form import Input, Target
from wncompare.errors import DatasetError

RNG = np.random.default_rng(0)


def load(folder: Path, content: dict[str, Any], **options: Any) -> data.Dataset:
    """Stores the arrays and loads them."""
    np.savez(folder / "mine.npz", **content)
    return data.load("npz", NpzOptions(path=str(folder / "mine.npz"), **options))


def arrays(x: np.ndarray, y: np.ndarray | None, **changes: Any) -> dict[str, Any]:
    """An archive of which the first two thirds train, some arrays changed."""
    n = len(x) * 2 // 3
    found = {"x_train": x[:n], "x_test": x[n:]} | ({} if y is None else {"y_train": y[:n], "y_test": y[n:]})
    return {**found, **changes}


FLOATS = RNG.normal(size=(12, 5))
CLASSES, NUMBERS = np.arange(12) % 3, RNG.normal(size=12)
TOKENS = np.arange(60).reshape(12, 5) % 7


@pytest.mark.parametrize(
    ("x", "options", "expected"),
    [
        (FLOATS, {}, Input("number", (5,))),
        (FLOATS.astype(np.float16), {}, Input("number", (5,))),
        (FLOATS[:, 0], {}, Input("number", (1,))),
        (RNG.normal(size=(12, 7, 2)).astype(np.float32), {}, Input("number", (7, 2))),
        (RNG.normal(size=(12, 4, 4, 3)), {}, Input("number", (4, 4, 3))),
        (RNG.normal(size=(12, 2, 2, 2, 2)), {}, Input("number", (2, 2, 2, 2))),
        (TOKENS, {}, Input("token", (5,), 7)),
        (TOKENS.astype(np.int16), {"vocabulary": 9}, Input("token", (5,), 9)),
        (TOKENS[:, 0], {}, Input("token", (1,), 7)),
        (TOKENS.astype(np.uint8), {"inputs": "tokens"}, Input("token", (5,), 7)),
        (TOKENS.astype(np.uint8), {"inputs": "numbers"}, Input("number", (5,))),
        (TOKENS.reshape(12, 5, 1), {"inputs": "tokens"}, Input("token", (5, 1), 7)),
        (TOKENS.reshape(12, 5, 1), {}, Input("image", (5, 1, 1))),
        (TOKENS.reshape(12, 5, 1).astype(np.uint8), {}, Input("image", (5, 1, 1))),
        (TOKENS.reshape(12, 1, 5).astype(np.uint8), {"inputs": "numbers"}, Input("number", (1, 5))),
    ],
)
def test_inputs_are_known_by_type_and_shape(tmp_path: Path, x: Any, options: Any, expected: Input) -> None:
    """Floats are numbers, whole numbers images or tokens by their shape; else what the options say."""
    dataset = load(tmp_path, arrays(x, CLASSES), **options)
    assert dataset.form.input == expected
    kept = {"image": np.uint8, "number": np.float32, "token": np.int32}[expected.kind]
    assert dataset.train.x.dtype == dataset.test.x.dtype == kept
    np.testing.assert_allclose(dataset.test.x.ravel(), x[8:].ravel(), rtol=1e-6)


@pytest.mark.parametrize(
    ("y", "options", "expected"),
    [
        (CLASSES, {}, Target("classes", (), 3)),
        (NUMBERS, {}, Target("numbers", (1,))),
        (CLASSES, {"targets": "numbers"}, Target("numbers", (1,))),
        (RNG.normal(size=(12, 4, 2)), {}, Target("numbers", (4, 2))),
        (np.eye(3)[CLASSES], {"targets": "numbers"}, Target("numbers", (3,))),
    ],
)
def test_targets_are_known_by_type(tmp_path: Path, y: Any, options: Any, expected: Target) -> None:
    """Whole numbers are classes, fractions numbers, in one column or any shape; else what the options say."""
    dataset = load(tmp_path, arrays(FLOATS, y), **options)
    assert dataset.form.target == expected
    assert dataset.train.y.dtype == (np.int64 if expected.kind == "classes" else np.float32)
    np.testing.assert_allclose(dataset.train.y.ravel(), y[:8].ravel(), rtol=1e-6)


def named(**changes: Any) -> dict[str, Any]:
    """Numbers and tokens by name."""
    left, right = arrays(FLOATS, NUMBERS), arrays(TOKENS, None)
    both = {
        f"x_{split}_{name}": one[f"x_{split}"]
        for split in ("train", "test")
        for name, one in (("left", left), ("right", right))
    }
    return {**both, "y_train": left["y_train"], "y_test": left["y_test"], **changes}


def test_several_inputs_go_by_name(tmp_path: Path) -> None:
    """Each is of its own kind; options may be by name, and a name that is not there is refused with those that are."""
    dataset = load(tmp_path, named(), vocabulary={"right": 20})
    assert dataset.form.inputs == {"left": Input("number", (5,)), "right": Input("token", (5,), 20)}
    np.testing.assert_array_equal(dataset.test.x["right"], TOKENS[8:])
    assert load(tmp_path, named(), inputs={"right": "numbers"}).form.inputs["right"].kind == "number"
    for option in ({"inputs": {"middle": "tokens"}}, {"vocabulary": {"left": 5}}):
        with pytest.raises(DatasetError, match=r"names '(middle|left)': the inputs are "):
            load(tmp_path, named(), **option)


def changed(array: np.ndarray, row: int, value: Any) -> np.ndarray:
    """The array with another value in a row."""
    found = array.copy()
    found[row, -1] = value
    return found


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
@pytest.mark.parametrize("key", ["x", "y"])
def test_numbers_that_are_not_finite_are_refused_with_the_row(
    tmp_path: Path, split: str, value: float, key: str
) -> None:
    """NaN, infinities, and what float32 cannot hold, in inputs and targets of both splits."""
    good = arrays(FLOATS, FLOATS)
    name = f"{key}_{split}"
    with pytest.raises(DatasetError, match=rf"{name} holds {re.escape(str(value))} in row 2: expected finite float32"):
        load(tmp_path, {**good, name: changed(good[name], 2, value)})


def test_a_row_far_in_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking a block at a time, the row is counted from the array's first."""
    monkeypatch.setattr("wncompare.data.arrays._BLOCK", 10)
    with pytest.raises(DatasetError, match="x_train holds nan in row 7:"):
        load(tmp_path, arrays(changed(FLOATS, 7, np.nan), CLASSES))


SINCE_1970 = 1.7e9 + np.arange(12.0)


@pytest.mark.parametrize("key", ["x", "y"])
@pytest.mark.parametrize(
    "times", [SINCE_1970, SINCE_1970.astype(np.int64), np.tile(SINCE_1970[:, None, None], (1, 3, 1))]
)
def test_numbers_that_float32_hardly_tells_apart_are_refused(tmp_path: Path, key: str, times: np.ndarray) -> None:
    """Near 1.7e9 float32 has a number every 128: seconds would all be the same."""
    content = arrays(times, FLOATS) if key == "x" else arrays(FLOATS, times)
    said = {"inputs": "numbers"} if key == "x" else {"targets": "numbers"}
    with pytest.raises(
        DatasetError, match=rf"{key}_train goes from 1700000000 to 1700000007 in feature 0, where .*; sub"
    ):
        load(tmp_path, content, **said)


@pytest.mark.parametrize(
    "column", [SINCE_1970 * np.arange(12), 1.6e7 + np.arange(12), 0.1 + np.arange(12) * 1e-17, np.full(12, 1.7e9 + 1)]
)
def test_numbers_that_float32_tells_apart_are_taken(tmp_path: Path, column: np.ndarray) -> None:
    """Large ones as far apart, whole ones that it holds, constants, and what is close in the test split alone."""
    load(tmp_path, arrays(np.stack([column, FLOATS[:, 0]], axis=1), FLOATS))
    close = np.r_[np.arange(8) * 1e9, 1e9 + np.arange(4)]
    load(tmp_path, arrays(close, FLOATS))


LABELS = {"y_train": CLASSES[:8], "y_test": CLASSES[8:]}


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (arrays(changed(TOKENS, 3, -1), CLASSES), {}, "x_train holds -1 in row 3: tokens are counted from 0"),
        (arrays(changed(TOKENS, 3, 2**40), CLASSES), {}, "x_train holds 1099511627776 in row 3"),
        (
            arrays(changed(TOKENS, 9, 7), CLASSES),
            {},
            "x_test holds the token 7 in row 1, beyond the largest of training, 6: say vocabulary: 8",
        ),
        (
            arrays(TOKENS, CLASSES),
            {"vocabulary": 5},
            "x_train holds the token 6 in row 1, beyond the vocabulary, 4: say vocabulary: 7",
        ),
        (
            arrays(FLOATS, CLASSES),
            {"inputs": "tokens"},
            "x_train is float64, not whole numbers: tokens are counted from 0",
        ),
        (arrays(FLOATS, CLASSES), {"inputs": "images"}, "x_train is float64, not whole numbers 0…255: store (x * 255)"),
        (
            arrays(TOKENS.astype(np.uint8), CLASSES),
            {},
            "x_train is uint8 (8, 5), not the images (n, height, width[, channels])",
        ),
        (arrays(np.full((12, 4, 4), 999), CLASSES), {}, "say what it is, such as inputs: tokens"),
        (arrays(FLOATS.astype(str), CLASSES), {}, "x_train is text (<U32): expected numbers; number the words"),
        (arrays(FLOATS, CLASSES.astype(str)), {}, "y_train is text (<U21): expected numbers"),
        (arrays(FLOATS > 0, CLASSES), {}, "x_train is bool, not whole numbers or floats"),
        (arrays(FLOATS + 1j, CLASSES), {}, "x_train is complex128, not whole numbers or floats"),
        (arrays(np.zeros((12, 0)), CLASSES), {}, "x_train has shape (8, 0): expected at least one row, and no axis"),
        (arrays(FLOATS, NUMBERS, y_train=np.float64(3)), {}, "y_train has shape (): expected at least one row"),
        (
            arrays(FLOATS, NUMBERS[:11], y_test=NUMBERS[:3]),
            {},
            "y_test has 3 rows, the inputs 4: row 3 is there on one side only",
        ),
        (
            arrays(FLOATS, CLASSES, y_train=NUMBERS[:8]),
            {"targets": "classes"},
            "y_train is float64 (8,), not 8 whole numbers",
        ),
        (
            arrays(FLOATS, np.eye(3)[CLASSES]),
            {},
            "store class numbers, such as y.argmax(axis=1), not one-hot; or say targets: numbers",
        ),
        (arrays(FLOATS, np.full(12, 0.5)), {}, "every training target is [0.5]: at least 2 are needed"),
        (
            arrays(FLOATS, NUMBERS, x_test=FLOATS[:, :4][8:]),
            {},
            "training inputs (input) are (5,), test inputs (input) (4,)",
        ),
        (
            arrays(FLOATS, FLOATS, y_test=FLOATS[8:, :2]),
            {},
            "training targets are (5,), test targets (2,): use one size",
        ),
        (arrays(TOKENS, CLASSES, x_test=FLOATS[8:]), {}, "x_test is float64, not whole numbers"),
        ({**named(), "x_train": FLOATS[:8]}, {}, "holds both x_train and x_train_left"),
        (named(x_test_right=TOKENS[9:]), {}, "x_test_right has 3 rows, the inputs 4"),
        ({key: value for key, value in named().items() if key != "x_test_right"}, {}, "lacks x_test_right"),
        (named(), {"reconstruct": True}, "reconstruct is for one input: there are left, right"),
        (arrays(FLOATS, CLASSES), {"as_sequence": "rows"}, "as_sequence is for images: the inputs are numbers"),
        (
            arrays(TOKENS, CLASSES),
            {"standardize": True},
            "standardize is for images and numbers: the inputs are tokens",
        ),
        (arrays(np.array([print] * 12), CLASSES), {}, "make all rows of one length, and numbers"),
    ],
)
def test_refusals(tmp_path: Path, content: dict[str, Any], options: Any, message: str) -> None:
    """What is wrong is named with the file, the array, what was found and the remedy, on one line."""
    with pytest.raises(DatasetError, match=re.escape(message)) as caught:
        load(tmp_path, content, **options)
    assert "mine" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_caveats_of_numbers(tmp_path: Path) -> None:
    """Numbers far from 1 come with one that names standardize, which takes it away; tokens and others have none."""
    far = arrays(FLOATS * 1000, NUMBERS * 1000)
    assert [caveat.split(" go ")[0] for caveat in data.caveats(load(tmp_path, far))] == [
        "The training numbers (input)",
        "The training targets",
    ]
    assert "standardize: true" in data.caveats(load(tmp_path, far))[0]
    assert data.caveats(load(tmp_path, far, standardize=True)) == ()
    assert data.caveats(load(tmp_path, arrays(TOKENS + 500, NUMBERS))) == ()
