"""The runs that did not finish: why, what their logs say last, and how to try them again."""

import os
import re
import shlex
from collections import Counter
from collections.abc import Sequence

from wncompare.analysis.schema import Counts, Problem
from wncompare.records import LOG_FILE, Experiment, Run
from wncompare.storage.files import open_plain

LOG_LINES = 10
LOG_BYTES = 16 << 10
LINE_CHARACTERS = 500

_STATUSES = ("failed", "diverged", "interrupted")
_ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|.)?", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def counts(experiment: Experiment) -> Counts:
    """How many runs the config asks for, and what became of them."""
    config = experiment.config
    return counts_of(experiment.runs, len(config.variants) * len(config.points) * len(experiment.seeds))


def counts_of(runs: Sequence[Run], planned: int) -> Counts:
    """What became of the planned runs, of which `runs` have a record."""
    found = Counter(run.record.status for run in runs)
    return Counts(
        planned=planned,
        finished=found["finished"],
        diverged=found["diverged"],
        failed=found["failed"],
        interrupted=found["interrupted"],
        running=found["running"],
        missing=planned - found.total(),
    )


def problems(experiment: Experiment) -> tuple[Problem, ...]:
    """Every run that failed, diverged or was interrupted."""
    return tuple(_problem(experiment, run) for run in experiment.runs if run.record.status in _STATUSES)


def _problem(experiment: Experiment, run: Run) -> Problem:
    retry = shlex.join(["wncompare", "run", "CONFIG", "--output", str(experiment.folder)])
    error = None if run.record.error is None else clean(run.record.error)
    return Problem(
        run=run.name,
        status=run.record.status,
        error=error,
        log_tail=tuple(line for line in log_tail(run) if line != error),
        retry=None if run.record.status == "diverged" else retry,
    )


def log_tail(run: Run) -> tuple[str, ...]:
    """The last lines of a run's log.txt, of which no more than `LOG_BYTES` are read; none where there is no log."""
    try:
        with open_plain(run.folder / LOG_FILE) as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - LOG_BYTES))
            lines = file.read(LOG_BYTES).decode("utf-8", errors="replace").split("\n")
    except OSError:
        return ()
    cut = lines[1:] if size > LOG_BYTES and lines[1:] else lines  # the first line may have lost its start
    kept = [line for line in map(clean, cut) if line.strip()]
    return tuple(line[:LINE_CHARACTERS] for line in kept[-LOG_LINES:])


def clean(text: str) -> str:
    """Text without escape sequences and control characters, which could rewrite a reader's terminal."""
    return _CONTROL.sub("", _ESCAPES.sub("", text.replace("\r\n", "\n")))
