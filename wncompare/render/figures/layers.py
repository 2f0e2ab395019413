"""‖v‖, g and the effective learning rate of each layer over training."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from wncompare import records
from wncompare.analysis import stats
from wncompare.records import Run
from wncompare.render.figures import caption, labels
from wncompare.render.figures.arms import Comparison
from wncompare.render.figures.curves import draw_seeds
from wncompare.render.figures.style import FAINT, SMALL, log_scale, more_than_a_decade, new_figure, styled, wrapped

QUANTITIES = {"v_norm": "‖v‖", "g": "g", "effective_learning_rate": "effective learning rate"}
MOST_LAYERS = 12
"""Of a deeper network as many layers are drawn, evenly over its depth."""

_DRAWN = "line: mean over seeds, faint: single seeds; each a mean over a layer's outputs"
_EFFECTIVE = {"sgd": "η/‖v‖²", "lamb": "η"}
_NOTE = "effective learning rate: {}; where a kernel is not normalized ‖v‖ and g are both ‖w‖"

Curves = dict[str, NDArray[np.float64]]
"""By layer, (runs, epochs + 1, quantities) from before training on; NaN where a run has no such row."""


@styled
def figure(comparison: Comparison) -> Figure | None:
    """A row of axes for each layer, a column for each quantity; None where no run has recorded its layers."""
    curves = [read(arm.finished) for arm in comparison.arms]
    names = list(dict.fromkeys(name for arm in curves for name in arm))
    shown = [names[index] for index in np.linspace(0, len(names) - 1, min(len(names), MOST_LAYERS)).round().astype(int)]
    if not shown:
        return None
    drawn = new_figure(9.0, 1.2 + 1.5 * len(shown))
    cells = drawn.subplots(len(shown), len(QUANTITIES), sharex=True, squeeze=False)
    for layer, row in zip(shown, cells, strict=True):
        for column, axes in enumerate(row):
            draw(axes, comparison, [arm[layer][..., column] if layer in arm else None for arm in curves])
        row[0].set_ylabel(wrapped(layer, 18, 2))
    for axes, name in zip(cells[0], QUANTITIES.values(), strict=True):
        axes.set_title(name, fontsize=10)
    for axes in cells[-1]:
        axes.set_xlabel("epoch")
    labels.legend_beside(drawn, comparison.arms)
    drawn.suptitle(wrapped(f"{comparison.config.name}: layers over training", 58), x=0.01, ha="left")
    note = _NOTE.format(_EFFECTIVE.get(comparison.config.training.optimizer.name, "η/‖v‖"))
    note += "" if len(shown) == len(names) else f"; {len(shown)} of {len(names)} layers"
    caption.add(drawn, comparison, drawn=_DRAWN, note=note)
    return drawn


def draw(axes: Axes, comparison: Comparison, values: Sequence[NDArray[np.float64] | None]) -> Axes:
    """For each arm its values (runs, epochs + 1), faintly, and their mean; None for an arm without that layer."""
    for arm, runs in zip(comparison.arms, values, strict=True):
        if runs is None:
            continue
        epochs = np.arange(runs.shape[1])
        if len(runs) > 1:
            draw_seeds(axes, [epochs] * len(runs), list(runs), color=arm.color, **FAINT)
        axes.plot(epochs, stats.mean_band(runs).mean, color=arm.color, linewidth=1.5, label=arm.variant.label)
    shown = np.concatenate([runs[np.isfinite(runs)] for runs in values if runs is not None])
    if more_than_a_decade(shown):
        log_scale(axes, "y", shown)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=5, min_n_ticks=1))
    axes.tick_params(labelsize=SMALL)
    axes.yaxis.get_offset_text().set_fontsize(SMALL)
    return axes


def read(runs: Sequence[Run]) -> Curves:
    """The runs' layers.csv as curves, by layer in the network's order; none where no run has that file."""
    tables = [records.read_layers(run.folder) for run in runs]
    shape = (len(runs), max((run.epochs for run in runs), default=0) + 1, len(QUANTITIES))
    curves = {row["layer"]: np.full(shape, np.nan) for table in tables for row in table}
    for index, table in enumerate(tables):
        for row in table:
            if 0 <= row["epoch"] < shape[1]:
                curves[row["layer"]][index, row["epoch"]] = [row[quantity] for quantity in QUANTITIES]
    return curves
