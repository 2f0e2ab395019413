"""How the examples of a dataset are given to a network: as sequences, to be given again, standardized."""

from dataclasses import replace

from wncompare.catalog.datasets import Presentation
from wncompare.data.dataset import Dataset, Split
from wncompare.data.standardize import MEASURED
from wncompare.errors import DatasetError


def presented(dataset: Dataset, options: Presentation) -> Dataset:
    """The dataset as the options ask for.

    `as_sequence` makes an image (height, width, channels) the sequence of its rows, (height, width · channels), or of
    its pixels, (height · width, channels); `reconstruct` makes the inputs the targets; `standardize` has images and
    numbers standardized.

    Raises:
        DatasetError: the data are not of the kind that is asked for.
    """
    if by := getattr(options, "as_sequence", None):
        _refuse_all_but_images(dataset)
        train, test = (_as_sequence(split, by) for split in (dataset.train, dataset.test))
        dataset = replace(dataset, train=train, test=test, label=f"{dataset.label} by {by}")
    if options.reconstruct:
        _refuse_several(dataset)
        train, test = (Split(split.x, split.x) for split in (dataset.train, dataset.test))
        dataset = replace(dataset, train=train, test=test, class_names=())
    if options.standardize:
        _refuse_no_moments(dataset)
        dataset = replace(dataset, standardize=True)
    return dataset


def _as_sequence(split: Split, by: str) -> Split:
    count, height, width, channels = split.x.shape
    shape = (height, width * channels) if by == "rows" else (height * width, channels)
    x = split.x.reshape(count, *shape)
    return Split(x, x if split.reconstructs else split.y)


def _refuse_all_but_images(dataset: Dataset) -> None:
    for one in dataset.form.inputs.values():
        if one.kind != "image" or len(dataset.form.inputs) > 1:
            raise DatasetError(
                f"dataset {dataset.label}: as_sequence is for images: the inputs are {_kinds(dataset)}; leave it out, "
                "numbers (n, steps, features) are a sequence as they are"
            )


def _refuse_several(dataset: Dataset) -> None:
    if len(dataset.train.inputs) > 1:
        raise DatasetError(
            f"dataset {dataset.label}: reconstruct is for one input: there are {', '.join(dataset.train.inputs)}; "
            "store the targets that are meant"
        )


def _refuse_no_moments(dataset: Dataset) -> None:
    types = {array.dtype.name for array in dataset.train.arrays}
    if types.isdisjoint(MEASURED):
        raise DatasetError(
            f"dataset {dataset.label}: standardize is for images and numbers: the inputs are {_kinds(dataset)}; leave "
            "it out"
        )
    if dataset.train.reconstructs and "uint8" in types:
        raise DatasetError(
            f"dataset {dataset.label}: standardize does not go with reconstruct for images: they are given again in "
            "[0, 1], as losses of images expect; leave standardize out"
        )


def _kinds(dataset: Dataset) -> str:
    return " and ".join(dict.fromkeys(f"{one.kind}s" for one in dataset.form.inputs.values()))
