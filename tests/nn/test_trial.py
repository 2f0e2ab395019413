"""The trial of a run's arm: what is tried is what trains, and no bit of the run tells that it was tried."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cloudpickle
import keras
import numpy as np
import pytest
from keras import layers

from wncompare import config as configs
from wncompare import records
from wncompare.errors import ModelError
from wncompare.nn import arms
from wncompare.nn.runs import arm, trainers
from wncompare.nn.runs import train as runs
from wncompare.nn.runs.audit import try_out
from wncompare.tasks import TrainTask, TrialTask, Tried, decode_task, encode_task

from .test_training_runs import SETTINGS, network, task_of

TRAINING = {"batch_size": 16, "epochs": 2}


class Noisy(layers.Layer):
    """Adds noise in training that it draws from Keras's own generator, of which the model knows nothing."""

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Inputs with noise."""
        return inputs + keras.random.normal(keras.ops.shape(inputs)) if training else inputs


def noisy() -> keras.Model:
    """A network with such a layer."""
    return keras.Sequential(
        [keras.Input((16, 16, 1)), layers.Flatten(), Noisy(), layers.Dense(3, activation="softmax")]
    )


@pytest.fixture
def a_new_worker(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """What makes this process a worker that has done nothing."""

    def forget() -> None:
        monkeypatch.setattr(trainers, "_TRAINERS", {})
        monkeypatch.setattr(arm, "_TRIED", {})

    forget()
    return forget


def a_run(folder: Path, build_model: Callable[[], keras.Model], seed: int = 0) -> TrainTask:
    """One run of a network."""
    config = configs.from_data({**SETTINGS, "training": TRAINING, "seeds": [seed]}, "test")
    return replace(task_of(config, folder), build_model=cloudpickle.dumps(build_model))


def tried(run: TrainTask, folder: Path) -> TrainTask:
    """The run, which this process has tried as its driver asked."""
    task = TrialTask(name="trial", folder=folder / "trial", run=run)
    assert try_out(decode_task(encode_task(task)), lambda event: None) == Tried("trial")  # type: ignore[arg-type]
    return run


def trained(run: TrainTask) -> list[np.ndarray]:
    """What is in the checkpoint of the run, which is trained now."""
    runs.train(run, lambda event: None)
    with np.load(run.folder / records.CHECKPOINT_FILE) as saved:
        return [saved[name] for name in saved.files]


@pytest.mark.parametrize(
    "build_model", [pytest.param(network, id="dropout", marks=pytest.mark.slow), pytest.param(noisy, id="noise")]
)
def test_a_run_that_was_tried_is_that_which_was_not(
    build_model: Callable[[], keras.Model], a_new_worker: Callable[[], None], tmp_path: Path
) -> None:
    """To the bit, with dropout, batch norm and noise from outside the model; also where its program trained another
    seed in between."""
    expected = trained(a_run(tmp_path / "alone", build_model))
    for number, seeds in enumerate(((), (1,))):
        a_new_worker()
        folder = tmp_path / str(number)
        run = tried(a_run(folder, build_model), folder)
        for seed in seeds:
            trained(a_run(folder, build_model, seed))
        np.testing.assert_equal(trained(run), expected)


def test_an_arm_is_made_once(a_new_worker: Callable[[], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run takes the arm that was tried, whose seconds are the run's; whoever comes later makes another."""
    made: list[int] = []
    build = arms.build
    monkeypatch.setattr(arms, "build", lambda *args, **kwargs: made.append(1) or build(*args, **kwargs))
    run = tried(a_run(tmp_path, network), tmp_path)
    trained(run)
    assert len(made) == 1
    record = records.read_record(run.folder)
    assert record is not None
    assert record.seconds["compile"] > 0
    assert record.seconds["start_up"] > 0
    trained(a_run(tmp_path / "other", network))
    assert len(made) == 2


class Fails(layers.Layer):
    """Can be built, and cannot be trained."""

    def call(self, inputs: Any, training: bool = False) -> Any:
        """The inputs, unless in training."""
        if training:
            raise RuntimeError("no\ntraining")
        return inputs


def failing() -> keras.Model:
    """A network that fails as it is traced."""
    return keras.Sequential(
        [keras.Input((16, 16, 1)), layers.Flatten(), layers.Dense(3, activation="softmax"), Fails()]
    )


def test_what_cannot_be_trained_is_refused_and_not_kept(a_new_worker: Callable[[], None], tmp_path: Path) -> None:
    """On one line, with the variant and the reason."""
    expected = r"^variant batch_norm: model .*: fails at its first step: RuntimeError: .*no training"
    with pytest.raises(ModelError, match=expected) as refused:
        tried(a_run(tmp_path, failing), tmp_path)
    assert "\n" not in str(refused.value)
    assert not arm._TRIED
