"""What a person sees while runs go: live bars on a terminal, a plain line an epoch elsewhere; all on stderr."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Column

from wncompare.render.console import console
from wncompare.run.execute import Listener
from wncompare.tasks import Event

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
        kinds = (
            ("failed",) if quiet else ("planned", "notice", "epoch", "waiting", "retry", "done", "failed", "download")
        )
        yield lambda event: _print_line(output, event, epochs) if event.kind in kinds else None


def _print_line(output: Console, event: Event, epochs: int) -> None:
    if event.kind != "download" or event.data["done"] == event.data["total"]:
        output.print(_line(event, epochs), markup=False)


def _line(event: Event, epochs: int) -> str:
    data = event.data
    match event.kind:
        case "planned":
            return f"{data['waiting']} runs to train, {data['finished']} finished before"
        case "notice":
            return str(data["message"])
        case "epoch":
            return f"{event.task}: epoch {data['epoch']}/{epochs}: {_metrics(data)} ({_rate(data):.0f} steps/s)"
        case "download":
            return f"downloaded {data['file']} ({data['total'] / 1e6:.1f} MB)"
        case "waiting":
            return f"{event.task}: another wncompare run is training it: waiting for that one to end"
        case "retry":
            return f"{event.task}: {data['error']}; trying once more from its last epoch"
        case "failed":
            return f"{event.task}: failed: {data['error']}"
        case _:
            return f"{event.task}: {data['status']}"


def _metrics(logs: dict[str, Any]) -> str:
    return ", ".join(f"{name} {logs[name]:.4f}" for name in _METRICS if name in logs)


def _rate(row: dict[str, Any]) -> float:
    return float(row["steps"] / max(row["train_seconds"], 1e-9))


def _columns(output: Console) -> Progress:
    return Progress(
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

    def __init__(self, bars: Progress, epochs: int) -> None:
        self._bars = bars
        self._epochs = epochs
        self._total = bars.add_task("all runs", total=None, note="starting the workers")
        self._runs: dict[str, TaskID] = {}
        self._rows: dict[str, dict[str, Any]] = {}
        self._done: dict[str, int] = {}

    def hear(self, event: Event) -> None:
        """Show what an event says."""
        match event.kind:
            case "planned":
                self._bars.update(self._total, total=event.data["waiting"] * self._epochs)
            case "started":
                self._runs[event.task] = self._bars.add_task(event.task, total=None, note="compiling")
                self._advance(event.task, event.data["epochs"])
            case "progress":
                self._step(event)
            case "epoch":
                self._rows[event.task] = event.data
                self._advance(event.task, event.data["epoch"])
            case "download":
                self._download(event)
            case _:
                self._end(event)

    def _advance(self, run: str, epochs: int) -> None:
        self._done[run] = epochs
        self._bars.update(self._total, completed=sum(self._done.values()), note="epochs")

    def _step(self, event: Event) -> None:
        last = self._rows.get(event.task)
        rate = f", {_rate(last):.0f} steps/s" if last else ""
        epoch = self._done.get(event.task, 0) + 1
        logs = {name: value for name, value in (last or {}).items() if name.startswith("val_")} | event.data["logs"]
        self._bars.update(
            self._runs[event.task],
            completed=event.data["step"],
            total=event.data["steps"],
            note=f"epoch {epoch}/{self._epochs}{rate}: {_metrics(logs)}",
        )

    def _download(self, event: Event) -> None:
        file, done, total = (event.data[key] for key in ("file", "done", "total"))
        bar = self._runs.get(file)
        if bar is None:
            bar = self._runs[file] = self._bars.add_task(file, total=None, note="bytes")
        self._bars.update(bar, completed=done, total=total or None)
        if done == total:
            self._end(Event(file, "download", event.data))

    def _end(self, event: Event) -> None:
        if event.task in self._runs:
            self._bars.remove_task(self._runs.pop(event.task))
        self._bars.console.print(_line(event, self._epochs), markup=False)
