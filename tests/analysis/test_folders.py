"""`wncompare compare A B`: pairs by variant, point and seed, an exit code for CI, and in what the two differ."""

import json
from collections.abc import Callable
from pathlib import Path
from shutil import rmtree

import numpy as np
import pytest
from scipy import stats as scipy_stats

from tests.cli.test_cli import wncompare
from tests.recorded import amend, configured, redraw
from wncompare import records
from wncompare.analysis.folders import compare_folders
from wncompare.config import Config

Write = Callable[..., Path]
Capture = pytest.CaptureFixture[str]
Both = tuple[Path, Path]

SEEDS = range(6)
BEFORE = np.array([0.50, 0.52, 0.51, 0.53, 0.50, 0.52])
LOSS = np.array([0.02, 0.03, 0.01, 0.02, 0.03, 0.02])


@pytest.fixture
def both(write_records: Write, tiny: Config, tmp_path: Path) -> Both:
    """A and B, six seeds each: weight_norm is worse in B by `LOSS`, and takes twice as long; regular is the same."""
    config = configured(tiny, seeds=list(SEEDS))
    folders = tmp_path / "a", tmp_path / "b"
    for folder in folders:
        write_records(config, lambda *_: 0.5, folder)
    for seed in SEEDS:
        redraw(folders[0], f"weight_norm/seed-{seed}", [BEFORE[seed]])
        redraw(folders[1], f"weight_norm/seed-{seed}", [BEFORE[seed] - LOSS[seed]], train_seconds=4.0)
    return folders


def test_the_change_is_paired_by_seed(both: Both) -> None:
    """B minus A with SciPy's paired t-interval, for each variant, and the ratio of step times."""
    regular, weight_norm = compare_folders(*map(records.read, both)).changes
    interval = scipy_stats.ttest_rel(BEFORE - LOSS, BEFORE).confidence_interval(0.95)
    assert weight_norm.difference.mean == pytest.approx(-LOSS.mean())
    assert (weight_norm.difference.low, weight_norm.difference.high) == pytest.approx(tuple(interval))
    assert (weight_norm.p_value, weight_norm.p_holm) == (2 / 64, 4 / 64)
    assert weight_norm.step_ratio.mean == pytest.approx(2.0)
    assert (regular.outcome, regular.difference.mean) == ("equal", 0.0)


def test_both_values_stand_beside_their_difference(both: Both, capsys: Capture) -> None:
    """The headline in A and in B, each a mean with its t-interval over the seeds that are paired, and no others."""
    rmtree(both[1] / "weight_norm" / "seed-5")
    (_, change) = compare_folders(*map(records.read, both)).changes
    for found, values in ((change.a, BEFORE[:5]), (change.b, (BEFORE - LOSS)[:5])):
        half = scipy_stats.sem(values) * scipy_stats.t.ppf(0.975, 4)
        expected = values.mean() + np.array([0, -half, half])
        assert (found.n, found.mean, found.low, found.high) == pytest.approx((5, *expected))
    assert change.b.mean - change.a.mean == pytest.approx(change.difference.mean)
    _, out, _ = wncompare("compare", *both, capture=capsys)
    assert f"{change.a.mean:.4f}" in out
    assert f"{change.b.mean:.4f}" in out


@pytest.mark.parametrize(("tolerance", "code"), [("0.02", 3), ("0.03", 0)])
def test_the_exit_code_tells_what_is_worse_than_tolerated(
    tolerance: str, code: int, both: Both, capsys: Capture
) -> None:
    """A mean loss of 0.0217 fails where 0.02 is tolerated and passes where 0.03 is."""
    found = wncompare("compare", *both, "--fail-if-worse", tolerance, capture=capsys)
    assert found[0] == code
    assert ("weight_norm: worse by 0.0217: the 95 % interval, −0.0296 to −0.0138, excludes 0" in found[2]) == (
        code == 3
    )


