"""Damaged, foreign and hostile records: named and refused or redone, never believed, never executed."""

import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wncompare
from wncompare import config as configs
from wncompare import records
from wncompare.config import Config
from wncompare.errors import RecordsError
from wncompare.records.identity import fingerprint
from wncompare.render import figures as plots
from wncompare.run import execute as experiment
from wncompare.run import status

from .support import EPOCHS, assert_undisturbed, needs_proc, run

Damage = Callable[[Path], None]
RUN, OTHER = "regular/seed-0", "weight_norm/seed-0"
ONE_SEED = ("--set", "seeds=[0]")


@pytest.fixture
def finished(reference: Path, tmp_path: Path) -> Path:
    """A copy of a finished experiment of real runs."""
    return Path(shutil.copytree(reference, tmp_path / "copy"))


@pytest.fixture(scope="session")
def config(config_file: Path) -> Config:
    """Its config."""
    return configs.load(config_file)


def text(file: str, change: Callable[[str], str]) -> Damage:
    """A change of one file's text."""

    def apply(folder: Path) -> None:
        (folder / file).write_text(change((folder / file).read_text()))

    return apply


def edited(**changes: Any) -> Damage:
    """A change of a run's record, with a fingerprint to match."""

    def change(content: str) -> str:
        record = json.loads(content)
        record["identity"] |= changes
        record["fingerprint"] = fingerprint(record["identity"])
        return json.dumps(record)

    return text(f"{RUN}/run.json", change)


