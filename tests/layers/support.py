"""What the layer tests share: values, gradients and float64 references, on any backend."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers, ops

BACKEND = keras.backend.backend()


@dataclass(frozen=True)
class Case:
    """A layer to wrap, the shape of its input without the batch, and the output axes of each kernel."""

    name: str
    make: Callable[[], keras.layers.Layer]
    shape: tuple[int, ...]
    axes: dict[str, tuple[int, ...]]
    integers: bool = False

    def inputs(self, rng: np.random.Generator, batch: int = 3) -> np.ndarray:
        """A batch of inputs."""
        if self.integers:
            return rng.integers(0, 5, (batch, *self.shape)).astype("int32")
        return rng.normal(size=(batch, *self.shape)).astype("float32")


RECURRENT = {"kernel": (-1,), "recurrent_kernel": (-1,)}
BOTH_WAYS = {f"{way}_{name}": axes for way in ("forward", "backward") for name, axes in RECURRENT.items()}

CASES = (
    Case("dense", lambda: layers.Dense(4, activation="tanh"), (5,), {"kernel": (1,)}),
    Case("dense_on_sequence", lambda: layers.Dense(4), (3, 5), {"kernel": (1,)}),
    Case(
        "einsum", lambda: layers.EinsumDense("abc,cde->abed", (None, 2, 4), bias_axes="ed"), (3, 5), {"kernel": (1, 2)}
    ),
    Case(
        "einsum_per_head",
        lambda: layers.EinsumDense("bhd,hde->bhe", (3, 4), bias_axes="he"),
        (3, 5),
        {"kernel": (0, 2)},
    ),
    Case("conv1d", lambda: layers.Conv1D(4, 3, padding="causal"), (6, 2), {"kernel": (2,)}),
    Case("conv2d", lambda: layers.Conv2D(4, 3, activation="relu"), (6, 5, 2), {"kernel": (3,)}),
    Case("conv3d", lambda: layers.Conv3D(3, 2), (3, 4, 3, 2), {"kernel": (4,)}),
    Case("conv1d_transpose", lambda: layers.Conv1DTranspose(4, 3), (6, 2), {"kernel": (1,)}),
    Case("conv2d_transpose", lambda: layers.Conv2DTranspose(4, 3, strides=2), (4, 3, 2), {"kernel": (2,)}),
    Case("conv3d_transpose", lambda: layers.Conv3DTranspose(3, 2), (3, 2, 3, 2), {"kernel": (3,)}),
    Case("depthwise1d", lambda: layers.DepthwiseConv1D(3, depth_multiplier=2), (6, 2), {"kernel": (1, 2)}),
    Case("depthwise2d", lambda: layers.DepthwiseConv2D(3, depth_multiplier=2), (5, 6, 3), {"kernel": (2, 3)}),
    Case(
        "separable1d",
        lambda: layers.SeparableConv1D(4, 3),
        (6, 2),
        {"depthwise_kernel": (1, 2), "pointwise_kernel": (2,)},
    ),
    Case(
        "separable2d",
        lambda: layers.SeparableConv2D(4, 3),
        (5, 6, 3),
        {"depthwise_kernel": (2, 3), "pointwise_kernel": (3,)},
    ),
    Case("embedding", lambda: layers.Embedding(5, 4), (3,), {"embeddings": (1,)}, integers=True),
    Case("simple_rnn", lambda: layers.SimpleRNN(4), (3, 5), RECURRENT),
    Case("lstm", lambda: layers.LSTM(4, return_sequences=True), (3, 5), RECURRENT),
    Case("gru", lambda: layers.GRU(4), (3, 5), RECURRENT),
    Case("conv_lstm", lambda: layers.ConvLSTM1D(3, 2), (3, 5, 2), RECURRENT),
    Case("rnn_cell", lambda: layers.RNN(layers.GRUCell(4)), (3, 5), RECURRENT),
    Case(
        "stacked_cells",
        lambda: layers.RNN([layers.LSTMCell(4), layers.SimpleRNNCell(3)]),
        (3, 5),
        {f"cell_{cell}_{name}": axes for cell in (0, 1) for name, axes in RECURRENT.items()},
    ),
    Case("bidirectional", lambda: layers.Bidirectional(layers.LSTM(4)), (3, 5), BOTH_WAYS),
    Case("time_distributed", lambda: layers.TimeDistributed(layers.Conv1D(4, 2)), (3, 5, 2), {"kernel": (2,)}),
)
AFFINE = ("dense", "dense_on_sequence", "einsum", "einsum_per_head", "conv1d", "conv2d", "conv3d", "conv1d_transpose")
AFFINE += ("conv2d_transpose", "conv3d_transpose", "depthwise1d", "depthwise2d", "time_distributed")


def named(*names: str) -> list[Case]:
    """The cases with these names."""
    return [case for case in CASES if case.name in names]


def value(tensor: Any) -> np.ndarray:
    """A tensor's or a variable's value in float64."""
    half = keras.backend.standardize_dtype(tensor.dtype) in ("bfloat16", "float16")
    plain = ops.cast(tensor, "float32") if half else ops.copy(tensor)  # TensorFlow's bfloat16 and variables warn
    return np.asarray(ops.convert_to_numpy(plain), dtype=np.float64)


def inner_axes(array: np.ndarray, output_axes: tuple[int, ...]) -> tuple[int, ...]:
    """The axes that are summed over."""
    kept = {axis % array.ndim for axis in output_axes}
    return tuple(axis for axis in range(array.ndim) if axis not in kept)


def norm64(v: np.ndarray, output_axes: tuple[int, ...]) -> np.ndarray:
    """‖v‖, keeping dimensions."""
    return np.sqrt((v**2).sum(inner_axes(v, output_axes), keepdims=True))


def folded64(v: np.ndarray, g: np.ndarray, output_axes: tuple[int, ...]) -> np.ndarray:
    """Eq. 2: g · v / ‖v‖."""
    norms = norm64(v, output_axes)
    return g.reshape(norms.shape) * v / norms


def gradients64(
    v: np.ndarray, g: np.ndarray, upstream: np.ndarray, output_axes: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Eq. 3 of the paper: the gradients of g and v, given that of w."""
    norms, axes = norm64(v, output_axes), inner_axes(v, output_axes)
    of_gain = (upstream * v).sum(axes, keepdims=True) / norms
    gain = g.reshape(norms.shape)
    return of_gain.reshape(g.shape), gain / norms * upstream - gain * of_gain / norms**2 * v


