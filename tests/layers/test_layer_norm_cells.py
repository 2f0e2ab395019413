"""Layer-normalized recurrent cells: the paper's equations, and in everything else Keras's layers."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

from wncompare.layers import LayerNormGRUCell, LayerNormLSTMCell, LayerNormSimpleRNNCell, fold
from wncompare.nn.keras_private import layer_tree, substituted
from wncompare.nn.layers import layer_normalized
from wncompare.nn.layers.rebuild import rebuild

from .support import gradients, randomize, value

EPSILON = 1e-3
CELLS = {
    "simple_rnn": LayerNormSimpleRNNCell,
    "lstm": LayerNormLSTMCell,
    "gru": LayerNormGRUCell,
    "gru_reset_before": lambda units, **kwargs: LayerNormGRUCell(units, reset_after=False, **kwargs),
}
each_cell = pytest.mark.parametrize("name", CELLS)

Weights = dict[str, np.ndarray]


def ln(z: np.ndarray, gain: np.ndarray, shift: np.ndarray | float = 0.0) -> np.ndarray:
    """Eq. 15–16, with ε below the root."""
    centred = z - z.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + EPSILON) * gain + shift


def sigmoid(z: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(−z))."""
    return 1 / (1 + np.exp(-z))


def simple_rnn(x: np.ndarray, w: Weights) -> Iterator[np.ndarray]:
    """Eq. 4 of the paper, a step at a time."""
    h = np.zeros((len(x), w["recurrent_kernel"].shape[0]))
    for step in np.moveaxis(x, 1, 0):
        h = np.tanh(ln(step @ w["kernel"] + h @ w["recurrent_kernel"], w["norm/gamma"], w["bias"]))
        yield h


