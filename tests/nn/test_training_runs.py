"""A run in a worker, from task to records: schedules, stopping and what is written beside the history."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import cloudpickle
import keras
import numpy as np
import pytest

from wncompare import config as configs
from wncompare import data, records
from wncompare.config import Config
from wncompare.errors import DatasetError, UsageError
from wncompare.nn.runs import inputs as device
from wncompare.nn.runs import train as runs
from wncompare.records import Run
from wncompare.run import execute as experiment
from wncompare.tasks import EpochDone, Event, Report, TrainTask

from .test_tensorboard import scalars

SETTINGS: dict[str, Any] = {
    "name": "stopping",
    "dataset": {"name": "synthetic", "shape": [16, 16, 1], "classes": 3, "train": 72, "test": 24},
    "model": {"name": "function", "architecture": "0" * 64},
    "variants": [{"name": "batch_norm"}],
    "validation": {"holdout": 0.25},
    "init_batch": 16,
    "seeds": [0],
    "tensorboard": True,
}
TRAINING = {
    "optimizer": {"name": "adam", "learning_rate": 0.01},
    "batch_size": 16,
    "epochs": 8,
    "metrics": ["top_k_categorical_accuracy"],
    "schedule": {"name": "step", "epochs": [1], "factor": 0.5},
    "early_stopping": {"metric": "val_loss", "patience": 2, "min_delta": 0.5},
}
EXACT = [*records.METRICS, "learning_rate", "steps", "top_k_categorical_accuracy", "val_top_k_categorical_accuracy"]


def network() -> keras.Model:
    """A network with dropout; the variant adds batch norm."""
    return keras.Sequential(
        [
            keras.Input((16, 16, 1)),
            keras.layers.Conv2D(4, 3, activation="relu", name="conv"),
            keras.layers.MaxPooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )


class Killed(BaseException):
    """What ends a worker in the middle of an epoch."""


class Told:
    """A listener that keeps the numbers of the epochs that were trained."""

    def __init__(self) -> None:
        self.epochs: list[int] = []

    def __call__(self, event: Event) -> None:
        """What a run reports."""
        if isinstance(event, EpochDone):
            self.epochs.append(event.epoch)


def perform(folder: Path, training: dict[str, Any], report: Report = lambda event: None, **changes: Any) -> Run:
    """Train the only run of these settings in `folder`, in this process; the run as read from disk."""
    config = configs.from_data({**SETTINGS, **changes, "training": training}, "test")
    runs.train(task_of(config, folder), report)
    records.write_experiment(folder, config, "0")
    return records.read(folder).runs[0]


def task_of(config: Config, folder: Path) -> TrainTask:
    """What a worker is given to train the config's only run."""
    dataset = data.load(config.dataset.name, config.dataset)
    record = records.DatasetRecord(name=dataset.name, label=dataset.label, digest=dataset.digest, official=None)
    (planned,) = experiment.plan(config, folder, record)
    return TrainTask(
        name=planned.name,
        folder=planned.folder,
        config=config,
        record=planned.record,
        build_model=cloudpickle.dumps(network),
    )


