"""Datasets that a config can name."""

from typing import Annotated, Literal

from pydantic import Field

from wncompare.catalog.registry import Catalog, Entry, Options, PathText, Size, Text


class CifarOptions(Options):
    """Options of `cifar10` and `cifar100`."""

    copy_note: Annotated[Text | None, Field(description="names an unofficial copy: 'JPEG copy'")] = None


class SyntheticOptions(Options):
    """Options of `synthetic`: images whose class can be learned, drawn from `seed`."""

    shape: Annotated[tuple[Size, Size, Size], Field(strict=False, description="height, width, channels")] = (32, 32, 3)
    classes: Annotated[int, Field(ge=2, le=1000)] = 10
    train: Size = 512
    test: Size = 256
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0


class NpzOptions(Options):
    """Options of `npz`: a NumPy archive with x_train, y_train, x_test, y_test and, if you like, class_names."""

    path: Annotated[PathText, Field(description="the .npz file; relative to the data folder or the working folder")]
    label: Text | None = None


class ImageFolderOptions(Options):
    """Options of `image_folder`: train/<class>/*.png and test/<class>/*.png (or .jpg, .bmp, .webp)."""

    path: Annotated[PathText, Field(description="the folder; relative to the data folder or the working folder")]
    size: Annotated[tuple[Size, Size] | None, Field(strict=False, description="height, width to resize to")] = None
    color: Literal["rgb", "grayscale"] = "rgb"
    label: Text | None = None


DATASETS = Catalog(
    "dataset",
    Entry("cifar10", "60,000 colour images, 32 × 32, 10 classes", "wncompare.data.sources.cifar:cifar10", CifarOptions),
    Entry(
        "cifar100", "60,000 colour images, 32 × 32, 100 classes", "wncompare.data.sources.cifar:cifar100", CifarOptions
    ),
    Entry("mnist", "70,000 handwritten digits, 28 × 28 grey", "wncompare.data.sources.mnist:mnist"),
    Entry("fashion_mnist", "70,000 pieces of clothing, 28 × 28 grey", "wncompare.data.sources.mnist:fashion_mnist"),
    Entry(
        "digits",
        "1,797 handwritten digits, 32 × 32 grey, ships with wncompare",
        "wncompare.data.sources.digits:digits",
    ),
    Entry(
        "synthetic",
        "drawn images of any shape and size",
        "wncompare.data.sources.synthetic:synthetic",
        SyntheticOptions,
    ),
    Entry("npz", "your own NumPy archive", "wncompare.data.sources.npz:npz", NpzOptions),
    Entry(
        "image_folder",
        "your own folders of images",
        "wncompare.data.sources.image_folder:image_folder",
        ImageFolderOptions,
    ),
)
