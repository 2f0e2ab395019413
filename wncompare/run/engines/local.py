"""Runs on this machine: worker processes that take tasks one at a time and send back events."""

import threading
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from queue import SimpleQueue
from typing import TypeVar

from wncompare.errors import WncompareError
from wncompare.run.engines.process import Worker
from wncompare.tasks import Died, Event, Failed, Last, Report, Retry, Task


def execute(
    tasks: Sequence[Task],
    *,
    workers: int,
    environment: Mapping[str, str],
    gpus: Sequence[str] = (),
    started: list[Worker] | None = None,
) -> Generator[Event, None, None]:
    """Run the tasks in their order, `workers` at a time, and yield what they report.

    A worker takes the tasks first whose arm it had before, and of others those whose arm no other one had.

    Workers import from where this process does, and `environment` is added to their variables; where there are
    `gpus`, each worker sees one of them, in turn. Those that are `started` already (see `start`) are taken out of that
    list first; once all is done the living are in it, for what comes next. A worker that dies costs its own task alone
    one retry, at once and in a new worker (a `Retry` says so); a second death fails the task. Closing the iterator ends
    every worker at once.
    """
    ready = [] if started is None else started
    waiting = _Waiting(tasks, {arm for worker in ready for arm in worker.arms})
    events: SimpleQueue[Event] = SimpleQueue()
    slots = [
        _Slot(waiting, events, {**environment, **_gpu_of(slot, gpus)}, ready.pop(0) if ready else None)
        for slot in range(min(workers, len(tasks)))
    ]
    try:
        for slot in slots:
            slot.start()
        unfinished = len(tasks)
        while unfinished:
            event = events.get()
            unfinished -= isinstance(event, Last)
            yield event
        if started is not None:
            started[:0] = [worker for slot in slots if (worker := slot.release())]
    finally:
        for slot in slots:
            slot.close()


_Result = TypeVar("_Result")


def perform_alone(
    task: Task, expected: type[_Result], *, environment: Mapping[str, str], listen: Report = lambda event: None
) -> _Result:
    """What comes of one task that has a worker of its own; `listen` hears of all its events.

    Raises:
        WncompareError: the task failed; the message is its own.
    """
    with closing(execute([task], workers=1, environment=environment)) as events:
        for event in events:
            listen(event)
    if isinstance(event, Failed):
        raise WncompareError(event.error)
    assert isinstance(event, expected)
    return event


@contextmanager
def start(
    workers: int, *, environment: Mapping[str, str], gpus: Sequence[str] = (), preload: str
) -> Iterator[list[Worker]]:
    """Workers for `execute`, which import the module `preload` while their tasks are being made.

    Those that are still in the list when the block ends are ended.
    """
    started = [Worker({**environment, **_gpu_of(slot, gpus)}, preload=[preload]) for slot in range(workers)]
    try:
        yield started
    finally:
        for worker in started:
            worker.kill()
            worker.bury()


def _gpu_of(slot: int, gpus: Sequence[str]) -> dict[str, str]:
    return {"CUDA_VISIBLE_DEVICES": gpus[slot % len(gpus)]} if gpus else {}


class _Waiting:
    """The tasks that no worker has yet, in their order; `known` are the arms that some worker had before."""

    def __init__(self, tasks: Iterable[Task], known: Collection[str]) -> None:
        self._guard = threading.Lock()
        self._tasks = list(tasks)
        self._known = known

    def take(self, worker: Worker | None) -> Task | None:
        """The task that the worker is to do, None where none is left."""
        own = worker.arms if worker else ()
        with self._guard:
            chosen = min(self._tasks, key=lambda task: (task.arm not in own, task.arm in self._known), default=None)
            if chosen is not None:
                self._tasks.remove(chosen)
        return chosen


class _Slot(threading.Thread):
    """A place for one worker at a time: a thread that hands it tasks and listens to it."""

    def __init__(
        self,
        waiting: _Waiting,
        events: "SimpleQueue[Event]",
        environment: Mapping[str, str],
        worker: Worker | None,
    ) -> None:
        super().__init__(daemon=True)
        self._waiting = waiting
        self._events = events
        self._environment = environment
        self._guard = threading.Lock()
        self._closed = False
        self._worker = worker

    def run(self) -> None:
        """Take tasks until none is left."""
        while not self._closed and (task := self._waiting.take(self._worker)):
            try:
                self._perform(task)
            except Exception as error:  # no worker to be had, or one that talks nonsense: the driver must hear of it
                self._events.put(Failed(task.name, f"{type(error).__name__}: {error}"))

    def close(self) -> None:
        """End the worker at once, and take no more tasks."""
        with self._guard:
            self._closed = True
            if self._worker is not None:
                self._worker.kill()
        if self.ident is not None:
            self.join()
        if self._worker is not None:
            self._worker.bury()

    def release(self) -> Worker | None:
        """The worker, which is given up; None where it is dead. There are no more tasks."""
        self.join()
        worker, self._worker = self._worker, None
        if worker is None or worker.is_alive:
            return worker
        worker.bury()
        return None

    def _perform(self, task: Task) -> None:
        """Have a worker do the task and, where that one dies of it, a new one once more."""
        if not self._survived(task, death=Retry):
            self._survived(task, death=Failed)

    def _survived(self, task: Task, *, death: type[Retry | Failed]) -> bool:
        """Have a worker do the task; whether it lived to say how that ended. Its death is told as a `death`."""
        worker = self._living_worker()
        for event in worker.perform(task) if worker else ():
            if isinstance(event, Died):
                self._events.put(death(event.task, event.error))
                return False
            self._events.put(event)
        return True

    def _living_worker(self) -> Worker | None:
        with self._guard:
            if self._closed:
                return None
            if self._worker is not None and not self._worker.is_alive:
                self._worker.bury()
                self._worker = None
            self._worker = self._worker or Worker(self._environment)
            return self._worker
