"""The driver's side: tasks handed to the cluster, what they report, what is lost on the way."""

from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from wncompare.errors import RecordsError
from wncompare.records.provenance import available_cores
from wncompare.run.engines.ray.cluster import PATIENCE_SECONDS, cluster, imported, one_line, shortage
from wncompare.run.engines.ray.node import perform
from wncompare.run.engines.ray.place import PLACED, Files, Place, place, read_files, version, write_files
from wncompare.storage.locks import is_held, run_lock
from wncompare.tasks import Event, Task

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
) -> Generator[Event, None, None]:
    """Run the tasks in about their order, at most `workers` at a time (None: as many as the cluster holds).

    `folder` is the results folder, which is there; the tasks' folders are below it and need not be.
    The cluster is the one at `address` (host:port, or "auto"; default: $RAY_ADDRESS), else one on this machine that
    ends with the tasks. Each task takes that many `cpus` and `gpus` of a node. One whose worker or node is lost goes
    on from its last epoch elsewhere (an event of kind "retry" says so); a third loss fails it. An event of kind
    "notice" says what the cluster lacks where nothing starts. Closing the iterator ends every task at once.

    Raises:
        EngineError: Ray is not installed, or there is no cluster at the address.
        RecordsError: the results folder was removed under way.
    """
    if not tasks:
        return
    ray = imported()
    enough = cpus * workers if workers else max(cpus, available_cores())
    with cluster(ray, address, cpus=enough), place(folder, environment) as here:
        remote = ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=0)(perform)

        def submit(task: Task, files: Files) -> Stream:
            return remote.options(name=task.name).remote(task, files, here)

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
                    yield Event("", "notice", {"message": lack})
        finally:
            for stream in self._running:
                self._ray.cancel(stream, force=True)
            for claim in self._claims.values():
                claim.close()

    def _fill(self, workers: int) -> None:
        while self._waiting and len(self._running) < workers:
            task = self._waiting.popleft()
            files = read_files(task.log.parent)
            self._sent[task.name] = version(files)
            self._running[self._submit(task, files)] = task

    def _take_back(self) -> None:
        """Let the tasks whose runs no other process has any more wait with the others."""
        held = [task for task in self._aside if is_held(task.log.parent)]
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
        if event.kind == PLACED and self._is_outdated(task, files):
            self._ray.cancel(stream, force=True)
            self._claims.pop(task.name).close()
            self._waiting.appendleft(task)
            return
        self._write(task, files or {})
        if event.final:
            self._claims.pop(task.name, ExitStack()).close()
            yield self._lose(task, event) if event.data.get("died") else event
        else:
            self._running[stream] = task
            self._started.add(task.name)
            if event.kind != PLACED:
                yield event

    def _next(self, stream: Stream, task: Task) -> tuple[Event, Files | None]:
        try:
            item: tuple[Event, Files | None] = self._ray.get(next(stream))
        except (StopIteration, self._ray.exceptions.RayError) as error:
            return Event(task.name, "failed", _failure(self._ray, error)), None
        return item

    def _claim(self, task: Task) -> bool:
        """Hold a run whose node cannot hold it on this disk; whether nobody else does."""
        if task.name not in self._claims:
            claim = ExitStack()
            if not claim.enter_context(run_lock(task.log.parent)):
                return False
            self._claims[task.name] = claim
            task.log.parent.mkdir(parents=True, exist_ok=True)
        return True

    def _is_outdated(self, task: Task, files: Files | None) -> bool:
        """Whether a node that is apart has files from before another process was at the run."""
        return files is not None and version(read_files(task.log.parent)) != self._sent[task.name]

    def _give_way(self, task: Task) -> Event:
        """Leave the run to the process that has it, as a worker that sees this disk does."""
        if not task.payload.get("wait"):
            return Event(task.name, "done", {"status": "busy"})
        self._aside.append(task)
        return Event(task.name, "waiting")

    def _write(self, task: Task, files: Files) -> None:
        if files and not self._place.token.exists():
            raise RecordsError(f"{self._place.token.parent}: was removed while its runs were training: run again")
        write_files(task.log.parent, files)

    def _lose(self, task: Task, event: Event) -> Event:
        """Give a task that lost its worker or its node another try, from what is on the driver's disk."""
        self._losses[task.name] += 1
        if self._losses[task.name] == _ATTEMPTS:
            return event
        self._waiting.appendleft(task)
        return Event(task.name, "retry", event.data)


def _failure(ray: Any, error: Exception) -> dict[str, Any]:
    """What to say of an error of Ray's, and whether it is a worker's or a node's death, which a retry may mend."""
    if isinstance(error, ray.exceptions.RayTaskError):
        return {"error": one_line(error.cause or error)}
    if isinstance(error, ray.exceptions.RuntimeEnvSetupError | ray.exceptions.TaskUnschedulableError):
        return {"error": one_line(error)}
    lost = {"NodeDiedError": "the node died", "OutOfMemoryError": "the node ran out of memory"}
    return {"error": lost.get(type(error).__name__, "Ray's worker or its node was lost"), "died": True}
