"""What the arms of one seed share, and what sets them apart."""

from typing import Any

import keras
import numpy as np
import pytest

from wncompare import config as configs
from wncompare import data
from wncompare.catalog.training import OPTIMIZERS
from wncompare.config import Config
from wncompare.data import Dataset
from wncompare.errors import ModelError
from wncompare.layers import WeightNormalization
from wncompare.nn import arms
from wncompare.nn.layer_table import layer_rows

from ..conftest import TINY


def config(variants: list[dict[str, Any]], **changes: Any) -> Config:
    """The tiny config with these variants."""
    return configs.from_data({**TINY, **changes, "variants": variants}, "test")


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """The tiny config's dataset."""
    choice = configs.from_data(TINY, "tiny").dataset
    return data.load(choice.name, choice)


def build(chosen: Config, variant: str, seed: int, dataset: Dataset) -> keras.Model:
    """One arm, trained on the whole training split."""
    return arms.build(chosen, variant, seed, dataset, dataset.train)


PLAIN = [{"name": "regular"}, {"name": "weight_norm", "options": {"data_init": False}}]


def test_without_data_init_the_arms_start_as_one_function(dataset: Dataset) -> None:
    """Regular and weight-normalized models of one seed give the same outputs before the first step."""
    images = dataset.test.x.astype(np.float32) / 255
    regular, normalized = (build(config(PLAIN), name, 3, dataset)(images) for name in ("regular", "weight_norm"))
    np.testing.assert_allclose(normalized, regular, rtol=1e-5, atol=1e-6)


def test_arms_share_the_seed_s_kernels(dataset: Dataset) -> None:
    """With data-dependent initialization too, v is the regular arm's kernel, bit for bit."""
    chosen = config([{"name": "regular"}, {"name": "weight_norm"}])
    regular, normalized = (build(chosen, name, 3, dataset) for name in ("regular", "weight_norm"))
    wrappers = [layer for layer in normalized.layers if isinstance(layer, WeightNormalization)]
    kernels = [layer.kernel for layer in regular.layers if hasattr(layer, "kernel")]
    assert len(wrappers) == len(kernels) == 5
    for wrapper, kernel in zip(wrappers, kernels, strict=True):
        np.testing.assert_array_equal(wrapper.layer.kernel, kernel)


def test_data_init_standardizes_every_pre_activation(dataset: Dataset) -> None:
    """On the initialization batch each layer's pre-activations have mean 0 and variance 1 for every output."""
    chosen = config([{"name": "weight_norm"}])
    model = build(chosen, "weight_norm", 3, dataset)
    activations = arms.init_batch(dataset.train, size=chosen.init_batch, seed=3)
    checked = 0
    for layer in model.layers:
        inputs, activations = activations, layer(activations)
        if not isinstance(layer, WeightNormalization):
            continue
        linear = layer.layer.__class__.from_config({**layer.layer.get_config(), "activation": "linear"})
        linear.build(inputs.shape)
        kernel = next(iter(layer.folded().values()))
        linear.set_weights([np.asarray(kernel), np.asarray(layer.layer.bias)])
        response = np.asarray(linear(inputs), np.float64).reshape(-1, kernel.shape[-1])
        np.testing.assert_allclose(response.mean(axis=0), 0, atol=2e-4)
        np.testing.assert_allclose(response.var(axis=0), 1, rtol=2e-3)
        checked += 1
    assert checked == 5


