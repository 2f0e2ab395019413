"""Sums of variants: what they come to, against a regression on the factors, and how every report shows them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats as scipy_stats

from tests.recorded import amend, configured, redraw, summary_of
from wncompare import records
from wncompare.analysis.schema import Summary
from wncompare.analysis.summary import summarize
from wncompare.config import Config
from wncompare.records import Experiment

Write = Callable[..., Path]

CONTRASTS = Path(__file__).parents[2] / "results" / "published" / "cifar10_contrasts"
FACTORS = {
    "parameterization": ["weight_norm", "weight_norm_data_init"],
    "initialization": ["regular_data_init", "weight_norm_data_init"],
}
TWO_BY_TWO = [
    {"name": "regular", "id": "none", "label": "A"},
    {"name": "regular", "id": "init", "label": "B", "options": {"data_init": True}},
    {"name": "weight_norm", "id": "norm", "label": "C"},
    {"name": "weight_norm", "id": "both", "label": "D", "options": {"data_init": True}},
]
INTERACTION = {"name": "interaction", "weights": {"none": 1, "init": -1, "norm": -1, "both": 1}}
RANDOM = np.random.default_rng(7)
VALUES = {each["id"]: 0.6 + RANDOM.normal(0, 0.02, 8) for each in TWO_BY_TWO}


@pytest.fixture(scope="module")
def published() -> Experiment:
    """The published 2 × 2, its factors named."""
    experiment = records.read(CONTRASTS)
    return replace(experiment, config=configured(experiment.config, contrasts=[], factors=FACTORS))


def test_a_2_by_2_prints_main_effects_and_the_interaction(published: Experiment) -> None:
    """The published halves do not add to the whole by +0.023 (p = 0.012), and the main effects are a regression's."""
    found = {contrast.name: contrast for contrast in summarize(published).comparisons[0].contrasts}
    assert list(found) == ["parameterization", "initialization", "interaction"]
    assert found["interaction"].difference.mean == pytest.approx(0.0233, abs=5e-5)
    assert found["interaction"].p_value == pytest.approx(0.0117, abs=5e-5)
    signs = {
        name: [1 if variant.id in having else -1 for variant in published.config.variants]
        for name, having in FACTORS.items()
    }
    design = np.array([np.ones(4), *signs.values(), np.prod(list(signs.values()), axis=0)]).T
    last = [[run.history["val_accuracy"][-1] for run in published.of(variant)] for variant in published.config.variants]
    coefficients = np.linalg.lstsq(design, np.array(last), rcond=None)[0]
    for coefficient, scale, contrast in zip(coefficients[1:], (2, 2, 4), found.values(), strict=True):
        expected = scipy_stats.ttest_1samp(scale * coefficient, 0).confidence_interval(0.95)
        assert (contrast.difference.low, contrast.difference.high) == pytest.approx((expected.low, expected.high))


def test_pairing_gains_up_to_five_times() -> None:
    """Ten published pairs of one contrast are worth 53 unpaired runs an arm, of another 10; r is SciPy's."""
    experiment = records.read(CONTRASTS)
    halves = [
        {"name": "parameterization", "variant": "weight_norm", "reference": "regular"},
        {"name": "initialization", "variant": "regular_data_init", "reference": "regular"},
        {"name": "both", "variant": "weight_norm_data_init", "reference": "regular"},
    ]
    experiment = replace(experiment, config=configured(experiment.config, contrasts=halves, factors=None))
    found = {contrast.name: contrast for contrast in summarize(experiment).comparisons[0].contrasts}
    assert found["parameterization"].pairing_gain == pytest.approx(5.30, abs=0.005)
    assert found["both"].pairing_gain == pytest.approx(1.03, abs=0.005)
    arms = {
        variant.id: [run.history["val_accuracy"][-1] for run in experiment.of(variant)]
        for variant in experiment.config.variants
    }
    for each in found.values():
        assert each.correlation == pytest.approx(scipy_stats.pearsonr(*(arms[arm] for arm in each.weights)).statistic)
        test = scipy_stats.ttest_rel(*(arms[arm] for arm in each.weights))
        assert each.effect == pytest.approx(test.statistic / np.sqrt(10))


def test_an_interaction_has_a_gain_and_no_correlation(published: Experiment) -> None:
    """Of four arms the gain is the sum of their variances over that of the interaction; r is of two arms alone."""
    interaction = summarize(published).comparisons[0].contrasts[-1]
    arms = [[run.history["val_accuracy"][-1] for run in published.of(variant)] for variant in published.config.variants]
    together = np.var([each.difference for each in interaction.by_seed], ddof=1)
    assert interaction.pairing_gain == pytest.approx(np.var(arms, axis=1, ddof=1).sum() / together)
    assert np.isnan(interaction.correlation)


