"""The compiled trainer against itself: repeats, resumes, timings, what it does where XLA cannot."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from tensorflow.python.eager import context

from wncompare.nn.training import checkpoint, loops
from wncompare.nn.training.trainer import EpochResult, Trainer, batch_order, evaluate

from .trained import (
    BATCH,
    CLASSES,
    SIZE,
    assert_identical,
    compiled,
    flat,
    ragged,
    run,
    split,
    state,
    stateful,
    train,
    trainer,
    validation,
    without_seconds,
)


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


def test_learning_rate_is_that_of_the_epoch_s_last_step() -> None:
    """The result carries what the schedule gives the seventh step, which counts as 6, and the fourteenth."""
    schedule = keras.optimizers.schedules.ExponentialDecay(0.5, decay_steps=7, decay_rate=0.1)
    results = run(flat(keras.optimizers.SGD(schedule)))
    assert [result.learning_rate for result in results] == pytest.approx([0.5 * 0.1 ** (6 / 7), 0.5 * 0.1 ** (13 / 7)])
    assert [result.steps for result in results] == [7, 7]


Unbroken = tuple[keras.Model, list[EpochResult], list[np.ndarray]]


@pytest.fixture(scope="module")
def unbroken() -> Unbroken:
    """Two epochs of the model with all state, over a split with a partial batch, and the state after the first."""
    model = stateful()
    epochs = trainer(model, ragged).epochs(2, seed=3)
    first, halfway = next(epochs), state(model)
    return model, [first, *epochs], [value.copy() for value in halfway]


def test_repeat_is_bit_identical_whatever_the_chunks(unbroken: Unbroken) -> None:
    """The same seed gives the same bits (logs, weights, averages, seed generators, optimizer), a step a chunk too."""
    told: list[tuple[int, int]] = []
    model = stateful()
    results = run(model, data=ragged, chunk_seconds=0.0, progress=lambda step, steps, logs: told.append((step, steps)))
    assert told == [(step, 7) for step in range(1, 8)] * 2
    assert without_seconds(results) == without_seconds(unbroken[1])
    assert_identical(model, unbroken[0])


def test_resume_is_bit_identical(unbroken: Unbroken) -> None:
    """Epoch 2 from restored weights, optimizer and seed generators equals epoch 2 of an unbroken run."""
    resumed = stateful()
    resumed.optimizer.build(resumed.trainable_variables)
    for variable, value in zip([*resumed.variables, *resumed.optimizer.variables], unbroken[2], strict=True):
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


def test_dropout_differs_from_step_to_step(unbroken: Unbroken) -> None:
    """The seed generator advances inside the compiled loop, once a step."""
    before, after = (model.layers[3].seed_generator.state.numpy() for model in (stateful(), unbroken[0]))
    np.testing.assert_array_equal(after - before, [0, 14])


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

    model = flat()
    with pytest.raises(KeyboardInterrupt):
        run(model, chunk_seconds=0.0, progress=stop)
    assert int(model.optimizer.iterations) == 3


class Clocked:
    """How many functions TensorFlow says it instantiated, in calls that are timed on batches and apart from them.

    It puts each into its run metadata, as for `tf.summary.trace_on`; a program that XLA compiled is none of them.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.timed, self.apart = 0, 0
        self.batches = 0
        seconds = loops._seconds

        def watched(program: Any, arguments: tuple[Any, ...]) -> float:
            self.apart += self._instantiated()
            took = seconds(program, arguments)
            steps, found = int(arguments[-1]), self._instantiated()
            self.batches += steps
            self.timed += found if steps else 0
            self.apart += 0 if steps else found
            return took

        monkeypatch.setattr(loops, "_seconds", watched)

    def __enter__(self) -> "Clocked":
        context.context().enable_graph_collection()
        return self

    def __exit__(self, *_: Any) -> None:
        context.context().disable_graph_collection()

    @staticmethod
    def _instantiated() -> int:
        metadata = context.context().export_run_metadata()
        return 0 if metadata is None else len(metadata.function_graphs)


def unlowered() -> keras.Sequential:
    """A model that is left to TensorFlow's own kernels, for two convolutions."""
    keras.utils.set_random_seed(0)
    stack = [layers.Conv2D(2, 3), layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(CLASSES, activation="softmax")]
    model = keras.Sequential([keras.Input(SIZE), *stack])
    model.compile("adam", "categorical_crossentropy")
    return model


