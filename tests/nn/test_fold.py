"""Folding gives a plain Keras model that predicts the same and needs nothing of wncompare."""

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers, ops

from wncompare.layers import WeightNormalization, WeightStandardization, fold, initialize_from_data


def model() -> keras.Sequential:
    """A model with reparameterized layers of several kinds."""
    return keras.Sequential(
        [
            keras.Input((6, 4)),
            WeightNormalization(layers.Conv1D(5, 3, activation="relu", name="inner"), name="conv"),
            WeightStandardization(layers.Conv1D(5, 3, padding="same"), name="standard"),
            WeightNormalization(layers.Bidirectional(layers.GRU(3)), name="both"),
            WeightNormalization(layers.Dense(2), output_axes=0, name="rows"),
        ]
    )


def randomized(original: keras.Model) -> keras.Model:
    """The model with other values, some gains negative."""
    rng = np.random.default_rng(1)
    for variable in original.trainable_variables:
        variable.assign(rng.normal(size=variable.shape))
    return original


def test_predictions_names_and_values(tmp_path: Path) -> None:
    """Layers keep their names, kernels become w, predictions agree, and the original is left as it is."""
    original = model()
    x = np.random.default_rng(0).normal(size=(3, 6, 4)).astype("float32")
    initialize_from_data(original, x)
    randomized(original)
    before = [np.array(weight) for weight in original.get_weights()]
    folded = fold(original)
    np.testing.assert_allclose(folded.predict(x, verbose=0), original.predict(x, verbose=0), rtol=1e-4, atol=1e-5)
    assert [layer.name for layer in folded.layers] == ["conv", "standard", "both", "rows"]
    kernel = ops.convert_to_numpy(original.get_layer("conv").folded()["kernel"])
    np.testing.assert_allclose(folded.get_layer("conv").get_weights()[0], kernel, rtol=1e-6)
    for old, new in zip(before, original.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.slow
def test_loads_where_wncompare_is_not_installed(tmp_path: Path) -> None:
    """A process that cannot import wncompare loads the folded file and predicts the same."""
    original = randomized(model())
    x = np.random.default_rng(0).normal(size=(3, 6, 4)).astype("float32")
    fold(original).save(tmp_path / "plain.keras")
    np.save(tmp_path / "x.npy", x)
    code = (
        "import sys; sys.modules['wncompare'] = None; import keras, numpy as np; "
        "model = keras.models.load_model('plain.keras'); "
        "np.save('y.npy', model.predict(np.load('x.npy'), verbose=0))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, capture_output=True)
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), original.predict(x, verbose=0), rtol=1e-4, atol=1e-5)


def test_a_layer_inside_another_is_refused() -> None:
    """What cannot be folded is not passed over in silence."""
    hidden = layers.TimeDistributed(WeightNormalization(layers.Dense(2), name="inner"), name="outer")
    with pytest.raises(ValueError, match=r"Layer 'outer' of type TimeDistributed holds \['inner'\]"):
        fold(keras.Sequential([keras.Input((6, 4)), hidden]))
