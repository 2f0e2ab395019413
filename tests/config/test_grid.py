"""A grid: the same points for every variant."""

from pathlib import Path

import pytest

from tests.conftest import TINY
from wncompare import config as configs
from wncompare.errors import ConfigError
from wncompare.records import DatasetRecord
from wncompare.run import execute as experiment

GRID = {"training.optimizer.learning_rate": [0.001, 0.01], "training.batch_size": [16, 32]}


def test_every_variant_and_seed_is_planned_at_every_point(tmp_path: Path) -> None:
    """2 variants × 4 points × 2 seeds, each in its own folder, with its values in its identity."""
    config = configs.from_data(TINY | {"grid": GRID}, "test")
    dataset = DatasetRecord(name="synthetic", label="synthetic", digest="0" * 64, official=None)
    runs = experiment.plan(config, tmp_path, dataset)
    assert len({run.folder for run in runs}) == len({run.record.fingerprint for run in runs}) == 16
    run = next(run for run in runs if run.name == "weight_norm/learning_rate=0.01,batch_size=16/seed-1")
    assert run.record.point == {"training.optimizer.learning_rate": 0.01, "training.batch_size": 16}
    assert run.record.identity["training"]["optimizer"]["learning_rate"] == 0.01
    assert run.record.identity["training"]["batch_size"] == 16


def test_a_point_is_the_same_run_as_its_values_without_a_grid(tmp_path: Path) -> None:
    """A run is known by what it depends on, not by how the config came to it."""
    dataset = DatasetRecord(name="synthetic", label="synthetic", digest="0" * 64, official=None)
    grid = configs.from_data(TINY | {"grid": {"training.optimizer.learning_rate": [0.01]}}, "test")
    plain = configs.from_data(
        TINY | {"training": {**TINY["training"], "optimizer": {"name": "adam", "learning_rate": 0.01}}}, "test"
    )
    fingerprints = [
        {run.record.fingerprint for run in experiment.plan(config, tmp_path, dataset)} for config in (grid, plain)
    ]
    assert fingerprints[0] == fingerprints[1]


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ({"seeds": [1]}, "expected one below training or model"),
        ({"training.epochs": [1, 2]}, "expected one below training or model"),
        ({"training.batch_size": [16, 16]}, "is there twice"),
        ({"training.batch_size": []}, "expected at least 1"),
        (
            {"training.optimizer.learning_rate": [0.1, -1]},
            "learning_rate=-1: training.optimizer.learning_rate: -1: expected",
        ),
        ({"training.optimizer.lerning_rate": [1]}, "did you mean 'learning_rate'?"),
    ],
)
def test_a_wrong_grid_is_refused(grid: dict[str, object], message: str) -> None:
    """Before anything is trained, every point is known to be a config."""
    with pytest.raises(ConfigError, match=message.replace("?", r"\?")):
        configs.from_data(TINY | {"grid": grid}, "test")


def test_contrasts_are_between_variants() -> None:
    """By default every other variant minus the first; named ones replace them; unknown ids are refused."""
    config = configs.from_data(TINY, "test")
    assert [(one.name, one.variant, one.reference) for one in config.compared()] == [
        ("weight_norm", "weight_norm", "regular")
    ]
    named = [{"name": "back", "variant": "regular", "reference": "weight_norm"}]
    assert configs.from_data(TINY | {"contrasts": named}, "test").compared()[0].name == "back"
    with pytest.raises(ConfigError, match="unknown variant id 'batch_norm'"):
        configs.from_data(TINY | {"contrasts": [{**named[0], "variant": "batch_norm"}]}, "test")
