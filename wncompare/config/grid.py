"""A config's grid: the points at which every variant is trained, each point a setting of some keys.

Every variant gets the same points, so that each has the same budget for tuning.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any


@dataclass(frozen=True)
class Point:
    """One setting of a grid's keys; without a grid there is one point, whose slug is empty."""

    slug: str
    """What folders and messages call it: "learning_rate=0.001"."""
    values: Mapping[str, Any]
    """The value of each of the grid's keys, such as training.optimizer.learning_rate."""


def points(grid: Mapping[str, Sequence[Any]]) -> tuple[Point, ...]:
    """Every point of a grid, the last key varying fastest."""
    return tuple(
        Point(_slug(values), values)
        for values in (dict(zip(grid, chosen, strict=True)) for chosen in product(*grid.values()))
    )


def replaced(data: Mapping[str, Any], path: Sequence[str], value: Any) -> dict[str, Any]:
    """`data` with `value` at `path`, a key a level."""
    key, *rest = path
    return {**data, key: replaced(data.get(key, {}), rest, value) if rest else value}


def _slug(values: Mapping[str, Any]) -> str:
    return ",".join(f"{name}={_text(value)}" for name, value in zip(_names(list(values)), values.values(), strict=True))


def _names(keys: list[str]) -> Iterator[str]:
    """Each key's last part, or all of it where two end alike."""
    last = [key.rsplit(".", 1)[-1] for key in keys]
    return (short if last.count(short) == 1 else key for key, short in zip(keys, last, strict=True))


def _text(value: Any) -> str:
    text = f"{value:.12g}" if isinstance(value, float) else value if isinstance(value, str) else json.dumps(value)
    return "".join(character if character.isalnum() or character in "._+-" else "_" for character in text)
