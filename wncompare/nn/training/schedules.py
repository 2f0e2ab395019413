"""Learning-rate schedules: Keras's own, with lengths in epochs instead of steps."""

import keras
from keras.optimizers.schedules import (
    CosineDecay,
    ExponentialDecay,
    InverseTimeDecay,
    LearningRateSchedule,
    PiecewiseConstantDecay,
    PolynomialDecay,
)

from wncompare.catalog.training import (
    SCHEDULES,
    CosineOptions,
    ExponentialOptions,
    InverseTimeOptions,
    LinearOptions,
    StepOptions,
)
from wncompare.config import Training
from wncompare.nn.keras_private import schedule_of


def learning_rate(training: Training, *, epoch_steps: int) -> float | LearningRateSchedule:
    """What an optimizer takes as its learning rate, where an epoch has that many steps."""
    rate: float = training.optimizer.model_dump()["learning_rate"]
    if training.schedule is None:
        return rate
    make = SCHEDULES[training.schedule.name].load()
    schedule: LearningRateSchedule = make(rate, training.schedule, epoch_steps, training.epochs)
    return schedule


def last_rate(optimizer: keras.optimizers.Optimizer) -> float:
    """The learning rate of the last step taken; before the first step, of that one."""
    optimizer = unwrapped(optimizer)
    schedule = schedule_of(optimizer)
    if schedule is not None:
        return float(schedule(max(int(optimizer.iterations) - 1, 0)))
    return float(optimizer.learning_rate)


def unwrapped(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """The optimizer that takes the steps: under mixed precision Keras puts one around it that scales losses."""
    found: keras.optimizers.Optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    return found


def cosine(rate: float, options: CosineOptions, epoch_steps: int, epochs: int) -> LearningRateSchedule:
    """From 0 to `rate` linearly, then half a cosine down to `final` · `rate` at the end of the last epoch."""
    warmup = round(options.warmup_epochs * epoch_steps)
    decay = epochs * epoch_steps - warmup
    if not warmup:
        return CosineDecay(rate, decay, alpha=options.final)
    return CosineDecay(0.0, decay, alpha=options.final, warmup_target=rate, warmup_steps=warmup)


def linear(rate: float, options: LinearOptions, epoch_steps: int, epochs: int) -> LearningRateSchedule:
    """A straight line from `rate` to `final` · `rate` at the end of the last epoch."""
    return PolynomialDecay(rate, epochs * epoch_steps, end_learning_rate=options.final * rate, power=1.0)


def exponential(rate: float, options: ExponentialOptions, epoch_steps: int, epochs: int) -> LearningRateSchedule:
    """`rate` · `factor` ^ t after t epochs, falling from step to step."""
    return ExponentialDecay(rate, epoch_steps, options.factor)


def inverse_time(rate: float, options: InverseTimeOptions, epoch_steps: int, epochs: int) -> LearningRateSchedule:
    """`rate` / (1 + `decay` · t) after t epochs, falling from step to step."""
    return InverseTimeDecay(rate, epoch_steps, options.decay)


def step(rate: float, options: StepOptions, epoch_steps: int, epochs: int) -> LearningRateSchedule:
    """`rate`, multiplied by `factor` once more after each of the epochs."""
    last_steps = [epoch * epoch_steps - 1 for epoch in options.epochs]  # steps count from 0
    return PiecewiseConstantDecay(last_steps, [rate * options.factor**times for times in range(len(last_steps) + 1)])
