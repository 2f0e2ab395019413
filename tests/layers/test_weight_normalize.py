"""Weight normalization of whole models, and the two other layers that the variants need."""

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from wncompare.layers import MeanOnlyBatchNormalization, WeightNormalization, WeightStandardization, weight_normalize

from .support import CASES, Case, gradients, inner_axes, randomize, value


def branched() -> keras.Model:
    """A functional model with branches, a submodel, a shared layer, an operation and a layer of every kind."""
    inputs = keras.Input((6, 4), name="x")
    sub = keras.Sequential([keras.Input((6, 4)), layers.Conv1D(5, 3, name="conv"), layers.ReLU()], name="sub")
    shared = layers.Dense(4, name="shared")
    sequence = layers.Bidirectional(layers.LSTM(3), name="both")(shared(shared(inputs)))
    pooled = layers.GlobalAveragePooling1D()(sub(inputs))
    outputs = layers.Dense(2, name="last")(layers.Concatenate()([sequence, pooled * 2.0]))
    return keras.Model(inputs, outputs, name="branched")


def test_every_kernel_is_wrapped_and_the_function_kept(rng: np.random.Generator) -> None:
    """Functional structure, submodels, sharing, names and values stay; the given model is not touched."""
    model = branched()
    randomize(model.trainable_variables, rng)
    x = rng.normal(size=(3, 6, 4)).astype("float32")
    new = weight_normalize(model, False)
    np.testing.assert_allclose(value(new(x)), value(model(x)), rtol=1e-4, atol=1e-5)
    wrapped = {layer.name for layer in new.layers if isinstance(layer, WeightNormalization)}
    assert wrapped == {"shared", "both", "last"}
    assert isinstance(new.get_layer("sub"), keras.Sequential)
    assert isinstance(new.get_layer("sub").get_layer("conv"), WeightNormalization)
    assert [layer.name for layer in new.layers] == [layer.name for layer in model.layers]
    before = value(model(x))
    randomize(new.trainable_variables, rng)
    np.testing.assert_array_equal(value(model(x)), before)


def test_the_compiled_state_is_kept() -> None:
    """A compiled model stays compiled with the same settings."""
    model = keras.Sequential([keras.Input((4,)), layers.Dense(2)])
    model.compile(keras.optimizers.Adam(0.5), "mse")
    new = weight_normalize(model)
    assert new.compiled
    np.testing.assert_allclose(value(new.optimizer.learning_rate), 0.5)


def attention() -> keras.Model:
    """A model with kernels that cannot be reached."""
    inputs = keras.Input((6, 4))
    attended = layers.MultiHeadAttention(2, 2, name="attention")(inputs, inputs)
    return keras.Model(inputs, layers.Dense(2, name="last")(attended))


def own() -> keras.Model:
    """A subclassed model."""

    class Own(keras.Model):
        def __init__(self) -> None:
            super().__init__(name="own")
            self.dense = layers.Dense(2)

        def call(self, inputs: Any) -> Any:
            return self.dense(inputs)

    model = Own()
    model(np.zeros((1, 3), "float32"))
    return model


@pytest.mark.parametrize(
    ("make", "skip", "message"),
    [
        (attention, [], r"Layer 'attention' of type MultiHeadAttention has kernels .* skip=\['attention'\]"),
        (own, [], "Cannot rebuild model 'own' of type Own: expected a Sequential or functional model"),
        (branched, ["lasst"], r"Unknown layers in skip: \['lasst'\]; the model has .*'last'"),
        (lambda: keras.Sequential([keras.Input((4,)), layers.ReLU()]), [], "has no layer to weight-normalize"),
        (lambda: keras.Sequential([layers.Dense(4)], name="unbuilt"), [], "Cannot rebuild model 'unbuilt'"),
    ],
)
def test_models_that_are_refused(make: Any, skip: list[str], message: str) -> None:
    """A model is wrapped as asked or not at all; the message names the layer and the way out."""
    with pytest.raises(ValueError, match=message):
        weight_normalize(make(), skip=skip)


def test_skipped_layers_stay_plain(rng: np.random.Generator) -> None:
    """Layers in `skip`, attention too, are copied as they are."""
    model = attention()
    new = weight_normalize(model, False, skip=["attention"])
    x = rng.normal(size=(2, 6, 4)).astype("float32")
    np.testing.assert_allclose(value(new(x)), value(model(x)), rtol=1e-4, atol=1e-6)


