"""The argument `variants`: names, mappings as in a config, and functions from a model to a model."""

from collections.abc import Callable, Mapping
from typing import Any

from wncompare.api.arguments import several, shown
from wncompare.catalog.registry import resolve
from wncompare.errors import UsageError

_EXAMPLE = '["regular", "weight_norm"]'
_NAMED = '{"function": …, "id": "a_name"}'


def described(value: Any) -> list[dict[str, Any]]:
    """The variants as mappings; one of a function has it as its "function", and its id.

    Raises:
        UsageError: it is a single one or something else, a function has no name, or two have the same.
    """
    items = [_described(item) for item in several("variants", value, _EXAMPLE)]
    own = [item["id"] for item in items if "function" in item]
    for name in own:
        if own.count(name) > 1:
            raise UsageError(f"variants: {own.count(name)} functions are named {name!r}: name each by {_NAMED}")
    return items


def _described(item: Any) -> dict[str, Any]:
    if isinstance(item, str):
        return {"name": item}
    if callable(item):
        return _of_function({"function": item})
    if not isinstance(item, Mapping):
        raise UsageError(
            f"variants: {shown(item)}: expected names, mappings as in a config or functions, such as {_EXAMPLE}"
        )
    return _of_function(dict(item)) if "function" in item else dict(item)


def _of_function(item: dict[str, Any]) -> dict[str, Any]:
    function = item["function"]
    if not callable(function) or isinstance(function, type) or hasattr(function, "get_weights"):
        raise UsageError(
            f"variants: {shown(function)}: expected a function that takes the model and returns it changed"
        )
    if further := item.keys() - {"function", "id", "label", "color", "learning_rate"}:
        raise UsageError(
            f"variants: {shown(min(further))} beside a function: expected id, label, color and learning_rate alone"
        )
    name = item.get("id") or getattr(function, "__name__", "<nameless>")
    if not isinstance(name, str) or name.startswith("<"):
        raise UsageError(f"variants: {shown(function)} has no name of its own: give it one, {_NAMED}")
    return {**item, "id": name}


def recognised(
    variants: list[dict[str, Any]], build_model: Callable[[], Any]
) -> tuple[list[dict[str, Any]], dict[str, Callable[..., Any]]]:
    """The variants as a config has them, each function's known by the network that it makes; the functions by id.

    Raises:
        ModelError: a function fails, or makes no model, or another one at its second call.
    """
    functions = {item["id"]: item["function"] for item in variants if "function" in item}
    return [_recognised(item, build_model) if "function" in item else item for item in variants], functions


def _recognised(item: dict[str, Any], build_model: Callable[[], Any]) -> dict[str, Any]:
    network = resolve("wncompare.nn.identity:known_by")(build_model, item["function"], item["id"])
    rest = {key: value for key, value in item.items() if key != "function"}
    return {**rest, "name": "function", "options": {"function": item["id"], **network}}
