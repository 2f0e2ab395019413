"""The config: what is read, what is refused, and in which words."""

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from matplotlib.colors import to_hex

from wncompare import config as configs
from wncompare.catalog import datasets, models, training
from wncompare.catalog.models import FileOptions
from wncompare.catalog.variants import WeightNormOptions
from wncompare.config import Config, Named, choices, yaml_data
from wncompare.errors import ConfigError

VALID = """\
name: small
dataset: {name: synthetic, shape: [16, 16, 1]}
model: {name: lenet}
variants:
  - {name: regular, label: Regular ConvNet, color: red}
  - {name: weight_norm, options: {data_init: tfa}}
training: {optimizer: {name: adam, learning_rate: 1e-3}}
seeds: [0, 1]
"""


def load(tmp_path: Path, text: str | bytes, *overrides: str) -> Config:
    """The config in `text`, through a file."""
    file = tmp_path / "small.yaml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return configs.load(file, overrides)


def refusal(tmp_path: Path, text: str | bytes, *overrides: str) -> str:
    """The message with which `text` is refused, the temporary folder left out."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text, *overrides)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(f"{tmp_path}/", "")


def test_a_config_is_typed_and_complete(tmp_path: Path) -> None:
    """What is left out has the design's defaults; 1e-3 is a number though plain PyYAML reads it as text."""
    config = load(tmp_path, VALID)
    assert config.training.optimizer.learning_rate == 0.001
    assert (config.training.batch_size, config.training.epochs, config.training.threads) == (32, 10, 1)
    assert (config.init_batch, config.validation) == (512, "test")
    assert [(variant.id, variant.label) for variant in config.variants] == [
        ("regular", "Regular ConvNet"),
        ("weight_norm", "weight_norm"),
    ]


def test_what_a_config_names_has_the_types_of_the_catalog(tmp_path: Path) -> None:
    """A choice is an instance of its entry's options and of what its kind has in common: what mypy believes is so."""
    data = load(tmp_path, VALID).dump()
    needed = {"npz": {"path": "a.npz"}, "image_folder": {"path": "a"}, "file": {"file": "a.keras"}}
    needed |= {"function": {"architecture": "0" * 64}, "exponential": {"factor": 0.5}, "inverse_time": {"decay": 1.0}}
    needed |= {"step": {"epochs": [1]}}

    def chosen(kind: str, name: str) -> Any:
        choice = {"name": name, **needed.get(name, {})}
        training = {**data["training"], **({kind: choice} if kind in ("optimizer", "schedule") else {})}
        changed = {**data, "training": training, **({kind: choice} if kind in ("dataset", "model") else {})}
        config = configs.from_data(changed, "test")
        return getattr(config.training if kind in ("optimizer", "schedule") else config, kind)

    for catalog in (datasets.DATASETS, models.MODELS, training.OPTIMIZERS, training.SCHEDULES):
        for name, entry in catalog.items():
            assert isinstance(chosen(catalog.kind, name), entry.options)
            assert isinstance(chosen(catalog.kind, name), Named)


def test_numpys_numbers_are_numbers(tmp_path: Path) -> None:
    """Seeds, settings and grids computed with NumPy are the config that the same numbers in Python are."""
    data = load(tmp_path, VALID).dump()

    def config(number: Any, array: Any) -> Config:
        training = {**data["training"], "epochs": number(3), "batch_size": number(16)}
        grid = {"training.batch_size": array([16, 32]), "training.optimizer.learning_rate": array([0.1, 0.01])}
        dataset = {**data["dataset"], "shape": array([8, 8, 1])}
        changes = {"training": training, "grid": grid, "seeds": array([0, 1]), "dataset": dataset}
        return configs.from_data({**data, **changes, "tensorboard": array(False)}, "test")

    def plain(value: Any) -> Any:
        return value

    assert config(np.int64, np.array) == config(plain, plain)
    assert config(np.uint8, np.array).dump() == config(plain, plain).dump()
    with pytest.raises(ConfigError, match=r"seeds\.0: 0\.0: expected a whole number"):
        configs.from_data({**data, "seeds": np.array([0, 0.5])}, "test")


