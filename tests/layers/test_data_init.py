"""Data-dependent initialization: eq. 5–6 of Salimans & Kingma (2016), for one layer and layer after layer."""

from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers, ops

from wncompare.layers import MeanOnlyBatchNormalization, WeightNormalization, initialize_from_data, weight_normalize

from .support import AFFINE, BACKEND, CASES, Case, folded64, named, norm64, value

each_affine = pytest.mark.parametrize("case", named(*AFFINE), ids=lambda case: case.name)
BATCH = 64


def channels(outputs: np.ndarray, case: Case) -> np.ndarray:
    """A layer's outputs as (samples, channels); an EinsumDense here has its channels on the last two axes."""
    width = int(np.prod(outputs.shape[-2:])) if case.name.startswith("einsum") else outputs.shape[-1]
    return outputs.reshape(-1, width)


def without_activation(case: Case, **changes: Any) -> keras.layers.Layer:
    """The case's layer with a linear activation."""
    layer = case.make()
    if isinstance(layer, layers.TimeDistributed):
        return layer
    return type(layer).from_config({**layer.get_config(), "activation": "linear", **changes})


@each_affine
def test_pre_activations_start_with_mean_0_and_variance_1(case: Case, rng: np.random.Generator) -> None:
    """With kernels of any norm and any bias, each output of the layer has zero mean and unit variance on the batch."""
    inputs = 3 * case.inputs(rng, BATCH) + 1
    layer = WeightNormalization(without_activation(case))
    layer.build(inputs.shape)
    layer.v["kernel"].assign(rng.normal(size=layer.v["kernel"].shape) * 5)
    layer.kernels[0].owner.bias.assign(rng.normal(size=layer.kernels[0].owner.bias.shape))
    layer.initialize_from_batch(ops.convert_to_tensor(inputs))
    outputs = channels(value(layer(inputs)), case)
    np.testing.assert_allclose(outputs.mean(0), 0, atol=2e-5)
    np.testing.assert_allclose(outputs.std(0), 1, rtol=2e-5)


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_takes_moments_in_float32(dtype: str, rng: np.random.Generator) -> None:
    """Under a mixed policy g and b come from float32 responses: the values are those of a float32 layer."""
    inputs = (3 * rng.normal(size=(BATCH, 5)) + 1).astype("float16").astype("float32")
    kernel = rng.normal(size=(5, 4)) * 5
    found = []
    for policy in (dtype, "float32"):
        layer = WeightNormalization(layers.Dense(4, dtype=policy))
        layer.build(inputs.shape)
        layer.v["kernel"].assign(kernel)
        layer.initialize_from_batch(ops.convert_to_tensor(inputs))
        found.append((value(layer.g["kernel"]), value(layer.layer.bias)))
    for mixed, full in zip(*found, strict=True):
        np.testing.assert_allclose(mixed, full, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(5,), (3, 5)])
def test_values_are_the_papers(shape: tuple[int, ...], rng: np.random.Generator) -> None:
    """g = 1/σ[t] and b = −μ[t]/σ[t] with t = v·x/‖v‖, in closed form in float64."""
    inputs = (rng.normal(size=(BATCH, *shape)) + 2).astype("float32")
    layer = WeightNormalization(layers.Dense(4, activation="relu"))
    layer.build(inputs.shape)
    v = value(layer.v["kernel"])
    layer(inputs)
    t = (inputs.astype("float64") @ (v / norm64(v, (1,)))).reshape(-1, 4)
    np.testing.assert_allclose(value(layer.g["kernel"]), 1 / t.std(0), rtol=1e-5)
    np.testing.assert_allclose(value(layer.layer.bias), -t.mean(0) / t.std(0), rtol=1e-5)


def test_tfa_reproduces_the_old_layers_values(rng: np.random.Generator) -> None:
    """TensorFlow Addons took the moments of v·x + b, then divided by ‖v‖ as well: g = 1/√(σ² + 1e-10), b = −μ·g."""
    inputs = (rng.normal(size=(BATCH, 5)) + 2).astype("float32")
    layer = WeightNormalization(layers.Dense(4, bias_initializer="ones"), data_init="tfa")
    layer.build(inputs.shape)
    v = value(layer.v["kernel"])
    outputs = value(layer(inputs))
    x = inputs.astype("float64") @ v + 1
    gain = 1 / np.sqrt(x.var(0) + 1e-10)
    np.testing.assert_allclose(value(layer.g["kernel"]), gain, rtol=1e-5)
    np.testing.assert_allclose(value(layer.layer.bias), -x.mean(0) * gain, rtol=1e-5)
    np.testing.assert_allclose(outputs.std(0), 1 / norm64(v, (1,))[0], rtol=1e-4)


