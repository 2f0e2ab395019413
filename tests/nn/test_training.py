"""The compiled trainer against Keras's own `fit` and against itself."""

import logging
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from wncompare.data.dataset import Split
from wncompare.layers import WeightNormalization
from wncompare.nn import training
from wncompare.nn.training import EpochResult, Trainer, batch_order, evaluate

BATCH = 16
SIZE = (10, 10, 2)
CLASSES = 5


def split(n: int, seed: int) -> Split:
    """Images whose brightness tells their class, with noise."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, CLASSES, n)
    x = rng.integers(0, 100, (n, *SIZE)) + 30 * y[:, None, None, None]
    return Split(x.astype(np.uint8), y)


train, validation = split(112, 0), split(37, 1)
ragged = train.take(np.arange(100))  # 6 batches of 16 and one of 4


def compiled(
    *extra: keras.layers.Layer, optimizer: Any = "adam", loss: Any = "categorical_crossentropy"
) -> keras.Sequential:
    """A small model that is lowered, with extra layers after its pooling."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input(SIZE),
            layers.Conv2D(4, 3, activation="relu"),
            layers.MaxPooling2D(2),
            *extra,
            layers.Flatten(),
            layers.Dense(CLASSES, activation="softmax"),
        ]
    )
    model.compile(optimizer=optimizer, loss=loss, metrics=["accuracy"])
    return model


def stateful() -> keras.Sequential:
    """A model with all the state there is: dropout's seed generator and batch norm's moving averages."""
    return compiled(layers.BatchNormalization(), layers.Dropout(0.3, seed=7))


def run(model: keras.Model, epochs: int = 2, data: Split = train, **options: Any) -> list[EpochResult]:
    """Train by the compiled trainer."""
    return list(trainer(model, data, lowered=options.pop("lowered", None)).epochs(epochs, seed=3, **options))


def trainer(model: keras.Model, data: Split = train, lowered: bool | None = None) -> Trainer:
    """The compiled trainer of a model."""
    return Trainer(model, data, validation, batch_size=BATCH, lowered=lowered)


def state(model: keras.Model) -> list[np.ndarray]:
    """Every variable there is: weights, moving averages, seed generators, optimizer."""
    return [variable.numpy() for variable in [*model.variables, *model.optimizer.variables]]


def assert_identical(one: keras.Model, other: keras.Model) -> None:
    """Every variable of both has the same bits."""
    for a, b in zip(state(one), state(other), strict=True):
        np.testing.assert_array_equal(a, b)


def without_seconds(results: list[EpochResult]) -> list[tuple[Any, ...]]:
    """What must repeat bit-identically."""
    return [(result.epoch, result.logs, result.learning_rate, result.steps) for result in results]


def stock_fit(model: keras.Model, data: Split, *, one_hot: bool) -> list[dict[str, float]]:
    """Train by Keras's own `fit` on the same batches, validating after each epoch."""

    def target(y: np.ndarray) -> np.ndarray:
        return np.eye(CLASSES, dtype=np.float32)[y] if one_hot else y

    history = []
    for epoch in (1, 2):
        order = batch_order(len(data), seed=3, epoch=epoch)
        fitted = model.fit(
            data.x[order].astype(np.float32) / 255,
            target(data.y[order]),
            batch_size=BATCH,
            shuffle=False,
            validation_data=(validation.x.astype(np.float32) / 255, target(validation.y)),
            verbose=0,
        )
        history.append({name: values[-1] for name, values in fitted.history.items()})
    return history


def assert_like_stock_fit(
    build: Callable[[], keras.Model], data: Split = train, *, one_hot: bool = True, **options: Any
) -> None:
    """Two epochs by `fit` and by Keras's give the same logs and the same variables."""
    ours, theirs = build(), build()
    results, history = run(ours, data=data, **options), stock_fit(theirs, data, one_hot=one_hot)
    for result, logs in zip(results, history, strict=True):
        assert result.logs == pytest.approx(logs, rel=2e-4, abs=1e-5)
    for mine, stock in zip(state(ours), state(theirs), strict=True):
        np.testing.assert_allclose(mine, stock, rtol=1e-3, atol=1e-4)


