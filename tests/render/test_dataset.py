"""What `check` says of data of every kind."""

import numpy as np
import pytest

from wncompare.data import Dataset, Split
from wncompare.render.dataset import as_data, as_text

IMAGES = np.zeros((4, 6, 5, 1), np.uint8)
TOKENS = np.zeros((4, 7), np.int32)
SERIES = np.zeros((4, 7, 2), np.float32)
CLASSES = np.array([0, 1, 2, 0])


@pytest.mark.parametrize(
    ("split", "text"),
    [
        (Split(IMAGES, CLASSES), "d: 4 training and 4 test images, 6 × 5 × 1, 3 classes"),
        (Split(IMAGES, IMAGES), "d: 4 training and 4 test images, 6 × 5 × 1, targets: the inputs"),
        (Split(TOKENS, CLASSES), "d: 4 training and 4 test examples, 7 tokens of 9, 3 classes"),
        (Split(SERIES, SERIES[:, 0]), "d: 4 training and 4 test examples, 7 × 2 numbers, targets: 2 numbers"),
        (Split(SERIES, SERIES[:, 0, 0]), "d: 4 training and 4 test examples, 7 × 2 numbers, targets: 1 number"),
        (
            Split({"left": SERIES, "right": TOKENS}, CLASSES),
            "d: 4 training and 4 test examples, left: 7 × 2 numbers, right: 7 tokens, 3 classes",
        ),
    ],
)
def test_a_line_says_what_the_examples_are(split: Split, text: str) -> None:
    """Images as before; of anything else its shape and kind, of several inputs each by name."""
    names = ("a", "b", "c") if split.has_classes else ()
    vocabulary = {"input": 9} if split.x is TOKENS else {}
    dataset = Dataset("d", "d", split, split, names, vocabulary=vocabulary)
    assert as_text(dataset) == text
    found = as_data(dataset)
    assert found["train"] == found["test"] == 4
    assert found["classes"] == len(names)
    assert (found["shape"] is None) == (len(split.inputs) > 1)
    assert list(found["inputs"]) == list(split.inputs)
