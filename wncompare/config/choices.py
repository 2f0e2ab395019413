"""What a config names in the catalog, each with its options: types built from the catalog's entries."""

import re
from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

from pydantic import BeforeValidator, Field, create_model, model_serializer
from pydantic_core import PydanticCustomError

from wncompare.catalog.datasets import DATASETS
from wncompare.catalog.losses import ALIASES, LOSSES, MeasureOptions
from wncompare.catalog.metrics import METRICS
from wncompare.catalog.models import MODELS
from wncompare.catalog.registry import LONGEST_TEXT, Catalog, Options, Text
from wncompare.catalog.training import OPTIMIZERS, SCHEDULES, OptimizerOptions, Positive, ScheduleOptions
from wncompare.catalog.variants import VARIANTS

_SLUG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+=,-]{0,99}")


def _folder_name(value: Any) -> Any:
    if isinstance(value, str) and not _SLUG.fullmatch(value):
        raise PydanticCustomError(
            "folder_name", "expected a folder name: up to 100 letters, digits and _ . + = , - with no dot in front"
        )
    return value


_PLAIN_COLORS = re.compile(
    "#[0-9a-fA-F]{6}|aqua|black|blue|brown|cyan|fuchsia|gray|green|lime|magenta|maroon|navy|olive|orange|pink|purple"
    "|red|silver|teal|white|yellow"
)
"""Those that most configs name, for which matplotlib need not be imported."""


def _color(value: Any) -> Any:
    if isinstance(value, str) and not (_PLAIN_COLORS.fullmatch(value) or _is_color(value)):
        raise PydanticCustomError("color", "expected a colour that matplotlib knows, such as red or '#1f77b4'")
    return value


def _is_color(value: str) -> bool:
    from matplotlib.colors import is_color_like

    return is_color_like(value)


FolderName = Annotated[str, BeforeValidator(_folder_name)]
Color = Annotated[str, BeforeValidator(_color)]


def _literal(name: str) -> Any:
    return Literal[name]


def _choice(catalog: Catalog, kind: type[Options]) -> Any:
    """The union of a catalog's options, each a `kind` with its `name` inline, by which they are told apart."""
    members = [_member(name, entry.options, kind) for name, entry in catalog.items()]
    return Annotated[Union[tuple(members)], Field(discriminator="name")]  # noqa: UP007 - built, not written


def _member(name: str, options: type[Options], kind: type[Options]) -> Any:
    """The options of an entry that are a `kind` too; where both have a field, its default is the options' own."""
    bases: Any = kind if issubclass(kind, options) else (kind, options)
    both: Any = {
        key: (field.annotation, field) for key, field in options.model_fields.items() if key in kind.model_fields
    }
    return _pickled(create_model(options.__name__, __base__=bases, **both, name=(_literal(name), name)))


_BUILT = SimpleNamespace()


def _pickled(built: type[Options]) -> type[Options]:
    """The type with a place of its own in this module, by which `pickle` finds it: several have one name."""
    place = f"{built.__name__}_{len(vars(_BUILT))}"
    setattr(_BUILT, place, built)
    built.__module__, built.__qualname__ = __name__, f"_BUILT.{place}"
    return built


class Named(Options):
    """What a config names in a catalog; its options are those of the entry: `isinstance` tells which."""

    name: str


class NamedOptimizer(OptimizerOptions):
    """An optimizer's options with its name."""

    name: str


class NamedSchedule(ScheduleOptions):
    """A schedule's options with its name."""

    name: str


class Variant(Options):
    """One way to parameterize the model; its `id` names its folder, its `label` and `color` its curves.

    Its own `learning_rate`, such as tuning has found for it, takes the place of the optimizer's.
    """

    name: str
    id: FolderName = ""
    label: Text = ""
    color: Color | None = None
    learning_rate: Positive | None = None
    options: Options = Options()

    def model_post_init(self, context: Any, /) -> None:
        """Let the name stand for an id that is left out, and the id for a label."""
        object.__setattr__(self, "id", self.id or self.name)
        object.__setattr__(self, "label", self.label or self.id)


