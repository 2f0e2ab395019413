"""Losses and metrics that a config can name, with Keras's own options; what is left out keeps Keras's default."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from wncompare.catalog.registry import Catalog, Entry, Options

Takes = Literal["classes", "distributions", "fractions", "signs", "amounts", "nonzero", "numbers"]
"""Which targets: classes by number; rows that are not negative and sum to 1; numbers from 0 to 1, or from −1 to 1; none
below 0; none that is 0; any. Classes one-hot are all of these but the first and `nonzero`."""

Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Part = Annotated[float, Field(ge=0, lt=1)]
Class = Annotated[int, Field(ge=0)]


class MeasureOptions(Options):
    """What a loss or a metric says of itself."""

    takes: ClassVar[Takes] = "numbers"


class DistributionOptions(MeasureOptions):
    """Of what takes distributions over classes."""

    takes = "distributions"


class FractionOptions(MeasureOptions):
    """Of what takes numbers from 0 to 1."""

    takes = "fractions"


class SignOptions(MeasureOptions):
    """Of what takes −1 and 1; Keras takes 0 for −1."""

    takes = "signs"


class AmountOptions(MeasureOptions):
    """Of what takes no number below 0."""

    takes = "amounts"


class NonzeroOptions(MeasureOptions):
    """Of what divides by the target."""

    takes = "nonzero"


class LogitsOptions(MeasureOptions):
    """Options of what takes probabilities: with `from_logits` it takes a model's logits instead."""

    from_logits: bool | None = None


class CategoricalOptions(LogitsOptions):
    """Options of `categorical_crossentropy`."""

    takes = "distributions"
    label_smoothing: Part | None = None


class SparseOptions(LogitsOptions):
    """Options of `sparse_categorical_crossentropy`; examples of `ignore_class` count for nothing."""

    takes = "classes"
    ignore_class: Class | None = None


class FocalOptions(CategoricalOptions):
    """Options of `categorical_focal_crossentropy`."""

    alpha: Part | None = None
    gamma: NonNegative | None = None


class BinaryOptions(LogitsOptions):
    """Options of `binary_crossentropy`."""

    takes = "fractions"
    label_smoothing: Part | None = None


class BinaryFocalOptions(BinaryOptions):
    """Options of `binary_focal_crossentropy`."""

    alpha: Part | None = None
    gamma: NonNegative | None = None
    apply_class_balancing: bool | None = None


class HuberOptions(MeasureOptions):
    """Options of `huber`."""

    delta: Annotated[Positive | None, Field(description="the error from which on it is linear")] = None


class TverskyOptions(FractionOptions):
    """Options of `tversky`."""

    alpha: Annotated[NonNegative | None, Field(description="the weight of false positives")] = None
    beta: Annotated[NonNegative | None, Field(description="the weight of false negatives")] = None


_KERAS = "keras.losses"

LOSSES = Catalog(
    "loss",
    Entry("categorical_crossentropy", "−log p of the class", f"{_KERAS}:CategoricalCrossentropy", CategoricalOptions),
    Entry(
        "sparse_categorical_crossentropy",
        "the same, of classes by number",
        f"{_KERAS}:SparseCategoricalCrossentropy",
        SparseOptions,
    ),
    Entry(
        "categorical_focal_crossentropy",
        "the same, less of what is easy",
        f"{_KERAS}:CategoricalFocalCrossentropy",
        FocalOptions,
    ),
    Entry("binary_crossentropy", "of each output for itself", f"{_KERAS}:BinaryCrossentropy", BinaryOptions),
    Entry(
        "binary_focal_crossentropy",
        "the same, less of what is easy",
        f"{_KERAS}:BinaryFocalCrossentropy",
        BinaryFocalOptions,
    ),
    Entry("categorical_hinge", "how far a wrong class comes near", f"{_KERAS}:CategoricalHinge", DistributionOptions),
    Entry("hinge", "max(0, 1 − y ŷ), y of −1 and 1", f"{_KERAS}:Hinge", SignOptions),
    Entry("squared_hinge", "its square", f"{_KERAS}:SquaredHinge", SignOptions),
    Entry("cosine_similarity", "−cos of the angle between y and ŷ", f"{_KERAS}:CosineSimilarity", MeasureOptions),
    Entry("dice", "1 − Dice's overlap", f"{_KERAS}:Dice", FractionOptions),
    Entry("tversky", "1 − Tversky's overlap", f"{_KERAS}:Tversky", TverskyOptions),
    Entry("huber", "squared near 0, linear farther out", f"{_KERAS}:Huber", HuberOptions),
    Entry("kl_divergence", "Σ y log(y / ŷ)", f"{_KERAS}:KLDivergence", DistributionOptions),
    Entry("log_cosh", "log cosh(ŷ − y)", f"{_KERAS}:LogCosh", MeasureOptions),
    Entry("poisson", "ŷ − y log ŷ, ŷ a rate", f"{_KERAS}:Poisson", AmountOptions),
    Entry("mean_absolute_error", "|ŷ − y|", f"{_KERAS}:MeanAbsoluteError", MeasureOptions),
    Entry("mean_squared_error", "(ŷ − y)²", f"{_KERAS}:MeanSquaredError", MeasureOptions),
    Entry(
        "mean_absolute_percentage_error",
        "100 |ŷ − y| / |y|",
        f"{_KERAS}:MeanAbsolutePercentageError",
        NonzeroOptions,
    ),
    Entry(
        "mean_squared_logarithmic_error",
        "(log(1 + ŷ) − log(1 + y))²",
        f"{_KERAS}:MeanSquaredLogarithmicError",
        AmountOptions,
    ),
    Entry("own", "what the model's layers add_loss(), alone", "wncompare.nn.objectives:own", MeasureOptions),
)

ALIASES = {
    "mse": "mean_squared_error",
    "mae": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "msle": "mean_squared_logarithmic_error",
    "bce": "binary_crossentropy",
    "kld": "kl_divergence",
    "rmse": "root_mean_squared_error",
}
"""What Keras and people call some of them for short."""
