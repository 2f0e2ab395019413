"""The resume point: all state there is, read as data, refused where it does not fit."""

from pathlib import Path

import keras
import numpy as np
import pytest

from wncompare.errors import RecordsError
from wncompare.nn.training import checkpoint


def model(units: int = 3) -> keras.Model:
    """A compiled model with batch norm and dropout, trained for a step."""
    layers = [keras.layers.Dense(units), keras.layers.BatchNormalization(), keras.layers.Dropout(0.5)]
    new = keras.Sequential([keras.Input((4,)), *layers])
    new.compile(optimizer="adam", loss="mean_squared_error")
    new.train_on_batch(np.random.default_rng(units).random((8, 4)), np.ones((8, units)))
    return new


def state(of: keras.Model) -> list[np.ndarray]:
    """Every variable of a model and its optimizer."""
    return [keras.ops.convert_to_numpy(variable.value) for variable in [*of.variables, *of.optimizer.variables]]


def test_everything_comes_back(tmp_path: Path) -> None:
    """Weights, moving averages, the dropout's random state and the optimizer's moments are restored, bit for bit."""
    saved, other = model(), model()
    checkpoint.save(tmp_path / "checkpoint.npz", saved, epoch=4)
    point = checkpoint.read(tmp_path / "checkpoint.npz")
    checkpoint.restore(point, other)
    assert point.epoch == 4
    assert any("seed" in variable.path for variable in saved.variables)
    for ours, theirs in zip(state(saved), state(other), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 torn", b"text"])
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """Empty, torn and foreign files raise a RecordsError."""
    (tmp_path / "checkpoint.npz").write_bytes(content)
    with pytest.raises(RecordsError, match="damaged"):
        checkpoint.read(tmp_path / "checkpoint.npz")


def test_what_cannot_be_read_now_is_not_called_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the disk, or too little memory, is passed on: the file may be whole."""
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(IsADirectoryError):
        checkpoint.read(tmp_path / "folder.npz")
    np.savez(tmp_path / "checkpoint.npz", epoch=1)

    def full(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(np, "load", full)
    with pytest.raises(MemoryError):
        checkpoint.read(tmp_path / "checkpoint.npz")


def test_every_damaged_byte_is_damage(tmp_path: Path) -> None:
    """Whatever byte of a file is changed or cut off, it reads as it was or raises a RecordsError, nothing else."""
    file = tmp_path / "checkpoint.npz"
    np.savez(file, epoch=1, variable_0=np.arange(6.0))
    whole, refused = file.read_bytes(), 0
    for place in range(len(whole)):
        for content in (whole[:place], whole[:place] + bytes([whole[place] ^ 0x81]) + whole[place + 1 :]):
            file.write_bytes(content)
            try:
                checkpoint.read(file)
            except RecordsError:
                refused += 1
    assert refused > len(whole)


def test_pickles_are_not_read(tmp_path: Path) -> None:
    """An archive with Python objects in it is refused, not unpickled."""
    np.savez(tmp_path / "checkpoint.npz", epoch=1, variable_0=np.array([{}], dtype=object))
    with pytest.raises(RecordsError, match="damaged"):
        checkpoint.read(tmp_path / "checkpoint.npz")


def test_another_model_s_state_is_refused_and_nothing_is_changed(tmp_path: Path) -> None:
    """Shapes that differ raise before the first variable is set."""
    checkpoint.save(tmp_path / "checkpoint.npz", model(3), epoch=1)
    other = model(5)
    before = state(other)
    with pytest.raises(RecordsError, match="another model"):
        checkpoint.restore(checkpoint.read(tmp_path / "checkpoint.npz"), other)
    for ours, theirs in zip(before, state(other), strict=True):
        np.testing.assert_array_equal(ours, theirs)
