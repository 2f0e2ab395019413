"""The experiment that all faults are tried on, and its undisturbed results."""

from pathlib import Path

import pytest
import yaml

from . import support


@pytest.fixture(scope="session")
def config_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The config as a file, beside it the network with dropout and batch norm."""
    keras = pytest.importorskip("keras")
    folder = tmp_path_factory.mktemp("faults")
    layers = [
        keras.Input((8, 8, 1)),
        keras.layers.Flatten(),
        keras.layers.Dense(16, activation="relu"),
        keras.layers.BatchNormalization(),
        keras.layers.Dropout(0.3),
        keras.layers.Dense(3, activation="softmax"),
    ]
    keras.Sequential(layers).save(folder / "net.keras")
    file = folder / "faults.yaml"
    file.write_text(yaml.safe_dump(support.config(folder / "net.keras")), encoding="utf-8")
    return file


@pytest.fixture(scope="session")
def reference(config_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an experiment that nothing disturbed."""
    folder = tmp_path_factory.mktemp("reference") / "faults"
    done = support.run(config_file, folder)
    assert done.returncode == 0, done.stderr
    return folder
