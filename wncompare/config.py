"""The typed config: an experiment as one YAML file, with ``--set`` on top.

Whatever is wrong is refused here, once, with the file, line, key path and value, what is allowed and the nearest
match; past this module a config is complete and consistent. A config is data: nothing in it is executed.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Union

from pydantic import BeforeValidator, Field, ValidationError, create_model, field_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from wncompare import yaml
from wncompare.catalog import DATASETS, MODELS, OPTIMIZERS, VARIANTS, Catalog, Loss, Options, Size, Text, unknown
from wncompare.errors import ConfigError
from wncompare.yaml import Document, KeyPath

_SLUG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+=,-]{0,99}")
_MAX_SHOWN = 80


def _folder_name(value: Any) -> Any:
    if isinstance(value, str) and not _SLUG.fullmatch(value):
        raise PydanticCustomError(
            "folder_name", "expected a folder name: up to 100 letters, digits and _ . + = , - with no dot in front"
        )
    return value


def _color(value: Any) -> Any:
    from matplotlib.colors import is_color_like

    if isinstance(value, str) and not is_color_like(value):
        raise PydanticCustomError("color", "expected a colour that matplotlib knows, such as red or '#1f77b4'")
    return value


FolderName = Annotated[str, BeforeValidator(_folder_name)]
Color = Annotated[str, BeforeValidator(_color)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]


def _literal(name: str) -> Any:
    return Literal[name]


def _choice(catalog: Catalog) -> Any:
    """The union of a catalog's options, each with its `name` inline and told apart by it."""
    members = [
        create_model(entry.options.__name__, __base__=entry.options, name=(_literal(name), name))
        for name, entry in catalog.items()
    ]
    return Annotated[Union[tuple(members)], Field(discriminator="name")]  # noqa: UP007 - built, not written


class Variant(Options):
    """One way to parameterize the model; its `id` names its folder, its `label` and `color` its curves."""

    name: str
    id: FolderName = ""
    label: Text = ""
    color: Color | None = None
    options: Options = Options()

    def model_post_init(self, context: Any, /) -> None:
        """Let the name stand for an id that is left out, and the id for a label."""
        object.__setattr__(self, "id", self.id or self.name)
        object.__setattr__(self, "label", self.label or self.id)


def _variant() -> Any:
    members = [
        create_model("Variant", __base__=Variant, name=(_literal(name), name), options=(entry.options, entry.options()))
        for name, entry in VARIANTS.items()
    ]
    return Annotated[Union[tuple(members)], Field(discriminator="name")]  # noqa: UP007 - built, not written


class Named(Options):
    """Options with the name of what they configure."""

    name: str


if TYPE_CHECKING:
    DatasetChoice = Named
    ModelChoice = Named
    OptimizerChoice = Named
    VariantChoice = Variant
else:
    DatasetChoice = _choice(DATASETS)
    ModelChoice = _choice(MODELS)
    OptimizerChoice = _choice(OPTIMIZERS)
    VariantChoice = _variant()


class Training(Options):
    """How every arm is trained; Keras's names and defaults."""

    optimizer: OptimizerChoice = Field(default={"name": "adam"}, validate_default=True)
    loss: Loss = "categorical_crossentropy"
    batch_size: Size = 32
    epochs: Size = 10
    threads: Annotated[int, Field(gt=0, le=1024)] = 1


class Holdout(Options):
    """A fraction of the training split held out for validation; the test split is then evaluated once, at the end."""

    holdout: Annotated[float, Field(gt=0, lt=0.9)]


