"""What comes after the training, prepared while the last runs leave a core idle."""

from collections.abc import Callable
from threading import Thread

from wncompare.records.machine import available_cores
from wncompare.run.execute import Listener
from wncompare.tasks import Ended, EpochDone, Event, Failed, Planned, Started


class Ahead:
    """Passes events on to `listen`, and calls `prepare` once, in a thread, as soon as runs need less than all cores.

    Each run takes so many `threads`. Before that, whatever is done here takes its time from a run.
    """

    def __init__(self, listen: Listener, prepare: Callable[[], None], *, threads: int) -> None:
        self._listen = listen
        self._thread: Thread | None = Thread(target=prepare, daemon=True)
        self._threads = threads
        self._left = 0
        self._under_way: set[str] = set()
        self._most = 0

    def hear(self, event: Event) -> None:
        """Pass the event on, and see whether a core is idle."""
        self._listen(event)
        match event:
            case Planned(waiting):
                self._left = waiting
            case Started(task):
                self._under_way.add(task)
                self._most = max(self._most, len(self._under_way))
            case EpochDone():
                self._prepare_if_idle()
            case Ended(task) | Failed(task):
                self._left -= 1
                self._under_way.discard(task)
                self._prepare_if_idle()

    def _prepare_if_idle(self) -> None:
        if self._thread and min(self._left, self._most) * self._threads < available_cores():
            self._thread.start()
            self._thread = None
