"""What a network is refused for before any run: it is built, called and takes one step."""

from pathlib import Path
from typing import Any

import cloudpickle
import keras
import numpy as np
import pytest
from keras import layers

from tests.conftest import TINY
from wncompare import config as configs
from wncompare.errors import ConfigError, ModelError
from wncompare.nn.runs.audit import audit
from wncompare.nn.training.trainer import first_step
from wncompare.tasks import Audited, AuditTask, decode_task, encode_task

from .trained import CLASSES, compiled, flat, state, train


class Fails(layers.Layer):
    """Can be built, and cannot be trained."""

    def call(self, inputs: Any, training: bool = False) -> Any:
        """The inputs, unless in training."""
        if training:
            raise RuntimeError("no\ntraining")
        return inputs


def audited(
    folder: Path, build_model: Any = None, variants: tuple[str, ...] = ("regular",), **training: Any
) -> Audited:
    """The audit of the tiny config, or of a network of one's own on its data."""
    config = configs.from_data({**TINY, "training": {**TINY["training"], **training}}, "test")
    packed = None if build_model is None else cloudpickle.dumps(build_model)
    task = AuditTask(name="audit", folder=folder, config=config, variants=variants, device="cpu", build_model=packed)
    return audit(decode_task(encode_task(task)), lambda event: None)  # type: ignore[arg-type]


def network(*last: layers.Layer) -> keras.Model:
    """Three outputs of an image, and what follows them."""
    return keras.Sequential([keras.Input((16, 16, 1)), layers.Flatten(), layers.Dense(3, activation="relu"), *last])


def test_each_variant_is_summarized(tmp_path: Path) -> None:
    """Those that are asked for, and no others."""

    def build() -> keras.Model:
        return network(layers.Softmax())

    assert list(audited(tmp_path, build, ("weight_norm",)).tables) == ["weight_norm"]
    assert list(audited(tmp_path, build, ("regular", "weight_norm")).summaries) == ["regular", "weight_norm"]


def test_a_network_that_fails_in_training_is_refused_on_one_line(tmp_path: Path) -> None:
    """Whatever a layer raises, with the variant and the model that it is of."""

    def build() -> keras.Model:
        return network(layers.Softmax(), Fails())

    expected = (
        r"^variant regular: model .*: fails at its first step: RuntimeError: .*no training.*: expected a model and"
    )
    with pytest.raises(ModelError, match=expected) as refused:
        audited(tmp_path, build)
    assert "\n" not in str(refused.value)


def test_a_loss_that_is_no_number_is_refused(tmp_path: Path) -> None:
    """Poisson's loss of a negative rate is NaN: every run would diverge at its first step."""

    def build() -> keras.Model:
        return network(layers.Dense(3, kernel_initializer="zeros", bias_initializer=keras.initializers.Constant(-1)))

    with pytest.raises(
        ModelError, match=r"its loss is nan at the first step, .*: expected outputs that the loss takes"
    ):
        audited(tmp_path, build, loss="poisson")


def test_a_loss_that_does_not_take_the_targets_is_refused_before_a_network_is_built(tmp_path: Path) -> None:
    """The function is not even called."""

    def build() -> keras.Model:
        raise AssertionError("called")

    with pytest.raises(ConfigError, match=r"training\.loss: mean_absolute_percentage_error divides by the target"):
        audited(tmp_path, build, loss="mape")


def test_the_first_step_is_keras_s() -> None:
    """Loss, metrics and weights after it equal those of `train_on_batch`, with or without lowering."""
    few = train.take(np.arange(16))
    for build in (flat, compiled):
        ours, theirs = build(), build()
        logs = first_step(ours, few)
        expected = theirs.train_on_batch(few.x / np.float32(255), np.eye(CLASSES)[few.y], return_dict=True)
        assert logs == pytest.approx(expected, rel=1e-5)
        for mine, stock in zip(state(ours), state(theirs), strict=True):
            np.testing.assert_allclose(mine, stock, rtol=1e-4, atol=1e-6)


def of_arrays(folder: Path, build_model: Any, *data: Any, dataset: Any = None, **changes: Any) -> Audited:
    """The audit of a network on x_train, y_train, x_test, y_test; `dataset` are options of the arrays."""
    names = ("x_train", "y_train", "x_test", "y_test")
    np.savez(folder / "mine.npz", **dict(zip(names, data, strict=True)))
    chosen = {"name": "npz", "path": str(folder / "mine.npz"), **(dataset or {})}
    config = configs.from_data({**TINY, "dataset": chosen, **changes}, "test")
    packed = cloudpickle.dumps(build_model)
    task = AuditTask(
        name="audit", folder=folder, config=config, variants=("regular",), device="cpu", build_model=packed
    )
    return audit(task, lambda event: None)


def fractions() -> keras.Model:
    """Two numbers to one between 0 and 1."""
    return keras.Sequential([keras.Input((2,)), layers.Dense(1, activation="sigmoid")])


@pytest.mark.parametrize("validation", ["test", {"holdout": 0.5}])
@pytest.mark.parametrize(("train_row", "test_row", "row"), [(None, 6, "row 6 of the test split"), (7, None, "row 7")])
def test_targets_of_every_row_are_judged(
    tmp_path: Path, validation: Any, train_row: int | None, test_row: int | None, row: str
) -> None:
    """One that the loss does not take is refused in the test split and in what a holdout takes out, by its own row."""
    x, y, y_test = np.zeros((8, 2)), np.linspace(0, 1, 8), np.linspace(0, 1, 8)
    for targets, place in ((y, train_row), (y_test, test_row)):
        if place is not None:
            targets[place] = 2
    training = {"loss": "binary_crossentropy"}
    with pytest.raises(ConfigError, match=f"the target of {row} is 2: choose"):
        of_arrays(tmp_path, fractions, x, y, x, y_test, training=training, validation=validation)


def test_a_headline_that_no_run_will_have_is_refused(tmp_path: Path) -> None:
    """Numbers have no accuracy; said before a run, for afterwards no report could be written."""
    x, y = np.zeros((8, 2)), np.linspace(0, 1, 8)
    with pytest.raises(ConfigError, match=r"^headline: accuracy: the targets are no classes: expected metric: loss"):
        of_arrays(tmp_path, fractions, x, y, x, y, training={"loss": "mse"}, headline={"metric": "accuracy"})


def test_a_network_without_room_for_every_token_is_refused(tmp_path: Path) -> None:
    """XLA would read another token's row of the table in its place, and say nothing."""

    def words(rows: int) -> keras.Model:
        table = layers.Embedding(rows, 2)
        return keras.Sequential([keras.Input((3,)), table, layers.Flatten(), layers.Dense(2, activation="softmax")])

    x, y = np.zeros((600, 3), np.int32), np.arange(600) % 2
    x[599] = 30
    with pytest.raises(ModelError, match="takes no token 30, which the data have: expected an Embedding of 31 rows"):
        of_arrays(tmp_path, lambda: words(30), x, y, x, y)
    of_arrays(tmp_path, lambda: words(31), x, y, x, y)
