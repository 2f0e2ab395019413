"""Export: a run's model as plain Keras that needs no wncompare."""

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from wncompare.cli import _exit_code
from wncompare.errors import ModelError, RecordsError
from wncompare.layers import LayerNormLSTMCell, weight_normalize
from wncompare.nn.export import export_run


@pytest.fixture
def run(tmp_path: Path) -> tuple[Path, np.ndarray, np.ndarray]:
    """A run's folder with a weight-normalized model, its gains moved as training does; inputs and its predictions."""
    folder = tmp_path / "weight_norm" / "seed-0"
    folder.mkdir(parents=True)
    inputs = keras.Input((8, 8, 1))
    hidden = keras.layers.Conv2D(4, 3, activation="relu")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(keras.layers.Flatten()(hidden)))
    model = weight_normalize(model, data_init=False)
    for variable in model.trainable_variables:
        variable.assign(variable + 0.1)
    model.save(folder / "model.keras")
    images = np.random.default_rng(0).random((5, 8, 8, 1), np.float32)
    return folder, images, keras.ops.convert_to_numpy(model(images))


@pytest.mark.slow
def test_an_exported_model_loads_where_wncompare_is_not_installed(
    run: tuple[Path, np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    """Another process, in which importing wncompare fails, loads the file in safe mode and predicts the same."""
    folder, images, predictions = run
    np.save(tmp_path / "images.npy", images)
    assert _exit_code(["export", str(folder), "--output", str(tmp_path / "plain.keras")]) == 0
    program = (
        "import sys; sys.modules['wncompare'] = None; import keras, numpy as np;"
        "model = keras.models.load_model('plain.keras', safe_mode=True);"
        "np.save('predictions.npy', keras.ops.convert_to_numpy(model(np.load('images.npy'))))"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, capture_output=True)
    np.testing.assert_allclose(np.load(tmp_path / "predictions.npy"), predictions, rtol=1e-5, atol=1e-6)


def test_a_layer_normalized_recurrence_is_refused(tmp_path: Path) -> None:
    """Keras has no such layer, so that no file of it could load without wncompare; the run's own file is named."""
    model = keras.Sequential([keras.Input((5, 2)), keras.layers.RNN(LayerNormLSTMCell(3)), keras.layers.Dense(2)])
    model.save(tmp_path / "model.keras")
    with pytest.raises(ModelError, match=r"model\.keras: Layer 'rnn.*' of type RNN is layer-normalized inside"):
        export_run(tmp_path, tmp_path / "plain.keras")
    assert not (tmp_path / "plain.keras").exists()


def test_a_run_without_a_model_is_refused(tmp_path: Path) -> None:
    """A folder that holds no model is named, with what to name instead."""
    with pytest.raises(RecordsError, match=r"no model\.keras here: name a finished run's folder"):
        export_run(tmp_path, tmp_path / "plain.keras")


def test_only_keras_files_are_written(run: tuple[Path, np.ndarray, np.ndarray], tmp_path: Path) -> None:
    """Another suffix, from which Keras would guess another format, is refused before anything is loaded."""
    with pytest.raises(ModelError, match=r"expected a name that ends in \.keras"):
        export_run(run[0], tmp_path / "plain.h5")


def test_a_run_s_model_cannot_execute_code(tmp_path: Path) -> None:
    """A results folder from someone else may hold a Lambda layer: it is refused, not run."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: x + 1)])
    model.save(tmp_path / "model.keras")
    with pytest.raises(ModelError, match="safe mode refuses it: it has a Lambda"):
        export_run(tmp_path, tmp_path / "plain.keras")
    assert not (tmp_path / "plain.keras").exists()


def test_what_was_adapted_is_exported(tmp_path: Path) -> None:
    """The mean and the variance of a Normalization are in the exported model as in the trained one."""
    normalization = keras.layers.Normalization()
    images = np.random.default_rng(0).normal(0.3, 0.1, (9, 4)).astype("float32")
    normalization.adapt(images)
    model = weight_normalize(keras.Sequential([keras.Input((4,)), normalization, keras.layers.Dense(2)]), False)
    model.save(tmp_path / "model.keras")
    export_run(tmp_path, tmp_path / "plain.keras")
    plain = keras.models.load_model(tmp_path / "plain.keras")
    np.testing.assert_allclose(plain(images), model(images), rtol=1e-5, atol=1e-6)
