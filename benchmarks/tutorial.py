"""The tutorial's job as it was: TensorFlow 2.15.1, Keras 2 and the layer of TensorFlow Addons 0.23.0.

Runs in an environment of its own (`requirements-tutorial.txt`, Python 3.11) and imports nothing of wncompare. Trains
the regular LeNet and then the weight-normalized one with `fit`, as the tutorial does, and prints one JSON object, of
the form that `systems/__init__.py` gives.

    python tutorial.py CIFAR10.npz [--epochs 10]
"""

import argparse
import json
from pathlib import Path
from time import perf_counter
from typing import Any

STARTED = perf_counter()

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
import tensorflow_addons as tfa  # noqa: E402

ARMS = ("regular", "weight_norm")


def main() -> None:
    """Train both arms and print what they took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, help="x_train, y_train, x_test, y_test as one .npz")
    parser.add_argument("--epochs", type=int, default=10)
    options = parser.parse_args()
    train, test = load(options.file)
    start_up = perf_counter() - STARTED
    arms = {arm: fit(arm, train, test, options.epochs) for arm in ARMS}
    versions = {"tensorflow": tf.__version__, "tensorflow-addons": tfa.__version__}
    print(json.dumps({"versions": versions, "start_up_seconds": start_up, "arms": arms}))


def fit(arm: str, train: Any, test: Any, epochs: int) -> dict[str, Any]:
    """One arm's epochs: seconds of each, and the metrics that `fit` gives."""
    wrap = tfa.layers.WeightNormalization if arm == "weight_norm" else lambda layer: layer
    model = lenet(wrap)
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    clock = Clock()
    history = model.fit(*train, batch_size=32, epochs=epochs, validation_data=test, callbacks=[clock], verbose=0)
    return {
        "epochs": clock.epochs,
        "history": {key: list(map(float, row)) for key, row in history.history.items()},
    }


def lenet(wrap: Any) -> Any:
    """The LeNet-style ConvNet, each layer with a kernel wrapped."""
    layers = tf.keras.layers
    return tf.keras.Sequential(
        [
            wrap(layers.Conv2D(6, 5, activation="relu")),
            layers.MaxPooling2D(2, 2),
            wrap(layers.Conv2D(16, 5, activation="relu")),
            layers.MaxPooling2D(2, 2),
            layers.Flatten(),
            wrap(layers.Dense(120, activation="relu")),
            wrap(layers.Dense(84, activation="relu")),
            wrap(layers.Dense(10, activation="softmax")),
        ]
    )


class Clock(tf.keras.callbacks.Callback):
    """Seconds of each epoch, its evaluation apart."""

    def __init__(self) -> None:
        super().__init__()
        self.epochs: list[dict[str, float]] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Training begins."""
        self._started = perf_counter()

    def on_test_begin(self, logs: Any = None) -> None:
        """Training has ended, evaluation begins."""
        self._trained = perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Evaluation has ended."""
        ended = perf_counter()
        self.epochs.append({"train_seconds": self._trained - self._started, "eval_seconds": ended - self._trained})


def load(file: Path) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Images as float32 in [0, 1] and one-hot labels, of the training and the test split."""
    with np.load(file) as arrays:
        train, test = (
            (arrays[f"x_{split}"].astype("float32") / 255.0, tf.keras.utils.to_categorical(arrays[f"y_{split}"], 10))
            for split in ("train", "test")
        )
    return train, test


if __name__ == "__main__":
    main()
