"""Runs that go on: what they take over, what they start anew for, and what they leave as it is."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from shutil import copytree
from typing import Any

import keras
import numpy as np
import pytest

from wncompare import config as configs
from wncompare import records
from wncompare.errors import ModelError, RecordsError, UnreadableError
from wncompare.nn.runs import train as runs
from wncompare.records import Run, provenance

from .test_training_runs import SETTINGS, TRAINING, Killed, Told, exact, killed, perform, task_of

RUN = "batch_norm/seed-0"
ALL_EPOCHS = {key: value for key, value in TRAINING.items() if key != "early_stopping"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The run that nothing disturbed: three epochs."""
    return perform(tmp_path_factory.mktemp("whole"), TRAINING)


@pytest.fixture(scope="module")
def half(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an experiment whose run was killed after two epochs."""
    folder = tmp_path_factory.mktemp("half")
    killed(folder, after=2)
    return folder


@pytest.fixture
def broken(half: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(copytree(half, tmp_path / "broken"))


@pytest.fixture
def die_at_once(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A function that starts a run and is killed as soon as its record says so."""

    def die(*_: Any) -> None:
        raise Killed

    def start(folder: Path, training: dict[str, Any]) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(runs, "_train", die)
            with pytest.raises(Killed):
                perform(folder, training)

    return start


def change(file: str, edit: Callable[[str], str]) -> Callable[[Path], None]:
    """A change of a file's text."""

    def apply(folder: Path) -> None:
        (folder / RUN / file).write_text(edit((folder / RUN / file).read_text()))

    return apply


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (change("layers.csv", lambda text: text.replace("epoch", "x")), "damaged ('epoch')"),
        (change("layers.csv", lambda text: text.replace("\n1,", "\none,")), "damaged (invalid literal"),
        (change("layers.csv", lambda text: text[: text.rindex("\n2,") + 1]), "5 rows up to epoch 2, 6 expected"),
        (change("layers.csv", lambda text: text.partition("\n")[0]), "0 rows up to epoch 2, 6 expected"),
        (change("history.csv", lambda text: text[: text.rindex("\n2,") + 1]), "1 rows up to epoch 2, 2 expected"),
    ],
)
def test_a_damaged_table_is_named_and_its_run_redone(
    whole: Run, broken: Path, capsys: pytest.CaptureFixture[str], damage: Callable[[Path], None], reason: str
) -> None:
    """A table that is damaged or lacks a row is no base to go on from: the log says why, and all epochs are trained."""
    damage(broken)
    told = Told()
    redone = perform(broken, TRAINING, told)
    assert told.epochs == [1, 2, 3]
    assert reason in capsys.readouterr().out
    assert exact(redone) == exact(whole)
    assert records.read_layers(redone.folder) == records.read_layers(whole.folder)


@pytest.mark.parametrize("column", ["", ",note"])
def test_what_goes_on_is_as_it_was(whole: Run, broken: Path, column: str) -> None:
    """An undisturbed table is gone on with, and so is one in which somebody has added a column."""
    change("layers.csv", lambda text: "".join(f"{line}{column}\n" for line in text.splitlines()))(broken)
    told = Told()
    resumed = perform(broken, TRAINING, told)
    assert told.epochs == [3]
    assert exact(resumed) == exact(whole)
    assert records.read_layers(resumed.folder) == records.read_layers(whole.folder)


def pipe(file: Path) -> None:
    """A named pipe, which is not read."""
    os.mkfifo(file)


@pytest.mark.parametrize(
    ("file", "in_the_way"), [("checkpoint.npz", Path.mkdir), ("history.csv", pipe), ("layers.csv", pipe)]
)
def test_what_cannot_be_read_now_is_not_trained_over(
    whole: Run, broken: Path, file: str, in_the_way: Callable[[Path], None]
) -> None:
    """An error of the disk fails the run and leaves its resume point; once the file is back, the run goes on."""
    place, kept = broken / RUN / file, broken / "kept"
    place.rename(kept)
    in_the_way(place)
    with pytest.raises((IsADirectoryError, UnreadableError)):
        perform(broken, TRAINING)
    place.rmdir() if place.is_dir() else place.unlink()
    kept.rename(place)
    told = Told()
    assert exact(perform(broken, TRAINING, told)) == exact(whole)
    assert told.epochs == [3]


