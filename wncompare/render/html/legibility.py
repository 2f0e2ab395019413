"""Colours that can be read: a variant's own on a light and on a dark page.

Contrast is WCAG 2's: (L₁ + 0.05) / (L₂ + 0.05) with L the relative luminance of the lighter and the darker colour,
https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio.
"""

import numpy as np
from matplotlib.colors import to_hex, to_rgb
from numpy.typing import NDArray

LIGHT_PAGE = "#ffffff"
DARK_PAGE = "#15171c"
LINE_CONTRAST = 3.0
TEXT_CONTRAST = 4.5

_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
_SHARES = np.linspace(0, 1, 101)


def contrast(first: str, second: str) -> float:
    """The contrast ratio of two colours that matplotlib knows, from 1 to 21."""
    darker, lighter = sorted((_luminance(first), _luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def readable(color: str, page: str, minimum: float) -> str:
    """`color` as #rrggbb, mixed with as little black or white as it takes to stand out from the page."""
    ink = np.zeros(3) if _luminance(page) > 0.5 else np.ones(3)
    mixed = (to_hex((1 - share) * np.array(to_rgb(color)) + share * ink) for share in _SHARES)
    return next(candidate for candidate in mixed if contrast(candidate, page) >= minimum)


def _luminance(color: str) -> float:
    channels: NDArray[np.float64] = np.array(to_rgb(color))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ _LUMINANCE)
