"""A task's module that, like Keras, imports something optional where it is there."""

from importlib.util import find_spec

from wncompare.tasks import Ended, Notice, Report, Task

try:
    import pandas
except ImportError:
    pandas = None


def seen(task: Task, report: Report) -> Ended:
    """Say whether pandas was there when this module was imported, and whether it is there now."""
    report(Notice(task.name, f"then: {pandas is not None}, now: {find_spec('pandas') is not None}"))
    return Ended(task.name, "finished")
