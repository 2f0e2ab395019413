"""The local engine: tasks in worker processes, their events, and what happens when a worker dies."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from wncompare.errors import DatasetError
from wncompare.run.engines import local
from wncompare.tasks import Ended, Event, Failed, Last, Notice, Report, Retry, Task


@dataclass(frozen=True, kw_only=True)
class Work(Task):
    """A task that says its process, and then prints, fails, dies (only `once`, where that file is named) or sleeps."""

    target: ClassVar[str] = f"{__name__}:work"
    prints: str = ""
    fails: str = ""
    dies: int = 0
    once: str = ""
    sleeps: float = 0


def work(task: Work, report: Report) -> Ended:
    """What a worker does with it."""
    report(Notice(task.name, str(os.getpid())))
    if task.prints:
        print(task.prints)
        os.write(2, b"from C\n")
    if task.fails:
        raise DatasetError("two\nlines") if task.fails == "ours" else ValueError("bad")
    if task.dies and not (task.once and Path(task.once).exists()):
        if task.once:
            Path(task.once).touch()
        os.kill(os.getpid(), task.dies)
    time.sleep(task.sleeps)
    return Ended(task.name, "finished")


@dataclass(frozen=True, kw_only=True)
class Look(Task):
    """A task that says its process and whether a module is imported there."""

    target: ClassVar[str] = f"{__name__}:look"
    module: str


def look(task: Look, report: Report) -> Ended:
    """What a worker does with it."""
    report(Notice(task.name, f"{os.getpid()} {task.module in sys.modules}"))
    return Ended(task.name, "finished")


def execute(tmp_path: Path, *settings: dict[str, Any], workers: int = 2) -> Generator[Event, None, None]:
    """The events of `Work`, named by its place."""
    tasks = [
        Work(name=str(number), folder=tmp_path / str(number), **setting) for number, setting in enumerate(settings)
    ]
    return local.execute(tasks, workers=workers, environment={})


def last(events: list[Event]) -> dict[str, Last]:
    """The event that ended each task."""
    return {event.task: event for event in events if isinstance(event, Last)}


def noted(events: list[Event]) -> list[str]:
    """What the tasks said, here the numbers of their processes."""
    return [event.message for event in events if isinstance(event, Notice)]


def test_every_task_is_done_once_by_few_workers(tmp_path: Path) -> None:
    """Five tasks on two workers: each done once, by at most two processes, none of them this one."""
    events = list(execute(tmp_path, *[{}] * 5))
    assert sorted(event.task for event in events if event == Ended(event.task, "finished")) == list("01234")
    assert sum(isinstance(event, Last) for event in events) == 5
    pids = set(noted(events))
    assert len(pids) <= 2
    assert str(os.getpid()) not in pids


def test_workers_that_are_started_early_are_used_and_the_others_ended(tmp_path: Path) -> None:
    """Two workers import a module while no task is there; one task takes one of them, and both end with the block."""
    task = Look(name="0", folder=tmp_path, module="colorsys")
    with local.start(2, environment={}, preload="colorsys") as started:
        processes = [worker._process for worker in started]
        said, _ = local.execute([task], workers=2, environment={}, started=started)
        assert said == Notice("0", f"{processes[0].pid} True")
        assert [worker._process for worker in started] == processes
    assert all(process.poll() is not None for process in processes)


def test_workers_live_from_one_set_of_tasks_to_the_next_unless_one_has_died(tmp_path: Path) -> None:
    """What a worker has imported is there for later tasks; one that died of its task is not handed on."""
    with local.start(2, environment={}, preload="colorsys") as started:
        pids = [str(worker._process.pid) for worker in started]

        def done(**settings: Any) -> list[str]:
            task = Work(name="0", folder=tmp_path / "0", **settings)
            return noted(list(local.execute([task], workers=2, environment={}, started=started)))

        assert done() == done() == [pids[0]]
        died = done(dies=signal.SIGKILL)
        assert died[0] == pids[0]
        assert done() == [pids[1]]


@dataclass(frozen=True, kw_only=True)
class Of(Work):
    """Work of an arm."""

    of: str

    @property
    def arm(self) -> str:
        """It is given."""
        return self.of


def test_a_worker_takes_what_it_had_before(tmp_path: Path) -> None:
    """Three arms are tried by two workers; then each does what it tried, whatever the order, and what nobody has."""

    def processes(*arms: str) -> dict[str, str]:
        tasks = [Of(name=arm, folder=tmp_path / arm, of=arm, sleeps=0.2) for arm in arms]
        events = list(local.execute(tasks, workers=2, environment={}, started=started))
        return {event.task: event.message for event in events if isinstance(event, Notice)}

    with local.start(2, environment={}, preload="colorsys") as started:
        tried = processes("a", "b", "c")
        assert len(set(tried.values())) == 2
        for _ in range(2):
            again = processes("c", "d", "b", "a")
            assert {arm: again[arm] for arm in "ab"} == {arm: tried[arm] for arm in "ab"}


def test_one_worker_keeps_the_order(tmp_path: Path) -> None:
    """With one worker tasks run in the order given."""
    events = execute(tmp_path, {}, {}, {}, workers=1)
    assert [event.task for event in events if isinstance(event, Ended)] == ["0", "1", "2"]


def test_what_a_task_prints_is_in_its_log(tmp_path: Path) -> None:
    """Python's and C's output go to the task's own log, below a line that says whose it is; events stay clean."""
    events = list(execute(tmp_path, {"prints": "one"}, {"prints": "two"}, workers=1))
    header, *rest = sorted((tmp_path / "0" / "log.txt").read_text().splitlines())
    assert header.startswith("--- ")
    assert header.endswith(f" 0 in process {noted(events)[0]} ---")
    assert rest == ["from C", "one"]
    assert "two" in (tmp_path / "1" / "log.txt").read_text()
    assert "one" not in (tmp_path / "1" / "log.txt").read_text()


