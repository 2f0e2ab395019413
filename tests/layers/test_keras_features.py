"""Keras's quantization, LoRA and rematerialization: right inside the wrapper, or refused."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from itertools import product
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from wncompare.layers import WeightNormalization, WeightStandardization, initialize_from_data, weight_normalize

from .support import BACKEND, gradients, loss_of, randomize, value

QUANTIZABLE: dict[str, tuple[Callable[..., keras.layers.Layer], tuple[int, ...]]] = {
    "dense": (lambda **kw: layers.Dense(4, **kw), (6,)),
    "einsum": (lambda **kw: layers.EinsumDense("ab,bc->ac", (4,), **kw), (6,)),
    "embedding": (lambda **kw: layers.Embedding(6, 4, **kw), (3,)),
    "in_time": (lambda **kw: layers.TimeDistributed(layers.Dense(4, **kw)), (3, 6)),
}
LORA = {**QUANTIZABLE, "conv": (lambda **kw: layers.Conv1D(4, 2, **kw), (5, 6))}
each_wrapper = pytest.mark.parametrize("wrapper", [WeightNormalization, WeightStandardization])


def owner(layer: Any) -> Any:
    """The layer that has the kernel."""
    return layer.layer if isinstance(layer, layers.TimeDistributed) else layer


@each_wrapper
@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method")
@pytest.mark.parametrize("mode", ["int8", "int4", "float8"])
@pytest.mark.parametrize("name", QUANTIZABLE)
def test_quantizing_a_wrapped_layer_is_refused(name: str, mode: str, wrapper: Any, rng: np.random.Generator) -> None:
    """Through the model, the layer, the wrapper and the dtype policy; the message says to fold, values stay."""
    make, shape = QUANTIZABLE[name]
    model = keras.Sequential([keras.Input(shape), wrapper(make(), name="w")])
    layer, x = model.get_layer("w"), rng.integers(0, 5, (2, *shape)).astype("float32")
    before = value(model(x, training=False))
    inner = owner(layer.layer)
    ways: list[Callable[[], Any]] = [lambda: model.quantize(mode), lambda: inner.quantize(mode)]
    ways += [lambda: layer.quantize(mode), lambda: setattr(inner, "dtype_policy", f"{mode}_from_float32")]
    for quantize in ways:
        with pytest.raises(ValueError, match=r"Fold first: wncompare.layers.fold\(model\)"):
            quantize()
    inner.dtype_policy = "float32"
    np.testing.assert_array_equal(value(model(x, training=False)), before)


@pytest.mark.parametrize("name", ["dense", "einsum", "embedding"])  # Keras's own TimeDistributed forgets the scale
def test_a_removed_layer_can_be_quantized(name: str, rng: np.random.Generator) -> None:
    """`remove` gives back Keras's own layer: quantized to eight bits it computes what it did to a few percent."""
    make, shape = QUANTIZABLE[name]
    layer = WeightNormalization(make(), data_init=False)
    x = rng.integers(0, 5, (2, *shape)).astype("float32")
    expected = value(layer(x))
    plain = layer.remove()
    owner(plain).quantize("int8")
    np.testing.assert_allclose(value(plain(x)), expected, atol=0.1 * np.abs(expected).max())


@each_wrapper
@pytest.mark.parametrize("name", LORA)
def test_lora_is_refused(name: str, wrapper: Any) -> None:
    """Enabled before wrapping, in the constructor, and after wrapping, in the layer or through the wrapper."""
    make, shape = LORA[name]
    built = make()
    built.build((None, *shape))
    owner(built).enable_lora(2)
    for layer in (built, make(lora_rank=2)):
        with pytest.raises(ValueError, match="with a LoRA, which would act on v"):
            wrapper(layer)
    wrapped = wrapper(make())
    wrapped.build((None, *shape))
    for enable in (owner(wrapped.layer).enable_lora, wrapped.enable_lora):
        with pytest.raises(ValueError, match=r"Cannot enable LoRA in .* Fold first"):
            enable(2)
    plain = wrapped.remove()
    owner(plain).enable_lora(2)
    assert owner(plain).lora_enabled


def test_models_with_lora_or_quantized_layers_are_not_normalized() -> None:
    """`weight_normalize` says which layer it cannot wrap; a quantized policy is refused before and after building."""
    model = keras.Sequential([keras.Input((6,)), layers.Dense(4, lora_rank=2, name="d")])
    with pytest.raises(ValueError, match="cannot wrap layer 'd' of type Dense with a LoRA"):
        weight_normalize(model)
    with pytest.raises(ValueError, match="quantized policy 'int8_from_float32'"):
        WeightNormalization(layers.Dense(4, dtype="int8_from_float32"))
    late = WeightNormalization(layers.Dense(4))
    late.layer.dtype_policy = "int8_from_float32"
    with pytest.raises(ValueError, match="quantized policy 'int8_from_float32'"):
        late.build((None, 5))


