"""Which runs of a worker share a trainer, and that sharing changes no bit."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from wncompare import records
from wncompare.catalog.training import OPTIMIZERS
from wncompare.nn.runs import trainers
from wncompare.nn.runs.trainers import program_key, trainer_of
from wncompare.nn.training import loops
from wncompare.nn.training.trainer import Trainer

from .test_training import BATCH, assert_identical, flat, train, validation, without_seconds
from .test_training_runs import perform

TRAINING: dict[str, Any] = {"batch_size": 16, "epochs": 1}


@pytest.fixture(autouse=True)
def a_new_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """No trainer is there from before."""
    monkeypatch.setattr(trainers, "_TRAINERS", {})


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The batch sizes of the programs that are compiled from here on."""
    sizes: list[int] = []
    program = loops._program
    monkeypatch.setattr(loops, "_program", lambda step, size, xla: sizes.append(size) or program(step, size, xla))
    return sizes


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
@pytest.mark.slow
def test_a_constant_learning_rate_is_state(name: str) -> None:
    """For every optimizer that a config can name: on the program of another rate, the bits of a program of its own."""
    make = OPTIMIZERS[name].load()
    own = flat(make(learning_rate=0.003))
    expected = without_seconds(list(Trainer(own, train, validation, batch_size=BATCH).epochs(1, seed=3)))
    shared = Trainer(flat(make(learning_rate=0.02)), train, validation, batch_size=BATCH)
    list(shared.epochs(1, seed=0))
    shared.restart(flat(make(learning_rate=0.003)))
    assert without_seconds(list(shared.epochs(1, seed=3))) == expected
    assert_identical(shared.model, own)
    assert float(shared.model.optimizer.learning_rate) == float(own.optimizer.learning_rate)


def rate(value: float) -> dict[str, Any]:
    """Settings with that constant learning rate."""
    return {**TRAINING, "optimizer": {"name": "sgd", "learning_rate": value, "momentum": 0.9}}


@pytest.mark.slow
def test_rates_of_a_grid_compile_once(tmp_path: Path, compilations: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Three rates in one worker, with dropout and batch norm: one compilation, a record and a saved model that name the
    run's own rate, and the last one's checkpoint is to the bit that of a run with a program of its own."""
    sizes: list[int] = []
    for value in (0.1, 0.01, 0.001):
        run = perform(tmp_path / str(value), rate(value))
        assert run.history["learning_rate"][0] == pytest.approx(value)
        saved = keras.models.load_model(run.folder / records.MODEL_FILE)
        assert saved.optimizer.get_config()["learning_rate"] == pytest.approx(value)
        assert (run.record.seconds["compile"] > 0) == (not sizes)
        sizes = sizes or list(compilations)
        assert compilations == sizes
    monkeypatch.setattr(trainers, "_TRAINERS", {})
    alone = perform(tmp_path / "alone", rate(value))
    ours, theirs = (np.load(one.folder / records.CHECKPOINT_FILE) for one in (run, alone))
    assert ours.files == theirs.files
    for name in theirs.files:
        np.testing.assert_array_equal(ours[name], theirs[name])


def test_ten_arms_keep_a_trainer_each() -> None:
    """Seed after seed over ten arms, as in a grid: each arm finds the trainer that its first seed made."""
    made: list[Trainer] = []
    for seed in (0, 1):
        for arm in range(10):
            identity = {"seed": seed, "training": {"optimizer": {"name": "sgd", "momentum": arm / 20}}}
            found = trainer_of(identity, flat(), (train, validation, None), batch_size=BATCH)
            made += [] if seed else [found]
            assert found is made[arm]
    assert len(set(map(id, made))) == 10


def test_what_is_in_the_program_parts_them() -> None:
    """Runs share one if only their seed and a constant rate differ; a schedule's rate, an optimizer's other settings,
    the variant, the data, the batch size and the device are in the program."""

    def key(**changes: Any) -> str:
        optimizer = {"name": "adam", "learning_rate": 0.1, "beta_1": 0.9}
        training = {"optimizer": optimizer, "schedule": None, "batch_size": 32}
        identity = {"seed": 0, "dataset": "0", "device": "cpu", "variant": {"name": "regular"}, "training": training}
        for path, value in changes.items():
            place: dict[str, Any] = identity
            *parents, last = path.split("__")
            for parent in parents:
                place = place[parent]
            place[last] = value
        return program_key(identity)

    assert key() == key(seed=1) == key(training__optimizer__learning_rate=0.2)
    parted = {
        "training__optimizer__beta_1": 0.8,
        "training__schedule": {"name": "cosine"},
        "training__batch_size": 64,
        "variant": {"name": "weight_norm"},
        "dataset": "1",
        "device": "gpu",
    }
    assert len({key(), *(key(**{path: value}) for path, value in parted.items())}) == len(parted) + 1
    assert key(training__schedule={"name": "step"}, training__optimizer__learning_rate=0.2) != key(
        training__schedule={"name": "step"}
    )
