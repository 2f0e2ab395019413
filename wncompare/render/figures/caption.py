"""The small print below a figure: the data, how many seeds, what is drawn, what is missing."""

import textwrap
from collections import Counter
from collections.abc import Sequence

from matplotlib.figure import Figure

from wncompare.records import Experiment, Run
from wncompare.render.figures.arms import Cell, Comparison
from wncompare.render.figures.style import MUTED, percent

_UNFINISHED = ("diverged", "failed", "interrupted", "running", "missing")
_CHARACTERS_PER_INCH = 16


def add(figure: Figure, comparison: Comparison, *, drawn: str, note: str = "") -> None:
    """Put below a comparison's figure what a reader has to know of it; see `text`."""
    setting = str(comparison.setting)
    put(figure, text(comparison.experiment, comparison.cells, setting=setting, drawn=drawn, note=note))


def put(figure: Figure, words: str) -> None:
    """Put words below a figure, broken to its width."""
    width = int(_CHARACTERS_PER_INCH * (figure.get_figwidth() - 0.2))
    lines = [textwrap.fill(line, width) for line in words.splitlines()]
    figure.supxlabel("\n".join(lines), x=0.01, ha="left", fontsize=8, color=MUTED)


def text(experiment: Experiment, cells: Sequence[Cell], *, setting: str = "", drawn: str, note: str = "") -> str:
    """What a reader has to know of a figure of these variants and points.

    `drawn` says what the marks are where there are several seeds; `note` is said in any case.
    """
    runs = [run for variant, point in cells for run in experiment.of(variant, point)]
    parts = (
        _data(experiment, setting),
        _seeds(experiment, cells, drawn),
        note,
        _stopped_early(runs),
        _missing(runs, planned=len(cells) * len(experiment.config.seeds)),
    )
    return "\n".join(filter(None, parts))


def _data(experiment: Experiment, setting: str) -> str:
    config = experiment.config
    labels = dict.fromkeys(run.record.dataset.label for run in experiment.runs)
    holdout = config.holdout
    validation = "test split" if holdout is None else f"{percent(holdout)} of the training split"
    return " · ".join(filter(None, (", ".join(labels), config.model.name, setting, f"validation: {validation}")))


def _seeds(experiment: Experiment, cells: Sequence[Cell], drawn: str) -> str:
    counts = {len(experiment.finished(variant, point)) for variant, point in cells}
    if max(counts) == 1:
        return "n = 1 seed a variant: one run has no interval"
    n = f"{min(counts)} to {max(counts)}" if len(counts) > 1 else f"{max(counts)}"
    group = "a variant" if len(cells) == len(experiment.config.variants) else "a variant and setting"
    return f"n = {n} seeds {group}; {drawn}"


def _stopped_early(runs: Sequence[Run]) -> str:
    epochs = {run.epochs for run in runs if run.record.status == "finished"}
    return "" if len(epochs) == 1 else f"runs have {min(epochs)} to {max(epochs)} epochs"


def _missing(runs: Sequence[Run], planned: int) -> str:
    counts: Counter[str] = Counter(run.record.status for run in runs)
    if counts["finished"] == planned:
        return ""
    counts["missing"] = planned - counts.total()
    problems = ", ".join(f"{counts[status]} {status}" for status in _UNFINISHED if counts[status])
    return f"{counts['finished']} of {planned} runs finished ({problems})"
