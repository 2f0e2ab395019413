"""What a person sees while runs go: live bars on a terminal, a plain line an epoch elsewhere; all on stderr."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.table import Column

from wncompare.render.console import console
from wncompare.run.execute import Listener
from wncompare.tasks import (
    Audited,
    Busy,
    CostMeasured,
    Died,
    Download,
    Drawn,
    Ended,
    EpochDone,
    Event,
    Failed,
    Notice,
    Planned,
    Progress,
    Retry,
    SpeedMeasured,
    Started,
    Tried,
    Waiting,
)

_METRICS = ("loss", "accuracy", "val_loss", "val_accuracy")


def stderr() -> Console:
    """The console for progress and messages."""
    return console(stderr=True, highlight=False, soft_wrap=True)


@contextmanager
def progress(*, epochs: int = 0, quiet: bool = False) -> Iterator[Listener]:
    """A listener that shows how the runs go, `epochs` each; with `quiet`, failures alone."""
    output = stderr()
    if output.is_terminal and not quiet:
        with _columns(output) as bars:
            yield _Bars(bars, epochs).hear
    else:
        yield lambda event: _print_line(output, event, epochs) if not quiet or isinstance(event, Failed) else None


def _print_line(output: Console, event: Event, epochs: int) -> None:
    if line := _line(event, epochs):
        output.print(line, markup=False)


def _line(event: Event, epochs: int) -> str:
    """An event as text; empty where it is nothing for a log."""
    match event:
        case Planned(waiting, finished, least):
            number = waiting if least in (None, waiting) else f"{least} to {waiting}"
            return f"{number} runs to train, {finished} finished before"
        case Notice(task, message):
            return f"{task}: {message}" if task else message
        case EpochDone(task, epoch, logs):
            return f"{task}: epoch {epoch}/{epochs}: {_metrics(logs)} ({event.steps_per_second:.0f} steps/s)"
        case Download(file, done, total):
            return f"downloaded {file} ({total / 1e6:.1f} MB)" if done == total else ""
        case Waiting(task):
            return f"{task}: another wncompare run is training it: waiting for that one to end"
        case Retry(task, error):
            return f"{task}: {error}; trying once more from its last epoch"
        case Failed(task, error) | Died(task, error):
            return f"{task}: failed: {error}"
        case Ended(task, status):
            return f"{task}: {status}"
        case CostMeasured(task) | SpeedMeasured(task):
            return f"{task}: measured"
        case Started() | Progress() | Busy() | Audited() | Tried() | Drawn():
            return ""


def _metrics(logs: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {logs[name]:.4f}" for name in _METRICS if name in logs)


def _columns(output: Console) -> Bars:
    return Bars(
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
        BarColumn(bar_width=10),
        MofNCompleteColumn(table_column=Column(no_wrap=True)),
        TimeRemainingColumn(compact=True, table_column=Column(no_wrap=True)),
        TextColumn(
            "{task.fields[note]}", markup=False, table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")
        ),
        console=output,
        transient=True,
        expand=True,
    )


class _Bars:
    """A bar for the epochs of all runs together, and one for the current epoch of each run under way."""

    def __init__(self, bars: Bars, epochs: int) -> None:
        self._bars = bars
        self._epochs = epochs
        self._total = bars.add_task("all runs", total=None, note="starting the workers")
        self._shown: dict[str, TaskID] = {}
        self._last: dict[str, EpochDone] = {}
        self._done: dict[str, int] = {}

    def hear(self, event: Event) -> None:
        """Show what an event says."""
        match event:
            case Planned(waiting):
                self._bars.update(self._total, total=waiting * self._epochs)
            case Started(task, _, epochs):
                self._shown[task] = self._bars.add_task(task, total=None, note="compiling")
                self._advance(task, epochs)
            case Progress():
                self._step(event)
            case EpochDone(task, epoch):
                self._last[task] = event
                self._advance(task, epoch)
            case Download(file):
                self._download(event)
                if event.done == event.total:
                    self._end(file, event)
            case Notice(task) | Waiting(task) | Retry(task):
                self._end(task, event)
            case Ended(task) | Busy(task) | CostMeasured(task) | SpeedMeasured(task) | Failed(task) | Died(task):
                self._end(task, event)

    def _advance(self, run: str, epochs: int) -> None:
        self._done[run] = epochs
        self._bars.update(self._total, completed=sum(self._done.values()), note="epochs")

    def _step(self, event: Progress) -> None:
        last = self._last.get(event.task)
        rate = f", {last.steps_per_second:.0f} steps/s" if last else ""
        epoch = self._done.get(event.task, 0) + 1
        validated = {name: value for name, value in last.logs.items() if name.startswith("val_")} if last else {}
        self._bars.update(
            self._shown[event.task],
            completed=event.step,
            total=event.steps,
            note=f"epoch {epoch}/{self._epochs}{rate}: {_metrics(validated | event.logs)}",
        )

    def _download(self, event: Download) -> None:
        if event.file not in self._shown:
            self._shown[event.file] = self._bars.add_task(event.file, total=None, note="bytes")
        self._bars.update(self._shown[event.file], completed=event.done, total=event.total or None)

    def _end(self, name: str, event: Event) -> None:
        """Take away the bar of a run or a file, and say what there is to say."""
        if name in self._shown:
            self._bars.remove_task(self._shown.pop(name))
        _print_line(self._bars.console, event, self._epochs)
