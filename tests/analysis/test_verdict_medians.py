"""Verdicts where runs collapse or diverge, and where few pairs decide the mean: pairs and medians, in words."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from scipy import stats as scipy_stats

from tests.recorded import amend, configured, redraw, summary_of
from wncompare import records
from wncompare.analysis.judgement import Paired, judged
from wncompare.analysis.schema import ContrastSummary, SeedDifference, Summary
from wncompare.analysis.stats import Fixed
from wncompare.config import Config
from wncompare.records import DatasetRecord

Write = Callable[..., Path]
Make = Callable[..., Summary]

LABELS = {"regular": "Regular ConvNet", "weight_norm": "WeightNorm ConvNet"}
CHANCE = DatasetRecord(name="npz", label="mine", digest="0" * 64, official=None, test_examples=1000, test_majority=0.3)
"""No better than a guess: up to 0.3 and three times √(0.3 · 0.7 / 1000), which is 0.3435."""
TEN = [0.60 + 0.001 * seed for seed in range(10)]


@pytest.fixture
def make(write_records: Write, tiny: Config) -> Make:
    """A function that summarizes runs of these last accuracies by variant and seed; None has diverged."""

    def summary(values: Mapping[str, Sequence[float | None]], **changes: Any) -> Summary:
        variants = [{"name": name, "label": LABELS.get(name, name)} for name in values]
        seeds = list(range(max(map(len, values.values()))))
        folder = write_records(configured(tiny, **{"variants": variants, "seeds": seeds, **changes}), lambda *_: 0.5)
        for name, by_seed in values.items():
            for seed, value in enumerate(by_seed):
                run = f"{name}/seed-{seed}"
                redraw(folder, run, [0.5 if value is None else value])
                amend(folder, run, dataset=CHANCE, status="diverged" if value is None else "finished")
        return summary_of(folder)

    return summary


def only(summary: Summary) -> ContrastSummary:
    """The contrast that there is."""
    ((contrast,),) = (comparison.contrasts for comparison in summary.comparisons)
    return contrast


def test_ten_of_ten_diverged_is_worse(make: Make) -> None:
    """No mean is left, and none is needed: all ten pairs are lost, 2/2¹⁰ by the sign test."""
    contrast = only(make({"regular": TEN, "weight_norm": [None] * 10}))
    assert (contrast.outcome, contrast.basis, contrast.wins, contrast.losses) == ("worse", "median", 0, 10)
    assert contrast.p_value == contrast.p_holm == pytest.approx(2 / 2**10)
    assert contrast.median.value == contrast.median.high == -math.inf
    assert contrast.sentence.startswith(
        "In the typical pair WeightNorm ConvNet is worse than Regular ConvNet: validation accuracy median −∞ (95 % "
        "interval −∞ to −∞, 10 pairs, p = 0.0020); 10 of 10 WeightNorm ConvNet runs diverged (69 % to 100 %), "
        "0 of 10 Regular ConvNet runs (at most 31 %): no mean is given"
    )


def test_one_diverged_reference_does_not_void_three_contrasts(make: Make) -> None:
    """Three variants that are better in nine of ten pairs still are, against a reference that diverged once."""
    variants = {
        name: [value + 0.02 + 0.001 * seed for seed, value in enumerate(TEN)]
        for name in ("weight_norm", "batch_norm", "layer_norm")
    }
    found = make({"regular": [None, *TEN[1:]], **variants})
    contrasts = found.comparisons[0].contrasts
    assert [contrast.outcome for contrast in contrasts] == ["better"] * 3
    assert [contrast.p_holm for contrast in contrasts] == pytest.approx([3 * 2 / 2**10] * 3)
    assert "diverged" not in found.verdict
    assert found.verdict.startswith("weight_norm: better, median +0.0255 (95 % interval +0.0220 to +0.0290, 10 pairs,")


@pytest.mark.parametrize("targets", ["inputs", "numbers"])
def test_without_classes_no_guess_of_a_class_is_made(write_records: Write, tiny: Config, targets: str) -> None:
    """Of images as targets, or numbers of an unknown spread, no run is known to have collapsed or not."""
    folder = write_records(tiny, lambda *_: 0.05)
    record = DatasetRecord(name="digits", label="digits", digest="0" * 64, official=None, targets=targets)
    for run in records.read(folder).runs:
        amend(folder, run.name, dataset=record)
    assert [variant.collapsed for variant in summary_of(folder).comparisons[0].variants] == [None, None]


def test_a_collapse_leaves_the_typical_pair(make: Make) -> None:
    """Nine pairs are won and one run learned nothing: the typical pair is better, and a collapse is counted."""
    values = [value + 0.025 for value in TEN]
    contrast = only(make({"regular": TEN, "weight_norm": [*values[:9], 0.34]}))
    assert (contrast.basis, contrast.outcome) == ("median", "better")
    assert contrast.p_value == pytest.approx(scipy_stats.binomtest(9, 10).pvalue)
    assert contrast.median.value == pytest.approx(0.025)
    assert math.isnan(contrast.difference.mean)
    assert "1 of 10 WeightNorm ConvNet runs collapsed (0 % to 45 %), 0 of 10 Regular ConvNet runs" in contrast.sentence


@pytest.mark.parametrize(("accuracy", "collapsed"), [(0.3434, 1), (0.3436, 0), (0.02, 1)])
def test_collapsed_is_no_better_than_the_majority(make: Make, accuracy: float, collapsed: int) -> None:
    """The limit is the majority's share and three binomial standard errors of the evaluated examples."""
    limit = 0.3 + 3 * scipy_stats.binom.std(1000, 0.3) / 1000
    assert (accuracy <= limit) == collapsed
    variant = make({"regular": TEN, "weight_norm": [*TEN[:9], accuracy]}).comparisons[0].variants[1]
    assert (variant.collapsed, variant.lost.n, variant.lost.mean) == (collapsed, 10, collapsed / 10)
    expected = scipy_stats.binomtest(collapsed, 10).proportion_ci(0.95, method="exact")
    assert (variant.lost.low, variant.lost.high) == pytest.approx((expected.low, expected.high))


