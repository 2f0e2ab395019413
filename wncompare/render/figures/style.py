"""What all figures share: the style, the colours, how text is broken, and how a figure becomes a file's bytes."""

import textwrap
import warnings
from collections.abc import Sequence
from io import BytesIO
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from numpy.typing import ArrayLike

from wncompare.config import Variant

FORMATS = ("png", "svg", "pdf")

# Okabe and Ito's colours, which the colour-blind can tell apart; a config's own colours come first.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")

MUTED = "#555555"
FAINT = {"alpha": 0.25, "linewidth": 0.7}
SMALL = 7.5

# Text is never parsed as mathematics: "$" and "_" in a label are what they are.
STYLE: Any = {
    "figure.dpi": 150,
    "font.size": 10,
    "text.parse_math": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 12,
    "axes.titlelocation": "left",
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "legend.framealpha": 0.8,
    "legend.edgecolor": "none",
    "legend.fancybox": False,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "svg.fonttype": "none",
    "svg.hashsalt": "wncompare",
    "pdf.fonttype": 42,
}

styled = mpl.rc_context(STYLE)
"""Decorates a function that makes a figure."""


def new_figure(width: float = 7.2, height: float = 4.8) -> Figure:
    """An empty figure of that many inches, laid out so that nothing overlaps."""
    return Figure(figsize=(width, height), layout="constrained")


def render(figure: Figure, format: str) -> bytes:
    """The figure as the bytes of a png, svg or pdf file, the same for the same figure.

    A character that the font lacks is drawn as a box (in an SVG it stays text): that is not worth a warning each.
    """
    file = BytesIO()
    metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(format)
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        _lay_out(figure)
        figure.savefig(file, format=format, metadata=metadata)
    return file.getvalue()


def _lay_out(figure: Figure) -> None:
    """Lay the figure out once and for all: saving would do it with a drawing of its own, for each format anew."""
    if (engine := figure.get_layout_engine()) is not None:
        engine.execute(figure)
        figure.set_layout_engine("none")


def colors(variants: Sequence[Variant]) -> list[str]:
    """Each variant's own colour, or the next of `COLORS` that no variant has."""
    taken = {variant.color for variant in variants}
    free = [color for color in COLORS if color not in taken] or COLORS
    defaults = [variant for variant in variants if variant.color is None]
    return [variant.color or free[defaults.index(variant) % len(free)] for variant in variants]


def log_scale(axes: Axes, which: Literal["x", "y"], values: ArrayLike) -> None:
    """Make the x or y axis of these positive values logarithmic, its numbers plain text."""
    values = np.asarray(values, np.float64)
    decades = np.log10(values.max() / values.min())
    axes.set(**{f"{which}scale": "log"})
    axis: Axis = getattr(axes, f"{which}axis")
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if decades < 2 else (1.0,)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def more_than_a_decade(values: ArrayLike) -> bool:
    """Whether the values are positive and the largest is more than ten times the smallest."""
    values = np.asarray(values, np.float64)
    return bool(values.size and values.min() > 0 and values.max() > 10 * values.min())


def percent(part: float) -> str:
    """A part of one as text: "95 %"."""
    return f"{100 * part:g} %"


def wrapped(text: str, width: int, lines: int = 3) -> str:
    """The text in lines of at most that many characters, the last cut with an ellipsis where there would be more."""
    kept = textwrap.wrap(text, width)
    if len(kept) > lines:
        kept = [*kept[: lines - 1], f"{kept[lines - 1][: width - 1]}…"]
    return "\n".join(kept)
