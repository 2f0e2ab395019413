"""Normalization between a lowered convolution and its ReLU, against Keras's own layers."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from wncompare.layers import MeanOnlyBatchNormalization
from wncompare.nn.training.lowering import choose_execution, forward

from .test_lowering import images, lowered_count, small

Layer = keras.layers.Layer

NORMS: dict[str, Callable[..., Layer]] = {
    "batch": layers.BatchNormalization,
    "mean only": lambda momentum, **options: MeanOnlyBatchNormalization(momentum=momentum),
    "one group": lambda momentum, **options: layers.GroupNormalization(groups=1, **options),
    "two groups": lambda momentum, **options: layers.GroupNormalization(groups=2, **options),
    "a group a channel": lambda momentum, **options: layers.GroupNormalization(groups=-1, **options),
}


def network(size: tuple[int, int, int], kernel: tuple[int, int], norm: Layer, *, relu: bool = True) -> keras.Sequential:
    """A small classifier with a norm behind its convolution, whose γ, β and moving moments are random numbers."""
    behind = [layers.Activation("relu")] if relu else []
    model = small(size, layers.Conv2D(4, kernel, use_bias=False), norm, *behind, layers.MaxPooling2D(2))
    rng = np.random.default_rng(0)
    for variable in norm.variables:
        positive = "variance" in variable.name
        variable.assign(rng.uniform(0.5, 2, variable.shape) if positive else rng.normal(size=variable.shape))
    assert lowered_count(model) == 1
    return model


def step(model: keras.Model, x: np.ndarray, *, lowered: bool) -> list[np.ndarray]:
    """Predictions, loss and the loss's gradients by every trainable variable, op by op: nothing is compiled."""
    labels = np.arange(len(x)) % 3
    with tf.GradientTape() as tape:
        predicted = forward(model, lowered=lowered)(tf.constant(x), training=True)
        loss = keras.ops.mean(keras.losses.sparse_categorical_crossentropy(labels, predicted))
    gradients = tape.gradient(loss, [variable.value for variable in model.trainable_variables])
    return [np.asarray(value) for value in (predicted, loss, *gradients)]


def assert_same(model: keras.Model, norm: Layer, x: np.ndarray) -> None:
    """The lowered step equals the model's own to rounding: predictions, loss, gradients and what the norm adapts.

    Gradients are sums over all positions of numbers as large as the largest gradient, so that is what they round by.
    """
    before = [variable.numpy() for variable in norm.non_trainable_variables]
    results = []
    for lowered in (False, True):
        for variable, value in zip(norm.non_trainable_variables, before, strict=True):
            variable.assign(value)
        found = step(model, x, lowered=lowered)
        results.append((found, [variable.numpy() for variable in norm.non_trainable_variables]))
    (own, moved), (mine, moved_too) = results
    largest = max(np.abs(gradient).max() for gradient in own[2:])
    for theirs, ours in zip(own, mine, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=2e-6 + 2e-5 * largest)
    for theirs, ours, value in zip(moved, moved_too, before, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
        assert norm.trainable is not np.array_equal(ours, value)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    height=st.integers(6, 15),
    width=st.integers(6, 15),
    kernel=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    channels=st.integers(1, 4),
    norm=st.sampled_from(list(NORMS)),
    options=st.fixed_dictionaries(
        {
            "scale": st.booleans(),
            "center": st.booleans(),
            "epsilon": st.sampled_from([1e-3, 0.5]),
            "momentum": st.sampled_from([0.5, 0.99]),
            "axis": st.sampled_from([-1, 3]),
        }
    ),
    relu=st.booleans(),
    frozen=st.booleans(),
    seed=st.integers(0, 9),
)
def test_lowered_equals_the_layers_for_any_sizes(
    height: int,
    width: int,
    kernel: tuple[int, int],
    channels: int,
    norm: str,
    options: dict[str, Any],
    relu: bool,
    frozen: bool,
    seed: int,
) -> None:
    """For any sizes, odd rows and columns that the pool drops included, and any options of the layer, also frozen."""
    keras.utils.set_random_seed(seed)
    layer = NORMS[norm](**options)
    model = network((height, width, channels), kernel, layer, relu=relu)
    layer.trainable = not frozen
    assert_same(model, layer, images((height, width, channels), seed))


