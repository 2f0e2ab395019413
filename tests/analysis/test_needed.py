"""How many seeds would tell, by the spread of those that are there."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from click.testing import CliRunner
from statsmodels.stats.power import TTestPower

from tests.recorded import amend, configured
from wncompare import records
from wncompare.analysis.needed import needed
from wncompare.cli import cli
from wncompare.config import Config
from wncompare.render import forecast as text

Write = Callable[..., Path]
DIFFERENCES = [0.02, -0.01, 0.03, 0.0, 0.01, -0.02]


def experiment(tiny: Config, write_records: Write, n: int = 6, **changes: Any) -> tuple[Config, Path]:
    """Six pairs whose differences are known, each run of ten seconds."""
    config = configured(tiny, seeds=list(range(n)), smallest_difference=0.02, **changes)

    def accuracy(variant: str, seed: int, epoch: int) -> float:
        return 0.75 + (variant != "regular") * DIFFERENCES[seed]

    folder = write_records(config, accuracy)
    for run in records.read(folder).runs:
        amend(folder, run.name, seconds={"train": 8.0, "eval": 2.0})
    return config, folder


def test_the_seeds_that_would_tell_are_those_of_a_paired_t_test(tiny: Config, write_records: Write) -> None:
    """From statsmodels' power of a paired t-test at the pairs' own spread; the sign flips take one or two more."""
    config, folder = experiment(tiny, write_records)
    (found,) = needed(records.read(folder), config, workers=2)
    deviation = np.std(DIFFERENCES, ddof=1)
    expected = TTestPower().solve_power(effect_size=0.02 / deviation, alpha=0.05, power=0.8)
    assert (found.n, found.deviation) == (6, pytest.approx(deviation))
    assert found.seeds is not None
    assert np.ceil(expected) <= found.seeds <= np.ceil(expected) + 2
    assert found.seconds == pytest.approx((found.seeds - 6) * 2 * 10 / 2)


def test_looks_and_more_contrasts_take_more_seeds(tiny: Config, write_records: Write) -> None:
    """What holds at every look needs more pairs to end with, and so does Holm's correction."""
    config, folder = experiment(tiny, write_records)
    found = records.read(folder)
    contrasts = [{"name": f"c{k}", "variant": "weight_norm", "reference": "regular"} for k in range(3)]
    until = configured(config, seeds={"until": "settled"})
    one, looked, three = (
        needed(found, each, workers=1)[0].seeds or 0
        for each in (config, until, configured(config, contrasts=contrasts))
    )
    assert one < three < looked


def test_nothing_is_said_without_ground(tiny: Config, write_records: Write) -> None:
    """Of two pairs, of a pair whose run diverged, and without a difference that matters there is no number."""
    config, folder = experiment(tiny, write_records)
    assert needed(records.read(folder), configured(tiny, seeds=list(range(6))), workers=1) == ()
    amend(folder, "weight_norm/seed-1", status="diverged")
    assert needed(records.read(folder), config, workers=1) == ()
    few, folder = experiment(tiny, write_records, n=2)
    assert needed(records.read(folder), few, workers=1) == ()


def test_equal_differences_need_no_more(tiny: Config, write_records: Write) -> None:
    """Pairs without any spread: those that are there do, and it is said so."""
    config = configured(tiny, seeds=[0, 1, 2], smallest_difference=0.02)
    folder = write_records(config, lambda variant, seed, epoch: 0.75)
    (found,) = needed(records.read(folder), config, workers=1)
    assert found.seeds == 3
    (line,) = text.needed_lines([found], 1)
    assert line.endswith(": they are there")


def test_check_says_how_many_and_how_long(tiny: Config, write_records: Write, tmp_path: Path) -> None:
    """One line a contrast, from the folder that a run would write to; without such a folder there is none."""
    config, folder = experiment(tiny, write_records)
    (seeds,) = needed(records.read(folder), config, workers=1)
    file = tmp_path / "tiny.yaml"
    file.write_text(yaml.safe_dump({**config.dump(), "dataset": {"name": "cifar100"}}))
    arguments = ["check", str(file), "--workers", "1", "--data-dir", str(tmp_path)]
    shown, without = (
        CliRunner().invoke(cli, [*arguments, "--output", str(place)], catch_exceptions=False).output
        for place in (folder, tmp_path / "none")
    )
    found = f"seeds: {seeds.seeds} would find a difference of 0.02 in weight_norm with 80 % power"
    assert f"{found}, by the spread of 6 pairs (standard deviation 0.0187): " in shown
    assert "more, about 0:" in shown
    assert " would find " not in without
