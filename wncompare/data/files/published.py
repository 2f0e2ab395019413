"""The published datasets: where their files are to be had, how copies lie on disks, and what makes one official.

Sizes and SHA-256 of the files are those that Keras checks (keras/src/datasets). A copy is official by its contents,
however they are packed:

- CIFAR: the MD5 of each batch, as torchvision checks them (torchvision/datasets/cifar.py).
- Fashion-MNIST: the SHA-256 of each unpacked IDX file. Debian's package dataset-fashion-mnist holds the publisher's
  deflate streams behind gzip headers without name and time; with the header put back each of its files has the
  publisher's SHA-256 (a test does that), so what they unpack to is what was published.
- MNIST: the SHA-256 of each unpacked IDX file, as many public projects state them for the files of yann.lecun.com.
  No copy was at hand to compare them with, so an `mnist.npz` is also official by its own SHA-256.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

GOOGLE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets"
TORONTO = "https://www.cs.toronto.edu/~kriz"


@dataclass(frozen=True)
class File:
    """A published file: its path below a data folder, its address, its size in bytes and its SHA-256."""

    name: str
    url: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Layout:
    """A way for a copy to lie below a data folder: files that belong together, in one of `folders`.

    A folder may hold `*` and be "" for the data folder itself. Of each file the first name that is there is taken.
    `foreign` tells another dataset whose files have the same names: a file's number, and the SHA-256 of what it
    unpacks to there.
    """

    folders: tuple[str, ...]
    files: tuple[tuple[str, ...], ...]
    foreign: tuple[int, str] | None = None


@dataclass(frozen=True)
class Published:
    """A published dataset: the files to download, the layouts of copies, best first, and its contents' checksums."""

    files: tuple[File, ...]
    layouts: tuple[Layout, ...]
    contents: Mapping[str, str] = field(default_factory=dict)


def _nested(*folders: str) -> tuple[str, ...]:
    """The folders in the data folder, and in any folder of it."""
    return (*folders, *(f"*/{folder}" for folder in folders))


def _archives(*names: str) -> tuple[Layout, ...]:
    """Layouts of a single file, in the data folder or a folder of it."""
    return tuple(Layout(("", "*"), ((name,),)) for name in names)


def _cifar(folder: str, file: File, contents: Mapping[str, str], archives: tuple[str, ...]) -> Published:
    """A CIFAR: its batches unpacked, as Keras, torchvision or an unpacker lays them out, or the archive itself."""
    batches = tuple((name,) for name in contents)
    named = Layout(_nested(folder), batches)
    return Published((file,), (named, *_archives(file.name, *archives), Layout(("",), batches)), contents)


CIFAR10 = _cifar(
    "cifar-10-batches-py",
    File(
        "cifar-10-python.tar.gz",
        f"{TORONTO}/cifar-10-python.tar.gz",
        170_498_071,
        "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    ),
    {
        "data_batch_1": "c99cafc152244af753f735de768cd75f",
        "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
        "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
        "data_batch_4": "634d18415352ddfa80567beed471001a",
        "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
        "test_batch": "40351d587109b95175f43aff81a1287e",
    },
    archives=("cifar-10-batches-py.tar.gz", "cifar-10-batches-py-target_archive"),
)

CIFAR100 = _cifar(
    "cifar-100-python",
    File(
        "cifar-100-python.tar.gz",
        f"{TORONTO}/cifar-100-python.tar.gz",
        169_001_437,
        "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
    ),
    {"train": "16019d7e3df5f24257cddd939b257f8d", "test": "f0ef6b0ae62326f3e7ffdfab6717acfc"},
    archives=("cifar-100-python-target_archive",),
)

IDX = {"train-images": 3, "train-labels": 1, "t10k-images": 3, "t10k-labels": 1}
"""The files of MNIST and Fashion-MNIST, and how many dimensions each has."""

_MNIST_CONTENTS = {
    "train-images": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}

_FASHION_CONTENTS = {
    "train-images": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}


def _idx(folders: tuple[str, ...], foreign: Mapping[str, str]) -> tuple[Layout, ...]:
    """The four IDX files, packed or not, by the publisher's names or those of other unpackers; the packed ones first.

    The names do not say whose the files are: those with the `foreign` dataset's contents are not taken.
    """
    names = [(f"{part}-idx{n}-ubyte", f"{part}.idx{n}-ubyte") for part, n in IDX.items()]
    packed = tuple(tuple(f"{name}{end}" for name in pair for end in (".gz", "")) for pair in names)
    unpacked = tuple((a, b, f"{a}/{a}", f"{b}/{b}", f"{a}/{b}") for a, b in names)
    labels = len(IDX) - 1, foreign["t10k-labels"]
    return tuple(Layout((*_nested(*folders), "", "raw"), files, labels) for files in (packed, unpacked))


MNIST = Published(
    (
        File(
            "mnist.npz",
            f"{GOOGLE}/mnist.npz",
            11_490_434,
            "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
        ),
    ),
    (*_archives("mnist.npz"), *_idx(("mnist", "MNIST/raw", "MNIST"), _FASHION_CONTENTS)),
    _MNIST_CONTENTS,
)


def _fashion(name: str, size: int, sha256: str) -> File:
    return File(f"fashion-mnist/{name}", f"{GOOGLE}/{name}", size, sha256)


FASHION_MNIST = Published(
    (
        _fashion(
            "train-images-idx3-ubyte.gz", 26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"
        ),
        _fashion(
            "train-labels-idx1-ubyte.gz", 29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"
        ),
        _fashion(
            "t10k-images-idx3-ubyte.gz", 4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"
        ),
        _fashion(
            "t10k-labels-idx1-ubyte.gz", 5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"
        ),
    ),
    _idx(("fashion-mnist", "fashion_mnist", "FashionMNIST/raw", "FashionMNIST"), _MNIST_CONTENTS),
    _FASHION_CONTENTS,
)

PUBLISHED: dict[str, Published] = {
    "cifar10": CIFAR10,
    "cifar100": CIFAR100,
    "mnist": MNIST,
    "fashion_mnist": FASHION_MNIST,
}
