"""YAML as data: the YAML 1.2 core types, no tags, no aliases, no duplicate keys, and a line number for every key.

PyYAML's own safe loader reads ``1e-3`` as text, ``no`` as False and ``1:30`` as 90, expands aliases without a bound
and lets a second key silently replace the first. A config means what it says, so those are read or refused here.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from wncompare.errors import ConfigError

KeyPath = tuple[str | int, ...]

MAX_BYTES = 1 << 20
MAX_DEPTH = 20

_SCALARS = (
    (re.compile(r"^(~|null|Null|NULL|)$"), lambda text: None),
    (re.compile(r"^(true|True|TRUE)$"), lambda text: True),
    (re.compile(r"^(false|False|FALSE)$"), lambda text: False),
    (re.compile(r"^[-+]?[0-9]{1,100}$"), int),
    (re.compile(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$"), float),
    (re.compile(r"^[-+]?(\.inf|\.Inf|\.INF)$"), lambda text: float(text.replace(".", ""))),
    (re.compile(r"^(\.nan|\.NaN|\.NAN)$"), lambda text: float("nan")),
)


@dataclass(frozen=True)
class Document:
    """A YAML document's value, and where each of its keys stands."""

    value: Any
    lines: dict[KeyPath, int]


def read_file(path: Path) -> Document:
    """The document in the file at `path`.

    Raises:
        ConfigError: the file is absent, too large, not UTF-8, empty, or not YAML as this module reads it.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}): name a YAML file") from None
    if len(content) > MAX_BYTES:
        raise ConfigError(f"{path}: larger than {MAX_BYTES:,} bytes: a config is a small YAML file")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 (byte {error.start}): save the file as UTF-8") from None
    document = parse(text, str(path))
    if document.value is None:
        raise ConfigError(f"{path}: empty: expected a mapping with name, dataset, model, variants and seeds")
    return document


def parse(text: str, source: str) -> Document:
    """The document in `text`; `source` names it in errors."""
    try:
        _refuse_unsafe(text, source)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        raise _error(source, error.problem_mark or error.context_mark, error.problem or "not YAML") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ConfigError(f"{source}: not YAML: {' '.join(str(error).split())}") from None
    lines: dict[KeyPath, int] = {}
    value = None if node is None else _construct(node, (), lines, source)
    return Document(value, lines)


def _refuse_unsafe(text: str, source: str) -> None:
    """Refuse tags, aliases and bottomless nesting while they are events, before anything is built from them."""
    depth = 0
    event: Any
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise _error(source, event.start_mark, f"alias *{event.anchor}: aliases are not read, write the value out")
        if getattr(event, "tag", None) not in (None, "!"):
            raise _error(source, event.start_mark, f"tag {event.tag}: tags are not read, write a plain value")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise _error(source, event.start_mark, f"nested deeper than {MAX_DEPTH} levels: a config is flatter")


def _construct(node: Any, path: KeyPath, lines: dict[KeyPath, int], source: str) -> Any:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        return [_construct(child, (*path, index), lines, source) for index, child in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        return _construct_mapping(node, path, lines, source)
    return _scalar(node)


def _construct_mapping(node: yaml.MappingNode, path: KeyPath, lines: dict[KeyPath, int], source: str) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            raise _error(source, key_node.start_mark, "a key that is not text: write key: value")
        key = key_node.value
        if key in mapping:
            raise _error(source, key_node.start_mark, f"the key {key!r} is there twice: keep one of them")
        lines[*path, key] = key_node.start_mark.line + 1
        mapping[key] = _construct(value_node, (*path, key), lines, source)
    return mapping


def _scalar(node: yaml.ScalarNode) -> Any:
    text: str = node.value
    if node.style is not None:  # quoted, or a block: always text
        return text
    return next((convert(text) for pattern, convert in _SCALARS if pattern.match(text)), text)


def _error(source: str, mark: Any, problem: str) -> ConfigError:
    where = source if mark is None else f"{source}, line {mark.line + 1}"
    return ConfigError(f"{where}: {problem}")
