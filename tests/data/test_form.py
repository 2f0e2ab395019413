"""What the data's form says that a model must give."""

import pytest

from wncompare.data.form import Form, Input, Target, image_form

NUMBERS, TOKENS = Input("number", (7, 2)), Input("token", (5,), 11)


@pytest.mark.parametrize(
    ("form", "output"),
    [
        (image_form((4, 4, 3), 10), (10,)),
        (Form({"input": NUMBERS}, Target("numbers", (3, 2))), (3, 2)),
        (Form({"input": NUMBERS}, Target("inputs", (7, 2))), (7, 2)),
        (Form({"input": TOKENS}, Target("inputs", (5,))), (5, 11)),
    ],
)
def test_the_target_says_what_a_model_gives(form: Form, output: tuple[int, ...]) -> None:
    """A score for each class, the target's numbers, the input again, or a score for each token of the vocabulary."""
    assert form.output == output


def test_of_several_inputs_none_is_the_only_one() -> None:
    """The names are in the message."""
    form = Form({"left": NUMBERS, "right": TOKENS}, Target("numbers", (1,)))
    with pytest.raises(ValueError, match="2 inputs, left, right: expected one"):
        _ = form.input
