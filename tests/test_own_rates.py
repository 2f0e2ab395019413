"""A learning rate of a variant's own: in its runs' identity, in what they train with, and in what is said of them."""

from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from tests.conftest import TINY
from tests.recorded import summary_of
from wncompare import config as configs
from wncompare import records
from wncompare.analysis.methods import methods
from wncompare.config import Config
from wncompare.errors import ConfigError, RecordsError
from wncompare.records import DatasetRecord
from wncompare.render import markdown
from wncompare.run.execute import execute
from wncompare.run.plan import plan

DATASET = DatasetRecord(name="synthetic", label="synthetic", digest="0" * 64, official=None)
OWN = [{"name": "regular"}, {"name": "weight_norm", "learning_rate": 0.02}]


def tiny(**changes: Any) -> Config:
    """The tiny config with the changes."""
    return configs.from_data(TINY | changes, "test")


def test_a_variants_own_rate_is_in_its_runs_identity_as_the_optimizers_would_be(tmp_path: Path) -> None:
    """The runs of an arm are those of a config with that rate for all: none is trained again when rates are written."""
    optimizer = {**TINY["training"]["optimizer"], "learning_rate": 0.02}
    for_all = tiny(training={**TINY["training"], "optimizer": optimizer})
    expected = {
        **{run.name: run.record.fingerprint for run in plan(tiny(), tmp_path, DATASET) if "regular" in run.name},
        **{run.name: run.record.fingerprint for run in plan(for_all, tmp_path, DATASET) if "weight_norm" in run.name},
    }
    assert {run.name: run.record.fingerprint for run in plan(tiny(variants=OWN), tmp_path, DATASET)} == expected


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The records of a run of each."""
    folder = tmp_path_factory.mktemp("own_rates")
    assert not execute(tiny(variants=OWN, seeds=[0]), folder).unsuccessful
    return folder


def test_each_variant_trains_at_its_own_rate_and_every_report_says_so(trained: Path) -> None:
    """history.csv has the rate that the optimizer had; the folder is read back, though its arms differ in a rate."""
    rates = {run.record.variant: max(run.history["learning_rate"]) for run in records.read(trained).runs}
    shared = tiny().training.optimizer.learning_rate
    assert rates == pytest.approx({"regular": shared, "weight_norm": 0.02})
    page = markdown.render(summary_of(trained))
    assert "| variant | learning rate |" in page
    assert f"| regular | {shared:g} |" in page
    assert "| weight\\_norm | 0.02 |" in page
    said = methods(summary_of(trained))
    assert "learning rate was fixed before the first run" in said
    assert "No setting was tuned" not in said


def test_arms_that_differ_in_their_rate_are_refused_where_the_config_gives_none(trained: Path, tmp_path: Path) -> None:
    """A folder whose config says one rate for all, and holds runs of two, is a mixture."""
    folder = copytree(trained, tmp_path / "mixed")
    records.write_experiment(folder, tiny(seeds=[0]), "test")
    with pytest.raises(RecordsError, match=r"training\.optimizer\.learning_rate: .* there, .* asked for"):
        records.read(folder)


@pytest.mark.parametrize("rate", [0, -0.1, float("inf"), float("nan"), "fast", [0.1]])
def test_what_is_no_rate_is_refused(rate: Any) -> None:
    """As the optimizer's own is."""
    with pytest.raises(ConfigError, match="learning_rate"):
        tiny(variants=[{"name": "regular", "learning_rate": rate}])


def test_a_grid_of_rates_and_a_rate_of_ones_own_are_refused_together() -> None:
    """The grid would say one thing and the variant another."""
    with pytest.raises(ConfigError, match="variant weight_norm has a learning_rate of its own: expected one or the"):
        tiny(variants=OWN, grid={"training.optimizer.learning_rate": [0.1, 0.2]})
    assert tiny(variants=OWN, grid={"training.batch_size": [16, 32]}).points
