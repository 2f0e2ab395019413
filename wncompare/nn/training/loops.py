"""A step looped over a split, as programs that TensorFlow compiles: in chunks, each one call."""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from wncompare.nn.training.batches import DeviceSplit
from wncompare.nn.training.programs import forget_damaged

Step = Callable[[Any, Any], None]

_log = logging.getLogger(__name__)


@dataclass
class Xla:
    """Whether XLA compiles the programs of one model; given up for all of them at once."""

    usable: bool


@dataclass(frozen=True)
class _Begun:
    """A program for batches of a size, and its first call, on no batch, which compiles it."""

    size: int
    program: Any
    call: Future[Any]


def compile_all(*loops: "Loop") -> float:
    """Compile their programs, unless they are, and return the seconds that took.

    Tracing is Python's, what follows is not: where a core is idle, as where another run compiles faster, both go on.
    """
    left = [loop for loop in loops if not loop.is_compiled]
    if not left:
        return 0.0
    started = perf_counter()
    with ThreadPoolExecutor() as beside:
        for call in [loop.compile(beside) for loop in left]:
            call.result()
    return perf_counter() - started


def _nothing() -> Future[Any]:
    """What is done already."""
    done: Future[Any] = Future()
    done.set_result(None)
    return done


class Loop:
    """A step looped over a split: a program for whole batches, and one for the rest, not worth XLA's seconds."""

    def __init__(self, step: Step, split: DeviceSplit, batch_size: int, xla: "Xla") -> None:
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

    @property
    def is_compiled(self) -> bool:
        """Whether its programs are."""
        return bool(self._programs)

    def compile(self, beside: Executor) -> Future[Any]:
        """Compile the programs, without XLA where it lacks an op.

        What XLA and TensorFlow do for a program goes on `beside` while the next one is traced, and for the last one
        until what is returned has a result.
        """
        whole = self._begun(self._batch_size, beside) if self._whole else None
        rest = self._traced(self._rest, xla=False) if self._rest else None
        if whole:
            self._programs[self._batch_size] = self._compiled(whole, beside)
        if rest is None:
            return _nothing()
        self._programs[self._rest] = rest
        return beside.submit(rest, *self._no_batch())

    def _begun(self, size: int, beside: Executor) -> _Begun:
        program = self._traced(size, xla=self._xla.usable)
        return _Begun(size, program, beside.submit(program, *self._no_batch()))

    def _compiled(self, begun: _Begun, beside: Executor) -> Any:
        """The program, once it is compiled."""
        try:
            begun.call.result()
            return begun.program
        except tf.errors.OpError as error:
            if not forget_damaged(error):
                self._give_up_xla(error)
        return self._compiled(self._begun(begun.size, beside), beside)

    def _give_up_xla(self, error: tf.errors.OpError) -> None:
        """Go on without XLA where it lacks an op; any other error is raised."""
        lacks_op = isinstance(error, tf.errors.InvalidArgumentError | tf.errors.UnimplementedError)
        if not (lacks_op and self._xla.usable):
            raise error
        self._xla.usable = False
        _log.warning("XLA cannot compile this model: it trains without, slower. %s", error.message.split("\n")[0])

    def _traced(self, size: int, *, xla: bool) -> Any:
        """The program for batches of that size, which its first call compiles."""
        return _program(self._step, size, xla).get_concrete_function(*self._no_batch())

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
