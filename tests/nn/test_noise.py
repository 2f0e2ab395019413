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
from wncompare.nn.training.trainer import Trainer, first_step

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


@pytest.fixture(scope="module")
def trainers(dataset: Dataset) -> dict[str, Trainer]:
    """A trainer of each arm, compiled once; every test starts it from a model of its own."""
    train, test = dataset.train, dataset.test
    regular = Trainer(build(dataset, "regular"), train, test, test, batch_size=16)
    return {"regular": regular, "weight_norm": Trainer(build(dataset, "weight_norm"), train, test, batch_size=16)}


def losses(trainer: Trainer, model: keras.Model, epochs: int) -> list[tuple[float, float]]:
    """Training and validation loss, epoch by epoch, from the model's state on."""
    trainer.restart(model)
    return [(found.logs["loss"], found.logs["val_loss"]) for found in trainer.epochs(epochs, seed=3)]


def at_rest(dataset: Dataset, variant: str) -> keras.Model:
    """An arm with a learning rate of zero."""
    model = build(dataset, variant)
    model.optimizer.learning_rate = 0.0
    return model


@pytest.mark.slow
def test_arms_of_one_function_have_one_loss(dataset: Dataset, trainers: dict[str, Trainer]) -> None:
    """The first steps, an epoch at a learning rate of zero here, and the evaluation draw the same noise, whatever came
    before: initialization from data runs the weight-normalized arm's network once more than the regular arm's."""
    regular, normalized = (losses(trainers[name], at_rest(dataset, name), 1) for name in trainers)
    np.testing.assert_allclose(regular, normalized, rtol=1e-6)
    both = [build(dataset, name, data_init=True) for name in ("regular", "weight_norm")]
    states = [model.get_layer("sample").noise.state.numpy().tolist() for model in (*both, build(dataset, "batch_norm"))]
    assert states == [[states[0][0], 0]] * 3
    one, other = (first_step(model, dataset.train)["loss"] for model in both)
    assert one == pytest.approx(other, rel=1e-4)


def test_an_evaluation_is_the_same_each_time_and_training_does_not_see_it(
    dataset: Dataset, trainers: dict[str, Trainer]
) -> None:
    """Bit for bit: evaluated in between or not, a network trains alike."""
    trainer = trainers["regular"]
    undisturbed = losses(trainer, build(dataset, "regular"), 2)
    trainer.restart(build(dataset, "regular"))
    evaluated = []
    for found in trainer.epochs(2, seed=3):
        one, other = trainer.test(), trainer.test()
        assert one is not None
        assert other is not None
        assert one.logs == other.logs
        evaluated.append((found.logs["loss"], found.logs["val_loss"]))
    assert evaluated == undisturbed


def test_training_draws_other_noise_at_each_step(dataset: Dataset, trainers: dict[str, Trainer]) -> None:
    """At a learning rate of zero the training losses of two epochs differ, the validation losses do not."""
    (first, validation), (second, again) = losses(trainers["regular"], at_rest(dataset, "regular"), 2)
    assert first != second
    assert validation == again


def test_a_restored_network_goes_on_with_its_noise(
    dataset: Dataset, trainers: dict[str, Trainer], tmp_path: Path
) -> None:
    """Two epochs, the second from the first one's resume point, are two epochs, bit for bit."""
    trainer, other = trainers["weight_norm"], build(dataset, "weight_norm")
    trainer.restart(build(dataset, "weight_norm"))
    epochs = trainer.epochs(2, seed=3)
    next(epochs)
    checkpoint.save(tmp_path / "point.npz", trainer.model, epoch=1)
    expected = next(epochs).logs
    checkpoint.restore(checkpoint.read(tmp_path / "point.npz"), other)
    trainer.restart(other)
    assert next(trainer.epochs(2, seed=3, first_epoch=2)).logs == expected
