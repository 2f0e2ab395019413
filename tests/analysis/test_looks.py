"""Looks at an experiment that goes on until it is settled: functions of the records, in the order of the seeds."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest
from scipy.special import beta

from tests.recorded import amend, configured, redraw, summary_of
from wncompare import records
from wncompare.analysis.looks import counted, is_settled, looks, settled
from wncompare.analysis.methods import methods
from wncompare.config import Config

Write = Callable[..., Path]
Differ = Callable[[Mapping[int, float]], Path]

CLEAR = {seed: 0.1 + 0.001 * (seed % 3) for seed in range(40)}
NONE = {seed: 0.05 * (-1) ** seed for seed in range(40)}


@pytest.fixture
def differ(tiny: Config, write_records: Write) -> Differ:
    """A function that writes an experiment whose variant differs from the reference by so much, seed by seed."""

    def write(differences: Mapping[int, float], **until: Any) -> Path:
        config = configured(tiny, seeds={"until": "settled", "first": 8, "most": 12, **until})
        folder = write_records(config, lambda variant, seed, epoch: 0.5)
        for seed in config.all_seeds:
            if seed in differences:
                redraw(folder, f"weight_norm/seed-{seed}", [0.45, 0.45 + differences[seed]])
            else:
                for variant in ("regular", "weight_norm"):
                    rmtree(folder / variant / f"seed-{seed}")
        return folder

    return write


def first(n: int, differences: Mapping[int, float]) -> dict[int, float]:
    """The differences of the first n seeds."""
    return {seed: difference for seed, difference in differences.items() if seed < n}


def test_a_clear_difference_is_settled_at_the_first_look(differ: Differ) -> None:
    """Eight clear pairs settle it: there is one look, at eight seeds, and no further seed counts or is missing."""
    experiment = records.read(differ(CLEAR))
    assert [look.seeds for look in looks(experiment)] == [tuple(range(8))]
    assert is_settled(experiment)
    assert counted(experiment).seeds == tuple(range(8))
    assert {run.record.seed for run in counted(experiment).runs} == set(range(8))
    summary = summary_of(experiment.folder)
    assert (summary.runs.planned, summary.runs.missing) == (16, 0)
    assert summary.comparisons[0].contrasts[0].n == 8


def test_nothing_is_looked_at_before_the_first_look(differ: Differ) -> None:
    """Seven pairs, however clear, are no look; what is planned is the first look's eight."""
    experiment = records.read(differ(first(7, CLEAR)))
    assert looks(experiment) == ()
    assert not is_settled(experiment)
    assert counted(experiment).seeds == tuple(range(8))
    assert summary_of(experiment.folder).runs.missing == 2


def test_there_is_a_look_at_each_seed_until_the_last(differ: Differ) -> None:
    """Without a difference there is a look at 8, 9, … seeds; the seed of the next look is planned, up to `most`."""
    ten = records.read(differ(first(10, NONE)))
    assert [len(look.seeds) for look in looks(ten)] == [8, 9, 10]
    assert not is_settled(ten)
    assert len(counted(ten).seeds) == 11
    all_of_them = records.read(differ(NONE))
    assert len(looks(all_of_them)) == 5
    assert counted(all_of_them).seeds == all_of_them.config.all_seeds


def test_a_seed_that_lacks_a_run_ends_the_looks(differ: Differ) -> None:
    """Which run ended first tells nothing: seeds past one that lacks a run are not looked at."""
    folder = differ(NONE)
    amend(folder, "regular/seed-9", status="failed", error="memory")
    assert [len(look.seeds) for look in looks(records.read(folder))] == [8, 9]
    assert len(counted(records.read(folder)).seeds) == 10


def test_a_look_takes_nothing_of_later_seeds(differ: Differ) -> None:
    """What look n says is the same whether later seeds are there or not, whatever they hold."""
    some, more = records.read(differ(first(9, NONE))), records.read(differ({**NONE, 9: 0.4, 10: 0.4, 11: 0.4}))
    assert repr(looks(some)) == repr(looks(more)[:2])


