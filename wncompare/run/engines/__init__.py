"""Where runs execute: an engine takes tasks and gives back what they report."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from wncompare.catalog.registry import resolve
from wncompare.records import numerics
from wncompare.records.machine import available_cores, available_memory
from wncompare.run import devices
from wncompare.run.engines import local
from wncompare.storage.cache import homeless_environment
from wncompare.tasks import Device, Event, Task, TrainTask

Perform = Callable[[Sequence[Task]], Generator[Event, None, None]]
"""Has the tasks done in about their order, and gives their events; closing it ends all of them at once."""

WORKER_BYTES = 700_000_000
"""What a worker takes of its own with the programs of a few arms."""


@dataclass(frozen=True)
class Job:
    """What an engine is told before the first task: the results folder, threads a run, how many runs there seem to be.

    `device` is the one that the engine chose; `beside` is how many runs another process is training in the folder.
    """

    folder: Path
    threads: int
    device: Device
    runs: int
    beside: int = 0


class Engine(Protocol):
    """Where tasks are done."""

    def choose_device(self) -> Device:
        """The kind of device that runs train on."""

    def open(self, job: Job) -> AbstractContextManager[Perform]:
        """The engine at work, until the block ends."""


@dataclass(frozen=True)
class LocalEngine:
    """Worker processes on this machine.

    `workers` is how many runs train at a time: by default one a GPU or as many as `default_workers` says, less those
    that another process trains already. `device` is by default a GPU where TensorFlow sees one.
    """

    workers: int | None = None
    device: Device | None = None

    def choose_device(self) -> Device:
        """The kind of device that runs train on.

        Raises:
            UsageError: a GPU is asked for, and TensorFlow sees none.
        """
        return devices.choose(self.device)

    @contextmanager
    def open(self, job: Job) -> Iterator[Perform]:
        """Workers that start at once: TensorFlow is imported while the dataset is loaded here."""
        gpus = devices.gpus() if job.device == "gpu" else ()
        workers = self.workers or len(gpus) or max(1, default_workers(job.threads) - job.beside)
        settings = partial(local.execute, environment=worker_variables(job.threads, job.device), gpus=gpus)
        early = min(workers, job.runs)
        module = TrainTask.target.partition(":")[0]
        with local.start(early, environment=settings.keywords["environment"], gpus=gpus, preload=module) as started:
            yield partial(settings, workers=workers, started=started)


@dataclass(frozen=True)
class RayEngine:
    """A Ray cluster: the one at `address` ("host:port", or "auto"; default: $RAY_ADDRESS), else one made for the runs.

    `workers` bounds the runs at a time, by default the cluster's size does; `device` is by default the CPU.
    """

    address: str | None = None
    workers: int | None = None
    device: Device | None = None

    def choose_device(self) -> Device:
        """The kind of device that runs train on."""
        return self.device or "cpu"

    @contextmanager
    def open(self, job: Job) -> Iterator[Perform]:
        """The cluster, which is joined when there are tasks; Ray is imported only here."""
        with ExitStack() as stay:
            yield partial(
                resolve("wncompare.run.engines.ray:execute"),
                folder=job.folder,
                workers=self.workers,
                environment=worker_variables(job.threads, job.device),
                address=self.address,
                cpus=job.threads,
                gpus=1 if job.device == "gpu" else 0,
                stay=stay,
            )


def default_workers(threads: int) -> int:
    """As many workers of so many threads as cores and memory hold, at least one."""
    memory = available_memory()
    fitting = available_cores() // threads
    return max(1, fitting if memory is None else min(fitting, memory // WORKER_BYTES))


def worker_variables(threads: int, device: Device) -> dict[str, str]:
    """What keeps a worker on its threads, on its device and on TensorFlow, and its log quiet."""
    return {**numerics.fixed(threads), **homeless_environment(), **devices.variables(device)}
