"""The verdict's words, exactly: each outcome has its own, and what was not found is not said to be absent."""

from collections.abc import Callable, Sequence
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest

from tests.recorded import configured, redraw, summary_of
from wncompare.config import Config

Write = Callable[..., Path]


@pytest.fixture
def verdict(write_records: Write, tiny: Config) -> Callable[..., str]:
    """The verdict of an experiment whose paired differences are given, the reference at 0.5."""

    def of(
        differences: Sequence[float], *, prepare: Callable[[Path], None] = lambda folder: None, **changes: Any
    ) -> str:
        config = configured(tiny, **{"seeds": list(range(len(differences))), **changes})
        folder = write_records(config, lambda *_: 0.5)
        for seed, difference in enumerate(differences):
            redraw(folder, f"regular/seed-{seed}", [0.5])
            redraw(folder, f"weight_norm/seed-{seed}", [0.5 + difference], train_seconds=3.0)
        prepare(folder)
        return summary_of(folder).verdict

    return of


CLEAR = (0.01, 0.02, 0.03, 0.02, 0.01, 0.03)
"""Six pairs of one sign: p = 2/64."""
VARIANTS = ("regular", "weight_norm", "batch_norm", "layer_norm")
NOISY = (0.01, -0.01, 0.02, -0.02, 0.01, -0.02)


def several(tiny: Config, *, seeds: range, **changes: Any) -> Config:
    """Four variants: three contrasts."""
    return configured(tiny, variants=[{"name": name} for name in VARIANTS], seeds=list(seeds), **changes)


def test_better(verdict: Callable[..., str]) -> None:
    """A clear difference: its size, interval, pairs and p-value, and what it costs."""
    assert verdict(CLEAR) == (
        "WeightNorm ConvNet is better than Regular ConvNet: validation accuracy +0.0200 "
        "(95 % interval +0.0106 to +0.0294, 6 pairs, p = 0.0312); "
        "a training step takes 1.50 times as long (in 1 session)."
    )


def test_worse(verdict: Callable[..., str]) -> None:
    """The other way round it is worse."""
    assert verdict([-one for one in CLEAR]).startswith(
        "WeightNorm ConvNet is worse than Regular ConvNet: validation accuracy −0.0200 "
        "(95 % interval −0.0294 to −0.0106, 6 pairs, p = 0.0312); "
    )


def test_a_null_result_is_not_a_proof_of_equality(verdict: Callable[..., str]) -> None:
    """It cannot be told from noise, and the verdict says what could have been."""
    assert verdict(NOISY).startswith(
        "No difference between WeightNorm ConvNet and Regular ConvNet can be told from seed noise: validation accuracy "
        "−0.0017 (95 % interval −0.0197 to +0.0164, 6 pairs, p = 1.0000); "
        "a verdict on 6 pairs detects 0.0309 with 80 % power; a training step"
    )


def test_equal(verdict: Callable[..., str]) -> None:
    """No difference at all, as between a run and its repetition, is more than a null result."""
    assert verdict([0.0] * 3).startswith(
        "WeightNorm ConvNet and Regular ConvNet have the same validation accuracy in each of 3 pairs; a training step"
    )


def test_equivalent(verdict: Callable[..., str]) -> None:
    """Against a smallest difference that matters, no difference can be a finding."""
    assert verdict(NOISY, smallest_difference=0.05).startswith(
        "WeightNorm ConvNet and Regular ConvNet are equivalent within ±0.05: validation accuracy −0.0017 (95 %"
    )


def test_undecided(verdict: Callable[..., str]) -> None:
    """Neither different nor equivalent."""
    assert (
        "a verdict on 6 pairs detects 0.0309 with 80 % power; whether a difference of 0.01 is there is undecided; "
    ) in verdict(NOISY, smallest_difference=0.01)


