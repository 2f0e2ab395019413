"""A figure as a file, drawn in this process or, as a task, in a worker."""

import pickle
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from wncompare.render.figures import Make, planned
from wncompare.render.figures.rendering import render
from wncompare.storage.files import write_bytes
from wncompare.tasks import Drawn, DrawTask, PrepareTask, Report


def save(make: Make, file: Path, format: str) -> None:
    """Make a figure and write it, whole or not at all; its folder is made."""
    file.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(file, render(make(), format))


def prepare(task: PrepareTask, report: Report) -> Drawn:
    """Nothing: this module is imported."""
    return Drawn(task.name)


def draw(task: DrawTask, report: Report) -> Drawn:
    """Draw one figure of the views that the driver has pickled."""
    save(_plan(task.views)[task.name], task.file, task.format)
    return Drawn(task.name)


@lru_cache(maxsize=1)
def _plan(pickled: Path) -> Mapping[str, Make]:
    return planned(pickle.loads(pickled.read_bytes()))  # the driver wrote it, into a folder of its own
