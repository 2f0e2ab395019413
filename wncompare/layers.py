"""Weight normalization for Keras 3: `from wncompare.layers import WeightNormalization`. It imports Keras alone."""

from wncompare.nn.layers import (
    MeanOnlyBatchNormalization,
    WeightNormalization,
    WeightStandardization,
    initialize_from_data,
    weight_normalize,
)

__all__ = [
    "MeanOnlyBatchNormalization",
    "WeightNormalization",
    "WeightStandardization",
    "initialize_from_data",
    "weight_normalize",
]