def exact(run: Run) -> dict[str, list[float]]:
    """The run's history but for its seconds."""
    return {column: list(run.history[column]) for column in EXACT}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The run that nothing disturbed."""
    return perform(tmp_path_factory.mktemp("whole"), TRAINING)


def test_a_run_stops_early_and_says_why(whole: Run) -> None:
    """No loss falls by 0.5: it stops two epochs after the first; its record has the reason and how many it has."""
    losses = whole.history["val_loss"]
    assert losses.min() > losses[0] - 0.5
    assert whole.record.status == "finished"
    assert whole.record.stopped == "early_stopping: val_loss did not fall for 2 epochs"
    assert whole.record.epochs == whole.epochs == 3
    assert whole.record.test is not None
    assert set(whole.record.test) == {"loss", "accuracy", "top_k_categorical_accuracy"}
    assert (whole.record.momentum, whole.record.redundant_gains) == (0.99, 0)


def test_the_history_has_the_schedule_and_the_metrics_asked_for(whole: Run) -> None:
    """The rate is halved after the first epoch; the five likeliest of three classes always hold the right one."""
    assert list(whole.history["learning_rate"]) == pytest.approx([0.01] + [0.005] * (whole.epochs - 1))
    assert list(whole.history["val_top_k_categorical_accuracy"]) == [1.0] * whole.epochs


def killed(folder: Path, *, after: int, training: dict[str, Any] = TRAINING) -> None:
    """Train in `folder` until that many epochs are done, and die."""

    def kill(event: Event) -> None:
        if isinstance(event, EpochDone) and event.epoch == after:
            raise Killed

    with pytest.raises(Killed):
        perform(folder, training, kill)


@pytest.mark.parametrize("after", [1, 2])
def test_a_killed_run_stops_where_the_whole_one_did(whole: Run, tmp_path: Path, after: int) -> None:
    """Killed and resumed, with schedule, dropout, batch norm and early stopping: the same bits, and no event twice."""
    killed(tmp_path, after=after)
    resumed = perform(tmp_path, TRAINING)
    assert exact(resumed) == exact(whole)
    assert resumed.record.stopped == whole.record.stopped
    ours, theirs = (np.load(run.folder / records.CHECKPOINT_FILE) for run in (resumed, whole))
    for name in theirs.files:
        np.testing.assert_array_equal(ours[name], theirs[name])
    events = scalars(resumed.folder / "tensorboard")
    assert [epoch for epoch, _ in events["val_loss"]] == list(range(1, whole.epochs + 1))
    assert [value for _, value in events["val_loss"]] == pytest.approx(list(whole.history["val_loss"]))
    assert [epoch for epoch, _ in events["layers/conv/v_norm"]] == list(range(whole.epochs + 1))


def test_a_run_that_was_killed_as_it_stopped_trains_no_further(whole: Run, tmp_path: Path) -> None:
    """Where the last epoch is on disk but not the end, resuming ends the run without another epoch."""
    told = Told()
    killed(tmp_path, after=whole.epochs)
    resumed = perform(tmp_path, TRAINING, told)
    assert told.epochs == []
    assert resumed.record.stopped == whole.record.stopped
    assert exact(resumed) == exact(whole)


def test_a_stopped_run_is_done_when_more_epochs_are_asked_for(whole: Run) -> None:
    """The same rule would stop it at the same epoch; without the rule it is another run."""
    planned = whole.record.model_copy(update={"epochs": 20, "stopped": None})
    assert records.is_done(planned, whole.record)
    assert not records.is_done(planned, whole.record.model_copy(update={"stopped": None}))
    assert not records.difference(planned, whole.record, whole.folder)
    fewer = planned.model_copy(update={"epochs": 1})
    assert records.difference(fewer, whole.record, whole.folder) == "training.epochs: 3 there, 1 asked for"


def identity(training: dict[str, Any]) -> dict[str, Any]:
    """What a planned run with these settings depends on."""
    config = configs.from_data({**SETTINGS, "training": training}, "test")
    dataset = records.DatasetRecord(name="synthetic", label="synthetic", digest="0" * 64, official=None)
    return experiment.plan(config, Path("nowhere"), dataset)[0].record.identity


@pytest.mark.parametrize(
    ("schedule", "same"), [(None, True), ({"name": "exponential", "factor": 0.9}, True), ({"name": "cosine"}, False)]
)
def test_epochs_can_be_added_unless_the_schedule_depends_on_them(schedule: Any, same: bool) -> None:
    """A cosine over eight epochs and one over nine differ from the first step on; others do not."""
    settings = {**TRAINING, "schedule": schedule}
    assert (identity({**settings, "epochs": 8}) == identity({**settings, "epochs": 9})) is same


def test_a_gpu_that_is_not_there_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that is to train on a GPU and sees none says so; on the CPU a GPU that it sees is hidden."""
    monkeypatch.setattr(device.tf.config, "list_physical_devices", lambda kind: [])
    with pytest.raises(UsageError, match=r"device gpu: TensorFlow sees none here: .* on the CPU"):
        device.use_device("gpu")
    device.use_device("cpu")
    hidden: list[Any] = []
    monkeypatch.setattr(device.tf.config, "list_physical_devices", lambda kind: ["GPU:0"])
    monkeypatch.setattr(device.tf.config, "set_visible_devices", lambda *shown: hidden.append(shown))
    device.use_device("gpu")
    assert hidden == []
    device.use_device("cpu")
    assert hidden == [([], "GPU")]


def test_a_dataset_that_does_not_fit_is_refused_with_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says how many bytes are needed and how many are free; where memory cannot be asked nothing is."""
    dataset = data.load("synthetic")
    needed = 512 * (32 * 32 * 3 + 8)
    monkeypatch.setattr(device, "available_memory", lambda: needed - 1)
    with pytest.raises(DatasetError, match=r"512 examples of 32 × 32 × 3 need 0\.00 GiB .* fewer workers"):
        device.check_fits(dataset.train)
    for enough in (needed, None):
        monkeypatch.setattr(device, "available_memory", lambda enough=enough: enough)
        device.check_fits(data.load("synthetic").train)


@pytest.mark.parametrize(
    ("before", "sessions"), [((), ("",)), (("one",), ("one", "now")), (("one", "now"), ("one", "now"))]
)
def test_a_run_that_goes_on_has_both_sessions(
    tmp_path: Path, before: tuple[str, ...], sessions: tuple[str, ...]
) -> None:
    """Each command's id once, in order; one of an earlier version, which recorded none, is the empty one."""
    killed(tmp_path, after=1)
    place = tmp_path / "batch_norm" / "seed-0"
    record = records.read_record(place)
    assert record is not None
    records.write_run(place, record.model_copy(update={"sessions": before}))
    config = configs.from_data({**SETTINGS, "training": TRAINING}, "test")
    task = task_of(config, tmp_path)
    now = sessions[1:] or ()
    runs.train(replace(task, record=task.record.model_copy(update={"sessions": now})), lambda event: None)
    found = records.read_record(place)
    assert found is not None
    assert found.sessions == sessions
