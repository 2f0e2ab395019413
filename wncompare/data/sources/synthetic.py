"""Drawn images of any shape, size and class count, for smoke tests and benchmarks."""

import numpy as np
from numpy.typing import NDArray

from wncompare.catalog.datasets import SyntheticOptions
from wncompare.data.dataset import Dataset, Split, allocate
from wncompare.data.source import Lookup

CELLS = 4
BLOCK_BYTES = 2**18


def synthetic(options: SyntheticOptions, lookup: Lookup) -> Dataset:
    """Images x = pattern[y] + noise, where image i has the class y = i mod classes.

    A class's pattern is a random 4 × 4 grid per channel, smoothed to height × width, with values 0…127; the noise is
    uniform on 0…128. All of it is drawn from Philox's raw streams, one for the patterns and one a split, keyed by the
    seed: the first n images are the same however many are asked for, on every machine. Raises DatasetError where the
    memory is too small.
    """
    pixels = [allocate((n, *options.shape)) for n in (options.train, options.test)]
    patterns = _patterns(options)
    train, test = (_draw(x, patterns, _stream(options.seed, 1 + split)) for split, x in enumerate(pixels))
    names = tuple(f"class {index}" for index in range(options.classes))
    return Dataset("synthetic", "synthetic", train, test, names)


def _patterns(options: SyntheticOptions) -> NDArray[np.uint8]:
    """A smooth pattern for each class, uint8 (classes, height, width, channels) up to 127."""
    height, width, channels = options.shape
    patterns = allocate((options.classes, *options.shape))
    rows, columns = _interpolation(height), _interpolation(width)
    source = _stream(options.seed, 0)
    for pattern in patterns:
        grid = (source.random_raw(CELLS * CELLS * channels) >> np.uint64(57)).reshape(CELLS, CELLS, channels)
        pattern[:] = np.rint(np.einsum("hi,ijc,wj->hwc", rows, grid.astype(np.float64), columns, optimize=True))
    return patterns


def _interpolation(length: int) -> NDArray[np.float64]:
    """The matrix (length, CELLS) that interpolates CELLS values linearly at `length` points."""
    points = np.linspace(0, CELLS - 1, length)
    weights: NDArray[np.float64] = np.maximum(0, 1 - np.abs(points[:, None] - np.arange(CELLS)))
    return weights


def _draw(x: NDArray[np.uint8], patterns: NDArray[np.uint8], source: np.random.Philox) -> Split:
    """Fills `x` with images, a block at a time so that the noise needs little memory."""
    y = np.arange(len(x)) % len(patterns)
    block = 8 * max(1, BLOCK_BYTES // (8 * x[0].size))  # a multiple of 8 images, so that blocks end where a number does
    for start in range(0, len(x), block):
        part = x[start : start + block]
        noise = source.random_raw(-(-part.size // 8)).astype("<u8", copy=False).view(np.uint8)[: part.size]
        np.add(patterns[y[start : start + block]], (noise >> 1).reshape(part.shape), out=part)
    return Split(x, y)


def _stream(seed: int, stream: int) -> np.random.Philox:
    """Random numbers of their own: stream 0 for the patterns, 1 for the training split, 2 for the test split."""
    return np.random.Philox(key=np.array([seed, stream], dtype=np.uint64))