@pytest.fixture
def summary(write_records: Write, tiny: Config) -> Callable[..., Summary]:
    """A function that summarizes a 2 × 2 of `VALUES`, its interaction asked for by weights."""

    def of(prepare: Callable[[Path], None] = lambda folder: None, **changes: Any) -> Summary:
        config = configured(
            tiny, **{"variants": TWO_BY_TWO, "seeds": list(range(8)), "contrasts": [INTERACTION], **changes}
        )
        folder = write_records(config, lambda *_: 0.5)
        for variant, values in VALUES.items():
            for seed, value in enumerate(values):
                redraw(folder, f"{variant}/seed-{seed}", [float(value)], train_seconds=2.0)
        prepare(folder)
        return summary_of(folder)

    return of


def test_a_sum_is_taken_seed_by_seed(summary: Callable[..., Summary]) -> None:
    """Its interval is SciPy's of the sums, its p-value the exact sign-flip test's; it has no ratio and no rank."""
    (contrast,) = summary().comparisons[0].contrasts
    expected = VALUES["none"] - VALUES["init"] - VALUES["norm"] + VALUES["both"]
    test = scipy_stats.permutation_test((expected,), np.mean, permutation_type="samples", n_resamples=np.inf)
    interval = scipy_stats.ttest_1samp(expected, 0).confidence_interval(0.95)
    assert [pair.difference for pair in contrast.by_seed] == pytest.approx(list(expected))
    assert (contrast.difference.low, contrast.difference.high) == pytest.approx((interval.low, interval.high))
    assert contrast.p_value == pytest.approx(test.pvalue)
    assert contrast.label == "A + D − B − C"
    assert (contrast.variant, contrast.reference) == (None, None)
    assert np.isnan([contrast.probability_of_improvement.mean, contrast.step_ratio.mean]).all()


def test_scaled_weights_scale_the_sum_and_nothing_else(summary: Callable[..., Summary]) -> None:
    """Ten times the weights: ten times the mean and its interval, the same p-value and word."""
    times = {"name": "interaction", "weights": {variant: 10 * w for variant, w in INTERACTION["weights"].items()}}  # type: ignore[attr-defined]
    one, ten = (summary(contrasts=[asked]).comparisons[0].contrasts[0] for asked in (INTERACTION, times))
    assert ten.difference.low == pytest.approx(10 * one.difference.low)
    assert (ten.p_value, ten.outcome) == (one.p_value, one.outcome)
    assert ten.label == "10 × A + 10 × D − 10 × B − 10 × C"


def test_a_run_that_diverged_moves_a_sum_its_own_way(summary: Callable[..., Summary]) -> None:
    """By −∞ where its weight is positive and by ∞ where negative; two of one seed on both sides are a tie."""

    def diverge(folder: Path) -> None:
        for run in ("both/seed-0", "init/seed-1", "none/seed-2", "norm/seed-2"):
            amend(folder, run, status="diverged")

    (contrast,) = summary(diverge).comparisons[0].contrasts
    assert contrast.basis == "median"
    assert [pair.difference for pair in contrast.by_seed[:2]] == [-np.inf, np.inf]
    assert np.isnan(contrast.by_seed[2].difference)
    assert (contrast.n, contrast.ties) == (8, 1)
    assert "1 of 8 A runs diverged" in contrast.sentence


def test_a_sum_is_over_the_seeds_that_all_its_variants_have(summary: Callable[..., Summary]) -> None:
    """A seed of which one variant has no run is left out, and the report says so."""
    found = summary(lambda folder: records.delete_run(folder / "norm" / "seed-3"))
    (contrast,) = found.comparisons[0].contrasts
    assert [pair.seed for pair in contrast.by_seed] == [0, 1, 2, 4, 5, 6, 7]
    assert any(caveat.startswith("The variants have not finished the same seeds") for caveat in found.grave)


@pytest.mark.parametrize(
    ("shift", "sentence", "brief"),
    [
        (0.2, "interaction (A + D − B − C) is above 0: validation accuracy +0.", "interaction: above 0, +0."),
        (-0.2, "interaction (A + D − B − C) is below 0: validation accuracy −0.", "interaction: below 0, −0."),
        (0.0, "interaction (A + D − B − C) cannot be told from 0: validation", "interaction: cannot be told from 0, "),
    ],
)
def test_a_sum_is_above_or_below_0(summary: Callable[..., Summary], shift: float, sentence: str, brief: str) -> None:
    """Of a sum of several variants none is better: it is on a side of 0, or cannot be told from it."""

    def move(folder: Path) -> None:
        for seed in range(8):
            redraw(folder, f"both/seed-{seed}", [float(VALUES["both"][seed]) + shift])

    assert summary(move).verdict.startswith(sentence)
    twice = [INTERACTION, {"name": "again", "variant": "both", "reference": "none"}]
    assert summary(move, contrasts=twice).verdict.startswith(brief)
