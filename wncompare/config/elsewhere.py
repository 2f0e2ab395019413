"""Where a key that stands in the wrong place belongs: ``epochs`` is ``training.epochs``."""

from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from typing import Any, get_args

from wncompare.catalog.registry import Options
from wncompare.config.experiment import Config

_ALIASES = {"lr": "learning_rate", "rate": "learning_rate", "wd": "weight_decay", "batch": "batch_size"}
_SURE = 0.8
"""So alike, as seed and seeds, two keys are one that is misspelt; below that, one that stands elsewhere is likelier."""


def meant(key: str, here: tuple[str, ...], choices: list[str]) -> str | None:
    """The key that is meant by the unknown `key` below the keys `here`, where there are `choices`; None without any.

    One that is almost the same here comes first, then the same one elsewhere, then what looks most like it.
    """
    elsewhere = [path for path in _paths() if _parent(path) != ".".join(here)]
    return (
        _nearest(key, choices, cutoff=_SURE)
        or _path_to(_ALIASES.get(key, key), elsewhere)
        or _nearest(key, choices)
        or _path_to(_nearest(key, [_last(path) for path in elsewhere]), elsewhere)
    )


def _nearest(key: str, choices: list[str], cutoff: float = 0.6) -> str | None:
    return next(iter(get_close_matches(key, choices, n=1, cutoff=cutoff)), None)


def _path_to(key: str | None, paths: list[str]) -> str | None:
    """The shortest of the paths that end in `key`; rather one for all variants than one of a variant's own."""
    found = (path for path in paths if _last(path) == key)
    return min(found, key=lambda path: (path.count("."), "<id>" in path), default=None)


def _last(path: str) -> str:
    return path.rpartition(".")[2]


def _parent(path: str) -> str:
    return path.replace(".<id>", "").rpartition(".")[0]


@cache
def _paths() -> tuple[str, ...]:
    """Every key that a config can have, by its path; a variant's below its id."""
    return tuple(dict.fromkeys(_below(Config, "")))


def _below(kind: Any, path: str) -> Iterator[str]:
    if isinstance(kind, type) and issubclass(kind, Options):
        for name, field in kind.model_fields.items():
            yield f"{path}{name}"
            yield from _below(field.annotation, f"{path}{name}." + ("<id>." if name == "variants" else ""))
    for inner in get_args(kind):
        yield from _below(inner, path)
