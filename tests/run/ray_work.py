"""What the tests of the Ray engine have its workers do; a module of its own, as a worker imports little."""

import os
import signal
import time
from pathlib import Path
from typing import Any

from wncompare.errors import DatasetError


def work(payload: dict[str, Any], report: Any) -> dict[str, Any]:
    """A task: reports its process, writes records, fails, dies or sleeps as its payload says."""
    folder = Path(payload["folder"])
    report("pid", pid=os.getpid(), parent=os.getppid(), folder=str(folder))
    for name in payload.get("write", ()):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("written")
    if "raise" in payload:
        raise DatasetError("two\nlines")
    if "die" in payload:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(payload.get("sleep", 0))
    return {"value": payload["value"]}
