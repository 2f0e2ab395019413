"""What a layer has adapted, computed or been given comes through every way of building a model anew, on any backend.

The reference is the given model itself: it is run before anything is made of it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

from wncompare.catalog.variants import VARIANTS
from wncompare.layers import WeightNormalization, fold, weight_normalize
from wncompare.nn.layers.copying import copied

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword")

Make = Callable[[np.ndarray], keras.layers.Layer]


@dataclass
class Power:
    """An exponent."""

    value: int


class Scaled(layers.Layer):
    """A layer whose constants are set after it is made, as plain attributes of several kinds."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shift = np.zeros(1, "float32")
        self._factor = 1.0
        self.table = {"power": 1, "of": [1.0]}
        self.tensor = ops.zeros(1)
        self.options = SimpleNamespace(power=Power(1))
        self.change = lambda inputs: inputs

    def call(self, inputs: Any) -> Any:
        """Of the inputs and of every constant."""
        centred = self.change(inputs - ops.convert_to_tensor(self.shift)) ** self.options.power.value
        return centred * self._factor ** self.table["power"] * self.table["of"][0] + self.tensor

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's."""
        return input_shape


class Remembering(layers.Layer):
    """A layer with Keras's contract for state: what it saves is no variable and no attribute that is plain data."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.state = SimpleNamespace(mean=0.0, words=["none"])

    def save_own_variables(self, store: Any) -> None:
        """Into the file of weights."""
        store["mean"] = np.array(self.state.mean)

    def load_own_variables(self, store: Any) -> None:
        """Out of it."""
        self.state.mean = float(store["mean"])

    def save_assets(self, folder: str) -> None:
        """Into a file of its own."""
        (Path(folder) / "words.txt").write_text("\n".join(self.state.words))

    def load_assets(self, folder: str) -> None:
        """Out of it."""
        self.state.words = (Path(folder) / "words.txt").read_text().split("\n")

    def call(self, inputs: Any) -> Any:
        """Of the inputs and of both."""
        return inputs - self.state.mean + len(self.state.words)


class Derived(layers.Layer):
    """A layer that computes what it uses from a variable, as Keras's preprocessing does."""

    def build(self, input_shape: Any) -> None:
        """One variable."""
        self.mean = self.add_weight(shape=(5,), trainable=False, name="mean")
        self.finalize_state()

    def finalize_state(self) -> None:
        """What `call` uses, as no data that could be copied."""
        offset = ops.convert_to_tensor(ops.convert_to_numpy(self.mean))
        self.subtract = lambda inputs: inputs - offset

    def call(self, inputs: Any) -> Any:
        """Centred."""
        return self.subtract(inputs)


def normalization(x: np.ndarray) -> layers.Layer:
    """Adapted to numbers far from 0 and 1."""
    layer = layers.Normalization()
    layer.adapt(x)
    return layer


def inverse(x: np.ndarray) -> layers.Layer:
    """The same the other way round."""
    layer = layers.Normalization(invert=True)
    layer.adapt(x)
    return layer


def discretization(x: np.ndarray) -> layers.Layer:
    """Adapted bins."""
    layer = layers.Discretization(num_bins=4, output_mode="multi_hot")
    layer.adapt(x)
    return layer


def scaled(x: np.ndarray) -> layers.Layer:
    """Constants set once the layer is there."""
    layer = Scaled()
    layer.shift, layer._factor, layer.table = x.mean(axis=0), 0.5, {"power": 2, "of": [3.0]}
    layer.tensor = ops.convert_to_tensor(x[0])
    layer.options.power, layer.change = Power(3), lambda inputs: inputs / 5
    return layer


def remembering(x: np.ndarray) -> layers.Layer:
    """State in a file of weights and in an asset."""
    layer = Remembering()
    layer.state = SimpleNamespace(mean=float(x.mean()), words=["a", "b", "c"])
    return layer


def derived(x: np.ndarray) -> layers.Layer:
    """State that follows from a variable."""
    layer = Derived()
    layer.build((None, 5))
    layer.mean.assign(x.mean(axis=0))
    layer.finalize_state()
    return layer


def submodel(x: np.ndarray) -> layers.Layer:
    """Adapted inside a model inside the model."""
    return keras.Sequential([keras.Input((5,)), keras.Sequential([keras.Input((5,)), normalization(x)])])


NUMBERS: list[Make] = [normalization, inverse, discretization, scaled, remembering, derived, submodel]


@pytest.fixture
def x() -> np.ndarray:
    """Inputs far from mean 0 and variance 1."""
    keras.utils.set_random_seed(5)
    return np.random.default_rng(5).normal(40, 13, (32, 5)).astype("float32")


