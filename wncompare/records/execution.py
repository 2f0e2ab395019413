"""How an arm's convolutions are executed on a CPU, as far as a config tells: it decides how numbers are rounded.

`wncompare.nn.training.lowering` lowers a convolution with the pool behind it. Runs of a time when it left those with a
normalization between the two, or with standardized kernels, to TensorFlow's own kernels are rounded otherwise.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from wncompare.catalog.models import Pools
from wncompare.records.identity import configurations, keras_config

POOL = 2
"""Rows and columns of a pool, and its strides."""
MAX_PATCH = 256
"""Up to here a matrix product adds in the same order at all 4 positions, so equal windows give equal maxima."""

MAX_NORMALIZED_CHANNELS = 15
"""Of the inputs; with more, TensorFlow's own kernels are faster than a product with a normalization behind it."""

_NORMALIZING = (
    "batch_norm",
    "mean_only_batch_norm",
    "weight_norm_mean_only_batch_norm",
    "layer_norm",
    "weight_standardization",
)
_NORMS = ("BatchNormalization", "MeanOnlyBatchNormalization", "GroupNormalization")
_AS_EVER = ("Conv2D", "WeightNormalization")
"""Layers that have been lowered since there are records of runs."""


def path_of(variant: str, pools: Pools | None) -> dict[str, str]:
    """What an identity says of the execution of a variant, by its name: `path` where it was not always lowered.

    `pools` is what is before the pools of the regular model or, where the variant is a function, of what that makes.
    A variant that puts a norm behind a norm counts as lowered, though two are not: it says too much, never too little.
    """
    normalizes = pools and variant in _NORMALIZING
    return {"path": "lowered"} if normalizes or pools == "normalized" else {}


def recurrences_of(variant: str, model: Mapping[str, Any]) -> dict[str, str]:
    """What an identity says of a resolved config's model: whether a variant normalizes inside its recurrent layers.

    Only of networks of one's own, in which it once left them as they are; the catalog's it refused.
    """
    if variant != "layer_norm" or model["name"] not in ("file", "function"):
        return {}
    found = model.get("recurrent") if model["name"] == "function" else recurrent_in(keras_config(Path(model["file"])))
    return {"recurrences": "normalized"} if found else {}


def recurrent_in(config: Any) -> Literal[True] | None:
    """Whether a network's Keras configuration has recurrent layers inside which one can normalize."""
    return True if any(name in _RECURRENT for name, _ in configurations(config)) else None


_RECURRENT = ("SimpleRNN", "LSTM", "GRU", "SimpleRNNCell", "LSTMCell", "GRUCell")


def pools_of(model: Mapping[str, Any]) -> Pools | None:
    """What is before the pools of a resolved config's model; None where a convolution is left to TensorFlow.

    What a function builds is not known here: `wncompare.compare` writes it down, as `pools`, when it calls it.
    """
    if model["name"] == "lenet":
        return "plain"
    if model["name"] == "file":
        return pools_in(keras_config(Path(model["file"])))
    return model.get("pools")


def pools_in(config: Any) -> Pools | None:
    """The same of a network's Keras configuration."""
    convolutions = [name for name, _ in configurations(config) if "Conv" in str(name)]
    try:
        blocks = list(_blocks(config["config"]["layers"])) if config["class_name"] == "Sequential" else []
    except (LookupError, TypeError, ValueError, AttributeError):  # anyone's file: what loads it will say so
        return None
    if not blocks or len(blocks) < len(convolutions):
        return None
    return "normalized" if any(blocks) else "plain"


def _blocks(layers: Sequence[Mapping[str, Any]]) -> Iterator[bool]:
    """For each convolution that is lowered, whether it was not always."""
    for number, layer in enumerate(layers):
        kinds = [_kind(each) for each in layers[number : number + 4]]
        if kinds[0] in ("convolution", "convolution, relu") and "pool" in kinds:
            between = kinds[1 : kinds.index("pool")]
            has_norm = "norm" in between
            if between in _BETWEEN[kinds[0]] and not (has_norm and _channels(layer) > MAX_NORMALIZED_CHANNELS):
                yield has_norm or layer["class_name"] not in _AS_EVER


_BETWEEN = {"convolution": ([], ["relu"], ["norm"], ["norm", "relu"]), "convolution, relu": ([],)}
"""What may be between a convolution, with its ReLU or none, and the pool."""


def _kind(layer: Mapping[str, Any]) -> str:
    """What a layer's configuration is to lowering."""
    name, config = layer["class_name"], layer["config"]
    if name in _NORMS:
        return "norm"
    if name == "Activation" and config["activation"] == "relu":
        return "relu"
    if name == "MaxPooling2D" and config["padding"] == "valid":
        return "pool" if {*config["pool_size"], *config["strides"]} == {POOL} else "other"
    inner = config.get("layer", layer)
    if inner["class_name"] == "Conv2D" and _fits(inner):
        return {"linear": "convolution", "relu": "convolution, relu"}.get(inner["config"]["activation"], "other")
    return "other"


def _fits(conv: Mapping[str, Any]) -> bool:
    config = conv["config"]
    is_plain = config["padding"] == "valid" and {*config["strides"], *config["dilation_rate"], config["groups"]} == {1}
    rows, columns = config["kernel_size"]
    return is_plain and patch_size(rows, columns, _channels(conv)) <= MAX_PATCH


def _channels(layer: Mapping[str, Any]) -> int:
    """Of a built layer's inputs; 1 where its configuration has forgotten them."""
    return int(layer.get("build_config", {}).get("input_shape", [1])[-1])


def patch_size(rows: int, columns: int, channels: int) -> int:
    """How many numbers a pooling window of such a kernel depends on, those that pad it to even sizes included."""
    return even(rows + 1) * even(columns + 1) * channels


def even(size: int) -> int:
    """The size, or one more."""
    return size + size % POOL