@pytest.mark.parametrize("norm", NORMS)
def test_evaluation_takes_moments_as_the_layer_does(norm: str) -> None:
    """Outside training a batch's moments are not used, where there are moving ones, and those stay."""
    layer = NORMS[norm](momentum=0.9)
    model = network((13, 12, 2), (3, 4), layer)
    before = [variable.numpy() for variable in layer.variables]
    x = tf.constant(images((13, 12, 2)))
    predicted = forward(model, lowered=True)(x, training=False)
    np.testing.assert_allclose(predicted, model(x / 255, training=False), rtol=1e-5, atol=1e-6)
    for variable, value in zip(layer.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)


def test_a_channel_that_is_turned_round_gives_its_least_value_to_the_pool() -> None:
    """Where γ is negative the maximum is of the normalized values: batch norm before a pool is no pool before it."""
    layer = layers.BatchNormalization(gamma_initializer=keras.initializers.Constant(-1.0))
    model = small((8, 8, 1), layers.Conv2D(1, 1, kernel_initializer="ones"), layer, layers.MaxPooling2D(2))
    x = images((8, 8, 1))
    z = x[..., 0].astype(np.float64) / 255
    y = -(z - z.mean()) / np.sqrt(z.var() + layer.epsilon)
    pooled = y.reshape(4, 4, 2, 4, 2).max((2, 4))
    predicted = forward(model, lowered=True)(tf.constant(x), training=True)
    logits = pooled.reshape(4, -1) @ model.layers[-1].kernel.numpy()
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(predicted, expected, rtol=1e-4)


@pytest.mark.parametrize("norm", ["batch", "one group"])
def test_a_bias_before_a_norm_counts(norm: str) -> None:
    """A convolution's own bias is added before moments are taken, and moves the moving mean."""
    keras.utils.set_random_seed(2)
    layer = NORMS[norm](momentum=0.5)
    conv = layers.Conv2D(4, 3, bias_initializer="normal")
    model = small((9, 9, 2), conv, layer, layers.Activation("relu"), layers.MaxPooling2D(2))
    assert lowered_count(model) == 1
    assert_same(model, layer, images((9, 9, 2)))


NOT_LOWERED = {
    "moments of rows": [layers.BatchNormalization(axis=1)],
    "renormalization": [layers.BatchNormalization(renorm=True)],
    "moments over replicas": [layers.BatchNormalization(synchronized=True)],
    "a norm of another kind": [layers.LayerNormalization()],
    "two norms": [layers.BatchNormalization(), layers.BatchNormalization()],
    "a norm behind the ReLU": [layers.Activation("relu"), layers.BatchNormalization()],
    "another activation": [layers.BatchNormalization(), layers.Activation("tanh")],
    "a regularized norm": [layers.BatchNormalization(activity_regularizer="l2")],
    "a norm of mixed precision": [layers.BatchNormalization(dtype="mixed_bfloat16")],
    "something between": [layers.BatchNormalization(), layers.Dropout(0.5), layers.Activation("relu")],
}


@pytest.mark.parametrize("between", NOT_LOWERED.values(), ids=NOT_LOWERED.keys())
def test_what_is_not_known_is_called_as_it_is(between: list[Layer]) -> None:
    """Whatever else is between convolution and pool leaves them to TensorFlow, whose kernels XLA would not use."""
    model = small((12, 12, 3), layers.Conv2D(4, 3), *between, layers.MaxPooling2D(2))
    assert lowered_count(model) == 0
    assert not choose_execution(model, images((12, 12, 3))).xla


def test_a_subclass_may_compute_anything() -> None:
    """A class of one's own below a layer of Keras's is not taken for it."""

    class Doubled(layers.BatchNormalization):
        def call(self, inputs: Any, **options: Any) -> Any:
            return 2 * super().call(inputs, **options)

    assert lowered_count(small((12, 12, 3), layers.Conv2D(4, 3), Doubled(), layers.MaxPooling2D(2))) == 0


def test_many_channels_are_left_to_tensorflow() -> None:
    """From 16 input channels on its own kernels are faster than a product and a normalization."""

    def count(channels: int) -> int:
        stack = [layers.Conv2D(4, 3), layers.BatchNormalization(), layers.MaxPooling2D(2)]
        return lowered_count(small((10, 10, channels), *stack))

    assert [count(15), count(16)] == [1, 0]
