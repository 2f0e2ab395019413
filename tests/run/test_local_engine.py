"""The local engine: tasks in worker processes, their events, and what happens when a worker dies."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from wncompare.errors import DatasetError
from wncompare.run.engines import local
from wncompare.tasks import Event, Task


def work(payload: dict[str, Any], report: Any) -> dict[str, Any]:
    """A task: reports, prints, fails or dies as its payload says."""
    report("pid", pid=os.getpid())
    if "print" in payload:
        print(payload["print"])
        os.write(2, b"from C\n")
    if "raise" in payload:
        raise DatasetError("two\nlines") if payload["raise"] == "ours" else ValueError("bad")
    if "die" in payload and not (payload["once"] and Path(payload["once"]).exists()):
        if payload["once"]:
            Path(payload["once"]).touch()
        os.kill(os.getpid(), payload["die"])
    if "sleep" in payload:
        time.sleep(payload["sleep"])
    return {"value": payload["value"]}


def imported(payload: dict[str, Any], report: Any) -> dict[str, Any]:
    """A task: whether a module is imported."""
    return {"imported": payload["module"] in sys.modules, "pid": os.getpid()}


def execute(tmp_path: Path, *payloads: dict[str, Any], workers: int = 2) -> Generator[Event, None, None]:
    """The events of tasks that `work` performs, named by their place."""
    tasks = [
        Task(str(number), f"{__name__}:work", {"value": number, **payload}, tmp_path / f"{number}.txt")
        for number, payload in enumerate(payloads)
    ]
    return local.execute(tasks, workers=workers, environment={})


def last(events: list[Event]) -> dict[str, Event]:
    """The event that ended each task."""
    return {event.task: event for event in events if event.final}


def test_every_task_is_done_once_by_few_workers(tmp_path: Path) -> None:
    """Five tasks on two workers: each done once, by at most two processes, none of them this one."""
    events = list(execute(tmp_path, *[{}] * 5))
    assert sorted(event.data["value"] for event in events if event.kind == "done") == [0, 1, 2, 3, 4]
    assert sum(event.final for event in events) == 5
    pids = {event.data["pid"] for event in events if event.kind == "pid"}
    assert len(pids) <= 2
    assert os.getpid() not in pids


def test_workers_that_are_started_early_are_used_and_the_others_ended(tmp_path: Path) -> None:
    """Two workers import a module while no task is there; one task takes one of them, and both end."""
    task = Task("0", f"{__name__}:imported", {"module": "colorsys"}, tmp_path / "0.txt")
    with local.start(2, environment={}, preload="colorsys") as started:
        processes = [worker._process for worker in started]
        (done,) = local.execute([task], workers=2, environment={}, started=started)
        assert done.data == {"imported": True, "pid": processes[0].pid}
        assert [worker._process for worker in started] == processes[1:]
    assert all(process.poll() is not None for process in processes)


def test_one_worker_keeps_the_order(tmp_path: Path) -> None:
    """With one worker tasks run in the order given."""
    events = execute(tmp_path, {}, {}, {}, workers=1)
    assert [event.task for event in events if event.kind == "done"] == ["0", "1", "2"]


def test_what_a_task_prints_is_in_its_log(tmp_path: Path) -> None:
    """Python's and C's output go to the task's own log, below a line that says whose it is; events stay clean."""
    events = list(execute(tmp_path, {"print": "one"}, {"print": "two"}, workers=1))
    header, *rest = sorted((tmp_path / "0.txt").read_text().splitlines())
    assert header.startswith("--- ")
    assert header.endswith(f" 0 in process {events[0].data['pid']} ---")
    assert rest == ["from C", "one"]
    assert "two" in (tmp_path / "1.txt").read_text()
    assert "one" not in (tmp_path / "1.txt").read_text()


