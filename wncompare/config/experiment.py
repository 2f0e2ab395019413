"""One experiment."""

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from wncompare.catalog.registry import Options, Size, Text, unknown
from wncompare.config.choices import DatasetChoice, FolderName, ModelChoice, Variant, VariantChoice, refuse_duplicates
from wncompare.config.grid import Point, points, replaced
from wncompare.config.seeds import Seeds, Until
from wncompare.config.training import Training

_GRID_KEYS = ("training.", "model.", "init_batch")
_NOT_GRID_KEYS = ("training.epochs", "training.threads", "model.name", "model.file", "model.architecture")

Accuracy = Annotated[float, Field(gt=0, le=1)]
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


class Headline(Options):
    """The metric that verdicts are about, by its bare name, and which way it is better: by default that of its kind.

    It is read on the validation data, or on the test split where data are held out.
    """

    metric: Text
    better: Literal["higher", "lower"] | None = None


class Contrast(Options):
    """A named difference between two variants, both by id: `variant` minus `reference`."""

    name: FolderName
    variant: str
    reference: str


class Config(Options):
    """One experiment: a dataset, a model, training settings, variants (the first is the reference) and seeds.

    `grid` maps keys to the values that every variant is trained with. What stands below `seeds` is for the statistics
    and changes no run: `contrasts` (by default every other variant minus the first), `targets` (validation accuracies
    whose time is taken), `headline` (by default the accuracy, of targets that are no classes the loss) and
    `smallest_difference`, the difference in the headline from which one matters to you;
    `tensorboard` writes event files beside the records.
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
    targets: Annotated[tuple[Accuracy, ...], Field(strict=False, max_length=20)] = ()
    headline: Headline | None = None
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
            refuse_duplicates(f"value of {key}", [repr(value) for value in values])
        return grid

    @field_validator("contrasts")
    @classmethod
    def _contrasts_between_variants(cls, contrasts: tuple[Contrast, ...], info: ValidationInfo) -> tuple[Contrast, ...]:
        refuse_duplicates("contrast name", [contrast.name for contrast in contrasts])
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
