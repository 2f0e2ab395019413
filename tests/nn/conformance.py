"""Which networks go with which data and variants, and few experiments in which every two of them meet."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

IMAGES: dict[str, Any] = {"name": "synthetic", "shape": [16, 16, 1], "classes": 3, "train": 40, "test": 16}

DATA: dict[str, tuple[dict[str, Any], Any]] = {
    "images": (IMAGES, "categorical_crossentropy"),
    "images again": ({**IMAGES, "reconstruct": True}, "mse"),
    "rows": ({**IMAGES, "as_sequence": "rows"}, "sparse_categorical_crossentropy"),
    "tokens": ({"name": "npz", "path": "tokens.npz"}, "categorical_crossentropy"),
    "series": ({"name": "adding_problem", "length": 8, "train": 40, "test": 16}, "mae"),
    "table": ({"name": "npz", "path": "table.npz", "standardize": True}, {"name": "huber", "delta": 0.5}),
}
"""A dataset of each kind of inputs and targets, and a loss that takes them."""

MODELS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "lenet": ({"name": "lenet"}, ("images",)),
    "mlp": ({"name": "mlp", "units": [6]}, ("images", "images again", "rows", "series", "table")),
    "resnet8": ({"name": "resnet8"}, ("images",)),
    "lstm": ({"name": "lstm", "units": [4], "embedding": 3}, ("rows", "tokens", "series")),
    "gru": ({"name": "gru", "units": [4], "embedding": 3}, ("rows", "tokens", "series")),
    "tcn": ({"name": "tcn", "filters": 4, "kernel_size": 3, "blocks": 2, "embedding": 3}, ("rows", "tokens", "series")),
    "vae": ({"name": "vae", "units": [6], "latent": 2}, ("images again",)),
    "convolutional vae": ({"name": "vae", "network": "conv", "latent": 2}, ("images again",)),
}
"""A network of each kind, and the data that it takes."""

RECURRENT = ("regular", "weight_norm", "weight_norm_mean_only_batch_norm", "layer_norm")
"""The variants of networks with recurrent layers, inside which nothing is normalized by the batch."""


@dataclass(frozen=True)
class Case:
    """One experiment: a network on data, in a few variants."""

    model: str
    data: str
    variants: tuple[str, ...]

    @property
    def pairs(self) -> set[frozenset[tuple[str, str]]]:
        """Every two that meet in it: of model, data and a variant."""
        met = set()
        for variant in self.variants:
            parts = ("model", self.model), ("data", self.data), ("variant", variant)
            met |= {frozenset(two) for two in combinations(parts, 2)}
        return met

    @property
    def name(self) -> str:
        """As pytest shows it."""
        return f"{self.model} on {self.data}: {', '.join(self.variants)}"

    def config(self, folder: Path) -> dict[str, Any]:
        """Two epochs of one seed, on data that lie in the folder where they are files."""
        dataset, loss = DATA[self.data]
        if "path" in dataset:
            dataset = {**dataset, "path": str(folder / dataset["path"])}
        loss = "own" if "vae" in self.model else loss
        return {
            "name": "conformance",
            "dataset": dataset,
            "model": MODELS[self.model][0],
            "variants": [{"name": variant} for variant in self.variants],
            "training": {"loss": loss, "batch_size": 16, "epochs": 2},
            "validation": {"holdout": 0.25},
            "init_batch": 16,
            "seeds": [3],
        }


def cover(variants: Sequence[str], most: int) -> Iterator[Case]:
    """Cases of at most so many variants in which all meet that go together: of those left, always the one with most."""
    fitting = {name: [each for each in variants if name not in ("lstm", "gru") or each in RECURRENT] for name in MODELS}
    whole = [Case(name, kind, tuple(fitting[name])) for name, (_, kinds) in MODELS.items() for kind in kinds]
    left: set[frozenset[tuple[str, str]]] = set().union(*(case.pairs for case in whole))
    while left:
        case = max((_fullest(case, left, most) for case in whole), key=lambda case: len(case.pairs & left))
        left -= case.pairs
        yield case


def _fullest(case: Case, left: set[frozenset[tuple[str, str]]], most: int) -> Case:
    """The case with those of its variants that meet most of what is left."""

    def gain(variant: str) -> int:
        return len(Case(case.model, case.data, (variant,)).pairs & left)

    useful = [variant for variant in sorted(case.variants, key=gain, reverse=True) if gain(variant)]
    return Case(case.model, case.data, tuple(useful[:most]))


def write_files(folder: Path) -> None:
    """The files of `DATA`: tokens with classes, and a table of numbers with two numbers as targets."""
    rng = np.random.default_rng(0)
    _write(folder / "tokens.npz", lambda n: (rng.integers(0, 9, (n, 6), np.int32), np.arange(n) % 3))
    _write(
        folder / "table.npz",
        lambda n: (rng.normal(50, 9, (n, 5)).astype(np.float32), rng.normal(-900, 3, (n, 2)).astype(np.float32)),
    )


def _write(file: Path, draw: Any) -> None:
    (x_train, y_train), (x_test, y_test) = draw(40), draw(16)
    arrays: Mapping[str, Any] = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
    np.savez(file, **arrays)
