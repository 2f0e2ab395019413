"""What the log of looks says against a verdict, right below it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.recorded import configured, summary_of
from tests.run.pretending import Pretender
from wncompare import records
from wncompare.analysis.summary import summarize
from wncompare.config import Config
from wncompare.run.execute import execute

Run = Callable[..., Any]
NOISE = np.random.default_rng(1).normal(0, 0.02, 100)
UNTIL = {"until": "settled", "first": 8, "most": 10}


def accuracy(variant: str, seed: int) -> float:
    """Differences of nothing but noise."""
    return 0.75 + (variant != "regular") * NOISE[seed]


@pytest.fixture
def run(tiny: Config, tmp_path: Path) -> Run:
    """A function that runs with those seeds in one folder, and gives its summary."""

    def go(seeds: Any, **options: Any) -> Any:
        execute(configured(tiny, seeds=seeds), tmp_path / "out", engine=Pretender(accuracy), **options)
        return summary_of(tmp_path / "out")

    return go


def test_seeds_that_were_added_after_a_look_are_told_below_the_verdict(run: Run) -> None:
    """How many the verdict had been read with, of how many; and what may be read after every seed."""
    assert not any("after a look" in caveat for caveat in run(list(range(6))).grave)
    run(list(range(8)))
    found = run(list(range(10)))
    (caveat,) = (caveat for caveat in found.grave if "after a look" in caveat)
    assert "the verdict had been read with 6 and 8 of these 10." in caveat
    assert "seeds: {until: settled}" in caveat
    assert caveat in found.caveats


def test_the_same_command_again_is_no_look_more(run: Run) -> None:
    """Nothing was added: whoever reads the same records twice has not peeked."""
    run(list(range(6)))
    assert not any("look" in caveat for caveat in run(list(range(6))).caveats)


def test_a_look_that_could_tell_nothing_is_none(run: Run) -> None:
    """Of two pairs no result makes a verdict: to go on from there to ten chose nothing."""
    run([0, 1])
    assert not any("look" in caveat for caveat in run(list(range(10))).caveats)


def test_seeds_that_were_left_out_after_a_look_are_told(run: Run) -> None:
    """Which they are."""
    run(list(range(9)))
    assert "Seeds that had been looked at are left out: 7, 8." in run(list(range(7))).grave


def test_until_settled_has_looks_of_its_own(run: Run) -> None:
    """Looks under the protocol that was written before the first run are nothing to warn of."""
    assert not any("look" in caveat for caveat in run(UNTIL).caveats)


def test_a_protocol_that_was_written_after_a_look_is_told(run: Run) -> None:
    """With --overwrite another takes its place, from a list and back, and the report says how many looks there were."""
    run(list(range(8)))
    told = "look at these seeds under another protocol: when seeds are enough was not decided beforehand."
    assert f"There had been 1 {told}" in run(UNTIL, overwrite=True).grave
    assert any(
        "There had been 3 looks at these seeds" in caveat for caveat in run(list(range(8)), overwrite=True).grave
    )


def test_a_gap_in_the_list_of_seeds_is_told(run: Run) -> None:
    """Seeds that follow one another in any order are not; a gap is, but not as grave."""
    assert not any("follow" in caveat for caveat in run([2, 0, 1]).caveats)
    found = run([0, 1, 2, 5])
    told = "The seeds do not follow one another (0, 1, 2, 5): nothing says why others are not among them."
    assert told in found.caveats
    assert told not in found.grave


def test_a_folder_without_a_log_says_nothing_of_looks(run: Run, tmp_path: Path) -> None:
    """Folders of earlier versions have none: they stay readable, and nothing is made up."""
    run(list(range(6)))
    found = run(list(range(8)))
    (tmp_path / "out/looks.json").unlink()
    before = summarize(records.read(tmp_path / "out"))
    assert len(before.grave) == len(found.grave) - 1


def test_runs_that_were_replaced_after_a_look_are_told(run: Run, tiny: Config, tmp_path: Path) -> None:
    """A look at runs of another setting is no look at these; that there was one is said, but not as grave."""
    run(list(range(6)))
    other = configured(tiny, seeds=list(range(8)), init_batch=16)
    execute(other, tmp_path / "out", engine=Pretender(accuracy), overwrite=True)
    found = summary_of(tmp_path / "out")
    (caveat,) = (caveat for caveat in found.caveats if "look" in caveat)
    assert caveat.startswith("There had been 1 look at runs of other settings, which these have replaced: ")
    assert caveat not in found.grave
