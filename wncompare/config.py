"""The typed config: an experiment as one YAML file, with ``--set`` on top.

Whatever is wrong is refused here, once, with the file, line, key path and value, what is allowed and the nearest
match; past this module a config is complete and consistent. A config is data: nothing in it is executed.
"""

import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Union

from pydantic import BeforeValidator, Field, ValidationError, ValidationInfo, create_model, field_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from wncompare import yaml
from wncompare.catalog import (
    DATASETS,
    MODELS,
    OPTIMIZERS,
    SCHEDULES,
    VARIANTS,
    Catalog,
    Loss,
    Metric,
    Options,
    ScheduleOptions,
    Size,
    Text,
    unknown,
)
from wncompare.errors import ConfigError
from wncompare.grid import Point, points, replaced
from wncompare.yaml import Document, KeyPath

_SLUG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+=,-]{0,99}")
_MAX_SHOWN = 80
_GRID_KEYS = ("training.", "model.", "init_batch")
_NOT_GRID_KEYS = ("training.epochs", "training.threads", "model.name", "model.file", "model.architecture")


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


class NamedSchedule(ScheduleOptions):
    """A schedule's options with its name."""

    name: str


if TYPE_CHECKING:
    DatasetChoice = Named
    ModelChoice = Named
    OptimizerChoice = Named
    ScheduleChoice = NamedSchedule
    VariantChoice = Variant
else:
    DatasetChoice = _choice(DATASETS)
    ModelChoice = _choice(MODELS)
    OptimizerChoice = _choice(OPTIMIZERS)
    ScheduleChoice = _choice(SCHEDULES)
    VariantChoice = _variant()


class EarlyStopping(Options):
    """Stop a run when `metric` has not got better by more than `min_delta` for `patience` epochs."""

    metric: Literal["val_loss", "val_accuracy"] = "val_loss"
    patience: Size
    min_delta: Annotated[float, Field(ge=0)] = 0.0


class StopAt(Options):
    """Stop a run when `metric` reaches `value`: an accuracy from below, a loss from above."""

    metric: Literal["val_loss", "val_accuracy"] = "val_accuracy"
    value: Annotated[float, Field(ge=0)]


