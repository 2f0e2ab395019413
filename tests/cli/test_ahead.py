"""What comes after the training is prepared when a core is idle, and not before."""

from threading import Event as Signal

import pytest

from wncompare.cli import ahead
from wncompare.cli.ahead import Ahead
from wncompare.tasks import Ended, EpochDone, Event, Failed, Planned, Started


def start(run: str) -> Event:
    """A run starts."""
    return Started(run, 1, 0)


def epoch(run: str) -> Event:
    """An epoch of a run is done."""
    return EpochDone(run, 1, {}, 1, 1.0)


@pytest.mark.parametrize(
    ("cores", "threads", "before", "then"),
    [
        (2, 1, [Planned(2, 0), start("a"), start("b"), epoch("a")], Ended("b", "finished")),
        (
            2,
            1,
            [Planned(3, 0), start("a"), start("b"), Ended("a", "finished"), start("c"), epoch("b")],
            Failed("b", ""),
        ),
        (2, 1, [Planned(2, 0), start("a")], epoch("a")),
        (2, 2, [Planned(2, 0), start("a"), epoch("a"), Ended("a", "finished"), start("b")], Ended("b", "finished")),
        (4, 1, [Planned(9, 0), start("a"), start("b")], epoch("b")),
    ],
    ids=["two", "three on two", "one worker", "two threads", "cores to spare"],
)
def test_it_is_prepared_once_a_core_is_idle(
    monkeypatch: pytest.MonkeyPatch, cores: int, threads: int, before: list[Event], then: Event
) -> None:
    """Once, and every event is passed on."""
    monkeypatch.setattr(ahead, "available_cores", lambda: cores)
    prepared, heard, times = Signal(), list[Event](), list[int]()

    def prepare() -> None:
        times.append(1)
        prepared.set()

    listener = Ahead(heard.append, prepare, threads=threads)
    for event in before:
        listener.hear(event)
    assert not prepared.wait(0.05)
    listener.hear(then)
    assert prepared.wait(5)
    listener.hear(then)
    assert heard == [*before, then, then]
    assert times == [1]
