"""Records: what is written is read back, and what is damaged or foreign is named, not believed."""

import json
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from shutil import copytree, rmtree
from typing import Any

import numpy as np
import pytest

import wncompare
from tests.recorded import amend, configured
from wncompare import records
from wncompare.config import Config
from wncompare.errors import RecordsError
from wncompare.records.identity import fingerprint
from wncompare.storage.locks import is_held, run_lock

Write = Callable[..., Path]


def flat(variant: str, seed: int, epoch: int) -> float:
    """An accuracy that tells where it comes from."""
    return 0.5 + 0.1 * (variant == "weight_norm") + 0.01 * seed + 0.001 * epoch


def test_an_experiment_reads_back_as_written(write_records: Write, tiny: Config) -> None:
    """Config, records and histories come back equal, in the config's order."""
    experiment = records.read(write_records(tiny, flat))
    assert experiment.config.dump() == tiny.dump()
    assert [(run.record.variant, run.record.seed) for run in experiment.runs] == [
        ("regular", 0),
        ("regular", 1),
        ("weight_norm", 0),
        ("weight_norm", 1),
    ]
    np.testing.assert_array_equal(experiment.runs[3].history["accuracy"], [flat("weight_norm", 1, e) for e in (1, 2)])


def test_load_gives_one_tidy_table(write_records: Write, tiny: Config) -> None:
    """`wncompare.load` has a row for each run and epoch, over every experiment below the folder."""
    folder = write_records(tiny, flat)
    write_records(tiny, flat, folder.parent / "other" / "deeper")
    table = wncompare.load(folder.parent)
    assert len(table) == 2 * 2 * 2 * 2
    assert list(table.columns[:6]) == ["experiment", "variant", "label", "seed", "status", "point"]
    one = table[(table.variant == "weight_norm") & (table.seed == 1) & (table.epoch == 2)]
    assert set(one.accuracy) == {flat("weight_norm", 1, 2)}
    assert set(table.experiment) == {"tiny"}


def test_a_folder_without_experiments_is_refused(tmp_path: Path) -> None:
    """An empty folder, or one that is not there, gets one line saying what was looked for."""
    for place in (tmp_path, tmp_path / "absent"):
        with pytest.raises(RecordsError, match=r"no experiment\.json here or below"):
            records.find(place)


def damage(file: str, change: Callable[[str], str]) -> Callable[[Path], None]:
    """A function that changes one file of an experiment's folder."""

    def apply(folder: Path) -> None:
        path = folder / file
        path.write_text(change(path.read_text()))

    return apply


def edit(**changes: Any) -> Callable[[str], str]:
    """A change of a JSON file's top-level keys."""
    return lambda text: json.dumps({**json.loads(text), **changes})


RUN = "regular/seed-0/run.json"
HISTORY = "regular/seed-0/history.csv"


@pytest.mark.parametrize(
    ("apply", "message"),
    [
        (damage("experiment.json", lambda text: text[:50]), r"experiment\.json: damaged JSON"),
        (damage("experiment.json", edit(schema_version=99)), r"experiment\.json: schema version 99: this wncompare reads version 1"),
        (damage("experiment.json", edit(config={"name": "../../x"})), r"experiment\.json: .*"),
        (damage(RUN, lambda text: ""), r"seed-0/run\.json: damaged JSON"),
        (damage(RUN, lambda text: "[" * 100_000), r"seed-0/run\.json: damaged JSON"),
        (damage(RUN, edit(schema_version=0)), r"schema version 0"),
        (damage(RUN, edit(status="fine")), r"run\.json: status: Input should be"),
        (damage(RUN, edit(surprise=1)), r"run\.json: surprise: Extra inputs"),
        (damage(RUN, edit(fingerprint="0" * 64)), r"run\.json: the fingerprint is not that of the identity"),
        (damage(RUN, edit(seed=1)), r"seed-0/run\.json: is the record of regular/seed-1"),
        (damage(HISTORY, lambda text: text.replace("loss", "los")), r"history\.csv: damaged history"),
        (damage(HISTORY, lambda text: text.replace("0.001", "x")), r"history\.csv: damaged history"),
        (damage(HISTORY, lambda text: text[: text.index("\n1") + 8]), r"history\.csv: damaged history"),
        (damage(HISTORY, lambda text: text.replace("\n2,", "\n7,")), r"history\.csv: damaged history \(epoch 7 in row 2\)"),
        (damage(HISTORY, lambda text: text.replace("2.0,0.5,3", "-2.0,0.5,3", 1)), r"train_seconds -2.0 in row 1, not 0 or more"),
        (damage(HISTORY, lambda text: text.replace("2.0,0.5,3", "2.0,nan,3", 1)), r"eval_seconds nan in row 1, not 0 or more"),
        (damage(HISTORY, lambda text: text.replace("2.0,0.5,3", "2.0,0.5,0", 1)), r"steps 0 in row 1, not above 0"),
        (damage(RUN, edit(seconds={"compile": -1.0})), r"run\.json: seconds: compile: Input should be greater"),
        (lambda folder: (folder / HISTORY).write_bytes(b"\xff\xfe"), r"history\.csv: not UTF-8"),
    ],
)  # fmt: skip
def test_a_damaged_record_is_named(
    write_records: Write, tiny: Config, apply: Callable[[Path], None], message: str
) -> None:
    """Truncated, foreign and edited records are refused with the file's name."""
    folder = write_records(tiny, flat)
    apply(folder)
    with pytest.raises(RecordsError, match=message) as caught:
        records.read(folder)
    assert "\n" not in str(caught.value)