def test_a_resolved_config_reads_back_equal(tmp_path: Path) -> None:
    """Dumping a config and reading it again gives the same config."""
    config = load(tmp_path, VALID)
    assert configs.from_data(config.dump(), "dump").dump() == config.dump()


@pytest.mark.parametrize(
    "name",
    ["cifar10", "cifar10_contrasts", "quickstart", "smoke", "smoke_generative", "smoke_numbers", "smoke_sequence"],
)
def test_every_shipped_config_is_valid(name: str) -> None:
    """The files in configs/ load, and each carries its own name."""
    assert configs.load(Path(__file__).parents[2] / "configs" / f"{name}.yaml").name == name


def test_the_demo_can_end_in_a_verdict() -> None:
    """Enough pairs for p < 0.05 (six give 2/64), and no more than 5,000 steps, so that it stays around a minute."""
    config = configs.load(Path(__file__).parents[2] / "configs" / "quickstart.yaml")
    pairs = len(config.seeds)
    assert 2 / 2**pairs < 0.05
    steps = math.ceil(1437 / config.training.batch_size) * config.training.epochs * pairs * len(config.variants)
    assert steps <= 5000


def test_overrides_reach_mappings_lists_and_variants(tmp_path: Path) -> None:
    """--set takes YAML values, a list's index and a variant's id."""
    config = load(
        tmp_path,
        VALID,
        "training.epochs=3",
        "seeds.1=7",
        "variants.weight_norm.options.data_init=false",
        "variants.0.label='it: works'",
    )
    assert config.training.epochs == 3
    assert config.seeds == (0, 7)
    assert config.variants[1].options == WeightNormOptions(data_init=False)
    assert config.variants[0].label == "it: works"


def test_training_takes_a_schedule_stopping_rules_and_metrics(tmp_path: Path) -> None:
    """What is given is kept, the rest has defaults, and a dump reads back equal."""
    config = load(
        tmp_path,
        VALID,
        "training.schedule={name: step, epochs: [5, 8]}",
        "training.early_stopping={patience: 3}",
        "training.stop_at={value: 0.6}",
        "training.metrics=[top_k_categorical_accuracy]",
        "validation={holdout: 0.1}",
    )
    dumped = config.dump()["training"]
    assert dumped["schedule"] == {"name": "step", "epochs": [5, 8], "factor": 0.1}
    assert dumped["early_stopping"] == {"metric": "val_loss", "patience": 3, "min_delta": 0.0}
    assert dumped["stop_at"] == {"metric": "val_accuracy", "value": 0.6}
    assert dumped["metrics"] == ["top_k_categorical_accuracy"]
    assert configs.from_data(config.dump(), "dump") == config


@pytest.mark.parametrize(
    ("written", "dumped"),
    [
        ("mse", "mean_squared_error"),
        ("{name: mae}", "mean_absolute_error"),
        ("{name: huber, delta: 2}", {"name": "huber", "delta": 2.0}),
        ("{name: categorical_crossentropy, from_logits: true}", {"name": "categorical_crossentropy", "from_logits": True}),
        ("categorical_crossentropy", "categorical_crossentropy"),
        ("own", "own"),
    ],
)  # fmt: skip
def test_a_loss_is_a_name_or_a_name_with_options(tmp_path: Path, written: str, dumped: Any) -> None:
    """What stands for Keras's default is a name in the records, as in those of before, whoever writes it how."""
    config = load(tmp_path, VALID, f"training.loss={written}", "training.metrics=[rmse, auc]")
    assert config.dump()["training"]["loss"] == dumped
    assert config.dump()["training"]["metrics"] == ["root_mean_squared_error", "auc"]
    assert configs.from_data(config.dump(), "dump") == config


