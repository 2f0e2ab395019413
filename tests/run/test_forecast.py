"""The plan and its time, said before anything is trained."""

from pathlib import Path
from typing import Any

import pytest

from tests.conftest import TINY
from wncompare import config as configs
from wncompare.records import machine
from wncompare.render import forecast as text
from wncompare.run.forecast import forecast

ROOT = Path(__file__).parents[2]


def planned(**changes: Any) -> Any:
    """The estimate of the tiny config with some keys changed, for one worker."""
    return forecast(configs.from_data({**TINY, **changes}, "test"), workers=1)


def test_steps_count_the_last_partial_batch() -> None:
    """50,000 images in batches of 32 are 1,563 steps, of which a holdout takes its part."""
    training = {"batch_size": 32, "epochs": 10}
    assert planned(dataset={"name": "cifar10"}, training=training).steps_per_epoch == 1563
    held = planned(dataset={"name": "cifar10"}, training=training, validation={"holdout": 0.1})
    assert held.steps_per_epoch == 1407


def test_time_grows_with_runs_and_shrinks_with_workers() -> None:
    """Each seed adds as much, two workers halve what the seeds take; more workers than runs are not counted."""
    two, four, six = (planned(seeds=list(range(seeds))).seconds for seeds in (2, 4, 6))
    assert four - two == pytest.approx(six - four)
    assert two < four < 2 * two  # compiling an arm is once for all seeds
    assert forecast(configs.from_data({**TINY, "seeds": [0, 1, 2, 3]}, "test"), workers=2).seconds == pytest.approx(two)
    assert forecast(configs.from_data(TINY, "test"), workers=99).workers == 4


def test_the_estimate_of_the_main_comparison_is_near_what_it_took() -> None:
    """configs/cifar10.yaml took 203 s with two workers on the cores that the figures are from."""
    assert 160 < forecast(configs.load(ROOT / "configs/cifar10.yaml", ()), workers=2).seconds < 260


def test_a_user_s_own_model_or_data_has_no_estimate() -> None:
    """What is not known is not guessed."""
    own = planned(model={"file": "my.keras"})
    assert own.seconds is None
    assert "estimate: none for this dataset or model" in "\n".join(text.lines(own))
    assert planned(dataset={"name": "npz", "path": "x.npz"}).steps_per_epoch is None


def test_workers_share_the_dataset() -> None:
    """A second worker takes no second copy of CIFAR-10's 184 MB, whether or not a holdout parts it."""
    config = {**TINY, "dataset": {"name": "cifar10"}}
    held = {**config, "validation": {"holdout": 0.1}}

    def second(data: dict[str, Any]) -> int:
        one, two = (forecast(configs.from_data(data, "test"), workers=workers).memory_bytes for workers in (1, 2))
        assert one is not None
        assert two is not None
        return two - one

    assert second(held) == second(config)
    assert planned(dataset={"name": "npz", "path": "x.npz"}).memory_bytes is None


def test_programs_are_counted_once_a_worker() -> None:
    """Ten points of a constant rate compile as one; with a schedule, or in another setting, each is a program."""
    rates = {"training.optimizer.learning_rate": [0.1 * k for k in range(1, 11)]}
    data = {"dataset": {"name": "cifar10"}, "training": {"epochs": 2}}
    sizes = {"training.batch_size": list(range(32, 42))}

    def bytes_of(**changes: Any) -> int:
        found: int = planned(**{**data, **changes}).memory_bytes
        return found

    assert bytes_of(grid=rates) == bytes_of() < bytes_of(grid=sizes)
    scheduled = {"epochs": 2, "schedule": {"name": "cosine"}}
    assert bytes_of(grid=rates, training=scheduled) == bytes_of(grid=sizes)


def test_seeds_until_settled_take_from_the_first_look_to_the_last() -> None:
    """The plan is a span: what 8 seeds take, and what 40 do, each as a list of so many seeds has it."""
    data = {"dataset": {"name": "cifar10"}}
    found = planned(**data, seeds={"until": "settled", "first": 8, "most": 40})
    eight, forty = (planned(**data, seeds=list(range(seeds))) for seeds in (8, 40))
    assert (found.runs, found.seconds) == (eight.runs, eight.seconds) == (16, found.seconds)
    assert found.at_most == forty
    plan, estimate = text.lines(found)
    assert "2 variants × 8 to 40 seeds = 16 to 80 runs of 2 epochs" in plan
    assert " to " in estimate.split(" with ")[0]


def test_sequences_of_numbers_take_four_bytes_a_number() -> None:
    """The adding problem's steps and memory are known before it is drawn: 2 float32 a step of each sequence."""
    small, large = (planned(dataset={"name": "adding_problem", "length": n, "train": 64}) for n in (100, 600))
    assert small.steps_per_epoch == 4
    assert large.memory_bytes - small.memory_bytes == (64 + 1_000) * 500 * 2 * 4


@pytest.mark.parametrize(
    ("found", "told"),
    [("avx512_bf16", "this processor multiplies (avx512_bf16)"), (None, "no instructions (none of amx_bf16")],
)
def test_bfloat16_is_told_what_it_is_worth_here(monkeypatch: pytest.MonkeyPatch, found: str | None, told: str) -> None:
    """By the processor, for a config and for one point of a grid; it has no estimate, and float32 no such line."""
    monkeypatch.setattr(machine, "bfloat16", lambda: found)
    for changes in (
        {"training": {"precision": "mixed_bfloat16"}},
        {"grid": {"training.precision": ["float32", "mixed_bfloat16"]}},
    ):
        plan = planned(**changes)
        *_, estimate, precision = text.lines(plan)
        assert plan.seconds is None
        assert "none for bfloat16" in estimate
        assert precision.startswith("precision: mixed_bfloat16, ")
        assert told in precision
    assert "precision" not in "\n".join(text.lines(planned()))
