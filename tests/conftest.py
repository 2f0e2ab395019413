"""Shared by all tests: configs as files, the command line as a function, and records without training."""

import gc
import os
import tempfile
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wncompare import config as configs
from wncompare import records
from wncompare.config import Config
from wncompare.config.grid import Point
from wncompare.records.identity import fingerprint

from .here import Here

TINY: dict[str, Any] = {
    "name": "tiny",
    "dataset": {"name": "synthetic", "shape": [16, 16, 1], "classes": 3, "train": 48, "test": 24},
    "model": {"name": "lenet"},
    "variants": [
        {"name": "regular", "label": "Regular ConvNet", "color": "red"},
        {"name": "weight_norm", "label": "WeightNorm ConvNet", "color": "blue"},
    ],
    "training": {"optimizer": {"name": "adam", "learning_rate": 0.001}, "batch_size": 16, "epochs": 2},
    "init_batch": 32,
    "seeds": [0, 1],
}


@pytest.fixture(autouse=True)
def _draw_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw without helpers, which would import all anew for each test; those of `Drawing` ask for some."""
    monkeypatch.setattr("wncompare.render.drawing.MOST_HELPERS", 0)


def pytest_configure(config: pytest.Config) -> None:
    """Keep what is cached out of the user's cache: one folder a session, for the processes of pytest-xdist together."""
    if not hasattr(config, "workerinput"):
        cache = tempfile.TemporaryDirectory(prefix="wncompare-tests-", ignore_cleanup_errors=True)
        config.add_cleanup(cache.cleanup)
        os.environ["XDG_CACHE_HOME"] = cache.name


@pytest.fixture(scope="module", autouse=True)
def _frozen() -> None:
    """Garbage is looked for among what a file's tests make: each building of a network asks for it, in all that is."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without a home directory: no HOME, and no entry among the system's users."""
    for name in ("HOME", "XDG_CACHE_HOME", "KERAS_HOME"):
        monkeypatch.delenv(name, raising=False)

    def without_entry(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.setattr("pwd.getpwuid", without_entry)


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """`wncompare.compare` trains here, without worker processes."""
    monkeypatch.setattr("wncompare.api.compare.LocalEngine", Here)


@pytest.fixture
def tiny() -> Config:
    """The smallest config that has everything."""
    return configs.from_data(TINY, "tiny")


@pytest.fixture
def tiny_file(tmp_path: Path, tiny: Config) -> Path:
    """The same as a file."""
    import yaml

    file = tmp_path / "tiny.yaml"
    file.write_text(yaml.safe_dump(tiny.dump(), sort_keys=False), encoding="utf-8")
    return file


@pytest.fixture
def write_records(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes an experiment's folder as if it had been trained, with the given curves."""

    def write(config: Config, accuracy: Callable[[str, int, int], float], folder: Path | None = None) -> Path:
        """`accuracy` takes a variant's id, a seed and an epoch counted from 1."""
        folder = folder or tmp_path / "results" / config.name
        records.write_experiment(folder, config, "0")
        for variant, point, seed in product(config.variants, config.points, config.all_seeds):
            values = [accuracy(variant.id, seed, epoch) for epoch in range(1, config.training.epochs + 1)]
            _write_run(folder, variant.id, point, seed, values)
        return folder

    return write


def _write_run(folder: Path, variant: str, point: Point, seed: int, accuracies: list[float]) -> None:
    place = records.run_folder(folder, variant, point, seed)
    place.mkdir(parents=True, exist_ok=True)
    rows = [
        {
            "epoch": epoch,
            "loss": float(-np.log(value)),
            "accuracy": value,
            "val_loss": float(-np.log(value)) + 0.1,
            "val_accuracy": value - 0.05,
            "learning_rate": 0.001,
            "train_seconds": 2.0,
            "eval_seconds": 0.5,
            "steps": 3,
        }
        for epoch, value in enumerate(accuracies, start=1)
    ]
    records.write_history(place, rows)
    dataset = records.DatasetRecord(name="synthetic", label="synthetic", digest="0" * 64, official=None)
    identity = {"variant": variant, "point": dict(point.values), "seed": seed}
    record = records.RunRecord(
        variant=variant,
        point=dict(point.values),
        seed=seed,
        status="finished",
        fingerprint=fingerprint(identity),
        identity=identity,
        epochs=len(rows),
        dataset=dataset,
        timing=records.TIMING,
    )
    records.write_run(place, record)
