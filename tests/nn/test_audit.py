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
    assert list(audited(tmp_path, variants=("weight_norm",)).tables) == ["weight_norm"]
    assert list(audited(tmp_path, variants=("regular", "weight_norm")).summaries) == ["regular", "weight_norm"]


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
