"""A worker process, seen from outside: started, handed tasks one at a time, listened to, ended.

A worker is ``python -m wncompare.run.engines.worker``. It outlives its tasks (TensorFlow starts once), reads them from
its standard input and exits when that closes, so it dies with its driver, however the driver dies. It has a session
of its own: Ctrl-C reaches the driver alone.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from signal import Signals

from wncompare.records import numerics
from wncompare.tasks import Died, Event, Last, Task, decode_event, encode_task


class Worker:
    """A worker process that imports from where this process does, `environment` added to its variables.

    Of this process's own variables it gets none that decides about numbers (see `wncompare.records.numerics`). It
    imports the modules `preload` at once, so that its first task need not wait for them.
    """

    def __init__(self, environment: Mapping[str, str], *, preload: Sequence[str] = ()) -> None:
        path = os.pathsep.join(filter(None, sys.path))
        self.arms: set[str] = set()
        """Of the tasks that it was given: it may have them ready for others that say the same."""
        self._process = _start({**numerics.without(os.environ), "PYTHONPATH": path, **environment}, preload)

    @property
    def is_alive(self) -> bool:
        """Whether it can take a task."""
        return self._process.poll() is None

    def perform(self, task: Task) -> Iterator[Event]:
        """Have it do one task, and pass its events on; its death is the last of them."""
        self.arms.add(task.arm)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):  # it died while idle: the end of its output says so below
            self._process.stdin.write(encode_task(task))
            self._process.stdin.flush()
        for line in self._process.stdout:
            event = decode_event(line)
            yield event
            if isinstance(event, Last):
                return
        yield Died(task.name, _cause_of_death(self._process.wait()))

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def bury(self) -> None:
        """Close what is left of it once it is dead."""
        with suppress(BrokenPipeError), self._process:  # what it never read is still in the pipe
            pass


def _start(environment: Mapping[str, str], preload: Sequence[str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [
            sys.executable,
            "-P",
            "-m",
            "wncompare.run.engines.worker",
            *preload,
        ],  # -P: nothing in the working folder is code
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
        env=environment,
        start_new_session=True,
    )


def _cause_of_death(code: int) -> str:
    if code == -Signals.SIGKILL:
        return "the worker was killed by SIGKILL: memory may have run out; fewer workers need less"
    if code < 0:
        return f"the worker was killed by {Signals(-code).name}"
    return f"the worker exited with code {code}"
