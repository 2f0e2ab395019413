"""Arguments of Python functions as the config's plain data; what cannot be one is refused here, with the remedy."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from wncompare.errors import UsageError


def plain(value: Any) -> Any:
    """NumPy's scalars and arrays, tuples, ranges and generators as numbers, lists and dicts, at any depth.

    A float32 becomes the shortest decimal that means it: 0.001, not 0.0010000000474974513, which would be another run.
    """
    if isinstance(value, np.floating):
        return float(str(value))
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray) and value.ndim == 0:
        return plain(value[()])
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return [plain(item) for item in value]
    return value


def several(name: str, value: Any, example: str) -> list[Any]:
    """An argument of which there are several, as a list.

    Raises:
        UsageError: there is one, or something else.
    """
    several_of = plain(value) if isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping) else None
    if not isinstance(several_of, list):
        raise UsageError(f"{name}: {shown(value)}: expected several, such as {example}")
    return several_of


def seeds(value: Any) -> Any:
    """A list of seeds, or a mapping that says until when there are more.

    Raises:
        UsageError: it is a single one, or something else.
    """
    return plain(value) if isinstance(value, Mapping) else several("seeds", value, "range(3) or [0, 1, 2]")


def mapping(name: str, value: Any, example: str) -> dict[str, Any]:
    """A mapping as in a config; None is an empty one.

    Raises:
        UsageError: it is something else.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise UsageError(f"{name}: {shown(value)}: expected a mapping, such as {example}")
    found: dict[str, Any] = plain(value)
    return found


def function(value: Any) -> Any:
    """A function that makes a network.

    Raises:
        UsageError: it is the network itself, or something else.
    """
    if hasattr(value, "get_weights") and not isinstance(value, type):
        raise UsageError(
            f"build_model: {shown(value)} is one network: expected a function that makes a new one for each run, such "
            "as lambda: keras.Sequential([…])"
        )
    if not callable(value):
        raise UsageError(f"build_model: {shown(value)}: expected a function that makes a new keras.Model at each call")
    return value


def folder(name: str, value: Any) -> Path:
    """A folder, which need not exist.

    Raises:
        UsageError: it is no path, or a file.
    """
    if not isinstance(value, str | Path) or not str(value):
        raise UsageError(f"{name}: {shown(value)}: expected the path of a folder")
    path = Path(value)
    if path.exists() and not path.is_dir():
        raise UsageError(f"{name}: {path} is a file: name a folder")
    return path


def file_or_folder(name: str, value: Any) -> Path:
    """A path, of a file or a folder.

    Raises:
        UsageError: it is none.
    """
    if not isinstance(value, str | Path) or not str(value):
        raise UsageError(f"{name}: {shown(value)}: expected the path of a file or folder")
    return Path(value)


def none_of(given: Mapping[str, Any], what: str) -> None:
    """Refuse arguments that are for something else.

    Raises:
        UsageError: one of them is given.
    """
    for name, value in given.items():
        if value:
            raise UsageError(f"{name}: {shown(value)}: is for {what}: leave it out")


def text(name: str, value: Any) -> str | None:
    """Text, or None.

    Raises:
        UsageError: it is something else.
    """
    if value is not None and not isinstance(value, str):
        raise UsageError(f"{name}: {shown(value)}: expected text, or None")
    return value


def whole_number(name: str, value: Any) -> int | None:
    """A whole number above 0, or None.

    Raises:
        UsageError: it is something else.
    """
    number = plain(value)
    if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 1):
        raise UsageError(f"{name}: {shown(value)}: expected a whole number above 0, or None")
    return number


def one_of(name: str, value: Any, *choices: str) -> Any:
    """One of the choices, or None.

    Raises:
        UsageError: it is something else.
    """
    if value is not None and value not in choices:
        raise UsageError(f"{name}: {shown(value)}: expected {' or '.join(map(repr, choices))}, or None")
    return value


def shown(value: Any) -> str:
    """A value as text on one line, cut where it is long."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}…"
