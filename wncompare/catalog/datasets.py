"""Datasets that a config can name."""

from typing import Annotated, Literal

from pydantic import Field

from wncompare.catalog.registry import Catalog, Entry, Options, PathText, Size, Text


class Presentation(Options):
    """How the examples of any dataset are given to a network."""

    reconstruct: Annotated[bool | None, Field(description="true: the inputs are the targets")] = None
    standardize: Annotated[
        bool | None,
        Field(description="true: images and numbers by each feature's mean and deviation over the training examples"),
    ] = None


class ImagePresentation(Presentation):
    """How images are given to a network; options of every dataset of images."""

    as_sequence: Annotated[
        Literal["rows", "pixels"] | None, Field(description="an image as the sequence of its rows, or its pixels")
    ] = None


class CifarOptions(ImagePresentation):
    """Options of `cifar10` and `cifar100`."""

    copy_note: Annotated[Text | None, Field(description="names an unofficial copy: 'JPEG copy'")] = None


class SyntheticOptions(ImagePresentation):
    """Options of `synthetic`: images whose class can be learned, drawn from `seed`."""

    shape: Annotated[tuple[Size, Size, Size], Field(strict=False, description="height, width, channels")] = (32, 32, 3)
    classes: Annotated[int, Field(ge=2, le=1000)] = 10
    train: Size = 512
    test: Size = 256
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0


class AddingProblemOptions(Presentation):
    """Options of `adding_problem`: sequences drawn from `seed`."""

    length: Annotated[int, Field(ge=2, le=1_000_000, description="steps of a sequence")] = 200
    train: Size = 10_000
    test: Size = 1_000
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0


ArrayKind = Literal["images", "numbers", "tokens"]


class NpzOptions(ImagePresentation):
    """Options of `npz`: a NumPy archive with x_train, y_train, x_test, y_test and, if you like, class_names.

    Several inputs are x_train_<name> and x_test_<name>.
    """

    path: Annotated[PathText, Field(description="the .npz file; relative to the data folder or the working folder")]
    label: Text | None = None
    inputs: Annotated[
        ArrayKind | dict[str, ArrayKind] | None,
        Field(description="images, numbers or tokens where their type does not say it; of several by name"),
    ] = None
    targets: Annotated[Literal["classes", "numbers"] | None, Field(description="where their type does not say it")] = (
        None
    )
    vocabulary: Annotated[
        Size | dict[str, Size] | None, Field(description="how many tokens there are; of several inputs by name")
    ] = None


class ImageFolderOptions(ImagePresentation):
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
    Entry("mnist", "70,000 handwritten digits, 28 × 28 grey", "wncompare.data.sources.mnist:mnist", ImagePresentation),
    Entry(
        "fashion_mnist",
        "70,000 pieces of clothing, 28 × 28 grey",
        "wncompare.data.sources.mnist:fashion_mnist",
        ImagePresentation,
    ),
    Entry(
        "digits",
        "1,797 handwritten digits, 32 × 32 grey, ships with wncompare",
        "wncompare.data.sources.digits:digits",
        ImagePresentation,
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
    Entry(
        "adding_problem",
        "sequences of numbers of which two are to be added",
        "wncompare.data.sources.adding_problem:adding_problem",
        AddingProblemOptions,
    ),
)
