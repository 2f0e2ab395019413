"""Compiled training: chunks of an epoch, each one XLA program over a dataset held on the device."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from wncompare.data.dataset import Split
from wncompare.nn.training import noise
from wncompare.nn.training.batches import batch_order, on_device
from wncompare.nn.training.checkpoint import state
from wncompare.nn.training.loops import Loop, Step, Xla, compile_all
from wncompare.nn.training.lowering import Forward, choose_execution, forward
from wncompare.nn.training.schedules import last_rate
from wncompare.nn.training.targets import Targets, targets_of

__all__ = ["EpochResult", "Evaluation", "Trainer", "batch_order", "evaluate", "first_step"]

CHUNK_SECONDS = 0.4
EVALUATION_BATCH = 48

Logs = dict[str, float]
Progress = Callable[[int, int, Logs], None]


@dataclass(frozen=True)
class EpochResult:
    """What one epoch gave and what it cost."""

    epoch: int
    """Counted from 1."""
    logs: Logs
    """By Keras's names: loss, accuracy, val_loss, val_accuracy and whatever else is compiled."""
    learning_rate: float
    """Of the epoch's last step."""
    train_seconds: float
    """Training alone, compilation excluded."""
    eval_seconds: float
    """Evaluation alone, compilation excluded."""
    compile_seconds: float
    """Tracing and compiling, 0.0 where nothing was left to compile."""
    instantiate_seconds: float
    """Instantiating what was compiled before: milliseconds, a second where something has made TensorFlow drop it."""
    steps: int
    """Batches in the epoch, the last partial one included."""


@dataclass(frozen=True)
class Evaluation:
    """What evaluating the test split gave, and what it cost before its first batch."""

    logs: Logs
    compile_seconds: float
    instantiate_seconds: float


class Trainer:
    """A compiled model with its data on the device and its training and evaluation compiled, for run after run.

    All splits are standardized as `train` is. `validation_batch_size` is by default a divisor of the number of
    examples, so that no rest has to be compiled; `lowered` is for `wncompare.nn.training.lowering.forward`.
    """

    def __init__(
        self,
        model: keras.Model,
        train: Split,
        validation: Split,
        test: Split | None = None,
        *,
        batch_size: int,
        validation_batch_size: int | None = None,
        lowered: bool | None = None,
    ) -> None:
        self.model = model
        self.standard = train.standard
        chosen = choose_execution(model, train.x, standard=train.standard, lowered=lowered)
        xla = Xla(chosen.xla)
        targets = targets_of(model, train)
        self._training = Loop(_train_step(model, chosen.forward, targets), on_device(train), batch_size, xla)
        test_step = _test_step(model, chosen.forward, targets)
        self._validation = _evaluation(test_step, validation, validation_batch_size, xla)
        self._test = None if test is None else _evaluation(test_step, test, None, xla)

    def restart(self, model: keras.Model) -> None:
        """Take the state of another compiled model of the same architecture: weights, optimizer and random state."""
        for mine, theirs in zip(state(self.model), state(model), strict=True):
            mine.assign(theirs)

    def epochs(
        self,
        epochs: int,
        *,
        seed: int,
        first_epoch: int = 1,
        chunk_seconds: float = CHUNK_SECONDS,
        progress: Progress | None = None,
    ) -> Iterator[EpochResult]:
        """Train as Keras's `fit` does up to epoch `epochs`, and yield each epoch's result.

        Epoch e visits the training images in `batch_order(n, seed=seed, epoch=e)`, the last partial batch included, and
        then evaluates the validation split. The model's own variables are trained: between epochs it can be saved, and
        `first_epoch=e` with weights, optimizer and seed generators restored goes on bit-identically.

        An epoch runs in chunks of about `chunk_seconds`; between them `progress(step, steps, logs)` is called and
        Ctrl-C is answered. Chunks have no effect on results.

        With an optimizer that averages weights (`use_ema`), the averages take the weights' place after the last
        epoch's result, as in Keras.
        """
        for epoch in range(first_epoch, epochs + 1):
            yield self._epoch(epoch, seed, chunk_seconds, progress or _silent)
        self.model.optimizer.finalize_variable_values(self.model.trainable_variables)

    def test(self) -> Evaluation | None:
        """The loss and the compiled metrics over the test split, None where there is none."""
        if self._test is None:
            return None
        compile_seconds, instantiate_seconds = compile_all(self._test), self._test.instantiate()
        _evaluate(self.model, self._test, CHUNK_SECONDS)
        return Evaluation(_logs(self.model), compile_seconds, instantiate_seconds)

    def compile(self) -> float:
        """Compile what is not compiled yet, and return the seconds that took; `epochs` does it by itself."""
        return compile_all(self._training, self._validation)

    def first_step(self) -> Logs:
        """Train one batch, the first of the training split; return its loss and metrics."""
        self.model.reset_metrics()
        self._training.step_seconds(1, np.arange(len(self._training.split), dtype=np.int32))
        return _logs(self.model)

    def step_seconds(self, steps: int, *, seed: int) -> float:
        """Train the first `steps` batches of the seed's first epoch in one chunk, and return the seconds of a step."""
        self._training.instantiate()
        return self._training.step_seconds(steps, batch_order(len(self._training.split), seed=seed, epoch=1))

    def _epoch(self, epoch: int, seed: int, chunk_seconds: float, progress: Progress) -> EpochResult:
        model, training = self.model, self._training
        compile_seconds = self.compile()
        instantiate_seconds = training.instantiate() + self._validation.instantiate()
        model.reset_metrics()
        train_seconds = 0.0
        for step, seconds in training.run(batch_order(len(training.split), seed=seed, epoch=epoch), chunk_seconds):
            train_seconds += seconds
            progress(step, training.steps, _logs(model))
        logs = _logs(model)
        learning_rate = last_rate(model.optimizer)
        eval_seconds = _evaluate(model, self._validation, chunk_seconds)
        logs |= {f"val_{name}": value for name, value in _logs(model).items()}
        return EpochResult(
            epoch=epoch,
            logs=logs,
            learning_rate=learning_rate,
            train_seconds=train_seconds,
            eval_seconds=eval_seconds,
            compile_seconds=compile_seconds,
            instantiate_seconds=instantiate_seconds,
            steps=training.steps,
        )


