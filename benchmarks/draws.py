"""What simulated experiments are drawn from: arrays of any shape, each with mean, or difference, 0."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Shape = int | tuple[int, ...]
Draw = Callable[[np.random.Generator, Shape], Array]

SIGMA = 1.0
"""Of the logarithm of log-normal values: skewness 6."""


def normal(rng: np.random.Generator, shape: Shape) -> Array:
    """Standard normal values."""
    return rng.standard_normal(shape)


def heavy_tailed(rng: np.random.Generator, shape: Shape) -> Array:
    """Student-t values with three degrees of freedom: symmetric, a few very far out."""
    return rng.standard_t(3, shape)


def gumbel(rng: np.random.Generator, shape: Shape) -> Array:
    """Skewed values: skewness 1.14."""
    return rng.gumbel(size=shape) - np.euler_gamma


def exponential(rng: np.random.Generator, shape: Shape) -> Array:
    """Very skewed values: skewness 2."""
    return rng.exponential(size=shape) - 1


def lognormal(rng: np.random.Generator, shape: Shape) -> Array:
    """Values that are more skewed than any seeds should be: skewness 6."""
    return rng.lognormal(sigma=SIGMA, size=shape) - np.exp(SIGMA**2 / 2)


def differences(draw: Draw) -> Draw:
    """Of arms to one reference that equals them: (…, contrasts, n), all contrasts of an experiment with one reference.

    The arms are exchangeable, so that differences are symmetric about 0 however skewed the arms are.
    """

    def draw_differences(rng: np.random.Generator, shape: Shape) -> Array:
        *experiments, contrasts, n = (1, 1, shape) if isinstance(shape, int) else shape
        arms = draw(rng, (*experiments, contrasts + 1, n))
        found = arms[..., 1:, :] - arms[..., :1, :]
        return found[0, 0] if isinstance(shape, int) else found

    return draw_differences


def times(rng: np.random.Generator, n: int, missing: float) -> Array:
    """Log-normal times with a probability of a miss (infinite)."""
    return np.where(rng.random(n) < missing, np.inf, rng.lognormal(sigma=0.5, size=n))