class NamedMeasure(MeasureOptions):
    """A loss or a metric: its name alone, or a mapping of its name and options."""

    name: str

    @property
    def options(self) -> dict[str, Any]:
        """The options that are set; the others keep Keras's default."""
        found = {key: getattr(self, key) for key in type(self).model_fields if key != "name"}
        return {key: value for key, value in found.items() if value is not None}

    @property
    def takes_probabilities(self) -> bool:
        """Whether it takes a model's outputs for probabilities, and not for logits."""
        return self.name.endswith(_OF_PROBABILITIES) and not getattr(self, "from_logits", None)

    @model_serializer
    def _by_name_alone(self) -> str | dict[str, Any]:
        return {"name": self.name, **self.options} if self.options else self.name


_OF_PROBABILITIES = ("crossentropy", "kl_divergence", "auc", "precision", "recall", "f1_score")


def _in_full(name: Any) -> Any:
    """The name of a loss or a metric that this is short for: "val_mean_squared_error" for "val_mse"."""
    if not isinstance(name, str):
        return name
    prefix = "val_" * name.startswith("val_")
    bare = name.removeprefix(prefix)
    return prefix + ALIASES.get(bare, bare)


def _spelled_out(value: Any) -> Any:
    """A name as the mapping that it is short for."""
    value = {"name": value} if isinstance(value, str) else value
    return {**value, "name": _in_full(value["name"])} if isinstance(value, Mapping) and "name" in value else value


MetricName = Annotated[Text, BeforeValidator(_in_full)]


def _variant() -> Any:
    members = [
        _pickled(
            create_model(
                "Variant", __base__=Variant, name=(_literal(name), name), options=(entry.options, entry.options())
            )
        )
        for name, entry in VARIANTS.items()
    ]
    return Annotated[Union[tuple(members)], Field(discriminator="name")]  # noqa: UP007 - built, not written


if TYPE_CHECKING:  # each is one of a union that is built below: what they have in common
    DatasetChoice = Named
    ModelChoice = Named
    OptimizerChoice = NamedOptimizer
    ScheduleChoice = NamedSchedule
    LossChoice = NamedMeasure
    MetricChoice = NamedMeasure
    VariantChoice = Variant
else:
    DatasetChoice = _choice(DATASETS, Named)
    ModelChoice = _choice(MODELS, Named)
    OptimizerChoice = _choice(OPTIMIZERS, Named)  # whose fields are none of the options, or it would set their defaults
    ScheduleChoice = _choice(SCHEDULES, Named)
    LossChoice = Annotated[_choice(LOSSES, NamedMeasure), BeforeValidator(_spelled_out)]
    MetricChoice = Annotated[_choice(METRICS, NamedMeasure), BeforeValidator(_spelled_out)]
    VariantChoice = _variant()


def refuse_duplicates(kind: str, values: Iterable[Any]) -> None:
    """Refuse a value that is there twice."""
    seen: set[Any] = set()
    for value in values:
        if value in seen:
            raise PydanticCustomError("duplicate", f"the {kind} {value!r} is there twice: expected each once")
        seen.add(value)


def told_apart(variants: tuple[Variant, ...]) -> tuple[Variant, ...]:
    """The variants, each label that several share followed by its id: tables and legends show labels alone."""
    labels = [variant.label for variant in variants]
    return tuple(
        variant.model_copy(update={"label": _with_id(variant)}) if labels.count(variant.label) > 1 else variant
        for variant in variants
    )


def _with_id(variant: Variant) -> str:
    suffix = f" ({variant.id})"
    kept = variant.label[: LONGEST_TEXT - len(suffix)]
    return kept + suffix if len(suffix) < LONGEST_TEXT else variant.id
