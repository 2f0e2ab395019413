"""Two runs on one folder at once: each run is trained once, and the second waits for what the first is training."""

import os
import signal
from pathlib import Path

import pytest

from .support import EPOCHS, assert_undisturbed, children, kill, needs_proc, run, running, wait_for

pytestmark = [pytest.mark.slow, needs_proc]

ONE_SEED = ("--set", "seeds=[0]")
WAITING = "another wncompare run is training it: waiting for that one to end"


def epochs_in_logs(folder: Path) -> dict[str, int]:
    """How often each run's log tells of an epoch."""
    return {
        str(file.relative_to(folder)): file.read_text().count(" val_accuracy ") for file in folder.glob("*/*/log.txt")
    }


def test_each_run_is_trained_once(config_file: Path, reference: Path, tmp_path: Path) -> None:
    """Both commands end with 0 and the same summary, and no epoch is trained twice."""
    folder = tmp_path / "both"
    with running(config_file, folder, "--json") as first:
        second = run(config_file, folder, "--json")
        assert first.wait() == 0
    assert second.returncode == 0
    assert_undisturbed(folder, reference)
    assert epochs_in_logs(folder) == epochs_in_logs(reference)
    assert second.stdout == run(config_file, folder, "--json").stdout


def test_the_second_takes_over_from_the_first(config_file: Path, reference: Path, tmp_path: Path) -> None:
    """The second says that it waits; when the first is killed it goes on from there, and ends bit for bit alike."""
    folder = tmp_path / "over"
    with running(config_file, folder, *ONE_SEED) as first:
        wait_for(first, ": epoch 1/")
        workers = children(first.pid)
        for worker in workers:
            os.kill(worker, signal.SIGSTOP)
        with running(config_file, folder, *ONE_SEED) as second:
            wait_for(second, WAITING)
            kill(first.pid, *workers)
            second.communicate(timeout=300)
            assert second.returncode == 0
    assert_undisturbed(folder, reference)
    assert all(count <= EPOCHS + 1 for count in epochs_in_logs(folder).values())


def test_what_another_trains_is_not_deleted(config_file: Path, tmp_path: Path) -> None:
    """While a run is held, a command with another config is refused, with --overwrite too."""
    folder = tmp_path / "held"
    with running(config_file, folder, *ONE_SEED) as first:
        wait_for(first, ": epoch 1/")
        for worker in children(first.pid):
            os.kill(worker, signal.SIGSTOP)
        other = (*ONE_SEED, "--set", "training.batch_size=8")
        refused, insisted = run(config_file, folder, *other), run(config_file, folder, *other, "--overwrite")
        kill(*children(first.pid))
    assert (refused.returncode, insisted.returncode) == (2, 2)
    assert "differs in training.batch_size: 16 there, 8 asked for" in refused.stderr
    assert "another wncompare run is training it: wait for that one, or stop it" in insisted.stderr
