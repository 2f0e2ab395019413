"""Compiled training: chunks of an epoch, each one XLA program over a dataset held on the device."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from wncompare.data.dataset import Split
from wncompare.nn.training import noise
from wncompare.nn.training.batches import DeviceSplit, batch_order, on_device
from wncompare.nn.training.checkpoint import state
from wncompare.nn.training.lowering import Forward, choose_execution, forward
from wncompare.nn.training.programs import forget_damaged
from wncompare.nn.training.schedules import last_rate
from wncompare.nn.training.targets import Targets, targets_of

__all__ = ["EpochResult", "Evaluation", "Trainer", "batch_order", "evaluate", "first_step"]

CHUNK_SECONDS = 0.4
EVALUATION_BATCH = 48

Logs = dict[str, float]
Progress = Callable[[int, int, Logs], None]
Step = Callable[[Any, Any], None]

_log = logging.getLogger(__name__)


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
        xla = _Xla(chosen.xla)
        targets = targets_of(model, train)
        self._training = _Loop(_train_step(model, chosen.forward, targets), on_device(train), batch_size, xla)
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
        compile_seconds, instantiate_seconds = self._test.compile(), self._test.instantiate()
        _evaluate(self.model, self._test, CHUNK_SECONDS)
        return Evaluation(_logs(self.model), compile_seconds, instantiate_seconds)

    def compile(self) -> float:
        """Compile what is not compiled yet, and return the seconds that took; `epochs` does it by itself."""
        return self._training.compile() + self._validation.compile()

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
    loop = _evaluation(_test_step(model, chosen.forward, targets_of(model, split)), split, batch_size, _Xla(chosen.xla))
    loop.compile()
    _evaluate(model, loop, CHUNK_SECONDS)
    return _logs(model)


def first_step(model: keras.Model, split: Split) -> Logs:
    """Take one training step on a whole split, op by op: nothing is compiled. Return its loss and metrics."""
    step = _train_step(model, forward(model, standard=split.standard, lowered=False), targets_of(model, split))
    placed = on_device(split)
    step(placed.inputs, placed.targets)
    return _logs(model)


def _evaluation(step: Step, split: Split, batch_size: int | None, xla: "_Xla") -> "_Loop":
    return _Loop(step, on_device(split), batch_size or _evaluation_batch(len(split)), xla)


def _evaluation_batch(count: int) -> int:
    """The largest divisor of `count` that is neither tiny nor slow, multiples of 4 first: lowering likes those."""
    sizes = sorted(range(16, EVALUATION_BATCH + 1), key=lambda size: (size % 4 == 0, size), reverse=True)
    return next((size for size in sizes if count % size == 0), EVALUATION_BATCH)


def _silent(step: int, steps: int, logs: Logs) -> None:
    pass


def _evaluate(model: keras.Model, loop: "_Loop", chunk_seconds: float) -> float:
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


@dataclass
class _Xla:
    """Whether XLA compiles the programs of one model; given up for all of them at once."""

    usable: bool


class _Loop:
    """A step looped over a split: a program for whole batches, and one for the rest, not worth XLA's seconds."""

    def __init__(self, step: Step, split: DeviceSplit, batch_size: int, xla: "_Xla") -> None:
        self.split = split
        self._step = step
        self._batch_size = batch_size
        self._whole, self._rest = divmod(len(split), batch_size)
        self._programs: dict[int, Any] = {}
        self._xla = xla

    @property
    def steps(self) -> int:
        """Batches in one pass over the split."""
        return self._whole + (self._rest > 0)

    def compile(self) -> float:
        """Compile the programs, unless they are, and return the seconds that took; without XLA where it lacks an op."""
        if self._programs:
            return 0.0
        started = perf_counter()
        if self._whole:
            self._programs[self._batch_size] = self._compiled(self._batch_size)
        if self._rest:
            self._programs[self._rest] = self._traced(self._rest, xla=False)
        return perf_counter() - started

    def _compiled(self, size: int) -> Any:
        try:
            return self._traced(size, xla=self._xla.usable)
        except tf.errors.OpError as error:
            if forget_damaged(error):
                return self._compiled(size)
            lacks_op = isinstance(error, tf.errors.InvalidArgumentError | tf.errors.UnimplementedError)
            if not (lacks_op and self._xla.usable):
                raise
            self._xla.usable = False
            _log.warning("XLA cannot compile this model: it trains without, slower. %s", error.message.split("\n")[0])
            return self._compiled(size)

    def _traced(self, size: int, *, xla: bool) -> Any:
        """The program for batches of that size, called once on no batch, which compiles it."""
        program = _program(self._step, size, xla).get_concrete_function(*self._no_batch())
        program(*self._no_batch())
        return program

    def instantiate(self) -> float:
        """Call every program on no batch, and return the seconds that took: no call that is timed instantiates one.

        Whatever clears Keras's session, in an arm's building or in a user's own function, makes TensorFlow drop what it
        has instantiated, and the next call of a program that XLA has not compiled takes up to a second for it.
        """
        return sum(_seconds(program, self._no_batch()) for program in self._programs.values())

    def _no_batch(self) -> tuple[Any, ...]:
        return _arguments(self.split, tf.zeros(len(self.split), tf.int32), 0, 0)

    def run(self, order: NDArray[np.int32], chunk_seconds: float) -> Iterator[tuple[int, float]]:
        """Take the batches in that order; yield the steps done and the last chunk's seconds."""
        placed = tf.constant(self.split.at(order))
        done, chunk = 0, 1
        while done < self.steps:
            chunk = min(chunk, max(1, self._whole - done))
            seconds = self._take(placed, done, chunk)
            done += chunk
            yield done, seconds
            chunk = max(1, int(chunk * chunk_seconds / seconds))

    def step_seconds(self, steps: int, order: NDArray[np.int32]) -> float:
        """Take the first `steps` batches of one size in that order at once; return the seconds of a step."""
        steps = min(steps, max(1, self._whole))
        return self._take(tf.constant(self.split.at(order)), 0, steps) / steps

    def _take(self, order: Any, done: int, steps: int) -> float:
        """Take `steps` batches of one size, from batch `done` of the order on; return the seconds that took."""
        size = self._batch_size if done < self._whole else self._rest
        return _seconds(self._programs[size], _arguments(self.split, order, done * self._batch_size, steps))


def _seconds(program: Any, arguments: tuple[Any, ...]) -> float:
    """Call a program, wait for its end, and return the seconds from call to end."""
    started = perf_counter()
    int(program(*arguments))
    return perf_counter() - started


def _arguments(split: DeviceSplit, order: Any, first: int, steps: int) -> tuple[Any, ...]:
    return split.inputs, split.targets, order, tf.constant(first), tf.constant(steps)


def _program(step: Step, size: int, jit_compile: bool) -> Any:
    @tf.function(jit_compile=jit_compile, autograph=False)
    def program(inputs: Any, targets: Any, order: Any, first: Any, steps: Any) -> Any:
        def body(done: Any) -> Any:
            rows = tf.gather(order, first + done * size + tf.range(size))  # tf.slice would recompile for each `first`
            batch = tf.nest.map_structure(lambda array: tf.gather(array, rows), inputs)
            step(batch, None if targets is None else tf.gather(targets, rows))
            return done + 1

        return tf.while_loop(lambda done: done < steps, body, [tf.constant(0)])[0]

    return program