def test_batch_order_is_a_permutation_by_seed_and_epoch() -> None:
    """The order is an int32 permutation, the same for the same seed and epoch and another for any other."""
    order = batch_order(1000, seed=5, epoch=2)
    assert order.dtype == np.int32
    np.testing.assert_array_equal(np.sort(order), np.arange(1000))
    np.testing.assert_array_equal(order, batch_order(1000, seed=5, epoch=2))
    assert not np.array_equal(order, batch_order(1000, seed=5, epoch=3))
    assert not np.array_equal(order, batch_order(1000, seed=2, epoch=5))


def test_batch_order_is_the_same_for_ever() -> None:
    """The order is part of what makes old results reproducible: these are its first values."""
    np.testing.assert_array_equal(batch_order(10, seed=0, epoch=1), [9, 4, 2, 1, 0, 7, 8, 5, 3, 6])


@pytest.mark.parametrize("lowered", [True, False])
def test_equals_stock_fit(lowered: bool) -> None:
    """Epochs equal Keras's `fit` on the same batches, the partial one included: loss, metrics, weights, optimizer."""
    assert_like_stock_fit(compiled, ragged, lowered=lowered)


def test_equals_stock_fit_with_batch_norm() -> None:
    """Batch norm trains on batch statistics, updates its moving averages and evaluates with them, as in `fit`."""
    assert_like_stock_fit(lambda: compiled(layers.BatchNormalization(), optimizer="sgd"))


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


def test_sparse_loss_takes_classes() -> None:
    """A loss by a sparse name is given integer classes."""
    assert_like_stock_fit(lambda: compiled(loss="sparse_categorical_crossentropy"), one_hot=False)


def test_learning_rate_is_the_one_at_the_end_of_the_epoch() -> None:
    """The result carries the schedule's value after the epoch's 7 steps."""
    schedule = keras.optimizers.schedules.ExponentialDecay(0.5, decay_steps=7, decay_rate=0.1)
    results = run(compiled(optimizer=keras.optimizers.SGD(schedule)))
    assert [result.learning_rate for result in results] == pytest.approx([0.05, 0.005])
    assert [result.steps for result in results] == [7, 7]


@pytest.fixture(scope="module")
def unbroken() -> tuple[keras.Model, list[EpochResult]]:
    """Two epochs of the model with all state, over a split with a partial batch."""
    model = stateful()
    return model, run(model, data=ragged)


def test_repeat_is_bit_identical_whatever_the_chunks(unbroken: tuple[keras.Model, list[EpochResult]]) -> None:
    """The same seed gives the same bits (logs, weights, averages, seed generators, optimizer), a step a chunk too."""
    told: list[tuple[int, int]] = []
    model = stateful()
    results = run(model, data=ragged, chunk_seconds=0.0, progress=lambda step, steps, logs: told.append((step, steps)))
    assert told == [(step, 7) for step in range(1, 8)] * 2
    assert without_seconds(results) == without_seconds(unbroken[1])
    assert_identical(model, unbroken[0])


def test_resume_is_bit_identical(unbroken: tuple[keras.Model, list[EpochResult]]) -> None:
    """Epoch 2 from restored weights, optimizer and seed generators equals epoch 2 of an unbroken run."""
    interrupted, resumed = stateful(), stateful()
    run(interrupted, 1, data=ragged)
    resumed.optimizer.build(resumed.trainable_variables)
    for variable, value in zip([*resumed.variables, *resumed.optimizer.variables], state(interrupted), strict=True):
        variable.assign(value)
    assert without_seconds(run(resumed, 2, data=ragged, first_epoch=2)) == without_seconds(unbroken[1][1:])
    assert_identical(resumed, unbroken[0])


