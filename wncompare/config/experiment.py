"""One experiment."""

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from wncompare.catalog.metrics import better
from wncompare.catalog.registry import Options, Size, unknown
from wncompare.config.choices import (
    DatasetChoice,
    FolderName,
    MetricName,
    ModelChoice,
    Variant,
    VariantChoice,
    refuse_duplicates,
    told_apart,
)
from wncompare.config.contrasts import Contrast, check_contrasts, effects
from wncompare.config.grid import Point, points, replaced
from wncompare.config.seeds import Seeds, Until
from wncompare.config.training import Training

LEARNING_RATE = "training.optimizer.learning_rate"

_GRID_KEYS = ("training.", "model.", "init_batch")
_NOT_GRID_KEYS = ("training.epochs", "training.threads", "model.name", "model.file", "model.architecture")

Scalar = bool | int | float | str
GridValue = Scalar | Annotated[tuple[Scalar, ...], Field(strict=False, min_length=1, max_length=20)]
Grid = dict[str, Annotated[tuple[GridValue, ...], Field(strict=False, min_length=1, max_length=100)]]


_UNFROZEN = (
    "until with a grid of {settings} settings, of which one would be chosen on the seeds that are looked at: train the "
    "grid with a list of seeds first, then give each key the one value that was chosen, and start after those seeds"
)


class Holdout(Options):
    """A fraction of the training split held out for validation; the test split is then evaluated once, at the end."""

    holdout: Annotated[float, Field(gt=0, lt=0.9)]


class Budget(Options):
    """The most training seconds, or steps, after which contrasts are compared at equal cost; each may be left out."""

    seconds: Annotated[float, Field(gt=0)] | None = None
    steps: Size | None = None


class Headline(Options):
    """The metric that verdicts are about, by its bare name, and which way it is better: by default that of its kind.

    It is read on the validation data, or on the test split where data are held out.
    """

    metric: MetricName
    better: Literal["higher", "lower"] | None = None


