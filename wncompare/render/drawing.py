"""An experiment's figures as files, drawn by this process and by helpers on the cores beside it."""

import pickle
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from itertools import count
from pathlib import Path
from queue import Empty, SimpleQueue
from tempfile import TemporaryDirectory
from threading import Lock, Thread
from typing import TYPE_CHECKING, Self

from wncompare.records.machine import available_cores
from wncompare.run.engines.process import Worker
from wncompare.storage.cache import homeless_environment
from wncompare.tasks import Drawn, DrawTask, PrepareTask, Task

if TYPE_CHECKING:
    from wncompare.records import Experiment

MOST_HELPERS = 3
"""Further ones would take longer to start than there is to draw."""

_Waiting = SimpleQueue[DrawTask | None]
_Reports = SimpleQueue[tuple[DrawTask, bool]]


class Drawing:
    """Draws figures in this process and in `helpers`, by default one for each further core; none outlives the block.

    A helper takes more than a second of a core until it can help: `prepare` is for when one is idle. What helpers
    have not done, this process does.
    """

    def __init__(self, helpers: int | None = None) -> None:
        self._most = min(available_cores() - 1, MOST_HELPERS) if helpers is None else helpers
        self._guard = Lock()
        self._folder: TemporaryDirectory[str] | None = None
        self._helpers: list[_Helper] = []
        self._waiting: _Waiting = SimpleQueue()
        self._reports: _Reports = SimpleQueue()
        self._numbers = count()

    def __enter__(self) -> Self:
        """Nothing is started yet."""
        return self

    def __exit__(self, *error: object) -> None:
        """End the helpers at once."""
        with self._guard:
            self._most = 0
        for helper in self._helpers:
            helper.end()
        if self._folder is not None:
            self._folder.cleanup()

    def prepare(self) -> None:
        """Start the helpers, and import here what drawing takes; any thread may call it, and again, to no effect."""
        with self._guard, suppress(OSError):  # no room for files or processes: this process draws alone
            if self._most and self._folder is None:
                self._folder = TemporaryDirectory(prefix="wncompare-figures-", ignore_cleanup_errors=True)
                for _ in range(self._most):
                    self._helpers.append(_Helper(Path(self._folder.name), self._waiting, self._reports))
                    self._helpers[-1].start()
        import_module("wncompare.render.figures.files")

    def draw(self, experiment: "Experiment", format: str, folder: Path) -> list[Path]:
        """Write every figure of the experiment into `folder`, as a png, svg or pdf file; the files.

        Raises:
            RecordsError: no run has finished.
            OSError: a file cannot be written.
        """
        from wncompare.analysis.views import views
        from wncompare.render.figures import planned
        from wncompare.render.figures.files import save

        found = views(experiment)
        plan = planned(found)
        shared = Path(self._folder.name, f"views-{next(self._numbers)}") if self._folder else Path()
        tasks = [
            DrawTask(name=name, folder=shared.parent, views=shared, format=format, file=folder / f"{name}.{format}")
            for name in plan
        ]
        with suppress(OSError):  # no room for it: helpers fail, and this process draws alone
            if self._folder:
                shared.write_bytes(pickle.dumps(found))
        for task in reversed(tasks):  # the last ones take longest
            self._waiting.put(task)
        for task in self._left(len(tasks)):
            save(plan[task.name], task.file, format)
        return [task.file for task in tasks]

    def _left(self, tasks: int) -> Iterator[DrawTask]:
        """The tasks that are this process's, of so many that wait: those that no helper takes, or that one fails at."""
        others = tasks
        while others and (task := self._next()):
            others -= 1
            yield task
        for _ in range(others):
            task, done = self._reports.get()
            if not done:
                yield task

    def _next(self) -> DrawTask | None:
        with suppress(Empty):
            return self._waiting.get_nowait()
        return None


class _Helper(Thread):
    """A worker process that draws what waits, from the moment that it has imported what that takes."""

    def __init__(self, folder: Path, waiting: _Waiting, reports: _Reports) -> None:
        super().__init__(daemon=True)
        self._folder = folder
        self._waiting = waiting
        self._reports = reports
        self._worker = Worker(homeless_environment())

    def run(self) -> None:
        """Help until told to end, or until something cannot be done."""
        done = self._does(PrepareTask(name="prepare", folder=self._folder))
        while done and (task := self._waiting.get()) is not None:
            done = self._does(task)
            self._reports.put((task, done))

    def end(self) -> None:
        """End the process at once."""
        self._worker.kill()
        self._waiting.put(None)
        self.join()
        self._worker.bury()

    def _does(self, task: Task) -> bool:
        try:
            return isinstance(list(self._worker.perform(task))[-1], Drawn)
        except Exception:  # it talks nonsense: then it is no help
            return False
