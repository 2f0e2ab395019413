"""The published datasets: their files, where they are published and the checksums that make a copy official.

Sizes and SHA-256 are those of the publishers' files as Keras checks them (keras/src/datasets); the MD5 of CIFAR's
batches are torchvision's (torchvision/datasets/cifar.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

GOOGLE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets"
TORONTO = "https://www.cs.toronto.edu/~kriz"


@dataclass(frozen=True)
class File:
    """A published file: its path below a data folder, its address, its size in bytes and its SHA-256.

    `aliases` are the other places below a data folder where it may lie, an unpacked folder among them; `members` are
    the files of that folder with their MD5. An unpacked folder is looked for first.
    """

    name: str
    url: str
    size: int
    sha256: str
    aliases: tuple[str, ...] = ()
    members: Mapping[str, str] = field(default_factory=dict)

    @property
    def places(self) -> tuple[str, ...]:
        """Where below a data folder the file may be, in the order of search."""
        return (*self.aliases, self.name)


CIFAR10 = File(
    "cifar-10-python.tar.gz",
    f"{TORONTO}/cifar-10-python.tar.gz",
    170_498_071,
    "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    aliases=(
        "cifar-10-batches-py",
        "cifar-10-batches-py-target/cifar-10-batches-py",
        "cifar-10-batches-py.tar.gz",
        "cifar-10-batches-py-target_archive",
    ),
    members={
        "data_batch_1": "c99cafc152244af753f735de768cd75f",
        "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
        "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
        "data_batch_4": "634d18415352ddfa80567beed471001a",
        "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
        "test_batch": "40351d587109b95175f43aff81a1287e",
    },
)

CIFAR100 = File(
    "cifar-100-python.tar.gz",
    f"{TORONTO}/cifar-100-python.tar.gz",
    169_001_437,
    "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
    aliases=(
        "cifar-100-python",
        "cifar-100-python-target/cifar-100-python",
        "cifar-100-python-target_archive",
    ),
    members={"train": "16019d7e3df5f24257cddd939b257f8d", "test": "f0ef6b0ae62326f3e7ffdfab6717acfc"},
)

MNIST = File(
    "mnist.npz",
    f"{GOOGLE}/mnist.npz",
    11_490_434,
    "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
)


def _fashion(name: str, size: int, sha256: str) -> File:
    return File(f"fashion-mnist/{name}", f"{GOOGLE}/{name}", size, sha256)


FASHION_MNIST = (
    _fashion(
        "train-images-idx3-ubyte.gz", 26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"
    ),
    _fashion("train-labels-idx1-ubyte.gz", 29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
    _fashion(
        "t10k-images-idx3-ubyte.gz", 4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"
    ),
    _fashion("t10k-labels-idx1-ubyte.gz", 5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
)

PUBLISHED: dict[str, tuple[File, ...]] = {
    "cifar10": (CIFAR10,),
    "cifar100": (CIFAR100,),
    "mnist": (MNIST,),
    "fashion_mnist": FASHION_MNIST,
}