def test_an_interval_that_excludes_zero_is_not_enough(write_records: Write, tiny: Config) -> None:
    """Of three contrasts with p = 0.027 before Holm's correction none is clear, and none is called undecided either."""
    differences = (0.01, 0.02, 0.03, 0.02, 0.01, 0.03, 0.02, -0.012, 0.001)
    config = several(tiny, seeds=range(9), smallest_difference=0.005)
    folder = write_records(config, lambda *_: 0.5)
    for variant in VARIANTS[1:]:
        for seed, difference in enumerate(differences):
            redraw(folder, f"{variant}/seed-{seed}", [0.45 + difference])
            redraw(folder, f"regular/seed-{seed}", [0.45])
    contrast = summary_of(folder).comparisons[0].contrasts[0]
    assert (contrast.equivalence, contrast.outcome) == ("different", "not told from noise")
    assert "; the interval excludes 0, but p is not below 0.05 after the correction, which" in contrast.sentence


@pytest.mark.parametrize(("pairs", "enough"), [(2, 7), (6, 7)])
def test_the_pairs_that_a_verdict_takes(write_records: Write, tiny: Config, pairs: int, enough: int) -> None:
    """Three contrasts need the n for which 3 · 2/2ⁿ is below 5 %, however far from it the pairs there are."""
    assert 3 * 2 / 2**enough < 0.05 < 3 * 2 / 2 ** (enough - 1)
    folder = write_records(several(tiny, seeds=range(pairs)), lambda *_: 0.5)
    for seed in range(pairs):
        redraw(folder, f"weight_norm/seed-{seed}", [0.4])
    assert f"a verdict takes {enough}; " in summary_of(folder).comparisons[0].contrasts[0].sentence


def test_a_difference_too_small_to_matter(verdict: Callable[..., str]) -> None:
    """A difference can be clear and yet smaller than what matters."""
    assert verdict(CLEAR, smallest_difference=0.05).startswith(
        "WeightNorm ConvNet is better than Regular ConvNet, but by less than the 0.05 that matters: "
        "validation accuracy +0.0200 ("
    )


def test_too_few_pairs(verdict: Callable[..., str]) -> None:
    """Five pairs reach 2/32 at best: the verdict gives that, and how many could do."""
    assert verdict(CLEAR[:5]).startswith(
        "5 pairs are too few for a verdict on WeightNorm ConvNet against Regular ConvNet: validation accuracy +0.0180 "
        "(95 % interval +0.0076 to +0.0284, 5 pairs, p = 0.0625); "
        "at best they reach p = 0.0625, and a verdict takes 6; a training step"
    )


def test_one_pair(verdict: Callable[..., str]) -> None:
    """One seed: the number, no interval, no verdict."""
    assert verdict([0.01]) == (
        "One pair of runs (seed 0) gives no interval and no verdict on WeightNorm ConvNet against Regular ConvNet: "
        "validation accuracy +0.0100; a training step takes 1.50 times as long (in 1 session)."
    )


def test_nothing_finished(verdict: Callable[..., str]) -> None:
    """Before a pair has finished there is nothing to say."""
    assert verdict(CLEAR, prepare=lambda folder: rmtree(folder / "weight_norm")) == (
        "WeightNorm ConvNet and Regular ConvNet have no pair of finished runs yet: nothing can be compared."
    )


def test_one_variant(write_records: Write, tiny: Config) -> None:
    """Nothing is compared where there is nothing to compare with."""
    config = configured(tiny, variants=[{"name": "regular"}])
    assert summary_of(write_records(config, lambda *_: 0.5)).verdict == "There is one variant: nothing is compared."


THREE = [{"name": "regular"}, {"name": "weight_norm"}, {"name": "batch_norm"}]


def test_several_contrasts_are_each_named(verdict: Callable[..., str]) -> None:
    """Each contrast in brief, its p-value corrected; six pairs are then too few: three tests need 2/128."""
    contrasts = [
        {"name": "whole", "variant": "weight_norm", "reference": "regular"},
        {"name": "rest", "variant": "weight_norm", "reference": "batch_norm"},
    ]
    assert verdict((*CLEAR, 0.02), variants=THREE, contrasts=contrasts).startswith(
        "whole: better, +0.0200 (95 % interval +0.0124 to +0.0276, 7 pairs, p = 0.0312 after Holm's correction); rest: "
    )
    assert verdict(CLEAR, variants=THREE, contrasts=contrasts).startswith("whole: too few pairs for a verdict, +0.0200")