def test_targets_and_differences_are_in_the_headlines_own_units(tmp_path: Path) -> None:
    """A loss or an error may be larger than 1, and a target below 0, as a bound in nats is."""
    settings = ("headline={metric: loss, better: lower}", "targets=[85.5, -2]", "smallest_difference=3.5")
    config = load(tmp_path, VALID, *settings)
    assert config.targets == (85.5, -2.0)
    assert config.smallest_difference == 3.5
    further = load(
        tmp_path,
        VALID,
        "training.metrics=[mae]",
        "headline={metric: mae}",
        "training.stop_at={metric: val_mae, value: 2}",
    )
    assert further.dump()["headline"] == {"metric": "mean_absolute_error"}
    assert further.dump()["training"]["stop_at"] == {"metric": "val_mean_absolute_error", "value": 2.0}


def test_a_model_file_is_found_beside_its_config(tmp_path: Path) -> None:
    """model: {file: my.keras} is relative to the config, wherever the command runs."""
    config = load(tmp_path, VALID.replace("{name: lenet}", "{file: my.keras}"))
    assert isinstance(config.model, FileOptions)
    assert config.model.file == str(tmp_path / "my.keras")


def test_a_model_file_below_a_name_that_is_no_utf_8_is_refused(tmp_path: Path) -> None:
    """A config is JSON in the records, and JSON is UTF-8: the refusal says what to rename."""
    folder = tmp_path / os.fsdecode(b"n\xff")
    folder.mkdir()
    (folder / "a.yaml").write_text(VALID.replace("{name: lenet}", "{file: my.keras}"), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"model\.file: '.*: expected a name in UTF-8: rename the file"):
        configs.load(folder / "a.yaml")