# Rematerialization ----------------------------------------------------------------------------------------------------

MAKERS: dict[str, tuple[Callable[[], keras.layers.Layer], tuple[int, ...]]] = {
    "dense": (lambda: layers.Dense(4, activation="tanh", name="inner"), (5,)),
    "conv": (lambda: layers.Conv1D(4, 2, activation="relu", name="inner"), (6, 5)),
    "gru": (lambda: layers.GRU(4, name="inner"), (3, 5)),
    "lstm_with_dropout": (lambda: layers.LSTM(4, dropout=0.5, name="inner"), (3, 5)),
    "bidirectional": (lambda: layers.Bidirectional(layers.SimpleRNN(3), name="inner"), (3, 5)),
    "in_time": (lambda: layers.TimeDistributed(layers.Dense(4, activation="tanh"), name="inner"), (3, 5)),
}
MODES: dict[str, dict[str, Any]] = {
    "full": {"mode": "full"},
    "activations": {"mode": "activations"},
    "larger_than": {"mode": "larger_than", "output_size_threshold": 1},
    "by_wrapper": {"mode": "list_of_layers", "layer_names": ["w"]},
    "by_layer": {"mode": "list_of_layers", "layer_names": ["inner"]},
}


def remats() -> Iterator[object]:
    """Layers, modes and scopes, every two together; the third left out is slow."""
    for (i, name), (j, mode), (k, scope) in product(*map(enumerate, (MAKERS, MODES, ("both", "layer")))):
        marks = () if (i + j) % 2 == k else pytest.mark.slow
        yield pytest.param(name, mode, scope, id=f"{scope}-{name}-{mode}", marks=marks)


@pytest.mark.parametrize(("name", "mode", "scope"), list(remats()))
def test_gradients_under_remat(name: str, mode: str, scope: str, rng: np.random.Generator) -> None:
    """In each mode of `RematScope`, around the layer or the wrapper too, outputs and gradients are the plain ones."""
    make, shape = MAKERS[name]
    x = rng.normal(size=(2, *shape)).astype("float32")
    plain = WeightNormalization(make(), data_init=False, name="w")
    with keras.RematScope(**MODES[mode]):
        inner = make()
        again = WeightNormalization(inner, data_init=False, name="w") if scope == "both" else None
    again = again or WeightNormalization(inner, data_init=False, name="w")
    for layer in (plain, again):
        layer.build((2, *shape))
    randomize(plain.trainable_variables, rng)
    for old, new in zip(plain.trainable_variables, again.trainable_variables, strict=True):
        new.assign(keras.ops.copy(old.value))
    np.testing.assert_allclose(value(again(x)), value(plain(x)), rtol=1e-5, atol=1e-6)
    expected, found = gradients(plain, x), gradients(again, x)
    for one, two in zip(expected.values(), found.values(), strict=True):
        np.testing.assert_allclose(two, one, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("frozen", [True, False])
@pytest.mark.parametrize("data_init", [True, False])
def test_a_model_under_remat_trains_as_without(data_init: bool, frozen: bool, rng: np.random.Generator) -> None:
    """A model of layers made in `RematScope("full")` trains as one made outside, v frozen or not."""
    keras.utils.set_random_seed(0)
    x, y = rng.normal(size=(32, 5)).astype("float32"), rng.normal(size=(32, 2)).astype("float32")

    def make(scope: Any) -> keras.Sequential:
        with scope:
            inner = [layers.Dense(4, activation="tanh"), layers.Dense(2)]
            body = [WeightNormalization(layer, data_init) for layer in inner]
            inner[0].trainable = not frozen
        return keras.Sequential([keras.Input((5,)), *body])  # not in the scope: Keras's own fit fails on TensorFlow

    plain = make(nullcontext())
    again = make(keras.RematScope("full"))
    again.set_weights(plain.get_weights())
    for model in (plain, again):
        initialize_from_data(model, x)
        model.compile(keras.optimizers.SGD(0.1), "mse")
        model.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0)
    for one, two in zip(plain.trainable_variables, again.trainable_variables, strict=True):
        np.testing.assert_allclose(value(two), value(one), rtol=1e-4, atol=1e-5)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="only TensorFlow's variables change under a tape")
