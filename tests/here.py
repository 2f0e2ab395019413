"""An engine without workers: TensorFlow, which a worker process imports first, is imported here already."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from wncompare.catalog.registry import resolve
from wncompare.run.engines import Job, Perform
from wncompare.tasks import Device, Event, Failed, Task, decode_task, encode_task


@dataclass(frozen=True)
class Here:
    """One task after the other, each as a worker would be given it; in the place of `LocalEngine`."""

    workers: int | None = None
    device: Device | None = None

    def choose_device(self) -> Device:
        """No GPU."""
        return "cpu"

    @contextmanager
    def open(self, job: Job) -> Iterator[Perform]:
        """There is nothing to start."""
        yield _perform


def _perform(tasks: Sequence[Task]) -> Generator[Event, None, None]:
    for task in map(decode_task, map(encode_task, tasks)):
        events: list[Event] = []
        task.log.parent.mkdir(parents=True, exist_ok=True)
        try:
            events.append(resolve(task.target)(task, events.append))
        except Exception as error:  # as in a worker: whatever a network raises
            events.append(Failed(task.name, " ".join(str(error).split())))
        yield from events
