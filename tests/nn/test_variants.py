"""One harness over every variant: each builds, keeps what it should, trains, is saved and is folded to plain Keras."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

from wncompare.catalog.variants import VARIANTS
from wncompare.errors import ModelError
from wncompare.layers import fold

from .networks import NAMED

OPTIONS: dict[str, list[dict[str, Any]]] = {
    "regular": [{"data_init": False}, {"data_init": True}],
    "weight_norm": [{"data_init": False}, {"data_init": True}, {"data_init": "tfa"}],
    "batch_norm": [{"momentum": 0.9, "epsilon": 1e-3}, {"momentum": 0.9, "epsilon": 1e-3, "outputs": False}],
    "mean_only_batch_norm": [{"momentum": 0.9}],
    "weight_norm_mean_only_batch_norm": [{"momentum": 0.9, "data_init": True}, {"momentum": 0.9, "data_init": False}],
    "layer_norm": [{"epsilon": 1e-3}],
    "weight_standardization": [{"epsilon": 1e-5}],
}
ARMS = [(name, options) for name, choices in OPTIONS.items() for options in choices]
each_arm = pytest.mark.parametrize(("name", "options"), ARMS, ids=lambda x: x if isinstance(x, str) else str(x))


def sequential() -> keras.Sequential:
    """A small LeNet."""
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(4, 3, activation="relu", name="conv"),
            layers.MaxPooling2D(name="pool"),
            layers.Flatten(name="flat"),
            layers.Dense(6, activation="tanh", bias_initializer="ones", name="hidden"),
            layers.Dense(3, activation="softmax", name="logits"),
        ],
        name="small",
    )


def functional() -> keras.Model:
    """A functional model with a skip connection, a submodel and a recurrent layer."""
    inputs = keras.Input((8, 8, 3))
    block = keras.Sequential(
        [keras.Input((8, 8, 3)), layers.Conv2D(3, 3, padding="same", activation="relu", name="conv")], name="block"
    )
    x = layers.Add()([inputs, block(inputs)])
    x = layers.DepthwiseConv2D(3, activation="relu", name="depthwise")(x)
    x = layers.LSTM(5, name="lstm")(layers.Reshape((2, 54))(x))
    return keras.Model(inputs, layers.Dense(3, activation="softmax", name="logits")(x), name="mixed")


@pytest.fixture
def images() -> np.ndarray:
    """An initialization batch."""
    keras.utils.set_random_seed(3)
    return np.random.default_rng(3).random((48, 8, 8, 3)).astype("float32")


def vary(name: str, options: dict[str, Any], model: keras.Model, images: np.ndarray) -> keras.Model:
    """The variant of a model."""
    return VARIANTS[name].load()(model, SimpleNamespace(**{"outputs": None, **options}), images)


def value(tensor: Any) -> np.ndarray:
    """A variable's or tensor's value."""
    return np.asarray(ops.convert_to_numpy(ops.copy(tensor)))


def by_name(model: keras.Model) -> dict[str, keras.layers.Layer]:
    """All layers of a model and its submodels by name."""
    found = {}
    for layer in model.layers:
        found |= by_name(layer) if isinstance(layer, keras.Model) else {layer.name: layer}
    return found


def test_every_variant_is_registered_and_tested() -> None:
    """The registry holds the variants of this harness, each documented with its source."""
    assert list(OPTIONS) == NAMED
    for name in NAMED:
        about = VARIANTS[name].load().__doc__
        assert about is not None, name
        assert "paper" in about or "arXiv" in about, name
        assert "Options:" in about, name


@each_arm
@pytest.mark.parametrize("build", [sequential, functional])
def test_trains_and_comes_back_from_its_file(
    name: str, options: dict[str, Any], build: Any, images: np.ndarray, tmp_path: Path
) -> None:
    """Each arm of each kind of model trains with a falling loss, is saved, loaded and folded with equal predictions."""
    model = vary(name, options, build(), images)
    assert isinstance(model, keras.Sequential) == (build is sequential)
    labels = np.arange(len(images)) % 3
    eager = keras.backend.backend() == "tensorflow"  # tracing and compiling each arm would take a minute
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", run_eagerly=eager)
    losses = [float(model.train_on_batch(images, labels)) for _ in range(6)]
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0]
    expected = value(model(images, training=False))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(value(loaded(images, training=False)), expected, atol=1e-5)
    if name == "layer_norm" and build is functional:  # with a recurrence
        with pytest.raises(ValueError, match="'lstm' of type RNN is layer-normalized inside"):
            fold(model)
        return
    folded = fold(model)
    np.testing.assert_allclose(value(folded(images, training=False)), expected, atol=1e-5)
    assert not [layer for layer in by_name(folded).values() if type(layer).__module__.startswith("wncompare")]


@each_arm
def test_keeps_the_seeds_kernels_names_and_shape(name: str, options: dict[str, Any], images: np.ndarray) -> None:
    """v is the seed's kernel in every arm but regular with data_init, layer names stay, Sequential stays Sequential."""
    regular = sequential()
    kernels = {key: value(layer.kernel) for key, layer in by_name(regular).items() if hasattr(layer, "kernel")}
    model = vary(name, options, regular, images)
    assert isinstance(model, keras.Sequential)
    assert model.name == "small"
    assert (model.input_shape, model.output_shape) == ((None, 8, 8, 3), (None, 3))
    found = by_name(model)
    assert [key for key in found if key in by_name(sequential())] == list(by_name(sequential()))
    if (name, options) == ("regular", {"data_init": True}):
        return
    for key, kernel in kernels.items():
        inner = getattr(found[key], "layer", found[key])
        np.testing.assert_array_equal(value(inner.kernel), kernel)


