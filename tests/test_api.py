"""The main job as a Python function, on a network of the user's own."""

import dataclasses
import json
import re
import threading
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import keras
import numpy as np
import pytest

import wncompare
from tests.recorded import configured
from wncompare import records
from wncompare.cli import _exit_code
from wncompare.config import Config
from wncompare.errors import ModelError, RecordsError, UsageError, WncompareError
from wncompare.nn.identity import architecture

ARRAYS = [(np.random.default_rng(seed).integers(0, 256, (24, 4, 4), np.uint8), np.arange(24) % 3) for seed in (0, 1)]


class Doubled(keras.layers.Layer):
    """A layer that only this file knows."""

    factor = 2.0

    def call(self, inputs: Any) -> Any:
        """Twice the inputs, by default."""
        return self.factor * inputs


def network(units: int, factor: float = 2.0) -> keras.Model:
    """A functional model with a branch and a layer of this file's."""
    inputs = keras.Input((4, 4, 1))
    flat = keras.layers.Flatten()(inputs)
    doubled = Doubled()
    doubled.factor = factor
    branch = doubled(keras.layers.Dense(units, activation="relu")(flat))
    both = keras.layers.Concatenate()([flat, branch])
    return keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(both))


def compare(folder: Path, units: int, factor: float = 2.0, **changes: Any) -> Any:
    """The comparison of a closure's network, two seeds, one epoch."""
    settings = {"seeds": [0, 1], "training": {"epochs": 1, "batch_size": 8}, "workers": 1, **changes}
    return wncompare.compare(lambda: network(units, factor), tuple(ARRAYS), output=folder, quiet=True, **settings)


def test_compare_trains_a_network_that_only_this_process_knows(tmp_path: Path) -> None:
    """A closure with a custom layer is trained in worker processes; the table has a row a run; again is a no-op."""
    table = compare(tmp_path / "own", units=5)
    assert sorted(zip(table.variant, table.seed, table.epoch, strict=True)) == [
        ("regular", 0, 1),
        ("regular", 1, 1),
        ("weight_norm", 0, 1),
        ("weight_norm", 1, 1),
    ]
    assert np.isfinite(table.val_loss).all()
    again = compare(tmp_path / "own", units=5)
    np.testing.assert_array_equal(again.train_seconds, table.train_seconds)
    with pytest.raises(RecordsError, match=r"differs in model\.architecture") as caught:
        compare(tmp_path / "own", units=6)
    assert str(caught.value).endswith("delete such runs with overwrite=True, or name another folder with output=")
    assert "--" not in str(caught.value)
    with pytest.raises(RecordsError, match="differs in what its network computes"):
        compare(tmp_path / "own", units=5, factor=2.1)
    record = records.read(tmp_path / "own").runs[0].record
    records.write_run(tmp_path / "own" / "regular" / "seed-0", record.model_copy(update={"probe": None}))
    with pytest.warns(UserWarning, match="1 runs, regular/seed-0 the first, are of a version that kept"):
        compare(tmp_path / "own", units=5, factor=2.1, variants=["regular"], seeds=[0])


@pytest.mark.usefixtures("in_this_process")
def test_a_comparison_that_trains_nothing_raises(tmp_path: Path) -> None:
    """A network that cannot be trained, or that is none, is an error with its reason, not an empty table."""
    with pytest.raises(ModelError, match=r"variant \w+: model sequential: .*probabilities"):
        wncompare.compare(
            lambda: keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(3)]),
            tuple(ARRAYS),
            seeds=[0],
            output=tmp_path / "logits",
            training={"epochs": 1, "batch_size": 8},
            quiet=True,
        )
    for build_model in (None, lambda: 3):
        with pytest.raises(UsageError, match="expected a function that makes a new"):
            wncompare.compare(build_model, tuple(ARRAYS), seeds=[0], output=tmp_path / "none")


