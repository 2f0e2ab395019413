"""What all figures share: the style, the colours, how text is broken."""

import textwrap
from collections.abc import Sequence
from itertools import product
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from numpy.typing import ArrayLike, NDArray

from wncompare.config import Config, Variant

# Okabe and Ito's colours, which the colour-blind can tell apart; a config's own colours come first.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")

ALIKE = 0.12
"""Colours nearer than this in Oklab are taken for one another: the nearest of `COLORS` are 0.156 apart, red and orange
0.11."""

_CANDIDATES = np.array(
    [rgb for rgb in product(np.linspace(0, 0.9, 10), repeat=3) if np.dot(rgb, (0.21, 0.72, 0.07)) < 0.6]
)
"""Colours for more variants than there are in `COLORS`, none so light that it would be lost on white."""
_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)

MUTED = "#555555"
FAINT = {"alpha": 0.25, "linewidth": 0.7}
SMALL = 7.5

# Text is never parsed as mathematics: "$" and "_" in a label are what they are.
STYLE: Any = {
    "figure.dpi": 150,
    "figure.autolayout": False,
    "figure.constrained_layout.use": False,
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


def colors(variants: Sequence[Variant]) -> list[str]:
    """Each variant's own colour, or one that can be told from every other's: of `COLORS`, while there are any."""
    taken = [variant.color for variant in variants if variant.color is not None]
    found = []
    for variant in variants:
        found.append(variant.color or _unlike(taken))
        taken.append(found[-1])
    return found


def distance(color: str, other: str) -> float:
    """How far apart two colours look: Euclidean in Oklab, 1 between black and white."""
    return float(np.linalg.norm(_oklab(to_rgb(color)) - _oklab(to_rgb(other))))


def _unlike(taken: Sequence[str]) -> str:
    """The first of `COLORS` that nobody would take for a taken one, else the colour farthest from all of those."""
    for color in COLORS:
        if all(distance(color, other) >= ALIKE for other in taken):
            return color
    others = _oklab([to_rgb(color) for color in taken])
    nearest = np.linalg.norm(_oklab(_CANDIDATES)[:, None] - others, axis=-1).min(axis=1)
    return to_hex(_CANDIDATES[nearest.argmax()])


def _oklab(rgb: ArrayLike) -> NDArray[np.float64]:
    """sRGB colours (..., 3) in Ottosson's Oklab (2020), https://bottosson.github.io/posts/oklab/."""
    srgb = np.asarray(rgb, np.float64)
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return np.asarray(np.cbrt(linear @ _TO_CONES.T) @ _TO_LAB.T)


def color_of(config: Config) -> dict[str, str]:
    """The colour of each variant by its id."""
    return dict(zip((variant.id for variant in config.variants), colors(config.variants), strict=True))


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