def test_without_data_init_weight_norm_is_the_regular_function(images: np.ndarray) -> None:
    """Regular and weight-normalized models of one seed agree at step 0."""
    regular = sequential()
    model = vary("weight_norm", {"data_init": False}, regular, images)
    np.testing.assert_allclose(value(model(images)), value(regular(images)), atol=1e-6)


def test_with_data_init_regular_and_weight_norm_agree(images: np.ndarray) -> None:
    """Both arms start from the same function, so their difference is the parameterization's alone."""
    first = sequential()
    model = vary("weight_norm", {"data_init": True}, first, images)
    regular = vary("regular", {"data_init": True}, first, images)
    np.testing.assert_allclose(value(model(images)), value(regular(images)), atol=2e-5)


@pytest.mark.parametrize(
    "name", ["batch_norm", "mean_only_batch_norm", "weight_norm_mean_only_batch_norm", "layer_norm"]
)
def test_normalization_sits_before_the_activation(name: str, images: np.ndarray) -> None:
    """Affine map without bias and activation, normalization, activation; layer norm spares the output layer."""
    model = vary(name, {"momentum": 0.9, "epsilon": 1e-3, "data_init": True}, sequential(), images)
    names = [layer.name for layer in model.layers]
    expected = ["conv", "conv_norm", "conv_activation", "pool", "flat", "hidden", "hidden_norm", "hidden_activation"]
    output = ["logits"] if name == "layer_norm" else ["logits", "logits_norm", "logits_activation"]
    assert names == expected + output
    inner = getattr(model.get_layer("hidden"), "layer", model.get_layer("hidden"))
    assert inner.bias is None
    assert inner.activation is keras.activations.linear
    assert model.get_layer("hidden_activation").activation is keras.activations.tanh


