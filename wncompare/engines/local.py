"""Runs on this machine: worker processes that take tasks one at a time and send back events.

A worker is ``python -m wncompare.engines.worker``. It outlives its tasks (TensorFlow starts once), reads them from
its standard input and exits when that closes, so it dies with its driver, however the driver dies. It has a session
of its own: Ctrl-C reaches the driver alone.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from signal import Signals

from wncompare.engines.tasks import Event, Task


def execute(tasks: Sequence[Task], *, workers: int, environment: Mapping[str, str]) -> Generator[Event, None, None]:
    """Run the tasks in their order, `workers` at a time, and yield what they report.

    Workers import from where this process does, and `environment` is added to their variables. A worker that dies
    fails its own task alone: a new one takes the next. Closing the iterator ends every worker at once.
    """
    waiting: SimpleQueue[Task] = SimpleQueue()
    events: SimpleQueue[Event] = SimpleQueue()
    for task in tasks:
        waiting.put(task)
    slots = [_Slot(waiting, events, environment) for _ in range(min(workers, len(tasks)))]
    try:
        for slot in slots:
            slot.start()
        unfinished = len(tasks)
        while unfinished:
            event = events.get()
            unfinished -= event.final
            yield event
    finally:
        for slot in slots:
            slot.close()


class _Slot(threading.Thread):
    """A place for one worker at a time: a thread that hands it tasks and listens to it."""

    def __init__(
        self, waiting: "SimpleQueue[Task]", events: "SimpleQueue[Event]", environment: Mapping[str, str]
    ) -> None:
        super().__init__(daemon=True)
        self._waiting = waiting
        self._events = events
        self._environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environment}
        self._guard = threading.Lock()
        self._closed = False
        self._worker: subprocess.Popen[str] | None = None

    def run(self) -> None:
        """Take tasks until none is left."""
        while not self._closed:
            try:
                task = self._waiting.get_nowait()
            except Empty:
                return
            try:
                self._perform(task)
            except Exception as error:  # no worker to be had, or one that talks nonsense: the driver must hear of it
                self._events.put(Event(task.name, "failed", {"error": f"{type(error).__name__}: {error}"}))

    def close(self) -> None:
        """End the worker at once, and take no more tasks."""
        with self._guard:
            self._closed = True
            if self._worker is not None:
                self._worker.kill()
        if self.ident is not None:
            self.join()
        if self._worker is not None:
            _bury(self._worker)

    def _perform(self, task: Task) -> None:
        """Have the worker do one task, passing its events on; its death is the last of them."""
        worker = self._living_worker()
        if worker is None or worker.stdin is None or worker.stdout is None:
            return
        with suppress(BrokenPipeError):  # it died while idle: the end of its output says so below
            worker.stdin.write(_encode(task))
            worker.stdin.flush()
        for line in worker.stdout:
            event = Event(task.name, **json.loads(line))
            self._events.put(event)
            if event.final:
                return
        self._events.put(Event(task.name, "failed", {"error": _cause_of_death(worker.wait()), "died": True}))

    def _living_worker(self) -> "subprocess.Popen[str] | None":
        with self._guard:
            if self._closed:
                return None
            if self._worker is not None and self._worker.poll() is not None:
                _bury(self._worker)
                self._worker = None
            self._worker = self._worker or _start(self._environment)
            return self._worker


def _start(environment: Mapping[str, str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "wncompare.engines.worker"],  # -P: nothing in the working folder is code
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
        env=environment,
        start_new_session=True,
    )


def _bury(worker: "subprocess.Popen[str]") -> None:
    """Close what is left of a dead worker."""
    with suppress(BrokenPipeError), worker:  # what it never read is still in the pipe
        pass


def _encode(task: Task) -> str:
    return json.dumps({"target": task.target, "payload": task.payload, "log": str(task.log)}) + "\n"


def _cause_of_death(code: int) -> str:
    if code < 0:
        return f"the worker was killed by {Signals(-code).name}"
    return f"the worker exited with code {code}"