@given(offset=st.floats(-50, 50), scale=st.floats(1e-2, 1e3), kernel_scale=st.floats(1e-6, 1e6), seed=st.integers(0, 9))
@settings(deadline=None, max_examples=20, database=None)
def test_any_inputs_and_kernel_norms(offset: float, scale: float, kernel_scale: float, seed: int) -> None:
    """Mean 0 and variance 1 hold whatever the inputs' scale and offset and the kernel's norm."""
    rng = np.random.default_rng(seed)
    inputs = (scale * (rng.normal(size=(BATCH, 5)) + offset)).astype("float32")
    layer = WeightNormalization(layers.Dense(3))
    layer.build(inputs.shape)
    layer.v["kernel"].assign(kernel_scale * rng.normal(size=(5, 3)))
    outputs = value(layer(inputs))
    np.testing.assert_allclose(outputs.mean(0), 0, atol=2e-4)
    np.testing.assert_allclose(outputs.std(0), 1, rtol=2e-4)


def test_without_bias_only_the_scale_is_set(rng: np.random.Generator) -> None:
    """A layer without a bias for each of its outputs starts with unit variance; its mean stays where it is."""
    inputs = (rng.normal(size=(BATCH, 3, 5)) + 2).astype("float32")
    for inner in (layers.Dense(4, use_bias=False), layers.EinsumDense("abc,cd->abd", (3, 4), bias_axes="b")):
        layer = WeightNormalization(inner)
        outputs = value(layer(inputs)).reshape(-1, 4)
        np.testing.assert_allclose(outputs.std(0), 1, rtol=1e-4)
        assert (np.abs(outputs.mean(0)) > 1e-3).all()


def test_an_output_that_does_not_vary_keeps_its_scale(rng: np.random.Generator) -> None:
    """Where σ is below epsilon, g stays ‖v‖ and the bias stays; the other outputs are set as ever."""
    inputs = np.ones((BATCH, 5), "float32")
    inputs[:, 0] = rng.normal(size=BATCH)
    layer = WeightNormalization(layers.Dense(3, bias_initializer="ones"))
    layer.build(inputs.shape)
    v = rng.normal(size=(5, 3)) * 7
    v[0, 1], v[:, 2] = 0, 0
    layer.v["kernel"].assign(v)
    before = value(layer.layer(inputs))
    after = value(layer(inputs))
    np.testing.assert_allclose(after[:, 1:], before[:, 1:], rtol=1e-5)
    np.testing.assert_allclose(value(layer.layer.bias)[1:], 1)
    np.testing.assert_allclose(after[:, 0].std(), 1, rtol=1e-5)


@pytest.mark.parametrize("case", [c for c in CASES if c.name not in AFFINE], ids=lambda case: case.name)
def test_other_layers_start_with_the_norm(case: Case, rng: np.random.Generator) -> None:
    """Recurrent layers, Embedding and separable convolutions get g = ‖v‖, as with data_init=False, and no state."""
    inputs = case.inputs(rng)
    layer = WeightNormalization(case.make())
    np.testing.assert_allclose(value(layer(inputs)), value(layer.layer(inputs)), rtol=2e-5, atol=2e-6)
    assert layer.non_trainable_weights == []


def convnet() -> keras.Sequential:
    """A small image classifier with every kind of thing between its layers."""
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(4, 3, activation="relu", name="first"),
            layers.MaxPooling2D(),
            layers.Dropout(0.5),
            layers.Flatten(),
            layers.Dense(6, activation="tanh", name="second"),
            layers.Dense(3, activation="softmax", name="third"),
        ],
        name="convnet",
    )


def conv64(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """A valid convolution in float64."""
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[:2], axis=(1, 2))
    return np.einsum("bhwcij,ijco->bhwo", windows, w)