def sequential(layer: layers.Layer) -> keras.Model:
    """The layer before Dense ones."""
    return keras.Sequential([keras.Input((5,)), layer, layers.Dense(3, activation="elu"), layers.Dense(2)])


def functional(layer: layers.Layer) -> keras.Model:
    """The layer shared by two branches."""
    inputs = keras.Input((5,))
    both = [layers.Dense(3, activation="relu")(layer(branch)) for branch in (inputs, layers.Rescaling(2.0)(inputs))]
    return keras.Model(inputs, layers.Dense(2)(layers.Concatenate()(both)))


def outputs(model: keras.Model, x: Any) -> np.ndarray:
    """What it predicts."""
    return np.array(ops.convert_to_numpy(model(x, training=False)))


def assert_same(found: np.ndarray, expected: np.ndarray) -> None:
    """Equal to rounding."""
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("build", [sequential, functional])
@pytest.mark.parametrize("make", NUMBERS)
def test_what_was_adapted_is_in_the_normalized_and_in_the_folded_model(make: Make, build: Any, x: np.ndarray) -> None:
    """`weight_normalize` without initialization, and `fold` of that, compute the same; the given model is untouched."""
    model = build(make(x))
    expected = outputs(model, x)
    normalized = weight_normalize(model, data_init=False)
    assert_same(outputs(normalized, x), expected)
    assert_same(outputs(fold(normalized), x), expected)
    np.testing.assert_array_equal(outputs(model, x), expected)
    assert not {id(variable) for variable in model.variables} & {id(variable) for variable in normalized.variables}


def test_a_variable_that_is_frozen_by_itself_stays_frozen() -> None:
    """A kernel or a bias alone, in a wrapped layer and in one that is copied, on the way there and back."""
    model = keras.Sequential([keras.Input((5,)), layers.Dense(3), layers.BatchNormalization(), layers.Dense(2)])
    model.layers[0].kernel.trainable = model.layers[1].gamma.trainable = model.layers[2].bias.trainable = False
    normalized = weight_normalize(model, data_init=False)
    frozen = [normalized.layers[0].layer.kernel, normalized.layers[1].gamma, normalized.layers[2].layer.bias]
    assert not any(variable.trainable for variable in frozen)
    found = [variable.trainable for variable in fold(normalized).variables]
    assert found == [variable.trainable for variable in model.variables]


@pytest.mark.parametrize("make", NUMBERS)
def test_every_variant_sees_what_was_adapted(make: Make, x: np.ndarray) -> None:
    """Each variant that keeps the function at first keeps it; of the others the first layer's outputs are equal."""
    options = SimpleNamespace(data_init=False, momentum=0.9, epsilon=1e-3)
    for name, entry in VARIANTS.items():
        model = sequential(make(x))
        first = outputs(keras.Sequential(model.layers[:1]), x)
        expected = outputs(model, x)
        varied = entry.load()(model, options, x)
        np.testing.assert_array_equal(outputs(keras.Sequential(varied.layers[:1]), x), first)
        if name in ("regular", "weight_norm"):
            assert_same(outputs(varied, x), expected)


def texts(layer: layers.Layer) -> keras.Model:
    """One word an example, looked up, embedded and pooled."""
    inputs = keras.Input((1,), dtype="string")
    return keras.Model(inputs, layers.Dense(2)(layers.Flatten()(layers.Embedding(9, 3)(layer(inputs)))))


def integers(layer: layers.Layer) -> keras.Model:
    """Two integers an example, looked up, embedded and pooled."""
    inputs = keras.Input((2,), dtype="int64")
    return keras.Model(inputs, layers.Dense(2)(layers.Flatten()(layers.Embedding(9, 3)(layer(inputs)))))


