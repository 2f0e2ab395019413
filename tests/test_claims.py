"""docs/claims.md, the configs of its experiments and their records say the same."""

import csv
import re
from functools import reduce
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest

import wncompare
from docs import claims
from wncompare import config, records
from wncompare.analysis.stats.sequences import confidence_sequence

ROOT = Path(__file__).parents[1]
CONFIGS = ROOT / "configs/claims"
ANSWERS = sorted(claims.claims())
NUMBER = re.compile(r"[+−]\d+\.\d+|\d+\.\d{2,}")


@pytest.fixture(scope="module")
def page() -> str:
    """docs/claims.md."""
    return claims.PAGE.read_text(encoding="utf-8")


def test_every_table_is_that_of_the_records(page: str) -> None:
    """Written again from results/published/claims, the page is the same, and has a place for every experiment."""
    assert claims.written(page) == page
    for name in (*claims.claims(), *claims.tunings()):
        assert f"<!-- {name} -->" in page


@pytest.mark.parametrize("file", ["docs/claims.md", "README.md"])
def test_every_figure_of_an_answer_is_in_the_tables_of_its_experiment(file: str) -> None:
    """A row that links to reports has no number but theirs, to the last digit."""
    rows = [
        line for line in (ROOT / file).read_text(encoding="utf-8").splitlines() if "/claims/" in line and line[0] == "|"
    ]
    assert rows
    for row in rows:
        linked = re.findall(r"results/published/claims/(\w+)/", row)
        there = "".join(claims.claims()[name].tables() for name in linked)
        numbers = NUMBER.findall(row.rsplit("|", 2)[0] if file == "docs/claims.md" else row)
        assert numbers, row
        assert [number for number in numbers if number not in there] == []


@pytest.mark.parametrize("name", ANSWERS)
def test_the_records_are_of_the_config(name: str) -> None:
    """What stands in configs/claims is what was run, but for the note on the copy of CIFAR-10; nothing failed."""
    experiment = records.read(claims.RECORDS / name)
    asked = config.load(
        CONFIGS / f"{name}.yaml", ["dataset.copy_note=JPEG copy"] if "cifar10" in asked_for(name) else ()
    )
    assert experiment.config == asked
    assert {run.record.status for run in experiment.runs} <= {"finished", "diverged"}


@pytest.mark.parametrize("name", ANSWERS)
def test_the_learning_rates_are_those_that_tuning_chose(name: str) -> None:
    """Each arm's rate is the best of its tuning, which used other seeds."""
    (tuning,) = (each for of, each in claims.tunings().items() if name.startswith(of.removesuffix("_rates")))
    asked = config.load(CONFIGS / f"{name}.yaml", ())
    settings = tuple(f"{reduce(getattr, key.split('.'), asked):g}" for key in tuning.settings)
    for variant in asked.variants:
        assert variant.learning_rate == tuning.chosen()[(variant.id, *settings)]
    assert not set(asked.all_seeds) & set(tuning.experiment.config.all_seeds)


def test_tuning_chooses_what_the_report_does() -> None:
    """The page's choice is the report's wherever the rate is all that the grid has."""
    for name, tuning in claims.tunings().items():
        chosen = {arm: f"learning_rate={rate:g}" for arm, rate in tuning.chosen().items()}
        (compared, *_) = wncompare.report(claims.RECORDS / name).summary.comparisons
        if all(len(arm) == 1 for arm in chosen):
            assert {(variant,): point for variant, point in compared.selected.items()} == chosen


def test_the_training_losses_are_those_of_the_histories() -> None:
    """The difference in mean training loss is that of the mean of each history.csv's column."""

    def losses(variant: str) -> list[float]:
        files = (claims.RECORDS / f"convergence/{variant}/seed-{seed}/history.csv" for seed in range(100, 120))
        return [
            fmean(float(row["loss"]) for row in csv.DictReader(file.read_text("utf-8").splitlines())) for file in files
        ]

    expected = fmean(losses("weight_norm")) - fmean(losses("regular"))
    row = next(line for line in claims.claims()["convergence"].tables().splitlines() if "Weight norm − Regular" in line)
    assert f"| {expected:+.4f} (" in row


def test_a_share_has_fiellers_bounds() -> None:
    """They are the roots of mean(part − s · whole)² = c² · var(part − s · whole), c the half width in deviations."""
    rng = np.random.default_rng(0)
    whole = rng.normal(0.2, 0.05, 16)
    part = 0.5 * whole + rng.normal(0, 0.02, 16)
    unit = np.array([-1.0, 1.0] * 8)  # mean 0, standard deviation 1
    c = confidence_sequence(unit).high
    (pp, pw), (_, ww) = np.cov(part, whole, ddof=0)
    a, b = whole.mean() ** 2 - c**2 * ww, part.mean() * whole.mean() - c**2 * pw
    low, high = sorted(np.roots([a, -2 * b, part.mean() ** 2 - c**2 * pp]).real)
    shown = [float(number) for number in re.findall(r"[\d.]+", claims.share(part, whole))]
    assert shown == pytest.approx([part.mean() / whole.mean(), low, high], abs=0.011)
    assert claims.share(part, rng.normal(0, 1, 16)) == "–"


def asked_for(name: str) -> str:
    """The config's text."""
    return (CONFIGS / f"{name}.yaml").read_text(encoding="utf-8")