@pytest.mark.usefixtures("in_this_process")
def test_compare_takes_a_holdout_a_grid_and_stopping_rules(tmp_path: Path) -> None:
    """What a config can say reaches the records: two points, a test result each, and why a run stopped.

    It may be said with NumPy's scalars and arrays and with generators: a float32 is the decimal that it shows.
    """
    table = wncompare.compare(
        lambda: network(5),
        tuple(ARRAYS),
        variants=(name for name in np.array(["regular"])),
        seeds=np.arange(1),
        output=tmp_path / "grid",
        training={
            "epochs": np.int64(5),
            "optimizer": {"name": np.str_("sgd"), "learning_rate": np.float32(0.001), "nesterov": np.bool_(False)},
            "stop_at": {"metric": "val_accuracy", "value": np.float64(0.0)},
        },
        validation={"holdout": np.float32(0.25)},
        init_batch=np.uint16(8),
        grid={"training.batch_size": np.array([8, 9])},
        workers=np.int32(1),
        device="cpu",
        quiet=True,
    )
    assert list(table.test_accuracy.notna()) == [True, True]
    runs = records.read(tmp_path / "grid").runs
    assert [run.record.identity["training"]["batch_size"] for run in runs] == [8, 9]
    assert [run.record.identity["init_batch"] for run in runs] == [8, 8]
    assert [run.record.stopped for run in runs] == ["stop_at: val_accuracy reached 0.0"] * 2
    assert [run.epochs for run in runs] == [1, 1]
    assert all(run.record.test is not None for run in runs)
    assert {run.record.identity["training"]["optimizer"]["learning_rate"] for run in runs} == {0.001}


SLIPS: list[tuple[dict[str, Any], str]] = [
    ({"build_model": network(5)}, "is one network: expected a function that makes a new one for each run"),
    ({"build_model": 3}, "build_model: 3: expected a function"),
    ({"build_model": network}, "build_model: fails when called without arguments: TypeError"),
    ({"seeds": 3}, r"seeds: 3: expected several, such as range\(3\)"),
    ({"seeds": "012"}, "seeds: '012': expected several"),
    ({"seeds": [0.5]}, r"seeds\.0: 0\.5: expected a whole number"),
    ({"seeds": {"until": "setled"}}, r"seeds\.until: 'setled': expected 'settled'"),
    ({"seeds": {"until": "settled", "most": np.int64(5)}}, r"seeds\.most: 5: expected at least 8"),
    ({"variants": "weight_norm"}, "variants: 'weight_norm': expected several"),
    ({"variants": {"name": "weight_norm"}}, "variants: {'name': 'weight_norm'}: expected several"),
    ({"variants": [3]}, "variants: 3: expected names, mappings as in a config or functions"),
    ({"variants": [lambda model: model]}, r"<lambda> at .* has no name of its own: give it one, {\"function\": …"),
    ({"variants": ["regular", {"function": 3}]}, "variants: 3: expected a function that takes the model"),
    ({"variants": [network(5)]}, "variants: <Functional .*expected a function that takes the model"),
    ({"variants": [keras.layers.Dense]}, "variants: <class .*Dense'>: expected a function that takes the model"),
    (
        {"variants": [{"function": network, "id": "a", "name": "b"}]},
        "'name' beside a function: expected id, label, color and",
    ),
    ({"variants": [network, {"function": len, "id": "network"}]}, "2 functions are named 'network': name each by"),
    ({"variants": [network]}, "variant network: fails on the regular model: "),
    ({"variants": [{"function": lambda model: model, "id": "a/b"}]}, "'a/b': expected a folder name"),
    ({"variants": ["weight_nrm"]}, "did you mean 'weight_norm'"),
    ({"dataset": 3}, "dataset: of type int: expected a name"),
    ({"dataset": ARRAYS[0]}, "dataset: of type tuple: expected a name"),
    ({"dataset": "digit"}, "did you mean 'digits'"),
    ({"training": "adam"}, "training: 'adam': expected a mapping"),
    ({"validation": 3}, "validation: 3: expected 'test' or a mapping"),
    ({"grid": [8]}, r"grid: \[8\]: expected a mapping"),
    ({"grid": {"training.batch_size": 8}}, r"grid\.training\.batch_size: 8: expected a list"),
    ({"headline": "loss"}, "headline: 'loss': expected a mapping"),
    ({"headline": {"metric": "acuracy"}}, "headline: unknown metric 'acuracy': .*did you mean 'accuracy'"),
    ({"workers": 0}, "workers: 0: expected a whole number above 0"),
    ({"workers": "two"}, "workers: 'two': expected a whole number above 0"),
    ({"device": "tpu"}, "device: 'tpu': expected 'cpu' or 'gpu'"),
    ({"output": 3}, "output: 3: expected the path of a folder"),
    ({"output": __file__}, r"output: .*test_api\.py is a file: name a folder"),
    ({"data_dir": 5}, "data_dir: 5: expected the path of a folder"),
]


