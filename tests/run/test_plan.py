"""What a plan does with the runs that it finds: taken, gone on with, deleted, or refused with the reason."""

import json
from pathlib import Path
from shutil import copyfile
from typing import Any
from zipfile import ZipFile

import pytest

from tests.recorded import configured
from wncompare import records
from wncompare.config import Config
from wncompare.errors import RecordsError
from wncompare.records import DatasetRecord
from wncompare.records.identity import fingerprint
from wncompare.run.plan import PlannedRun, plan, unfinished, untried
from wncompare.storage.locks import run_lock

DATASET = DatasetRecord(name="synthetic", label="synthetic", digest="0" * 64, official=None)


def planned(config: Config, folder: Path, **training: Any) -> tuple[PlannedRun, ...]:
    """The plan of the config with other training settings."""
    return plan(configured(config, training={**config.dump()["training"], **training}), folder, DATASET)


def leave(run: PlannedRun, **changes: Any) -> None:
    """Write a planned run as if it had trained two epochs and finished, but for the changes in its record."""
    run.folder.mkdir(parents=True)
    row = dict.fromkeys(records.HISTORY_COLUMNS, 0.5)
    records.write_history(run.folder, [{**row, "epoch": epoch} for epoch in (1, 2)])
    records.write_run(run.folder, run.record.model_copy(update={"status": "finished", **changes}))


def test_a_failed_run_that_got_somewhere_is_not_deleted_unasked(tiny: Config, tmp_path: Path) -> None:
    """Of two failed runs of another config, the one with a resume point stops the command; the other alone goes."""
    first, second, *_ = planned(tiny, tmp_path)
    leave(first, status="failed")
    assert unfinished(planned(tiny, tmp_path, batch_size=8), overwrite=False)
    assert not first.folder.exists()
    for run in (first, second):
        leave(run, status="failed")
    copyfile(second.folder / records.RUN_FILE, second.folder / records.CHECKPOINT_FILE)
    with pytest.raises(RecordsError, match=f"{second.name}: holds a run that differs in training.batch_size: 16 there"):
        unfinished(planned(tiny, tmp_path, batch_size=8), overwrite=False)
    assert first.folder.exists()
    unfinished(planned(tiny, tmp_path, batch_size=8), overwrite=True)
    assert not first.folder.exists()
    assert not second.folder.exists()


def test_nothing_is_deleted_where_a_run_is_held(tiny: Config, tmp_path: Path) -> None:
    """With --overwrite, the finished runs of a command that is still training one are all left to it."""
    runs = planned(tiny, tmp_path)
    for run in runs:
        leave(run)
    with run_lock(runs[-1].folder), pytest.raises(RecordsError, match="another wncompare run is training it"):
        unfinished(planned(tiny, tmp_path, batch_size=8), overwrite=True)
    assert all(run.folder.exists() for run in runs)
    assert len(unfinished(planned(tiny, tmp_path, batch_size=8), overwrite=True)) == len(runs)
    assert not any(run.folder.exists() for run in runs)


@pytest.mark.parametrize("status", ["interrupted", "diverged"])
def test_a_run_that_broke_off_is_known_by_the_epochs_it_has(tiny: Config, tmp_path: Path, status: str) -> None:
    """It was to have 1,000 epochs and has 2: it is taken where 2 are asked for, and refused where 1 is."""
    runs = planned(tiny, tmp_path)
    leave(runs[0], status=status, epochs=1000)
    is_final = status == "diverged"
    assert len(unfinished(planned(tiny, tmp_path), overwrite=False)) == len(runs) - is_final
    with pytest.raises(RecordsError, match=r"training\.epochs: 2 there, 1 asked for"):
        unfinished(planned(tiny, tmp_path, epochs=1), overwrite=False)


