"""A config read from a file or from data, with ``--set KEY=VALUE`` on top."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from wncompare.catalog.registry import unknown
from wncompare.config.experiment import Config
from wncompare.config.refusal import refusal, show
from wncompare.config.yaml_data import KeyPath, parse, read_file
from wncompare.errors import ConfigError


def load(path: Path, overrides: Iterable[str] = ()) -> Config:
    """The config in the YAML file at `path`, each ``KEY=VALUE`` of `overrides` set on top.

    A relative ``model.file`` is looked up beside the config.

    Raises:
        ConfigError: naming the file, line, key path and value, what is allowed and the nearest match.
    """
    document = read_file(path)
    places: dict[KeyPath, str] = {key: f"{path}, line {line}" for key, line in document.lines.items()}
    value, overrides = document.value, tuple(overrides)
    for override in overrides:
        value = _override(value, override, places)
    if overrides and _is_valid(_with_model_file(document.value, path.parent)):  # then what is wrong is theirs
        places = {key: place for key, place in places.items() if _is_override(place)}
        places.setdefault((), " ".join(map(_source, overrides)))
    return _validate(_with_model_file(value, path.parent), places)


def from_data(data: Any, source: str) -> Config:
    """The config in data, as `Config.dump` gives it; `source` names it in errors.

    NumPy's scalars and arrays, which Python code computes settings with, count as the numbers and lists that they are.

    Raises:
        ConfigError: naming the source, key path and value, and what is allowed.
    """
    return _validate(_with_model_file(_plain(data), Path()), {(): source})


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | range):
        return [_plain(item) for item in value]
    return value.tolist() if hasattr(value, "tolist") else value  # NumPy itself need not be imported for it


def _with_model_file(value: Any, folder: Path) -> Any:
    """Let ``model: {file: my.keras}`` stand for ``{name: file, file: FOLDER/my.keras}``."""
    model = value.get("model") if isinstance(value, Mapping) else None
    if not isinstance(model, Mapping) or not isinstance(model.get("file"), str):
        return value
    file = model["file"] if "\0" in model["file"] else str(folder / model["file"])
    return {**value, "model": {"name": "file", **model, "file": file}}


def _source(override: str) -> str:
    return f"--set {override}"


def _is_override(place: str) -> bool:
    return place.startswith("--set ")


def _is_valid(value: Any) -> bool:
    try:
        _validate(value, {(): ""})
    except ConfigError:
        return False
    return True


def _override(value: Any, override: str, places: dict[KeyPath, str]) -> Any:
    key, separator, text = override.partition("=")
    source = _source(override)
    if not separator or not key:
        raise ConfigError(f"{source}: expected KEY=VALUE, such as training.epochs=3")
    document = parse(text, source)
    return _set(value, key.split("."), (), document.value, source, places)


def _set(value: Any, keys: list[str], path: KeyPath, new: Any, source: str, places: dict[KeyPath, str]) -> Any:
    """`value` with `new` at `keys`; `places` learns where it came from."""
    if not keys:
        places[path] = source
        return new
    key, *rest = keys
    if isinstance(value, list):
        index = _index(value, key, source)
        changed = _set(value[index], rest, (*path, index), new, source, places)
        return [*value[:index], changed, *value[index + 1 :]]
    mapping = {} if value is None else value
    if not isinstance(mapping, dict):
        raise ConfigError(f"{source}: {'.'.join(map(str, path))} is {show(value)}, which has no key {key!r}")
    if key not in mapping:
        places[(*path, key)] = source
    return {**mapping, key: _set(mapping.get(key), rest, (*path, key), new, source, places)}


def _index(items: list[Any], key: str, source: str) -> int:
    """The place of `key` in a list: an index, or the id (or else the name) of a mapping in it."""
    if key.isdecimal() and int(key) < len(items):
        return int(key)
    ids = [str(item.get("id", item.get("name"))) for item in items if isinstance(item, dict)]
    if key in ids and len(ids) == len(items):
        return ids.index(key)
    choices = [str(index) for index in range(min(len(items), 10))] + ids
    raise ConfigError(f"{source}: {unknown('list entry', key, choices)}")


def _validate(value: Any, places: Mapping[KeyPath, str]) -> Config:
    try:
        config = Config.model_validate(value)
    except ValidationError as error:
        raise refusal(error, value, places) from None
    for point in config.points if config.grid else ():
        try:
            config.at(point)
        except ValidationError as error:
            where = next((places[path] for path in (("grid",), ()) if path in places), "the config")
            raise refusal(error, config.dump(), {(): f"{where}: grid: {point.slug}"}) from None
    return config