def randomize(variables: list[Any], rng: np.random.Generator) -> None:
    """Other values for float variables, so that no coincidence of the initial ones helps."""
    for variable in variables:
        variable.assign(rng.normal(size=variable.shape) + 0.1)


def loss_of(outputs: Any) -> Any:
    """A scalar that depends on every output differently."""
    first = outputs[0] if isinstance(outputs, list | tuple) else outputs
    weights = np.cos(np.arange(np.prod(first.shape))).reshape(first.shape)
    return ops.sum(ops.cast(first, "float32") * ops.convert_to_tensor(weights.astype("float32")))


def gradients(layer: Any, inputs: Any, **kwargs: Any) -> dict[str, np.ndarray]:
    """Gradients of `loss_of` the layer's output by its trainable variables' paths; in JAX through `stateless_call`."""
    variables = layer.trainable_variables
    found = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}[BACKEND](layer, inputs, kwargs)
    return {variable.path: value(gradient) for variable, gradient in zip(variables, found, strict=True)}


def _tensorflow(layer: Any, inputs: Any, kwargs: Any) -> list[Any]:
    import tensorflow as tf

    with tf.GradientTape() as tape:
        loss = loss_of(layer(inputs, **kwargs))
    return [tf.convert_to_tensor(g) for g in tape.gradient(loss, [v.value for v in layer.trainable_variables])]


def _jax(layer: Any, inputs: Any, kwargs: Any) -> list[Any]:
    import jax

    state = [v.value for v in layer.non_trainable_variables]

    def loss(trainable: list[Any]) -> Any:
        return loss_of(layer.stateless_call(trainable, state, ops.convert_to_tensor(inputs), **kwargs)[0])

    return list(jax.jit(jax.grad(loss))([v.value for v in layer.trainable_variables]))


def _torch(layer: Any, inputs: Any, kwargs: Any) -> list[Any]:
    for variable in layer.trainable_variables:
        variable.value.grad = None
    loss_of(layer(inputs, **kwargs)).backward()
    return [variable.value.grad for variable in layer.trainable_variables]
