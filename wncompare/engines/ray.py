"""Runs on a Ray cluster: Ray places them, and on each node the local engine's own worker process trains them.

A task is a Ray task that asks for CPUs and GPUs. It runs in one of Ray's processes, which hands it to a worker process
and streams the events back; Ray keeps its processes for later tasks, and with them the worker: TensorFlow starts once.
The package travels to the nodes, so that all of them run the driver's code.

Where a node sees the driver's results folder, the run is written there. Where it does not, it is written to a
temporary folder, and the driver gets the files after every epoch. So the driver's disk always has the last resume
point, from which a run goes on that has lost its node.
"""

import json
import os
import secrets
import socket
import tempfile
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, chdir, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import wncompare
from wncompare import records
from wncompare.engines.process import Worker
from wncompare.engines.tasks import Event, Task
from wncompare.errors import EngineError, RecordsError
from wncompare.files import write_bytes
from wncompare.locks import run_lock
from wncompare.provenance import available_cores

Files = dict[str, bytes]
Stream = Any
"""Ray's generator of object references: the events of a task that runs somewhere."""

_ATTEMPTS = 3
_PATIENCE_SECONDS = 10.0
_PLACED = "placed"
"""The first event of a task on a node, which is for the driver alone."""

_FORWARDED = ("KERAS_", "OMP_", "TF_", "WNCOMPARE_", "XLA_")
"""Variables of the driver's that a run may depend on: `ray start` may have been called in another environment."""

_FILES = (
    records.HISTORY_FILE,
    records.LAYERS_FILE,
    records.CHECKPOINT_FILE,
    records.LOG_FILE,
    records.MODEL_FILE,
    records.RUN_FILE,
)
"""A run's files in the order of writing: a resume point is never ahead of its history, so reading goes backwards."""


@dataclass(frozen=True)
class Place:
    """What a node needs to know of the driver: its working folder, its variables, a file that tells its disk."""

    folder: Path
    environment: Mapping[str, str]
    token: Path


# The driver -----------------------------------------------------------------------------------------------------------


