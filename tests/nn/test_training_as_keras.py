"""The compiled trainer against Keras's own `fit` and `evaluate`."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from wncompare.catalog.losses import LOSSES
from wncompare.catalog.metrics import METRICS
from wncompare.catalog.registry import Catalog
from wncompare.catalog.training import OPTIMIZERS
from wncompare.data.dataset import Split
from wncompare.layers import MeanOnlyBatchNormalization, WeightNormalization
from wncompare.nn.training import trainer as training
from wncompare.nn.training.lowering import choose_execution
from wncompare.nn.training.trainer import batch_order, evaluate, first_step

from .trained import BATCH, CLASSES, SIZE, compiled, flat, ragged, run, state, stateful, train, validation


def target(y: np.ndarray, one_hot: bool = True) -> np.ndarray:
    """Classes as Keras is given them."""
    return np.eye(CLASSES, dtype=np.float32)[y] if one_hot else y


def stock_fit(model: keras.Model, data: Split, *, one_hot: bool, epochs: int = 2) -> list[dict[str, float]]:
    """Train by Keras's own `fit` on the same batches, validating after each epoch."""
    history = []
    for epoch in range(1, epochs + 1):
        order = batch_order(len(data), seed=3, epoch=epoch)
        fitted = model.fit(
            data.x[order].astype(np.float32) / 255,
            target(data.y[order], one_hot),
            batch_size=BATCH,
            shuffle=False,
            validation_data=(validation.x.astype(np.float32) / 255, target(validation.y, one_hot)),
            verbose=0,
        )
        history.append({name: values[-1] for name, values in fitted.history.items()})
    return history


def assert_like_stock_fit(
    build: Callable[[], keras.Model], data: Split = train, *, one_hot: bool = True, epochs: int = 2, **options: Any
) -> None:
    """So many epochs by the trainer and by Keras's `fit` give the same logs and the same variables."""
    ours, theirs = build(), build()
    results = run(ours, epochs, data=data, **options)
    history = stock_fit(theirs, data, one_hot=one_hot, epochs=epochs)
    for result, logs in zip(results, history, strict=True):
        assert result.logs == pytest.approx(logs, rel=2e-4, abs=1e-5)
    for mine, stock in zip(state(ours), state(theirs), strict=True):
        np.testing.assert_allclose(mine, stock, rtol=1e-3, atol=1e-4)


def assert_steps_like_keras(build: Callable[[], keras.Model]) -> None:
    """Three of the trainer's steps and of Keras's, op by op, give the same logs and the same variables."""
    ours, theirs = build(), build()
    for rows in np.arange(3 * BATCH).reshape(3, BATCH):
        batch = train.take(rows)
        logs = first_step(ours, batch)
        theirs.reset_metrics()  # Keras 3.13 goes on with the last batch's
        expected = theirs.train_on_batch(batch.x / np.float32(255), target(batch.y), return_dict=True)
        numbers = {name: float(number) for name, number in expected.items()}  # arrays, in Keras 3.13
        assert logs == pytest.approx(numbers, rel=2e-4, abs=1e-5)
    for mine, stock in zip(state(ours), state(theirs), strict=True):
        np.testing.assert_allclose(mine, stock, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("lowered", [True, False])
def test_equals_stock_fit(lowered: bool) -> None:
    """Epochs equal Keras's `fit` on the same batches, the partial one included: loss, metrics, weights, optimizer."""
    assert_like_stock_fit(compiled, ragged, lowered=lowered)


def test_equals_stock_fit_with_batch_norm() -> None:
    """Batch norm trains on batch statistics, updates its moving averages and evaluates with them, as in `fit`."""
    assert_like_stock_fit(lambda: compiled(layers.BatchNormalization(), optimizer="sgd"))


@pytest.mark.parametrize(
    "norm",
    [layers.BatchNormalization, MeanOnlyBatchNormalization, lambda: layers.GroupNormalization(groups=1)],
    ids=["batch", "mean only", "one group"],
)
def test_equals_stock_fit_with_a_norm_behind_the_convolution(norm: Callable[[], keras.layers.Layer]) -> None:
    """Lowered with its norm, over an odd number of rows and columns, an arm trains and evaluates as in `fit`."""

    def build() -> keras.Model:
        keras.utils.set_random_seed(0)
        first = [layers.Conv2D(4, 4, use_bias=False), norm(), layers.Activation("relu"), layers.MaxPooling2D(2)]
        end = [layers.Flatten(), layers.Dense(CLASSES, activation="softmax")]
        model = keras.Sequential([keras.Input(SIZE), *first, *end])
        model.compile(optimizer="sgd", loss="categorical_crossentropy", metrics=["accuracy"])
        return model

    assert choose_execution(build(), ragged.x).xla
    assert_like_stock_fit(build, ragged)


def test_equals_stock_fit_with_weight_normalization() -> None:
    """A weight-normalized layer, lowered, trains v and g as `fit` does."""

    def build() -> keras.Model:
        keras.utils.set_random_seed(0)
        conv = WeightNormalization(layers.Conv2D(4, 3, activation="relu"), data_init=False)
        model = keras.Sequential(
            [
                keras.Input(SIZE),
                conv,
                layers.MaxPooling2D(2),
                layers.Flatten(),
                WeightNormalization(layers.Dense(CLASSES, activation="softmax"), data_init=False),
            ]
        )
        model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
        return model

    assert_like_stock_fit(build)


def test_equals_stock_fit_with_schedule_clipping_decay_and_regularizer() -> None:
    """Learning-rate schedule, gradient clipping, weight decay and kernel regularizers act as in `fit`."""

    def build() -> keras.Model:
        schedule = keras.optimizers.schedules.CosineDecay(0.1, 14)
        optimizer = keras.optimizers.SGD(schedule, momentum=0.9, global_clipnorm=0.5, weight_decay=0.01)
        return compiled(layers.Dense(3, kernel_regularizer="l2", activation="tanh"), optimizer=optimizer)

    assert_like_stock_fit(build)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_steps_as_keras_s(name: str) -> None:
    """Each optimizer that a config can name takes Keras's steps, before anything is compiled."""
    assert_steps_like_keras(lambda: flat(OPTIMIZERS[name].load()(0.01)))


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if name not in ("adam", "sgd")])
def test_every_optimizer_equals_stock_fit(name: str) -> None:
    """Each optimizer that a config can name takes the steps that it takes in `fit`."""
    assert_like_stock_fit(lambda: flat(OPTIMIZERS[name].load()(0.01)), epochs=1)


