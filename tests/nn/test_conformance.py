"""Every two of networks, kinds of data and variants, together: trained, killed, gone on with, compared and exported."""

from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest

from wncompare import config as configs
from wncompare import data, records
from wncompare.analysis.summary import summarize
from wncompare.catalog.variants import VARIANTS
from wncompare.config import Config
from wncompare.nn.runs import train as runs
from wncompare.records import Experiment
from wncompare.run.plan import PlannedRun, plan
from wncompare.tasks import EpochDone, Event, TrainTask

from .conformance import DATA, MODELS, Case, cover, write_files
from .test_training_runs import Killed

CASES = tuple(cover([name for name in VARIANTS if name != "function"], most=3))
QUICK = Case("lstm", "rows", ("weight_norm",))
"""This stands for the others where there is no time for all."""


def marked() -> Iterator[object]:
    """The cases, marked as slow, and the quick one."""
    yield pytest.param(QUICK, id=QUICK.name)
    for case in CASES:
        yield pytest.param(case, id=case.name, marks=pytest.mark.slow)


def test_all_meet_in_thirty_cases() -> None:
    """Every network meets each kind of data and each variant that it goes with, and each kind of data every variant."""
    assert len(CASES) <= 30
    met = set().union(*(case.pairs for case in CASES))
    assert {kind for case in CASES for kind in [case.data]} == set(DATA)
    for name, (_, kinds) in MODELS.items():
        assert all(frozenset({("model", name), ("data", kind)}) in met for kind in kinds)
    for variant in VARIANTS.keys() - {"function"}:
        assert all(frozenset({("data", kind), ("variant", variant)}) in met for kind in DATA)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the data that are files."""
    folder = tmp_path_factory.mktemp("files")
    write_files(folder)
    return folder


@pytest.mark.parametrize("case", list(marked()))
def test_a_killed_run_ends_as_the_whole_one_and_is_compared(case: Case, files: Path, tmp_path: Path) -> None:
    """Killed after its first epoch and gone on with, each run has the bits of one that nothing disturbed.

    The experiment has a summary, and the trained model is read back and gives finite numbers.
    """
    config = configs.from_data(case.config(files), case.name)
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    for run in planned(config, whole):
        train(config, run)
    for run in planned(config, cut):
        with pytest.raises(Killed):
            train(config, run, die_after=1)
        train(config, run)
    one, other = read(config, whole), read(config, cut)
    for undisturbed, resumed in zip(one.runs, other.runs, strict=True):
        assert undisturbed.record.status == resumed.record.status == "finished"
        assert undisturbed.record.test == resumed.record.test
        for name in undisturbed.history.keys() - {"train_seconds", "eval_seconds"}:
            np.testing.assert_array_equal(undisturbed.history[name], resumed.history[name], name)
        ours, theirs = (np.load(each.folder / records.CHECKPOINT_FILE) for each in (undisturbed, resumed))
        for name in theirs.files:
            np.testing.assert_array_equal(ours[name], theirs[name], name)
        model = keras.models.load_model(resumed.folder / records.MODEL_FILE, compile=False)
        assert all(np.isfinite(weight).all() for weight in model.get_weights())
    summary = summarize(other)
    assert [variant.finished for variant in summary.comparisons[0].variants] == [1] * len(case.variants)
    assert np.isfinite([variant.headline.mean for variant in summary.comparisons[0].variants]).all()
    assert summary.headline == ("test_accuracy" if "accuracy" in other.runs[0].history else "test_loss")


def planned(config: Config, folder: Path) -> tuple[PlannedRun, ...]:
    """The runs of the config in the folder."""
    dataset = data.load(config.dataset.name, config.dataset)
    known = {"label": dataset.label, "digest": dataset.digest, "official": None}
    record = records.DatasetRecord(name=dataset.name, targets=dataset.form.target.kind, **known)
    return plan(config, folder, record)


def train(config: Config, run: PlannedRun, *, die_after: int = 0) -> None:
    """What a worker does with a run, in this process; it may die after an epoch."""

    def report(event: Event) -> None:
        if isinstance(event, EpochDone) and event.epoch == die_after:
            raise Killed

    run.folder.mkdir(parents=True, exist_ok=True)
    runs.train(TrainTask(name=run.name, folder=run.folder, config=config, record=run.record), report)


def read(config: Config, folder: Path) -> Experiment:
    """The experiment in the folder."""
    records.write_experiment(folder, config, "0")
    return records.read(folder)
