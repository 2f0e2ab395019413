"""Small data of every form, each with the model of the catalog that fits."""

from typing import Any

import keras
import numpy as np

from wncompare.catalog.models import MODELS
from wncompare.data.form import ONLY, Form, Input, Target, image_form

CLASSES = Target("classes", (), 4)
ROWS = Form({ONLY: Input("image", (8, 6))}, CLASSES)
SERIES = Form({ONLY: Input("number", (20, 2))}, Target("numbers", (1,)))
WORDS = Form({ONLY: Input("token", (9,), vocabulary=11)}, CLASSES)
PICTURES = image_form((8, 8, 3), 4)
AGAIN = Form({ONLY: Input("image", (8, 8, 1))}, Target("inputs", (8, 8, 1)))
NUMBERS_AGAIN = Form({ONLY: Input("number", (5,))}, Target("inputs", (5,)))

NETWORKS: list[tuple[str, dict[str, Any], Form]] = [
    ("resnet8", {}, PICTURES),
    ("lstm", {"units": (5, 3)}, ROWS),
    ("lstm", {"units": (5,), "embedding": 3}, WORDS),
    ("gru", {"units": (5,)}, SERIES),
    ("tcn", {"filters": 4, "kernel_size": 3, "dropout": 0.2}, SERIES),
    ("tcn", {"filters": 3, "kernel_size": 2, "embedding": 3}, WORDS),
    ("vae", {"units": (7, 6), "latent": 2}, AGAIN),
    ("vae", {"network": "conv", "latent": 3}, AGAIN),
    ("vae", {"units": (7,), "latent": 2}, NUMBERS_AGAIN),
]
"""A model of the catalog, its options, and the form of data that it fits."""


def build(name: str, options: dict[str, Any], form: Form, *, seed: int = 0) -> keras.Model:
    """The model with the initial weights of a seed."""
    keras.utils.set_random_seed(seed)
    model: keras.Model = MODELS[name].load()(MODELS[name].options(**options), form=form)
    return model


def examples(form: Form, count: int = 16) -> np.ndarray:
    """Random inputs as they reach the model."""
    rng = np.random.default_rng(0)
    given = form.input
    if given.kind == "token":
        return rng.integers(0, given.vocabulary, (count, *given.shape)).astype("int32")
    return rng.random((count, *given.shape)).astype("float32")