def test_the_initialization_batch_is_the_seed_s_alone(dataset: Dataset) -> None:
    """The same seed draws the same images, scaled to [0, 1]; another seed draws others."""
    first, again, other = (arms.init_batch(dataset.train, size=16, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert first.dtype == np.float32
    assert first.min() >= 0
    assert first.max() <= 1


def test_logits_are_refused_where_the_loss_takes_probabilities(dataset: Dataset) -> None:
    """A network of the user's own without a softmax would train to numbers that mean nothing."""

    def logits() -> keras.Model:
        return keras.Sequential([keras.Input((16, 16, 1)), keras.layers.Flatten(), keras.layers.Dense(3)])

    with pytest.raises(ModelError, match="end the model with a softmax"):
        arms.build(config(PLAIN), "regular", 0, dataset, dataset.train, logits)


def test_probabilities_that_do_not_exclude_each_other_go_with_a_binary_loss(dataset: Dataset) -> None:
    """A sigmoid's outputs do not sum to 1, which a binary loss does not ask for; logits are refused there too."""

    def network(activation: str) -> keras.Model:
        layers = [keras.Input((16, 16, 1)), keras.layers.Flatten(), keras.layers.Dense(3, activation=activation)]
        return keras.Sequential(layers)

    chosen = config(PLAIN, training={"loss": "binary_crossentropy"})
    arms.build(chosen, "regular", 0, dataset, dataset.train, lambda: network("sigmoid"))
    with pytest.raises(ModelError, match="end the model with a sigmoid"):
        arms.build(chosen, "regular", 0, dataset, dataset.train, lambda: network("linear"))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_left_alone_is_keras_s(name: str, dataset: Dataset) -> None:
    """Every optimizer that a config can name has Keras's own settings where the config gives none but the rate."""
    chosen = config(PLAIN, training={"optimizer": {"name": name}}, model={"name": "mlp", "units": [4]})
    ours = build(chosen, "regular", 0, dataset).optimizer
    theirs = type(ours)()
    assert type(ours).__name__.lower() == name
    assert ours.get_config() == {**theirs.get_config(), "name": ours.name}


@pytest.mark.parametrize(("optimizer", "power"), [("adam", 1), ("sgd", 2), ("lamb", 0)])
def test_layer_rows_follow_v_and_g(dataset: Dataset, optimizer: str, power: int) -> None:
    """‖v‖, g and η/‖v‖ᵏ of each kernel equal NumPy's, as means over the outputs; a plain kernel has g = ‖w‖."""
    training = {**TINY["training"], "optimizer": {"name": optimizer, "learning_rate": 0.001}}
    chosen = config([{"name": "regular"}, {"name": "weight_norm"}], training=training)
    for variant in ("regular", "weight_norm"):
        model = build(chosen, variant, 3, dataset)
        rows = {row["layer"]: row for row in layer_rows(model, epoch=4)}
        assert list(rows) == ["conv_1", "conv_2", "dense_1", "dense_2", "classes"]
        layer = model.get_layer("conv_2")
        wrapped = isinstance(layer, WeightNormalization)
        kernel = np.asarray(layer.layer.kernel if wrapped else layer.kernel, np.float64)
        effective = np.asarray(layer.folded()["kernel"] if wrapped else layer.kernel, np.float64)
        length = np.linalg.norm(kernel.reshape(-1, 16), axis=0).mean()
        assert rows["conv_2"]["epoch"] == 4
        assert rows["conv_2"]["v_norm"] == pytest.approx(length, rel=1e-6)
        assert rows["conv_2"]["g"] == pytest.approx(np.linalg.norm(effective.reshape(-1, 16), axis=0).mean(), rel=1e-5)
        assert rows["conv_2"]["effective_learning_rate"] == pytest.approx(0.001 / length**power, rel=1e-5)


@pytest.mark.parametrize("name", ["regular", "weight_norm"])
def test_a_model_with_nothing_to_train_is_refused(name: str, dataset: Dataset) -> None:
    """Every layer frozen, or none with weights: no arm would differ from the others by its training."""

    def frozen() -> keras.Model:
        end = keras.layers.Dense(3, activation="softmax")
        model = keras.Sequential([keras.Input((16, 16, 1)), keras.layers.Flatten(), end])
        model.trainable = False
        return model

    chosen = config([{"name": "regular"}, {"name": "weight_norm"}])
    with pytest.raises(ModelError, match="has nothing to train, as every layer is frozen"):
        arms.build(chosen, name, 3, dataset, dataset.train, frozen)
