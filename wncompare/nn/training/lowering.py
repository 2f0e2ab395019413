"""A Keras model as a forward pass over a batch as it is stored, for uint8 images an equal but faster one on CPUs.

XLA's convolutions are slow on CPUs where channels are few. What `ConvPool` computes as one matrix product runs fast: a
convolution, its normalization and ReLU, and the pool behind them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import keras
import tensorflow as tf

from wncompare.data.standardize import Standard
from wncompare.nn.layers import Reparameterization, WeightNormalization
from wncompare.nn.training.batches import prepared, scaled
from wncompare.nn.training.conv_pool import ConvPool
from wncompare.nn.training.norms import norm_of
from wncompare.records.execution import MAX_NORMALIZED_CHANNELS, MAX_PATCH, POOL, patch_size


class Forward(Protocol):
    """A forward pass: inputs as a split holds them, such as uint8 images (n, h, w, c), to predictions."""

    def __call__(self, inputs: Any, *, training: bool) -> Any:
        """Return the predictions for a batch."""
        ...


@dataclass(frozen=True)
class Execution:
    """How a model is executed: its forward pass, and whether XLA compiles the steps around it."""

    forward: Forward
    xla: bool


def choose_execution(
    model: keras.Model, inputs: Any, *, standard: Standard | None = None, lowered: bool | None = None
) -> Execution:
    """Choose for inputs of such types and shapes, an array or several by name.

    It is XLA, unless a convolution is left to it on a CPU; then TensorFlow's own kernels.

    Measured at batch 32 on one core, a step of LeNet with batch norm takes 52 ms with XLA's convolutions and 12 ms with
    TensorFlow's; one of two 3 × 3 convolutions of 32 and 64 channels on 32 × 32 images takes 870 ms and 12 ms.
    """
    predict = forward(model, standard=standard, lowered=lowered)
    if _on_cpu(model) and _convolves(predict, tf.nest.map_structure(_one, inputs)):
        return Execution(forward(model, standard=standard, lowered=False), xla=False)
    return Execution(predict, xla=True)


def forward(model: keras.Model, *, standard: Standard | None = None, lowered: bool | None = None) -> Forward:
    """Return the model as a function of a batch as it is stored, of which it is given what `prepared` makes.

    `lowered` says whether convolutions are lowered; by default they are on CPUs. Only a `keras.Sequential` is, and in
    it only what `conv_pool_at` finds; every other layer is called as it is.
    """
    stages = lower(model) if (_on_cpu(model) if lowered is None else lowered) else ()
    if any(isinstance(stage, ConvPool) for stage in stages):
        prepare = partial(prepared, standard=standard) if standard else _unless_bytes
        return lambda inputs, *, training: _run(stages, prepare(inputs), training)
    return lambda inputs, *, training: model(prepared(inputs, standard), training=training)


def _unless_bytes(inputs: Any) -> Any:
    """Inputs prepared, but for uint8 images: stages scale those where it costs least."""
    return inputs if inputs.dtype == tf.uint8 else prepared(inputs)


def _one(array: Any) -> tf.TensorSpec:
    return tf.TensorSpec((1, *array.shape[1:]), array.dtype)


def _convolves(predict: Forward, inputs: Any) -> bool:
    traced = tf.function(lambda inputs: predict(inputs, training=False), autograph=False).get_concrete_function(inputs)
    graph = traced.graph.as_graph_def()
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    return any("Conv" in node.op for node in nodes)


def _on_cpu(model: keras.Model) -> bool:
    return all("CPU" in variable.value.device for variable in model.variables)


def _run(stages: tuple[Any, ...], images: Any, training: bool) -> Any:
    """Call the stages in turn; runs of `ConvPool` share one transposition, and the first takes uint8."""
    x, batch_last = images, False
    for stage in stages:
        wanted = isinstance(stage, ConvPool)
        if wanted != batch_last:
            x, batch_last = _batch_last(x) if wanted else _batch_first(x), wanted
        if not wanted and x.dtype == tf.uint8:
            x = scaled(x)
        x = stage(x, training=training)
    return _batch_first(x) if batch_last else x


def _batch_last(x: Any) -> Any:
    return tf.transpose(x, (3, 1, 2, 0))


_batch_first = _batch_last


Stage = Any
"""A `ConvPool` or a Keras layer."""


def lower(model: keras.Model) -> tuple[Stage, ...]:
    """Return a `Sequential` as stages, each a layer or a `ConvPool` in the place of several; of others nothing."""
    if type(model) is not keras.Sequential:
        return ()
    layers, stages = list(model.layers), []
    while layers:
        stage, taken = conv_pool_at(layers) or (layers[0], 1)
        stages.append(stage)
        layers = layers[taken:]
    return tuple(stages)


def conv_pool_at(layers: list[keras.layers.Layer]) -> tuple[ConvPool, int] | None:
    """Return what can be lowered at the head of `layers`, and of how many layers it is made."""
    conv, kernel = _convolution(layers[0])
    if conv is None or not _fits(conv):
        return None
    is_linear = conv.activation is keras.activations.linear
    norm = norm_of(layers[1]) if is_linear and len(layers) > 1 and _has_few_channels(conv) else None
    pool = 1 if norm is None else 2
    has_relu = is_linear and len(layers) > pool and _is_relu(layers[pool])
    pool += has_relu
    if len(layers) <= pool or not _is_pool(layers[pool]) or not all(map(_is_plain, (conv, *layers[: pool + 1]))):
        return None
    return ConvPool(kernel, lambda: conv.bias, relu=has_relu or not is_linear, norm=norm), pool + 1


def _convolution(layer: keras.layers.Layer) -> tuple[Any, Callable[[], Any]]:
    if type(layer) is keras.layers.Conv2D:
        return layer, lambda: layer.kernel
    if _only_folds(layer) and type(layer.layer) is keras.layers.Conv2D and not layer.waiting:
        return layer.layer, lambda: layer.folded()["kernel"]
    return None, lambda: None


def _only_folds(layer: keras.layers.Layer) -> bool:
    """Whether a layer is another with other kernels, and no subclass that does more."""
    return isinstance(layer, Reparameterization) and type(layer).call in (
        Reparameterization.call,
        WeightNormalization.call,
    )


def _fits(conv: keras.layers.Conv2D) -> bool:
    return (
        conv.strides == (1, 1)
        and conv.padding == "valid"
        and conv.dilation_rate == (1, 1)
        and conv.groups == 1
        and conv.data_format == "channels_last"
        and conv.activation in (keras.activations.relu, keras.activations.linear)
        and patch_size(*conv.kernel.shape[:3]) <= MAX_PATCH
    )


def _has_few_channels(conv: keras.layers.Conv2D) -> bool:
    return conv.kernel.shape[2] <= MAX_NORMALIZED_CHANNELS


def _is_plain(layer: keras.layers.Layer) -> bool:
    return layer.dtype_policy.name == "float32" and layer.activity_regularizer is None


def _is_relu(layer: keras.layers.Layer) -> bool:
    return type(layer) is keras.layers.Activation and layer.activation is keras.activations.relu


def _is_pool(layer: keras.layers.Layer) -> bool:
    return (
        type(layer) is keras.layers.MaxPooling2D
        and tuple(layer.pool_size) == (POOL, POOL)
        and tuple(layer.strides) == (POOL, POOL)
        and layer.padding == "valid"
        and layer.data_format == "channels_last"
    )