class Training(Options):
    """How every arm is trained; Keras's names and defaults."""

    optimizer: OptimizerChoice = Field(default={"name": "adam"}, validate_default=True)
    loss: Loss = "categorical_crossentropy"
    batch_size: Size = 32
    epochs: Size = 10
    threads: Annotated[int, Field(gt=0, le=1024)] = 1
    metrics: Annotated[tuple[Metric, ...], Field(strict=False)] = ()
    schedule: ScheduleChoice | None = None
    early_stopping: EarlyStopping | None = None
    stop_at: StopAt | None = None

    @field_validator("metrics")
    @classmethod
    def _metrics_that_fit_the_loss(cls, metrics: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        _refuse_duplicates("metric", metrics)
        loss = info.data.get("loss", "")
        for metric in metrics:
            if metric.startswith("sparse_") != loss.startswith("sparse_"):
                raise PydanticCustomError(
                    "metric", f"{metric} does not go with the loss {loss}: expected both or neither to be sparse_"
                )
        return metrics

    @field_validator("schedule")
    @classmethod
    def _warm_before_the_end(cls, schedule: Any, info: ValidationInfo) -> Any:
        if getattr(schedule, "warmup_epochs", 0) >= info.data.get("epochs", math.inf):
            raise PydanticCustomError("warmup", f"expected fewer warmup_epochs than the {info.data['epochs']} epochs")
        return schedule


class Holdout(Options):
    """A fraction of the training split held out for validation; the test split is then evaluated once, at the end."""

    holdout: Annotated[float, Field(gt=0, lt=0.9)]


Scalar = bool | int | float | str
GridValue = Scalar | Annotated[tuple[Scalar, ...], Field(strict=False, min_length=1, max_length=20)]


Grid = dict[str, Annotated[tuple[GridValue, ...], Field(strict=False, min_length=1, max_length=100)]]


class Contrast(Options):
    """A named difference between two variants, both by id: `variant` minus `reference`."""

    name: FolderName
    variant: str
    reference: str


Accuracy = Annotated[float, Field(gt=0, le=1)]


class Config(Options):
    """One experiment: a dataset, a model, training settings, variants (the first is the reference) and seeds.

    `grid` maps keys to the values that every variant is trained with. What stands below `seeds` is for the statistics
    and changes no run: `contrasts` (by default every other variant minus the first), `targets` (validation accuracies
    whose time is taken) and `smallest_difference`, the difference in accuracy from which one matters to you;
    `tensorboard` writes event files beside the records.
    """

    name: FolderName
    dataset: DatasetChoice
    model: ModelChoice
    variants: Annotated[tuple[VariantChoice, ...], Field(strict=False, min_length=1, max_length=100)]
    training: Training = Training()
    init_batch: Size = 512
    validation: Literal["test"] | Holdout = Field(default="test", validate_default=True)
    grid: dict[str, Annotated[tuple[GridValue, ...], Field(strict=False, min_length=1, max_length=100)]] = Field(
        default={}
    )
    seeds: Annotated[tuple[Seed, ...], Field(strict=False, min_length=1, max_length=10_000)]
    contrasts: Annotated[tuple[Contrast, ...], Field(strict=False, max_length=100)] = ()
    targets: Annotated[tuple[Accuracy, ...], Field(strict=False, max_length=20)] = ()
    smallest_difference: Annotated[float, Field(gt=0, lt=1)] | None = None
    tensorboard: bool = False

    @field_validator("validation")
    @classmethod
    def _early_stopping_by_a_holdout(cls, validation: Any, info: ValidationInfo) -> Any:
        if validation == "test" and "training" in info.data and info.data["training"].early_stopping:
            raise PydanticCustomError(
                "early_stopping",
                "training.early_stopping would choose the last epoch on the data that it is reported on: "
                "expected a holdout, such as {holdout: 0.1}",
            )
        return validation

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

    @field_validator("grid")
    @classmethod
    def _grid_of_settings(cls, grid: dict[str, tuple[Any, ...]]) -> dict[str, tuple[Any, ...]]:
        for key, values in grid.items():
            if not key.startswith(_GRID_KEYS) or key in _NOT_GRID_KEYS:
                raise PydanticCustomError(
                    "grid_key",
                    f"the key {key!r}: expected one below training or model, or init_batch; "
                    "epochs, threads and the model itself are the same at every point",
                )
            _refuse_duplicates(f"value of {key}", [repr(value) for value in values])
        return grid

    @field_validator("contrasts")
    @classmethod
    def _contrasts_between_variants(cls, contrasts: tuple[Contrast, ...], info: ValidationInfo) -> tuple[Contrast, ...]:
        _refuse_duplicates("contrast name", [contrast.name for contrast in contrasts])
        ids = [variant.id for variant in info.data.get("variants", ())]
        for contrast in contrasts:
            for side in (contrast.variant, contrast.reference):
                if ids and side not in ids:
                    raise PydanticCustomError("unknown_id", "{problem}", {"problem": unknown("variant id", side, ids)})
            if contrast.variant == contrast.reference:
                raise PydanticCustomError("contrast", f"{contrast.name!r}: expected two different variants")
        return contrasts

    @property
    def holdout(self) -> float | None:
        """The fraction of the training split that is held out for validation; None where the test split validates."""
        return self.validation.holdout if isinstance(self.validation, Holdout) else None

    def variant(self, variant_id: str) -> Variant:
        """The variant with that id."""
        return next(variant for variant in self.variants if variant.id == variant_id)

    @property
    def points(self) -> tuple[Point, ...]:
        """The points of the grid; without one, a single point that sets nothing."""
        return points(self.grid)

    def at(self, point: Point) -> "Config":
        """The config with the point's values set, and no grid."""
        data = {key: value for key, value in self.dump().items() if key != "grid"}
        for key, value in point.values.items():
            data = replaced(data, key.split("."), value)
        return Config.model_validate(data)

    def compared(self) -> tuple[Contrast, ...]:
        """The contrasts that were asked for, or every other variant minus the first, named by its id."""
        first, *others = (variant.id for variant in self.variants)
        return self.contrasts or tuple(Contrast(name=other, variant=other, reference=first) for other in others)

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
        raise _refusal(error, value, places) from None
    for point in config.points if config.grid else ():
        try:
            config.at(point)
        except ValidationError as error:
            where = next((places[path] for path in (("grid",), ()) if path in places), "the config")
            refusal = _refusal(error, config.dump(), {(): f"{where}: grid: {point.slug}"})
            raise refusal from None
    return config


def _refusal(error: ValidationError, value: Any, places: Mapping[KeyPath, str]) -> ConfigError:
    problems = [_Problem(_path(details, value), _shown(details), _expectation(details)) for details in error.errors()]
    first, others = _worst(problems)
    where = next(places[first.path[:end]] for end in range(len(first.path), -1, -1) if first.path[:end] in places)
    more = f" (and {others} more)" if others else ""
    return ConfigError(
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
}


def _catalog(loc: KeyPath) -> Catalog:
    return next((catalog for path, catalog in _UNIONS.items() if loc[: len(path)] == path), VARIANTS)


def _without_tags(loc: tuple[int | str, ...]) -> KeyPath:
    """Where a problem stands in the file: pydantic also names the member of a union that it tried."""
    for union in (*_UNIONS, ("validation",)):
        if loc[: len(union)] == union:
            return union + loc[len(union) + 1 :]
    return loc[:2] + loc[3:] if loc[:1] == ("variants",) else loc


# Kinds of problem whose message names the value itself.
_NAMING = (
    "missing",
    "unknown_key",
    "unknown_id",
    "duplicate",
    "grid_key",
    "contrast",
    "metric",
    "early_stopping",
    "union_tag_not_found",
    "union_tag_invalid",
)


def _shown(details: ErrorDetails) -> str:
    """The value, where the message does not name it already."""
    return "" if details["type"] in _NAMING else f"{_show(details['input'])}: "


def _show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 1] + "…"