class Config(Options):
    """One experiment: a dataset, a model, training settings, variants (the first is the reference) and seeds.

    `grid` maps keys to the values that every variant is trained with. What stands below `seeds` is for the statistics
    and changes no run: `contrasts` (by default every other variant minus the first), `factors` (of a 2 × 2 of four
    variants: for each factor those that have it; main effects and interaction are contrasts), `headline` (by default
    the accuracy, of targets that are no classes the loss), `targets` (values of it on validation data whose time is
    taken), `smallest_difference`, the difference in it from which one matters to you, and `budget`, at which variants
    are compared at equal cost; `tensorboard` writes event files beside the records.
    """

    name: FolderName
    dataset: DatasetChoice
    model: ModelChoice
    variants: Annotated[tuple[VariantChoice, ...], Field(strict=False, min_length=1, max_length=100)]
    training: Training = Training()
    init_batch: Size = 512
    validation: Literal["test"] | Holdout = Field(default="test", validate_default=True)
    grid: Grid = Field(default={})
    seeds: Seeds
    contrasts: Annotated[tuple[Contrast, ...], Field(strict=False, max_length=100)] = ()
    factors: dict[FolderName, Annotated[tuple[str, ...], Field(strict=False)]] | None = None
    headline: Headline | None = None
    targets: Annotated[tuple[float, ...], Field(strict=False, max_length=20)] = ()
    smallest_difference: Annotated[float, Field(gt=0)] | None = None
    budget: Budget | None = None
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
    def _seeds_that_can_settle(cls, seeds: tuple[int, ...] | Until, info: ValidationInfo) -> tuple[int, ...] | Until:
        if not isinstance(seeds, Until):
            refuse_duplicates("seed", seeds)
            return seeds
        settings = len(points(info.data.get("grid", {})))
        if settings > 1:
            raise PydanticCustomError("until", _UNFROZEN, {"settings": settings})
        if len(info.data.get("variants", ())) == 1:
            raise PydanticCustomError(
                "until", "there is one variant, and nothing to settle: expected two variants, or a list of seeds"
            )
        return seeds

    @field_validator("variants")
    @classmethod
    def _unique_variants(cls, variants: tuple[Variant, ...]) -> tuple[Variant, ...]:
        refuse_duplicates("variant id", [variant.id.casefold() for variant in variants])
        return told_apart(variants)

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
            refuse_duplicates(f"value of {key}", [repr(value) for value in values])
        return grid

    @field_validator("grid")
    @classmethod
    def _one_learning_rate(cls, grid: dict[str, tuple[Any, ...]], info: ValidationInfo) -> dict[str, tuple[Any, ...]]:
        own = [variant.id for variant in info.data.get("variants", ()) if variant.learning_rate is not None]
        if own and LEARNING_RATE in grid:
            raise PydanticCustomError(
                "grid_key",
                f"{LEARNING_RATE}, and variant {own[0]} has a learning_rate of its own: expected one or the other",
            )
        return grid

    @field_validator("contrasts")
    @classmethod
    def _contrasts_between_variants(cls, contrasts: tuple[Contrast, ...], info: ValidationInfo) -> tuple[Contrast, ...]:
        check_contrasts(contrasts, [variant.id for variant in info.data.get("variants", ())])
        return contrasts

    @field_validator("factors")
    @classmethod
    def _factors_of_a_2_by_2(
        cls, factors: dict[str, tuple[str, ...]] | None, info: ValidationInfo
    ) -> dict[str, tuple[str, ...]] | None:
        if factors is not None and {"variants", "contrasts"} <= info.data.keys():
            found = effects(factors, [variant.id for variant in info.data["variants"]])
            refuse_duplicates("contrast name", [one.name for one in (*info.data["contrasts"], *found)])
        return factors

    @field_validator("headline")
    @classmethod
    def _headline_that_is_measured(cls, headline: Headline | None, info: ValidationInfo) -> Headline | None:
        if headline is None or "training" not in info.data:
            return headline
        measured = ["loss", "accuracy", *(metric.name for metric in info.data["training"].metrics)]
        if headline.metric not in measured:
            problem = unknown("metric", headline.metric, measured)
            raise PydanticCustomError("unknown_id", "{problem}", {"problem": problem})
        if headline.better not in (None, better(headline.metric)):
            raise PydanticCustomError(
                "headline",
                f"{headline.metric} is better {better(headline.metric)}: leave better: {headline.better} out",
            )
        return headline

    @field_validator("targets", "smallest_difference")
    @classmethod
    def _of_an_accuracy(cls, value: Any, info: ValidationInfo) -> Any:
        """Bound what is a part of one; a headline that is no accuracy has its own units."""
        if getattr(info.data.get("headline"), "metric", "accuracy") == "accuracy":
            for part in value if isinstance(value, tuple) else filter(None, [value]):
                if not 0 < part <= 1:
                    raise PydanticCustomError(
                        "accuracy",
                        "expected accuracies, above 0 and up to 1; of another metric, name the headline, such "
                        "as {metric: loss}",
                    )
        return value

    @property
    def holdout(self) -> float | None:
        """The fraction of the training split that is held out for validation; None where the test split validates."""
        return self.validation.holdout if isinstance(self.validation, Holdout) else None

    def variant(self, variant_id: str) -> Variant:
        """The variant with that id."""
        return next(variant for variant in self.variants if variant.id == variant_id)

    @property
    def until(self) -> Until | None:
        """Until when seeds are trained; None where there is a list of them."""
        return self.seeds if isinstance(self.seeds, Until) else None

    @property
    def all_seeds(self) -> tuple[int, ...]:
        """The list of seeds or, with `until`, every seed there could be; in the order in which they are trained."""
        return self.seeds.seeds if isinstance(self.seeds, Until) else self.seeds

    @property
    def points(self) -> tuple[Point, ...]:
        """The points of the grid; without one, a single point that sets nothing."""
        return points(self.grid)

    def at(self, point: Point, learning_rate: float | None = None) -> "Config":
        """The config with the point's values set, and no grid; with a variant's own learning rate, if one is given."""
        data = {key: value for key, value in self.dump().items() if key != "grid"}
        own = {} if learning_rate is None else {LEARNING_RATE: learning_rate}
        for key, value in {**point.values, **own}.items():
            data = replaced(data, key.split("."), value)
        return Config.model_validate(data)

    def compared(self) -> tuple[Contrast, ...]:
        """The contrasts that were asked for and those of the factors, or every other variant minus the first.

        The latter are named by the variant's id.
        """
        first, *others = ids = [variant.id for variant in self.variants]
        asked = self.contrasts + (() if self.factors is None else effects(self.factors, ids))
        return asked or tuple(Contrast(name=other, variant=other, reference=first) for other in others)

    def dump(self) -> dict[str, Any]:
        """The resolved config as plain JSON data; `Config.model_validate` reads it back."""
        return self.model_dump(mode="json", exclude_none=True)
