"""The Ray engine's driver without Ray: what it does with runs that another process on its disk has or had."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from wncompare import records
from wncompare.run.engines.ray import driver
from wncompare.run.engines.ray.place import Files, Placed, place
from wncompare.storage.locks import run_lock
from wncompare.tasks import Ended, Event, Task, Waiting

from .ray_work import RayWork

Stream = Iterator[tuple[Event | Placed, Files | None]]


class Ray:
    """What the driver asks of Ray: here a stream is a generator in this process, and `wait` does something first."""

    exceptions = SimpleNamespace(RayError=ChildProcessError)

    def __init__(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        self.meanwhile = meanwhile
        self.sent: list[Files] = []
        self.cancelled: list[Stream] = []

    def submit(self, task: Task, files: Files) -> Stream:
        """The stream of a task on a node that does not see the driver's disk."""
        self.sent.append(files)
        return self._apart(task, files)

    def _apart(self, task: Task, files: Files) -> Stream:
        yield Placed(task.name), {}
        yield Ended(task.name, "finished"), files

    def wait(self, streams: list[Stream], timeout: float) -> tuple[list[Stream], list[Stream]]:
        """The first stream is ready."""
        self.meanwhile()
        return streams[:1], streams[1:]

    def get(self, item: Any) -> Any:
        """What a stream yields is there at once."""
        return item

    def cancel(self, stream: Stream, *, force: bool) -> None:
        """Note it."""
        self.cancelled.append(stream)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Locks are asked often."""
    monkeypatch.setattr(driver, "_POLL_SECONDS", 0.01)


def events(ray: Ray, folder: Path, *names: str) -> Iterator[Event]:
    """The events of tasks that wait for other processes."""
    tasks = [RayWork(name=name, folder=folder / name) for name in names]
    with place(folder, {}) as here:
        yield from driver._Driver(ray, ray.submit, tasks, here).events(len(tasks), {})


@pytest.mark.parametrize(
    ("changed", "submissions"), [(records.RUN_FILE, 2), (records.CHECKPOINT_FILE, 2), (records.LOG_FILE, 1)]
)
def test_what_another_process_wrote_since_the_submission_is_not_undone(
    tmp_path: Path, changed: str, submissions: int
) -> None:
    """Files that changed while the task was queued are sent again, and none of the old ones is written back."""
    file = tmp_path / "run" / changed
    file.parent.mkdir()
    file.write_text("old")
    ray = Ray(meanwhile=lambda: file.write_text("new"))
    assert list(events(ray, tmp_path, "run")) == [Ended("run", "finished")]
    assert [files[changed] for files in ray.sent] == [b"old", b"new"][:submissions]
    assert len(ray.cancelled) == submissions - 1
    assert changed == records.LOG_FILE or file.read_text() == "new"


def test_a_run_that_another_process_has_holds_up_no_other(tmp_path: Path) -> None:
    """While the first task's run is held, the second is done; once it is let go, the first is done too."""
    ray = Ray()
    with run_lock(tmp_path / "held"):
        heard = events(ray, tmp_path, "held", "free")
        assert next(heard) == Waiting("held")
        assert next(heard) == Ended("free", "finished")
    assert list(heard) == [Ended("held", "finished")]
    assert len(ray.sent) == 3


def test_the_token_lies_in_the_results_folder(tmp_path: Path) -> None:
    """A node looks for it there, before any run has a folder; nothing of it is left."""
    with place(tmp_path, {}) as here:
        assert here.token.parent == tmp_path
        assert here.token.exists()
    assert not list(tmp_path.iterdir())