def test_where_chance_is_unknown_nothing_is_said_to_have_collapsed(write_records: Write, tiny: Config) -> None:
    """Records that do not say what a guess reaches are not judged, unless the dataset is a built-in one."""
    folder = write_records(configured(tiny, seeds=[0, 1]), lambda *_: 0.15)
    assert [variant.collapsed for variant in summary_of(folder).comparisons[0].variants] == [None, None]
    for run in records.read(folder).runs:
        amend(folder, run.name, dataset=run.record.dataset.model_copy(update={"name": "cifar10"}))
    assert [variant.collapsed for variant in summary_of(folder).comparisons[0].variants] == [2, 2]  # 0.1 is at chance


def test_squared_errors_are_held_to_the_variance(write_records: Write, tiny: Config) -> None:
    """A run whose mean squared error is at least the targets' variance has learned nothing; it ranks where it is."""
    training = {**tiny.dump()["training"], "loss": "mean_squared_error"}
    config = configured(tiny, training=training, seeds=list(range(6)), headline={"metric": "loss"})
    folder = write_records(config, lambda *_: 0.5)
    dataset = DatasetRecord(name="npz", label="mine", digest="0" * 64, official=None, test_examples=9, test_variance=2)
    for run in records.read(folder).runs:
        loss = 2.0 if run.name == "weight_norm/seed-3" else 1.0 - 0.1 * (run.record.variant == "weight_norm")
        redraw(folder, run.name, [0.5], val_loss=loss)
        amend(folder, run.name, dataset=dataset)
    found = summary_of(folder)
    assert [variant.collapsed for variant in found.comparisons[0].variants] == [0, 1]
    contrast = found.comparisons[0].contrasts[0]
    assert (contrast.basis, contrast.wins, contrast.losses) == ("median", 5, 1)
    assert contrast.median.value == pytest.approx(-0.1)


