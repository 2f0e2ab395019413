"""Weight normalization for Keras 3: `from wncompare.layers import WeightNormalization`. It imports Keras alone."""

from wncompare.nn.layers import (
    LayerNormGRUCell,
    LayerNormLSTMCell,
    LayerNormSimpleRNNCell,
    MeanOnlyBatchNormalization,
    Summary,
    WeightNormalization,
    WeightStandardization,
    fold,
    initialize_from_data,
    load_weight_norm,
    summary,
    weight_normalize,
)

__all__ = [
    "LayerNormGRUCell",
    "LayerNormLSTMCell",
    "LayerNormSimpleRNNCell",
    "MeanOnlyBatchNormalization",
    "Summary",
    "WeightNormalization",
    "WeightStandardization",
    "fold",
    "initialize_from_data",
    "load_weight_norm",
    "summary",
    "weight_normalize",
]
