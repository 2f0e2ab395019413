"""The adding problem (Hochreiter & Schmidhuber 1997): two numbers of a long sequence are marked; their sum is asked."""

import numpy as np
from numpy.typing import NDArray

from wncompare.catalog.datasets import AddingProblemOptions
from wncompare.data.dataset import Dataset, Split, allocate
from wncompare.data.source import Lookup

_BLOCK_NUMBERS = 2**20


def adding_problem(options: AddingProblemOptions, lookup: Lookup) -> Dataset:
    """Sequences (n, length, 2) of numbers and marks; the target (n, 1) is the sum of the two numbers that are marked.

    As Bai et al. (2018, arXiv 1803.01271) have it: numbers from U[0, 1), marks 1 at two different steps, drawn
    uniformly, and 0 elsewhere. Who always guesses 1, the mean, has a mean squared error of 2/12 = 0.167. All is drawn
    from Philox's raw streams, one a split, keyed by the seed: the first n sequences are the same however many are asked
    for, on every machine. Raises DatasetError where the memory is too small.
    """
    x = [allocate((n, options.length, 2), np.float32) for n in (options.train, options.test)]
    train, test = (_draw(array, options.seed, stream) for stream, array in enumerate(x))
    return Dataset("adding_problem", f"adding problem, {options.length} steps", train, test, ())


def _draw(x: NDArray[np.float32], seed: int, stream: int) -> Split:
    """Fill `x`, a block of sequences at a time; each takes length + 2 raw numbers of the stream."""
    source = np.random.Philox(key=np.array([seed, stream], dtype=np.uint64))
    count, length, _ = x.shape
    y = np.empty((count, 1), np.float32)
    step = max(1, _BLOCK_NUMBERS // length)
    for start in range(0, count, step):
        part = x[start : start + step]
        raw = source.random_raw(len(part) * (length + 2)).reshape(len(part), length + 2)
        part[..., 0] = (raw[:, :length] >> np.uint64(40)) * 2.0**-24  # what float32 holds exactly
        part[..., 1] = 0
        rows, first, second = np.arange(len(part)), *_two_steps(raw[:, length], raw[:, length + 1], length)
        part[rows, first, 1] = part[rows, second, 1] = 1
        y[start : start + step, 0] = part[rows, first, 0] + part[rows, second, 0]
    return Split(x, y)


def _two_steps(
    raw_first: NDArray[np.uint64], raw_second: NDArray[np.uint64], length: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Two different steps: one of all, and one of the others."""
    first = (raw_first % np.uint64(length)).astype(np.intp)
    other = (raw_second % np.uint64(length - 1)).astype(np.intp)
    return first, other + (other >= first)
