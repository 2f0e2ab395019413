"""The summary: what is counted, paired, chosen and corrected, against SciPy, statsmodels and arithmetic."""

import json
import math
import re
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path
from shutil import rmtree
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest
from scipy import stats as scipy_stats
from statsmodels.stats.multitest import multipletests

from tests.recorded import amend, configured, redraw, summary_of
from wncompare.analysis.schema import Summary
from wncompare.analysis.summary import as_data
from wncompare.config import Config
from wncompare.storage.files import strict

Write = Callable[..., Path]

SEEDS = range(10)
NOISE = np.random.default_rng(5).normal(0, 0.01, (3, 10))
SHIFTS = {"regular": 0.0, "weight_norm": 0.012, "batch_norm": 0.004}
FINAL = {name: 0.6 + shift + noise for (name, shift), noise in zip(SHIFTS.items(), NOISE, strict=True)}

GRID = {"training.optimizer.learning_rate": [0.001, 0.01]}
SLOW, FAST = "learning_rate=0.001", "learning_rate=0.01"


def final(variant: str, seed: int, epoch: int) -> float:
    """Training accuracies that end at `FINAL`; validation is 0.05 below."""
    return float(FINAL[variant][seed]) - 0.1 * (2 - epoch)


@pytest.fixture
def ten(tiny: Config) -> Config:
    """Ten seeds of two variants."""
    return configured(tiny, seeds=list(SEEDS))


def test_a_contrast_is_the_paired_difference_at_the_last_epoch(write_records: Write, ten: Config) -> None:
    """Mean and interval are SciPy's paired t-test's, the p-value is its exact permutation test's."""
    (comparison,) = summary_of(write_records(ten, final)).comparisons
    (contrast,) = comparison.contrasts
    values, reference = FINAL["weight_norm"], FINAL["regular"]
    low, high = scipy_stats.ttest_rel(values, reference).confidence_interval(0.95)
    test = scipy_stats.permutation_test(
        (values, reference), lambda a, b: np.mean(a - b), permutation_type="samples", n_resamples=np.inf
    )
    found = contrast.difference
    assert (found.n, found.mean) == (10, pytest.approx(np.mean(values - reference)))
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert contrast.p_value == pytest.approx(test.pvalue)
    assert [pair.difference for pair in contrast.by_seed] == pytest.approx(list(values - reference))
    assert contrast.wins == int((values > reference).sum())


def test_a_variant_is_described_at_the_last_epoch(write_records: Write, ten: Config) -> None:
    """Mean and interval are SciPy's one-sample t's; the median is one of the values, the lower of the middle two."""
    (comparison,) = summary_of(write_records(ten, final)).comparisons
    variant = comparison.variants[1]
    expected = scipy_stats.ttest_1samp(FINAL["weight_norm"] - 0.05, 0).confidence_interval(0.95)
    assert (variant.headline.low, variant.headline.high) == (pytest.approx(expected.low), pytest.approx(expected.high))
    assert variant.accuracy.mean == pytest.approx(FINAL["weight_norm"].mean())
    assert variant.median == pytest.approx(sorted(FINAL["weight_norm"])[4] - 0.05)
    assert variant.area.mean == pytest.approx(FINAL["weight_norm"].mean() - 0.1)
    assert [one.reference for one in comparison.variants] == [True, False]


def test_p_values_are_corrected_over_all_contrasts(write_records: Write, ten: Config) -> None:
    """Named contrasts are taken as they are named, and Holm's correction is statsmodels'."""
    config = configured(
        ten,
        variants=[{"name": name} for name in SHIFTS],
        contrasts=[
            {"name": "whole", "variant": "weight_norm", "reference": "regular"},
            {"name": "rest", "variant": "weight_norm", "reference": "batch_norm"},
            {"name": "other", "variant": "batch_norm", "reference": "regular"},
        ],
    )
    (comparison,) = summary_of(write_records(config, final)).comparisons
    found = comparison.contrasts
    assert [contrast.name for contrast in found] == ["whole", "rest", "other"]
    assert found[1].difference.mean == pytest.approx(np.mean(FINAL["weight_norm"] - FINAL["batch_norm"]))
    expected = multipletests([contrast.p_value for contrast in found], method="holm")[1]
    assert [contrast.p_holm for contrast in found] == pytest.approx(list(expected))


