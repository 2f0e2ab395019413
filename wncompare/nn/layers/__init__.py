"""Layers that reparameterize kernels, and functions that apply them to whole models; they need Keras alone."""

from .data_init import initialize_from_data
from .folding import fold
from .foreign_weights import load_weight_norm
from .layer_norm_cells import LayerNormGRUCell, LayerNormLSTMCell, LayerNormSimpleRNNCell
from .layer_normalize import layer_normalized
from .mean_only_batch_normalization import MeanOnlyBatchNormalization
from .reparameterization import Norms, Reparameterization
from .summary import Summary, summary
from .variational import GaussianSample, Likelihood
from .weight_normalization import WeightNormalization
from .weight_normalize import weight_normalize
from .weight_standardization import WeightStandardization

__all__ = [
    "GaussianSample",
    "LayerNormGRUCell",
    "LayerNormLSTMCell",
    "LayerNormSimpleRNNCell",
    "Likelihood",
    "MeanOnlyBatchNormalization",
    "Norms",
    "Reparameterization",
    "Summary",
    "WeightNormalization",
    "WeightStandardization",
    "fold",
    "initialize_from_data",
    "layer_normalized",
    "load_weight_norm",
    "summary",
    "weight_normalize",
]
