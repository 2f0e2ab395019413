"""The real Fashion-MNIST, as Debian's package dataset-fashion-mnist has it: the official images, gzipped anew."""

import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest

from wncompare import data
from wncompare.data.files.published import FASHION_MNIST, File

DEBIAN = Path("/usr/share/datasets")
WRITTEN = {"train": 1504176606, "t10k": 1504176627}
"""The times in the headers of the publisher's files: 31 August 2017, 10:50 UTC."""

pytestmark = pytest.mark.skipif(
    not (DEBIAN / "fashion-mnist").is_dir(), reason="needs Debian's package: apt-get install dataset-fashion-mnist"
)


@pytest.mark.parametrize("file", FASHION_MNIST.files, ids=lambda file: file.name)
def test_its_contents_are_the_published_ones(file: File) -> None:
    """With name and time back in its header, a file of the package has the published one's size and SHA-256."""
    packed = (DEBIAN / file.name).read_bytes()
    name = Path(file.name).stem
    header = b"\x1f\x8b\x08\x08" + struct.pack("<I", WRITTEN[name.split("-")[0]]) + b"\x00\x03"
    assert packed[3] == 0  # no name: the header has ten bytes
    original = header + name.encode() + b"\x00" + packed[10:]
    assert (len(original), hashlib.sha256(original).hexdigest()) == (file.size, file.sha256)
    part = name.split("-idx")[0]
    assert hashlib.sha256(gzip.decompress(original)).hexdigest() == FASHION_MNIST.contents[part]


@pytest.mark.parametrize("data_dir", [DEBIAN, DEBIAN / "fashion-mnist"])
def test_it_is_official(data_dir: Path) -> None:
    """It is labelled Fashion-MNIST: 6,000 and 1,000 images of each class, the first of them as they are known."""
    dataset = data.load("fashion_mnist", data_dir=data_dir, download=False)
    assert (dataset.label, dataset.official) == ("Fashion-MNIST", True)
    assert all(part.official for part in dataset.checked)
    assert np.bincount(dataset.train.y).tolist() == [6000] * 10
    assert np.bincount(dataset.test.y).tolist() == [1000] * 10
    assert dataset.train.y[:10].tolist() == [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]
    assert dataset.class_names[9] == "ankle boot"


def test_it_is_not_mnist() -> None:
    """Its folder as the data folder gives no MNIST."""
    found = {entry.name for entry in data.listing(DEBIAN / "fashion-mnist") if entry.path}
    assert found == {"fashion_mnist"}