WORDS = np.array([["cat"], ["dog"], ["hen"], ["cat"]])
IDS = np.array([[70, 80], [90, 70], [70, 70], [5, 80]], "int64")
LOOKUPS = [
    (texts, partial(layers.StringLookup), WORDS),
    (texts, partial(layers.StringLookup, vocabulary=["dog", "cat"]), WORDS),
    (texts, partial(layers.TextVectorization, output_sequence_length=2), WORDS),
    (texts, partial(layers.TextVectorization, standardize=lambda text: text, output_sequence_length=2), WORDS),
    (texts, partial(layers.Hashing, 7), WORDS),
    (integers, partial(layers.IntegerLookup), IDS),
    (integers, partial(layers.IntegerLookup, max_tokens=3), IDS),
    (integers, partial(layers.Hashing, 7), IDS),
]


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="inside a model these run on TensorFlow alone")
@pytest.mark.parametrize(("build", "make", "inputs"), LOOKUPS)
def test_vocabularies_come_along(build: Any, make: Any, inputs: np.ndarray) -> None:
    """Lookup tables are state too, adapted or given, of words or of integers."""
    layer = make()
    if hasattr(layer, "adapt") and not getattr(layer, "input_vocabulary", None):
        layer.adapt(inputs)
    model = build(layer)
    inputs = ops.convert_to_tensor(inputs)
    expected = outputs(model, inputs)
    normalized = weight_normalize(model, data_init=False)
    assert_same(outputs(normalized, inputs), expected)
    assert_same(outputs(fold(normalized), inputs), expected)
    assert_same(
        outputs(VARIANTS["weight_norm"].load()(model, SimpleNamespace(data_init=False), inputs), inputs), expected
    )


def test_tf_idf_weights_come_along() -> None:
    """A lookup that weighs its words keeps vocabulary and weights; it counts before the model, as on any backend."""
    layer = layers.StringLookup(output_mode="tf_idf")
    layer.adapt(WORDS)
    model = keras.Sequential([keras.Input((1,), dtype="string"), layer, layers.Dense(2)])
    if keras.backend.backend() == "tensorflow":
        words = ops.convert_to_tensor(WORDS)
        assert_same(outputs(weight_normalize(model, data_init=False), words), outputs(model, words))


def test_words_that_keras_cannot_save_are_refused() -> None:
    """A word with a line break would come back as two; a variant, which needs no copy, takes the layer itself."""
    words = np.array([["two\nlines"], ["dog"]])
    layer = layers.StringLookup()
    layer.adapt(words)
    if keras.backend.backend() == "tensorflow":
        with pytest.raises(ValueError, match="has words that Keras cannot save"):
            weight_normalize(texts(layer), data_init=False)


def test_a_model_with_a_call_of_its_own_is_refused(x: np.ndarray) -> None:
    """Its layers alone do not say what it computes, also where it stands in another model."""

    class Halved(keras.Model):
        def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
            """Half of what the graph gives."""
            return super().call(inputs, training=training, mask=mask) / 2

    inputs = keras.Input((5,))
    model = Halved(inputs, layers.Dense(2)(inputs))
    for each in (model, sequential(model)):
        with pytest.raises(ValueError, match=r"of type Halved: it has a call\(\) of its own"):
            weight_normalize(each, data_init=False)


def test_random_state_and_a_waiting_layer_stay_as_they_are(x: np.ndarray) -> None:
    """A copied Dropout draws the same masks, and a wrapper that waits for its first batch waits in the copy too."""
    model = keras.Sequential(
        [keras.Input((5,)), layers.Dropout(0.5), WeightNormalization(layers.Dense(4)), layers.Dense(2)]
    )
    model.layers[0](x, training=True)
    normalized = weight_normalize(model, data_init=False)
    drop, same = (ops.convert_to_numpy(each.layers[0](x, training=True)) for each in (model, normalized))
    if keras.backend.backend() != "torch":  # there Keras's Dropout draws from torch's one generator
        np.testing.assert_array_equal(drop, same)
    assert normalized.layers[1].waiting


# --- what nobody registered


def squared(inputs: Any) -> Any:
    """An activation of one's own."""
    return inputs * inputs


class Sevenths(keras.initializers.Initializer):
    """An initializer of one's own, with an argument and no `get_config`."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        """The value, seven times too small."""
        return ops.ones(shape, dtype) * self.value / 7


class Penalty(keras.regularizers.Regularizer):
    """A regularizer of one's own, without `get_config`."""

    def __call__(self, x: Any) -> Any:
        """Half the L1 norm."""
        return ops.sum(ops.abs(x)) * 0.5


class Clipped(keras.constraints.Constraint):
    """A constraint of one's own."""

    def __call__(self, w: Any) -> Any:
        """Within 1."""
        return ops.clip(w, -1, 1)


def relu(inputs: Any) -> Any:
    """Not Keras's, though it has the name."""
    return inputs + 3


OWN: list[Callable[[], layers.Layer]] = [
    lambda: layers.Dense(4, activation=squared),
    lambda: layers.Dense(4, activation=relu),
    lambda: layers.Dense(4, activation=lambda x: x * 0.3),
    lambda: layers.Dense(4, activation=partial(squared)),
    lambda: layers.Dense(4, kernel_initializer=Sevenths(3.0), bias_initializer=Sevenths(1.0)),
    lambda: layers.Dense(4, kernel_regularizer=Penalty(), bias_constraint=Clipped(), activity_regularizer=Penalty()),
    lambda: layers.Activation(squared),
    lambda: layers.Lambda(lambda x: x * 2 - 1),
    lambda: layers.Lambda(squared, output_shape=lambda shape: shape),
    lambda: layers.Lambda(lambda x, factor: x * factor, arguments={"factor": 3.0}),
    lambda: Scaled(),
    lambda: keras.Sequential([keras.Input((5,)), layers.Dense(3, activation=squared), local(3)]),
]


