"""What a dataset looks like, as text and as data."""

from typing import Any

from wncompare import data
from wncompare.data import Dataset
from wncompare.data.form import Input, Shape


def as_data(dataset: Dataset) -> dict[str, Any]:
    """Sizes, inputs by name, and targets; `shape` is that of the only input, None where there are several."""
    inputs, target = dataset.form.inputs, dataset.form.target
    return {
        "label": dataset.label,
        "train": len(dataset.train),
        "test": len(dataset.test),
        "shape": list(dataset.form.input.shape) if len(inputs) == 1 else None,
        "classes": len(dataset.class_names),
        "inputs": {name: {"kind": one.kind, "shape": list(one.shape)} for name, one in inputs.items()},
        "targets": {"kind": target.kind, "shape": list(target.shape)},
        "caveats": list(data.caveats(dataset)),
    }


def as_text(dataset: Dataset) -> str:
    """A line: "MNIST: 60,000 training and 10,000 test images, 28 × 28 × 1, 10 classes"."""
    inputs, sizes = dataset.form.inputs, f"{len(dataset.train):,} training and {len(dataset.test):,} test"
    if len(inputs) == 1:
        only = dataset.form.input
        noun = "images" if only.kind == "image" else "examples"
        shown = _shape(only.shape) if only.kind == "image" else _input(only)
    else:
        noun, shown = "examples", ", ".join(f"{name}: {_input(one)}" for name, one in inputs.items())
    return f"{dataset.label}: {sizes} {noun}, {shown}, {_target(dataset)}"


def _target(dataset: Dataset) -> str:
    target = dataset.form.target
    if target.kind == "classes":
        return f"{target.classes} classes"
    if target.kind == "inputs":
        return "targets: the inputs"
    return f"targets: {_shape(target.shape)} number{'' if target.shape in ((), (1,)) else 's'}"


def _input(one: Input) -> str:
    known = f" of {one.vocabulary}" if one.vocabulary else ""
    return f"{_shape(one.shape)} {one.kind}s{known}"


def _shape(shape: Shape) -> str:
    return " × ".join(map(str, shape)) or "1"