def test_arms_of_two_experiments_are_no_comparison(write_records: Write, tiny: Config) -> None:
    """Where all runs of one variant come from another experiment, they are refused with what differs."""
    folder = write_records(tiny, flat)
    for seed in tiny.seeds:
        run = f"weight_norm/seed-{seed}"
        identity = {**json.loads((folder / run / "run.json").read_text())["identity"], "init_batch": 16}
        amend(folder, run, identity=identity, fingerprint=fingerprint(identity))
    with pytest.raises(
        RecordsError, match=r"run\.json: of another config than regular/seed-0: init_batch: nothing there, 16 asked"
    ):
        records.read(folder)


def test_a_run_of_another_setting_is_named(write_records: Write, tiny: Config) -> None:
    """A run's folder that was copied from one setting of a grid to another is not believed; settings may be lists."""
    config = configured(tiny, seeds=[0], model={"name": "mlp"}, grid={"model.units": [[8, 4], [6]]})
    folder = write_records(config, flat)
    assert len(records.read(folder).runs) == 4
    ours, theirs = (folder / "regular" / point.slug for point in config.points)
    rmtree(ours)
    copytree(theirs, ours)
    with pytest.raises(RecordsError, match=r"run\.json: of another setting: model\.units: \[6\] there, \[8, 4\]"):
        records.read(folder)


@pytest.mark.parametrize("held", [True, False])
def test_a_running_record_without_a_process_reads_as_interrupted(
    write_records: Write, tiny: Config, held: bool
) -> None:
    """A record says "running"; whether it is depends on whether a process holds the run."""
    folder = write_records(tiny, flat)
    damage(RUN, edit(status="running"))(folder)
    with run_lock(folder / "regular/seed-0") if held else nullcontext():
        assert records.read(folder).runs[0].record.status == ("running" if held else "interrupted")


def test_a_run_has_one_holder(tmp_path: Path) -> None:
    """While a run is held another attempt yields False, or waits once it has said so; deleting the run keeps the lock."""
    folder, order = tmp_path / "regular/seed-0", []
    folder.mkdir(parents=True)

    def wait() -> None:
        with run_lock(folder, waiting=lambda: order.append("waits")) as held:
            order.append(f"held: {held}")

    with run_lock(folder) as first:
        records.delete_run(folder)
        with run_lock(folder) as second:
            assert (first, second, is_held(folder)) == (True, False, True)
        thread = threading.Thread(target=wait)
        thread.start()
        while not order:
            time.sleep(0.01)
        order.append("released")
    thread.join()
    assert order == ["waits", "released", "held: True"]
    assert not is_held(folder)


def test_an_interrupted_write_leaves_nothing_for_long(tmp_path: Path) -> None:
    """What a killed writer left is cleared, and so is a resume point without a record; the log stays."""
    for name in (".checkpoint.tmp-abc.npz", "checkpoint.npz", "history.csv", "log.txt"):
        (tmp_path / name).touch()
    records.clear_run(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["log.txt"]


def test_an_impossible_accuracy_is_named(tiny: Config, write_records: Callable[..., Path]) -> None:
    """An accuracy is between 0 and 1: a history that says otherwise is not believed."""
    folder = write_records(tiny, lambda variant, seed, epoch: 1.7 if (variant, seed) == ("regular", 0) else 0.5)
    with pytest.raises(RecordsError, match=r"damaged history \(accuracy 1\.7 in row 1, not between 0 and 1\)"):
        records.read(folder)


def test_a_history_without_accuracy_is_damaged_where_the_targets_are_classes(
    tiny: Config, write_records: Write
) -> None:
    """Numbers have none: there it is as it should be, and the record says what the targets are."""
    folder = write_records(tiny, flat)
    for run in folder.glob("*/seed-*"):
        history = records.read_history(run)
        rows = [dict(zip(history, row, strict=True)) for row in zip(*history.values(), strict=True)]
        records.write_history(run, [{name: row[name] for name in row if "accuracy" not in name} for row in rows])
    with pytest.raises(RecordsError, match=r"history\.csv: no accuracy, though the targets are classes"):
        records.read(folder)
    dataset = records.DatasetRecord(name="own", label="own", digest="0", official=None, targets="numbers")
    for run in folder.glob("*/seed-*"):
        amend(folder, str(run.relative_to(folder)), dataset=dataset)
    assert [len(run.history) for run in records.read(folder).runs] == [7] * 4


def test_what_came_later_is_left_out_where_there_is_nothing_to_say(write_records: Write, tiny: Config) -> None:
    """A record without such a key reads as before, and is written as it was; one with it comes back equal."""
    folder = write_records(tiny, flat)
    file = folder / "regular" / "seed-0" / records.RUN_FILE
    before = file.read_text(encoding="utf-8")
    amend(folder, "regular/seed-0")
    assert file.read_text(encoding="utf-8") == before
    assert not {"probe", "momentum", "redundant_gains", "sessions"} & json.loads(before).keys()
    assert not {"test_examples", "targets"} & json.loads(before)["dataset"].keys()
    dataset = records.DatasetRecord(name="synthetic", label="synthetic", digest="0", official=None, test_examples=24)
    amend(folder, "regular/seed-0", momentum=0.9, redundant_gains=2, sessions=("a", "b"), dataset=dataset)
    found = records.read_record(file.parent)
    assert found is not None
    assert (found.momentum, found.redundant_gains, found.sessions) == (0.9, 2, ("a", "b"))
    assert found.dataset == dataset