def closed_form(model: keras.Model, images: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Gain and bias of each layer of `convnet`, layer after layer, in float64."""
    values = []
    x = images.astype("float64")
    for name in ("first", "second", "third"):
        v = value(model.get_layer(name).kernel)
        axes = (v.ndim - 1,)
        t = conv64(x, v / norm64(v, axes)) if v.ndim == 4 else x @ (v / norm64(v, axes))
        flat = t.reshape(-1, t.shape[-1])
        values.append((1 / flat.std(0), -flat.mean(0) / flat.std(0)))
        x = (t - flat.mean(0)) / flat.std(0)
        if name == "first":
            x = np.maximum(x, 0).reshape(len(x), 3, 2, 3, 2, 4).max((2, 4)).reshape(len(x), -1)
        else:
            x = np.tanh(x)
    return values


def test_a_model_is_initialized_layer_after_layer(rng: np.random.Generator) -> None:
    """Each layer sees what the initialized layers before it give; in closed form in float64; dropout is off."""
    images = rng.random((BATCH, 8, 8, 3)).astype("float32")
    regular = convnet()
    expected = closed_form(regular, images)
    model = weight_normalize(regular)
    initialize_from_data(model, images)
    for name, (gain, bias) in zip(("first", "second", "third"), expected, strict=True):
        layer = model.get_layer(name)
        np.testing.assert_allclose(value(layer.g["kernel"]), gain, rtol=1e-4)
        np.testing.assert_allclose(value(layer.layer.bias), bias, rtol=1e-4, atol=1e-5)
        assert not layer.waiting


def test_a_regular_model_gets_the_same_function(rng: np.random.Generator) -> None:
    """Without weight-normalized layers the plain kernels become g·v/‖v‖: the weight-normalized model's function."""
    images = rng.random((BATCH, 8, 8, 3)).astype("float32")
    regular = convnet()
    model = weight_normalize(regular)
    kernel = value(regular.get_layer("first").kernel)
    gain = closed_form(regular, images)[0][0]
    initialize_from_data(model, images)
    initialize_from_data(regular, images)
    np.testing.assert_allclose(value(regular.get_layer("first").kernel), folded64(kernel, gain, (3,)), rtol=1e-4)
    np.testing.assert_allclose(value(regular(images)), value(model(images)), atol=2e-5)


def test_functional_and_nested_models_and_shared_layers(rng: np.random.Generator) -> None:
    """Branches and submodels are initialized in the order of computation; a layer used twice keeps g = ‖v‖."""
    inputs = keras.Input((6,))
    shared = layers.Dense(6, name="shared")
    inner = keras.Sequential([keras.Input((6,)), layers.Dense(5, name="inner"), layers.ReLU()], name="sub")
    branches = layers.Concatenate()([inner(shared(inputs)), shared(layers.ReLU()(inputs))])
    model = weight_normalize(keras.Model(inputs, layers.Dense(2, name="last")(branches)))
    batch = rng.normal(size=(BATCH, 6)).astype("float32")
    before = value(model.get_layer("shared").g["kernel"])
    initialize_from_data(model, batch)
    outputs = value(model(batch))
    np.testing.assert_allclose(outputs.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(outputs.std(0), 1, rtol=1e-5)
    hidden = value(model.get_layer("sub").layers[0](model.get_layer("shared")(batch)))
    np.testing.assert_allclose(hidden.std(0), 1, rtol=1e-5)
    np.testing.assert_array_equal(value(model.get_layer("shared").g["kernel"]), before)
    assert not model.get_layer("shared").waiting


def test_subclassed_models_are_initialized_too(rng: np.random.Generator) -> None:
    """Layers are found inside layers and models of one's own, by what the forward pass calls."""

    class Block(keras.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.dense = WeightNormalization(layers.Dense(4))

        def call(self, inputs: Any) -> Any:
            return self.dense(inputs)

    class Own(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.block, self.last = Block(), WeightNormalization(layers.Dense(2))

        def call(self, inputs: Any) -> Any:
            return self.last(ops.relu(self.block(inputs)))

    model, batch = Own(), rng.normal(size=(BATCH, 5)).astype("float32")
    initialize_from_data(model, batch)
    np.testing.assert_allclose(value(model.block(batch)).std(0), 1, rtol=1e-5)
    np.testing.assert_allclose(value(model(batch)).std(0), 1, rtol=1e-5)


def test_what_is_left_alone(rng: np.random.Generator) -> None:
    """data_init=False, frozen layers, and plain layers beside weight-normalized ones keep their values."""
    kept = {
        "exact": WeightNormalization(layers.Dense(5, name="a"), data_init=False, name="exact"),
        "frozen": WeightNormalization(layers.Dense(5, trainable=False), name="frozen"),
        "plain": layers.Dense(5, name="plain"),
    }
    model = keras.Sequential([keras.Input((5,)), *kept.values(), WeightNormalization(layers.Dense(2))])
    before = {name: [value(x) for x in layer.weights if x.name != "initialized"] for name, layer in kept.items()}
    batch = rng.normal(size=(BATCH, 5)).astype("float32")
    initialize_from_data(model, batch)
    for name, layer in kept.items():
        now = [value(x) for x in layer.weights if x.name != "initialized"]
        for old, new in zip(before[name], now, strict=True):
            np.testing.assert_array_equal(old, new)
    np.testing.assert_allclose(value(model(batch)).std(0), 1, rtol=1e-5)


def test_mean_only_batch_norm_starts_at_the_batchs_mean(rng: np.random.Generator) -> None:
    """After initialization inference and training mode agree on the batch."""
    model = keras.Sequential(
        [
            keras.Input((5,)),
            WeightNormalization(layers.Dense(4, use_bias=False)),
            MeanOnlyBatchNormalization(),
            layers.ReLU(),
        ]
    )
    batch = (rng.normal(size=(BATCH, 5)) + 3).astype("float32")
    initialize_from_data(model, batch)
    np.testing.assert_allclose(value(model(batch, training=False)), value(model(batch, training=True)), atol=1e-5)


def test_first_eager_call_initializes_once(rng: np.random.Generator) -> None:
    """Called eagerly, the layer takes its first batch and no other; in inference mode it takes none."""
    batch, other = (rng.normal(size=(BATCH, 5)).astype("float32") * scale for scale in (1, 9))
    layer = WeightNormalization(layers.Dense(3))
    layer(other, training=False)
    assert layer.waiting
    layer(batch)
    assert not layer.waiting
    gain = value(layer.g["kernel"])
    layer(other, training=True)
    np.testing.assert_array_equal(value(layer.g["kernel"]), gain)


@pytest.mark.skipif(BACKEND == "jax", reason="JAX's steps drop the update")
def test_plain_fit_initializes_from_its_first_batch(rng: np.random.Generator) -> None:
    """Without a call before it, `fit` initializes from its first batch, as `initialize_from_data` does with it."""
    images = rng.random((BATCH, 8, 8, 3)).astype("float32")
    model = weight_normalize(convnet(), skip=["third"])
    reference = weight_normalize(convnet(), skip=["third"])
    reference.set_weights(model.get_weights())
    images2 = np.concatenate([images, 9 * images])
    initialize_from_data(reference, images)
    model.compile(keras.optimizers.SGD(0.0), "sparse_categorical_crossentropy")
    model.fit(images2, np.zeros(2 * BATCH, "int32"), batch_size=BATCH, shuffle=False, verbose=0)
    first, expected = model.get_layer("first"), reference.get_layer("first")
    np.testing.assert_allclose(value(first.g["kernel"]), value(expected.g["kernel"]), rtol=1e-4)
    np.testing.assert_allclose(value(first.layer.bias), value(expected.layer.bias), rtol=1e-4, atol=1e-5)
    assert not first.waiting


@pytest.mark.skipif(BACKEND != "jax", reason="the other backends initialize from the first batch")
def test_jax_refuses_to_train_uninitialized(rng: np.random.Generator) -> None:
    """A JAX training step says which call is missing, rather than train without the initialization."""
    model = weight_normalize(convnet())
    model.compile("sgd", "sparse_categorical_crossentropy")
    images, labels = rng.random((8, 8, 8, 3)).astype("float32"), np.zeros(8, "int32")
    with pytest.raises(ValueError, match=r"call wncompare.layers.initialize_from_data\(model, batch\)"):
        model.fit(images, labels, verbose=0)


def test_initialized_state_travels_with_the_weights(rng: np.random.Generator) -> None:
    """A clone that is given an initialized model's weights is initialized: `fit` does not change g."""
    images, labels = rng.random((BATCH, 8, 8, 3)).astype("float32"), np.zeros(BATCH, "int32")
    model = weight_normalize(convnet())
    initialize_from_data(model, images)
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    clone.compile(keras.optimizers.SGD(0.0), "sparse_categorical_crossentropy")
    clone.fit(9 * images, labels, verbose=0)
    np.testing.assert_array_equal(
        value(clone.get_layer("second").g["kernel"]), value(model.get_layer("second").g["kernel"])
    )
