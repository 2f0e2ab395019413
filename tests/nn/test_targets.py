"""Which losses and metrics take which targets, by the row that does not fit."""

from typing import Any

import numpy as np
import pytest

from wncompare.config import Training
from wncompare.data import Split
from wncompare.data.standardize import Standard
from wncompare.errors import ConfigError
from wncompare.nn.runs.targets import refuse_unfit

X = np.zeros((4, 2), np.float32)
IMAGES = np.full((4, 3, 3, 1), 51, np.uint8)
TOKENS = np.array([[0, 3, 1], [2, 2, 0]], np.int32)


def numbers(*rows: Any) -> Split:
    """A split whose targets are these numbers."""
    y = np.array(rows, np.float32)
    return Split(X[: len(y)], y)


CLASSES = Split(X, np.array([0, 2, 1, 1], np.int64))
AGAIN = Split(IMAGES, IMAGES)
WORDS = Split(TOKENS, TOKENS)
ROWS = numbers([0.25, 0.75], [1, 0], [0.5, 0.6])
MIXED = numbers([2.0], [1.0], [-0.5])


@pytest.mark.parametrize(
    ("split", "loss", "problem"),
    [
        (MIXED, "categorical_crossentropy", "takes rows that are not negative and sum to 1, and the target of "
         "row 0 is 2: choose another one, such as mean_squared_error"),
        (ROWS, "categorical_crossentropy", "the target of row 2 is 0.5, 0.6"),
        (ROWS, "kl_divergence", "the target of row 2"),
        (MIXED, "sparse_categorical_crossentropy", "takes classes by number, and the targets are no classes"),
        (MIXED, "binary_crossentropy", "takes numbers from 0 to 1, and the target of row 0 is 2"),
        (MIXED, "hinge", "takes numbers from −1 to 1, and the target of row 0 is 2"),
        (MIXED, "poisson", "takes numbers that are not negative, and the target of row 2 is -0.5"),
        (MIXED, "msle", "mean_squared_logarithmic_error takes numbers that are not negative"),
        (numbers([1.0], [0.0]), "mape", "takes numbers that are not 0, and the target of row 1 is 0"),
        (CLASSES, "mape", "divides by the target, which of a class is 0 or 1: choose another one"),
        (AGAIN, "categorical_crossentropy", "the target of row 0 is 0.2, 0.2, 0.2, …"),
        (AGAIN, "sparse_categorical_crossentropy", "the targets are no classes"),
        (WORDS, "mape", "divides by the target"),
    ],
)  # fmt: skip
def test_a_loss_that_does_not_take_the_targets_is_refused(split: Split, loss: str, problem: str) -> None:
    """The message names the loss, what it takes, the first row that is something else, and the remedy."""
    with pytest.raises(ConfigError) as refused:
        refuse_unfit(split, Training(loss=loss))
    assert str(refused.value).startswith("training.loss: ")
    assert problem in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("split", "losses"),
    [
        (MIXED, ["mse", "mae", "huber", "log_cosh", "cosine_similarity", "own"]),
        (ROWS.take(np.arange(2)), ["categorical_crossentropy", "kl_divergence", "binary_crossentropy", "dice", "mse"]),
        (numbers([0.0], [3.5]), ["poisson", "msle"]),
        (numbers([-1.0], [1.0]), ["hinge", "squared_hinge", "mape"]),
        (CLASSES, ["categorical_crossentropy", "sparse_categorical_crossentropy", "mse", "hinge", "poisson", "own"]),
        (AGAIN, ["binary_crossentropy", "mse", "own"]),
        (WORDS, ["sparse_categorical_crossentropy", "categorical_crossentropy"]),
    ],
)
def test_what_fits_is_taken(split: Split, losses: list[str]) -> None:
    """Classes are one-hot; images that are to be given again are scaled to [0, 1]."""
    for loss in losses:
        refuse_unfit(split, Training(loss=loss))


def test_targets_are_judged_as_the_loss_is_given_them() -> None:
    """Amounts that are standardized are no amounts any more: half of them lie below 0."""
    split = numbers([1.0], [2.0], [6.0])
    refuse_unfit(split, Training(loss="poisson"))
    standard = Split(split.x, split.y, Standard.of(split.inputs, split.y))
    with pytest.raises(ConfigError, match=r"the target of row 0 is -0\.9258"):
        refuse_unfit(standard, Training(loss="poisson"))


def test_a_row_far_down_is_found() -> None:
    """The targets are looked at block by block, and the row is counted from the first."""
    y = np.full((300_000, 5), 0.5, np.float32)
    y[271_828, 3] = 1.5
    with pytest.raises(ConfigError, match="the target of row 271828 is"):
        refuse_unfit(Split(np.zeros((300_000, 1), np.float32), y), Training(loss="binary_crossentropy"))


def test_metrics_are_judged_too_and_so_are_rules() -> None:
    """A metric for fractions beside a loss for numbers is left out, and numbers have no accuracy to stop at."""
    with pytest.raises(ConfigError, match=r"^training\.metrics: auc takes numbers from 0 to 1, .*: leave it out$"):
        refuse_unfit(MIXED, Training(loss="mse", metrics=["mae", "auc"]))
    with pytest.raises(ConfigError, match=r"^training\.stop_at: val_accuracy: the targets are no classes: expected"):
        refuse_unfit(MIXED, Training(loss="mse", stop_at={"value": 0.5}))
    refuse_unfit(MIXED, Training(loss="mse", stop_at={"value": 0.5, "metric": "val_loss"}))
    refuse_unfit(CLASSES, Training(stop_at={"value": 0.5}))