def test_a_task_that_raises_fails_alone(tmp_path: Path) -> None:
    """An exception fails its task with one line, its traceback is in the log, and the others are done."""
    events = last(list(execute(tmp_path, {"fails": "ours"}, {"fails": "theirs"}, {})))
    assert events == {
        "0": Failed("0", "two lines"),
        "1": Failed("1", "ValueError: bad"),
        "2": Ended("2", "finished"),
    }
    assert "Traceback" in (tmp_path / "1" / "log.txt").read_text()


def test_a_worker_that_dies_twice_costs_its_task_alone(tmp_path: Path) -> None:
    """The second death fails the task with the signal's name; a new worker takes the next task."""
    events = list(execute(tmp_path, {"dies": signal.SIGSEGV}, {}, {}, workers=1))
    first = [event for event in events if not isinstance(event, Notice)][:2]
    assert first == [death("0", "the worker was killed by SIGSEGV") for death in (Retry, Failed)]
    assert [last(events)[task] for task in "12"] == [Ended(task, "finished") for task in "12"]


def test_a_worker_that_dies_once_costs_nothing(tmp_path: Path) -> None:
    """After a SIGKILL the task is done by another worker; the event says that memory may have run out."""
    events = list(execute(tmp_path, {"dies": signal.SIGKILL, "once": str(tmp_path / "died")}, {}, workers=1))
    (retry,) = (event for event in events if isinstance(event, Retry))
    assert retry.error == "the worker was killed by SIGKILL: memory may have run out; fewer workers need less"
    assert [last(events)[task] for task in "01"] == [Ended(task, "finished") for task in "01"]
    assert len(set(noted(events))) == 2


def test_a_log_that_cannot_be_written_is_the_reason(tmp_path: Path) -> None:
    """Where a file stands in the way of a task's folder, the task fails with that reason and the worker lives on."""
    (tmp_path / "file").write_text("mine")
    tasks = [Work(name=name, folder=tmp_path / name) for name in ("file", "folder")]
    events = last(list(local.execute(tasks, workers=1, environment={})))
    assert isinstance(events["file"], Failed)
    assert events["file"].error.startswith(f"{tmp_path / 'file'}: File exists")
    assert events["folder"] == Ended("folder", "finished")


def is_alive(pid: int) -> bool:
    """Whether a process is there and not a zombie."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def wait_for_death(pid: int) -> None:
    """Wait for a process to end, for ten seconds at most."""
    deadline = time.monotonic() + 10
    while is_alive(pid):
        assert time.monotonic() < deadline, f"process {pid} lives on"
        time.sleep(0.05)


needs_proc = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")


@needs_proc
def test_closing_the_events_ends_the_workers(tmp_path: Path) -> None:
    """When the caller stops listening, workers end at once, whatever they are doing."""
    events = execute(tmp_path, {"sleeps": 600})
    pid = int(noted([next(events)])[0])
    assert is_alive(pid)
    events.close()
    wait_for_death(pid)


@dataclass(frozen=True, kw_only=True)
class See(Task):
    """A task that says which GPU it sees, and takes long enough for another worker to take the next."""

    target: ClassVar[str] = f"{__name__}:see"


def see(task: See, report: Report) -> Ended:
    """What a worker does with it."""
    time.sleep(0.5)
    report(Notice(task.name, os.environ["CUDA_VISIBLE_DEVICES"]))
    return Ended(task.name, "finished")


def test_workers_are_spread_over_gpus(tmp_path: Path) -> None:
    """Each worker sees one GPU by its variable; nothing here asks whether there is one."""
    tasks = [See(name=str(number), folder=tmp_path / str(number)) for number in range(3)]
    events = local.execute(tasks, workers=3, environment={"CUDA_VISIBLE_DEVICES": "0,1"}, gpus=("0", "1"))
    assert sorted(noted(list(events))) == ["0", "0", "1"]


@needs_proc
def test_a_worker_dies_with_its_driver(tmp_path: Path) -> None:
    """When the driver is killed outright, its workers do not train on as orphans."""
    program = (
        f"import sys; sys.path = {sys.path!r}; from pathlib import Path; from {__name__} import execute\n"
        f"for event in execute(Path({str(tmp_path)!r}), {{'sleeps': 600}}): print(event.message, flush=True)"
    )
    driver = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert driver.stdout is not None
    pid = int(driver.stdout.readline())
    assert is_alive(pid)
    driver.kill()
    driver.communicate()
    wait_for_death(pid)


def test_nothing_in_the_working_folder_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module in the working folder that bears a library's name, left there by someone else, is not run."""
    monkeypatch.chdir(tmp_path)
    marker = tmp_path / "executed"
    for name in ("json", "wncompare", "keras"):
        (tmp_path / f"{name}.py").write_text(f"open({str(marker)!r}, 'w')")
    assert last(list(execute(tmp_path / "logs", {})))["0"] == Ended("0", "finished")
    assert not marker.exists()


@dataclass(frozen=True, kw_only=True)
class Lean(Task):
    """A task whose module imports something optional."""

    target: ClassVar[str] = "tests.run.optional:seen"


def test_what_is_optional_is_not_imported_with_a_task(tmp_path: Path) -> None:
    """Libraries that Keras would import for functions no task calls look absent then, and are there for the task."""
    events = list(local.execute([Lean(name="lean", folder=tmp_path)], workers=1, environment={}))
    assert noted(events) == ["then: False, now: True"]
