"""Images as sequences, inputs as targets, both standardized; and the adding problem."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as drawn

from wncompare import data
from wncompare.catalog.datasets import AddingProblemOptions, ImagePresentation, NpzOptions, SyntheticOptions
from wncompare.data.dataset import hold_out, splits
from wncompare.data.form import Form, Input, Target
from wncompare.data.standardize import Moments
from wncompare.errors import DatasetError


def synthetic(**options: Any) -> data.Dataset:
    """A few images of 4 × 6 × 3."""
    return data.load("synthetic", SyntheticOptions(shape=(4, 6, 3), train=20, test=6, **options))


def test_an_image_is_the_sequence_of_its_rows_or_pixels() -> None:
    """Row i of an image is step i, with all its channels; so is pixel i; the label says it and the digest differs."""
    images, rows, pixels = (synthetic(as_sequence=by) for by in (None, "rows", "pixels"))
    assert (rows.form.input, pixels.form.input) == (Input("image", (4, 18)), Input("image", (24, 3)))
    np.testing.assert_array_equal(rows.train.x[3, 2], images.train.x[3, 2].ravel())
    np.testing.assert_array_equal(pixels.train.x[3, 2 * 6 + 5], images.train.x[3, 2, 5])
    assert (rows.label, rows.classes) == ("synthetic by rows", 10)
    assert len({each.digest for each in (images, rows, pixels)}) == 3


def test_digits_by_rows() -> None:
    """The datasets that have no other options take these."""
    assert data.load("digits", ImagePresentation(as_sequence="rows")).form.input.shape == (32, 32)


def test_inputs_as_targets() -> None:
    """The very array, without classes; as a sequence too; the digest is another one."""
    dataset = synthetic(reconstruct=True)
    assert dataset.train.y is dataset.train.x
    assert dataset.form == Form({"input": Input("image", (4, 6, 3))}, Target("inputs", (4, 6, 3)))
    assert (dataset.class_names, data.caveats(dataset)) == ((), ())
    assert dataset.digest != synthetic().digest
    assert synthetic(reconstruct=True, as_sequence="rows").form.output == (4, 18)


def test_an_archive_to_reconstruct_needs_no_targets(tmp_path: Path) -> None:
    """Without y_train and y_test, of numbers and of tokens."""
    x = np.arange(60).reshape(12, 5)
    for array, kind in ((x, "token"), (x / 7, "number")):
        np.savez(tmp_path / "mine.npz", x_train=array[:8], x_test=array[:4])
        dataset = data.load("npz", NpzOptions(path=str(tmp_path / "mine.npz"), reconstruct=True))
        assert dataset.form.input.kind == kind
        assert dataset.train.reconstructs
        assert dataset.form.output == ((5, 40) if kind == "token" else (5,))


def adding(**options: Any) -> data.Dataset:
    """The adding problem."""
    return data.load("adding_problem", AddingProblemOptions(**options))


def test_the_adding_problem_asks_for_the_sum_of_two_marked_numbers() -> None:
    """Two marks a sequence, anywhere; numbers in [0, 1); who always guesses 1 has a mean squared error of 1/6."""
    dataset = adding(length=5, train=20_000, test=10)
    x, y = dataset.train.x, dataset.train.y
    assert (x.shape, y.shape, x.dtype, y.dtype) == ((20_000, 5, 2), (20_000, 1), np.float32, np.float32)
    assert set(np.unique(x[..., 1])) == {0, 1}
    np.testing.assert_array_equal(x[..., 1].sum(axis=1), 2)
    np.testing.assert_array_equal((x[..., 0] * x[..., 1]).sum(axis=1), y[:, 0])
    assert x[..., 0].min() >= 0
    assert x[..., 0].max() < 1
    np.testing.assert_allclose(np.mean((y - 1) ** 2), 1 / 6, atol=0.005)
    pairs = x[..., 1].astype(int).T @ x[..., 1].astype(int)
    np.testing.assert_allclose(pairs[np.triu_indices(5, 1)], 2000, rtol=0.1)  # each of the ten pairs alike


@settings(max_examples=20, deadline=None)
@given(length=st.integers(2, 30), few=st.integers(1, 20), seed=st.integers(0, 2**32 - 1))
def test_the_first_sequences_are_the_same_however_many(length: int, few: int, seed: int) -> None:
    """For every length and seed; the splits differ, and so do seeds."""
    a, b = (adding(length=length, train=n, test=40, seed=seed) for n in (few, 40))
    np.testing.assert_array_equal(a.train.x, b.train.x[:few])
    np.testing.assert_array_equal(a.train.y, b.train.y[:few])
    assert not np.array_equal(b.train.x, b.test.x)
    assert adding(length=length, train=40, test=40, seed=(seed + 1) % 2**32).digest != b.digest


def test_the_adding_problem_is_fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    """On every machine, and however large the blocks are that it is drawn in."""
    digest = adding(length=7, train=100, test=9).digest
    assert digest == "ae4c98ade7f1bb47e3e9a065f9cb3817722b8f9cf5d9440ddaabf5a363da2eab"
    monkeypatch.setattr("wncompare.data.sources.adding_problem._BLOCK_NUMBERS", 50)
    assert adding(length=7, train=100, test=9).digest == digest


def test_numbers_are_held_out_at_random() -> None:
    """Not by class, from a seed that is fixed; inputs and targets stay together, and the order is the dataset's."""
    train = adding(length=3, train=200, test=9).train
    left, held = (part.take(np.arange(len(part))) for part in hold_out(train, 0.25))
    assert (len(left), len(held)) == (150, 50)
    np.testing.assert_array_equal((held.x[..., 0] * held.x[..., 1]).sum(axis=1), held.y[:, 0])
    np.testing.assert_array_equal(held.x, train.x[hold_out(train, 0.25)[1].rows])
    rows = [int(np.flatnonzero((train.x == row).all(axis=(1, 2)))[0]) for row in held.x]
    assert rows == sorted(rows)
    assert np.ptp(np.histogram(rows, 4, (0, 200))[0]) < 25


