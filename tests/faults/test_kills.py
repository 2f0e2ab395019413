"""SIGKILL of a worker, of the driver and of both, at random instants: nothing lost, nothing doubled, no orphan.

Each kind is tried at `INSTANTS` instants: while a worker starts, between epochs, and while a resume point is written.
"""

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .support import (
    EPOCHS,
    INSTANTS,
    assert_little_lost,
    assert_undisturbed,
    children,
    is_alive,
    kill,
    lines,
    needs_proc,
    run,
    running,
    wait_for,
    wait_until,
    worker_of,
)

pytestmark = [pytest.mark.slow, needs_proc]


def wait_for_a_resume_point_under_way(folder: Path) -> None:
    """Return as soon as some run's resume point is being written, or none is for a second."""
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline and not any(folder.glob("*/*/.checkpoint.tmp-*")):
        pass


def wait_for_an_instant(process: "subprocess.Popen[str]", folder: Path, chance: random.Random) -> str:
    """Wait for a random instant of a run that has been started; what kind it is."""
    kind = chance.choices(["starting", "between", "writing"], weights=[1, 4, 5])[0]
    if kind == "starting":
        time.sleep(chance.uniform(0.5, 4))
        return kind
    wait_for(process, ": epoch ", count=chance.randint(1, 8), or_end=True)
    if kind == "between":
        time.sleep(chance.uniform(0, 0.1))
    else:
        wait_for_a_resume_point_under_way(folder)
    return kind


def kill_driver(driver: int) -> None:
    """The driver alone; its workers follow it."""
    workers = children(driver)
    os.kill(driver, signal.SIGKILL)
    wait_until(lambda: not any(map(is_alive, workers)), "a worker trains on without its driver")


def kill_both(driver: int) -> None:
    """The workers and the driver at once."""
    kill(*children(driver), driver)


@pytest.mark.parametrize("killed", [kill_driver, kill_both])
def test_a_killed_driver_loses_nothing(
    killed: Callable[[int], None], config_file: Path, reference: Path, tmp_path: Path
) -> None:
    """Killed again and again, the same command ends bit for bit where it would have, and never goes back an epoch.

    A seed that was killed often enough to have reached its end leaves the instants that are left to the next seed.
    """
    folder, chance = tmp_path / "killed", random.Random(killed.__name__)
    seeds, epochs, instants = 1, 0, []
    while len(instants) < INSTANTS:
        with running(config_file, folder, "--set", f"seeds={list(range(seeds))}") as process:
            instant = wait_for_an_instant(process, folder, chance)
            if process.poll() is None:
                instants.append(instant)
                killed(process.pid)
        if (folder / "experiment.json").exists():
            before, epochs = epochs, assert_little_lost(folder)
            assert before <= epochs
            seeds = epochs // (2 * EPOCHS) + 1
    print(f"{killed.__name__}: {len(instants)} instants: {', '.join(instants)}; {epochs} epochs were safe at the last")
    assert run(config_file, folder, "--set", f"seeds={list(range(seeds))}").returncode == 0
    assert_undisturbed(folder, reference)


def test_killed_workers_cost_nothing(config_file: Path, reference: Path, tmp_path: Path) -> None:
    """Every run's worker is killed once: each goes on at once by itself, and all ends as if nothing had been."""
    folder, chance = tmp_path / "killed", random.Random(1)
    open_runs = {path.parent.relative_to(reference).as_posix() for path in reference.glob("*/*/run.json")}
    targets = {name: chance.randint(1, EPOCHS // 2) for name in sorted(open_runs)}
    retries = 0
    with running(config_file, folder) as process:
        for line in lines(process):
            name = line.partition(":")[0]
            retries += "the worker was killed by SIGKILL" in line and "trying once more" in line
            if name in targets and f": epoch {targets[name]}/" in line:
                del targets[name]
                if chance.random() < 0.5:
                    wait_for_a_resume_point_under_way(folder)
                kill(worker_of(folder, name))
    assert process.wait() == 0
    assert (retries, targets) == (len(open_runs), {})
    print(f"worker: {retries} instants")
    assert_undisturbed(folder, reference)


def test_a_second_death_fails_the_run_alone(config_file: Path, reference: Path, tmp_path: Path) -> None:
    """A run whose worker dies twice has failed, and says why; the others finish; the same command mends it."""
    folder, deaths = tmp_path / "twice", 0
    one_seed = ("--set", "seeds=[0]")
    with running(config_file, folder, *one_seed) as process:
        said = []
        for line in lines(process):
            said.append(line)
            if deaths < 2 and line.startswith("regular/seed-0: epoch"):
                deaths += 1
                kill(worker_of(folder, "regular/seed-0"))
                wait_for(process, "trying once more" if deaths == 1 else "regular/seed-0: failed")
    assert process.wait() == 3
    error = "the worker was killed by SIGKILL: memory may have run out; fewer workers need less"
    assert error in (folder / "regular/seed-0/run.json").read_text()
    assert run(config_file, folder, *one_seed).returncode == 0
    assert_undisturbed(folder, reference)


def test_ctrl_c_twice_is_immediate_and_leaves_no_worker(config_file: Path, tmp_path: Path) -> None:
    """Workers are in sessions of their own, so Ctrl-C reaches the driver alone; a second one ends it where it is."""
    with running(config_file, tmp_path / "twice", "--set", "seeds=[0]") as process:
        wait_for(process, ": epoch 1/")
        workers = children(process.pid)
        assert workers
        assert all(os.getsid(worker) == worker for worker in workers)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) in (-signal.SIGINT, 130)
        wait_until(lambda: not any(map(is_alive, workers)), "a worker trains on without its driver")