def test_only_pairs_are_compared(write_records: Write, ten: Config) -> None:
    """Where the variants' seeds differ, the contrast has the seeds that both finished, and the summary says so."""
    folder = write_records(ten, final)
    for run in ("regular/seed-0", "weight_norm/seed-1"):
        rmtree(folder / run)
    found = summary_of(folder)
    contrast = found.comparisons[0].contrasts[0]
    assert contrast.difference.mean == pytest.approx(np.mean((FINAL["weight_norm"] - FINAL["regular"])[2:]))
    assert [pair.seed for pair in contrast.by_seed] == list(range(2, 10))
    assert (
        "The variants have not finished the same seeds: differences are of the seeds that all of a contrast have."
        in found.caveats
    )
    assert "2 of 20 planned runs not in these numbers: 2 missing." in found.caveats
    assert found.comparisons[0].variants[0].headline.n == 9


def test_a_diverged_run_ranks_worst_and_withholds_the_mean(write_records: Write, ten: Config) -> None:
    """It counts as −∞: no mean of its arm or of the difference, but the median, the wins and the losses stand."""
    folder = write_records(ten, final)
    redraw(folder, "weight_norm/seed-3", [0.2])
    amend(folder, "weight_norm/seed-3", status="diverged")
    found = summary_of(folder)
    variant, contrast = found.comparisons[0].variants[1], found.comparisons[0].contrasts[0]
    ranks = np.array(FINAL["weight_norm"])
    ranks[3] = -np.inf
    assert (variant.finished, variant.diverged, found.runs.diverged) == (9, 1, 1)
    assert math.isnan(variant.headline.mean)
    assert variant.median == pytest.approx(np.sort(ranks)[4] - 0.05)
    assert math.isnan(contrast.difference.mean)
    wins, losses = int((ranks > FINAL["regular"]).sum()), int((ranks < FINAL["regular"]).sum())
    assert (contrast.wins, contrast.losses) == (wins, losses)
    assert contrast.basis == "median"
    assert contrast.p_value == pytest.approx(scipy_stats.binomtest(wins, wins + losses).pvalue)
    assert contrast.median.value == pytest.approx(np.median(ranks - FINAL["regular"]))
    assert math.isnan(variant.by_epoch.mean[0])
    assert variant.targets[0].reached == 9


def test_a_run_that_stopped_early_counts_with_its_own_last_epoch(write_records: Write, tiny: Config) -> None:
    """Later epochs are the mean of the runs that came so far, and n by epoch says how many."""
    folder = write_records(configured(tiny, seeds=[0, 1, 2]), final)
    redraw(folder, "regular/seed-0", [0.3, 0.4, 0.5, 0.6])
    redraw(folder, "regular/seed-1", [0.2, 0.3])
    redraw(folder, "regular/seed-2", [0.1, 0.2])
    found = summary_of(folder)
    regular = found.comparisons[0].variants[0]
    assert regular.by_epoch.epoch == (1, 2, 3, 4)
    assert regular.by_epoch.n == (3, 3, 1, 1)
    assert regular.by_epoch.mean == pytest.approx((0.2, 0.3, 0.5, 0.6))
    assert regular.headline.mean == pytest.approx((0.6 + 0.3 + 0.2) / 3)
    assert any(caveat.startswith("Runs ended after 2 to 4 epochs") for caveat in found.caveats)


def test_stopping_at_a_target_is_a_caveat(write_records: Write, tiny: Config) -> None:
    """Where runs stop once they reach an accuracy, that accuracy says little, and the summary says that."""
    training = {**tiny.dump()["training"], "stop_at": {"value": 0.6}}
    folder = write_records(configured(tiny, training=training), final)
    assert not any("stopped at the target" in caveat for caveat in summary_of(folder).caveats)
    amend(folder, "regular/seed-0", stopped="stop_at: reached")
    assert any(caveat.startswith("1 run stopped at the target of 0.6") for caveat in summary_of(folder).caveats)