@pytest.mark.parametrize(("slip", "words"), SLIPS, ids=lambda value: "-".join(value) if isinstance(value, dict) else "")
def test_a_slip_is_one_line_that_names_the_argument(slip: dict[str, Any], words: str, tmp_path: Path) -> None:
    """No TypeError: the argument, what it was, what was expected; nothing is trained and no folder made for it."""
    arguments = {"build_model": lambda: network(5), "dataset": tuple(ARRAYS), "seeds": [0]}
    arguments |= {"output": tmp_path / "a" / "b", **slip}
    with pytest.raises(WncompareError, match=words) as caught:
        wncompare.compare(**arguments)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.rglob("run.json"))


def test_a_report_is_the_command_s_and_shows_itself(
    write_records: Callable[..., Path], tiny: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    """Verdict and numbers are those of `wncompare report`; in a notebook names are text, and nothing is loaded."""
    hostile = "<script>alert(1)</script> & 'x'"
    config = configured(tiny, variants=[{"name": "regular", "label": hostile}, {"name": "weight_norm"}])
    folder = write_records(config, lambda variant, seed, epoch: 0.5 + 0.01 * seed)
    found = wncompare.report(folder)
    assert _exit_code(["report", str(folder), "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert json.loads(json.dumps(found.data())) == document
    assert found.verdict == document["verdict"]
    assert list(found.caveats) == document["caveats"]
    assert (found.experiment, found.folder) == ("tiny", folder)
    assert found.markdown().startswith("### tiny")
    page = found._repr_html_()
    assert escape(found.verdict) in page
    assert escape(hostile) in page
    assert "<script" not in page
    assert not re.search("src=|href=|style=|url", page)
    _assert_well_formed(page)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.experiment = "other"  # type: ignore[misc]


def _assert_well_formed(page: str) -> None:
    """Every element is closed, in order: XML says so."""
    ElementTree.fromstring(page)


def test_a_report_is_of_one_experiment(write_records: Callable[..., Path], tiny: Config, tmp_path: Path) -> None:
    """Of several one is to be named; of none the message says what is expected."""
    for name in ("one", "two"):
        write_records(tiny, lambda *_: 0.5, tmp_path / "all" / name)
    with pytest.raises(UsageError, match=r"holds 2 experiments: name one of them, such as .*one"):
        wncompare.report(tmp_path / "all")
    with pytest.raises(RecordsError, match=r"no experiment\.json here or below"):
        wncompare.report(tmp_path / "all" / "one" / "regular")


def test_an_architecture_is_known_by_its_layers_not_their_running_names() -> None:
    """Building the same network twice gives the same digest although Keras counts names up; another width does not."""
    assert architecture(network(5)) == architecture(network(5))
    assert architecture(network(5)) != architecture(network(6))


def test_a_layer_named_like_its_activation_hides_nothing() -> None:
    """Names are what Keras counts up, and only they: another activation is another architecture."""

    def named(activation: str) -> keras.Model:
        return keras.Sequential([keras.Input((2,)), keras.layers.Activation(activation, name=activation)])

    assert architecture(named("relu")) != architecture(named("tanh"))


def test_a_function_that_cannot_leave_this_process_is_refused(tmp_path: Path) -> None:
    """On one line, with the remedy, before anything is written."""
    lock = threading.Lock()

    def build_model() -> keras.Model:
        with lock:
            return keras.Sequential([keras.Input((32, 32, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])

    with pytest.raises(UsageError, match=r"build_model: cannot be sent to a worker process .*lock") as caught:
        wncompare.compare(build_model, "digits", seeds=[0], output=tmp_path / "out", quiet=True)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()