DATASETS, MODELS = ", ".join(datasets.DATASETS), ", ".join(models.MODELS)
FOLDER_NAME = "expected a folder name: up to 100 letters, digits and _ . + = , - with no dot in front"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name: lenet", "name: lenett", f"line 3: model: unknown model 'lenett': choose from {MODELS}; did you mean 'lenet'?"),
        ("synthetic", "cifar11", f"line 2: dataset: unknown dataset 'cifar11': choose from {DATASETS}; did you mean 'cifar10'?"),
        ("name: weight_norm", "name: weightnorm", "line 6: variants.1: unknown variant 'weightnorm': choose from {variants}; did you mean 'weight_norm'?"),
        ("name: adam", "name: adm", "line 7: training.optimizer: unknown optimizer 'adm': choose from {optimizers}; did you mean 'adam'?"),
        ("shape", "sahpe", "line 2: dataset.sahpe: unknown key 'sahpe': choose from reconstruct, standardize, as_sequence, shape, classes, train, test, seed, name; did you mean 'shape'?"),
        ("seeds:", "sedes:", "line 8: sedes: unknown key 'sedes': choose from name, dataset, model, variants, training, init_batch, validation, grid, seeds, contrasts, factors, headline, targets, smallest_difference, budget, tensorboard; did you mean 'seeds'?"),
        ("{name: synthetic, shape: [16, 16, 1]}", "{}", f"line 2: dataset: missing: expected a name, one of {DATASETS}"),
        ("{name: synthetic, shape: [16, 16, 1]}", "digits", "line 2: dataset: 'digits': expected a mapping with a name"),
        ("model: {name: lenet}\n", "", "line 1: model: missing: expected a value"),
        ("seeds: [0, 1]", "seeds: []", "line 8: seeds: []: expected at least 1"),
        ("seeds: [0, 1]", "seeds: [3, 3]", "line 8: seeds: the seed 3 is there twice: expected each once"),
        ("seeds: [0, 1]", "seeds: [0, -1]", "line 8: seeds.1: -1: expected greater than or equal to 0"),
        ("seeds: [0, 1]", "seeds: [0, 1.5]", "line 8: seeds.1: 1.5: expected a whole number"),
        ("seeds: [0, 1]", "seeds: 2", "line 8: seeds: 2: expected a list"),
        ("weight_norm,", "weight_norm, id: Regular,", "line 4: variants: the variant id 'regular' is there twice: expected each once"),
        ("data_init: tfa", "data_init: tfaa", "line 6: variants.1.options.data_init: 'tfaa': expected true or false or 'tfa'"),
        ("1e-3", ".nan", "line 7: training.optimizer.learning_rate: nan: expected a finite number"),
        ("1e-3", ".inf", "line 7: training.optimizer.learning_rate: inf: expected a finite number"),
        ("1e-3", "-1e-3", "line 7: training.optimizer.learning_rate: -0.001: expected greater than 0"),
        ("1e-3", "fast", "line 7: training.optimizer.learning_rate: 'fast': expected a number"),
        ("[16, 16, 1]", "[16, 0, 1]", "line 2: dataset.shape.1: 0: expected greater than 0"),
        ("[16, 16, 1]", "[16, 16]", "line 2: dataset.shape.2: missing: expected a value"),
        ("training: {", "training: {epochs: 0, ", "line 7: training.epochs: 0: expected greater than 0"),
        ("training: {", "training: {batch_size: true, ", "line 7: training.batch_size: True: expected a whole number"),
        ("color: red", "color: blurple", "line 5: variants.0.color: 'blurple': expected a colour that matplotlib knows, such as red or '#1f77b4'"),
        ("label: Regular ConvNet", 'label: "a\\tb"', "line 5: variants.0.label: 'a\\tb': expected printable text"),
        ("name: small", "name: ../x", f"line 1: name: '../x': {FOLDER_NAME}"),
        ("name: small", "name: /x", f"line 1: name: '/x': {FOLDER_NAME}"),
        ("name: small", "name: ..", f"line 1: name: '..': {FOLDER_NAME}"),
        ("name: small", 'name: "a\\0b"', f"line 1: name: 'a\\x00b': {FOLDER_NAME}"),
        ("name: small", 'name: "a\\n"', f"line 1: name: 'a\\n': {FOLDER_NAME}"),
        ("name: regular", "name: regular, id: a/b", f"line 5: variants.0.id: 'a/b': {FOLDER_NAME}"),
        ("name: small", "name: 3", "line 1: name: 3: expected text"),
        ("seeds:", "validation: {holdout: 2.0}\nseeds:", "line 8: validation.holdout: 2.0: expected less than 0.9"),
        ("seeds:", "validation: tset\nseeds:", "line 8: validation: 'tset': expected 'test' or a mapping"),
        ("seeds:", "name: again\nseeds:", "line 8: the key 'name' is there twice: keep one of them"),
        ("name: small", "name: !!python/object/apply:os.system ['id']", "line 1: tag tag:yaml.org,2002:python/object/apply:os.system: tags are not read, write a plain value"),
        ("seeds: [0, 1]", "seeds: &a [0, 1]\nb: *a", "line 9: alias *a: aliases are not read, write the value out"),
        ("training: {", "training: {schedule: {name: cosin}, ", "line 7: training.schedule: unknown schedule 'cosin': choose from {schedules}; did you mean 'cosine'?"),
        ("training: {", "training: {schedule: {name: exponential}, ", "line 7: training.schedule.factor: missing: expected a value"),
        ("training: {", "training: {schedule: {name: step, epochs: [8, 5]}, ", "line 7: training.schedule.epochs: [8, 5]: expected epochs in rising order, each once"),
        ("training: {", "training: {epochs: 2, schedule: {name: cosine, warmup_epochs: 2}, ", "line 7: training.schedule: {'name': 'cosine', 'warmup_epochs': 2}: expected fewer warmup_epochs than the 2 epochs"),
        ("training: {", "training: {early_stopping: {patience: 3}, ", "line 1: validation: training.early_stopping would choose the last epoch on the data that it is reported on: expected a holdout, such as {holdout: 0.1}"),
        ("training: {", "training: {early_stopping: {patience: 0}, ", "line 7: training.early_stopping.patience: 0: expected greater than 0"),
        ("training: {", "training: {stop_at: {metric: loss, value: 1}, ", "line 7: training.stop_at: unknown metric 'loss': choose from val_loss, val_accuracy; did you mean 'val_loss'?"),
        ("training: {", "training: {metrics: [auc], stop_at: {metric: val_recall, value: 1}, ", "line 7: training.stop_at: unknown metric 'val_recall': choose from val_loss, val_accuracy, val_auc"),
        ("training: {", "training: {loss: mze, ", "line 7: training.loss: unknown loss 'mze': choose from {losses}"),
        ("training: {", "training: {loss: {name: huber, delt: 2}, ", "line 7: training.loss.delt: unknown key 'delt': choose from delta, name; did you mean 'delta'?"),
        ("training: {", "training: {loss: {name: huber, delta: -2}, ", "line 7: training.loss.delta: -2: expected greater than 0"),
        ("training: {", "training: {loss: {delta: 2}, ", "line 7: training.loss: missing: expected a name, one of {losses}"),
        ("training: {", "training: {loss: 3, ", "line 7: training.loss: 3: expected a mapping with a name"),
        ("training: {", "training: {loss: {name: mse, from_logits: true}, ", "line 7: training.loss.from_logits: unknown key 'from_logits': choose from name; did you mean 'training.metrics.from_logits'?"),
        ("training: {", "training: {metrics: [auk], ", "line 7: training.metrics.0: unknown metric 'auk': choose from {metrics}; did you mean 'auc'?"),
        ("training: {", "training: {metrics: [auc, {name: auc, curve: PR}], ", "line 7: training.metrics: the metric 'auc' is there twice: expected each once"),
        ("training: {", "training: {metrics: [{name: auc, k: 2}], ", "line 7: training.metrics.0.k: unknown key 'k': choose from from_logits, curve, multi_label, num_thresholds, name"),
        ("training: {", "training: {metrics: auc, ", "line 7: training.metrics: 'auc': expected a list"),
        ("training: {", "training: {metrics: [auc, auc], ", "line 7: training.metrics: the metric 'auc' is there twice: expected each once"),
        ("training: {", "training: {loss: sparse_categorical_crossentropy, metrics: [auc], ", "line 7: training.metrics: auc does not go with the loss sparse_categorical_crossentropy: expected both or neither to be sparse_"),
        ("seeds:", "headline: {metric: acuracy}\nseeds:", "line 8: headline: unknown metric 'acuracy': choose from loss, accuracy; did you mean 'accuracy'?"),
        ("seeds:", "headline: {metric: val_loss}\nseeds:", "line 8: headline: unknown metric 'val_loss': choose from loss, accuracy; did you mean 'loss'?"),
        ("seeds:", "headline: {metric: loss, better: higher}\nseeds:", "line 8: headline: loss is better lower: leave better: higher out"),
        ("seeds:", "headline: {metric: loss, better: up}\nseeds:", "line 8: headline.better: 'up': expected 'higher' or 'lower'"),
        ("seeds:", "targets: [1.5]\nseeds:", "line 8: targets: [1.5]: expected accuracies, above 0 and up to 1; of another metric, name the headline, such as {metric: loss}"),
        ("seeds:", "targets: [.nan]\nseeds:", "line 8: targets.0: nan: expected a finite number"),
        ("seeds:", "smallest_difference: 2\nseeds:", "line 8: smallest_difference: 2: expected accuracies, above 0 and up to 1; of another metric, name the headline, such as {metric: loss}"),
        ("seeds:", "smallest_difference: 0\nseeds:", "line 8: smallest_difference: 0: expected greater than 0"),
        ("seeds: [0, 1]", "seeds: [0, 1", "line 9: expected ',' or ']', but got '<stream end>'"),
        ("seeds: [0, 1]", "seeds: " + "[" * 30, "line 8: nested deeper than 20 levels: a config is flatter"),
        ("seeds: [0, 1]", "? [a]\n: 1", "line 8: a key that is not text: write key: value"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_in_one_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    """A refusal names file, line, key path and value, what is allowed and the nearest match."""
    from wncompare.catalog.losses import LOSSES
    from wncompare.catalog.metrics import METRICS
    from wncompare.catalog.training import OPTIMIZERS, SCHEDULES
    from wncompare.catalog.variants import VARIANTS

    message = message.replace("{losses}", ", ".join(LOSSES)).replace("{metrics}", ", ".join(METRICS))
    expected = message.replace("{variants}", ", ".join(VARIANTS)).replace("{optimizers}", ", ".join(OPTIMIZERS))
    expected = expected.replace("{schedules}", ", ".join(SCHEDULES))
    assert old in VALID
    assert refusal(tmp_path, VALID.replace(old, new, 1)) == f"small.yaml, {expected}"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "small.yaml: empty: expected a mapping with name, dataset, model, variants and seeds"),
        ("# nothing\n", "small.yaml: empty: expected a mapping with name, dataset, model, variants and seeds"),
        ("just text", "small.yaml, line 1: the config: 'just text': expected a mapping"),
        (b"name: \xff\xfe", "small.yaml: not UTF-8 (byte 6): save the file as UTF-8"),
        (b"#" * (1 << 20) + b"\n", "small.yaml: larger than 1,048,576 bytes: a config is a small YAML file"),
        ("a: \x07", "small.yaml: not YAML: unacceptable character #x0007: special characters are not allowed in "
         '"<unicode string>", position 3'),
    ],
)  # fmt: skip
def test_a_file_that_is_no_config_is_refused(tmp_path: Path, content: str | bytes, message: str) -> None:
    """Empty, scalar, binary and enormous files are refused, each with its reason."""
    assert refusal(tmp_path, content) == message


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    """A file that is not there gives its name and the system's reason."""
    with pytest.raises(ConfigError, match=r"absent\.yaml: cannot be read \(No such file or directory\)"):
        configs.load(tmp_path / "absent.yaml")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.epochs=0", "--set training.epochs=0: training.epochs: 0: expected greater than 0"),
        ("trainig.epochs=3", "--set trainig.epochs=3: trainig: unknown key 'trainig': choose from name, dataset, model, variants, "
         "training, init_batch, validation, grid, seeds, contrasts, factors, headline, targets, smallest_difference, budget, tensorboard; "
         "did you mean 'training'?"),
        ("training.epochs", "--set training.epochs: expected KEY=VALUE, such as training.epochs=3"),
        ("name.x=3", "--set name.x=3: name is 'small', which has no key 'x'"),
        ("variants.weightnorm.id=x", "--set variants.weightnorm.id=x: unknown list entry 'weightnorm': "
         "choose from 0, 1, regular, weight_norm; did you mean 'weight_norm'?"),
        ("seeds=!!set {}", "--set seeds=!!set {}, line 1: tag tag:yaml.org,2002:set: tags are not read, write a plain value"),
    ],
)  # fmt: skip
def test_a_mistake_in_an_override_names_the_override(tmp_path: Path, override: str, message: str) -> None:
    """A refused --set is named itself, not a line of the file."""
    assert refusal(tmp_path, VALID, override) == message


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("epochs", "training.epochs"),
        ("learning_rate", "training.optimizer.learning_rate"),
        ("lr", "training.optimizer.learning_rate"),
        ("training.lr", "training.optimizer.learning_rate"),
        ("training.learning_rate", "training.optimizer.learning_rate"),
        ("batch_size", "training.batch_size"),
        ("batchsize", "training.batch_size"),
        ("seed", "seeds"),
        ("training.seeds", "seeds"),
        ("training.optimizer.epochs", "training.epochs"),
        ("epoch", "training.epochs"),
        ("optimizer", "training.optimizer"),
        ("data_init", "variants.<id>.options.data_init"),
        ("variants.1.data_init", "variants.<id>.options.data_init"),
        ("variants.1.options.data_initt", "data_init"),
        ("holdout", "validation.holdout"),
        ("dataset.sahpe", "shape"),
        ("patience", "training.early_stopping.patience"),
    ],
)
def test_a_key_in_the_wrong_place_is_led_to_its_own(tmp_path: Path, key: str, meant: str) -> None:
    """The hint names the key's whole path, for --set and for the same key in the file."""
    message = refusal(tmp_path, VALID, f"{key}=1")
    assert message.startswith(f"--set {key}=1: ")
    assert message.endswith(f"; did you mean {meant!r}?")