def test_a_list_of_seeds_has_no_looks(tiny: Config, write_records: Write) -> None:
    """An experiment with a list is as it was: all its seeds count, and nothing is settled."""
    experiment = records.read(write_records(tiny, lambda variant, seed, epoch: 0.5))
    assert looks(experiment) == ()
    assert dict(settled(experiment)) == {}
    assert counted(experiment) is experiment
    assert experiment.seeds == (0, 1)


def test_every_contrast_has_to_be_settled(tiny: Config, write_records: Write) -> None:
    """Of two contrasts one is settled, and keeps that look, at ten pairs for two tests; seeds go on for the other."""
    variants = [{"name": "regular"}, {"name": "weight_norm"}, {"name": "regular", "id": "same"}]
    seeds = {"until": "settled", "first": 8, "most": 12}
    config = configured(tiny, variants=variants, seeds=seeds)

    def accuracy(variant: str, seed: int, epoch: int) -> float:
        return 0.5 + {"regular": 0, "weight_norm": CLEAR[seed], "same": NONE[seed]}[variant]

    experiment = records.read(write_records(config, accuracy))
    assert {name: len(look.seeds) for name, look in settled(experiment).items()} == {"weight_norm": 10}
    assert not is_settled(experiment)
    assert len(looks(experiment)) == 5


def test_a_settled_contrast_keeps_its_word(tiny: Config, write_records: Write) -> None:
    """It is said with the look's numbers, its present interval beside, and that it includes 0 again where it does."""
    variants = [{"name": "regular"}, {"name": "weight_norm"}, {"name": "regular", "id": "same"}]
    config = configured(tiny, variants=variants, seeds={"until": "settled", "first": 8, "most": 24})

    def accuracy(variant: str, seed: int, epoch: int) -> float:
        faded = CLEAR[seed] if seed < 10 else -0.2
        return 0.5 + {"regular": 0, "weight_norm": faded, "same": NONE[seed]}[variant]

    found = summary_of(write_records(config, accuracy))
    contrast, other = found.comparisons[0].contrasts
    assert (contrast.outcome, contrast.settled, contrast.n) == ("better", 10, 24)
    assert contrast.difference.low < 0 < contrast.difference.high
    assert contrast.sentence.startswith(
        "weight_norm is better than regular: validation accuracy +0.1009 (95 % interval at"
    )
    assert "; that was settled at 10 pairs, and by now it is −0.0746 (95 % interval at any look " in contrast.sentence
    assert "which includes 0 again" in contrast.sentence
    assert (other.outcome, other.settled) == ("not told from noise", None)
    assert found.verdict.startswith("weight_norm: better, settled at 10 pairs and by now −0.0746 (")
    assert "a verdict on up to 24 pairs detects " in other.sentence


def test_a_collapse_moves_a_contrast_to_the_sign_martingale(differ: Differ) -> None:
    """Its p-value is then 1/(2ⁿ · B(w + 1, l + 1)) at its highest, which settles nine wins of nine."""
    folder = differ(first(12, CLEAR))
    amend(folder, "regular/seed-3", status="diverged")
    experiment = records.read(folder)
    look = looks(experiment)[-1]
    contrast = look.contrasts["weight_norm"]
    assert (contrast.basis, contrast.sequential, len(look.seeds)) == ("median", True, 8)
    assert contrast.p_value == pytest.approx(1 / (2**8 * beta(9, 1)))
    assert (contrast.outcome, contrast.median.high) == ("better", math.inf)


def test_the_methods_say_how_seeds_were_added(differ: Differ) -> None:
    """From which number on they were looked at, up to which, with statistics that allow it, no fixed ones."""
    text = methods(summary_of(differ(CLEAR)))
    assert "8 seeds (0 to 7)" in text
    assert "Seeds were added until every contrast was settled, looked at from 8 on, 12 at the most." in text
    assert "confidence sequence" in text
    assert "Both hold at every look." in text
    assert "sign-flip" not in text
