"""What a layer has adapted, computed or been given comes through every way of building a model anew, on any backend.

The reference is the given model itself: it is run before anything is made of it.
"""

from collections.abc import Callable
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

from .networks import NAMED, Power, Scaled, assert_same, functional, outputs, sequential

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword")


Make = Callable[[np.ndarray], keras.layers.Layer]


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
    options = SimpleNamespace(data_init=False, momentum=0.9, epsilon=1e-3, outputs=None)
    for name in NAMED:
        model = sequential(make(x))
        first = outputs(keras.Sequential(model.layers[:1]), x)
        expected = outputs(model, x)
        varied = VARIANTS[name].load()(model, options, x)
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


@pytest.mark.parametrize("method", ["train_step", "test_step", "compute_loss", "compute_metrics"])
def test_a_sequential_model_that_trains_in_a_way_of_its_own_is_refused(method: str) -> None:
    """A model rebuilt from its layers would train in Keras's way, and nothing would say so."""
    own = type("Own", (keras.Sequential,), {method: lambda self, *args, **kwargs: None})
    model = own([keras.Input((5,)), layers.Dense(2)])
    with pytest.raises(ValueError, match=rf"of type Own: it has a {method}\(\) of its own"):
        weight_normalize(model, data_init=False)


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