def test_a_nested_key_in_the_file_is_led_to_its_own(tmp_path: Path) -> None:
    """The same hint, with the line of the file."""
    message = refusal(tmp_path, VALID.replace("training: {", "training: {lr: 0.1, "))
    assert message.startswith("small.yaml, line 7: training.lr: unknown key 'lr': ")
    assert message.endswith("; did you mean 'training.optimizer.learning_rate'?")


@pytest.mark.parametrize(
    "override",
    [
        "model.name=lenett",
        "dataset.name=cifar11",
        "training.optimizer.name=adm",
        "variants.weight_norm.name=weightnorm",
        "variants.1.id=regular",
        "training.early_stopping={patience: 3}",
        "training.loss=sparse_categorical_crossentropy",
        "seeds.1=0",
        "dataset.name=npz",
        "grid={training.batch_size: [0]}",
    ],
)
def test_what_an_override_breaks_is_not_blamed_on_the_file(tmp_path: Path, override: str) -> None:
    """Where the file alone is right, a name, a duplicate or a combination that --set made wrong is --set's."""
    text = VALID.replace("training: {", "training: {metrics: [auc], ")
    assert refusal(tmp_path, text, override).startswith(f"--set {override}: ")


def test_two_overrides_that_do_not_go_together_are_both_named(tmp_path: Path) -> None:
    """Nobody can say which of them is wrong."""
    overrides = ("training.schedule={name: cosine, warmup_epochs: 2}", "training.epochs=2")
    message = refusal(tmp_path, VALID, *overrides[::-1])
    assert message.startswith(f"--set {overrides[0]}: training.schedule: ")
    file = VALID.replace("training: {", "training: {schedule: {name: cosine, warmup_epochs: 2}, ")
    assert refusal(tmp_path, file, overrides[1], "init_batch=8").startswith(
        f"--set {overrides[1]} --set init_batch=8: training.schedule: "
    )


