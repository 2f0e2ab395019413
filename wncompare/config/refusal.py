"""Why a config is refused, in one line: where, the value, what is allowed and the nearest match."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from wncompare.catalog.datasets import DATASETS
from wncompare.catalog.losses import LOSSES
from wncompare.catalog.metrics import METRICS
from wncompare.catalog.models import MODELS
from wncompare.catalog.registry import Catalog, unknown
from wncompare.catalog.training import OPTIMIZERS, SCHEDULES
from wncompare.catalog.variants import VARIANTS
from wncompare.config.elsewhere import meant
from wncompare.config.yaml_data import KeyPath
from wncompare.errors import ConfigError

_MAX_SHOWN = 80


def refusal(error: ValidationError, value: Any, places: Mapping[KeyPath, str]) -> ConfigError:
    """What pydantic found wrong in a config's `value`, with the place that `places` knows of the key path."""
    problems = [_Problem(_path(details, value), _shown(details), _expectation(details)) for details in error.errors()]
    first, others = _worst(problems)
    blamed = (*first.path, "name") if (*first.path, "name") in places and first.is_name else first.path
    where = next(places[blamed[:end]] for end in range(len(blamed), -1, -1) if blamed[:end] in places)
    more = f" (and {others} more)" if others else ""
    return ConfigError(
        f"{where}: {'.'.join(map(str, first.path)) or 'the config'}: {first.shown}{first.expectation}{more}"
    )


class _Problem(NamedTuple):
    path: KeyPath
    shown: str
    expectation: str

    @property
    def is_name(self) -> bool:
        """Whether it is the name of what is at `path` that is wrong."""
        return self.expectation.startswith("unknown ")


def _worst(problems: list[_Problem]) -> tuple[_Problem, int]:
    """The first problem, and how many others there are.

    A union reports each of its members: the one that came furthest says most, equals are joined by "or".
    """
    same = [problem for problem in problems if problem.path[: len(problems[0].path)] == problems[0].path]
    deepest = max((problem.path for problem in same), key=len)
    expectations = dict.fromkeys(problem.expectation for problem in same if problem.path == deepest)
    return _Problem(deepest, same[-1].shown, " or ".join(expectations).replace(" or expected ", " or ")), len(
        {problem.path for problem in problems if problem not in same}
    )


def _path(details: ErrorDetails, value: Any) -> KeyPath:
    """The key path of a problem in the file: pydantic also names the member of a union that it tried."""
    path: list[int | str] = []
    for part in _without_tags(details["loc"]):
        if not isinstance(value, list | dict):
            break
        path.append(part)
        value = (dict(enumerate(value)) if isinstance(value, list) else value).get(part)
    if details["type"] == "unknown_key":
        path.append(details["ctx"]["key"])
    return tuple(path)


_EXPECTATIONS = {
    "bool_type": "expected true or false",
    "int_type": "expected a whole number",
    "int_from_float": "expected a whole number",
    "float_type": "expected a number",
    "string_type": "expected text",
    "string_unicode": "expected a name in UTF-8: rename the file or folder",
    "tuple_type": "expected a list",
    "dict_type": "expected a mapping",
    "model_type": "expected a mapping",
    "model_attributes_type": "expected a mapping with a name",
    "too_short": "expected at least {min_length}",
    "too_long": "expected at most {max_length}",
    "string_pattern_mismatch": "expected printable text",
}


def _expectation(details: ErrorDetails) -> str:
    kind, context = details["type"], details.get("ctx", {})
    if kind == "missing":
        return "missing: expected a value"
    if kind == "unknown_key":
        here = tuple(part for part in _without_tags(details["loc"]) if isinstance(part, str))
        return unknown("key", context["key"], context["choices"], meant(str(context["key"]), here, context["choices"]))
    if kind == "union_tag_not_found":
        return f"missing: expected a name, one of {', '.join(_catalog(details['loc']))}"
    if kind == "union_tag_invalid":
        return unknown(_catalog(details["loc"]).kind, context["tag"], _catalog(details["loc"]))
    if kind in _EXPECTATIONS:
        return _EXPECTATIONS[kind].format(**context)
    return details["msg"].replace("Input should be", "expected")


_UNIONS: dict[KeyPath, Catalog] = {
    ("dataset",): DATASETS,
    ("model",): MODELS,
    ("training", "optimizer"): OPTIMIZERS,
    ("training", "schedule"): SCHEDULES,
    ("training", "loss"): LOSSES,
}
_LISTS: dict[KeyPath, Catalog] = {("variants",): VARIANTS, ("training", "metrics"): METRICS}


def _catalog(loc: KeyPath) -> Catalog:
    return next(catalog for path, catalog in {**_UNIONS, **_LISTS}.items() if loc[: len(path)] == path)


def _without_tags(loc: tuple[int | str, ...]) -> KeyPath:
    """Where a problem stands in the file: pydantic also names the member of a union that it tried."""
    for union in (*_UNIONS, ("validation",), ("seeds",)):
        if loc[: len(union)] == union:
            return union + loc[len(union) + 1 :]
    for path in _LISTS:
        if loc[: len(path)] == path:
            return loc[: len(path) + 1] + loc[len(path) + 2 :]
    return loc


# Kinds of problem whose message names the value itself.
_NAMING = (
    "missing",
    "unknown_key",
    "unknown_id",
    "duplicate",
    "grid_key",
    "contrast",
    "factors",
    "metric",
    "early_stopping",
    "until",
    "headline",
    "union_tag_not_found",
    "union_tag_invalid",
)


def _shown(details: ErrorDetails) -> str:
    """The value, where the message does not name it already."""
    return "" if details["type"] in _NAMING else f"{show(details['input'])}: "


def show(value: Any) -> str:
    """A value as text, cut where it is long."""
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 1] + "…"
