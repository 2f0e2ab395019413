"""What the tests of the Ray engine have its workers do; a module of its own, as a worker imports little."""

import os
import signal
import time
from dataclasses import dataclass
from typing import ClassVar

from wncompare.errors import DatasetError
from wncompare.tasks import Ended, Notice, Report, Task


@dataclass(frozen=True, kw_only=True)
class RayWork(Task):
    """A task that says its process, that one's parent and its folder, writes records, fails, dies or sleeps."""

    target: ClassVar[str] = f"{__name__}:work"
    writes: tuple[str, ...] = ()
    fails: bool = False
    dies: bool = False
    sleeps: float = 0


def work(task: RayWork, report: Report) -> Ended:
    """What a worker does with it."""
    report(Notice(task.name, f"{os.getpid()} {os.getppid()} {task.folder}"))
    for name in task.writes:
        task.folder.mkdir(parents=True, exist_ok=True)
        (task.folder / name).write_text("written")
    if task.fails:
        raise DatasetError("two\nlines")
    if task.dies:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(task.sleeps)
    return Ended(task.name, "finished")
