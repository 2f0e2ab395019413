"""A worker process: a task a line on standard input, an event a line on standard output.

Whatever else a task or a library prints goes to the task's log. Modules that are named as arguments are imported
before the first task, which may take its time to come. When standard input closes, the driver is done or
dead, and the worker exits on the spot.
"""

import gc
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from wncompare.catalog.registry import resolve
from wncompare.errors import WncompareError
from wncompare.storage.files import explain
from wncompare.tasks import Event, Failed, Last, Report, Task, decode_task, encode_event


def main() -> None:
    """Take tasks until the driver closes standard input."""
    events = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8", buffering=1)
    tasks: SimpleQueue[str] = SimpleQueue()
    threading.Thread(target=_read, args=(tasks,), daemon=True).start()
    with open(os.devnull, "w") as nothing:  # noqa: PTH123
        os.dup2(nothing.fileno(), 1)
    for module in sys.argv[1:]:
        with suppress(Exception), _importing(module):  # the task that needs it will say why
            import_module(module)

    def report(event: Event) -> None:
        events.write(encode_event(event))

    while True:
        report(_performed(decode_task(tasks.get()), report))


def _read(tasks: "SimpleQueue[str]") -> None:
    for line in sys.stdin:
        tasks.put(line)
    os._exit(0)


def _performed(task: Task, report: Report) -> Last:
    """The last event of a task, which has been done."""
    last: Last
    try:
        _print_to(task.log)
        print(f"--- {datetime.now(UTC).isoformat(timespec='seconds')} {task.name} in process {os.getpid()} ---")
        with _importing(task.target):
            function = resolve(task.target)
        last = function(task, report)
    except Exception as error:
        with suppress(OSError):
            print(error) if isinstance(error, WncompareError) else traceback.print_exc()
        last = Failed(task.name, _one_line(error))
    with suppress(OSError):  # a log on a full disk
        _flush()  # once the driver hears the last word, it may end this process
    return last


_OPTIONAL = ("IPython", "jax", "matplotlib", "pandas", "scipy", "sklearn", "torch")
"""What Keras and TensorFlow import where it is installed, for functions that no task calls: half of their seconds."""


@contextmanager
def _importing(name: str) -> Iterator[None]:
    """For the time of an import, collect no garbage and let what Keras can do without look as if not installed.

    What an import makes stays: looking through it for garbage, then and later, takes a quarter of TensorFlow's seconds.
    """
    optional = () if name.startswith("wncompare.render.") else _OPTIONAL
    names = [name for name in optional if name not in sys.modules]
    modules: dict[str, Any] = sys.modules
    modules.update(dict.fromkeys(names))  # None is Python's own sign for it
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
        for name in names:
            del modules[name]


def _one_line(error: Exception) -> str:
    text = explain(error) if isinstance(error, OSError) else str(error)
    line = " ".join(text.split())
    return line if isinstance(error, WncompareError | OSError) else f"{type(error).__name__}: {line}"[:500]


def _print_to(log: Path) -> None:
    """Let standard output and error, also those of C++ libraries, go to the end of `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if not log.is_file():
        log.unlink(missing_ok=True)  # a pipe would make the worker wait for ever
    _flush()
    with log.open("a") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()


if __name__ == "__main__":
    main()
