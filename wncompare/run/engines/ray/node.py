"""A node's side: what Ray's process there does with a task."""

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from wncompare.run.engines.process import Worker
from wncompare.run.engines.ray.place import Files, Place, Placed, read_files, write_files
from wncompare.tasks import EpochDone, Event, Last, decode_task


def perform(line: str, files: Files, place: Place) -> Iterator[tuple[Event | Placed, Files | None]]:
    """Have this Ray process's worker do the task that `encode_task` made a `line` of, and yield its events.

    Where this node does not see the driver's disk, the run's files go with the events that changed them; else None.
    """
    task = decode_task(line)
    with suppress(OSError):
        os.chdir(place.folder)  # relative paths in a config mean what they mean to the driver
    if place.token.exists():
        yield Placed(task.name), None
        yield from ((event, None) for event in _worker(place.environment).perform(task))
        return
    yield Placed(task.name), {}
    with tempfile.TemporaryDirectory(prefix="wncompare-") as name:
        folder = Path(name, "run")
        folder.mkdir()
        write_files(folder, files)
        for event in _worker(place.environment).perform(replace(task, folder=folder)):
            yield event, read_files(folder) if isinstance(event, EpochDone | Last) else {}


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
