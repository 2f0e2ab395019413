"""Where runs were made: what they share, and in what they differ."""

from collections.abc import Iterable, Sequence
from typing import Any

from wncompare.records import Run

_NAMES = {"git": "git commit"}


def environment(runs: Sequence[Run]) -> dict[str, Any]:
    """Versions, machine and device of the runs: a value that all share, or the list of those there are."""
    found = _values(runs)
    return {key: values[0] if len(values) == 1 else values for key, values in found.items()}


def differing(runs: Sequence[Run]) -> dict[str, list[str]]:
    """What is not the same for all runs, with the values there are, as text."""
    found = _values(runs)
    return {
        _NAMES.get(key, key): [_text(value) for value in values] for key, values in found.items() if len(values) > 1
    }


def _values(runs: Sequence[Run]) -> dict[str, list[Any]]:
    """Each key's distinct values, in the order of the runs; None where a run does not say.

    A run that was trained in several environments has a list of values, which count each.
    """
    made = [{**run.record.environment, "device": run.record.device} for run in runs if run.record.environment]
    keys = dict.fromkeys(key for environment in made for key in environment)
    return {key: _distinct(value for environment in made for value in _each(environment.get(key))) for key in keys}


def _each(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _distinct(values: Iterable[Any]) -> list[Any]:
    kept: list[Any] = []
    for value in values:
        if value not in kept:
            kept.append(value)
    return kept


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return f"{value.get('commit', '')!s:.10}{' with changes' if value.get('dirty') else ''}"
    return "none" if value is None else str(value)