def test_dropout_acts_in_training_alone() -> None:
    """Dropout of nearly everything cripples the training metrics and leaves evaluation untouched."""
    model = compiled(layers.Dropout(0.999, seed=1), optimizer=keras.optimizers.SGD(0.0))
    plain = compiled(optimizer=keras.optimizers.SGD(0.0))
    (with_dropout,), (without,) = run(model, 1), run(plain, 1)
    assert with_dropout.logs["val_loss"] == without.logs["val_loss"]
    assert with_dropout.logs["loss"] != pytest.approx(without.logs["loss"], rel=0.05)


def test_dropout_differs_from_step_to_step() -> None:
    """The seed generator advances inside the compiled loop, once a step."""
    model = stateful()
    before = model.layers[3].seed_generator.state.numpy()
    run(model, 1)
    np.testing.assert_array_equal(model.layers[3].seed_generator.state.numpy() - before, [0, 7])


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


def test_trained_model_can_be_saved_after_any_epoch(tmp_path: Any) -> None:
    """It is the model itself that trains: saved between epochs, it evaluates as the epoch's result says."""
    model = stateful()
    for result in trainer(model).epochs(2, seed=3):
        model.save(tmp_path / "model.keras")
        loaded = keras.models.load_model(tmp_path / "model.keras")
        assert evaluate(loaded, validation)["loss"] == result.logs["val_loss"]


def test_interrupt_between_chunks_leaves_the_epoch() -> None:
    """An exception from progress, such as Ctrl-C's, ends the epoch at that step."""

    def stop(step: int, steps: int, logs: dict[str, float]) -> None:
        if step == 3:
            raise KeyboardInterrupt

    model = compiled()
    with pytest.raises(KeyboardInterrupt):
        run(model, chunk_seconds=0.0, progress=stop)
    assert int(model.optimizer.iterations) == 3


def test_compile_time_is_counted_once() -> None:
    """Compilation is timed apart, in the first epoch, and costs nothing afterwards."""
    first, second = run(compiled())
    assert first.compile_seconds > 0.1
    assert second.compile_seconds == 0.0
    assert 0 < first.train_seconds < first.compile_seconds
    assert first.eval_seconds > 0


@keras.saving.register_keras_serializable(package="test")
class NotForXla(keras.layers.Layer):
    """Calls back into Python, which XLA cannot."""

    def call(self, x: Any) -> Any:
        """Return x."""
        return x + tf.ensure_shape(tf.py_function(lambda v: 0 * v, [tf.stop_gradient(x)], x.dtype), x.shape)

    def compute_output_shape(self, shape: Any) -> Any:
        """Return the shape of x."""
        return shape


def test_a_model_that_xla_cannot_compile_trains_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    """Where XLA lacks an operation, the same loop runs as a TensorFlow graph, with the same numbers and one warning."""
    with caplog.at_level(logging.WARNING, logger=training.__name__):
        model = compiled(NotForXla())
        results = run(model)
    assert len(caplog.records) == 1
    assert "XLA" in caplog.text
    assert results[-1].logs["loss"] < results[0].logs["loss"]
    assert int(model.optimizer.iterations) == 14


def test_nan_stays_nan() -> None:
    """A loss that is not a number is reported as such."""
    model = compiled()
    model.layers[-1].kernel.assign(np.nan * model.layers[-1].kernel)
    (result,) = run(model, 1)
    assert np.isnan(result.logs["loss"])
    assert np.isnan(result.logs["val_loss"])


def test_a_trainer_restarted_from_another_model_repeats_it() -> None:
    """Run after run on one compiled trainer gives what a new trainer gives for each, bit for bit, with dropout too."""
    shared = trainer(stateful())
    list(shared.epochs(2, seed=9))
    fresh = stateful()
    shared.restart(stateful())
    assert without_seconds(list(shared.epochs(2, seed=3))) == without_seconds(run(fresh))
    assert_identical(shared.model, fresh)