def test_one_seed_has_no_interval(write_records: Write, tiny: Config) -> None:
    """One seed gives its value and nothing about chance: no interval, no p-value."""
    (comparison,) = summary_of(write_records(configured(tiny, seeds=[0]), final)).comparisons
    (contrast,) = comparison.contrasts
    assert contrast.difference.mean == pytest.approx(FINAL["weight_norm"][0] - FINAL["regular"][0])
    numbers = (contrast.difference.low, contrast.p_value, contrast.p_holm, contrast.detectable)
    assert all(map(math.isnan, numbers))
    assert contrast.outcome == "one pair"


def test_before_anything_finished_there_are_no_numbers(write_records: Write, tiny: Config) -> None:
    """No records at all: NaN everywhere, never zero, no target, and every run is missing."""
    folder = write_records(tiny, final)
    for variant in ("regular", "weight_norm"):
        rmtree(folder / variant)
    found = summary_of(folder)
    variant = found.comparisons[0].variants[0]
    assert (found.runs.missing, found.runs.planned) == (4, 4)
    assert math.isnan(variant.headline.mean)
    assert math.isnan(variant.compile_seconds)
    assert found.targets.values == ()
    assert found.comparisons[0].contrasts[0].outcome == "nothing"


def test_targets_of_the_data_are_exploratory(write_records: Write, ten: Config) -> None:
    """Without targets in the config there is one: 95 % of the reference's median final validation accuracy."""
    found = summary_of(write_records(ten, final))
    assert found.targets.exploratory
    assert found.targets.values == (pytest.approx(0.95 * (sorted(FINAL["regular"])[4] - 0.05)),)


@pytest.mark.parametrize("curve", [[0.1, 0.1], [0.05, 0.1, 0.1, 0.05], [0.97, 0.98], [0.3]])
def test_a_target_that_is_there_from_the_start_is_none(write_records: Write, tiny: Config, curve: list[float]) -> None:
    """A reference at chance would give one below chance; one that has learned in an epoch, or had one, no time."""
    folder = write_records(tiny, final)
    for seed in tiny.seeds:
        redraw(folder, f"regular/seed-{seed}", curve)
    found = summary_of(folder)
    assert found.targets.values == found.comparisons[0].variants[1].targets == ()
    assert summary_of(write_records(configured(tiny, targets=[0.02]), final)).targets.values == (0.02,)


def test_two_pairs_give_a_ratio_without_an_interval(write_records: Write, tiny: Config) -> None:
    """Of times to a target: an interval of two would be of three distinct resamples."""
    folder = write_records(configured(tiny, seeds=[0, 1, 2]), final)
    for seed, seconds in enumerate((4.0, 1.0, 3.0)):
        redraw(folder, f"weight_norm/seed-{seed}", [0.4, 0.5], train_seconds=seconds)
    rmtree(folder / "weight_norm" / "seed-2")
    two = summary_of(folder).comparisons[0].contrasts[0]
    assert all(math.isnan(each.low) for each in two.time_to_target_ratios)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ({"name": "lenet"}, "lenet"),
        ({"name": "file", "file": "/a/my.keras"}, "my.keras"),
        ({"name": "function", "architecture": "0" * 64}, "your model"),
    ],
)
def test_a_model_is_called_by_its_own_name(write_records: Write, tiny: Config, model: Any, name: str) -> None:
    """Not by how it came here: a file has its name, a model made in Python is the reader's."""
    assert summary_of(write_records(configured(tiny, model=model), final)).model == name


def test_what_can_overturn_the_verdict_is_grave(write_records: Write, tiny: Config) -> None:
    """Runs that are not in it, a divergence and unequal seeds; how any verdict is read is not. JSON has one list."""
    folder = write_records(configured(tiny, seeds=[0, 1, 2]), final)
    assert summary_of(folder).grave == ()
    amend(folder, "regular/seed-0", status="failed")
    amend(folder, "weight_norm/seed-1", status="diverged")
    found = summary_of(folder)
    starts = ("1 of 6 planned runs not in these numbers", "1 run diverged", "The variants have not finished")
    assert len(found.grave) == len(starts)
    assert all(caveat.startswith(start) for caveat, start in zip(found.grave, starts, strict=True))
    assert set(found.grave) < set(found.caveats)
    assert "grave" not in as_data(found)


