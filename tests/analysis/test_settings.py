"""A grid's settings: which are compared, and every contrast tested at each of them, against SciPy and statsmodels."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import stats as scipy_stats
from statsmodels.stats.multitest import multipletests

from tests.recorded import amend, configured, redraw, summary_of
from wncompare.analysis.settings import BEST
from wncompare.config import Config

Write = Callable[..., Path]

VARIANTS = ("regular", "weight_norm", "batch_norm")
GRID = {"training.optimizer.learning_rate": [0.001, 0.01]}


@pytest.fixture
def grid(tiny: Config) -> Config:
    """Two variants at two learning rates with a holdout."""
    return configured(tiny, grid=GRID, validation={"holdout": 0.25}, seeds=list(range(6)))


def write_grid(folder: Path, config: Config, values: dict[tuple[str, str], tuple[float, float]]) -> None:
    """Give each variant at each point a held-out and a test accuracy, a little more for later seeds."""
    for (variant, point), (held_out, test) in values.items():
        for seed in config.seeds:
            run = f"{variant}/{point}/seed-{seed}"
            redraw(folder, run, [held_out + 0.001 * seed] * 2)
            amend(folder, run, test={"loss": 1.0, "accuracy": test + 0.001 * seed})


SLOW, FAST = "learning_rate=0.001", "learning_rate=0.01"
MEASURED = {
    ("regular", SLOW): (0.60, 0.50),
    ("regular", FAST): (0.50, 0.60),
    ("weight_norm", SLOW): (0.50, 0.70),
    ("weight_norm", FAST): (0.62, 0.52),
}


def test_settings_are_chosen_on_held_out_data_and_reported_on_test_data(write_records: Write, grid: Config) -> None:
    """The best test accuracies, which are at the other settings, play no part in the choice."""
    folder = write_records(grid, lambda *_: 0.5)
    write_grid(folder, grid, MEASURED)
    found = summary_of(folder)
    (comparison,) = found.comparisons
    assert found.headline == "test_accuracy"
    assert comparison.name == BEST
    assert comparison.selected == {"regular": SLOW, "weight_norm": FAST}
    assert [variant.headline.mean for variant in comparison.variants] == pytest.approx([0.5025, 0.5225])
    assert comparison.contrasts[0].difference.mean == pytest.approx(0.02)
    assert found.robustness is not None
    robust = {(row.variant, cell.point): cell.headline.mean for row in found.robustness.variants for cell in row.points}
    assert robust == {key: pytest.approx(test + 0.0025) for key, (_, test) in MEASURED.items()}


def test_a_contrast_is_taken_at_every_setting_and_over_all(write_records: Write, grid: Config) -> None:
    """A paired difference a setting, and that of the seeds' means over the settings: SciPy's paired t-tests'."""
    folder = write_records(grid, lambda *_: 0.5)
    noise = np.random.default_rng(3)
    tests = {key: test + noise.normal(0, 0.02, len(grid.seeds)) for key, (_, test) in MEASURED.items()}
    for (variant, point), values in tests.items():
        for seed, value in zip(grid.seeds, values, strict=True):
            amend(folder, f"{variant}/{point}/seed-{seed}", test={"loss": 1.0, "accuracy": float(value)})
    robust = summary_of(folder).robustness
    assert robust is not None
    (contrast,) = robust.contrasts
    expected = [scipy_stats.ttest_rel(tests["weight_norm", point], tests["regular", point]) for point in (SLOW, FAST)]
    over_all = [np.mean([tests[variant, SLOW], tests[variant, FAST]], axis=0) for variant in ("regular", "weight_norm")]
    expected.append(scipy_stats.ttest_rel(over_all[1], over_all[0]))
    found = [*(cell.difference for cell in contrast.points), contrast.mean]
    intervals = [test.confidence_interval(0.95) for test in expected]
    assert [(one.low, one.high) for one in found] == [pytest.approx(tuple(interval)) for interval in intervals]
    assert [robust.variants[0].mean.mean, robust.variants[1].mean.mean] == pytest.approx([x.mean() for x in over_all])


def test_divergence_at_one_setting_withholds_the_mean_over_all(write_records: Write, grid: Config) -> None:
    """What ranks worst has no mean: neither that setting's nor the one over all settings; the others keep theirs."""
    folder = write_records(grid, lambda *_: 0.5)
    write_grid(folder, grid, MEASURED)
    amend(folder, f"weight_norm/{FAST}/seed-5", status="diverged")
    robust = summary_of(folder).robustness
    assert robust is not None
    assert np.isnan([robust.variants[1].mean.mean, robust.contrasts[0].mean.mean]).all()
    assert [bool(np.isfinite(cell.difference.mean)) for cell in robust.contrasts[0].points] == [True, False]


def test_a_setting_with_a_diverged_run_is_chosen_last(write_records: Write, grid: Config) -> None:
    """A divergence ranks the setting below every other."""
    folder = write_records(grid, lambda *_: 0.5)
    write_grid(folder, grid, MEASURED)
    amend(folder, f"regular/{SLOW}/seed-5", status="diverged")
    assert summary_of(folder).comparisons[0].selected["regular"] == FAST


def test_every_setting_is_tested_as_one_family(write_records: Write, grid: Config) -> None:
    """Each cell has SciPy's exact sign-flip p-value, corrected by statsmodels' Holm over all cells of the grid."""
    config = configured(grid, variants=[{"name": name} for name in VARIANTS], seeds=list(range(8)))
    folder = write_records(config, lambda *_: 0.5)
    noise, tests = np.random.default_rng(11), {}
    for variant in VARIANTS:
        for point in (SLOW, FAST):
            tests[variant, point] = 0.5 + 0.02 * (variant != "regular") + noise.normal(0, 0.01, 8)
            for seed, value in enumerate(tests[variant, point]):
                amend(folder, f"{variant}/{point}/seed-{seed}", test={"loss": 1.0, "accuracy": float(value)})
    robust = summary_of(folder).robustness
    assert robust is not None
    found = [cell for contrast in robust.contrasts for cell in contrast.points]
    expected = [
        scipy_stats.permutation_test(
            (tests[variant, point] - tests["regular", point],),
            np.mean,
            permutation_type="samples",
            n_resamples=np.inf,
        ).pvalue
        for variant in ("weight_norm", "batch_norm")
        for point in (SLOW, FAST)
    ]
    assert [cell.p_value for cell in found] == pytest.approx(expected)
    assert [cell.p_holm for cell in found] == pytest.approx(list(multipletests(expected, method="holm")[1]))


def test_a_setting_at_which_a_run_diverged_is_tested_by_medians(write_records: Write, grid: Config) -> None:
    """Its cell has a median and the sign test's p-value, the others their means."""
    folder = write_records(grid, lambda *_: 0.5)
    write_grid(folder, grid, MEASURED)
    amend(folder, f"regular/{SLOW}/seed-0", status="diverged")
    robust = summary_of(folder).robustness
    assert robust is not None
    slow, fast = robust.contrasts[0].points
    assert (slow.basis, fast.basis) == ("median", "mean")
    assert slow.p_value == pytest.approx(2 / 2**6)
    assert (slow.median.value, slow.median.high) == (pytest.approx(0.2), math.inf)
    assert robust.variants[0].points[0].lost.mean == pytest.approx(1 / 6)