def local(units: int) -> layers.Layer:
    """A class that only this function knows."""

    class Local(layers.Layer):
        def call(self, inputs: Any) -> Any:
            """So many times the inputs."""
            return inputs * units

    return Local()


@pytest.mark.parametrize("build", [sequential, functional])
@pytest.mark.parametrize("make", OWN)
def test_what_nobody_registered_is_taken_as_it_is(make: Any, build: Any, x: np.ndarray) -> None:
    """Whatever is one's own comes along: functions, lambdas, objects and layers, also where a name misleads."""
    x = x / 100
    model = build(make())
    expected = outputs(model, x)
    losses = [float(ops.convert_to_numpy(loss)) for loss in model.losses]
    normalized = weight_normalize(model, data_init=False)
    assert_same(outputs(normalized, x), expected)
    np.testing.assert_allclose([float(ops.convert_to_numpy(loss)) for loss in normalized.losses], losses, rtol=1e-5)
    assert_same(outputs(fold(normalized), x), expected)


@pytest.mark.parametrize("make", OWN)
@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_takes_what_nobody_registered(make: Any, name: str, x: np.ndarray) -> None:
    """No variant asks for a registration; the one that changes the function least still computes the same."""
    model = sequential(make())
    expected = outputs(model, x)
    varied = VARIANTS[name].load()(model, SimpleNamespace(data_init=False, momentum=0.9, epsilon=1e-3), x)
    if name in ("regular", "weight_norm"):
        assert_same(outputs(varied, x), expected)
    assert np.isfinite(outputs(varied, x)).all()


class Unrepeatable(layers.Layer):
    """A layer that gives no account of its arguments."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def call(self, inputs: Any) -> Any:
        """Whatever the function says."""
        return self.function(inputs)


def test_a_layer_that_cannot_be_copied_is_named_with_the_remedy(x: np.ndarray) -> None:
    """A variant takes the layer itself; a model with variables of its own needs a copy, and says what is missing."""
    model = sequential(Unrepeatable(squared))
    expected = outputs(model, x)
    with pytest.raises(ValueError, match=r"of type Unrepeatable cannot be built a second time .*get_config\(\)") as it:
        weight_normalize(model, data_init=False)
    assert "\n" not in str(it.value)
    assert_same(outputs(VARIANTS["weight_norm"].load()(model, SimpleNamespace(data_init=False), x), x), expected)


def test_recurrent_wrapped_and_compiled_ones_come_along(x: np.ndarray) -> None:
    """Inside cells and wrappers too, and a model compiled with a loss and a metric of one's own is compiled again."""
    inputs = keras.Input((4, 5))
    hidden = layers.LSTM(3, activation=squared, return_sequences=True)(inputs)
    hidden = layers.TimeDistributed(Scaled())(hidden)
    hidden = layers.RNN(layers.GRUCell(3, recurrent_activation=lambda x: x * 0.1))(hidden)
    model = keras.Model(inputs, layers.Dense(2)(hidden))

    def loss(true: Any, predicted: Any) -> Any:
        return ops.mean(ops.abs(true - predicted), axis=-1)

    model.compile("sgd", loss=loss, metrics=[loss])
    sequences = np.random.default_rng(0).normal(size=(6, 4, 5)).astype("float32")
    model.layers[2].layer.shift = np.float32(0.25)
    model.layers[2].layer.tensor = np.float32(0.5)
    expected = outputs(model, sequences)
    normalized = weight_normalize(model, data_init=False)
    assert_same(outputs(normalized, sequences), expected)
    targets = np.zeros((6, 2), "float32")
    before, after = (each.evaluate(sequences, targets, verbose=0) for each in (model, normalized))
    np.testing.assert_allclose(after, before, rtol=1e-5)


def test_a_copy_of_keras_s_own_layer_has_the_same_configuration() -> None:
    """Nothing of the way through live objects is left in a layer that needs none of it."""
    for layer in (
        layers.Dense(3, "relu", kernel_regularizer="l2"),
        layers.LSTM(2),
        layers.Conv2D(2, 3, dtype="float64"),
    ):
        assert copied(layer).get_config() == layer.get_config()
