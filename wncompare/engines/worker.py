"""A worker process: a task a line on standard input, an event a line on standard output.

Whatever else a task or a library prints goes to the task's log. When standard input closes, the driver is done or
dead, and the worker exits on the spot.
"""

import json
import os
import sys
import threading
import traceback
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from wncompare.catalog import resolve
from wncompare.errors import WncompareError


def main() -> None:
    """Take tasks until the driver closes standard input."""
    events = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8", buffering=1)
    tasks: SimpleQueue[str] = SimpleQueue()
    threading.Thread(target=_read, args=(tasks,), daemon=True).start()

    def report(kind: str, **data: Any) -> None:
        events.write(json.dumps({"kind": kind, "data": data}) + "\n")

    while True:
        _perform(json.loads(tasks.get()), report)


def _read(tasks: "SimpleQueue[str]") -> None:
    for line in sys.stdin:
        tasks.put(line)
    os._exit(0)


def _perform(task: dict[str, Any], report: Any) -> None:
    _print_to(Path(task["log"]))
    try:
        result = resolve(task["target"])(task["payload"], report)
        kind = "done"
    except Exception as error:
        traceback.print_exc()
        kind, result = "failed", {"error": _one_line(error)}
    sys.stdout.flush()  # once the driver hears the last word, it may end this process
    sys.stderr.flush()
    report(kind, **result)


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, WncompareError) else f"{type(error).__name__}: {text}"[:500]


def _print_to(log: Path) -> None:
    """Let standard output and error, also those of C++ libraries, go to the end of `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    with log.open("a") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)


if __name__ == "__main__":
    main()