def test_without_a_tolerance_nothing_fails(both: Both, capsys: Capture) -> None:
    """What is worse is said, and the exit code is 0."""
    code, out, err = wncompare("compare", *both, capture=capsys)
    assert (code, err) == (0, "")
    assert "regular, B against A: the same in every pair." in out
    assert "weight_norm, B against A: too few pairs for a verdict, −0.0217 (" in out


@pytest.mark.parametrize(
    ("seeds", "words"),
    [
        (1, "weight_norm: worse by 0.0200: one pair has no interval and no verdict"),
        (3, "includes 0, but 3 pairs are too few for a verdict"),
    ],
)
def test_too_few_pairs_are_said_to_be(seeds: int, words: str, both: Both, capsys: Capture) -> None:
    """A failure on few pairs is one, and says how little it knows."""
    for seed in range(seeds, 6):
        rmtree(both[1] / "weight_norm" / f"seed-{seed}")
    redraw(both[1], "weight_norm/seed-0", [BEFORE[0] - 0.02])
    code, _, err = wncompare("compare", *both, "--fail-if-worse", "0.001", capture=capsys)
    assert code == 3
    assert words in err


def test_other_data_are_named_and_do_not_pass(both: Both, capsys: Capture) -> None:
    """Runs on other data can be compared by a person, who is told so, and not by a gate."""
    for run in records.read(both[1]).runs:
        dataset = run.record.dataset.model_copy(update={"label": "other", "digest": "1" * 64})
        amend(both[1], run.name, dataset=dataset)
    code, out, _ = wncompare("compare", *both, capture=capsys)
    assert code == 0
    assert "other data: A is of synthetic, B of other" in out
    code, _, err = wncompare("compare", *both, "--fail-if-worse", "0.5", capture=capsys)
    assert (code, err.count("\n")) == (2, 1)
    assert "--fail-if-worse is for runs on the same data" in err


def test_what_is_missing_does_not_pass(both: Both, capsys: Capture) -> None:
    """A gate stays shut where a variant of A has vanished from B; without the gate the rest is compared."""
    rmtree(both[1] / "weight_norm")
    code, _, err = wncompare("compare", *both, "--fail-if-worse", "0.5", capture=capsys)
    assert code == 3
    assert "lacks 6 runs of" in err
    assert wncompare("compare", *both, capture=capsys)[0] == 0


def test_a_divergence_in_both_hides_no_loss(both: Both, capsys: Capture) -> None:
    """Where a run diverged in A and in B there is no mean, and the gate looks at the pairs in which neither did."""
    for folder in both:
        amend(folder, "weight_norm/seed-2", status="diverged")
    assert wncompare("compare", *both, "--fail-if-worse", "0.5", capture=capsys)[0] == 0
    for seed in (0, 1, 3):
        redraw(both[1], f"weight_norm/seed-{seed}", [0.01])
    code, _, err = wncompare("compare", *both, "--fail-if-worse", "0.1", capture=capsys)
    assert code == 3
    assert err.startswith("weight_norm: worse by ")
    assert err.endswith(" over the pairs in which neither run diverged\n")


def test_runs_that_diverge_only_in_b_are_worse(both: Both, capsys: Capture) -> None:
    """A divergence leaves medians and no mean, and is worse than any tolerance; the other way round it is not."""
    amend(both[1], "weight_norm/seed-2", status="diverged")
    code, out, err = wncompare("compare", *both, "--fail-if-worse", "0.5", capture=capsys)
    assert (code, err) == (3, "weight_norm: worse: 1 more run diverged in B than in A\n")
    expected = (
        "weight_norm, B against A: too few pairs for a verdict, median −0.0250 (95 % interval −∞ to −0.0200, 6 pairs, "
    )
    assert expected in " ".join(out.split())
    assert wncompare("compare", *both[::-1], "--fail-if-worse", "0.5", capture=capsys)[0] == 0


