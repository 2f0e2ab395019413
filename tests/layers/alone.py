"""The layer where Keras, NumPy and one backend are all there is: initialized, trained, saved and loaded.

A script, not a test module: `make test-layer-alone` runs it in an environment without the rest of wncompare's needs.
"""

import sys
import tempfile
from pathlib import Path

import keras
import numpy as np

from wncompare.layers import initialize_from_data, summary, weight_normalize

ABSENT = ("pydantic", "pandas", "click", "yaml", "matplotlib", "sklearn", "cloudpickle")


def main() -> None:
    """Wraps, initializes, trains, saves and loads; raises where something is wrong."""
    rng = np.random.default_rng(7)
    x, y = rng.normal(size=(64, 5)).astype("float32"), rng.integers(0, 3, 64)
    plain = keras.Sequential([keras.Input((5,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(3, "softmax")])
    model = weight_normalize(plain)
    initialize_from_data(model, x)
    assert len(summary(model).normalized) == 2
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    losses = model.fit(x, y, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0], losses
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.keras"
        model.save(file)
        loaded = keras.models.load_model(file)
    np.testing.assert_allclose(loaded.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-5, atol=1e-6)
    assert not [name for name in ABSENT if name in sys.modules]
    assert keras.backend.backend() == "tensorflow" or "tensorflow" not in sys.modules
    print("the layer alone:", keras.backend.backend(), "keras", keras.__version__)


if __name__ == "__main__":
    main()
