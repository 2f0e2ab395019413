"""Losses with options, metrics, a model's own loss, and what does not fit a model's outputs."""

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from wncompare.config import Training
from wncompare.errors import ModelError
from wncompare.nn import objectives

RNG = np.random.default_rng(0)
OUTPUTS = RNG.normal(size=(6, 3)).astype(np.float32)
CLASSES = np.array([0, 1, 2, 2, 1, 0])
ONE_HOT = np.eye(3, dtype=np.float32)[CLASSES]


class Pull(layers.Layer):
    """Adds a loss: half the mean of the squares of what passes."""

    def call(self, inputs: Any) -> Any:
        """The inputs."""
        self.add_loss(keras.ops.mean(inputs**2) / 2)
        return inputs


def identity(activation: str = "linear", *extra: layers.Layer) -> keras.Model:
    """Three numbers to themselves, through an activation."""
    kernel = keras.initializers.Identity()
    dense = layers.Dense(3, activation=activation, kernel_initializer=kernel)
    return keras.Sequential([keras.Input((3,)), dense, *extra], name="net")


def evaluated(model: keras.Model, targets: Any, training: Training, *, accuracy: bool = False) -> dict[str, float]:
    """What Keras says of a compiled model."""
    metrics = objectives.metrics_of(training, classes=3 if accuracy else None)
    model.compile(loss=objectives.loss_of(training), metrics=metrics)
    found: dict[str, float] = model.evaluate(OUTPUTS, targets, verbose=0, return_dict=True)
    return found


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """In float64."""
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def test_the_options_of_a_loss_are_keras_s() -> None:
    """Each option does what its formula says: delta of Huber's loss, logits, smoothed labels, Tversky's weights."""
    error = np.abs(OUTPUTS.astype(np.float64) - ONE_HOT)
    huber = np.where(error <= 0.3, error**2 / 2, 0.3 * error - 0.3**2 / 2).mean()
    crossentropy = -log_softmax(OUTPUTS)[np.arange(6), CLASSES].mean()
    smooth = -(log_softmax(OUTPUTS) * (0.8 * ONE_HOT + 0.2 / 3)).sum(axis=-1).mean()
    expected: list[tuple[Any, np.ndarray, float]] = [
        ({"name": "huber", "delta": 0.3}, ONE_HOT, huber),
        ({"name": "categorical_crossentropy", "from_logits": True}, ONE_HOT, crossentropy),
        ({"name": "sparse_categorical_crossentropy", "from_logits": True}, CLASSES, crossentropy),
        ({"name": "categorical_crossentropy", "from_logits": True, "label_smoothing": 0.2}, ONE_HOT, smooth),
        ("mse", ONE_HOT, (error**2).mean()),
    ]
    for loss, targets, value in expected:
        found = evaluated(identity(), targets, Training(loss=loss))
        assert found["loss"] == pytest.approx(value, rel=1e-5), loss


def test_the_options_of_a_metric_are_keras_s_and_its_column_is_its_name() -> None:
    """The two best of three contain the class as often as NumPy counts; a macro average is one number."""
    metrics = [{"name": "top_k_categorical_accuracy", "k": 2}, "f1_score", "rmse"]
    found = evaluated(identity(), ONE_HOT, Training(loss="mse", metrics=metrics), accuracy=True)
    among = (np.argsort(OUTPUTS)[:, -2:] == CLASSES[:, None]).any(axis=1).mean()
    assert list(found) == ["accuracy", "f1_score", "loss", "root_mean_squared_error", "top_k_categorical_accuracy"]
    assert found["top_k_categorical_accuracy"] == pytest.approx(among)
    assert found["root_mean_squared_error"] == pytest.approx(found["loss"] ** 0.5)
    assert found["accuracy"] == pytest.approx((OUTPUTS.argmax(axis=1) == CLASSES).mean())


