"""The small print below a figure: the data, how many seeds, what is drawn, what is missing."""

import textwrap
from collections import Counter
from collections.abc import Sequence

from matplotlib.figure import Figure

from wncompare.grid import Point
from wncompare.plots.style import MUTED, percent
from wncompare.records import Experiment

_UNFINISHED = ("diverged", "failed", "interrupted", "running", "missing")
_CHARACTERS_PER_INCH = 16


def add(figure: Figure, experiment: Experiment, points: Sequence[Point], *, drawn: str, note: str = "") -> None:
    """Put the `text` below the figure, broken to its width."""
    width = int(_CHARACTERS_PER_INCH * (figure.get_figwidth() - 0.2))
    lines = [textwrap.fill(line, width) for line in text(experiment, points, drawn=drawn, note=note).splitlines()]
    figure.supxlabel("\n".join(lines), x=0.01, ha="left", fontsize=8, color=MUTED)


def text(experiment: Experiment, points: Sequence[Point], *, drawn: str, note: str = "") -> str:
    """What a reader has to know of a figure of these points.

    `drawn` says what the marks are where there are several seeds; `note` is said in any case.
    """
    parts = (
        _data(experiment, points),
        _seeds(experiment, points, drawn),
        note,
        _stopped_early(experiment, points),
        _missing(experiment, points),
    )
    return "\n".join(filter(None, parts))


def _data(experiment: Experiment, points: Sequence[Point]) -> str:
    config = experiment.config
    labels = dict.fromkeys(run.record.dataset.label for run in experiment.runs)
    holdout = config.holdout
    validation = "test split" if holdout is None else f"{percent(holdout)} of the training split"
    slug = points[0].slug if len(points) == 1 else ""
    return " · ".join(filter(None, (", ".join(labels), config.model.name, slug, f"validation: {validation}")))


def _seeds(experiment: Experiment, points: Sequence[Point], drawn: str) -> str:
    counts = {len(experiment.finished(variant, point)) for variant in experiment.config.variants for point in points}
    if max(counts) == 1:
        return "n = 1 seed a variant: one run has no interval"
    n = f"{min(counts)} to {max(counts)}" if len(counts) > 1 else f"{max(counts)}"
    group = "a variant" if len(points) == 1 else "a variant and setting"
    return f"n = {n} seeds {group}; {drawn}"


def _stopped_early(experiment: Experiment, points: Sequence[Point]) -> str:
    epochs = {run.epochs for run in experiment.runs if run.point in points and run.record.status == "finished"}
    if len(epochs) == 1:
        return ""
    return f"runs have {min(epochs)} to {max(epochs)} epochs"


def _missing(experiment: Experiment, points: Sequence[Point]) -> str:
    counts: Counter[str] = Counter(run.record.status for run in experiment.runs if run.point in points)
    planned = len(experiment.config.variants) * len(points) * len(experiment.config.seeds)
    if counts["finished"] == planned:
        return ""
    counts["missing"] = planned - counts.total()
    problems = ", ".join(f"{counts[status]} {status}" for status in _UNFINISHED if counts[status])
    return f"{counts['finished']} of {planned} runs finished ({problems})"
