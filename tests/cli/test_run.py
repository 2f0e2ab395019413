"""The main job, end to end: configs in, trained runs, records, plots and a table out."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml

from tests.conftest import TINY
from wncompare import config as configs
from wncompare import records
from wncompare.records import HISTORY_COLUMNS, Experiment
from wncompare.run import execute as experiment

Run = Callable[..., "subprocess.CompletedProcess[str]"]

SMALL = ("--set", "model.name=mlp")  # compiles in a third of the time

EXACT_COLUMNS = [column for column in HISTORY_COLUMNS if not column.endswith("_seconds")]


@pytest.fixture(scope="session")
def config_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny config as a file."""
    file = tmp_path_factory.mktemp("config") / "tiny.yaml"
    file.write_text(yaml.safe_dump(TINY), encoding="utf-8")
    return file


def command(config: Path, output: Path, *arguments: str) -> list[str]:
    """The command line of a run."""
    return [sys.executable, "-m", "wncompare", "run", str(config), "--output", str(output), *arguments]


def run(config: Path, output: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """`wncompare run`, as a user's shell would start it."""
    return subprocess.run(command(config, output, *arguments), capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def first(config_file: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """The folder, stdout and stderr of a first run of the tiny config."""
    folder = tmp_path_factory.mktemp("first") / "tiny"
    done = run(config_file, folder, "--workers", "1")
    assert done.returncode == 0, done.stderr
    return folder, done.stdout, done.stderr


def histories(experiment: Experiment) -> dict[tuple[str, int], dict[str, list[float]]]:
    """Every run's history but for its seconds."""
    return {
        (run.record.variant, run.record.seed): {name: list(run.history[name]) for name in EXACT_COLUMNS}
        for run in experiment.runs
    }


def test_a_run_leaves_complete_records(first: tuple[Path, str, str]) -> None:
    """Every variant and seed has a finished record with its data, machine and times, and a full history."""
    experiment = records.read(first[0])
    assert len(experiment.runs) == 4
    for one in experiment.runs:
        assert one.record.status == "finished"
        assert list(one.history["epoch"]) == [1, 2]
        assert all(np.isfinite(one.history[column]).all() for column in HISTORY_COLUMNS)
        assert list(one.history["steps"]) == [3, 3]
        assert {"python", "keras", "numpy", "platform", "processor", "git"} <= set(one.record.environment)
        assert set(one.record.seconds) == {"start_up", "compile", "instantiate", "train", "eval"}
        assert (one.folder / "model.keras").exists()
        assert (one.folder / "log.txt").read_text().count("val_accuracy") == 2
        assert len((one.folder / "layers.csv").read_text().splitlines()) == 1 + 5 * 3


def test_weight_norm_has_one_gain_more_for_each_output(first: tuple[Path, str, str]) -> None:
    """The arms differ by one parameter for each of the 6 + 16 + 120 + 84 + 3 outputs."""
    parameters = {one.record.variant: one.record.parameters for one in records.read(first[0]).runs}
    assert parameters["weight_norm"] - parameters["regular"] == 6 + 16 + 120 + 84 + 3  # type: ignore[operator]


def test_the_user_sees_results_on_stdout_and_progress_on_stderr(first: tuple[Path, str, str]) -> None:
    """The table is all there is on stdout; stderr has a line an epoch and none of TensorFlow's noise."""
    folder, out, err = first
    assert "WeightNorm ConvNet" in out
    assert "P(better)" in out
    lines = err.splitlines()
    assert lines[0] == "4 runs to train, 0 finished before"
    plots = len(list((folder / "plots").iterdir()))
    assert lines[-1] == f"wrote {folder}, {plots} plots in {folder / 'plots'} and {folder / 'report.html'}"
    assert sum(": epoch " in line for line in lines) == 8
    assert len(lines) == 1 + 8 + 4 + 1


def test_it_draws_the_plots(first: tuple[Path, str, str]) -> None:
    """The figures are there when the command ends."""
    names = {file.name for file in (first[0] / "plots").iterdir()}
    assert {"accuracy.png", "val_accuracy.png", "layers.png", "overview.png"} < names


def test_it_leaves_the_report_beside_the_records(
    first: tuple[Path, str, str], config_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is the page that `report --format html` makes; one that is gone comes back."""
    from tests.cli.test_cli import wncompare

    page = first[0] / "report.html"
    written = page.read_text(encoding="utf-8")
    assert written.startswith("<!doctype html>")
    page.unlink()
    assert wncompare("run", config_file, "--output", first[0], capture=capsys)[0] == 0
    assert page.read_text(encoding="utf-8") == written


@pytest.mark.slow
def test_no_pipe_stops_a_run(config_file: Path, tmp_path: Path) -> None:
    """A pipe in the place of each file that a run writes or looks for is replaced; nobody waits for its other end."""
    folder = tmp_path / "pipes"
    for name in ("log.txt", "checkpoint.npz", "model.keras", "history.csv", "layers.csv"):
        (folder / "regular" / "seed-0").mkdir(parents=True, exist_ok=True)
        os.mkfifo(folder / "regular" / "seed-0" / name)
    (folder / "plots").mkdir()
    for name in ("plots/accuracy.png", "summary.json", "summary.csv", "report.html"):
        os.mkfifo(folder / name)
    short = (*SMALL, "--set", "seeds=[0]", "--set", "training.epochs=1", "--quiet")
    done = subprocess.run(
        command(config_file, folder, *short), capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert [file for file in folder.rglob("*") if not file.is_file() and not file.is_dir()] == []
    os.mkfifo(tmp_path / "my.keras")
    pipe = run(config_file, folder, "--set", f"model={{file: {tmp_path / 'my.keras'}}}")
    assert (pipe.returncode, pipe.stderr) == (
        2,
        f"wncompare: error: model {tmp_path / 'my.keras'}: cannot be read (not a plain file): name a .keras file\n",
    )


@pytest.mark.slow
def test_no_stream_stops_a_run(config_file: Path, tmp_path: Path) -> None:
    """Without stdin, stdout and stderr everything is trained, drawn and saved, and the exit code is 0."""
    line = shlex.join(
        command(config_file, tmp_path / "mute", *SMALL, "--set", "seeds=[0]", "--set", "training.epochs=1")
    )
    assert subprocess.run(["bash", "-c", f"{line} <&- >&- 2>&-"], check=False).returncode == 0
    assert {one.record.status for one in records.read(tmp_path / "mute").runs} == {"finished"}
    assert {"summary.json", "summary.csv", "report.html"} <= {file.name for file in (tmp_path / "mute").iterdir()}


@pytest.mark.slow
def test_a_run_below_a_file_is_a_usage_error(config_file: Path, tmp_path: Path) -> None:
    """Exit code 2, the file that is in the way and the remedy."""
    (tmp_path / "file").touch()
    done = run(config_file, tmp_path / "file" / "results", *SMALL)
    assert (done.returncode, done.stderr) == (
        2,
        f"wncompare: error: {tmp_path / 'file'}: Not a directory: "
        "a file is where a folder is expected: name another folder\n",
    )


@pytest.mark.slow
def test_the_same_command_twice_is_bit_identical(
    first: tuple[Path, str, str], config_file: Path, tmp_path: Path
) -> None:
    """Another folder, two workers instead of one: every column of every history but the seconds is the same."""
    assert run(config_file, tmp_path / "again", "--workers", "2").returncode == 0
    assert histories(records.read(tmp_path / "again")) == histories(records.read(first[0]))


def test_finished_runs_are_skipped(first: tuple[Path, str, str], config_file: Path) -> None:
    """The same command in the same folder trains nothing and gives the same table; labels may change."""
    folder, out, _ = first
    before = {file: file.stat().st_mtime_ns for file in folder.glob("*/*/*")}
    again = run(config_file, folder, "--set", "variants.regular.color=green")
    assert again.returncode == 0
    assert again.stderr.startswith("0 runs to train, 4 finished before\nwrote ")
    assert again.stdout == out
    assert {file: file.stat().st_mtime_ns for file in folder.glob("*/*/*")} == before


@pytest.mark.slow
def test_what_is_drawn_is_not_drawn_again(first: tuple[Path, str, str], config_file: Path) -> None:
    """Where neither a run nor the config is new, the plots stay; another colour draws them anew."""
    folder, out, _ = first
    blue, green = ("--set", "variants.regular.color=blue"), ("--set", "variants.regular.color=green")
    assert "\nwrote " in run(config_file, folder, *blue).stderr
    before = {file: file.stat().st_mtime_ns for file in folder.rglob("*.png")}
    again = run(config_file, folder, *blue)
    assert again.stderr == (
        f"0 runs to train, 4 finished before\nnothing is new: {folder}, its plots and its report are as they were\n"
    )
    assert again.stdout == out
    assert {file: file.stat().st_mtime_ns for file in folder.rglob("*.png")} == before
    assert "\nwrote " in run(config_file, folder, *green).stderr


def test_nothing_to_do_starts_no_worker(
    first: tuple[Path, str, str], config_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where every run is finished, no worker process is started."""
    monkeypatch.setattr("wncompare.run.engines.local.Worker", lambda *_, **__: pytest.fail("a worker was started"))
    done = experiment.execute(configs.load(config_file), first[0])
    assert (done.skipped, done.outcomes) == (4, ())


def test_json_is_all_there_is_on_stdout(first: tuple[Path, str, str], config_file: Path) -> None:
    """With --json and --quiet, stdout is the summary as JSON and stderr says only what was written."""
    done = run(config_file, first[0], "--json", "--quiet")
    data = json.loads(done.stdout)
    assert (data["schema_version"], data["headline"]) == (4, "val_accuracy")
    assert [variant["finished"] for variant in data["comparisons"][0]["variants"]] == [2, 2]
    assert len(done.stderr.splitlines()) == 1


def test_runs_that_differ_are_refused_and_nothing_is_touched(first: tuple[Path, str, str], config_file: Path) -> None:
    """Another learning rate, or fewer epochs, in the same folder: exit 2, the keys that differ and the ways out."""
    folder, _, _ = first
    before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    rate = run(config_file, folder, "--set", "training.optimizer.learning_rate=0.01")
    epochs = run(config_file, folder, "--set", "training.epochs=1")
    ways_out = "delete such runs with --overwrite, or name another folder with --output\n"
    where = f"wncompare: error: {folder}/regular/seed-0: holds a run that differs in"
    assert (rate.returncode, epochs.returncode) == (2, 2)
    assert rate.stderr == f"{where} training.optimizer.learning_rate: 0.001 there, 0.01 asked for: {ways_out}"
    assert epochs.stderr == f"{where} training.epochs: 2 there, 1 asked for: {ways_out}"
    assert {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()} == before


@pytest.mark.slow
def test_divergence_is_told_apart_and_exits_with_3(config_file: Path, tmp_path: Path) -> None:
    """A run whose loss becomes NaN stops as diverged with NaN in its history; the command exits with 3."""
    wild = ("training.optimizer={name: sgd, learning_rate: 1.0e+18}", "seeds=[0]", "training.epochs=3")
    arguments = [argument for override in wild for argument in ("--set", override)]
    done = run(config_file, tmp_path / "wild", *SMALL, *arguments)
    runs = records.read(tmp_path / "wild").runs
    again = run(config_file, tmp_path / "wild", *SMALL, *arguments)
    assert (done.returncode, again.returncode) == (3, 3)
    assert "diverged, and not tried again: regular/seed-0, weight_norm/seed-0; a lower learning rate" in again.stderr
    assert [one.record.status for one in runs] == ["diverged", "diverged"]
    assert all(one.epochs < 3 for one in runs)
    assert all(np.isnan(one.history["loss"][-1]) for one in runs)


@pytest.mark.slow
def test_a_failing_run_says_why_and_exits_with_3(config_file: Path, tmp_path: Path) -> None:
    """A folder in a file's place: one line a run, the reason in run.json too, no traceback, exit 3; then it goes on."""
    in_the_way = tmp_path / "small/regular/seed-0/model.keras"
    in_the_way.mkdir(parents=True)
    done = run(config_file, tmp_path / "small", *SMALL, "--set", "seeds=[0]")
    assert done.returncode == 3
    (failed,) = [one.record for one in records.read(tmp_path / "small").runs if one.record.status == "failed"]
    assert "model.keras" in str(failed.error)
    assert f"regular/seed-0: failed: {failed.error}\n" in done.stderr
    assert "Traceback" not in done.stderr
    in_the_way.rmdir()
    assert run(config_file, tmp_path / "small", *SMALL, "--set", "seeds=[0]").returncode == 0


@pytest.mark.slow
def test_what_does_not_fit_is_refused_before_a_run_is_begun(config_file: Path, tmp_path: Path) -> None:
    """A model too large for the images is a usage error on one line, and leaves no folder."""
    done = run(config_file, tmp_path / "small", "--set", "dataset.shape=[8, 8, 1]", "--set", "seeds=[0]")
    reason = "model lenet: images of 8 × 8: expected at least 16 × 16; use the model mlp"
    assert done.returncode == 2
    assert re.fullmatch(f"wncompare: error: variant (regular|weight_norm): {reason}", done.stderr.splitlines()[-1])
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "small").exists()


@pytest.mark.slow
def test_a_holdout_gives_a_test_result(config_file: Path, tmp_path: Path) -> None:
    """With a holdout the test split is evaluated once, into run.json, and is the headline."""
    done = run(
        config_file,
        tmp_path / "held",
        *SMALL,
        "--set",
        "validation={holdout: 0.25}",
        "--set",
        "seeds=[0]",
        "--json",
        "--quiet",
    )
    data = json.loads(done.stdout)
    runs = records.read(tmp_path / "held").runs
    assert data["headline"] == "test_accuracy"
    assert [one.record.test["accuracy"] for one in runs if one.record.test] == [
        variant["headline"]["mean"] for variant in data["comparisons"][0]["variants"]
    ]
    assert set(runs[0].history["steps"]) == {3}  # 36 of 48 images in batches of 16


needs_signals = pytest.mark.skipif(os.name != "posix", reason="sends signals")


@pytest.fixture(scope="module")
def uninterrupted(config_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of six epochs of one seed that nothing disturbed."""
    folder = tmp_path_factory.mktemp("uninterrupted") / "six"
    assert run(config_file, folder, *SIX_EPOCHS).returncode == 0
    return folder


SIX_EPOCHS = (*SMALL, "--set", "training.epochs=6", "--set", "seeds=[0]")


def cut(config_file: Path, folder: Path, sent: signal.Signals) -> tuple[int, str]:
    """Start six epochs, send the driver a signal while the second or third runs; its exit code and last words."""
    with subprocess.Popen(command(config_file, folder, *SIX_EPOCHS), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if ": epoch 2/" in line:
                break
        process.send_signal(sent)
        rest = process.stderr.read()
    return process.returncode, rest


def final_weights(folder: Path) -> list[np.ndarray]:
    """The last resume points' contents: weights, optimizer and random state of both arms."""
    files = sorted(folder.glob("*/*/checkpoint.npz"))
    return [array for file in files for array in np.load(file).values()]


@needs_signals
@pytest.mark.slow
def test_ctrl_c_keeps_the_records_and_the_same_command_goes_on(
    config_file: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    """Ctrl-C ends the command with 130 and the way on; the same command then ends bit for bit where it would have."""
    folder = tmp_path / "cut"
    code, rest = cut(config_file, folder, signal.SIGINT)
    assert code == 130
    assert f"interrupted: records are safe in {folder}; go on with: wncompare run {config_file}" in rest
    assert "Traceback" not in rest
    before = records.read(folder).runs
    assert "interrupted" in {one.record.status for one in before}
    assert max(one.epochs for one in before) >= 2
    resumable = list(folder.glob("*/*/checkpoint.npz"))  # a row may be there whose resume point was not written yet
    again = run(config_file, folder, *SIX_EPOCHS)
    assert again.returncode == 0
    assert again.stderr.count(": epoch 1/") == 2 - len(resumable)
    assert histories(records.read(folder)) == histories(records.read(uninterrupted))
    for ours, theirs in zip(final_weights(folder), final_weights(uninterrupted), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@needs_signals
@pytest.mark.slow
def test_a_killed_driver_loses_nothing(config_file: Path, uninterrupted: Path, tmp_path: Path) -> None:
    """After SIGKILL, and with a torn resume point, the same command ends bit for bit where it would have."""
    folder = tmp_path / "killed"
    code, _ = cut(config_file, folder, signal.SIGKILL)
    assert code == -signal.SIGKILL
    (folder / "regular" / "seed-0" / "checkpoint.npz").write_bytes(b"")
    assert run(config_file, folder, *SIX_EPOCHS).returncode == 0
    assert {one.record.status for one in records.read(folder).runs} == {"finished"}
    assert histories(records.read(folder)) == histories(records.read(uninterrupted))
    for ours, theirs in zip(final_weights(folder), final_weights(uninterrupted), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.slow
def test_more_epochs_add_to_what_is_there(config_file: Path, uninterrupted: Path, tmp_path: Path) -> None:
    """Three epochs and then six in the same folder: three more are trained, and end where six at once do."""
    folder = tmp_path / "more"
    assert run(config_file, folder, *SIX_EPOCHS, "--set", "training.epochs=3").returncode == 0
    more = run(config_file, folder, *SIX_EPOCHS)
    assert (more.returncode, more.stderr.count(": epoch ")) == (0, 6)
    assert histories(records.read(folder)) == histories(records.read(uninterrupted))


@pytest.mark.slow
def test_a_network_from_a_file_is_known_by_its_bytes(config_file: Path, tmp_path: Path) -> None:
    """`model: {file: my.keras}` trains; the same path with another network in it is refused in the same folder."""
    keras = pytest.importorskip("keras")
    file, folder = tmp_path / "my.keras", tmp_path / "own"

    def save(units: int) -> None:
        flat = [keras.Input((16, 16, 1)), keras.layers.Flatten()]
        keras.Sequential([*flat, keras.layers.Dense(units), keras.layers.Dense(3, activation="softmax")]).save(file)

    arguments = ("--set", f"model={{file: {file}}}", "--set", "seeds=[0]", "--set", "training.epochs=1")
    save(4)
    assert run(config_file, folder, *arguments).returncode == 0
    assert [one.record.status for one in records.read(folder).runs] == ["finished", "finished"]
    save(5)
    changed = run(config_file, folder, *arguments)
    assert changed.returncode == 2
    assert "holds a run that differs in model.sha256" in changed.stderr
    absent = run(config_file, folder, "--set", "model={file: /nowhere/my.keras}")
    assert absent.stderr == (
        "wncompare: error: model /nowhere/my.keras: cannot be read (No such file or directory): name a .keras file\n"
    )
