"""The unpickler: batches are read, and nothing else is built, imported or run."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wncompare.data.sources.cifar_batch import read_batch
from wncompare.errors import DatasetError

LABELS = [i % 10 for i in range(20)]


def read(raw: bytes) -> tuple[np.ndarray, np.ndarray]:
    """The images and labels of a batch of twenty."""
    return read_batch(raw, rows=20, label_key="labels", classes=10, name="data_batch_1")


class Call:
    """Pickles to a call of `function(*arguments)`."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self.call


def test_python2_batch(pixels: np.ndarray, make_batch: Callable[..., bytes]) -> None:
    """A batch as Python 2 wrote it gives the pixels and labels that NumPy's own unpickling gives."""
    raw = make_batch(pixels, LABELS)
    reference = pickle.loads(raw, encoding="bytes")
    images, labels = read(raw)
    np.testing.assert_array_equal(images, reference[b"data"])
    np.testing.assert_array_equal(images, pixels)
    assert labels.tolist() == reference[b"labels"] == LABELS
    assert (images.dtype, labels.dtype) == (np.uint8, np.int64)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("order", ["C", "F"])
def test_python3_batch(pixels: np.ndarray, protocol: int, order: str) -> None:
    """Copies that Python 3 wrote in protocols 2 to 5 are read too, in either memory order."""
    content = {"data": np.asarray(pixels, order=order), "labels": LABELS, "filenames": [b"a.png"] * 20}
    images, labels = read(pickle.dumps(content, protocol=protocol))
    np.testing.assert_array_equal(images, pixels)
    assert labels.tolist() == LABELS


@pytest.mark.parametrize("protocol", range(6))
def test_code_is_refused(tmp_path: Path, protocol: int) -> None:
    """A pickle that calls os.system is refused in every protocol, and the command does not run."""
    canary = tmp_path / "canary"
    raw = pickle.dumps({"data": Call(os.system, f"touch {canary}"), "labels": LABELS}, protocol=protocol)
    with pytest.raises(DatasetError, match=r"data_batch_1 is refused: .*asks for (posix|nt)\.system"):
        read(raw)
    assert not canary.exists()


@pytest.mark.parametrize(
    "raw",
    [
        b"cbuiltins\neval\n(U\x031+1tR.",
        b"(U\x031+1ibuiltins\neval\n.",
        b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93(U\x031+1tR.",
        b"cnumpy\nload\n.",
        b"cnumpy.core.multiarray\nfromfile\n.",
        b"cnumpy\ndtype.__class__\n.",
        b"\x80\x02Pan id\n.",
        b"\x80\x02\x82\x01.",
        b"\x80\x02cnumpy\nndarray\n}U\x01aK\x01sb.",
    ],
    ids=["GLOBAL", "INST", "STACK_GLOBAL", "numpy.load", "multiarray", "dotted", "PERSID", "EXT1", "BUILD on a class"],
)
def test_other_names_are_refused(raw: bytes) -> None:
    """Whatever the opcode, no name but those of uint8 arrays is looked up, in NumPy neither."""
    with pytest.raises(DatasetError, match="damaged or unsafe"):
        read(raw)


@pytest.mark.parametrize("dtype", [object, np.float32, np.int64, "U1", [("a", "u1")]])
def test_other_arrays_are_refused(dtype: object) -> None:
    """Arrays of objects, fractions, larger numbers, text and records are refused."""
    raw = pickle.dumps({"data": np.zeros((20, 3072), dtype=dtype), "labels": LABELS}, protocol=2)
    with pytest.raises(DatasetError, match="data_batch_1 is refused"):
        read(raw)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], "holds a list, not a dictionary"),
        ({"labels": LABELS}, "has no 'data'"),
        ({"data": np.zeros((20, 3072), np.uint8)}, "has no 'labels'"),
        ({"data": np.zeros((19, 3072), np.uint8), "labels": LABELS}, r"\(19, 3072\), not uint8 \(20, 3072\)"),
        ({"data": np.zeros((20, 1024), np.uint8), "labels": LABELS}, r"\(20, 1024\), not uint8 \(20, 3072\)"),
        ({"data": b"\0" * 20 * 3072, "labels": LABELS}, "is bytes, not uint8"),
        ({"data": np.zeros((20, 3072), np.uint8), "labels": LABELS[1:]}, "not a list of 20 whole numbers"),
        ({"data": np.zeros((20, 3072), np.uint8), "labels": [True] * 20}, "not a list of 20 whole numbers"),
        ({"data": np.zeros((20, 3072), np.uint8), "labels": [10] * 20}, "outside 0…9"),
        ({"data": np.zeros((20, 3072), np.uint8), "labels": [-1] * 20}, "outside 0…9"),
    ],
)
def test_wrong_content(content: object, message: str) -> None:
    """A harmless pickle of the wrong kind or size is refused with what was found and what was expected."""
    with pytest.raises(DatasetError, match=message):
        read(pickle.dumps(content, protocol=3))


def test_memo_bomb() -> None:
    """Ten bytes that put an object at index 2³¹ − 1 take no memory and are refused as what they are."""
    with pytest.raises(DatasetError, match="holds a list"):
        read(b"\x80\x02]r\xff\xff\xff\x7f.")


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage(data: st.DataObject, pixels: np.ndarray, make_batch: Callable[..., bytes]) -> None:
    """However a batch is cut short or altered, it is read or refused with one line; no other error leaves."""
    raw = make_batch(pixels, LABELS)
    head = len(raw) - pixels.size
    raw = raw[: data.draw(st.integers(0, len(raw)))]
    changed = bytearray(raw)
    for place in data.draw(st.lists(st.integers(0, max(0, min(head, len(raw)) - 1)), max_size=4)):
        changed[place : place + 1] = data.draw(st.binary(min_size=1, max_size=3))
    refusal = ""
    try:
        assert read(bytes(changed))[0].shape == (20, 3072)
    except DatasetError as error:
        refusal = str(error)
    assert "\n" not in refusal
