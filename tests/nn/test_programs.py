"""Compiled programs that are kept: each process here is a fresh one, for TensorFlow reads its flags once."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from wncompare.nn.training import programs

TRAIN = """
import sys
from wncompare.nn.training import programs
if "keep" in sys.argv:
    programs.keep()
import hashlib, json, keras, numpy as np
from wncompare.data import Split
from wncompare.nn.training.trainer import Trainer
keras.utils.set_random_seed(1)
images = np.random.default_rng(0).integers(0, 256, (40, 12, 12, 2), np.uint8)
split = Split(images, np.arange(40) % 3)
model = keras.Sequential([keras.Input((12, 12, 2)), keras.layers.Conv2D(4, 3, activation="relu"),
                          keras.layers.MaxPooling2D(), keras.layers.Flatten(), keras.layers.Dense(3, "softmax")])
model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
logs = [result.logs for result in Trainer(model, split, split, batch_size=8).epochs(2, seed=0)]
digest = hashlib.sha256(b"".join(variable.numpy().tobytes() for variable in model.variables))
print(json.dumps([digest.hexdigest(), logs]))
"""


def train(cache: Path, *arguments: str) -> Any:
    """A fresh process's weights, as a digest, and logs; it keeps programs below `cache` if told to `keep`."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache), "KERAS_BACKEND": "tensorflow", "TF_XLA_FLAGS": ""}
    done = subprocess.run([sys.executable, "-c", TRAIN, *arguments], env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def entries(cache: Path) -> dict[str, bytes]:
    """What is kept."""
    return {file.name: file.read_bytes() for file in cache.glob("wncompare/programs/*/*")}


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What a process gets that keeps and loads nothing."""
    cache = tmp_path_factory.mktemp("unused")
    found = train(cache)
    assert not entries(cache)
    return found


@pytest.mark.slow
def test_a_kept_program_trains_to_the_same_bits(compiled: Any, tmp_path: Path) -> None:
    """Compiled into a cache with a space in its path, or loaded from it: the same weights as without; it is private."""
    cache = tmp_path / "a cache"
    assert train(cache, "keep") == compiled
    kept = entries(cache)
    assert len(kept) == 2  # training and evaluation
    assert train(cache, "keep") == compiled
    assert entries(cache) == kept
    (folder,) = cache.glob("wncompare/programs/*")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.slow
def test_a_damaged_entry_is_compiled_again(compiled: Any, tmp_path: Path) -> None:
    """Entries that were cut, emptied or overwritten are found out on loading and deleted; results are the same."""
    train(tmp_path, "keep")
    (folder,) = tmp_path.glob("wncompare/programs/*")
    kept = entries(tmp_path)
    for damage in (lambda content: content[: len(content) // 2], lambda content: b"", lambda content: b"\xff" * 999):
        for name, content in kept.items():
            (folder / name).write_bytes(damage(content))
        assert train(tmp_path, "keep") == compiled
        assert len(entries(tmp_path)) == 2
        assert not set(map(damage, kept.values())) & set(entries(tmp_path).values())


@pytest.mark.slow
def test_an_entry_of_another_program_is_not_run(compiled: Any, tmp_path: Path) -> None:
    """Two entries that have changed places, each sound in itself: both are compiled again, and XLA is not given up."""
    train(tmp_path, "keep")
    (folder,) = tmp_path.glob("wncompare/programs/*")
    kept = entries(tmp_path)
    for name, content in zip(kept, reversed(kept.values()), strict=True):
        (folder / name).write_bytes(content)
    assert train(tmp_path, "keep") == compiled
    assert len(entries(tmp_path)) == 2


@pytest.mark.slow
def test_nothing_is_kept_where_the_environment_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The switch turns the cache off."""
    monkeypatch.setenv("WNCOMPARE_KEEP_PROGRAMS", "0")
    train(tmp_path, "keep")
    assert not entries(tmp_path)


@pytest.mark.slow
def test_a_cache_that_cannot_be_written_is_done_without(compiled: Any, tmp_path: Path) -> None:
    """A file in the place of the cache's folder: training goes on, and keeps nothing."""
    (tmp_path / "file").touch()
    assert train(tmp_path / "file", "keep") == compiled


def test_a_program_is_named_alike_whatever_a_process_did_before() -> None:
    """TensorFlow's numbers go on from the same place in a round, few or many of them used up: so an entry is found."""

    def number(earlier: int) -> int:
        for _ in range(earlier):
            tf.Graph()
        programs.name_alike()
        function = tf.function(lambda x: x + 1).get_concrete_function(tf.TensorSpec(()))
        return int(function.name.decode().rpartition("_")[2]) % programs._NUMBERS

    number(0)  # the first function of all makes more than itself
    assert number(1) == number(5)


def test_the_oldest_entries_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound on bytes the oldest are deleted, whatever folder they are in, and no more than has to be."""
    monkeypatch.setattr(programs, "MOST_BYTES", 25)
    for age, name in enumerate(["b/new", "a/old", "b/older", "a/oldest"]):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"x" * 10)
        os.utime(file, (1000 - age, 1000 - age))
    programs.drop_oldest(tmp_path)
    assert sorted(file.name for file in tmp_path.rglob("*") if file.is_file()) == ["new", "old"]