def test_averaged_weights_equal_stock_fit() -> None:
    """With `use_ema` the averages take the weights' place after the last epoch, as in `fit`."""

    def build() -> keras.Model:
        return flat(keras.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9))

    assert_like_stock_fit(build, ragged, epochs=1)


def taking_one_hot(catalog: Catalog) -> list[str]:
    """The names of the losses or metrics that take classes one-hot."""
    takes = {name: entry.options.takes for name, entry in catalog.items()}  # type: ignore[attr-defined]
    return [name for name, taken in takes.items() if taken not in ("classes", "nonzero") and name != "own"]


@pytest.mark.parametrize("loss", taking_one_hot(LOSSES))
def test_every_loss_steps_as_keras_s(loss: str) -> None:
    """Each loss that a config can name, and the gradients through it, are Keras's, before anything is compiled."""
    assert_steps_like_keras(lambda: flat("sgd", loss=loss))


@pytest.mark.slow
@pytest.mark.parametrize("loss", [loss for loss in taking_one_hot(LOSSES) if loss != "categorical_crossentropy"])
def test_every_loss_equals_stock_fit(loss: str) -> None:
    """Each loss that a config can name, and the gradients through it, are Keras's."""
    assert_like_stock_fit(lambda: flat("sgd", loss=loss), epochs=1)


def test_every_metric_steps_as_keras_s() -> None:
    """Each metric of classes one-hot that a config can name has Keras's values, before anything is compiled."""
    names = [name for name in taking_one_hot(METRICS) if name != "f1_score" and not name.startswith("sparse_")]
    assert_steps_like_keras(lambda: flat(metrics=["accuracy", *names]))


@pytest.mark.parametrize("kind", ["sparse_", pytest.param("", marks=pytest.mark.slow)])
def test_every_metric_equals_stock_fit(kind: str) -> None:
    """Each metric that a config can name weighs samples as `fit` does, so that a partial batch counts for its size."""
    sparse = [name for name in METRICS if name.startswith("sparse_")]
    names = sparse if kind else [name for name in taking_one_hot(METRICS) if name not in ("f1_score", *sparse)]
    loss = f"{kind}categorical_crossentropy"

    def build() -> keras.Model:
        return flat(loss=loss, metrics=["accuracy", *names])

    assert_like_stock_fit(build, ragged, one_hot=not kind, epochs=1)


class OwnTracker(keras.Sequential):
    """A model with a loss tracker of its own, as in Keras's guide to custom training."""

    tracker = keras.metrics.Mean(name="loss")

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Its own alone."""
        return [self.tracker]


def test_the_loss_is_tracked_where_the_model_reports_it() -> None:
    """It is the mean that Keras's own `fit` updates and resets, or the model's own where that stands in its place."""
    model = flat()
    history = model.fit(train.x / np.float32(255), np.eye(CLASSES)[train.y], verbose=0).history
    assert float(training.loss_tracker(model).result()) == pytest.approx(history["loss"][0])
    own = OwnTracker([keras.Input(SIZE), layers.Flatten(), layers.Dense(CLASSES, activation="softmax")])
    own.compile("adam", "categorical_crossentropy")
    assert training.loss_tracker(own) is own.tracker


def test_sparse_loss_takes_classes() -> None:
    """A loss by a sparse name is given integer classes."""
    assert_like_stock_fit(lambda: flat(loss="sparse_categorical_crossentropy"), one_hot=False)


@pytest.mark.parametrize("batch_size", [10, 1000])
def test_evaluate_equals_keras(batch_size: int) -> None:
    """Loss and metrics over a split equal `model.evaluate`, whatever the batch size, and change nothing."""
    model = stateful()
    before = state(model)
    ours = evaluate(model, validation, batch_size=batch_size)
    for a, b in zip(before, state(model), strict=True):
        np.testing.assert_array_equal(a, b)
    one_hot = np.eye(CLASSES, dtype=np.float32)[validation.y]
    stock = model.evaluate(validation.x / np.float32(255), one_hot, verbose=0, return_dict=True)
    assert ours == pytest.approx(stock, rel=1e-5)


def test_any_keras_model_trains() -> None:
    """A functional graph and a subclass whose call takes no `training` train by their own call."""

    class Subclass(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.flat, self.dense = layers.Flatten(), layers.Dense(CLASSES, activation="softmax")

        def call(self, x: Any) -> Any:
            return self.dense(self.flat(x))

    inputs = keras.Input(SIZE)
    graph = layers.add([layers.Dense(4)(layers.Flatten()(inputs)), layers.Dense(4)(layers.Flatten()(inputs))])
    subclass = Subclass()
    subclass(np.zeros((1, *SIZE), np.float32))
    for model in (keras.Model(inputs, layers.Dense(CLASSES, activation="softmax")(graph)), subclass):
        model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
        results = run(model, 4)
        assert results[-1].logs["loss"] < results[0].logs["loss"]
