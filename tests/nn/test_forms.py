"""Models and the form of the data: what each is built to give, and what is refused with the remedy."""

import keras
import numpy as np
import pytest

from wncompare.catalog.models import MlpOptions
from wncompare.catalog.registry import Options
from wncompare.data.form import Form, Input, Target
from wncompare.errors import ModelError
from wncompare.nn import models
from wncompare.nn.identity import architecture

NUMBERS, TOKENS = Input("number", (7, 2)), Input("token", (5,), 11)
TWO = Form({"left": Input("number", (4,)), "right": TOKENS}, Target("numbers", (3,)))


@pytest.mark.parametrize("target", [Target("numbers", (1,)), Target("numbers", (3, 2)), Target("inputs", (7, 2))])
def test_mlp_gives_the_target_s_numbers(target: Target) -> None:
    """A vector, a matrix or the inputs again, without an activation at the end: weights are counted by hand."""
    form = Form({"input": NUMBERS}, target)
    model = models.mlp(MlpOptions(units=(5,)), form=form)
    size = int(np.prod(form.output))
    assert model.output_shape == (None, *form.output)
    assert model.count_params() == 14 * 5 + 5 + 5 * size + size
    assert (model(-np.ones((8, 7, 2), "float32")).numpy() != 0).all()


@pytest.mark.parametrize("build", [models.lenet, models.mlp])
def test_data_that_a_model_does_not_take_are_refused(build: object) -> None:
    """Tokens, whose numbers mean nothing as such, and several inputs."""
    tokens = Form({"input": TOKENS}, Target("classes", (), 3))
    for form, problem in (
        (tokens, "the inputs are tokens: expected images or numbers"),
        (TWO, "2 inputs .left, right"),
    ):
        with pytest.raises(ModelError, match=problem):
            build(MlpOptions() if build is models.mlp else Options(), form=form)  # type: ignore[operator]


@pytest.mark.parametrize(
    "form",
    [
        Form({"input": NUMBERS}, Target("classes", (), 3)),
        Form({"input": Input("number", (16, 16, 1))}, Target("numbers", (1,))),
    ],
)
def test_lenet_is_for_images_with_classes(form: Form) -> None:
    """A sequence, or numbers to give, get one line with the model that takes them."""
    with pytest.raises(ModelError, match=r"expected images \(height, width, channels\) to classes; use the model mlp"):
        models.lenet(Options(), form=form)


def two_inputs(left: str = "left") -> keras.Model:
    """Numbers and tokens to three numbers."""
    first, second = keras.Input((4,), name=left), keras.Input((5,), name="right", dtype="int32")
    words = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(11, 3)(second))
    return keras.Model([first, second], keras.layers.Dense(3)(keras.layers.Concatenate()([first, words])))


def test_several_inputs_go_by_their_names() -> None:
    """A model with the data's names fits; another name is refused with those that there are."""
    assert models.checked(two_inputs(), "build_model", form=TWO)
    with pytest.raises(ModelError, match=r"has the inputs other, right: expected left, right.*name='left'"):
        models.checked(two_inputs("other"), "build_model", form=TWO)


def test_the_names_of_several_inputs_are_part_of_a_network() -> None:
    """They say which data each is given: with two names changed about it is another network, with one input not."""

    def subtracted(*names: str) -> keras.Model:
        inputs = [keras.Input((4,), name=name) for name in names]
        return keras.Model(inputs, keras.layers.Subtract()(inputs))

    assert architecture(subtracted("a", "b")) == architecture(subtracted("a", "b"))
    assert architecture(subtracted("a", "b")) != architecture(subtracted("b", "a"))
    one, other = (keras.Sequential([keras.Input((4,), name=name), keras.layers.Dense(1)]) for name in "ab")
    assert architecture(one) == architecture(other)


def test_a_model_of_another_shape_is_refused_by_name() -> None:
    """The shapes of all inputs are shown by their names, beside the data's."""
    form = Form({**TWO.inputs, "left": Input("number", (6,))}, TWO.target)
    with pytest.raises(
        ModelError, match=r"maps {'left': \(None, 4\), .* to \(None, 3\): expected {'left': \(None, 6\)"
    ):
        models.checked(two_inputs(), "build_model", form=form)


def test_a_model_of_whole_numbers_is_for_tokens_alone() -> None:
    """Numbers would be cast to 0 and 1; the only input may have any name."""
    embedding = keras.Sequential(
        [keras.Input((5,), dtype="int32"), keras.layers.Embedding(11, 2), keras.layers.Flatten(), keras.layers.Dense(3)]
    )
    assert models.checked(embedding, "build_model", form=Form({"input": TOKENS}, Target("numbers", (3,))))
    with pytest.raises(ModelError, match="takes int32, to which numbers would be cast"):
        models.checked(embedding, "build_model", form=Form({"input": Input("number", (5,))}, Target("numbers", (3,))))
