"""Seeds until all is settled, with real runs: killed, with two commands at once and on Ray the decision is the same."""

import os
import signal
from pathlib import Path

import pytest

from wncompare import records
from wncompare.analysis.looks import counted, is_settled

from .support import children, is_alive, needs_proc, results, run, running, wait_for, wait_until

pytestmark = [pytest.mark.slow, needs_proc]

UNTIL = (
    *("--set", "seeds={until: settled, first: 8, most: 12}"),
    *("--set", "smallest_difference=0.9"),
    *("--set", "training.epochs=10"),
    *("--set", "dataset.train=160"),
    *("--set", "dataset.test=400"),  # so that no run is taken for a constant guess
)


@pytest.fixture(scope="module")
def undisturbed(config_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Settled at its first look, with nothing in the way and one worker."""
    folder = tmp_path_factory.mktemp("until") / "undisturbed"
    done = run(config_file, folder, *UNTIL, "--workers", "1")
    assert done.returncode == 0, done.stderr
    assert "look at 8 seeds: weight_norm: equivalent" in done.stderr
    return folder


def assert_decided_alike(folder: Path, reference: Path) -> None:
    """The same looks, over the same seeds, with the same numbers; and of every seed that counts the same histories."""
    found, expected = records.read(folder), records.read(reference)
    assert is_settled(found)
    assert counted(found).seeds == counted(expected).seeds == tuple(range(8))
    assert [look.model_copy(update={"at": ""}) for look in found.looks] == [
        look.model_copy(update={"at": ""}) for look in expected.looks
    ]
    names = {run.name for run in counted(expected).runs}
    trained, reference_runs = results(folder), results(reference)
    assert {name: trained[name] for name in names} == {name: reference_runs[name] for name in names}


def test_what_is_under_way_when_all_is_settled_is_ended(config_file: Path, undisturbed: Path, tmp_path: Path) -> None:
    """With four workers other runs are under way at the look: they are ended, and change neither numbers nor seeds."""
    done = run(config_file, tmp_path / "four", *UNTIL, "--workers", "4")
    assert done.returncode == 0, done.stderr
    assert_decided_alike(tmp_path / "four", undisturbed)
    again = run(config_file, tmp_path / "four", *UNTIL, "--workers", "4")
    assert "0 runs to train" in again.stderr
    assert "nothing is new" in again.stderr


@pytest.mark.parametrize("seed", [1, 7])
def test_a_killed_driver_decides_nothing_else(config_file: Path, undisturbed: Path, tmp_path: Path, seed: int) -> None:
    """Killed well before the first look and on its eve, the same command ends with the same look."""
    folder = tmp_path / "killed"
    with running(config_file, folder, *UNTIL, "--workers", "1") as process:
        wait_for(process, f"seed-{seed}: epoch 3/")
        workers = children(process.pid)
        os.kill(process.pid, signal.SIGKILL)
        wait_until(lambda: not any(map(is_alive, workers)), "a worker trains on without its driver")
    assert records.read_looks(folder) == ()
    assert run(config_file, folder, *UNTIL, "--workers", "1").returncode == 0
    assert_decided_alike(folder, undisturbed)


def test_two_commands_on_one_folder_decide_alike(config_file: Path, undisturbed: Path, tmp_path: Path) -> None:
    """Both train in one folder and end with 0; there is one look, and it is the one of a command alone."""
    folder = tmp_path / "both"
    with running(config_file, folder, *UNTIL, "--workers", "1", "--quiet") as first:
        second = run(config_file, folder, *UNTIL, "--workers", "1")
        assert first.wait(timeout=300) == 0
    assert second.returncode == 0, second.stderr
    assert_decided_alike(folder, undisturbed)


def test_on_ray_the_decision_is_the_same(config_file: Path, undisturbed: Path, tmp_path: Path) -> None:
    """A cluster trains the same seeds and stops at the same look."""
    pytest.importorskip("ray", reason="needs Ray: pip install ray")
    done = run(config_file, tmp_path / "ray", *UNTIL, "--engine", "ray", "--workers", "2")
    assert done.returncode == 0, done.stderr
    assert_decided_alike(tmp_path / "ray", undisturbed)