@pytest.mark.parametrize("name", [name for name in MAKERS if name != "lstm_with_dropout"])
def test_remat_computes_with_the_values_of_the_call(name: str, rng: np.random.Generator) -> None:
    """What is assigned between a call and its backward pass changes no gradient, as without remat."""
    import tensorflow as tf

    make, shape = MAKERS[name]
    with keras.RematScope("full"):
        layer = WeightNormalization(make(), data_init=False)
    layer.build((2, *shape))
    randomize(layer.trainable_variables, rng)
    x = rng.normal(size=(2, *shape)).astype("float32")
    expected = gradients(layer, x)
    with tf.GradientTape() as tape:
        loss = loss_of(layer(x))
    randomize(layer.trainable_variables, rng)
    found = tape.gradient(loss, [variable.value for variable in layer.trainable_variables])
    for one, two in zip(found, expected.values(), strict=True):
        np.testing.assert_allclose(value(tf.convert_to_tensor(one)), two, rtol=1e-5, atol=1e-6)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="one tape is enough for what is decided before it")
def test_an_activity_regularizer_under_remat(rng: np.random.Generator) -> None:
    """The penalty is counted once, and kernels get its gradient."""
    import tensorflow as tf

    def penalty(scope: Any) -> tuple[int, list[Any]]:
        with scope:
            inner = layers.Dense(
                4, activity_regularizer="l2", kernel_initializer=keras.initializers.RandomNormal(seed=0)
            )
            layer = WeightNormalization(inner, data_init=False)
        with tf.GradientTape() as tape:
            layer(x)
            losses = layer.losses
            total = tf.add_n(losses)
        return len(losses), tape.gradient(total, [variable.value for variable in layer.trainable_variables])

    x = rng.normal(size=(8, 5)).astype("float32")
    (count, expected), (again, found) = penalty(nullcontext()), penalty(keras.RematScope("full"))
    assert count == again == 1
    for one, two in zip(found, expected, strict=True):
        np.testing.assert_allclose(value(one), value(two), rtol=1e-5)


class Busy(layers.Layer):
    """A kernel of one's own, and all that a call may do besides its output: statistics, a count, a penalty, noise."""

    def __init__(self) -> None:
        super().__init__()
        self.normalization = layers.BatchNormalization()
        self.dropout = layers.Dropout(0.5, seed=1)

    def build(self, shape: tuple[int, ...]) -> None:
        """Makes the kernel and the count."""
        self.kernel = self.add_weight(shape=(shape[-1], 4), initializer=keras.initializers.RandomNormal(seed=0))
        self.calls = self.add_weight(shape=(), initializer="zeros", dtype="int32", trainable=False)
        self.normalization.build((*shape[:-1], 4))

    def call(self, x: Any, training: bool | None = None) -> Any:
        """All of it."""
        self.calls.assign_add(1)
        y = keras.ops.matmul(x, self.kernel)
        self.add_loss(keras.ops.mean(keras.ops.square(y)))
        return self.dropout(self.normalization(y, training=training), training=training)

    def compute_output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """(…, 4)."""
        return (*shape[:-1], 4)


EFFECTS: dict[str, Callable[[], keras.layers.Layer]] = {
    "busy": Busy,
    "activity_regularizer": lambda: layers.Dense(4, activity_regularizer="l2"),
    "dropout": lambda: layers.LSTM(4, dropout=0.5, recurrent_dropout=0.5, seed=1),
    "state": lambda: layers.GRU(4, stateful=True, seed=1),
}


@pytest.mark.parametrize("mode", ["full", "activations"])
@pytest.mark.parametrize("name", list(EFFECTS))
def test_what_a_call_does_besides_under_remat(name: str, mode: str, rng: np.random.Generator) -> None:
    """Statistics, states and seeds move on once a step, penalties are counted and trained on, noise is drawn once."""
    if name == "state" and BACKEND == "torch":
        pytest.skip("Keras does not train stateful RNNs on torch")
    shape = (3, 5) if name in ("dropout", "state") else (5,)
    x, y = rng.normal(size=(32, *shape)).astype("float32"), rng.normal(size=(32, 4)).astype("float32")

    def make(scope: Any) -> keras.Sequential:
        with scope:
            axes = {"kernel": -1} if name == "busy" else None
            layer = WeightNormalization(EFFECTS[name](), data_init=False, output_axes=axes)
        return keras.Sequential([keras.Input((*shape,), batch_size=8), layer])

    plain, again = make(nullcontext()), make(keras.RematScope(mode))
    again.set_weights(plain.get_weights())
    losses = []
    for model in (plain, again):
        model.compile(keras.optimizers.SGD(0.1), "mse")
        losses.append(model.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0).history["loss"])
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-5)
    for one, two in zip(plain.variables, again.variables, strict=True):
        np.testing.assert_allclose(value(two), value(one), rtol=1e-4, atol=1e-5, err_msg=one.path)


