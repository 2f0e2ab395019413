"""Metrics beside loss and accuracy that a config can name, with Keras's own options."""

from typing import Annotated, Literal

from pydantic import Field

from wncompare.catalog.losses import (
    AmountOptions,
    BinaryOptions,
    CategoricalOptions,
    Class,
    DistributionOptions,
    LogitsOptions,
    MeasureOptions,
    NonzeroOptions,
    SparseOptions,
)
from wncompare.catalog.registry import Catalog, Entry, Fraction, Size


class TopKOptions(DistributionOptions):
    """Options of `top_k_categorical_accuracy`."""

    k: Size | None = None


class SparseTopKOptions(MeasureOptions):
    """Options of `sparse_top_k_categorical_accuracy`."""

    takes = "classes"
    k: Size | None = None


class AucOptions(LogitsOptions):
    """Options of `auc`."""

    takes = "fractions"
    curve: Literal["ROC", "PR"] | None = None
    multi_label: bool | None = None
    num_thresholds: Annotated[int, Field(gt=1, le=10_000)] | None = None


class ThresholdOptions(MeasureOptions):
    """Options of `precision` and `recall`."""

    takes = "fractions"
    thresholds: Annotated[Fraction | None, Field(description="the probability above which an output says yes")] = None
    top_k: Size | None = None
    class_id: Class | None = None


class F1Options(DistributionOptions):
    """Options of `f1_score`."""

    average: Literal["micro", "macro", "weighted"] = "macro"


_KERAS = "keras.metrics"

METRICS = Catalog(
    "metric",
    Entry(
        "top_k_categorical_accuracy", "the class is among the first k", f"{_KERAS}:TopKCategoricalAccuracy", TopKOptions
    ),
    Entry(
        "sparse_top_k_categorical_accuracy",
        "the same, of classes by number",
        f"{_KERAS}:SparseTopKCategoricalAccuracy",
        SparseTopKOptions,
    ),
    Entry("categorical_crossentropy", "−log p of the class", f"{_KERAS}:CategoricalCrossentropy", CategoricalOptions),
    Entry(
        "sparse_categorical_crossentropy",
        "the same, of classes by number",
        f"{_KERAS}:SparseCategoricalCrossentropy",
        SparseOptions,
    ),
    Entry("auc", "the area under a ROC curve", f"{_KERAS}:AUC", AucOptions),
    Entry("precision", "right of those said yes to", f"{_KERAS}:Precision", ThresholdOptions),
    Entry("recall", "said yes to of those that are", f"{_KERAS}:Recall", ThresholdOptions),
    Entry("kl_divergence", "Σ y log(y / ŷ)", f"{_KERAS}:KLDivergence", DistributionOptions),
    Entry("mean_squared_error", "(ŷ − y)²", f"{_KERAS}:MeanSquaredError", MeasureOptions),
    Entry("f1_score", "the harmonic mean of precision and recall", f"{_KERAS}:F1Score", F1Options),
    Entry("binary_crossentropy", "of each output for itself", f"{_KERAS}:BinaryCrossentropy", BinaryOptions),
    Entry("root_mean_squared_error", "√ of the mean of (ŷ − y)²", f"{_KERAS}:RootMeanSquaredError", MeasureOptions),
    Entry("mean_absolute_error", "|ŷ − y|", f"{_KERAS}:MeanAbsoluteError", MeasureOptions),
    Entry(
        "mean_absolute_percentage_error", "100 |ŷ − y| / |y|", f"{_KERAS}:MeanAbsolutePercentageError", NonzeroOptions
    ),
    Entry(
        "mean_squared_logarithmic_error",
        "(log(1 + ŷ) − log(1 + y))²",
        f"{_KERAS}:MeanSquaredLogarithmicError",
        AmountOptions,
    ),
    Entry("poisson", "ŷ − y log ŷ, ŷ a rate", f"{_KERAS}:Poisson", AmountOptions),
    Entry("cosine_similarity", "cos of the angle between y and ŷ", f"{_KERAS}:CosineSimilarity", MeasureOptions),
    Entry("r2_score", "1 − residual / total variance", f"{_KERAS}:R2Score", MeasureOptions),
)

Better = Literal["higher", "lower"]

_HIGHER = ("accuracy", "auc", "precision", "recall", "similarity", "score")
"""How the names of metrics end that are better higher; of the others, losses and errors, a lower one is."""


def better(name: str) -> Better:
    """Which way a metric of that name, "val_accuracy" say, is better: accuracies and scores higher, losses lower."""
    return "higher" if name.endswith(_HIGHER) else "lower"
