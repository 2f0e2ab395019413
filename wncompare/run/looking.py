"""Looks while an experiment runs: the protocol they follow, and when they end it.

`analysis`, which loads SciPy, is imported with the first look: workers start without waiting for it.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from wncompare import records
from wncompare.config import Config
from wncompare.errors import Argument, RecordsError
from wncompare.records.identity import differences
from wncompare.run.plan import PlannedRun

if TYPE_CHECKING:
    from wncompare.analysis.looks import Look

Say = Callable[[str], None]


def refuse_another_protocol(config: Config, folder: Path) -> None:
    """Refuse to go on under a protocol that is not the one under which the folder's first run was trained.

    Raises:
        RecordsError: it is another; the message says what differs.
    """
    asked = records.protocol_of(config)
    try:
        found = records.read_protocol(folder)
    except RecordsError:
        if asked is not None:
            raise
        return  # a list goes on whatever was decided
    if found == asked or not any(folder.glob(f"*/**/{records.RUN_FILE}")):
        return
    raise RecordsError(
        f"{folder}: holds runs that were trained under another protocol ({_protocols_differ(found, asked)}): "
        "name another folder with ",
        Argument("output"),
        ", or say with ",
        Argument("overwrite", "True"),
        " that this one takes its place, which the report will tell",
    )


def _protocols_differ(found: dict[str, object] | None, asked: dict[str, object] | None) -> str:
    if found and asked:
        return differences(found, asked)
    there, here = ("a list" if protocol is None else "until settled" for protocol in (found, asked))
    return f"seeds: {there} there, {here} asked for"


def is_settled_there(config: Config, folder: Path) -> bool:
    """Whether the folder holds the experiment, under the same protocol, and it is settled."""
    with suppress(RecordsError):  # which is told when the runs are planned
        if config.until and records.read_protocol(folder) == records.protocol_of(config):
            from wncompare.analysis.looks import is_settled

            return is_settled(records.read(folder))
    return False


class Watch:
    """Says while seeds are trained until all is settled whether any further run is to be trained.

    A look is taken once every run of its seeds has ended, in whatever order and by whichever command. Where one of
    them failed there can be none, and nothing further is trained: the same command tries the run again.
    """

    def __init__(self, config: Config, folder: Path, runs: Sequence[PlannedRun], *, say: Say) -> None:
        self._config, self._folder, self._runs, self._say = config, folder, runs, say
        self._tried: set[str] = set()
        self._found: tuple[Look, ...] = ()

    def is_over(self, tried: Iterable[str] = ()) -> bool:
        """Note which runs have ended or failed since; whether that was the last one needed. Never with a list."""
        self._tried |= {*tried}
        until = self._config.until
        while until and until.first + len(self._found) <= until.most and self._all_tried():
            if self._is_last_look():
                return True
        return False

    def _is_last_look(self) -> bool:
        """Look as far as the records go; whether that settles all, or no further look can be taken."""
        from wncompare.analysis.looks import gone_on, settle
        from wncompare.run import look_log

        experiment, before = records.read(self._folder), self._found
        self._found = gone_on(experiment, before)
        new = self._found[len(before) :]
        look_log.log(experiment, new)
        for each in new:
            self._say(f"look at {len(each.seeds)} seeds: {look_log.said(each)}")
        return not new or settle(self._config, self._found)

    def next_of(self, runs: Sequence[PlannedRun]) -> int | None:
        """How many of the runs the next look takes; None with a list of seeds."""
        return None if self._config.until is None else sum(run.seed in self._next_seeds for run in runs)

    @property
    def _next_seeds(self) -> tuple[int, ...]:
        """The seeds of the next look."""
        until = self._config.until
        return self._config.all_seeds[: until.first + len(self._found)] if until else ()

    def _all_tried(self) -> bool:
        """Whether every run of those seeds has ended, here or in another command, or has failed here."""
        left = [run for run in self._runs if run.seed in self._next_seeds and run.name not in self._tried]
        self._tried |= {run.name for run in left if _has_ended(run)}
        return all(run.name in self._tried for run in left)


def _has_ended(run: PlannedRun) -> bool:
    found = records.read_record(run.folder)
    return found is not None and records.is_done(run.record, found)