@pytest.mark.slow
def test_a_run_that_was_extended_by_mistake_goes_back(tmp_path: Path, die_at_once: Callable[..., None]) -> None:
    """Two epochs, then a thousand that are interrupted at once: two are there as before, and three are too many."""
    two, thousand = ({**ALL_EPOCHS, "epochs": epochs} for epochs in (2, 1000))
    before = perform(tmp_path, two)
    die_at_once(tmp_path, thousand)
    assert records.read(tmp_path).runs[0].record.status == "interrupted"
    told = Told()
    after = perform(tmp_path, two, told)
    assert told.epochs == []
    assert (after.record.status, after.record.epochs, after.record.test) == ("finished", 2, before.record.test)
    assert exact(after) == exact(before)
    killed(tmp_path, after=3, training=thousand)
    with pytest.raises(RecordsError, match=r"training\.epochs: 3 there, 2 asked for"):
        perform(tmp_path, two)


def test_seconds_and_environments_add_up(
    broken: Path, die_at_once: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between its start and its resume point too, a run keeps its seconds and names both Pythons it ran on."""
    python = provenance.environment()["python"]
    before = records.read_record(broken / RUN)
    assert before is not None
    assert before.seconds["train"] > 0
    monkeypatch.setattr(provenance, "environment", lambda: {"python": "another"})
    die_at_once(broken, TRAINING)
    resumed = perform(broken, TRAINING)
    assert resumed.record.environment["python"] == [python, "another"]
    assert resumed.record.environment["numpy"] == np.__version__
    assert resumed.record.seconds["train"] == pytest.approx(sum(resumed.history["train_seconds"]))
    assert resumed.record.seconds["start_up"] > before.seconds["start_up"]


def test_a_run_that_was_begun_under_the_old_timing_stays_marked(broken: Path) -> None:
    """A record without `timing` tells that its first epoch may hold compilation, also when it has gone on; a run that
    starts anew does not, and neither key nor value is in its fingerprint."""
    file = broken / RUN / "run.json"
    content = json.loads(file.read_text())
    assert content.pop("timing") == records.TIMING
    file.write_text(json.dumps(content))
    old = records.read_record(broken / RUN)
    assert old is not None
    assert old.timings_include_compilation
    resumed = perform(broken, TRAINING).record
    assert resumed.timings_include_compilation
    assert set(resumed.seconds) == {"start_up", "compile", "instantiate", "train", "eval"}
    (broken / RUN / records.CHECKPOINT_FILE).unlink()
    file.write_text(json.dumps({**content, "status": "interrupted"}))
    anew = perform(broken, TRAINING).record
    assert not anew.timings_include_compilation
    assert anew.fingerprint == resumed.fingerprint == content["fingerprint"]


def test_a_run_that_starts_anew_has_nothing_of_the_old(broken: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its resume point, only what was trained now counts."""
    monkeypatch.setattr(provenance, "environment", lambda: {"python": "another"})
    (broken / RUN / records.CHECKPOINT_FILE).unlink()
    anew = perform(broken, TRAINING)
    assert anew.record.environment == {"python": "another"}
    assert anew.record.seconds["train"] == pytest.approx(sum(anew.history["train_seconds"]))


def test_a_model_file_that_changed_since_the_plan_is_refused(tmp_path: Path) -> None:
    """A run that was planned on one file does not train another under its name; nothing is written."""
    file = tmp_path / "my.keras"
    file.write_bytes(b"planned")
    config = configs.from_data({**SETTINGS, "model": {"file": str(file)}, "training": TRAINING}, "test")
    task = task_of(config, tmp_path / "results")
    file.write_bytes(b"saved again")
    with pytest.raises(ModelError, match=r"my\.keras: changed since the run was planned: run again$"):
        runs.train(task, Told())
    assert not list((tmp_path / "results").rglob("*.json"))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_moving_averages_that_are_not_finite_are_divergence(value: float) -> None:
    """Batch norm's moving variance is used in evaluation alone, so neither the loss nor what is trained shows it."""
    layers = [keras.layers.BatchNormalization(), keras.layers.Dropout(0.5), keras.layers.Dense(2)]
    model = keras.Sequential([keras.Input((3,)), *layers])
    assert runs._is_finite(model)
    model.layers[0].moving_variance.assign([1.0, value, 1.0])
    assert not runs._is_finite(model)
