"""The lowered forward pass against the Keras model that it stands for."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from wncompare.layers import WeightNormalization, WeightStandardization
from wncompare.nn.training.lowering import MAX_PATCH, ConvPool, choose_execution, forward, lower


def small(size: tuple[int, int, int], *stack: keras.layers.Layer) -> keras.Sequential:
    """A classifier of 3 classes behind a stack of layers."""
    return keras.Sequential([keras.Input(size), *stack, layers.Flatten(), layers.Dense(3, activation="softmax")])


def lenet(wrap: Any = lambda layer: layer) -> keras.Sequential:
    """LeNet, each layer that has a kernel wrapped."""
    return keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            wrap(layers.Conv2D(6, 5, activation="relu")),
            layers.MaxPooling2D(2),
            wrap(layers.Conv2D(16, 5, activation="relu")),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            wrap(layers.Dense(120, activation="relu")),
            wrap(layers.Dense(84, activation="relu")),
            wrap(layers.Dense(10, activation="softmax")),
        ]
    )


def weight_norm(layer: keras.layers.Layer) -> keras.layers.Layer:
    """The layer weight-normalized, computing what it did."""
    return WeightNormalization(layer, data_init=False)


def images(size: tuple[int, int, int], seed: int = 0, n: int = 4, levels: int = 256) -> np.ndarray:
    """Random uint8 images; with few levels, neighbouring windows are often equal and maxima tied."""
    rng = np.random.default_rng(seed)
    return (rng.integers(0, levels, (n, *size)) * (255 // (levels - 1))).astype(np.uint8)


def replicated(size: tuple[int, int, int], times: int, seed: int = 0) -> np.ndarray:
    """Random uint8 images of two levels, each pixel repeated `times` × `times`: almost every maximum is tied."""
    few = images((-(-size[0] // times), -(-size[1] // times), size[2]), seed, levels=2)
    return few.repeat(times, 1).repeat(times, 2)[:, : size[0], : size[1]]


def outputs_and_gradients(model: keras.Model, x: np.ndarray, *, lowered: bool) -> list[np.ndarray]:
    """Return predictions, loss and the loss's gradients by every trainable variable, compiled as in training."""
    predict = forward(model, lowered=lowered)
    labels = np.eye(model.output_shape[-1], dtype=np.float32)[np.arange(len(x)) % model.output_shape[-1]]

    @tf.function(jit_compile=lowered, autograph=False)
    def run(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            y_pred = predict(x, training=True)
            loss = keras.ops.mean(keras.losses.categorical_crossentropy(y, y_pred))
        return y_pred, loss, tape.gradient(loss, [variable.value for variable in model.trainable_variables])

    return [np.asarray(value) for value in tf.nest.flatten(run(tf.constant(x), tf.constant(labels)))]


def assert_same(model: keras.Model, x: np.ndarray) -> None:
    """The lowered pass equals the model's own to float32 rounding; gradients relative to their largest entry."""
    for own, mine in zip(*(outputs_and_gradients(model, x, lowered=lowered) for lowered in (False, True)), strict=True):
        np.testing.assert_allclose(mine, own, rtol=1e-4, atol=2e-6 + 2e-6 * np.abs(own).max())


def lowered_count(model: keras.Model) -> int:
    """How many blocks of a model are lowered."""
    return sum(isinstance(stage, ConvPool) for stage in lower(model))


@settings(max_examples=10, deadline=None, derandomize=True)
@given(
    height=st.integers(6, 17),
    width=st.integers(6, 17),
    kernel=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    channels=st.integers(1, 4),
    filters=st.integers(1, 5),
    relu=st.sampled_from(["relu", "linear"]),
    bias=st.booleans(),
    batch=st.sampled_from([1, 3, 4, 8]),
    seed=st.integers(0, 9),
)
def test_lowered_equals_the_model_for_any_sizes(
    height: int,
    width: int,
    kernel: tuple[int, int],
    channels: int,
    filters: int,
    relu: str,
    bias: bool,
    batch: int,
    seed: int,
) -> None:
    """For any image, kernel and batch size and channel count, predictions, loss and gradients equal the model's own."""
    keras.utils.set_random_seed(seed)
    size = (height, width, channels)
    conv = layers.Conv2D(filters, kernel, activation=relu, use_bias=bias, bias_initializer="normal")
    model = small(size, conv, layers.MaxPooling2D(2))
    assert lowered_count(model) == 1
    assert_same(model, images(size, seed, n=batch))


@settings(max_examples=3, deadline=None, derandomize=True)
@given(
    kernel=st.integers(2, 5),
    channels=st.integers(1, 4),
    filters=st.integers(1, 5),
    times=st.sampled_from([2, 4, 16]),
    seed=st.integers(0, 9),
)
def test_tied_maxima_send_their_gradient_where_keras_does(
    kernel: int, channels: int, filters: int, times: int, seed: int
) -> None:
    """With ties at nearly every maximum, in two lowered blocks, gradients still equal the model's own."""
    keras.utils.set_random_seed(seed)
    size = (20, 22, channels)
    first = layers.Conv2D(filters, kernel, activation="relu", bias_initializer="normal")
    second = layers.Conv2D(4, 3, activation="linear")
    model = small(size, first, layers.MaxPooling2D(2), second, layers.MaxPooling2D(2))
    assert lowered_count(model) == 2
    assert_same(model, replicated(size, times, seed))


def test_constant_images_through_the_widest_lowered_layer() -> None:
    """Where all windows are equal, at the most channels that are lowered, gradients still equal the model's own."""
    keras.utils.set_random_seed(0)
    size = (24, 24, 3)
    model = small(
        size,
        layers.Conv2D(MAX_PATCH // 36, 5, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(8, 5),
        layers.MaxPooling2D(2),
    )
    assert lowered_count(model) == 2
    assert_same(model, np.full((4, *size), 200, np.uint8))


@pytest.mark.parametrize("wrap", [lambda layer: layer, weight_norm, WeightStandardization])
def test_lenet_lowered_equals_the_model(wrap: Any) -> None:
    """LeNet, plain and with kernels of v and g: two blocks are lowered, and gradients reach both the same."""
    keras.utils.set_random_seed(1)
    model = lenet(wrap)
    assert lowered_count(model) == 2
    assert_same(model, images((32, 32, 3), n=8))


def test_saturated_softmax_keeps_its_loss() -> None:
    """The loss comes from logits, as in Keras: a softmax that underflows to 0 gives the same finite loss."""
    model = lenet()
    model.layers[-1].kernel.assign(200 * model.layers[-1].kernel)
    x = images((32, 32, 3), n=8)
    own, mine = (outputs_and_gradients(model, x, lowered=lowered)[1] for lowered in (False, True))
    assert own > 17  # -log of Keras's epsilon is 16.1: this comes from logits
    np.testing.assert_allclose(mine, own, rtol=1e-4)


def test_relu_as_a_layer_of_its_own() -> None:
    """Conv2D, Activation("relu"), MaxPooling2D are lowered as one."""
    model = small((12, 12, 2), layers.Conv2D(3, 3), layers.Activation("relu"), layers.MaxPooling2D(2))
    assert lowered_count(model) == 1
    assert_same(model, images((12, 12, 2)))


SIZE = (16, 16, 4)
OTHER_STACKS = {
    "same padding": [layers.Conv2D(4, 3, padding="same", activation="relu"), layers.MaxPooling2D(2)],
    "stride 2": [layers.Conv2D(4, 3, strides=2, activation="relu"), layers.MaxPooling2D(2)],
    "dilation": [layers.Conv2D(4, 3, dilation_rate=2, activation="relu"), layers.MaxPooling2D(2)],
    "groups": [layers.Conv2D(4, 3, groups=2, activation="relu"), layers.MaxPooling2D(2)],
    "another activation": [layers.Conv2D(4, 3, activation="tanh"), layers.MaxPooling2D(2)],
    "an activity regularizer": [layers.Conv2D(4, 3, activity_regularizer="l2"), layers.MaxPooling2D(2)],
    "a regularized activation": [
        layers.Conv2D(4, 3),
        layers.Activation("relu", activity_regularizer="l1"),
        layers.MaxPooling2D(2),
    ],
    "a regularized pool": [layers.Conv2D(4, 3), layers.MaxPooling2D(2, activity_regularizer="l1")],
    "a regularized wrapper": [
        WeightNormalization(layers.Conv2D(4, 3), data_init=False, activity_regularizer="l1"),
        layers.MaxPooling2D(2),
    ],
    "a pool of mixed precision": [layers.Conv2D(4, 3), layers.MaxPooling2D(2, dtype="mixed_bfloat16")],
    "pool 3": [layers.Conv2D(4, 3, activation="relu"), layers.MaxPooling2D(3)],
    "overlapping pool": [layers.Conv2D(4, 3, activation="relu"), layers.MaxPooling2D(2, strides=1)],
    "padded pool": [layers.Conv2D(4, 3, activation="relu"), layers.MaxPooling2D(2, padding="same")],
    "average pool": [layers.Conv2D(4, 3, activation="relu"), layers.AveragePooling2D(2)],
    "no pool": [layers.Conv2D(4, 3, activation="relu")],
    "something between": [layers.Conv2D(4, 3), layers.Dropout(0.5), layers.MaxPooling2D(2)],
    "mixed precision": [layers.Conv2D(4, 3, dtype="mixed_bfloat16"), layers.MaxPooling2D(2)],
    "a patch too large to add in one order": [layers.Conv2D(4, 9), layers.MaxPooling2D(2)],
    "a depthwise convolution": [layers.DepthwiseConv2D(3), layers.MaxPooling2D(2)],
    "wrapped, waiting for its first batch": [
        WeightNormalization(layers.Conv2D(4, 3, activation="relu"), data_init=True),
        layers.MaxPooling2D(2),
    ],
}


@pytest.mark.parametrize("stack", OTHER_STACKS.values(), ids=OTHER_STACKS.keys())
def test_nothing_else_is_lowered(stack: list[keras.layers.Layer]) -> None:
    """Whatever differs from Conv2D (stride 1, valid) → ReLU → MaxPooling2D(2) is called as the layer it is."""
    assert lowered_count(small(SIZE, *stack)) == 0


def test_only_sequential_models_are_lowered() -> None:
    """A functional graph keeps its own call."""
    inputs = keras.Input((12, 12, 2))
    x = layers.MaxPooling2D(2)(layers.Conv2D(3, 3, activation="relu")(inputs))
    assert lower(keras.Model(inputs, layers.Flatten()(x))) == ()


def test_layers_around_a_lowered_block_are_called_as_they_are() -> None:
    """Layers before, between and after lowered blocks see what they would in the model."""
    size = (18, 16, 3)
    model = small(
        size,
        layers.Rescaling(2.0, offset=-1.0),
        layers.Conv2D(4, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.BatchNormalization(),
        layers.Conv2D(5, 2, activation="relu"),
        layers.MaxPooling2D(2),
    )
    assert lowered_count(model) == 2
    assert_same(model, images(size))


@pytest.mark.parametrize(
    ("stack", "xla"),
    [
        ([layers.Conv2D(4, 3, activation="relu"), layers.MaxPooling2D(2)], True),
        ([layers.Dense(4)], True),
        ([layers.Conv2D(4, 3), layers.BatchNormalization(), layers.MaxPooling2D(2)], True),
        ([layers.Conv2D(4, 3), layers.LayerNormalization(), layers.MaxPooling2D(2)], False),
        ([layers.Conv2D(4, 3, activation="relu"), layers.MaxPooling2D(2), layers.DepthwiseConv2D(2)], False),
    ],
    ids=["all lowered", "no convolution", "with its norm", "none lowered", "one left"],
)
def test_a_convolution_that_is_left_keeps_xla_away(stack: list[keras.layers.Layer], xla: bool) -> None:
    """On a CPU, XLA compiles a model only if no convolution is left to it; otherwise the model's own call runs."""
    model = small(SIZE, *stack)
    chosen = choose_execution(model, images(SIZE))
    assert chosen.xla is xla
    x = tf.constant(images(SIZE))
    np.testing.assert_allclose(chosen.forward(x, training=False), model(x / 255), rtol=1e-5, atol=1e-6)
