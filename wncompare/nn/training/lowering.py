"""A Keras model as a forward pass over a batch as it is stored, for uint8 images an equal but faster one on CPUs.

XLA's convolutions are slow on CPUs where channels are few. Conv2D → ReLU → MaxPool(2, 2) becomes one matrix product:

    z = Wᵀ P,   y = relu(max over the 4 positions(z) + b)

P, (rows · columns · c, h' · w' · n), holds for each pooling window the input patch that it depends on; W,
(rows · columns · c, 4 · o), holds the kernel at the window's 4 positions, with zeros around it. The batch n is the
innermost axis, (c, h, w, n), so that every slice, comparison and product runs over contiguous memory.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import keras
import tensorflow as tf

from wncompare.data.standardize import Standard
from wncompare.nn.layers.weight_normalization import WeightNormalization
from wncompare.nn.training.batches import prepared, scaled

POOL = 2
MAX_PATCH = 256
"""Up to here a matrix product adds in the same order at all 4 positions, so equal windows give equal maxima."""


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
    """Return the model as a function of a batch as it is stored: images are scaled to [0, 1], numbers standardized.

    `lowered` says whether convolutions are lowered; by default they are on CPUs. Only a `keras.Sequential` is, and in
    it only what `conv_pool_at` finds; every other layer is called as it is.
    """
    stages = lower(model) if (_on_cpu(model) if lowered is None else lowered) else ()
    if any(isinstance(stage, ConvPool) for stage in stages):
        return lambda inputs, *, training: _run(stages, _unless_bytes(inputs, standard), training)
    return lambda inputs, *, training: model(prepared(inputs, standard), training=training)


def _unless_bytes(inputs: Any, standard: Standard | None) -> Any:
    """Inputs prepared, but for uint8 images: stages scale those where it costs least."""
    return inputs if inputs.dtype == tf.uint8 else prepared(inputs, standard)


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
        x = stage(x) if wanted else stage(x, training=training)
    return _batch_first(x) if batch_last else x


def _batch_last(x: Any) -> Any:
    return tf.transpose(x, (3, 1, 2, 0))


_batch_first = _batch_last


@dataclass(frozen=True)
class ConvPool:
    """Conv2D (stride 1, valid) → ReLU or nothing → MaxPool(2, 2), over (c, h, w, n)."""

    kernel: Callable[[], Any]
    """Gives the kernel, (rows, columns, c, o)."""
    bias: Callable[[], Any]
    """Gives the bias, (o,), or None."""
    relu: bool

    def __call__(self, x: Any) -> Any:
        """Return (o, h', w', n) for a (c, h, w, n) that is float32, or uint8 and then scaled."""
        kernel, bias = tf.convert_to_tensor(self.kernel()), self.bias()
        rows, columns, _, outputs = kernel.shape
        height, width = (x.shape[1] - rows + 1) // POOL, (x.shape[2] - columns + 1) // POOL
        p = patches(x, (rows + 1, columns + 1), (height, width))
        p = scaled(p) if p.dtype == tf.uint8 else p
        z = tf.matmul(positions(kernel), tf.reshape(p, (p.shape[0], -1)), transpose_a=True)
        y = first_max(tf.reshape(z, (POOL * POOL, outputs, height, width, x.shape[3])))
        y = y if bias is None else y + tf.reshape(bias, (-1, 1, 1, 1))
        return tf.nn.relu(y) if self.relu else y


Stage = Any
"""A `ConvPool` or a Keras layer."""


def lower(model: keras.Model) -> tuple[Stage, ...]:
    """Return a `Sequential` as stages, each a layer or a `ConvPool` in the place of two or three; of others nothing."""
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
    own_relu = conv.activation is keras.activations.relu
    taken = 2 if own_relu or len(layers) < 3 or not _is_relu(layers[1]) else 3
    if len(layers) < taken or not _is_pool(layers[taken - 1]) or not all(map(_is_plain, (conv, *layers[:taken]))):
        return None
    return ConvPool(kernel, lambda: conv.bias, relu=own_relu or taken == 3), taken


def _convolution(layer: keras.layers.Layer) -> tuple[Any, Callable[[], Any]]:
    if type(layer) is keras.layers.Conv2D:
        return layer, lambda: layer.kernel
    if type(layer) is WeightNormalization and type(layer.layer) is keras.layers.Conv2D and not layer.waiting:
        return layer.layer, lambda: layer.folded()["kernel"]
    return None, lambda: None


def _fits(conv: keras.layers.Conv2D) -> bool:
    rows, columns = conv.kernel_size
    channels = conv.kernel.shape[2]
    return (
        conv.strides == (1, 1)
        and conv.padding == "valid"
        and conv.dilation_rate == (1, 1)
        and conv.groups == 1
        and conv.data_format == "channels_last"
        and conv.activation in (keras.activations.relu, keras.activations.linear)
        and _even(rows + 1) * _even(columns + 1) * channels <= MAX_PATCH
    )


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


def _even(size: int) -> int:
    return size + size % POOL


def patches(x: Any, window: tuple[int, int], count: tuple[int, int]) -> Any:
    """Return the windows at stride 2 of (c, h, w, n) as (rows · columns · c, h', w', n), with an even size each.

    Through space-to-depth, (2, 2 · c, h / 2, w / 2, n), in which a window is slices without a stride: of columns first,
    then of rows. Bytes move as 32-bit numbers of 4 images each, where the batch is a multiple of 4.
    """
    x = _packed(x)
    channels, height, width, batch = x.shape
    (rows, columns), (high, wide) = window, count
    x = tf.pad(x, ((0, 0), (0, height % POOL), (0, width % POOL), (0, 0)))
    x = tf.reshape(x, (channels, _even(height) // POOL, POOL, _even(width) // POOL, POOL, batch))
    x = tf.transpose(x, (2, 4, 0, 1, 3, 5))
    x = tf.reshape(x, (POOL, POOL * channels, _even(height) // POOL, _even(width) // POOL, batch))
    x = tf.concat([x[:, :, :, j : j + wide] for j in range(_even(columns) // POOL)], axis=1)
    x = tf.reshape(x, (-1, *x.shape[2:]))
    return _unpacked(tf.concat([x[:, i : i + high] for i in range(_even(rows) // POOL)], axis=0))


def _packed(x: Any) -> Any:
    if x.dtype != tf.uint8 or x.shape[-1] % 4:
        return x
    return tf.bitcast(tf.reshape(x, (*x.shape[:-1], -1, 4)), tf.uint32)


def _unpacked(x: Any) -> Any:
    return x if x.dtype != tf.uint32 else tf.reshape(tf.bitcast(x, tf.uint8), (*x.shape[:-1], -1))


def positions(kernel: Any) -> Any:
    """Return a (rows, columns, c, o) kernel at the 4 positions of a pooling window, (patch, 4 · o), zeros around it."""
    rows, columns, channels, outputs = kernel.shape
    high, wide = _even(rows + 1), _even(columns + 1)
    placed = [
        tf.pad(kernel, ((i, high - rows - i), (j, wide - columns - j), (0, 0), (0, 0)))
        for i in range(POOL)
        for j in range(POOL)
    ]
    return tf.reshape(tf.stack(placed, axis=3), (high * wide * channels, POOL * POOL * outputs))


@tf.custom_gradient
def first_max(z: Any) -> Any:
    """Return the maximum over the first axis, of length 4; its gradient goes to the first of equal maxima."""
    largest = tf.maximum(tf.maximum(z[0], z[1]), tf.maximum(z[2], z[3]))

    def gradient(upstream: Any) -> Any:
        free, parts = tf.ones_like(largest, tf.bool), []
        for part in tf.unstack(z):
            chosen = free & (part == largest)
            parts.append(tf.where(chosen, upstream, 0.0))
            free &= ~chosen
        return tf.stack(parts)

    return largest, gradient
