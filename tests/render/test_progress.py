"""Progress: what a terminal shows, what a log gets."""

from io import StringIO

import pytest
from rich.console import Console

from wncompare.render import progress as console
from wncompare.tasks import (
    Download,
    Ended,
    EpochDone,
    Event,
    Failed,
    Planned,
    Progress,
    Retry,
    Started,
    Waiting,
)

RUN = "weight_norm/seed-0"
LOGS = {"loss": 1.25, "accuracy": 0.5}
EPOCH = EpochDone(RUN, 1, {**LOGS, "val_loss": 1.5, "val_accuracy": 0.25}, steps=100, train_seconds=0.5)
EVENTS: list[Event] = [
    Download("cifar.tar.gz", 5_000_000, 10_000_000),
    Download("cifar.tar.gz", 10_000_000, 10_000_000),
    Planned(2, 1),
    Started(RUN, 10, 0),
    EPOCH,
    Progress(RUN, 40, 100, LOGS),
]
TROUBLE: list[Event] = [
    Retry(RUN, "the worker was killed by SIGKILL"),
    Started(RUN, 10, 1),
    Waiting("regular/seed-1"),
]
ENDS: list[Event] = [Ended(RUN, "finished"), Failed("regular/seed-0", "no [bold]memory")]


def test_a_log_gets_a_plain_line_an_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    """Away from a terminal each epoch, end and failure is one line on stderr, text as it is."""
    with console.progress(epochs=3) as listen:
        for event in EVENTS + TROUBLE + ENDS:
            listen(event)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "downloaded cifar.tar.gz (10.0 MB)",
        "2 runs to train, 1 finished before",
        f"{RUN}: epoch 1/3: loss 1.2500, accuracy 0.5000, val_loss 1.5000, val_accuracy 0.2500 (200 steps/s)",
        "weight_norm/seed-0: the worker was killed by SIGKILL; trying once more from its last epoch",
        "regular/seed-1: another wncompare run is training it: waiting for that one to end",
        "weight_norm/seed-0: finished",
        "regular/seed-0: failed: no [bold]memory",
    ]


def test_quiet_shows_failures_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """With quiet there is nothing on stderr but what failed."""
    with console.progress(epochs=3, quiet=True) as listen:
        for event in EVENTS + ENDS:
            listen(event)
    assert capsys.readouterr().err == "regular/seed-0: failed: no [bold]memory\n"


def test_a_terminal_shows_live_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal: epochs of all runs, and for each run its epoch, steps, metrics, step rate and time left."""
    screen = StringIO()
    terminal = Console(file=screen, force_terminal=True, highlight=False, width=160, _environ={"TERM": "xterm"})
    monkeypatch.setattr(console, "stderr", lambda: terminal)
    with console.progress(epochs=3) as listen:
        for event in EVENTS:
            listen(event)
        bars = listen.__self__._bars  # type: ignore[attr-defined]
        with terminal.capture() as shown:
            terminal.print(bars.get_renderable())
        for event in TROUBLE:
            listen(event)
        after = [(task.description, task.completed, task.total) for task in bars.tasks]
        for event in ENDS:
            listen(event)
    total = next(line for line in shown.get().splitlines() if "all runs" in line)
    run = next(line for line in shown.get().splitlines() if RUN in line)
    assert "1/6" in total
    assert "40/100" in run
    metrics = "loss 1.2500, accuracy 0.5000, val_loss 1.5000, val_accuracy 0.2500"
    assert f"epoch 2/3, 200 steps/s: {metrics}" in " ".join(run.replace("val_", "val_").split())
    assert after == [("all runs", 1, 6), (RUN, 0, None)]
    assert "another wncompare run is training it" in screen.getvalue()
    assert "regular/seed-0: failed: no [bold]memory" in screen.getvalue()
