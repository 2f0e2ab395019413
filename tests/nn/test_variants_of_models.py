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

from .forms import AGAIN, NETWORKS, ROWS, SERIES, build, examples
from .networks import NAMED

each_network = pytest.mark.parametrize(("network", "options", "form"), NETWORKS)
LEAVES_RECURRENCES = ("batch_norm", "mean_only_batch_norm", "layer_norm", "weight_standardization")


def vary(name: str, model: keras.Model, x: np.ndarray, *, data_init: bool = True) -> keras.Model:
    """The variant of a model."""
    options = SimpleNamespace(data_init=data_init and name != "regular", momentum=0.9, epsilon=1e-3)
    varied: keras.Model = VARIANTS[name].load()(model, options, x)
    return varied


@each_network
@pytest.mark.parametrize("name", NAMED)
def test_a_variant_fits_or_says_why_not(name: str, network: str, options: dict[str, Any], form: Form) -> None:
    """Each gives finite outputs and gradients and folds to layers of Keras's, or is refused for its recurrence."""
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
