"""The headline at equal cost: each run at the last epoch done within the budget, against SciPy and pandas."""

import math
from collections.abc import Callable, Sequence
from itertools import accumulate
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from statsmodels.stats.multitest import multipletests

from tests.recorded import amend, configured, redraw, summary_of
from wncompare import config as configs
from wncompare import load, records
from wncompare.analysis.equal_cost import _place
from wncompare.analysis.headline import metric
from wncompare.analysis.schema import Cost, EqualCost
from wncompare.analysis.stats import sequences
from wncompare.config import Config
from wncompare.errors import ConfigError

Write = Callable[..., Path]

SEEDS = 8
EPOCHS = 10
CURVES = np.random.default_rng(3).uniform(0.3, 0.7, (3, SEEDS, EPOCHS))
"""Validation accuracies by variant, seed and epoch."""


@pytest.fixture
def eight(write_records: Write, tiny: Config) -> Path:
    """Records of eight seeds; an epoch takes the reference 2 s and 3 steps, weight_norm 3 s and 3 steps."""
    folder = write_records(configured(tiny, seeds=list(range(SEEDS))), lambda *_: 0.5)
    for place, (variant, seconds) in enumerate((("regular", 2.0), ("weight_norm", 3.0))):
        _redrawn(folder, variant, CURVES[place], train_seconds=seconds)
    return folder


def _redrawn(folder: Path, variant: str, curves: np.ndarray, **columns: float) -> None:
    for seed, curve in enumerate(curves):
        redraw(folder, f"{variant}/seed-{seed}", list(curve), **columns)


def _found(folder: Path, cost: Cost, contrast: str = "weight_norm") -> EqualCost:
    (comparison,) = summary_of(folder).comparisons
    (found,) = (each for each in comparison.equal_cost if (each.cost, each.contrast) == (cost, contrast))
    return found


def _assert_compares(found: EqualCost, values: np.ndarray, reference: np.ndarray) -> None:
    """Mean, interval and p-value are SciPy's of these pairs."""
    low, high = scipy_stats.ttest_rel(values, reference).confidence_interval(0.95)
    test = scipy_stats.permutation_test(
        (values, reference), lambda a, b: np.mean(a - b), permutation_type="samples", n_resamples=np.inf
    )
    assert found.n == len(values)
    assert found.difference.mean == pytest.approx(np.mean(values - reference))
    assert (found.difference.low, found.difference.high) == (pytest.approx(low), pytest.approx(high))
    assert found.p_value == pytest.approx(test.pvalue)


def test_a_slower_arm_has_done_fewer_epochs_in_the_same_seconds(eight: Path) -> None:
    """The reference is done after 20 s, in which the variant has done six of its epochs of 3 s."""
    found = _found(eight, "seconds")
    assert (found.budget, found.epochs) == (20.0, {"weight_norm": 6.0, "regular": 10.0})
    _assert_compares(found, CURVES[1, :, 5], CURVES[0, :, 9])


def test_equal_steps_are_compared_where_they_cut_a_run(eight: Path) -> None:
    """With 3 steps an epoch in both arms they would be the headline again; with 4 in one, it has done 7 of 30."""
    (comparison,) = summary_of(eight).comparisons
    assert [each.cost for each in comparison.equal_cost] == ["seconds"]
    _redrawn(eight, "weight_norm", CURVES[1], steps=4)
    found = _found(eight, "steps")
    assert (found.budget, found.epochs) == (30.0, {"weight_norm": 7.0, "regular": 10.0})
    _assert_compares(found, CURVES[1, :, 6], CURVES[0, :, 9])


@pytest.mark.parametrize(("budget", "epochs"), [(9.0, (3, 4)), (6.5, (2, 3)), (1000.0, (6, 10))])
def test_a_budget_of_the_config_cuts_both_arms(eight: Path, budget: float, epochs: tuple[int, int]) -> None:
    """Up to that many seconds, or the smaller of the two totals where that is less."""
    _configured(eight, budget={"seconds": budget})
    found = _found(eight, "seconds")
    assert found.budget == min(budget, 20.0)
    assert tuple(found.epochs.values()) == epochs
    _assert_compares(found, CURVES[1, :, epochs[0] - 1], CURVES[0, :, epochs[1] - 1])


def _configured(folder: Path, **changes: object) -> None:
    records.write_experiment(folder, configured(records.read_config(folder), **changes), "0")


@pytest.mark.parametrize("budget", [{"seconds": 0}, {"seconds": -1.0}, {"steps": 0}, {"steps": 1.5}, {"epochs": 3}, 5])
def test_a_budget_that_is_none_is_refused(tiny: Config, budget: object) -> None:
    """Seconds above 0, whole steps: anything else is refused by its place."""
    with pytest.raises(ConfigError, match="budget"):
        configs.from_data({**tiny.dump(), "budget": budget}, "test")


def test_a_pair_without_an_epoch_in_the_budget_is_left_out(eight: Path) -> None:
    """Where an arm's first epoch takes longer than all the other's there is nothing to compare."""
    redraw(eight, "weight_norm/seed-0", list(CURVES[1, 0]), train_seconds=21.0)
    _assert_compares(_found(eight, "seconds"), CURVES[1, 1:, 5], CURVES[0, 1:, 9])
    _configured(eight, budget={"seconds": 1.0})
    found = _found(eight, "seconds")
    assert (found.n, math.isnan(found.difference.mean), math.isnan(found.p_holm)) == (0, True, True)


