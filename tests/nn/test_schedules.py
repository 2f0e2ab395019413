"""Learning-rate schedules, in epochs, against their formulas."""

import math
from typing import Any

import keras
import numpy as np
import pytest

from wncompare import config as configs
from wncompare.config import Training
from wncompare.nn.training.schedules import last_rate, learning_rate

from ..conftest import TINY

STEPS = 7
"""Of an epoch."""
RATE = 0.02


def training(schedule: dict[str, Any] | None, epochs: int = 4) -> Training:
    """Training settings with that schedule."""
    settings = {"optimizer": {"name": "sgd", "learning_rate": RATE}, "epochs": epochs, "schedule": schedule}
    return configs.from_data({**TINY, "training": settings}, "test").training


def rates(schedule: dict[str, Any], steps: int) -> list[float]:
    """The rate of each step, relative to the optimizer's own."""
    made = learning_rate(training(schedule), epoch_steps=STEPS)
    return [float(made(step)) / RATE for step in range(steps)]


@pytest.mark.parametrize(
    ("schedule", "formula"),
    [
        ({"name": "cosine"}, lambda t: (1 + math.cos(math.pi * t / 4)) / 2),
        ({"name": "cosine", "final": 0.1}, lambda t: 0.1 + 0.9 * (1 + math.cos(math.pi * t / 4)) / 2),
        (
            {"name": "cosine", "warmup_epochs": 1},
            lambda t: t if t < 1 else (1 + math.cos(math.pi * (t - 1) / 3)) / 2,
        ),
        ({"name": "linear", "final": 0.2}, lambda t: 1 - 0.8 * t / 4),
        ({"name": "exponential", "factor": 0.9}, lambda t: 0.9**t),
        ({"name": "inverse_time", "decay": 0.5}, lambda t: 1 / (1 + 0.5 * t)),
        ({"name": "step", "epochs": [1, 3]}, lambda t: 0.1 ** ((t >= 1) + (t >= 3))),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else "",
)
def test_every_schedule_follows_its_formula(schedule: dict[str, Any], formula: Any) -> None:
    """The rate of each of the 28 steps of four epochs is the formula's, with t the epochs that are done."""
    expected = [formula(step / STEPS) for step in range(4 * STEPS)]
    np.testing.assert_allclose(rates(schedule, 4 * STEPS), expected, rtol=1e-5, atol=1e-6)


def test_without_a_schedule_the_rate_is_the_optimizer_s() -> None:
    """A plain number goes to the optimizer, so that its rate stays a variable."""
    assert learning_rate(training(None), epoch_steps=STEPS) == RATE


@pytest.mark.parametrize(("taken", "expected"), [(0, RATE), (1, RATE), (7, RATE), (8, RATE / 10), (14, RATE / 10)])
def test_the_last_rate_is_that_of_the_last_step(taken: int, expected: float) -> None:
    """After the first of two epochs the rate that it was trained at is told, not the next one's."""
    optimizer = keras.optimizers.SGD(learning_rate(training({"name": "step", "epochs": [1]}), epoch_steps=STEPS))
    optimizer.iterations.assign(taken)
    assert last_rate(optimizer) == pytest.approx(expected)
    assert last_rate(keras.optimizers.SGD(0.5)) == 0.5
    assert last_rate(keras.optimizers.LossScaleOptimizer(optimizer)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("schedule", "depends"),
    [
        ({"name": "cosine"}, True),
        ({"name": "linear"}, True),
        ({"name": "exponential", "factor": 0.9}, False),
        ({"name": "inverse_time", "decay": 1.0}, False),
        ({"name": "step", "epochs": [2]}, False),
    ],
)
def test_a_schedule_knows_whether_it_depends_on_the_number_of_epochs(schedule: dict[str, Any], depends: bool) -> None:
    """The rates of four planned epochs differ from those of eight just where the schedule says so."""
    four, eight = (training(schedule, epochs) for epochs in (4, 8))
    assert four.schedule is not None
    assert four.schedule.depends_on_epochs is depends
    short, long = (learning_rate(settings, epoch_steps=STEPS) for settings in (four, eight))
    same = [float(short(step)) == float(long(step)) for step in range(4 * STEPS)]  # type: ignore[operator]
    assert all(same) is not depends
