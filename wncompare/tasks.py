"""What an engine takes and what it gives back: tasks and events, both plain data."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Task:
    """A function, named as "module:function", and the JSON data it is called with; `log` takes what it prints."""

    name: str
    target: str
    payload: dict[str, Any]
    log: Path


@dataclass(frozen=True)
class Event:
    """What a task reports: `kind` is the task's own word, or "done" or "failed", which end it."""

    task: str
    kind: str
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def final(self) -> bool:
        """Whether nothing follows."""
        return self.kind in ("done", "failed")