def copied(folder: Path) -> None:
    """One run's folder in the place of another's."""
    shutil.rmtree(folder / RUN)
    shutil.copytree(folder / OTHER, folder / RUN)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (text(f"{RUN}/run.json", lambda content: content[:100]), "damaged JSON"),
        (text(f"{RUN}/run.json", lambda content: ""), "damaged JSON"),
        (text(f"{RUN}/run.json", lambda content: content.replace('"schema_version": 1', '"schema_version": 7')), "schema version 7"),
        (text(f"{RUN}/run.json", lambda content: content.replace('"init_batch": 32', '"init_batch": 31')), "the fingerprint is not that of the identity"),
        (edited(init_batch=31), "differs in init_batch: 31 there, 32 asked for"),
        (edited(device="gpu"), "differs in device: gpu there, cpu asked for"),
        (copied, "differs in variant.name: weight_norm there, regular asked for"),
    ],
)  # fmt: skip
def test_a_damaged_record_is_refused_and_redone_when_asked(
    finished: Path, config: Config, damage: Damage, message: str
) -> None:
    """`run` names the record and touches nothing; `status` goes on; with --overwrite the run is planned anew."""
    damage(finished)
    before = {file: file.read_bytes() for file in finished.rglob("*") if file.is_file()}
    with pytest.raises(RecordsError, match=message) as caught:
        experiment.execute(config, finished)
    assert RUN in str(caught.value)
    assert {file: file.read_bytes() for file in finished.rglob("*") if file.is_file()} == before
    assert len(status.status(finished).runs) == 2 * len(config.seeds)
    planned: list[int] = []

    class StopHereError(Exception):
        pass

    def listen(event: Any) -> None:
        planned.append(event.waiting)
        raise StopHereError

    with pytest.raises(StopHereError):
        experiment.execute(config, finished, overwrite=True, listen=listen)
    assert planned == [1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (text(f"{RUN}/history.csv", lambda content: content[: len(content) // 2]), "damaged history|epochs, 60 expected"),
        (edited(init_batch=31), "of another config than"),
        (copied, "is the record of weight_norm/seed-0"),
    ],
)  # fmt: skip
def test_reading_believes_no_mixture(finished: Path, damage: Damage, message: str) -> None:
    """A cut history, a run of another config and a run in another's place are refused by whatever reads the folder."""
    damage(finished)
    with pytest.raises(RecordsError, match=message):
        records.read(finished)


@pytest.mark.slow
@needs_proc
def test_a_damaged_run_is_redone_alone(config_file: Path, finished: Path, reference: Path) -> None:
    """With --overwrite, a truncated record's run is trained again, to the same bits, and no other is."""
    (finished / RUN / "run.json").write_text("{")
    (finished / RUN / "checkpoint.npz").write_bytes(b"")
    redone = run(config_file, finished, "--overwrite")
    assert redone.returncode == 0
    assert redone.stderr.count(": epoch ") == redone.stderr.count(f"{RUN}: epoch ") == EPOCHS
    assert_undisturbed(finished, reference)


@pytest.mark.slow
@needs_proc
def test_an_injected_nan_diverges_and_the_others_finish(config_file: Path, tmp_path: Path) -> None:
    """A weight that becomes NaN between two epochs: the run is diverged, NaN stays, the other finishes; exit 3."""
    folder = tmp_path / "nan"
    first = run(config_file, folder, *ONE_SEED, "--set", "training.epochs=3")
    assert first.returncode == 0
    file = folder / RUN / "checkpoint.npz"
    with np.load(file) as saved:
        values = dict(saved)
    values["variable_0"] = np.full_like(values["variable_0"], np.nan)
    np.savez(file, **values)
    done = run(config_file, folder, *ONE_SEED, "--set", "training.epochs=6")
    assert done.returncode == 3
    statuses = {one.name: one.record.status for one in records.read(folder).runs}
    assert statuses == {RUN: "diverged", OTHER: "finished"}
    with np.load(file) as saved:
        assert np.isnan(saved["variable_0"]).all()


class Trap:
    """Unpickling this makes a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.marker), "w")


@pytest.mark.slow
@needs_proc
def test_a_pickle_for_a_resume_point_is_not_opened(config_file: Path, reference: Path, tmp_path: Path) -> None:
    """Object arrays and bare pickles in the place of a resume point: the run starts anew and nothing has been run."""
    folder, marker = tmp_path / "pickled", tmp_path / "executed"
    assert run(config_file, folder, *ONE_SEED, "--set", "training.epochs=2").returncode == 0
    trap = np.array([Trap(marker)], object)
    np.savez(folder / RUN / "checkpoint.npz", epoch=2, variable_0=trap, allow_pickle=True)
    (folder / OTHER / "checkpoint.npz").write_bytes(pickle.dumps(Trap(marker)))
    assert run(config_file, folder, *ONE_SEED).returncode == 0
    assert not marker.exists()
    assert_undisturbed(folder, reference)


def opened_in_every_way(folder: Path) -> None:
    """What a reader does with someone else's results folder."""
    status.status(folder)
    wncompare.load(folder)
    for _, figure in plots.figures(records.read(folder)):
        plots.render(figure, "png")


def curve(variant: str, seed: int, epoch: int) -> float:
    """An accuracy."""
    return 0.5 + 0.1 * seed + 0.01 * epoch


@pytest.mark.parametrize("name", ["../../outside", "/etc", "a/b", ".hidden", "a\x1b[31m"])
def test_a_variant_cannot_lead_out_of_the_folder(write_records: Callable[..., Path], tiny: Config, name: str) -> None:
    """An id in experiment.json that is no folder name is refused."""
    folder = write_records(tiny, curve)
    record = json.loads((folder / "experiment.json").read_text())
    record["config"]["variants"][0]["id"] = name
    (folder / "experiment.json").write_text(json.dumps(record))
    with pytest.raises(RecordsError, match=r"expected a folder name|expected printable text"):
        opened_in_every_way(folder)


@needs_proc
def test_a_model_file_elsewhere_is_not_touched(
    write_records: Callable[..., Path], tiny: Config, tmp_path: Path
) -> None:
    """A config that names a pipe as its model's file: reading does not open it, which would never return."""
    os.mkfifo(tmp_path / "pipe.keras")
    folder = write_records(tiny, curve)
    record = json.loads((folder / "experiment.json").read_text())
    record["config"]["model"] = {"name": "file", "file": str(tmp_path / "pipe.keras")}
    (folder / "experiment.json").write_text(json.dumps(record))
    opened_in_every_way(folder)


def pipe(file: Path) -> None:
    """A named pipe that nobody writes to."""
    file.unlink()
    os.mkfifo(file)


def endless(file: Path) -> None:
    """A link to a device that never ends."""
    file.unlink()
    file.symlink_to("/dev/zero")


def huge(file: Path) -> None:
    """A hole of a terabyte."""
    os.truncate(file, 1 << 40)


@needs_proc
@pytest.mark.parametrize("change", [pipe, endless, huge])
@pytest.mark.parametrize("file", ["experiment.json", "regular/seed-0/run.json", "regular/seed-0/history.csv"])
def test_what_never_ends_is_refused(
    write_records: Callable[..., Path], tiny: Config, file: str, change: Callable[[Path], None]
) -> None:
    """A pipe, a device and a huge file in a record's place end in one line that names it."""
    folder = write_records(tiny, curve)
    change(folder / file)
    with pytest.raises(RecordsError, match=r"not a plain file|larger than") as caught:
        opened_in_every_way(folder)
    assert file in str(caught.value)


@needs_proc
def test_asking_for_a_lock_follows_no_link(write_records: Callable[..., Path], tiny: Config, tmp_path: Path) -> None:
    """A lock that is a link to someone's file, or a pipe, is taken for no lock, and the file stays as it is."""
    folder = write_records(tiny, curve)
    for seed in (0, 1):
        record = json.loads((folder / f"regular/seed-{seed}/run.json").read_text())
        (folder / f"regular/seed-{seed}/run.json").write_text(json.dumps(record | {"status": "running"}))
    (tmp_path / "mine").write_text("mine")
    (folder / "regular/.seed-0.lock").symlink_to(tmp_path / "mine")
    os.mkfifo(folder / "regular/.seed-1.lock")
    opened_in_every_way(folder)
    assert [run.status for run in status.status(folder).runs][:2] == ["interrupted", "interrupted"]
    assert (tmp_path / "mine").read_text() == "mine"