def evaluate(model: keras.Model, split: Split, *, batch_size: int | None = None, lowered: bool | None = None) -> Logs:
    """Return the loss and the compiled metrics over a split, by Keras's names, as `model.evaluate` does."""
    chosen = choose_execution(model, split.x, standard=split.standard, lowered=lowered)
    loop = _evaluation(_test_step(model, chosen.forward, targets_of(model, split)), split, batch_size, Xla(chosen.xla))
    compile_all(loop)
    _evaluate(model, loop, CHUNK_SECONDS)
    return _logs(model)


def first_step(model: keras.Model, split: Split) -> Logs:
    """Take one training step on a whole split, op by op: nothing is compiled. Return its loss and metrics."""
    step = _train_step(model, forward(model, standard=split.standard, lowered=False), targets_of(model, split))
    placed = on_device(split)
    step(placed.inputs, placed.targets)
    return _logs(model)


def _evaluation(step: Step, split: Split, batch_size: int | None, xla: Xla) -> Loop:
    return Loop(step, on_device(split), batch_size or _evaluation_batch(len(split)), xla)


def _evaluation_batch(count: int) -> int:
    """The largest divisor of `count` that is neither tiny nor slow, multiples of 4 first: lowering likes those."""
    sizes = sorted(range(16, EVALUATION_BATCH + 1), key=lambda size: (size % 4 == 0, size), reverse=True)
    return next((size for size in sizes if count % size == 0), EVALUATION_BATCH)


def _silent(step: int, steps: int, logs: Logs) -> None:
    pass


def _evaluate(model: keras.Model, loop: Loop, chunk_seconds: float) -> float:
    model.reset_metrics()
    order = np.arange(len(loop.split), dtype=np.int32)
    with noise.of_evaluation(model):
        return sum(seconds for _, seconds in loop.run(order, chunk_seconds))


def _logs(model: keras.Model) -> Logs:
    return {name: float(value) for name, value in model.get_metrics_result().items()}


def _train_step(model: keras.Model, predict: Forward, targets: Targets) -> Step:
    """Return what Keras's own `train_step` does, for inputs and targets as a split holds them."""
    state(model)  # builds the optimizer, whose variables no compiled step can make

    def step(inputs: Any, stored: Any) -> None:
        y = targets(inputs, stored)
        with tf.GradientTape() as tape:
            y_pred = predict(inputs, training=True)
            loss = model.compute_loss(inputs, y, y_pred, None, training=True)
            scaled_loss = model.optimizer.scale_loss(loss)
        variables = model.trainable_variables
        model.optimizer.apply(tape.gradient(scaled_loss, variables), variables)
        _update_metrics(model, inputs, y, y_pred, loss)

    return step


def _test_step(model: keras.Model, predict: Forward, targets: Targets) -> Step:
    """Return what Keras's own `test_step` does, for inputs and targets as a split holds them."""

    def step(inputs: Any, stored: Any) -> None:
        y = targets(inputs, stored)
        y_pred = predict(inputs, training=False)
        loss = model.compute_loss(inputs, y, y_pred, None, training=False)
        _update_metrics(model, inputs, y, y_pred, loss)

    return step


def _update_metrics(model: keras.Model, x: Any, y: Any, y_pred: Any, loss: Any) -> None:
    loss_tracker(model).update_state(loss, sample_weight=tf.shape(y)[0])
    model.compute_metrics(x, y, y_pred)


def loss_tracker(model: keras.Model) -> keras.metrics.Metric:
    """The mean that a compiled model reports as its loss: `compute_metrics` leaves it to the training step."""
    return next(metric for metric in model.metrics if metric.name == "loss")