def test_what_differs_is_listed(both: Both, write_records: Write, tiny: Config, capsys: Capture) -> None:
    """Settings and environment by key, with both values; labels and colours change no run and are left out."""
    variants = [
        {"name": "regular", "label": "other", "color": "green"},
        {"name": "weight_norm", "options": {"data_init": False}},
    ]
    config = configured(tiny, seeds=[0, 1], variants=variants, init_batch=16)
    write_records(config, lambda *_: 0.5, both[1].parent / "c")
    for folder, version in ((both[0], "3.14"), (both[1].parent / "c", "3.15")):
        for run in records.read(folder).runs:
            amend(folder, run.name, environment={"keras": version, "git": {"commit": version}})
    data = json.loads(wncompare("compare", both[0], both[1].parent / "c", "--json", capture=capsys)[1])
    assert {one["key"]: (one["a"], one["b"]) for one in data["config"]} == {
        "variants.weight_norm.options.data_init": (True, False),
        "init_batch": (32, 16),
        "seeds": ([0, 1, 2, 3, 4, 5], [0, 1]),
    }
    assert {one["key"]: (one["a"], one["b"]) for one in data["environment"]} == {
        "keras": ("3.14", "3.15"),
        "git.commit": ("3.14", "3.15"),
    }
    assert "regular/seed-5" in data["a"]["unpaired"]
    assert data["b"]["unpaired"] == []


def test_json_is_json_alone(both: Both, capsys: Capture) -> None:
    """With --json stdout is one document with its schema's version, what failed among it."""
    code, out, _ = wncompare("compare", *both, "--json", "--fail-if-worse", "0.01", capture=capsys)
    data = json.loads(out)
    assert code == 3
    assert (data["schema_version"], data["fail_if_worse"], data["worse"]) == (1, 0.01, ["weight_norm"])
    assert [change["n"] for change in data["changes"]] == [6, 6]


def test_points_of_a_grid_are_compared_each(write_records: Write, tiny: Config, tmp_path: Path) -> None:
    """Runs pair at the same point alone."""
    for name, values in (("a", [16, 32]), ("b", [32, 64])):
        config = configured(tiny, grid={"training.batch_size": values})
        write_records(config, lambda *_: 0.5, tmp_path / name)
    found = compare_folders(records.read(tmp_path / "a"), records.read(tmp_path / "b"))
    assert [change.name for change in found.changes] == ["regular/batch_size=32", "weight_norm/batch_size=32"]


def test_nothing_in_common_is_a_usage_error(both: Both, write_records: Write, tiny: Config, capsys: Capture) -> None:
    """Without a common run there is nothing to compare: exit code 2 and what would do."""
    other = write_records(configured(tiny, seeds=[7]), lambda *_: 0.5)
    code, out, err = wncompare("compare", both[0], other, capture=capsys)
    assert (code, out) == (2, "")
    assert err == (
        f"wncompare: error: {both[0]} and {other} have no run of the same variant, point and seed that ended in both: "
        "compare experiments that share variants (by id) and seeds\n"
    )


def test_another_headline_is_a_usage_error(both: Both, write_records: Write, tiny: Config, capsys: Capture) -> None:
    """Validation accuracy and test accuracy are not compared."""
    other = write_records(configured(tiny, validation={"holdout": 0.25}), lambda *_: 0.5)
    code, _, err = wncompare("compare", both[0], other, capture=capsys)
    assert code == 2
    assert err.endswith(
        f"reports validation accuracy (higher is better) and {other} test accuracy (higher is better): "
        "compare experiments with the same headline and kind of validation\n"
    )


def test_a_folder_of_experiments_is_a_usage_error(both: Both, capsys: Capture) -> None:
    """A and B are one experiment each."""
    code, _, err = wncompare("compare", both[0].parent, both[1], capture=capsys)
    assert code == 2
    assert err == (f"wncompare: error: {both[0].parent}: holds 2 experiments: name one of them, such as {both[0]}\n")