def test_a_file_that_was_wrong_before_keeps_its_line(tmp_path: Path) -> None:
    """An override that is right does not take the blame for the file."""
    text = VALID.replace("name: lenet", "name: lenett")
    assert refusal(tmp_path, text, "training.epochs=3").startswith("small.yaml, line 3: model: unknown model")


def test_several_mistakes_are_counted(tmp_path: Path) -> None:
    """The first mistake is told in full, the others are counted."""
    assert refusal(tmp_path, "name: x") == "small.yaml, line 1: dataset: missing: expected a value (and 3 more)"


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(st.characters(codec="ascii", exclude_categories=["Cc"])),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcxyz", min_size=1), inner, max_size=4),
)


@given(value=VALUES)
@example(value="Infinity")
@example(value=[float("-inf"), {"a": "-Infinity \\"}])
def test_whatever_json_writes_is_read_back(value: Any) -> None:
    """JSON is YAML: any nesting of JSON values comes back equal, numbers as the same numbers."""
    import json
    import re

    in_yaml = re.sub(r'("(?:[^"\\]|\\.)*")|Infinity', lambda found: found[1] or ".inf", json.dumps(value))
    assert yaml_data.parse(in_yaml, "text").value == value


@given(text=st.text(max_size=200))
def test_no_text_brings_the_reader_down(text: str) -> None:
    """Any text is either read as data or refused with a ConfigError of one line."""
    refusal = ""
    try:
        yaml_data.parse(text, "text")
    except ConfigError as error:
        refusal = str(error)
    assert "\n" not in refusal


@pytest.mark.parametrize("name", training.OPTIMIZERS)
def test_an_optimizer_without_options_has_those_of_the_catalog(name: str, tmp_path: Path) -> None:
    """A default that an optimizer has of its own, such as SGD's rate of 0.01, is no other in a config."""
    data = load(tmp_path, VALID).dump()
    settings = {**data["training"], "optimizer": {"name": name}}
    found = configs.from_data({**data, "training": settings}, "tiny").training.optimizer
    assert found.model_dump() == {**training.OPTIMIZERS[name].options().model_dump(), "name": name}


def test_plain_colours_are_matplotlib_s() -> None:
    """Those for which it is not imported are colours to it."""
    names = choices._PLAIN_COLORS.pattern.split("|")[1:]
    assert all(to_hex(name).startswith("#") for name in names)
    assert choices._PLAIN_COLORS.fullmatch("#1f77b4")
    assert not choices._PLAIN_COLORS.fullmatch("#1f77b")
