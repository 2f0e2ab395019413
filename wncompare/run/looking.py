"""Looks while an experiment runs: the protocol they follow, when they end it, and their log."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from wncompare import records
from wncompare.analysis.estimates import centre
from wncompare.analysis.looks import Look, gone_on, is_settled, look, settle
from wncompare.analysis.schema import ContrastSummary
from wncompare.analysis.words import p
from wncompare.config import Config
from wncompare.errors import Argument, RecordsError
from wncompare.records import Experiment, LookedAt, LookRecord
from wncompare.records.identity import differences
from wncompare.run.plan import PlannedRun

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
            return is_settled(records.read(folder))
    return False


def log_now(folder: Path) -> None:
    """Log what the verdict says of all that is in the folder; nothing where there is no pair yet."""
    experiment = records.read(folder)
    _log(experiment, [look(experiment)])


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
            experiment, before = records.read(self._folder), self._found
            self._found = gone_on(experiment, before)
            self._tell(experiment, self._found[len(before) :])
            if len(self._found) == len(before) or settle(self._config, self._found):
                return True
        return False

    def next_of(self, runs: Sequence[PlannedRun]) -> int | None:
        """How many of the runs the next look takes; None with a list of seeds."""
        return None if self._config.until is None else sum(run.seed in self._next_seeds for run in runs)

    @property
    def _next_seeds(self) -> tuple[int, ...]:
        """The seeds of the next look."""
        until = self._config.until
        return self._config.all_seeds[: until.first + len(self._found)] if until else ()

    def _tell(self, experiment: Experiment, found: Sequence[Look]) -> None:
        _log(experiment, found)
        for each in found:
            self._say(f"look at {len(each.seeds)} seeds: {_said(each)}")

    def _all_tried(self) -> bool:
        """Whether every run of those seeds has ended, here or in another command, or has failed here."""
        left = [run for run in self._runs if run.seed in self._next_seeds and run.name not in self._tried]
        self._tried |= {run.name for run in left if _has_ended(run)}
        return all(run.name in self._tried for run in left)


def _has_ended(run: PlannedRun) -> bool:
    found = records.read_record(run.folder)
    return found is not None and records.is_done(run.record, found)


def _said(found: Look) -> str:
    return "; ".join(f"{name}: {contrast.outcome} ({p(contrast.p_holm)})" for name, contrast in found.contrasts.items())


def _log(experiment: Experiment, found: Iterable[Look]) -> None:
    telling = [each for each in found if any(one.n for one in each.contrasts.values())]
    records.log_looks(experiment.folder, [_record(experiment, each) for each in telling])


def _record(experiment: Experiment, found: Look) -> LookRecord:
    return LookRecord(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        seeds=found.seeds,
        protocol=experiment.protocol,
        settings=experiment.settings,
        contrasts=tuple(_looked_at(name, contrast) for name, contrast in found.contrasts.items()),
    )


def _looked_at(name: str, contrast: ContrastSummary) -> LookedAt:
    found = centre(contrast.basis, contrast.difference, contrast.median)
    return LookedAt(
        contrast=name,
        n=contrast.n,
        outcome=contrast.outcome,
        basis=contrast.basis,
        p=contrast.p_holm,
        difference=found.mean,
        low=found.low,
        high=found.high,
    )