def test_a_yes_in_logits_is_above_0() -> None:
    """With a binary loss from logits the accuracy's threshold is that of the logits, not 0.5."""
    model = keras.Sequential([keras.Input((1,)), layers.Dense(1, kernel_initializer="ones")])
    training = Training(loss={"name": "binary_crossentropy", "from_logits": True})
    model.compile(loss=objectives.loss_of(training), metrics=objectives.metrics_of(training, classes=1))
    logits, answers = np.array([[0.25], [-0.25], [0.75], [-2.0]]), np.array([[1.0], [0.0], [1.0], [1.0]])
    assert model.evaluate(logits, answers, verbose=0, return_dict=True)["accuracy"] == 0.75


def test_the_highest_of_several_logits_is_the_class() -> None:
    """A binary loss of each output for itself leaves the accuracy what it is: how often the class has the highest."""
    training = Training(loss={"name": "binary_crossentropy", "from_logits": True})
    found = evaluated(identity(), ONE_HOT, training, accuracy=True)
    assert found["accuracy"] == pytest.approx((OUTPUTS.argmax(axis=1) == CLASSES).mean())


def test_a_models_own_loss_is_what_its_layers_add() -> None:
    """Nothing is added to it, whatever the targets are."""
    model = identity("linear", Pull())
    objectives.refuse_misfit(model, OUTPUTS, Training(loss="own"))
    found = evaluated(model, ONE_HOT, Training(loss="own"))
    assert found["loss"] == pytest.approx((OUTPUTS.astype(np.float64) ** 2).mean() / 2, rel=1e-5)


@pytest.mark.parametrize("regularizer", [None, "l2"])
def test_a_model_without_a_loss_of_its_own_is_refused(regularizer: str | None) -> None:
    """A penalty on weights is none: a model trained for that alone would learn nothing."""
    model = identity("linear", layers.Dense(3, kernel_regularizer=regularizer))
    with pytest.raises(
        ModelError, match=r"model net: has no loss of its own: expected a layer that calls add_loss\(\)"
    ):
        objectives.refuse_misfit(model, OUTPUTS, Training(loss="own"))


@pytest.mark.parametrize(
    ("training", "message"),
    [
        ({"loss": "categorical_crossentropy"}, r"end the model with a softmax, or say \{name: .*, from_logits: true\}"),
        ({"loss": "binary_crossentropy"}, r"end the model with a sigmoid, or say \{name: .*, from_logits: true\}"),
        ({"loss": "kl_divergence"}, r"kl_divergence takes probabilities: end the model with a softmax$"),
        ({"loss": "mse", "metrics": ["auc"]}, r"auc takes probabilities: end the model with a sigmoid, or say"),
        ({"loss": "mse", "metrics": ["recall"]}, r"recall takes probabilities: end the model with a sigmoid$"),
        (
            {
                "loss": {"name": "categorical_crossentropy", "from_logits": True},
                "metrics": ["categorical_crossentropy"],
            },
            "categorical_crossentropy takes probabilities",
        ),
    ],
)
def test_logits_are_refused_where_probabilities_are_taken(training: dict[str, Any], message: str) -> None:
    """By the loss or by a metric: the number would be finite and mean nothing."""
    with pytest.raises(ModelError, match=message):
        objectives.refuse_misfit(identity(), OUTPUTS, Training(**training))


@pytest.mark.parametrize(
    ("activation", "training"),
    [
        ("softmax", {"loss": "categorical_crossentropy", "metrics": ["auc", "kl_divergence"]}),
        ("sigmoid", {"loss": "binary_crossentropy", "metrics": ["precision"]}),
        ("linear", {"loss": {"name": "categorical_crossentropy", "from_logits": True}}),
        ("linear", {"loss": "huber", "metrics": ["mae", "r2_score"]}),
    ],
)
def test_what_fits_is_taken(activation: str, training: dict[str, Any]) -> None:
    """Probabilities where they are taken, logits where that is said, numbers where they are asked for."""
    objectives.refuse_misfit(identity(activation), OUTPUTS, Training(**training))
