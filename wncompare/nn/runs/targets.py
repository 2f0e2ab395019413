"""Whether the loss and the metrics of a config take the targets that the data have."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wncompare.catalog.losses import Takes
from wncompare.config import Config, Training
from wncompare.config.choices import NamedMeasure
from wncompare.data import Dataset, Split
from wncompare.errors import ConfigError
from wncompare.nn.training.batches import standardized

_BLOCK = 1 << 20
"""Numbers that are looked at at a time."""

_CONDITIONS: dict[Takes, tuple[Callable[[NDArray[Any]], Any], str]] = {
    "distributions": (
        lambda y: (y >= 0) & np.isclose(y.sum(axis=-1, keepdims=True), 1, atol=1e-3),
        "rows that are not negative and sum to 1",
    ),
    "fractions": (lambda y: (y >= 0) & (y <= 1), "numbers from 0 to 1"),
    "signs": (lambda y: abs(y) <= 1, "numbers from −1 to 1"),
    "amounts": (lambda y: y >= 0, "numbers that are not negative"),
    "nonzero": (lambda y: y != 0, "numbers that are not 0"),
}


def refuse_unfit(split: Split, training: Training, *, of: str = "") -> None:
    """Refuse a loss, a metric or a rule that the targets do not fit: it would be finite and mean nothing.

    `split` is a whole one, whose rows are the user's; `of`, " of the test split" say, tells in messages which.

    Raises:
        ConfigError: the message names it, the first row that does not fit, and the remedy.
    """
    categorical = split.has_classes or (split.reconstructs and split.x.dtype == np.int32)
    such = "categorical_crossentropy" if categorical else "mean_squared_error"
    measures = [(training.loss, "loss", f"choose another one, such as {such}")]
    measures += [(metric, "metrics", "leave it out") for metric in training.metrics]
    for measure, key, remedy in measures:
        if why := _why_no_classes(measure) if categorical else _why_no_numbers(measure, split, of):
            raise ConfigError(f"training.{key}: {measure.name} {why}: {remedy}")
    for key, rule in (("early_stopping", training.early_stopping), ("stop_at", training.stop_at)):
        if rule is not None and rule.metric == "val_accuracy" and not split.has_classes:
            raise ConfigError(f"training.{key}: val_accuracy: the targets are no classes: expected metric: val_loss")


def refuse_headline(dataset: Dataset, config: Config) -> None:
    """Refuse a headline that no run would have.

    Raises:
        ConfigError: it is the accuracy, and the targets are no classes.
    """
    if config.headline is not None and config.headline.metric == "accuracy" and not dataset.train.has_classes:
        raise ConfigError(
            "headline: accuracy: the targets are no classes: expected metric: loss, or one of training.metrics"
        )


def _why_no_classes(measure: NamedMeasure) -> str:
    return "divides by the target, which of a class is 0 or 1" if measure.takes == "nonzero" else ""


def _why_no_numbers(measure: NamedMeasure, split: Split, of: str) -> str:
    """Why a loss or a metric does not take these numbers; empty where it does."""
    if measure.takes == "classes":
        return "takes classes by number, and the targets are no classes"
    if measure.takes == "numbers":
        return ""
    fits, expected = _CONDITIONS[measure.takes]
    for first, block in _blocks(split):
        whole = np.broadcast_to(fits(block), block.shape).reshape(len(block), -1).all(axis=1)
        if not whole.all():
            row = int(whole.argmin())
            return f"takes {expected}, and the target of row {first + row}{of} is {_shown(block[row])}"
    return ""


def _blocks(split: Split) -> Iterator[tuple[int, NDArray[Any]]]:
    """The targets as the loss is given them, some rows at a time, each with the number of its first row."""
    moments = None if split.standard is None else split.standard.target
    rows = max(1, _BLOCK // max(1, split.y[0].size))
    for first in range(0, len(split), rows):
        block = split.y[first : first + rows]
        yield first, block / np.float32(255) if block.dtype == np.uint8 else standardized(block, moments)


def _shown(target: NDArray[Any]) -> str:
    numbers = [f"{number:.4g}" for number in target.ravel()[:3]]
    return ", ".join(numbers) + (", …" if target.size > 3 else "")