@pytest.mark.slow
@pytest.mark.parametrize("build", [flat, unlowered], ids=["a rest beside XLA", "without XLA"])
def test_no_timed_call_compiles(build: Callable[[], keras.Model], monkeypatch: pytest.MonkeyPatch) -> None:
    """On a trainer's first run, on a second from another model and on a resumed one: what TensorFlow instantiates, also
    after a cleared session, it instantiates before the clock of training, evaluation or a benchmark's steps starts."""
    one = Trainer(build(), ragged, validation, validation, batch_size=BATCH)
    with Clocked(monkeypatch) as clocked:
        first = list(one.epochs(1, seed=0))
        one.test()
        for first_epoch in (1, 2):
            before = clocked.apart
            assert before > 0
            keras.backend.clear_session()
            one.restart(build())
            later = list(one.epochs(2, seed=1, first_epoch=first_epoch))
            found = one.test()
            assert clocked.apart > before
            keras.backend.clear_session()
            one.step_seconds(2, seed=0)
        assert clocked.batches > 0
        assert clocked.timed == 0
    assert first[0].compile_seconds > 0.0
    assert [result.compile_seconds for result in later] == [0.0]
    assert all(result.instantiate_seconds > 0.0 for result in later)
    assert found is not None
    assert (found.compile_seconds, found.instantiate_seconds > 0.0) == (0.0, True)


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
    with caplog.at_level(logging.WARNING, logger=loops.__name__):
        model = compiled(NotForXla())
        results = run(model)
    assert len(caplog.records) == 1
    assert "XLA" in caplog.text
    assert results[-1].logs["loss"] < results[0].logs["loss"]
    assert int(model.optimizer.iterations) == 14


def test_nan_stays_nan() -> None:
    """A loss that is not a number is reported as such."""
    model = flat()
    model.layers[-1].kernel.assign(np.nan * model.layers[-1].kernel)
    (result,) = run(model, 1)
    assert np.isnan(result.logs["loss"])
    assert np.isnan(result.logs["val_loss"])


@pytest.mark.parametrize("scheduled", [False, True])
def test_a_trainer_restarted_from_another_model_repeats_it(scheduled: bool, unbroken: Unbroken) -> None:
    """Run after run on one compiled trainer gives what a new trainer gives for each, bit for bit: dropout, optimizer
    and schedule start anew."""

    def build() -> keras.Model:
        schedule = keras.optimizers.schedules.CosineDecay(0.0, 10, warmup_target=0.01, warmup_steps=4)
        return flat(keras.optimizers.Adam(schedule)) if scheduled else stateful()

    shared = trainer(build(), ragged)
    list(shared.epochs(2, seed=9))
    fresh, expected = (build(), None) if scheduled else unbroken[:2]
    shared.restart(build())
    assert without_seconds(list(shared.epochs(2, seed=3))) == without_seconds(expected or run(fresh, data=ragged))
    assert_identical(shared.model, fresh)


def test_runs_of_mixed_precision_repeat_and_resume(tmp_path: Path) -> None:
    """With losses scaled for float16, a second run and one resumed after its first epoch are bit-identical."""

    def build() -> keras.Model:
        keras.utils.set_random_seed(0)
        layer = layers.Dense(CLASSES, activation="softmax", dtype="mixed_float16")
        model = keras.Sequential([keras.Input(SIZE), layers.Flatten(), layer])
        scaling = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.01), dynamic_growth_steps=5)
        model.compile(optimizer=scaling, loss="categorical_crossentropy", metrics=["accuracy"])
        return model

    shared, resumed = trainer(build()), build()
    first = without_seconds(list(shared.epochs(2, seed=3)))
    shared.restart(build())
    assert without_seconds(list(shared.epochs(1, seed=3))) == first[:1]
    checkpoint.save(tmp_path / "checkpoint.npz", shared.model, epoch=1)
    list(shared.epochs(2, seed=3, first_epoch=2))
    checkpoint.restore(checkpoint.read(tmp_path / "checkpoint.npz"), resumed)
    assert without_seconds(run(resumed, 2, first_epoch=2)) == first[1:]
    assert_identical(resumed, shared.model)
    assert float(resumed.optimizer.dynamic_scale.value) > resumed.optimizer.initial_scale


def test_the_test_split_is_evaluated_by_the_trainer() -> None:
    """`test` gives what Keras's `evaluate` gives on the test split, run after run; without one there is nothing."""
    test = split(50, 2)
    shared = Trainer(stateful(), train, validation, test, batch_size=BATCH)
    for seed in (3, 4):
        shared.restart(stateful())
        list(shared.epochs(1, seed=seed))
        one_hot = np.eye(CLASSES, dtype=np.float32)[test.y]
        stock = shared.model.evaluate(test.x / np.float32(255), one_hot, verbose=0, return_dict=True)
        found = shared.test()
        assert found is not None
        assert found.logs == pytest.approx(stock, rel=1e-5)
    assert trainer(stateful()).test() is None


def test_a_slow_step_is_a_chunk_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a step takes longer than a chunk should, every step is one: Ctrl-C waits for one step at most."""
    clock = iter(range(0, 1000, 3))
    monkeypatch.setattr(loops, "perf_counter", lambda: float(next(clock)))
    told: list[int] = []
    run(flat(), 1, progress=lambda step, steps, logs: told.append(step))
    assert told == [1, 2, 3, 4, 5, 6, 7]