def test_normalized_values(images: np.ndarray) -> None:
    """What each normalization gives on the batch: moments over the batch by channel, or within each example."""
    x = {}
    for name in ("batch_norm", "mean_only_batch_norm", "weight_norm_mean_only_batch_norm", "layer_norm"):
        model = vary(name, {"momentum": 0.9, "epsilon": 1e-6, "data_init": True}, sequential(), images)
        x[name] = value(model.layers[1](model.layers[0](images), training=True)).astype("float64")
    for name in ("batch_norm", "mean_only_batch_norm", "weight_norm_mean_only_batch_norm"):
        np.testing.assert_allclose(x[name].mean((0, 1, 2)), 0, atol=1e-5)
    for name in ("batch_norm", "weight_norm_mean_only_batch_norm"):
        np.testing.assert_allclose(x[name].std((0, 1, 2)), 1, rtol=1e-3)
    assert (np.abs(x["mean_only_batch_norm"].std((0, 1, 2)) - 1) > 0.1).any()
    np.testing.assert_allclose(x["layer_norm"].mean((1, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(x["layer_norm"].std((1, 2, 3)), 1, rtol=1e-3)


def test_weight_standardization_centres_hidden_kernels(images: np.ndarray) -> None:
    """Every hidden kernel has mean 0 an output; the output layer is plain."""
    model = vary("weight_standardization", {"epsilon": 1e-5}, sequential(), images)
    np.testing.assert_allclose(value(model.get_layer("conv").folded()["kernel"]).mean((0, 1, 2)), 0, atol=1e-7)
    np.testing.assert_allclose(value(model.get_layer("hidden").folded()["kernel"]).mean(0), 0, atol=1e-7)
    assert type(model.get_layer("logits")) is layers.Dense


def test_recurrent_layers_are_weight_normalized_alone(images: np.ndarray) -> None:
    """Where no activation follows the kernel directly, the combined variant has weight normalization only."""
    model = vary("weight_norm_mean_only_batch_norm", {"momentum": 0.9}, functional(), images)
    names = [layer.name for layer in model.layers]
    assert "lstm" in names
    assert "lstm_norm" not in names
    assert set(model.get_layer("lstm").g) == {"kernel", "recurrent_kernel"}
    assert [layer.name for layer in model.get_layer("block").layers] == ["conv", "conv_norm", "conv_activation"]


def test_activity_regularizers_move_behind_the_activation(images: np.ndarray) -> None:
    """A penalty on a layer's output stays a penalty on that output."""
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3, "relu", activity_regularizer="l1", name="d")])
    new = vary("batch_norm", {"momentum": 0.9, "epsilon": 1e-3}, model, images)
    assert new.get_layer("d").activity_regularizer is None
    assert new.get_layer("d_activation").activity_regularizer is not None


@pytest.mark.parametrize("name", [name for name in OPTIONS if name != "regular"])
def test_a_model_without_kernels_is_a_model_error(name: str, images: np.ndarray) -> None:
    """A variant that would change nothing says so, in one line, with the variant's name."""
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Flatten()], name="flat")
    with pytest.raises(ModelError, match=f"Variant {name}: .*'flat' has no layer"):
        vary(name, {"data_init": False, "momentum": 0.9, "epsilon": 1e-3}, model, images)


def frozen_submodel() -> keras.layers.Layer:
    """A trained base, frozen as a whole."""
    base = keras.Sequential([keras.Input((6, 6, 2)), keras.layers.Conv2D(3, 3, activation="relu")])
    base.trainable = False
    return base


def frozen_kernel() -> keras.layers.Layer:
    """A kernel that is frozen by itself."""
    layer = keras.layers.Conv2D(3, 3, activation="relu")
    layer.build((None, 6, 6, 2))
    layer.kernel.trainable = False
    return layer


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize(
    "make",
    [
        lambda: keras.layers.Conv2D(3, 3, activation="relu", trainable=False),
        lambda: keras.layers.TimeDistributed(keras.layers.Conv1D(3, 3, trainable=False)),
        frozen_submodel,
        frozen_kernel,
    ],
)
def test_a_frozen_layer_stays_as_it_is(make: Any, name: str) -> None:
    """It computes what it did, and nothing in it is trained that was not before, in every variant."""
    first = make()
    head = keras.layers.Dense(3, activation="softmax", name="head")
    model = keras.Sequential([keras.Input((6, 6, 2)), first, keras.layers.Flatten(), head])
    first.set_weights([weight + 1 for weight in first.get_weights()])
    x = np.random.default_rng(0).normal(size=(16, 6, 6, 2)).astype("float32")
    expected, trained = keras.ops.convert_to_numpy(first(x)), len(first.trainable_variables)
    options = SimpleNamespace(data_init=name != "regular", momentum=0.9, epsilon=1e-3, outputs=None)
    if name in ("layer_norm", "weight_standardization"):  # not in the output layer, which alone is left
        with pytest.raises(ModelError, match="expected Dense or Conv layers that are trained"):
            VARIANTS[name].load()(model, options, x)
        return
    varied = VARIANTS[name].load()(model, options, x)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(varied.layers[0](x)), expected)
    assert len(varied.layers[0].trainable_variables) == trained
