"""CIFAR's batches: pickles, read by an unpickler that can build uint8 arrays and nothing else."""

import io
import pickle
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wncompare.errors import DatasetError

PIXELS = 3 * 32 * 32


def read_batch(
    raw: bytes, *, rows: int, label_key: str, classes: int, name: object
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The images, uint8 (rows, 3072), and labels, int64 (rows,), of one batch.

    The bytes may ask for lists, dictionaries, numbers, text and uint8 arrays; anything else that a pickle can name or
    call is refused, not imported. Raises DatasetError naming the batch where it does not hold exactly `rows` images of
    3,072 pixels and as many labels below `classes` under `label_key`.
    """
    try:
        content = _Unpickler(io.BytesIO(raw), encoding="bytes").load()
    except Exception as error:  # a damaged pickle can raise anything
        raise DatasetError(_refusal(name, f"its pickle is damaged or unsafe: {_one_line(error)}")) from error
    if not isinstance(content, dict):
        raise DatasetError(_refusal(name, f"it holds a {type(content).__name__}, not a dictionary"))
    return _images(content, rows, name), _labels(content, label_key, rows, classes, name)


def _images(content: dict[Any, Any], rows: int, name: object) -> NDArray[np.uint8]:
    data = _entry(content, "data", name)
    if not isinstance(data, _Array) or data.value.shape != (rows, PIXELS):
        found = data.value.shape if isinstance(data, _Array) else type(data).__name__
        raise DatasetError(_refusal(name, f"'data' is {found}, not uint8 {(rows, PIXELS)}"))
    return data.value


def _labels(content: dict[Any, Any], key: str, rows: int, classes: int, name: object) -> NDArray[np.int64]:
    labels = _entry(content, key, name)
    if not isinstance(labels, list) or len(labels) != rows or not all(type(label) is int for label in labels):
        raise DatasetError(_refusal(name, f"{key!r} is not a list of {rows:,} whole numbers"))
    if not all(0 <= label < classes for label in labels):
        raise DatasetError(_refusal(name, f"{key!r} holds numbers outside 0…{classes - 1}"))
    return np.array(labels, dtype=np.int64)


def _entry(content: dict[Any, Any], key: str, name: object) -> object:
    """The entry under the key as Python 2 (bytes) or Python 3 wrote it."""
    for written in (key.encode(), key):
        if written in content:
            return content[written]
    raise DatasetError(_refusal(name, f"it has no {key!r}"))


class _Array:
    """Stands in for `numpy.ndarray` and its `_reconstruct`: takes an array's state, uint8 only."""

    value: NDArray[np.uint8] = np.empty((0,), dtype=np.uint8)

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, state: tuple[int, tuple[int, ...], object, bool, bytes]) -> None:
        _, shape, dtype, fortran, pixels = state
        if not isinstance(dtype, _Uint8):
            raise pickle.UnpicklingError("an array is not uint8")
        self.value = np.frombuffer(pixels, np.uint8).reshape(shape, order="F" if fortran else "C")


class _Uint8:
    """Stands in for `numpy.dtype`: uint8 and no other."""

    def __init__(self, kind: str | bytes, *_: object) -> None:
        if kind not in ("u1", "|u1", b"u1", b"|u1"):
            raise pickle.UnpicklingError(f"an array has dtype {kind!r}, not uint8")

    def __setstate__(self, state: Sequence[object]) -> None:
        pass


class _FromBuffer(_Array):
    """Stands in for `numpy.core.numeric._frombuffer`, with which protocol 5 writes arrays."""

    def __init__(self, pixels: bytes, dtype: object, shape: tuple[int, ...], order: str) -> None:
        self.__setstate__((1, shape, dtype, order == "F", pixels))


class _Bytes(bytes):
    """Stands in for `_codecs.encode`, with which Python 3 writes bytes in protocol 2."""

    def __new__(cls, text: str, encoding: str) -> "_Bytes":
        return super().__new__(cls, text, "latin1")


_ALLOWED: dict[tuple[str, str], type] = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Uint8,
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,
    ("numpy.core.numeric", "_frombuffer"): _FromBuffer,
    ("numpy._core.numeric", "_frombuffer"): _FromBuffer,
    ("_codecs", "encode"): _Bytes,
}


class _Unpickler(pickle._Unpickler):
    """Nothing is imported: the few names a batch needs lead to the stand-ins above, every other is refused.

    This is pickle in Python: the one in C takes 34 GB of memory for ten bytes that put an object at index 2³¹.
    """

    def find_class(self, module: str, name: str) -> type:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}") from None


def _refusal(name: object, reason: str) -> str:
    return f"{name} is refused: {reason}; get the published file again"


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]!r}"