def lstm(x: np.ndarray, w: Weights) -> Iterator[np.ndarray]:
    """Eq. 20–22 with three shifts beside one another, of which the layer has the sum; gates in Keras's order."""
    h = c = np.zeros((len(x), w["recurrent_kernel"].shape[0]))
    first, second = np.cos(np.arange(len(w["bias"]))), np.sin(np.arange(len(w["bias"])))
    for step in np.moveaxis(x, 1, 0):
        gates = ln(h @ w["recurrent_kernel"], w["recurrent_norm/gamma"], first)
        gates = gates + ln(step @ w["kernel"], w["input_norm/gamma"], second) + (w["bias"] - first - second)
        i, f, g, o = np.split(gates, 4, axis=-1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(ln(c, w["state_norm/gamma"], w["state_norm/beta"]))
        yield h


def gru(x: np.ndarray, w: Weights) -> Iterator[np.ndarray]:
    """Eq. 26–28 with the shifts β₁ to β₄, and z with the opposite sign."""
    units = w["recurrent_kernel"].shape[0]
    h, two = np.zeros((len(x), units)), 2 * units
    (beta_2, beta_3), (beta_1, beta_4) = (np.split(each, [two]) for each in w["bias"])
    gates_kernel, candidate_kernel = np.split(w["recurrent_kernel"], [two], axis=-1)
    for step in np.moveaxis(x, 1, 0):
        of_gates, of_candidate = np.split(step @ w["kernel"], [two], axis=-1)
        gates = ln(h @ gates_kernel, w["recurrent_norm/gamma"], beta_1)
        z, r = np.split(sigmoid(gates + ln(of_gates, w["input_norm/gamma"], beta_2)), 2, axis=-1)
        recurrent = ln(h @ candidate_kernel, w["recurrent_candidate_norm/gamma"], beta_4)
        candidate = np.tanh(ln(of_candidate, w["input_candidate_norm/gamma"], beta_3) + r * recurrent)
        h = z * h + (1 - z) * candidate
        yield h


def gru_reset_before(x: np.ndarray, w: Weights) -> Iterator[np.ndarray]:
    """The same with the reset gate before the product, as in Cho et al. (2014)."""
    units = w["recurrent_kernel"].shape[0]
    h, two = np.zeros((len(x), units)), 2 * units
    gates_bias, candidate_bias = np.split(w["bias"], [two])
    gates_kernel, candidate_kernel = np.split(w["recurrent_kernel"], [two], axis=-1)
    for step in np.moveaxis(x, 1, 0):
        of_gates, of_candidate = np.split(step @ w["kernel"], [two], axis=-1)
        gates = ln(h @ gates_kernel, w["recurrent_norm/gamma"]) + ln(of_gates, w["input_norm/gamma"], gates_bias)
        z, r = np.split(sigmoid(gates), 2, axis=-1)
        recurrent = ln((r * h) @ candidate_kernel, w["recurrent_candidate_norm/gamma"])
        candidate = np.tanh(ln(of_candidate, w["input_candidate_norm/gamma"], candidate_bias) + recurrent)
        h = z * h + (1 - z) * candidate
        yield h


REFERENCES: dict[str, Callable[[np.ndarray, Weights], Iterator[np.ndarray]]] = {
    "simple_rnn": simple_rnn,
    "lstm": lstm,
    "gru": gru,
    "gru_reset_before": gru_reset_before,
}


def weights(layer: Any) -> dict[str, np.ndarray]:
    """By the end of the path that tells them apart: "kernel", "state_norm/beta"."""
    ends = {"/".join(v.path.split("/")[-2:]) if "norm/" in v.path else v.name: v for v in layer.trainable_variables}
    return {name: value(variable) for name, variable in ends.items()}


def made(name: str, rng: np.random.Generator, **options: Any) -> tuple[Any, np.ndarray]:
    """A layer of the cell with random weights, and a batch of sequences."""
    layer = layers.RNN(CELLS[name](4, epsilon=EPSILON), return_sequences=True, **options)
    x = rng.normal(size=(3, 5, 2)).astype("float32")
    layer.build(x.shape)
    randomize(layer.trainable_variables, rng)
    return layer, x


@each_cell
def test_the_equations(name: str, rng: np.random.Generator) -> None:
    """Every step's output is the paper's, whose shifts that add up are one bias."""
    layer, x = made(name, rng)
    expected = np.stack(list(REFERENCES[name](x.astype("float64"), weights(layer))), axis=1)
    np.testing.assert_allclose(value(layer(x)), expected, rtol=1e-4, atol=1e-5)


@each_cell
def test_the_gradients(name: str, rng: np.random.Generator) -> None:
    """Of each weight that of the equations, by central differences in float64."""
    layer, x = made(name, rng)
    at = weights(layer)
    upstream = np.cos(np.arange(3 * 5 * 4)).reshape(3, 5, 4)  # as in `loss_of`

    def loss(name_of: str, index: int, change: float) -> float:
        moved = at[name_of].copy()
        moved.flat[index] += change
        steps = list(REFERENCES[name](x.astype("float64"), {**at, name_of: moved}))
        return float((np.stack(steps, axis=1) * upstream).sum())

    found = {
        "/".join(p.split("/")[-2:]) if "norm/" in p else p.split("/")[-1]: g for p, g in gradients(layer, x).items()
    }
    assert found.keys() == at.keys()
    for key, gradient in found.items():
        step = 1e-5
        expected = [(loss(key, i, step) - loss(key, i, -step)) / (2 * step) for i in range(gradient.size)]
        np.testing.assert_allclose(gradient.ravel(), expected, rtol=2e-3, atol=2e-4, err_msg=key)


# Everything else is Keras's -------------------------------------------------------------------------------------------

SHAPE = (3, 6, 2)
NORMS = ("norm", "input_norm", "recurrent_norm", "state_norm", "input_candidate_norm", "recurrent_candidate_norm")
LAYERS: dict[str, Callable[[], Any]] = {
    "simple_rnn": lambda: layers.SimpleRNN(4, dropout=0.3, recurrent_dropout=0.4),
    "lstm": lambda: layers.LSTM(4, return_sequences=True),
    "lstm_one_mask": lambda: layers.LSTM(4, dropout=0.4),
    "lstm_masks": lambda: layers.LSTM(4, dropout=0.4, recurrent_dropout=0.3, go_backwards=True),
    "lstm_masks_of_gates": lambda: layers.RNN(layers.LSTMCell(4, dropout=0.4, implementation=1)),
    "lstm_states": lambda: layers.LSTM(4, return_state=True, stateful=True, bias_initializer="ones"),
    "lstm_without_bias": lambda: layers.LSTM(4, use_bias=False, unroll=True),
    "lstm_activations": lambda: layers.LSTM(4, activation="relu", recurrent_activation="hard_sigmoid"),
    "lstm_zeros": lambda: layers.LSTM(4, return_sequences=True, zero_output_for_mask=True),
    "gru": lambda: layers.GRU(4, return_sequences=True, bias_initializer="glorot_uniform"),
    "gru_one_mask": lambda: layers.GRU(4, dropout=0.4),
    "gru_masks": lambda: layers.GRU(4, dropout=0.4, recurrent_dropout=0.3, bias_initializer="glorot_uniform"),
    "gru_reset_before": lambda: layers.GRU(4, reset_after=False, bias_initializer="ones", recurrent_dropout=0.4),
    "gru_without_bias": lambda: layers.GRU(4, use_bias=False, go_backwards=True),
    "gru_states": lambda: layers.GRU(4, return_state=True, return_sequences=True, unroll=True),
    "cell": lambda: layers.RNN(layers.LSTMCell(4, dropout=0.3), return_sequences=True),
    "cells": lambda: layers.RNN([layers.LSTMCell(4), layers.GRUCell(3, dropout=0.2), layers.SimpleRNNCell(5)]),
    "both_ways": lambda: layers.Bidirectional(layers.GRU(4, return_sequences=True, dropout=0.3), merge_mode="sum"),
    "two_ways": lambda: layers.Bidirectional(
        layers.LSTM(4), backward_layer=layers.LSTM(3, activation="elu", go_backwards=True), merge_mode="concat"
    ),
    "penalized": lambda: layers.LSTM(4, kernel_regularizer="l1", recurrent_regularizer="l2", activity_regularizer="l2"),
}
each_layer = pytest.mark.parametrize("name", LAYERS)


def converted(layer: Any, *, epsilon: float = EPSILON) -> tuple[keras.Model, keras.Model]:
    """A model of the layer with a mask before it, and the same with normalized cells."""

    def model() -> keras.Model:
        inputs = keras.Input(batch_shape=SHAPE)
        return keras.Model(inputs, layer(layers.Masking()(inputs)))

    return (first := model()), rebuild(first, lambda each: layer_normalized(each, epsilon), copy=False)


def sequences(rng: np.random.Generator) -> np.ndarray:
    """Sequences of which one ends early and one has a gap."""
    x = rng.normal(size=SHAPE).astype("float32")
    x[0, 4:] = 0
    x[1, 2] = 0
    return x


@contextmanager
def without_norms(model: keras.Model) -> Iterator[None]:
    """Lets cells take their sums as they are."""
    with ExitStack() as stack:
        for layer in layer_tree(model):
            norms = [name for name in NORMS if hasattr(layer, name)]
            stack.enter_context(substituted(layer, **dict.fromkeys(norms, lambda x: x)))
        yield


def called(model: keras.Model, x: np.ndarray, training: bool) -> list[Any]:
    """Its outputs."""
    keras.utils.set_random_seed(1)  # for torch's dropout, which takes no seed of Keras's
    outputs: list[Any] = keras.tree.flatten(model(x, training=training))
    return outputs


@each_layer
@pytest.mark.parametrize("training", [False, True])
def test_but_for_the_normalization_it_is_the_layer_itself(name: str, training: bool, rng: np.random.Generator) -> None:
    """Masks, states, dropout with its noise, directions, biases: without the normalizations outputs are the layer's."""
    plain, new = converted(LAYERS[name]())
    x = sequences(rng)
    for _ in range(2):  # states and noise go on
        expected = called(plain, x, training)
        with without_norms(new):
            found = called(new, x, training)
        for one, other in zip(found, expected, strict=True):
            assert one.shape == other.shape
            assert one.dtype == other.dtype
            np.testing.assert_allclose(value(one), value(other), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(sum(map(value, new.losses)), sum(map(value, plain.losses)), rtol=1e-5)
    assert new.layers[-1].name == plain.layers[-1].name


@pytest.mark.parametrize("name", ["simple_rnn", "lstm_masks_of_gates", "lstm_states", "gru_masks", "cells", "two_ways"])
def test_comes_back_from_a_file_in_safe_mode(name: str, rng: np.random.Generator, tmp_path: Path) -> None:
    """With its gains, ε and options: with dropout's noise, which Keras draws anew, it trains as the one it was."""
    new = converted(LAYERS[name](), epsilon=0.25)[1]
    randomize(new.trainable_variables, rng)
    x = sequences(rng)
    new.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras", safe_mode=True)
    for old, drawn in zip(new.non_trainable_variables, loaded.non_trainable_variables, strict=True):
        drawn.assign(ops.copy(old.value))
    for one, other in zip(called(loaded, x, True), called(new, x, True), strict=True):
        np.testing.assert_allclose(value(one), value(other), rtol=1e-5, atol=1e-6)


def test_what_keras_is_given_beside_the_inputs(rng: np.random.Generator) -> None:
    """Initial states, in a functional model."""
    inputs, states = keras.Input(SHAPE[1:]), [keras.Input((4,)), keras.Input((4,))]
    model = keras.Model([inputs, *states], layers.LSTM(4)(inputs, initial_state=states))
    given = [sequences(rng), *rng.normal(size=(2, 3, 4)).astype("float32")]
    expected = value(model(given))
    new = rebuild(model, lambda each: layer_normalized(each, EPSILON), copy=False)
    with without_norms(new):
        np.testing.assert_allclose(value(new(given)), expected, rtol=1e-5, atol=1e-6)


def test_an_activation_of_ones_own_stays(rng: np.random.Generator) -> None:
    """A function that nobody registered."""
    plain, new = converted(layers.RNN(layers.GRUCell(3, activation=lambda x: x / (1 + x * x))))
    with without_norms(new):
        x = sequences(rng)
        np.testing.assert_allclose(value(new(x)), value(plain(x)), rtol=1e-5, atol=1e-6)


class OwnLSTM(layers.LSTM):
    """Computes what its author wrote."""


class Half(layers.GRUCell):
    """A cell of one's own."""


@pytest.mark.parametrize(
    "layer",
    [
        layers.Dense(3),
        OwnLSTM(3),
        layers.RNN([layers.LSTMCell(3), Half(3)]),
        layers.ConvLSTM1D(2, 2),
        layers.TimeDistributed(layers.LSTM(3)),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_other_layers_are_none(layer: Any) -> None:
    """Of a class or a cell that is not known nothing is replaced."""
    assert layer_normalized(layer, EPSILON) is None


@each_cell
def test_a_single_unit_is_refused(name: str) -> None:
    """Less its mean it is 0 whatever it is; two are the fewest."""
    CELLS[name](2)
    with pytest.raises(ValueError, match=r"Invalid units=1 .*expected 2 or more"):
        CELLS[name](1)


@each_cell
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision(name: str, policy: str, rng: np.random.Generator) -> None:
    """Moments are taken in float32: with sums whose squares float16 has no room for, outputs are the equations'."""
    layer = layers.RNN(CELLS[name](4, dtype=policy), return_sequences=True, dtype=policy)
    x = (1000 * rng.normal(size=(3, 5, 2))).astype("float32")
    found = layer(x)
    expected = np.stack(list(REFERENCES[name](x.astype("float64"), weights(layer))), axis=1)
    assert keras.backend.standardize_dtype(found.dtype) == policy.removeprefix("mixed_")
    np.testing.assert_allclose(value(found), expected, atol=0.06)


def test_no_layers_of_keras_s_alone_can_do_it() -> None:
    """Folding refuses, and says what to do."""
    with pytest.raises(ValueError, match=r"'lstm.*layer-normalized inside.*once wncompare.layers is imported"):
        fold(converted(layers.LSTM(3))[1])