class Config(Options):
    """One experiment: a dataset, a model, training settings, variants (the first is the reference) and seeds."""

    name: FolderName
    dataset: DatasetChoice
    model: ModelChoice
    variants: Annotated[tuple[VariantChoice, ...], Field(strict=False, min_length=1, max_length=100)]
    training: Training = Training()
    init_batch: Size = 512
    validation: Literal["test"] | Holdout = "test"
    seeds: Annotated[tuple[Seed, ...], Field(strict=False, min_length=1, max_length=10_000)]

    @field_validator("seeds")
    @classmethod
    def _unique_seeds(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        _refuse_duplicates("seed", seeds)
        return seeds

    @field_validator("variants")
    @classmethod
    def _unique_variants(cls, variants: tuple[Variant, ...]) -> tuple[Variant, ...]:
        _refuse_duplicates("variant id", [variant.id.casefold() for variant in variants])
        return variants

    @property
    def holdout(self) -> float | None:
        """The fraction of the training split that is held out for validation; None where the test split validates."""
        return self.validation.holdout if isinstance(self.validation, Holdout) else None

    def variant(self, variant_id: str) -> Variant:
        """The variant with that id."""
        return next(variant for variant in self.variants if variant.id == variant_id)

    def dump(self) -> dict[str, Any]:
        """The resolved config as plain JSON data; `Config.model_validate` reads it back."""
        return self.model_dump(mode="json", exclude_none=True)


def _refuse_duplicates(kind: str, values: Iterable[Any]) -> None:
    seen: set[Any] = set()
    for value in values:
        if value in seen:
            raise PydanticCustomError("duplicate", f"the {kind} {value!r} is there twice: expected each once")
        seen.add(value)


def load(path: Path, overrides: Iterable[str] = ()) -> Config:
    """The config in the YAML file at `path`, each ``KEY=VALUE`` of `overrides` set on top.

    A relative ``model.file`` is looked up beside the config.

    Raises:
        ConfigError: naming the file, line, key path and value, what is allowed and the nearest match.
    """
    document = yaml.read_file(path)
    places: dict[KeyPath, str] = {key: f"{path}, line {line}" for key, line in document.lines.items()}
    value = document.value
    for override in overrides:
        value = _override(value, override, places)
    return _validate(_with_model_file(value, path.parent), places)


def from_data(data: Any, source: str) -> Config:
    """The config in plain data, as `Config.dump` gives it; `source` names it in errors.

    Raises:
        ConfigError: naming the source, key path and value, and what is allowed.
    """
    return _validate(_with_model_file(data, Path()), {(): source})


def _with_model_file(value: Any, folder: Path) -> Any:
    """Let ``model: {file: my.keras}`` stand for ``{name: file, file: FOLDER/my.keras}``."""
    model = value.get("model") if isinstance(value, Mapping) else None
    if not isinstance(model, Mapping) or not isinstance(model.get("file"), str):
        return value
    file = model["file"] if "\0" in model["file"] else str(folder / model["file"])
    return {**value, "model": {"name": "file", **model, "file": file}}


def _override(value: Any, override: str, places: dict[KeyPath, str]) -> Any:
    key, separator, text = override.partition("=")
    source = f"--set {override}"
    if not separator or not key:
        raise ConfigError(f"{source}: expected KEY=VALUE, such as training.epochs=3")
    document: Document = yaml.parse(text, source)
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
        raise ConfigError(f"{source}: {'.'.join(map(str, path))} is {_show(value)}, which has no key {key!r}")
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
        return Config.model_validate(value)
    except ValidationError as error:
        problems = [
            _Problem(_path(details, value), _shown(details), _expectation(details)) for details in error.errors()
        ]
    first, others = _worst(problems)
    where = next(places[first.path[:end]] for end in range(len(first.path), -1, -1) if first.path[:end] in places)
    more = f" (and {others} more)" if others else ""
    raise ConfigError(
        f"{where}: {'.'.join(map(str, first.path)) or 'the config'}: {first.shown}{first.expectation}{more}"
    )


class _Problem(NamedTuple):
    path: KeyPath
    shown: str
    expectation: str


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
    "tuple_type": "expected a list",
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
    if kind == "union_tag_not_found":
        return f"missing: expected a name, one of {', '.join(_catalog(details['loc']))}"
    if kind == "union_tag_invalid":
        return unknown(_catalog(details["loc"]).kind, context["tag"], _catalog(details["loc"]))
    if kind in _EXPECTATIONS:
        return _EXPECTATIONS[kind].format(**context)
    return details["msg"].replace("Input should be", "expected")


def _catalog(loc: KeyPath) -> Catalog:
    return {"dataset": DATASETS, "model": MODELS, "variants": VARIANTS, "training": OPTIMIZERS}[str(loc[0])]


def _without_tags(loc: tuple[int | str, ...]) -> KeyPath:
    """Where a problem stands in the file: pydantic also names the member of a union that it tried."""
    for union in (("dataset",), ("model",), ("training", "optimizer"), ("validation",)):
        if loc[: len(union)] == union:
            return union + loc[len(union) + 1 :]
    return loc[:2] + loc[3:] if loc[:1] == ("variants",) else loc


def _shown(details: ErrorDetails) -> str:
    """The value, where the message does not name it already."""
    named = ("missing", "unknown_key", "duplicate", "union_tag_not_found", "union_tag_invalid")
    return "" if details["type"] in named else f"{_show(details['input'])}: "


def _show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 1] + "…"
