"""Models of sequences and residual networks: their parameters counted by hand, what they see, what they refuse."""

from typing import Any

import keras
import numpy as np
import pytest

from wncompare.data.form import ONLY, Form, Input, Target, image_form
from wncompare.errors import ModelError

from .forms import AGAIN, CLASSES, PICTURES, ROWS, SERIES, WORDS, build, examples

COUNTS: list[tuple[str, dict[str, Any], Form, int]] = [
    # 4 gates of 5 units from 6 + 5 values and a bias, 4 of 3 units from 5 + 3; 3 → 4 classes
    ("lstm", {"units": (5, 3)}, ROWS, 4 * 5 * (6 + 5 + 1) + 4 * 3 * (5 + 3 + 1) + 4 * (3 + 1)),
    # 11 words of 3 numbers
    ("lstm", {"units": (5,), "embedding": 3}, WORDS, 11 * 3 + 4 * 5 * (3 + 5 + 1) + 4 * (5 + 1)),
    # 3 gates, each with two biases
    ("gru", {"units": (5,)}, SERIES, 3 * 5 * (2 + 5 + 2) + (5 + 1)),
    # 1 + 2 · 2 · (2³ − 1) = 29 ≥ 20 steps: 3 blocks, the first from 2 channels with a 1 × 1 convolution
    (
        "tcn",
        {"filters": 4, "kernel_size": 3},
        SERIES,
        (3 * 2 * 4 + 4) + (2 * 4 + 4) + 5 * (3 * 4 * 4 + 4) + (4 + 1),
    ),
    # as in the paper, table 2 in its appendix: of 32 × 32 × 3 with 10 classes, biases in place of its normalization
    (
        "resnet8",
        {},
        image_form((32, 32, 3), 10),
        (27 * 16 + 16)
        + 2 * (9 * 16 * 16 + 16)
        + (9 * 16 * 32 + 32)
        + (9 * 32 * 32 + 32)
        + (9 * 32 * 64 + 64)
        + (9 * 64 * 64 + 64)
        + (64 * 10 + 10),
    ),
]


@pytest.mark.parametrize(("name", "options", "form", "count"), COUNTS)
def test_parameters_are_those_of_a_hand_count(name: str, options: dict[str, Any], form: Form, count: int) -> None:
    """Every gate, block and bias, and nothing else."""
    model = build(name, options, form)
    assert model.count_params() == count
    assert model.output_shape == (None, *form.output)


def outputs(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """What it predicts."""
    return np.array(keras.ops.convert_to_numpy(model(x, training=False)))


@pytest.mark.parametrize(("blocks", "sees"), [(1, 5), (2, 13), (3, 29)])
def test_a_tcn_sees_as_many_steps_as_its_blocks_do(blocks: int, sees: int) -> None:
    """With weights above zero, the last output changes with the last 1 + 2(k − 1)(2^L − 1) steps and none before."""
    form = Form({ONLY: Input("number", (32, 1))}, Target("numbers", (1,)))
    model = build("tcn", {"filters": 6, "kernel_size": 3, "blocks": blocks}, form)
    model.set_weights([abs(weight) for weight in model.get_weights()])
    x = examples(form, 1)
    changed = np.repeat(x, 32, axis=0)
    changed[np.arange(32), np.arange(32)] += 5
    moved = np.flatnonzero(~np.isclose(outputs(model, changed), outputs(model, x), rtol=1e-5)[:, 0])
    np.testing.assert_array_equal(moved, np.arange(32 - sees, 32))


@pytest.mark.parametrize(("steps", "kernel_size", "blocks"), [(2, 2, 1), (3, 2, 1), (4, 2, 2), (29, 3, 3), (30, 3, 4)])
def test_a_tcn_has_the_fewest_blocks_that_see_the_sequence(steps: int, kernel_size: int, blocks: int) -> None:
    """1 + 2(k − 1)(2^L − 1) ≥ steps for that L and for none below."""
    form = Form({ONLY: Input("number", (steps, 1))}, CLASSES)
    model = build("tcn", {"filters": 2, "kernel_size": kernel_size}, form)
    assert sum(layer.name.endswith("_sum") for layer in model.layers) == blocks


def test_a_later_step_changes_no_earlier_one() -> None:
    """Convolutions are causal: in the last block's output, step t depends on none after it."""
    form = Form({ONLY: Input("number", (20, 2))}, CLASSES)
    model = build("tcn", {"filters": 4, "kernel_size": 3}, form)
    steps = keras.Model(model.input, model.get_layer("last").input)
    x = examples(form, 2)
    changed = x.copy()
    changed[:, 12:] += 1
    np.testing.assert_array_equal(outputs(steps, changed)[:, :12], outputs(steps, x)[:, :12])


def test_a_shortcut_takes_every_second_pixel_and_adds_empty_channels() -> None:
    """He et al., option A: with the convolutions at zero, a block gives x[::2, ::2] and zeros behind it."""
    model = build("resnet8", {}, PICTURES)
    for layer in model.layers:
        if layer.name.startswith("block_2_conv"):
            layer.set_weights([np.zeros_like(weight) for weight in layer.get_weights()])
    block = keras.Model(model.input, [model.get_layer("block_1_relu").output, model.get_layer("block_2_relu").output])
    before, after = (np.asarray(each) for each in block(examples(PICTURES)))
    np.testing.assert_array_equal(after[..., :16], before[:, ::2, ::2])
    np.testing.assert_array_equal(after[..., 16:], 0)


SEVERAL = Form({"a": Input("number", (3, 2)), "b": Input("number", (3, 2))}, CLASSES)
REFUSED: list[tuple[str, dict[str, Any], Form, str]] = [
    ("lstm", {}, PICTURES, r"images of \(8, 8, 3\): expected sequences.*make one of images by dataset: .*as_sequence"),
    ("gru", {}, Form({ONLY: Input("number", (7,))}, CLASSES), r"numbers of \(7,\): expected sequences.*reshape them"),
    ("tcn", {}, Form({ONLY: Input("token", (7, 2), 9)}, CLASSES), r"tokens of \(7, 2\): expected sequences"),
    ("lstm", {}, Form(SERIES.inputs, Target("inputs", (20, 2))), "not the inputs again; use the model vae"),
    ("tcn", {}, SEVERAL, r"the data have 2 inputs \(a, b\): expected one"),
    ("resnet8", {}, image_form((7, 32, 3), 2), r"inputs of \(7, 32, 3\): expected images .* of at least 8 × 8"),
    ("resnet8", {}, ROWS, r"inputs of \(8, 6\): expected images"),
    ("resnet8", {}, WORDS, "the inputs are tokens: expected images or numbers"),
    ("resnet8", {}, AGAIN, "not the inputs again; use the model vae"),
]


@pytest.mark.parametrize(("name", "options", "form", "words"), REFUSED)
def test_data_that_do_not_fit_are_refused_with_the_remedy(
    name: str, options: dict[str, Any], form: Form, words: str
) -> None:
    """On one line: the model, what there is and what was expected."""
    with pytest.raises(ModelError, match=f"model {name}: .*{words}") as caught:
        build(name, options, form)
    assert "\n" not in str(caught.value)