def test_weight_normalizing_again_changes_nothing(rng: np.random.Generator) -> None:
    """Wrapped layers are not wrapped twice."""
    model = weight_normalize(branched(), False)
    again = weight_normalize(model, False)
    assert [(v.name, v.shape) for v in again.variables] == [(v.name, v.shape) for v in model.variables]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_weight_standardization(case: Case, rng: np.random.Generator) -> None:
    """w = g · (v − μ) / √(N (σ² + ε)) in float64, g starts so that w = v − μ, and everything gets a finite gradient."""
    inputs = case.inputs(rng)
    layer = WeightStandardization(case.make(), epsilon=0.01)
    layer(inputs)
    for name, axes in case.axes.items():
        v = value(layer.v[name])
        centred = v - v.mean(inner_axes(v, axes), keepdims=True)
        np.testing.assert_allclose(value(layer.folded()[name]), centred, rtol=1e-4, atol=1e-6)
    randomize(layer.trainable_variables, rng)
    for name, axes in case.axes.items():
        v, inner = value(layer.v[name]), inner_axes(value(layer.v[name]), axes)
        size = np.prod([v.shape[axis] for axis in inner])
        scale = np.sqrt(size * (v.var(inner, keepdims=True) + 0.01))
        expected = value(layer.g[name]).reshape(scale.shape) * (v - v.mean(inner, keepdims=True)) / scale
        np.testing.assert_allclose(value(layer.folded()[name]), expected, rtol=1e-4, atol=1e-5)
    for path, gradient in gradients(layer, inputs).items():
        assert np.isfinite(gradient).all(), path


def test_mean_only_batch_normalization(rng: np.random.Generator) -> None:
    """y = x − μ + β in closed form: batch mean in training, moving mean in inference, as its momentum says."""
    x = (rng.normal(size=(8, 5, 5, 3)) * 4 + 2).astype("float32")
    layer = MeanOnlyBatchNormalization(momentum=0.75)
    layer.build(x.shape)
    layer.beta.assign([1.0, 2.0, 3.0])
    mean = x.astype("float64").mean((0, 1, 2))
    np.testing.assert_allclose(value(layer(x, training=True)), x - mean + [1, 2, 3], atol=1e-5)
    np.testing.assert_allclose(value(layer.moving_mean), 0.25 * mean, rtol=1e-5)
    np.testing.assert_allclose(value(layer(x, training=False)), x - 0.25 * mean + [1, 2, 3], atol=1e-5)
    assert len(layer.trainable_variables) == 1
    assert sum(int(np.prod(v.shape)) for v in layer.non_trainable_variables) == 3


def test_mean_only_batch_normalization_on_another_axis(rng: np.random.Generator) -> None:
    """Channels may come first; its mean is float32 under mixed precision; a frozen layer uses the moving mean."""
    x = (rng.normal(size=(8, 3, 5)) + 2).astype("float32")
    layer = MeanOnlyBatchNormalization(axis=1)
    np.testing.assert_allclose(value(layer(x, training=True)).mean((0, 2)), 0, atol=1e-6)
    half = MeanOnlyBatchNormalization(axis=1, dtype="mixed_float16")
    np.testing.assert_allclose(value(half(100 * x, training=True)).mean((0, 2)), 0, atol=0.1)
    layer.trainable = False
    np.testing.assert_allclose(value(layer(x, training=True)), x - value(layer.moving_mean)[:, None], atol=1e-5)


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
def test_mean_only_batch_normalization_subtracts_in_float32(dtype: str) -> None:
    """Where β and the mean are near 100 their difference of 0.1, less than half precision has there, is not lost."""
    layer = MeanOnlyBatchNormalization(dtype=dtype)
    layer.build((None, 3))
    layer.beta.assign([100.1, 100.2, 100.3])
    layer.moving_mean.assign([100.0, 100.0, 100.0])
    assert keras.backend.standardize_dtype(layer(np.zeros((2, 3), "float32")).dtype) == dtype.removeprefix("mixed_")
    np.testing.assert_allclose(value(layer(np.zeros((2, 3), "float32"))), [[0.1, 0.2, 0.3]] * 2, rtol=4e-3)


def test_momentum_is_checked() -> None:
    """A momentum of 1 would never move."""
    with pytest.raises(ValueError, match="Invalid momentum=1: expected a number from 0 to below 1"):
        MeanOnlyBatchNormalization(momentum=1)