def test_a_diverged_run_withholds_the_mean_at_equal_cost_too(eight: Path) -> None:
    """It ranks worst, whatever it had passed on its way, and sets no budget; so do two of one seed."""
    redraw(eight, "weight_norm/seed-0", [0.5], train_seconds=0.5)
    amend(eight, "weight_norm/seed-0", status="diverged")
    found = _found(eight, "seconds")
    assert (found.n, found.budget, math.isnan(found.difference.mean)) == (SEEDS, 20.0, True)
    amend(eight, "regular/seed-0", status="diverged")
    found = _found(eight, "seconds")
    assert (found.n, math.isnan(found.difference.mean)) == (SEEDS, True)


def test_seconds_of_two_sessions_are_not_compared(eight: Path) -> None:
    """A pair that two sessions trained tells of two machines: equal steps take it, equal seconds do not."""
    _redrawn(eight, "weight_norm", CURVES[1], steps=4, train_seconds=3.0)
    for variant, session in (("regular", "a"), ("weight_norm", "b")):
        amend(eight, f"{variant}/seed-0", sessions=(session,))
    assert _found(eight, "steps").n == SEEDS
    _assert_compares(_found(eight, "seconds"), CURVES[1, 1:, 5], CURVES[0, 1:, 9])


def test_each_kind_of_cost_is_a_family_of_its_own(write_records: Write, tiny: Config) -> None:
    """Holm over the two contrasts at equal seconds, and over those at equal steps apart: statsmodels agrees."""
    variants = ["regular", "weight_norm", "batch_norm"]
    config = configured(tiny, variants=[{"name": name} for name in variants], seeds=list(range(SEEDS)))
    folder = write_records(config, lambda *_: 0.5)
    for place, variant in enumerate(variants):
        _redrawn(folder, variant, CURVES[place] + place / 10, train_seconds=2.0 + place, steps=3 + place)
    (comparison,) = summary_of(folder).comparisons
    for cost in ("seconds", "steps"):
        found = [each for each in comparison.equal_cost if each.cost == cost]
        assert [each.contrast for each in found] == variants[1:]
        expected = multipletests([each.p_value for each in found], method="holm")[1]
        assert [each.p_holm for each in found] == pytest.approx(expected)


@given(
    st.lists(st.floats(0.01, 100), min_size=1, max_size=20),
    st.floats(0.01, 500),
)
def test_the_place_in_a_history_is_the_last_within_the_budget(seconds: Sequence[float], budget: float) -> None:
    """For all histories: as a walk along it finds, and never an epoch that ends after the budget."""
    totals = list(accumulate(seconds))
    expected = sum(total <= budget * (1 + 1e-9) for total in totals)
    run = type("Run", (), {"record": type("Record", (), {"status": "finished"}), "epochs": len(seconds)})()
    run.history = {"val_loss": np.arange(1.0, len(seconds) + 1), "train_seconds": np.array(seconds)}
    place = _place(run, "seconds", budget, metric("val_loss"))
    assert place.epochs == expected
    assert place.value == expected or (expected == 0 and math.isnan(place.value))


def test_the_published_experiment_at_equal_seconds_is_what_pandas_finds() -> None:
    """merge_asof takes of each run the last epoch before its pair's budget, from the histories alone."""
    folder = Path(__file__).parents[2] / "results" / "published" / "cifar10"
    table = load(folder).assign(spent=lambda rows: rows.groupby(["variant", "seed"]).train_seconds.cumsum())
    budgets = table.groupby(["seed", "variant"]).spent.max().groupby("seed").min().rename("budget").reset_index()
    pairs = budgets.merge(pd.DataFrame({"variant": ["regular", "weight_norm"]}), how="cross").sort_values("budget")
    taken = pd.merge_asof(
        pairs, table.sort_values("spent"), left_on="budget", right_on="spent", by=["seed", "variant"]
    ).pivot(index="seed", columns="variant", values="val_accuracy")
    _assert_compares(_found(folder, "seconds"), taken.weight_norm.to_numpy(), taken.regular.to_numpy())


def test_a_headline_that_is_better_lower_keeps_its_direction(eight: Path) -> None:
    """The loss at the same seconds: a diverged run is the worst there, and the difference has the loss's own sign."""
    _configured(eight, headline={"metric": "loss"})
    for seed in range(SEEDS):
        redraw(eight, f"weight_norm/seed-{seed}", list(CURVES[1, seed]), train_seconds=3.0, val_loss=0.5 + seed)
        redraw(eight, f"regular/seed-{seed}", list(CURVES[0, seed]), val_loss=1.0)
    _assert_compares(_found(eight, "seconds"), np.arange(SEEDS) + 0.5, np.ones(SEEDS))


def test_seeds_until_settled_have_intervals_that_hold_at_every_look(eight: Path) -> None:
    """The t confidence sequence and its p-value, of the seeds that count."""
    _configured(eight, seeds={"until": "settled", "first": 3, "most": 20})
    found = _found(eight, "seconds")
    differences = (CURVES[1, :, 5] - CURVES[0, :, 9])[: found.n]
    assert found.difference == sequences.confidence_sequence(differences)
    assert found.p_value == sequences.anytime_p_value(differences, first=3)


def test_pairs_without_an_epoch_have_no_budget(write_records: Write, tiny: Config) -> None:
    """Runs that diverged and have no history left are summed up like others, at no cost that could be equal."""
    folder = write_records(configured(tiny, seeds=[0, 1]), lambda *_: 0.5)
    for run in records.read(folder).runs:
        records.write_history(run.folder, [])
        amend(folder, run.name, status="diverged", epochs=0)
    assert summary_of(folder).comparisons[0].equal_cost == ()
