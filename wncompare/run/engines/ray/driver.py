"""The driver's side: tasks handed to the cluster, what they report, what is lost on the way."""

from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from wncompare.errors import RecordsError
from wncompare.records.machine import available_cores
from wncompare.run.engines.ray.cluster import PATIENCE_SECONDS, cluster, imported, one_line, shortage
from wncompare.run.engines.ray.node import perform
from wncompare.run.engines.ray.place import Files, Place, Placed, place, read_files, version, write_files
from wncompare.storage.locks import is_held, run_lock
from wncompare.tasks import (
    Busy,
    Died,
    Event,
    Failed,
    Last,
    Notice,
    Retry,
    Task,
    TrainTask,
    Waiting,
    encode_task,
)

Stream = Any
"""Ray's generator of object references: the events of a task that runs somewhere."""

_ATTEMPTS = 3
_POLL_SECONDS = 0.5


def execute(
    tasks: Sequence[Task],
    *,
    folder: Path,
    workers: int | None,
    environment: Mapping[str, str],
    address: str | None = None,
    cpus: int = 1,
    gpus: float = 0,
    stay: ExitStack | None = None,
) -> Generator[Event, None, None]:
    """Run the tasks in about their order, at most `workers` at a time (None: as many as the cluster holds).

    `folder` is the results folder; neither it nor the tasks' folders need be there. The cluster is the one at `address`
    (host:port, or "auto"; default: $RAY_ADDRESS), else one on this machine that ends with the tasks or, where one is
    given, with `stay`: until then it is there for further tasks. Each task takes that many `cpus` and `gpus` of a node.
    One whose worker or node is lost goes on from its last epoch elsewhere (a `Retry` says so); a third loss fails it. A
    `Notice` says what the cluster lacks where nothing starts. Closing the iterator ends every task at once.

    Raises:
        EngineError: Ray is not installed, or there is no cluster at the address.
        RecordsError: the results folder was removed under way.
    """
    if not tasks:
        return
    ray = imported()
    enough = cpus * workers if workers else max(cpus, available_cores())
    with ExitStack() as own:
        (stay or own).enter_context(cluster(ray, address, cpus=enough))
        here = own.enter_context(place(folder, environment))
        remote = ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=0)(perform)

        def submit(task: Task, files: Files) -> Stream:
            return remote.options(name=task.name).remote(encode_task(task), files, here)

        needs = {kind: amount for kind, amount in (("CPU", cpus), ("GPU", gpus)) if amount}
        yield from _Driver(ray, submit, tasks, here).events(workers or len(tasks), needs)


