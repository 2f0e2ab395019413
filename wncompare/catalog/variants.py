"""Variants that a config can name."""

from typing import Annotated, Literal

from pydantic import Field

from wncompare.catalog.models import Architecture, Pools, Probe
from wncompare.catalog.registry import Catalog, Entry, Options, Text


class RegularOptions(Options):
    """Options of `regular`."""

    data_init: Annotated[bool, Field(description="rescale kernels and biases from the initialization batch")] = False


DataInit = Annotated[
    bool | Literal["tfa"],
    Field(description="true: as the paper (eq. 5–6); false: g = ‖v‖; tfa: as TensorFlow Addons did"),
]
Momentum = Annotated[float, Field(ge=0, lt=1, description="of the moving moments that inference uses")]
Epsilon = Annotated[float, Field(gt=0, description="added to a variance")]


class WeightNormOptions(Options):
    """Options of `weight_norm`."""

    data_init: DataInit = True


Outputs = Annotated[bool | None, Field(description="false: output layers have none")]


class BatchNormOptions(Options):
    """Options of `batch_norm`; Keras's defaults."""

    momentum: Momentum = 0.99
    epsilon: Epsilon = 0.001
    outputs: Outputs = None


class MeanOnlyBatchNormOptions(Options):
    """Options of `mean_only_batch_norm`."""

    momentum: Momentum = 0.99
    outputs: Outputs = None


class WeightNormMeanOnlyBatchNormOptions(MeanOnlyBatchNormOptions):
    """Options of `weight_norm_mean_only_batch_norm`."""

    data_init: DataInit = True


class LayerNormOptions(Options):
    """Options of `layer_norm`; Keras's default."""

    epsilon: Epsilon = 0.001


class WeightStandardizationOptions(Options):
    """Options of `weight_standardization`."""

    epsilon: Epsilon = 1e-4


class FunctionOptions(Options):
    """Options of a variant that a Python function makes; `wncompare.compare` writes them."""

    function: Annotated[Text | None, Field(description="its name, which is the variant's id")] = None
    architecture: Annotated[Architecture | None, Field(description="of the network that it makes")] = None
    probe: Annotated[Probe | None, Field(description="what that network computes, by Keras backend")] = None
    pools: Pools | None = None


_IN = "wncompare.nn.variants"

VARIANTS = Catalog(
    "variant",
    Entry("regular", "the model as it is", f"{_IN}:regular", RegularOptions),
    Entry("weight_norm", "w = g · v / ‖v‖ (Salimans & Kingma 2016)", f"{_IN}:weight_norm", WeightNormOptions),
    Entry("batch_norm", "batch normalization (Ioffe & Szegedy 2015)", f"{_IN}:batch_norm", BatchNormOptions),
    Entry(
        "mean_only_batch_norm",
        "the batch's mean subtracted, no scaling (Salimans & Kingma 2016)",
        f"{_IN}:mean_only_batch_norm",
        MeanOnlyBatchNormOptions,
    ),
    Entry(
        "weight_norm_mean_only_batch_norm",
        "both, the paper's best",
        f"{_IN}:weight_norm_mean_only_batch_norm",
        WeightNormMeanOnlyBatchNormOptions,
    ),
    Entry("layer_norm", "layer normalization (Ba et al. 2016)", f"{_IN}:layer_norm", LayerNormOptions),
    Entry(
        "weight_standardization",
        "kernels with mean 0 and variance 1 (Qiao et al. 2019)",
        f"{_IN}:weight_standardization",
        WeightStandardizationOptions,
    ),
    Entry("function", "your own change, given to wncompare.compare", f"{_IN}:function", FunctionOptions),
)
