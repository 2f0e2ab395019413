"""No test here reaches the network or the user's own caches; small stand-ins for the published data."""

import os
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from wncompare.data.files import published

REAL_DATA_DIR = os.environ.get("WNCOMPARE_DATA_DIR")
NOWHERE = "http://127.0.0.1:9"  # the discard port: nothing listens


@pytest.fixture(autouse=True)
def _isolated(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path_factory.mktemp("home")
    monkeypatch.delenv("WNCOMPARE_DATA_DIR", raising=False)
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(home / "keras"))
    for name, known in published.PUBLISHED.items():
        nowhere = tuple(replace(file, url=f"{NOWHERE}/{file.name}") for file in known.files)
        monkeypatch.setitem(published.PUBLISHED, name, replace(known, files=nowhere))


def python2_batch(pixels: np.ndarray, labels: list[int], key: bytes = b"labels") -> bytes:
    """A batch as Python 2's cPickle wrote it (protocol 2), opcode by opcode: byte strings and a NumPy 1 array."""

    def text(value: bytes) -> bytes:
        return b"U" + bytes([len(value)]) + value

    rows = len(labels)
    numbers = b"".join(b"K" + bytes([label]) for label in labels)
    shape = b"(J" + struct.pack("<i", rows) + b"J" + struct.pack("<i", 3072) + b"t"
    dtype = b"cnumpy\ndtype\n(U\x02u1K\x00K\x01tR(K\x03U\x01|NNN" + 2 * b"J\xff\xff\xff\xff" + b"K\x00tb"
    array = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR(K\x01" + shape + dtype + b"\x89"
    array += b"T" + struct.pack("<i", pixels.size) + pixels.tobytes() + b"tb"
    items = text(b"batch_label") + text(b"a batch") + text(key) + b"](" + numbers + b"e" + text(b"data") + array
    return b"\x80\x02}(" + items + b"u."


@pytest.fixture
def make_batch() -> Callable[..., bytes]:
    """The writer of Python 2 batches."""
    return python2_batch


@pytest.fixture
def pixels() -> np.ndarray:
    """Twenty random images as CIFAR stores them, uint8 (20, 3072)."""
    return np.random.default_rng(0).integers(0, 256, (20, 3072), dtype=np.uint8)


@pytest.fixture
def real_data_dir() -> Path:
    """The folder with the real CIFAR-10, or a skip."""
    folder = Path(REAL_DATA_DIR or "/nowhere")
    if not (folder / "cifar-10-batches-py").is_dir():
        pytest.skip("needs the real CIFAR-10: set WNCOMPARE_DATA_DIR to the folder that has cifar-10-batches-py/")
    return folder
