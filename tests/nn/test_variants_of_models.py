"""What each variant does on each model of the catalog: what the literature does, or a refusal with the reason."""

from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

from wncompare.catalog.variants import VARIANTS
from wncompare.data.form import Form
from wncompare.errors import ModelError
from wncompare.layers import WeightNormalization, fold
from wncompare.nn.keras_private import layer_tree

from .forms import AGAIN, NETWORKS, ROWS, SERIES, WORDS, build, examples
from .networks import NAMED

each_network = pytest.mark.parametrize(("network", "options", "form"), NETWORKS)
LEAVES_RECURRENCES = ("batch_norm", "mean_only_batch_norm", "weight_standardization")


class Own(layers.GRUCell):
    """A cell of one's own."""


def vary(
    name: str, model: keras.Model, x: np.ndarray, *, data_init: bool = True, outputs: bool | None = None
) -> keras.Model:
    """The variant of a model."""
    options = SimpleNamespace(data_init=data_init and name != "regular", momentum=0.9, epsilon=1e-3, outputs=outputs)
    varied: keras.Model = VARIANTS[name].load()(model, options, x)
    return varied


@each_network
@pytest.mark.parametrize("name", NAMED)
def test_a_variant_fits_or_says_why_not(name: str, network: str, options: dict[str, Any], form: Form) -> None:
    """Each gives finite outputs and folds to layers of Keras's, or is refused for its recurrence."""
    model, x = build(network, options, form), examples(form)
    if network in ("lstm", "gru") and name in LEAVES_RECURRENCES:
        with pytest.raises(
            ModelError, match=rf"Variant {name}: .*recurrent layers, \['{network}_1'.*such as weight_norm"
        ):
            vary(name, model, x)
        return
    varied = vary(name, model, x)
    found = np.asarray(ops.convert_to_numpy(varied(x, training=True)))
    assert found.shape == (len(x), *form.output)
    assert np.isfinite(found).all()
    if network in ("lstm", "gru") and name == "layer_norm":
        return
    assert {type(layer).__module__.split(".")[0] for layer in fold(varied).layers} == {"keras"}


@pytest.mark.parametrize("name", ["weight_norm", "weight_norm_mean_only_batch_norm"])
@pytest.mark.parametrize("network", ["lstm", "gru"])
def test_both_recurrent_kernels_start_with_the_regular_function(network: str, name: str) -> None:
    """g = ‖v‖, an output each, in both kernels whatever the initialization: nothing there is set from data."""
    model, x = build(network, {"units": (5,)}, ROWS), examples(ROWS)
    expected = np.array(ops.convert_to_numpy(model.layers[0](x)))
    layer = vary(name, model, x).layers[0]
    assert isinstance(layer, WeightNormalization)
    assert set(layer.g) == {"kernel", "recurrent_kernel"}
    for kernel in layer.kernels:
        norms = np.linalg.norm(np.asarray(ops.convert_to_numpy(kernel.variable.value)), axis=0)
        np.testing.assert_allclose(np.ravel(ops.convert_to_numpy(layer.g[kernel.name].value)), norms, rtol=1e-6)
    np.testing.assert_allclose(np.asarray(ops.convert_to_numpy(layer(x))), expected, atol=1e-6)


@pytest.mark.parametrize("network", ["lstm", "gru"])
def test_layer_norm_inside_a_recurrence_shares_the_seed_s_weights(network: str) -> None:
    """Both kernels and the biases are the regular network's, gains are 1 and the state's shift is 0; ε is the option's.

    The output layer is the regular one, embeddings too.
    """
    options = {"units": (5, 3), "embedding": 3}
    regular, varied = (build(network, options, WORDS, seed=4) for _ in range(2))
    varied = vary("layer_norm", varied, examples(WORDS))
    assert [layer.name for layer in varied.layers] == [layer.name for layer in regular.layers]
    for one, other in zip(regular.layers, varied.layers, strict=True):
        own = {variable.path.rpartition("/")[2]: variable for variable in one.weights}
        for variable in other.weights:
            name = variable.path.rpartition("/")[2]
            expected = own[name].numpy() if name in own else {"gamma": 1.0, "beta": 0.0}[name]
            np.testing.assert_array_equal(variable.numpy(), np.broadcast_to(expected, variable.shape))
        if isinstance(other, layers.RNN):
            assert other.cell.epsilon == other.cell.input_norm.epsilon == 1e-3
    extra = {"lstm": 10, "gru": 6}[network] * (5 + 3)
    assert varied.count_params() == regular.count_params() + extra