def test_a_task_that_raises_fails_alone(tmp_path: Path) -> None:
    """An exception fails its task with one line, its traceback is in the log, and the others are done."""
    events = last(list(execute(tmp_path, {"raise": "ours"}, {"raise": "theirs"}, {})))
    assert (events["0"].kind, events["0"].data["error"]) == ("failed", "two lines")
    assert (events["1"].kind, events["1"].data["error"]) == ("failed", "ValueError: bad")
    assert events["2"].kind == "done"
    assert "Traceback" in (tmp_path / "1.txt").read_text()


def test_a_worker_that_dies_twice_costs_its_task_alone(tmp_path: Path) -> None:
    """The second death fails the task with the signal's name; a new worker takes the next task."""
    events = list(execute(tmp_path, {"die": signal.SIGSEGV, "once": ""}, {}, {}, workers=1))
    ends = last(events)
    assert [event.kind for event in events if event.task == "0"] == ["pid", "retry", "pid", "failed"]
    assert ends["0"].data["error"] == "the worker was killed by SIGSEGV"
    assert [ends[task].kind for task in "12"] == ["done", "done"]


def test_a_worker_that_dies_once_costs_nothing(tmp_path: Path) -> None:
    """After a SIGKILL the task is done by another worker; the event says that memory may have run out."""
    events = list(execute(tmp_path, {"die": signal.SIGKILL, "once": str(tmp_path / "died")}, {}, workers=1))
    (retry,) = (event for event in events if event.kind == "retry")
    assert retry.data["error"] == (
        "the worker was killed by SIGKILL: memory may have run out; fewer --workers need less"
    )
    assert {task: event.kind for task, event in last(events).items()} == {"0": "done", "1": "done"}
    assert len({event.data["pid"] for event in events if event.kind == "pid"}) == 2


def test_a_log_that_cannot_be_written_is_the_reason(tmp_path: Path) -> None:
    """Where a file stands in the way of a task's folder, the task fails with that reason and the worker lives on."""
    (tmp_path / "file").write_text("mine")
    tasks = [Task(name, f"{__name__}:work", {"value": 1}, tmp_path / name / "log.txt") for name in ("file", "folder")]
    events = last(list(local.execute(tasks, workers=1, environment={})))
    assert events["file"].data["error"].startswith(f"{tmp_path / 'file'}: File exists")
    assert events["folder"].kind == "done"


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
    events = execute(tmp_path, {"sleep": 600})
    pid = next(events).data["pid"]
    assert is_alive(pid)
    events.close()
    wait_for_death(pid)


def seen(payload: dict[str, Any], report: Any) -> dict[str, Any]:
    """A task that says which GPU it sees, and takes long enough for another worker to take the next."""
    time.sleep(0.5)
    return {"gpu": os.environ.get("CUDA_VISIBLE_DEVICES")}


def test_workers_are_spread_over_gpus(tmp_path: Path) -> None:
    """Each worker sees one GPU by its variable; nothing here asks whether there is one."""
    tasks = [Task(str(number), f"{__name__}:seen", {}, tmp_path / f"{number}.txt") for number in range(3)]
    events = local.execute(tasks, workers=3, environment={"CUDA_VISIBLE_DEVICES": "0,1"}, gpus=("0", "1"))
    assert sorted(event.data["gpu"] for event in events) == ["0", "0", "1"]


@needs_proc
def test_a_worker_dies_with_its_driver(tmp_path: Path) -> None:
    """When the driver is killed outright, its workers do not train on as orphans."""
    program = (
        f"import sys; sys.path = {sys.path!r}; from pathlib import Path; from {__name__} import execute\n"
        f"for event in execute(Path({str(tmp_path)!r}), {{'sleep': 600}}): print(event.data['pid'], flush=True)"
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
    assert last(list(execute(tmp_path / "logs", {})))["0"].kind == "done"
    assert not marker.exists()


def test_what_is_optional_is_not_imported_with_a_task(tmp_path: Path) -> None:
    """Libraries that Keras would import for functions no task calls look absent then, and are there for the task."""
    task = Task("lean", "tests.run.optional:seen", {}, tmp_path / "log.txt")
    (event,) = local.execute([task], workers=1, environment={})
    assert event.data == {"then": False, "now": True}