def test_a_regular_model_under_remat_is_initialized(rng: np.random.Generator) -> None:
    """Plain layers that Keras would compute again start from data as others do."""
    with keras.RematScope("full"):
        model = keras.Sequential([keras.Input((5,)), layers.Dense(4, activation="relu"), layers.Dense(2)])
    batch = rng.normal(size=(64, 5)).astype("float32")
    initialize_from_data(model, batch)
    outputs = value(model(batch))
    np.testing.assert_allclose(outputs.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(outputs.std(0), 1, rtol=1e-5)


@pytest.mark.skipif(BACKEND == "jax", reason="JAX's steps drop the update")
def test_fit_initializes_under_remat(rng: np.random.Generator) -> None:
    """The first batch of `fit` sets g and the bias of a layer made in a `RematScope`, and the step after it trains."""
    with keras.RematScope("full"):
        layer = WeightNormalization(layers.Dense(2), name="w")
    model = keras.Sequential([keras.Input((5,)), layer])
    x = rng.normal(size=(64, 5)).astype("float32")
    model.compile(keras.optimizers.SGD(0.0), "mse")
    model.fit(x, np.zeros((64, 2)), batch_size=64, epochs=2, verbose=0)
    np.testing.assert_allclose(value(model(x, training=False)).std(0), 1, rtol=1e-4)


def test_keras_remat_of_a_call(rng: np.random.Generator) -> None:
    """`keras.remat` around a call gives the same gradients; where it has no values to start from, JAX says so."""

    class Again(keras.Model):
        def __init__(self, inner: keras.layers.Layer, again: bool) -> None:
            super().__init__()
            self.inner, self.again = inner, again

        def call(self, x: Any) -> Any:
            return keras.remat(lambda x: self.inner(x))(x) if self.again else self.inner(x)

    x = rng.normal(size=(8, 5)).astype("float32")
    layer = WeightNormalization(layers.Dense(4, activation="tanh"), data_init=False)
    plain, again = Again(layer, False), Again(layer, True)
    plain(x)
    again(x)
    for one, two in zip(gradients(plain, x).values(), gradients(again, x).values(), strict=True):
        np.testing.assert_allclose(two, one, rtol=1e-4, atol=1e-5)
    waiting = Again(WeightNormalization(layers.Dense(4)), True)
    waiting.inner.build((None, 5))
    if BACKEND == "jax":
        with pytest.raises(ValueError, match="called inside a function that is traced"):
            initialize_from_data(waiting, x)
    else:
        initialize_from_data(waiting, x)
        np.testing.assert_allclose(value(waiting(x)).std(0), 1, rtol=1e-4)


# Weights saved with another data_init ---------------------------------------------------------------------------------


@pytest.mark.parametrize("saved", [True, False, "tfa"])
@pytest.mark.parametrize("loading", [True, False, "tfa"])
def test_weights_load_whatever_data_init_was(
    saved: Any, loading: Any, rng: np.random.Generator, tmp_path: Path
) -> None:
    """`data_init` says how a layer starts, so files of either kind give the values they hold, and nothing waits after.

    `set_weights` takes lists by position: of another length it is refused.
    """
    x = (rng.normal(size=(16, 5)) + 1).astype("float32")

    def make(data_init: Any) -> keras.Sequential:
        inner = layers.Dense(4, name="d")
        return keras.Sequential(
            [keras.Input((5,)), WeightNormalization(inner, data_init, name="w"), layers.Dense(3, name="l")]
        )

    source = make(saved)
    initialize_from_data(source, x)
    randomize(source.trainable_variables, rng)
    for file in (tmp_path / "m.weights.h5", tmp_path / "m.keras"):
        source.save_weights(file) if file.name.endswith(".weights.h5") else source.save(file)
        target = make(loading)
        target.load_weights(file)
        assert not target.get_layer("w").waiting
        np.testing.assert_allclose(value(target(x, training=True)), value(source(x)), rtol=1e-5, atol=1e-6)
    if bool(saved) != bool(loading):
        with pytest.raises(ValueError, match="weights"):
            make(loading).set_weights(source.get_weights())