def test_layer_norm_takes_every_recurrent_layer_that_it_knows() -> None:
    """SimpleRNN, LSTM, GRU, cells and both directions, an output layer or not; others and frozen ones stay."""
    recurrent = [
        layers.SimpleRNN(4, return_sequences=True),
        layers.Bidirectional(layers.LSTM(4, return_sequences=True)),
        layers.GRU(4, return_sequences=True, trainable=False),
        layers.TimeDistributed(layers.Dense(3)),
        layers.RNN([layers.LSTMCell(4), layers.GRUCell(3)]),
    ]
    varied = vary("layer_norm", keras.Sequential([keras.Input((8, 6)), *recurrent]), examples(ROWS))
    cells = sorted(type(layer).__name__ for layer in layer_tree(varied) if hasattr(layer, "recurrent_kernel"))
    lstms = ["LayerNormLSTMCell"] * 3  # both ways, and stacked
    assert cells == ["GRUCell", "LayerNormGRUCell", *lstms, "LayerNormSimpleRNNCell"]


@pytest.mark.parametrize("layer", [layers.ConvLSTM1D(2, 2), layers.RNN([layers.LSTMCell(3), Own(2)])])
def test_layer_norm_refuses_a_network_of_other_recurrences(layer: layers.Layer) -> None:
    """Where nothing but an output layer is left it would be the regular network."""
    shape = (8, 6, 2) if isinstance(layer, layers.ConvLSTM1D) else (8, 6)
    model = keras.Sequential([keras.Input(shape), layer, layers.Flatten(), layers.Dense(2)])
    with pytest.raises(ModelError, match=r"no layer that it applies to; .* or for layer_norm SimpleRNN, LSTM or GRU"):
        vary("layer_norm", model, np.zeros((4, *shape), "float32"))


def test_layer_norm_refuses_a_single_unit() -> None:
    """Its output would be the same whatever goes in."""
    with pytest.raises(ModelError, match=r"Variant layer_norm: Invalid units=1 .*expected 2 or more"):
        vary("layer_norm", build("gru", {"units": (1,)}, ROWS), examples(ROWS))


def test_a_network_with_more_than_a_recurrence_is_normalized_where_it_can_be() -> None:
    """Dense and Conv layers before a recurrence are: only what leaves nearly all weights alone is refused."""
    x = examples(ROWS)
    recurrent = [layers.Conv1D(4, 3, name="conv"), layers.GRU(3), layers.Dense(2, name="last")]
    model = vary("batch_norm", keras.Sequential([keras.Input((8, 6)), *recurrent]), x)
    assert [layer.name for layer in model.layers if layer.name.endswith("_norm")] == ["conv_norm", "last_norm"]


def test_layer_norm_keeps_a_causal_convolution_causal() -> None:
    """After one, each position has moments of its own: with those of all positions the later ones would be seen."""
    model, x = build("tcn", {"filters": 4, "kernel_size": 3}, SERIES), examples(SERIES)
    varied = fold(vary("layer_norm", model, x))  # whose layers have been called once
    assert type(varied.get_layer("block_1_conv_1_norm")) is layers.LayerNormalization
    steps = keras.Model(varied.input, varied.get_layer("last").input)
    changed = x.copy()
    changed[:, 12:] += 1
    before, after = (np.asarray(ops.convert_to_numpy(steps(each)))[:, :12] for each in (x, changed))
    np.testing.assert_array_equal(after, before)


@pytest.mark.parametrize("name", ["layer_norm", "weight_standardization"])
def test_a_code_s_statistics_are_an_output_of_the_encoder(name: str) -> None:
    """What spares the output layer, whose scale means something, spares μ and log σ² too."""
    varied = vary(name, build("vae", {"units": (7,), "latent": 2}, AGAIN), examples(AGAIN))
    assert type(varied.get_layer("statistics")) is layers.Dense
    assert type(varied.get_layer("logits")) is layers.Dense
    assert "encoder_1_norm" in [layer.name for layer in varied.layers] or hasattr(varied.get_layer("encoder_1"), "g")


@pytest.mark.parametrize("name", ["batch_norm", "mean_only_batch_norm", "weight_norm_mean_only_batch_norm"])
def test_output_layers_can_be_spared(name: str) -> None:
    """With outputs: false what gives a code or pixels is a layer with its bias, weight-normalized where all are."""
    x, kernel = examples(AGAIN), {"weight_norm_mean_only_batch_norm": WeightNormalization}.get(name, layers.Dense)
    varied = vary(name, build("vae", {"units": (7,), "latent": 2}, AGAIN), x, outputs=False)
    names = [layer.name for layer in varied.layers]
    assert [each for each in names if each.endswith("_norm")] == ["encoder_1_norm", "decoder_1_norm"]
    for output in ("statistics", "logits"):
        layer = varied.get_layer(output)
        assert type(layer) is kernel
        assert getattr(layer, "layer", layer).use_bias
    everywhere = vary(name, build("vae", {"units": (7,), "latent": 2}, AGAIN), x)
    assert {"statistics_norm", "logits_norm"} <= {layer.name for layer in everywhere.layers}