class _Driver:
    """The tasks that wait and those that run, from the driver's side."""

    def __init__(self, ray: Any, submit: Callable[[Task, Files], Stream], tasks: Sequence[Task], place: Place) -> None:
        self._ray = ray
        self._submit = submit
        self._waiting = deque(tasks)
        self._aside: list[Task] = []
        self._place = place
        self._running: dict[Stream, Task] = {}
        self._started: set[str] = set()
        self._sent: dict[str, int] = {}
        self._claims: dict[str, ExitStack] = {}
        self._losses: Counter[str] = Counter()

    def events(self, workers: int, needs: Mapping[str, float]) -> Iterator[Event]:
        """Keep the cluster busy, and pass on what the tasks report until all have ended."""
        told, heard = False, monotonic()
        try:
            while self._waiting or self._running or self._aside:
                self._take_back()
                self._fill(workers)
                if not self._running:
                    sleep(_POLL_SECONDS)
                elif ready := self._ray.wait(list(self._running), timeout=_POLL_SECONDS)[0]:
                    yield from self._hear(ready[0])
                    told, heard = False, monotonic()
                elif self._started or told or monotonic() - heard < PATIENCE_SECONDS:
                    continue
                elif lack := shortage(self._ray, needs):
                    told = True
                    yield Notice("", lack)
        finally:
            for stream in self._running:
                self._ray.cancel(stream, force=True)
            for claim in self._claims.values():
                claim.close()

    def _fill(self, workers: int) -> None:
        while self._waiting and len(self._running) < workers:
            task = self._waiting.popleft()
            files = read_files(task.folder)
            self._sent[task.name] = version(files)
            self._running[self._submit(task, files)] = task

    def _take_back(self) -> None:
        """Let the tasks whose runs no other process has any more wait with the others."""
        held = [task for task in self._aside if is_held(task.folder)]
        self._waiting.extend(task for task in self._aside if task not in held)
        self._aside = held

    def _hear(self, stream: Stream) -> Iterator[Event]:
        """The stream's next event; a stream that goes on takes its turn behind the others."""
        task = self._running.pop(stream)
        event, files = self._next(stream, task)
        self._started.discard(task.name)
        if files is not None and not self._claim(task):
            self._ray.cancel(stream, force=True)
            yield self._give_way(task)
            return
        if isinstance(event, Placed) and self._is_outdated(task, files):
            self._ray.cancel(stream, force=True)
            self._claims.pop(task.name).close()
            self._waiting.appendleft(task)
            return
        self._write(task, files or {})
        if isinstance(event, Last):
            self._claims.pop(task.name, ExitStack()).close()
            yield self._lose(task, event) if isinstance(event, Died) else event
        else:
            self._running[stream] = task
            self._started.add(task.name)
            if not isinstance(event, Placed):
                yield event

    def _next(self, stream: Stream, task: Task) -> tuple[Event | Placed, Files | None]:
        try:
            item: tuple[Event | Placed, Files | None] = self._ray.get(next(stream))
        except (StopIteration, self._ray.exceptions.RayError) as error:
            return _failure(self._ray, task, error), None
        return item

    def _claim(self, task: Task) -> bool:
        """Hold a run whose node cannot hold it on this disk; whether nobody else does."""
        if task.name not in self._claims:
            claim = ExitStack()
            if not claim.enter_context(run_lock(task.folder)):
                return False
            self._claims[task.name] = claim
            task.folder.mkdir(parents=True, exist_ok=True)
        return True

    def _is_outdated(self, task: Task, files: Files | None) -> bool:
        """Whether a node that is apart has files from before another process was at the run."""
        return files is not None and version(read_files(task.folder)) != self._sent[task.name]

    def _give_way(self, task: Task) -> Event:
        """Leave the run to the process that has it, as a worker that sees this disk does."""
        if isinstance(task, TrainTask) and not task.wait:
            return Busy(task.name)
        self._aside.append(task)
        return Waiting(task.name)

    def _write(self, task: Task, files: Files) -> None:
        if files and not self._place.token.exists():
            raise RecordsError(f"{self._place.token.parent}: was removed while its runs were training: run again")
        write_files(task.folder, files)

    def _lose(self, task: Task, death: Died) -> Retry | Failed:
        """Give a task that lost its worker or its node another try, from what is on the driver's disk."""
        self._losses[task.name] += 1
        if self._losses[task.name] == _ATTEMPTS:
            return Failed(task.name, death.error)
        self._waiting.appendleft(task)
        return Retry(task.name, death.error)


def _failure(ray: Any, task: Task, error: Exception) -> Failed | Died:
    """What an error of Ray's is: a worker's or a node's death, which a retry may mend, or the task's failure."""
    if isinstance(error, ray.exceptions.RayTaskError):
        return Failed(task.name, one_line(error.cause or error))
    if isinstance(error, ray.exceptions.RuntimeEnvSetupError | ray.exceptions.TaskUnschedulableError):
        return Failed(task.name, one_line(error))
    lost = {"NodeDiedError": "the node died", "OutOfMemoryError": "the node ran out of memory"}
    return Died(task.name, lost.get(type(error).__name__, "Ray's worker or its node was lost"))