def test_many_contrasts_are_counted(verdict: Callable[..., str]) -> None:
    """More than four contrasts are a tally."""
    grid = {"training.batch_size": [16, 32, 64, 128, 256]}
    assert verdict([], grid=grid, seeds=[0, 1]) == (
        "Of 5 contrasts, p corrected by Holm, 5 are the same in every pair."
    )


def test_small_differences_are_small_in_every_place(verdict: Callable[..., str]) -> None:
    """Clear and yet smaller than what matters: so in brief, and in a tally, where the table says equivalent."""
    contrasts = [{"name": f"c{number}", "variant": "weight_norm", "reference": "regular"} for number in range(5)]
    clear = CLEAR * 2
    brief = verdict(clear, contrasts=contrasts[:2], smallest_difference=0.06)
    assert brief.startswith("c0: better by less than matters, +0.0200 (95 %")
    tally = verdict(clear, contrasts=contrasts, smallest_difference=0.06)
    assert tally == "Of 5 contrasts, p corrected by Holm, 5 came out better by less than matters."
    worse = verdict([-one for one in clear], contrasts=contrasts[:2], smallest_difference=0.06)
    assert worse.startswith("c0: worse by less than matters, −0.0200 (95 %")


def test_which_of_the_two_is_missing_is_said(verdict: Callable[..., str]) -> None:
    """A verdict takes a p-value and an interval: where they disagree, the sentence names the one that failed."""
    skewed = (0.001, 0.001, 0.001, 0.001, 0.001, 0.1)
    assert "; p is below 0.05, but the interval includes 0; a training step" in verdict(skewed)
    outlying = (0.01, 0.02, 0.03, 0.02, 0.01, 0.03, 0.02, -0.012, 0.001)
    assert "but" not in verdict(outlying)


def test_no_pairs_are_enough_for_so_many_contrasts(write_records: Write, tiny: Config) -> None:
    """Of 900 contrasts even the least p-value that random sign patterns have is above 5 % when corrected."""
    contrasts = [{"name": f"c{number}", "variant": "weight_norm", "reference": "regular"} for number in range(100)]
    grid = {"training.batch_size": list(range(10, 19))}
    folder = write_records(
        configured(tiny, contrasts=contrasts, grid=grid), lambda name, seed, _: 0.5 + len(name) / 100
    )
    contrast = summary_of(folder).comparisons[0].contrasts[0]
    assert (contrast.outcome, contrast.smallest_p_holm) == ("too few", 1.0)
    assert "at best they reach p = 1.0000, and no number of pairs is enough for 900 contrasts; " in contrast.sentence


def test_fit_and_generalization_are_told_apart(verdict: Callable[..., str]) -> None:
    """Where a variant fits better and does worse on validation data, or the other way round, one line says so."""

    def fit(direction: float) -> Callable[[Path], None]:
        def prepare(folder: Path) -> None:
            for seed, difference in enumerate(CLEAR):
                columns = {"accuracy": 0.5 + direction * difference, "val_loss": 1.0 + direction * 2 * difference}
                redraw(folder, f"weight_norm/seed-{seed}", [0.5 + 0.001 * (-1) ** seed], train_seconds=3.0, **columns)

        return prepare

    assert verdict([0.0] * 6, prepare=fit(1)).endswith(
        "; it fits the training data better (training accuracy +0.0200 ± 0.0094) and does worse on others (validation "
        "loss +0.0400 ± 0.0188); a training step takes 1.50 times as long (in 1 session)."
    )
    assert (
        "; it fits the training data worse (training accuracy −0.0200 ± 0.0094) and does better on others"
        in verdict([0.0] * 6, prepare=fit(-1))
    )
    assert "fits" not in verdict(CLEAR)