def execute(
    tasks: Sequence[Task],
    *,
    workers: int | None,
    environment: Mapping[str, str],
    address: str | None = None,
    cpus: int = 1,
    gpus: float = 0,
) -> Generator[Event, None, None]:
    """Run the tasks in about their order, at most `workers` at a time (None: as many as the cluster holds).

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
    ray = _import()
    enough = cpus * workers if workers else max(cpus, available_cores())
    with _cluster(ray, address, cpus=enough), _place(tasks, environment) as place:
        remote = ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=0)(perform)

        def submit(task: Task) -> Stream:
            return remote.options(name=task.name).remote(task, _read(task.log.parent), place)

        needs = {kind: amount for kind, amount in (("CPU", cpus), ("GPU", gpus)) if amount}
        yield from _Driver(ray, submit, tasks, place).events(workers or len(tasks), needs)


class _Driver:
    """The tasks that wait and those that run, from the driver's side."""

    def __init__(self, ray: Any, submit: Callable[[Task], Stream], tasks: Sequence[Task], place: Place) -> None:
        self._ray = ray
        self._submit = submit
        self._waiting = deque(tasks)
        self._place = place
        self._running: dict[Stream, Task] = {}
        self._started: set[str] = set()
        self._claims: dict[str, ExitStack] = {}
        self._losses: Counter[str] = Counter()

    def events(self, workers: int, needs: Mapping[str, float]) -> Iterator[Event]:
        """Keep the cluster busy, and pass on what the tasks report until all have ended."""
        told = False
        try:
            while self._waiting or self._running:
                self._fill(workers)
                ready, _ = self._ray.wait(list(self._running), timeout=_PATIENCE_SECONDS)
                if ready:
                    told = False
                    yield from self._hear(ready[0])
                elif not self._started and not told and (shortage := _shortage(self._ray, needs)):
                    told = True
                    yield Event("", "notice", {"message": shortage})
        finally:
            for stream in self._running:
                self._ray.cancel(stream, force=True)
            for claim in self._claims.values():
                claim.close()

    def _fill(self, workers: int) -> None:
        while self._waiting and len(self._running) < workers:
            task = self._waiting.popleft()
            self._running[self._submit(task)] = task

    def _hear(self, stream: Stream) -> Iterator[Event]:
        """The stream's next event; a stream that goes on takes its turn behind the others."""
        task = self._running.pop(stream)
        event, files = self._next(stream, task)
        self._started.discard(task.name)
        if files is not None and not self._claim(task):
            self._ray.cancel(stream, force=True)
            yield from self._give_way(task)
            return
        self._write(task, files or {})
        if event.final:
            self._claims.pop(task.name, ExitStack()).close()
            yield self._lose(task, event) if event.data.get("died") else event
        else:
            self._running[stream] = task
            self._started.add(task.name)
            if event.kind != _PLACED:
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

    def _give_way(self, task: Task) -> Iterator[Event]:
        """Leave the run to the process that has it, as a worker that sees this disk does."""
        if not task.payload.get("wait"):
            yield Event(task.name, "done", {"status": "busy"})
            return
        yield Event(task.name, "waiting")
        with run_lock(task.log.parent, waiting=lambda: None):
            self._waiting.append(task)

    def _write(self, task: Task, files: Files) -> None:
        if files and not self._place.token.exists():
            raise RecordsError(f"{self._place.token.parent}: was removed while its runs were training: run again")
        _write(task.log.parent, files)

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
        return {"error": _one_line(error.cause or error)}
    if isinstance(error, ray.exceptions.RuntimeEnvSetupError | ray.exceptions.TaskUnschedulableError):
        return {"error": _one_line(error)}
    lost = {"NodeDiedError": "the node died", "OutOfMemoryError": "the node ran out of memory"}
    return {"error": lost.get(type(error).__name__, "Ray's worker or its node was lost"), "died": True}


def _shortage(ray: Any, needs: Mapping[str, float]) -> str:
    """Why nothing starts, as text: no node is large enough, or all are busy; empty where there is room."""
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    free = ray.available_resources()
    if not any(_holds(node, needs) for node in nodes):
        most = {kind: max((node.get(kind, 0) for node in nodes), default=0) for kind in needs}
        return f"no node of the Ray cluster has {_listed(needs)}, the most is {_listed(most)}: waiting for a larger one"
    if not _holds(free, needs):
        left = {kind: free.get(kind, 0) for kind in needs}
        return f"the Ray cluster is busy: waiting for {_listed(needs)}, {_listed(left)} are free"
    return ""


def _holds(resources: Mapping[str, float], needs: Mapping[str, float]) -> bool:
    return all(resources.get(kind, 0) >= amount for kind, amount in needs.items())


def _listed(resources: Mapping[str, float]) -> str:
    return ", ".join(f"{amount:g} {kind}" for kind, amount in resources.items())


@contextmanager
def _place(tasks: Sequence[Task], environment: Mapping[str, str]) -> Iterator[Place]:
    """Where the driver is, with a token on its disk by which a node knows that it sees the same one."""
    token = Path(os.path.commonpath([task.log.parent.parent for task in tasks]), f".shared-{secrets.token_hex()}")
    write_bytes(token, b"")
    forwarded = {name: value for name, value in os.environ.items() if name.startswith(_FORWARDED)}
    try:
        yield Place(Path.cwd(), {**forwarded, **environment}, token)
    finally:
        token.unlink(missing_ok=True)


# Ray ------------------------------------------------------------------------------------------------------------------


def _import() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_worker_niceness", "0")  # Ray's 15 would have runs starve beside whatever else goes on
    try:
        import ray
    except ImportError:
        raise EngineError("the Ray engine needs Ray, which is not installed: pip install 'wncompare[ray]'") from None
    return ray