def test_a_run_that_is_being_trained_is_known_by_the_epochs_it_is_to_have(tiny: Config, tmp_path: Path) -> None:
    """While another command trains 1,000 epochs of a run, 2 are refused at once, not after the wait for its end."""
    run = planned(tiny, tmp_path)[0]
    leave(run, status="running", epochs=1000)
    with run_lock(run.folder), pytest.raises(RecordsError, match=r"training\.epochs: 1000 there, 2 asked for"):
        unfinished(planned(tiny, tmp_path), overwrite=False)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"epochs": 3}, r"training\.epochs: 2 there, 3 asked for \(the schedule depends on the epochs\): delete such"),
        ({"batch_size": 8}, r"training\.batch_size: 16 there, 8 asked for: delete such"),
    ],
)
def test_the_schedule_is_the_reason_only_where_epochs_differ(
    tiny: Config, tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    """A cosine makes another number of epochs another run, and has no part in another batch size."""
    leave(planned(tiny, tmp_path, schedule={"name": "cosine"})[0])
    with pytest.raises(RecordsError, match=words):
        unfinished(planned(tiny, tmp_path, schedule={"name": "cosine"}, **changes), overwrite=False)


PUBLISHED = sorted((Path(__file__).parents[2] / "results" / "published").glob("*/experiment.json"))


@pytest.mark.parametrize("file", PUBLISHED, ids=lambda file: file.parent.name)
def test_a_fingerprint_is_what_it_was(file: Path) -> None:
    """The plan that today's code makes of a published config has the fingerprints that stand in its records.

    A key that was added since is left out at its default, so that nothing of an older version is trained again.
    """
    found = records.read(file.parent)
    dataset, device = found.runs[0].record.dataset, found.runs[0].record.identity["device"]
    planned = plan(records.read_config(file.parent), file.parent, dataset, device)
    recorded = {run.folder: run.record.fingerprint for run in found.runs}
    assert len(recorded) == len(planned) > 0
    assert {run.folder: run.record.fingerprint for run in planned} == recorded


def test_a_refusal_names_the_settings_as_the_listener_does(tiny: Config, tmp_path: Path) -> None:
    """On the command line they are options, in Python arguments, in one error."""
    leave(planned(tiny, tmp_path)[0])
    with pytest.raises(RecordsError) as caught:
        unfinished(planned(tiny, tmp_path, batch_size=8), overwrite=False)
    told = str(caught.value)
    assert told.endswith("delete such runs with --overwrite, or name another folder with --output")
    python = str(caught.value.in_python())
    assert python.endswith("delete such runs with overwrite=True, or name another folder with output=")
    assert isinstance(caught.value.in_python(), RecordsError)
    assert python.split(": delete")[0] == told.split(": delete")[0]


def test_a_probe_is_no_part_of_the_fingerprint_and_left_out_where_there_is_none(tiny: Config, tmp_path: Path) -> None:
    """Two processors round otherwise, so that a probe decides by its distance; a config's own model has none."""
    one, other = (
        configured(tiny, model={"name": "function", "architecture": "0" * 64, "probe": {"tensorflow": [value, 0.25]}})
        for value in (0.5, 0.500001)
    )
    first, second = (plan(config, tmp_path, DATASET)[0] for config in (one, other))
    assert first.record.fingerprint == second.record.fingerprint
    leave(first)
    assert len(unfinished(plan(other, tmp_path, DATASET), overwrite=False)) == len(plan(other, tmp_path, DATASET)) - 1
    far = configured(one, model={**one.dump()["model"], "probe": {"tensorflow": [0.6, 0.25]}})
    with pytest.raises(RecordsError, match=r"differs in what its network computes \(by 0\.1, at one seed"):
        unfinished(plan(far, tmp_path, DATASET), overwrite=False)
    none = planned(tiny, tmp_path / "none")[0]
    leave(none)
    assert "probe" not in json.loads((none.folder / records.RUN_FILE).read_text())


def test_a_network_is_known_to_fit_by_an_epoch_that_it_has_trained(tiny: Config, tmp_path: Path) -> None:
    """One run of each is to be tried where none has a history: not on resume, nor with more seeds or another rate."""

    def tried(**training: Any) -> list[str]:
        return [run.name for run in untried(planned(tiny, tmp_path, **training), overwrite=True)]

    assert tried() == ["regular/seed-0", "weight_norm/seed-0"]
    leave(planned(tiny, tmp_path)[0], status="interrupted")
    assert tried() == ["weight_norm/seed-0"]
    assert tried(loss="mean_squared_error") == ["regular/seed-0", "weight_norm/seed-0"]
    several = configured(tiny, grid={"training.batch_size": [8, 16]})
    assert len(untried(plan(several, tmp_path / "grid", DATASET), overwrite=False)) == 2


def test_what_is_in_the_way_is_refused_before_anything_is_tried(tiny: Config, tmp_path: Path) -> None:
    """A run of another config is an error at once, as it is when the plan is carried out; nothing is deleted."""
    run = planned(tiny, tmp_path)[0]
    leave(run)
    with pytest.raises(RecordsError, match=r"training\.batch_size"):
        untried(planned(tiny, tmp_path, batch_size=8), overwrite=False)
    assert untried(planned(tiny, tmp_path, batch_size=8), overwrite=True)
    assert run.folder.exists()


def lenet(tiny: Config, *variants: str) -> Config:
    """A LeNet in some variants."""
    return configured(tiny, model={"name": "lenet"}, variants=[{"name": name} for name in variants])


def test_the_path_is_part_of_the_identity_where_it_changed(tiny: Config, tmp_path: Path) -> None:
    """A normalized LeNet is lowered on a CPU, and once was not; the regular one always was.

    None is on a GPU, nor one that computes in bfloat16.
    """
    config = lenet(tiny, "regular", "weight_norm", "batch_norm", "layer_norm", "weight_standardization")
    paths = [run.record.identity["variant"].get("path") for run in plan(config, tmp_path, DATASET)[:5]]
    assert paths == [None, None, "lowered", "lowered", "lowered"]
    mlp = configured(config, model={"name": "mlp"})
    others = plan(config, tmp_path, DATASET, "gpu"), plan(mlp, tmp_path, DATASET)
    for runs in (*others, planned(config, tmp_path, precision="mixed_bfloat16")):
        assert not any("path" in run.record.identity["variant"] for run in runs)


def test_a_run_of_another_path_is_refused_with_the_reason(tiny: Config, tmp_path: Path) -> None:
    """A record of batch norm from before it was lowered is not taken for today's; the regular arm's is."""
    regular, batch_norm, *_ = plan(lenet(tiny, "regular", "batch_norm"), tmp_path, DATASET)
    leave(regular)
    variant = {key: value for key, value in batch_norm.record.identity["variant"].items() if key != "path"}
    older = {**batch_norm.record.identity, "variant": variant}
    leave(batch_norm, identity=older, fingerprint=fingerprint(older))
    reason = (
        r"differs in variant\.path: nothing there, lowered asked for \(that run left its convolutions to TensorFlow"
    )
    with pytest.raises(RecordsError, match=reason):
        unfinished(plan(lenet(tiny, "regular", "batch_norm"), tmp_path, DATASET), overwrite=False)
    left = unfinished(plan(lenet(tiny, "regular", "batch_norm"), tmp_path, DATASET), overwrite=True)
    assert regular.folder not in [run.folder for run in left]
    assert batch_norm.folder in [run.folder for run in left]


@pytest.mark.parametrize("beside", ["LSTM", "Conv1D"])
def test_what_is_normalized_inside_recurrent_layers_is_part_of_the_identity(
    beside: str, tiny: Config, tmp_path: Path
) -> None:
    """Of layer_norm on a file with such a layer, which once stayed as it was: that run is refused, and why."""
    layers = [{"class_name": name, "config": {}} for name in (beside, "Dense")]
    with ZipFile(tmp_path / "own.keras", "w") as archive:
        archive.writestr("config.json", json.dumps({"class_name": "Sequential", "config": {"layers": layers}}))
    variants = [{"name": name} for name in ("regular", "weight_norm", "layer_norm")]
    config = configured(tiny, model={"file": str(tmp_path / "own.keras")}, variants=variants)
    *others, run = plan(config, tmp_path / "results", DATASET)[:3]
    identity = {key: value for key, value in run.record.identity["variant"].items() if key == "recurrences"}
    assert identity == ({"recurrences": "normalized"} if beside == "LSTM" else {})
    assert all("recurrences" not in other.record.identity["variant"] for other in others)
    if identity:
        variant = {key: value for key, value in run.record.identity["variant"].items() if key != "recurrences"}
        older = {**run.record.identity, "variant": variant}
        leave(run, identity=older, fingerprint=fingerprint(older))
        with pytest.raises(RecordsError, match=r"variant\.recurrences: .*left its recurrent layers as they are"):
            unfinished(plan(config, tmp_path / "results", DATASET), overwrite=False)