def test_what_is_given_again_is_held_out_whole() -> None:
    """Both parts still have their inputs as targets, whatever the classes were."""
    for part in hold_out(synthetic(reconstruct=True).train, 0.3):
        assert part.reconstructs


FLOATS = st.floats(-1e4, 1e4, width=32, allow_subnormal=False)


@given(x=drawn(np.float32, st.tuples(st.integers(1, 30), st.integers(1, 3), st.integers(1, 4)), elements=FLOATS))
def test_moments_are_numpy_s(x: np.ndarray) -> None:
    """Over examples and steps, feature by feature, in float64; a constant feature has a deviation of 1."""
    moments = Moments.of(x)
    mean, deviation = x.astype(np.float64).mean(axis=(0, 1)), x.astype(np.float64).std(axis=(0, 1))
    np.testing.assert_allclose(moments.mean, mean, rtol=1e-6, atol=1e-3)
    varies = deviation > np.maximum(1e-6 * np.abs(mean), 1e-37)
    np.testing.assert_allclose(moments.deviation[varies], deviation[varies], rtol=1e-5)
    constant = np.ptp(x, axis=(0, 1)) == 0
    np.testing.assert_array_equal(moments.deviation[constant], 1)


def test_moments_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking at a few rows at a time gives what looking at all gives; 0.1, which float32 rounds, is constant."""
    x = np.random.default_rng(0).normal(5, 3, (100, 4)).astype(np.float32)
    x[:, 2] = 0.1
    whole = Moments.of(x)
    monkeypatch.setattr("wncompare.data.standardize._BLOCK", 30)
    parts = Moments.of(x)
    np.testing.assert_allclose(parts.deviation, whole.deviation, rtol=1e-6)
    assert whole.deviation[2] == 1


def test_the_moments_of_images_are_of_their_values_from_0_to_1() -> None:
    """Channel by channel; of a sequence of rows, place by place in a row; they are part of what the data are."""
    for options, axes in (({}, (0, 1, 2)), ({"as_sequence": "rows"}, (0, 1))):
        dataset = synthetic(standardize=True, **options)
        standard, x = splits(dataset, None)[0].standard, dataset.train.x / 255
        assert standard is not None
        assert standard.target is None
        np.testing.assert_allclose(standard.inputs["input"].mean, x.mean(axis=axes), rtol=1e-6)
        np.testing.assert_allclose(standard.inputs["input"].deviation, x.std(axis=axes), rtol=1e-6)
        assert dataset.digest != synthetic(**options).digest


def test_images_to_be_given_again_are_not_standardized() -> None:
    """Losses of images expect them in [0, 1]."""
    with pytest.raises(DatasetError, match="synthetic: standardize does not go with reconstruct for images"):
        synthetic(standardize=True, reconstruct=True)


def test_images_beside_numbers_are_standardized_too(tmp_path: Path) -> None:
    """Numbers were alone in that once: what such data are has changed, and what pure numbers are has not."""
    random = np.random.default_rng(0)
    x, y = random.integers(0, 256, (12, 4, 4, 1), np.uint8), random.normal(size=(12, 1))
    np.savez(tmp_path / "mine.npz", x_train=x, x_test=x, y_train=y, y_test=y)
    dataset = data.load("npz", NpzOptions(path=str(tmp_path / "mine.npz"), standardize=True))
    standard = splits(dataset, None)[0].standard
    assert standard is not None
    np.testing.assert_allclose(standard.inputs["input"].mean, [(x / 255).mean()], rtol=1e-6)
    np.testing.assert_allclose(standard.target.mean, y.mean(axis=0), rtol=1e-5)
    pure = adding(length=4, train=60, test=9, standardize=True).digest
    assert pure == "12e949d357a66ab8b7a02614fc23d54efc5c9364cae02dda63786cd66618fc7e"


def test_the_standard_is_that_of_what_is_trained_on() -> None:
    """After the holdout is taken out; all splits go by it, and without standardize there is none."""
    dataset = adding(length=4, train=60, test=9, standardize=True)
    parts = splits(dataset, 0.5)
    left = parts[0].take(np.arange(len(parts[0])))
    for part in parts:
        assert part is not None
        assert part.standard is not None
        np.testing.assert_allclose(part.standard.inputs["input"].mean, left.x.mean(axis=(0, 1)), rtol=1e-5)
        np.testing.assert_allclose(part.standard.target.deviation, left.y.std(axis=0), rtol=1e-5)
    assert splits(adding(length=4, train=60, test=9), 0.5)[0].standard is None
    assert dataset.digest != adding(length=4, train=60, test=9).digest
