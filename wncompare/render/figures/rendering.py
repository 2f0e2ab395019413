"""How a figure becomes a file's bytes: laid out once, drawn once."""

import gc
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from operator import is_not
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from wncompare.render.figures.style import STYLE

FORMATS = ("png", "svg", "pdf")

_COMPRESSION = 3
"""Of zlib; its default, 6, takes a third longer for 4 % less."""


def render(figure: Figure, format: str) -> bytes:
    """The figure as the bytes of a png, svg or pdf file, the same for the same figure.

    A character that the font lacks is drawn as a box (in an SVG it stays text): that is not worth a warning each.
    """
    with mpl.rc_context(STYLE), warnings.catch_warnings(), _without_garbage_collection():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        canvas: Any = FigureCanvasAgg(figure)
        with steady(figure):
            _lay_out(figure)
            return _png(canvas) if format == "png" else _saved(figure, format)


def _lay_out(figure: Figure) -> None:
    """Lay the figure out once and for all: saving would do it with a drawing of its own, for each format anew."""
    if (engine := figure.get_layout_engine()) is not None:
        engine.execute(figure)
        figure.set_layout_engine(None)  # "none" would leave a placeholder, for which saving draws twice


def _png(canvas: Any) -> bytes:
    """The drawing without its alpha: the paper is opaque."""
    canvas.draw()
    file = BytesIO()
    dpi = (canvas.figure.dpi, canvas.figure.dpi)
    Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3]).save(file, "png", compress_level=_COMPRESSION, dpi=dpi)
    return file.getvalue()


def _saved(figure: Figure, format: str) -> bytes:
    file = BytesIO()
    metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}[format]
    figure.savefig(file, format=format, metadata=metadata)
    return file.getvalue()


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """For the time of a figure: what it makes is looked through a hundred times, and stays until it is drawn."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextmanager
def steady(figure: Figure) -> Iterator[None]:
    """Have each axis keep its ticks as long as its limits and its place stay, and what they measure.

    Matplotlib works both out some twenty times a figure, which is a fifth of its time. These are methods of its
    own: where a version has none of that name, nothing is kept.
    """
    every = [axis for axes in figure.axes for each in (axes, *axes.child_axes) for axis in (each.xaxis, each.yaxis)]
    kept = [(axis, name) for axis in every for name in _KEPT if hasattr(axis, name)]
    for axis, name in kept:
        setattr(axis, name, _keeping(axis, getattr(axis, name)))
    try:
        yield
    finally:
        for axis, name in kept:
            delattr(axis, name)


_KEPT = ("_update_ticks", "_get_ticklabel_bboxes")


def _keeping(axis: Axis, method: Callable[..., Any]) -> Callable[..., Any]:
    """The method, whose last result stands for the next while arguments, limits, place and resolution are the same."""
    place: tuple[float, ...] | None = None
    given: tuple[Any, ...] = ()
    result = None

    def kept(*arguments: Any, **named: Any) -> Any:
        if named:  # no version does so yet
            return method(*arguments, **named)
        nonlocal place, given, result
        now = (*axis.get_view_interval(), *axis.axes.bbox.bounds)
        if now != place or len(arguments) != len(given) or any(map(is_not, arguments, given)):
            place, given, result = now, arguments, method(*arguments)
        return result

    return kept