@contextmanager
def _cluster(ray: Any, address: str | None, *, cpus: int) -> Iterator[None]:
    """A connection to the cluster, which ends with the block; without an address to one of that many CPUs, made for it.

    In a process that is connected already that connection is taken and left as it is.
    """
    if ray.is_initialized():
        yield
        return
    try:
        ray._private.worker._worker_logs_enabled = False  # what it says of lost nodes would be on stdout, among results
        _connect(ray, address or os.environ.get("RAY_ADDRESS") or "local", cpus)
        yield
    finally:
        ray.shutdown()
        ray._private.worker._worker_logs_enabled = True


def _connect(ray: Any, address: str, cpus: int) -> None:
    if address.startswith("ray://"):
        raise EngineError(
            f"--address {address}: Ray Client streams no results: run on a node of the cluster, with --address auto"
        )
    local = {"num_cpus": cpus, "include_dashboard": False} if address == "local" else {}
    try:
        _knock(address)
        with chdir("/"):  # Ray has its workers import from the driver's working folder, where anything may lie
            ray.init(
                address=address,
                runtime_env={"py_modules": [str(Path(wncompare.__file__).parent)]},
                logging_level="ERROR",
                log_to_driver=False,
                **local,
            )
    except Exception as error:  # Ray raises a RuntimeError, a ConnectionError, a ValueError or an error of its own
        raise EngineError(
            f"no Ray cluster to be had at {address} ({_one_line(error)}): start one with ray start --head, or join one "
            "with ray start --address=HOST:6379 on this machine, and name it: --address HOST:6379"
        ) from None


def _knock(address: str) -> None:
    """Fail at once where nothing answers; Ray takes two minutes for that."""
    host, colon, port = address.rpartition(":")
    if colon and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=_PATIENCE_SECONDS).close()


def _one_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:500]


# A node ---------------------------------------------------------------------------------------------------------------


def perform(task: Task, files: Files, place: Place) -> Iterator[tuple[Event, Files | None]]:
    """Have this Ray process's worker do the task, and yield its events.

    Where this node does not see the driver's disk, the run's files go with the events that changed them; else None.
    """
    with suppress(OSError):
        os.chdir(place.folder)  # relative paths in a config mean what they mean to the driver
    if place.token.exists():
        yield Event(task.name, _PLACED), None
        yield from ((event, None) for event in _worker(place.environment).perform(task))
        return
    yield Event(task.name, _PLACED), {}
    with tempfile.TemporaryDirectory(prefix="wncompare-") as name:
        folder = Path(name, "run")
        _write(folder, files)
        for event in _worker(place.environment).perform(_moved(task, folder)):
            yield event, _read(folder) if event.final or event.kind == "epoch" else {}


_WORKERS: dict[str, Worker] = {}
"""The one worker of this Ray process, by its environment."""


def _worker(environment: Mapping[str, str]) -> Worker:
    key = json.dumps(dict(environment), sort_keys=True)
    if key not in _WORKERS or not _WORKERS[key].is_alive:
        for worker in _WORKERS.values():
            worker.kill()
            worker.bury()
        _WORKERS.clear()
        _WORKERS[key] = Worker(environment)
    return _WORKERS[key]


def _moved(task: Task, folder: Path) -> Task:
    """The task, with another folder for its run."""
    return replace(task, payload={**task.payload, "folder": str(folder)}, log=folder / task.log.name)


def _read(folder: Path) -> Files:
    """The run's files that are there."""
    found = {}
    for name in reversed(_FILES):
        with suppress(FileNotFoundError):
            found[name] = (folder / name).read_bytes()
    return found


def _write(folder: Path, files: Files) -> None:
    """Write a run's files, those alone."""
    for name in _FILES:
        if name in files:
            write_bytes(folder / name, files[name])
