"""What one example of a dataset looks like: its inputs by name, and its target; what a model is built to fit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

InputKind = Literal["image", "number", "token"]
TargetKind = Literal["classes", "numbers", "inputs"]
Shape = tuple[int | None, ...]

ONLY = "input"
"""How the input is called where there is one."""


@dataclass(frozen=True)
class Input:
    """One input of an example, of that shape without the batch axis.

    An "image" is uint8 and reaches the model as float32 in [0, 1] (an image as a sequence has the shape (steps,
    features)); a "number" is float32; a "token" is int32 and below `vocabulary`, which other kinds do not have.
    """

    kind: InputKind
    shape: Shape
    vocabulary: int | None = None


@dataclass(frozen=True)
class Target:
    """What a model is trained to give: one of `classes`, "numbers" of that shape, or the "inputs" themselves.

    The shape of one class is (); that of "inputs" is the only input's.
    """

    kind: TargetKind
    shape: Shape
    classes: int | None = None


@dataclass(frozen=True)
class Form:
    """The inputs of an example by name, in order, and its target."""

    inputs: Mapping[str, Input]
    target: Target

    @property
    def input(self) -> Input:
        """The only input.

        Raises:
            ValueError: there are several.
        """
        if len(self.inputs) != 1:
            raise ValueError(f"the data have {len(self.inputs)} inputs, {', '.join(self.inputs)}: expected one")
        return next(iter(self.inputs.values()))

    @property
    def output(self) -> Shape:
        """The shape of what a model gives for an example.

        A probability or score for each class, numbers as the target has them, or the input again: for tokens a score
        for each of the vocabulary.
        """
        if self.target.kind == "classes":
            return (self.target.classes,)
        if self.target.kind == "inputs" and self.input.kind == "token":
            return (*self.target.shape, self.input.vocabulary)
        return self.target.shape


def image_form(shape: Shape, classes: int) -> Form:
    """The form of images with classes."""
    return Form({ONLY: Input("image", shape)}, Target("classes", (), classes))