def test_times_to_a_fixed_target(write_records: Write, tiny: Config) -> None:
    """Medians of the first epoch, step and second at the target; a run that misses it is infinite and stays in."""
    config = configured(tiny, seeds=[0, 1, 2, 3, 4], targets=[0.5])
    folder = write_records(config, final)
    for seed, curve in enumerate(([0.5, 0.6], [0.4, 0.5], [0.4, 0.5], [0.3, 0.4], [0.3, 0.4])):
        redraw(folder, f"regular/seed-{seed}", curve)
        redraw(folder, f"weight_norm/seed-{seed}", curve, train_seconds=3.0)
    found = summary_of(folder)
    (times,) = found.comparisons[0].variants[0].targets
    assert not found.targets.exploratory
    assert times.reached == 3
    assert (times.epochs.value, times.steps.value, times.seconds.value) == (2, 6, 4.0)
    assert times.epochs.high == math.inf
    (ratio,) = found.comparisons[0].contrasts[0].time_to_target_ratios
    assert ratio.ratio == 1.5


def test_step_times_are_paired_ratios(write_records: Write, tiny: Config) -> None:
    """The ratio is the geometric mean over seeds, with compilation apart."""
    config = configured(tiny, seeds=[0, 1])
    folder = write_records(config, final)
    redraw(folder, "weight_norm/seed-0", [0.5, 0.5], train_seconds=4.0)
    redraw(folder, "weight_norm/seed-1", [0.5, 0.5], train_seconds=9.0)
    (comparison,) = summary_of(folder).comparisons
    assert comparison.variants[0].step_seconds.mean == pytest.approx(2 / 3)
    assert comparison.contrasts[0].step_ratio.mean == pytest.approx(math.sqrt(2 * 4.5))


def test_compile_time_is_of_the_runs_that_compiled(write_records: Write, ten: Config) -> None:
    """A worker compiles once for all seeds: the runs that had nothing left to compile say nothing of its time."""
    folder = write_records(ten, final)
    for seed, seconds in enumerate((9.0, 0.0, 11.0, 0.0, 10.0)):
        amend(folder, f"regular/seed-{seed}", seconds={"compile": seconds})
    assert summary_of(folder).comparisons[0].variants[0].compile_seconds == 10.0


def test_without_a_holdout_no_setting_is_chosen(write_records: Write, ten: Config) -> None:
    """Each point is a comparison of its own, all corrected together, and the summary says why."""
    found = summary_of(write_records(configured(ten, grid=GRID), final))
    assert [comparison.name for comparison in found.comparisons] == [SLOW, FAST]
    assert [set(comparison.selected.values()) for comparison in found.comparisons] == [{SLOW}, {FAST}]
    contrasts = [comparison.contrasts[0] for comparison in found.comparisons]
    assert [one.p_holm for one in contrasts] == pytest.approx([2 * one.p_value for one in contrasts])
    assert any(caveat.startswith("No setting is chosen") for caveat in found.caveats)


def test_the_data_are_strict_json(write_records: Write, tiny: Config) -> None:
    """One seed leaves NaN, which JSON holds as text; the document has its schema's version."""
    data = as_data(summary_of(write_records(configured(tiny, seeds=[0]), final)))
    document = json.loads(json.dumps(strict(data), allow_nan=False))
    assert document["schema_version"] == 4
    assert document["comparisons"][0]["contrasts"][0]["difference"]["low"] == "nan"


def test_every_field_is_documented() -> None:
    """docs/results.md names each field of summary.json."""
    text = (Path(__file__).parents[2] / "docs" / "results.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"`([a-z_]+)`", text))
    assert _names(Summary) <= documented


def _names(kind: Any) -> set[str]:
    """The names of all fields of a dataclass and of those in it."""
    if not is_dataclass(kind):
        return {name for part in get_args(kind) for name in _names(part)}
    hints = get_type_hints(kind)
    names = {field.name for field in fields(kind) if field.metadata.get("in_json", True)}
    return names | {name for hint in hints.values() for name in _names(hint)}