def test_a_loss_that_layers_add_to_is_not_held_to_the_variance(write_records: Write, tiny: Config) -> None:
    """A penalty on weights makes the loss large and the network no worse; the squared error beside it still tells."""
    dataset = DatasetRecord(name="npz", label="mine", digest="0" * 64, official=None, test_examples=9, test_variance=2)
    for metrics, collapsed in (([], None), (["mean_squared_error"], 0)):
        training = {**tiny.dump()["training"], "loss": "mean_squared_error", "metrics": metrics}
        config = configured(tiny, name=f"with_{len(metrics)}", training=training, headline={"metric": "loss"})
        folder = write_records(config, lambda *_: 0.5)
        for run in records.read(folder).runs:
            redraw(folder, run.name, [0.5], val_loss=3.0, **dict.fromkeys((f"val_{name}" for name in metrics), 1.0))
            amend(folder, run.name, dataset=dataset, penalized=True)
        found = summary_of(folder).comparisons[0].variants
        assert [variant.collapsed for variant in found] == [collapsed, collapsed]


def test_few_pairs_decide_a_mean(make: Make) -> None:
    """Nine pairs at +0.025 and one at −0.45: no mean difference, but that is no "no difference"."""
    reference = [0.9] * 10
    contrast = only(make({"regular": reference, "weight_norm": [0.925] * 9 + [0.45]}))
    assert (contrast.basis, contrast.outcome, contrast.few_decide) == ("mean", "not told from noise", True)
    assert contrast.p_value == 1
    assert contrast.sign_p == pytest.approx(scipy_stats.binomtest(9, 10).pvalue)
    assert contrast.sentence.startswith(
        "Few pairs decide the mean of WeightNorm ConvNet against Regular ConvNet: 9 of 10 pairs are better and 1 worse "
        "(median difference +0.0250, sign test p = 0.0215); the mean cannot be told from seed noise: validation "
        "accuracy −0.0225 (95 % interval"
    )


def test_few_pairs_decide_in_brief_and_in_a_tally(make: Make) -> None:
    """Where several contrasts are told at once it is said as well, by the corrected sign test."""
    values = {"regular": [0.9] * 12, "weight_norm": [0.925] * 11 + [0.38], "batch_norm": [0.9] * 12}
    found = make(values)
    assert found.verdict.startswith(
        "weight_norm: few pairs decide the mean: 11 of 12 pairs are better and 1 worse (median"
    )
    contrasts = [{"name": f"c{number}", "variant": "weight_norm", "reference": "regular"} for number in range(5)]
    many = make(values, contrasts=contrasts)
    assert many.verdict == "Of 5 contrasts, p corrected by Holm, 5 have a mean that few pairs decide."


def test_a_clear_mean_may_be_one_of_few_pairs() -> None:
    """Ten large gains and eleven tiny losses: a mean that is clearly above 0, and a median below."""
    values = [-0.001] * 11 + [0.1, 0.11, 0.12, 0.13, 0.14, 0.15, 0.12, 0.11, 0.13, 0.1]
    pairs = Paired(tuple(SeedDifference(seed, value) for seed, value in enumerate(values)), 0.7, "mean")
    (found,) = judged([pairs], Fixed())
    assert (found.outcome, found.few_decide) == ("better", True)


def test_how_often_runs_were_lost_stands_at_a_verdict_on_several_contrasts(make: Make) -> None:
    """A verdict on two contrasts is brief: that one of ten runs collapsed is right below it, with its interval."""
    better = [value + 0.02 for value in TEN]
    summary = make({"regular": TEN, "weight_norm": [0.3, *better[1:]], "layer_norm": [None, None, *better[2:]]})
    assert summary.grave[1:3] == (
        "1 of 10 runs of WeightNorm ConvNet collapsed (0 % to 45 %): what is said of it is of the typical pair.",
        "2 of 10 runs of layer_norm diverged (3 % to 56 %): what is said of it is of the typical pair.",
    )


def test_runs_that_all_diverged_tie_and_have_no_accuracy_to_share(make: Make) -> None:
    """Neither of two arms that diverge is ahead: that is a tie, and not the same accuracy."""
    sentence = only(make({"regular": [None] * 8, "weight_norm": [None] * 8})).sentence
    assert sentence.startswith("WeightNorm ConvNet and Regular ConvNet tie in each of 8 pairs; 8 of 8 ")
