"""The arms of a seed share the noise that their networks draw, in training and in evaluation."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from wncompare import config as configs
from wncompare.data import Dataset, Split
from wncompare.nn import arms
from wncompare.nn.training import checkpoint
from wncompare.nn.training.trainer import Trainer, evaluate

from ..conftest import TINY


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """Grey images to be given again."""
    images = np.random.default_rng(0).integers(0, 256, (2, 48, 8, 8, 1), np.uint8)
    return Dataset("own", "own", *(Split(x, x) for x in images), class_names=())


def build(dataset: Dataset, variant: str, *, data_init: bool = False) -> keras.Model:
    """An arm of a variational autoencoder; the variants are one function at first without initialization from data."""
    options = {"data_init": data_init} if variant in ("regular", "weight_norm") else {}
    chosen: Any = {
        **TINY,
        "model": {"name": "vae", "units": [9], "latent": 3},
        "variants": [{"name": variant, "options": options}],
        "training": {"loss": "own", "batch_size": 16},
    }
    return arms.build(configs.from_data(chosen, "test"), variant, 3, dataset, dataset.train)


def losses(model: keras.Model, dataset: Dataset, epochs: int) -> list[tuple[float, float]]:
    """Training and validation loss, epoch by epoch."""
    trainer = Trainer(model, dataset.train, dataset.test, batch_size=16)
    return [(found.logs["loss"], found.logs["val_loss"]) for found in trainer.epochs(epochs, seed=3)]


def test_arms_of_one_function_have_one_loss(dataset: Dataset) -> None:
    """The first step, a whole epoch here, and the evaluation before it draw the same noise, whatever came before.

    Initialization from data runs the weight-normalized arm's network once more than the regular arm's.
    """
    regular, normalized = build(dataset, "regular"), build(dataset, "weight_norm")
    whole = Trainer(normalized, dataset.train, dataset.test, batch_size=48)
    assert evaluate(normalized, dataset.test) == pytest.approx(evaluate(regular, dataset.test), rel=1e-6)
    first = next(whole.epochs(1, seed=3)).logs["loss"]
    again = next(Trainer(regular, dataset.train, dataset.test, batch_size=48).epochs(1, seed=3)).logs["loss"]
    assert first == pytest.approx(again, rel=1e-6)
    both = [build(dataset, name, data_init=True) for name in ("regular", "weight_norm")]
    states = [model.get_layer("sample").noise.state.numpy().tolist() for model in (*both, build(dataset, "batch_norm"))]
    assert states == [[states[0][0], 0]] * 3
    one, other = (evaluate(model, dataset.test)["loss"] for model in both)
    assert one == pytest.approx(other, rel=1e-4)


def test_an_evaluation_is_the_same_each_time_and_training_does_not_see_it(dataset: Dataset) -> None:
    """Bit for bit: evaluated in between or not, a network trains alike."""
    model = build(dataset, "regular")
    found = evaluate(model, dataset.test)
    assert evaluate(model, dataset.test) == found
    assert losses(model, dataset, 2) == losses(build(dataset, "regular"), dataset, 2)


def test_training_draws_other_noise_at_each_step(dataset: Dataset) -> None:
    """At a learning rate of zero the training losses of two epochs differ, the validation losses do not."""
    model = build(dataset, "regular")
    model.optimizer.learning_rate = 0.0
    (first, validation), (second, again) = losses(model, dataset, 2)
    assert first != second
    assert validation == again


def test_a_restored_network_goes_on_with_its_noise(dataset: Dataset, tmp_path: Path) -> None:
    """Two epochs, the second from the first one's resume point, are two epochs, bit for bit."""
    model, other = build(dataset, "weight_norm"), build(dataset, "weight_norm")
    trainer = Trainer(model, dataset.train, dataset.test, batch_size=16)
    epochs = trainer.epochs(2, seed=3)
    next(epochs)
    checkpoint.save(tmp_path / "point.npz", model, epoch=1)
    expected = next(epochs).logs
    again = Trainer(other, dataset.train, dataset.test, batch_size=16)
    checkpoint.restore(checkpoint.read(tmp_path / "point.npz"), other)
    assert next(again.epochs(2, seed=3, first_epoch=2)).logs == expected
