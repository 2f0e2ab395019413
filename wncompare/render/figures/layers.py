"""‖v‖, g and the effective learning rate of each layer over training."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from wncompare.analysis.layers import LayerCurves
from wncompare.analysis.views import View
from wncompare.render.figures import labels
from wncompare.render.figures.curves import draw_seeds
from wncompare.render.figures.style import (
    FAINT,
    SMALL,
    color_of,
    log_scale,
    more_than_a_decade,
    new_figure,
    styled,
    wrapped,
)

QUANTITIES = {"v_norm": "‖v‖", "g": "g", "effective_learning_rate": "effective learning rate"}
MOST_LAYERS = 12
"""Of a deeper network as many layers are drawn, evenly over its depth."""

_DRAWN = "line: mean over seeds, faint: single seeds; each a mean over a layer's outputs"
_EFFECTIVE = {"sgd": "η/‖v‖²", "lamb": "η"}
_NOTE = "effective learning rate: {}; where a kernel is not normalized ‖v‖ and g are both ‖w‖"


@styled
def figure(view: View) -> Figure:
    """A row of axes for each layer that a run has recorded, a column for each quantity."""
    names = list(dict.fromkeys(name for arm in view.layers for name in arm))
    shown = [names[index] for index in np.linspace(0, len(names) - 1, min(len(names), MOST_LAYERS)).round().astype(int)]
    drawn = new_figure(9.0, 1.2 + 1.5 * len(shown))
    cells = drawn.subplots(len(shown), len(QUANTITIES), sharex=True, squeeze=False)
    for layer, row in zip(shown, cells, strict=True):
        for quantity, axes in zip(QUANTITIES, row, strict=True):
            draw(axes, view, [arm[layer][quantity] if layer in arm else None for arm in view.layers])
        row[0].set_ylabel(wrapped(layer, 18, 2))
    for axes, name in zip(cells[0], QUANTITIES.values(), strict=True):
        axes.set_title(name, fontsize=10)
    for axes in cells[-1]:
        axes.set_xlabel("epoch")
    labels.legend_beside(drawn, view)
    drawn.suptitle(wrapped(f"{view.config.name}: layers over training", 58), x=0.01, ha="left")
    note = _NOTE.format(_EFFECTIVE.get(view.config.training.optimizer.name, "η/‖v‖"))
    note += "" if len(shown) == len(names) else f"; {len(shown)} of {len(names)} layers"
    labels.add_small_print(drawn, [view], drawn=_DRAWN, note=note)
    return drawn


def draw(axes: Axes, view: View, curves: Sequence[LayerCurves | None]) -> Axes:
    """For each arm its runs, faintly, and their mean; None for an arm without that layer."""
    colors = color_of(view.config)
    for arm, each in zip(view.shown, curves, strict=True):
        if each is None:
            continue
        epochs, color = np.arange(len(each.mean), dtype=np.float64), colors[arm.variant.id]
        if len(each.runs) > 1:
            draw_seeds(axes, [(epochs, run) for run in each.runs], color=color, **FAINT)
        axes.plot(epochs, each.mean, color=color, linewidth=1.5, label=arm.variant.label)
    shown = np.concatenate([each.runs[np.isfinite(each.runs)] for each in curves if each is not None])
    if more_than_a_decade(shown):
        log_scale(axes, "y", shown)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=5, min_n_ticks=1))
    axes.tick_params(labelsize=SMALL)
    axes.yaxis.get_offset_text().set_fontsize(SMALL)
    return axes
