"""Stock Keras 3: `fit` with validation, on the backend that KERAS_BACKEND names."""

from time import perf_counter
from typing import Any

STARTED = perf_counter()

import keras  # noqa: E402

from benchmarks.common import read_split  # noqa: E402
from benchmarks.systems.program import finish, options  # noqa: E402
from wncompare.catalog.registry import Options  # noqa: E402
from wncompare.data.form import image_form  # noqa: E402
from wncompare.layers import initialize_from_data, weight_normalize  # noqa: E402
from wncompare.nn.models import lenet  # noqa: E402

PACKAGES = {"tensorflow": ("tensorflow", "tensorflow-cpu")}


def main() -> None:
    """Train both arms, the weight-normalized one with wncompare's layer."""
    chosen = options(__doc__)
    keras.utils.set_random_seed(0)
    train, test = (one_hot(*read_split(chosen.file, split)) for split in ("train", "test"))
    start_up = perf_counter() - STARTED
    epochs = {}
    for arm in ("regular", "weight_norm"):
        model = lenet(Options(), form=image_form((32, 32, 3), 10))
        if arm == "weight_norm":
            model = weight_normalize(model)
            initialize_from_data(model, train[0][:512])
        epochs[arm] = fit(model, train, test, chosen)
    finish(start_up, epochs, "keras", *PACKAGES.get(keras.backend.backend(), (keras.backend.backend(),)))


def one_hot(images: Any, classes: Any) -> tuple[Any, Any]:
    """Images, and classes as `categorical_crossentropy` takes them."""
    return images, keras.utils.to_categorical(classes, 10)


def fit(model: keras.Model, train: Any, test: Any, chosen: Any) -> list[dict[str, float]]:
    """Seconds of each epoch of `fit`; without --jit-compile what Keras chooses for the backend."""
    model.compile(
        optimizer="adam",
        loss="categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=True if chosen.jit_compile else "auto",
    )
    clock = Clock()
    model.fit(*train, batch_size=32, epochs=chosen.epochs, validation_data=test, callbacks=[clock], verbose=0)
    return clock.epochs


class Clock(keras.callbacks.Callback):
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


if __name__ == "__main__":
    main()
