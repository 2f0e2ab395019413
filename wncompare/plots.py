"""Figures of an experiment: records in, matplotlib figures out; saving is the caller's.

A figure shows each variant's mean over seeds, its 95 % Student-t interval as a band and every single seed faintly.
"""

from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from wncompare import stats
from wncompare.config import Holdout, Variant
from wncompare.errors import RecordsError
from wncompare.records import Experiment, Run

FORMATS = ("png", "svg", "pdf")

# Okabe and Ito's colours, which the colour-blind can tell apart; a config's own colours come first.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")

STYLE: Any = {
    "figure.figsize": (7.2, 4.8),
    "figure.dpi": 150,
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 12,
    "axes.titlelocation": "left",
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "svg.fonttype": "none",
    "svg.hashsalt": "wncompare",
    "pdf.fonttype": 42,
}

# metric: the figure's title, the name of its y axis and the values it can have
_METRICS = {
    "accuracy": ("WeightNorm Accuracy Comparison", "training accuracy", (0.0, 1.0)),
    "val_accuracy": ("WeightNorm Validation Accuracy Comparison", "validation accuracy", (0.0, 1.0)),
    "loss": ("WeightNorm Loss Comparison", "training loss", (0.0, np.inf)),
    "val_loss": ("WeightNorm Validation Loss Comparison", "validation loss", (0.0, np.inf)),
}


def figures(experiment: Experiment) -> Iterator[tuple[str, Figure]]:
    """Every figure of the experiment with its name; figures are made as they are asked for.

    Raises:
        RecordsError: no run has finished.
    """
    if not experiment.has_finished:
        raise RecordsError(f"{experiment.folder}: no run has finished: there is nothing to plot yet")
    for metric in _METRICS:
        yield metric, by_epoch(experiment, metric)


def by_epoch(experiment: Experiment, metric: str) -> Figure:
    """The metric's curve by epoch for every variant that has a finished run."""
    title, name, possible = _METRICS[metric]
    with mpl.rc_context(STYLE):
        figure = Figure(layout="constrained")
        axes = figure.add_subplot()
        lines = []
        for variant, color in zip(experiment.config.variants, _colors(experiment.config.variants), strict=True):
            if runs := experiment.finished(variant):
                lines.append(_draw_variant(axes, variant, color, runs, metric))
        axes.set(title=title, xlabel="epoch", ylabel=name)
        axes.set_ylim(_limits(experiment, metric, possible))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        legend = axes.legend(lines, [str(line.get_label()) for line in lines])  # _label too
        for text in legend.get_texts():
            text.set_parse_math(False)
        figure.supxlabel(caption(experiment), fontsize=8, color="#555555", parse_math=False)
    return figure


def caption(experiment: Experiment) -> str:
    """What a reader has to know of a figure: the data, how many seeds, what the band is, what is missing."""
    config = experiment.config
    datasets = dict.fromkeys(run.record.dataset.label for run in experiment.runs)
    validation = "validation: test split"
    if isinstance(config.validation, Holdout):
        validation = f"validation: {config.validation.holdout:.0%} of the training split"
    counts = {len(experiment.finished(variant)) for variant in config.variants}
    n = f"n = {counts.pop()}" if len(counts) == 1 else f"n = {min(counts)} to {max(counts)}"
    seeds = f"{n} seeds a variant; line: mean, band: 95 % Student-t interval, faint: single seeds"
    if n == "n = 1":
        seeds = "n = 1 seed a variant: one run has no interval"
    planned = len(config.variants) * len(config.seeds)
    finished = sum(len(experiment.finished(variant)) for variant in config.variants)
    missing = "" if finished == planned else f"\n{finished} of {planned} runs finished"
    return f"{', '.join(datasets)} · {config.model.name} · {validation}\n{seeds}{missing}"


def render(figure: Figure, format: str) -> bytes:
    """The figure as the bytes of a png, svg or pdf file, the same for the same figure."""
    file = BytesIO()
    metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(format)
    with mpl.rc_context(STYLE):
        figure.savefig(file, format=format, metadata=metadata)
    return file.getvalue()


def _draw_variant(axes: Axes, variant: Variant, color: str, runs: Sequence[Run], metric: str) -> Line2D:
    """Draw one variant; the line of its mean."""
    values = _curves(runs, metric)
    epochs = np.arange(1, values.shape[1] + 1)
    marker = "o" if len(epochs) == 1 else None
    if len(runs) > 1:
        axes.plot(epochs, values.T, color=color, alpha=0.25, linewidth=0.7, marker=marker, markersize=3)
    band = stats.mean_band(values)
    (line,) = axes.plot(epochs, band.mean, color=color, label=variant.label, marker=marker)
    axes.fill_between(epochs, band.low, band.high, color=color, alpha=0.15, linewidth=0)
    return line


def _limits(experiment: Experiment, metric: str, possible: tuple[float, float]) -> tuple[float, float]:
    """The y axis: every seed's curve, and the bands but for what the wide ones of few seeds would flatten them with."""
    arms = [_curves(runs, metric) for variant in experiment.config.variants if (runs := experiment.finished(variant))]
    bands = [stats.mean_band(values) for values in arms]
    finite = np.concatenate([values[np.isfinite(values)] for values in arms])
    low, high = (finite.min(), finite.max()) if finite.size else possible
    size = (high - low) or 0.1
    band_low = min((np.nanmin(band.low) for band in bands if np.isfinite(band.low).any()), default=low)
    band_high = max((np.nanmax(band.high) for band in bands if np.isfinite(band.high).any()), default=high)
    margin = 0.05 * size
    low = min(low, max(band_low, low - size / 2)) - margin
    high = max(high, min(band_high, high + size / 2)) + margin
    return max(low, possible[0]), min(high, possible[1] + margin)


def _curves(runs: Sequence[Run], metric: str) -> NDArray[np.float64]:
    """The metric as (runs, epochs)."""
    return np.array([run.history[metric] for run in runs])


def _colors(variants: Sequence[Variant]) -> list[str]:
    """Each variant's own colour, or the next of `COLORS` that no variant has."""
    taken = {variant.color for variant in variants}
    free = [color for color in COLORS if color not in taken]
    defaults = [variant for variant in variants if variant.color is None]
    return [variant.color or free[defaults.index(variant) % len(free)] for variant in variants]
