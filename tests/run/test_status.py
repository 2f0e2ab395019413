"""`wncompare status`: how far an experiment is, run by run or, of many runs, by variant and state."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.recorded import configured
from tests.run.pretending import Pretender
from wncompare import records
from wncompare.config import Config
from wncompare.render import status as text
from wncompare.run import status
from wncompare.run.execute import execute
from wncompare.storage.locks import run_lock

Write = Callable[..., Path]


def curve(variant: str, seed: int, epoch: int) -> float:
    """An accuracy."""
    return 0.5


def change(folder: Path, run: str, **changes: Any) -> None:
    """Change a run's record."""
    file = folder / run / "run.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


@pytest.fixture
def mixed(write_records: Write, tiny: Config) -> Path:
    """One run running (once its lock is held), one interrupted, one failed, one missing."""
    folder = write_records(tiny, curve)
    for run in ("regular/seed-0", "regular/seed-1"):
        change(folder, run, status="running", epochs=10)
    change(folder, "weight_norm/seed-0", status="failed", error="no \x1b[31mmemory\nat all")
    records.delete_run(folder / "weight_norm/seed-1")
    return folder


def test_every_run_has_its_state_and_pace(mixed: Path) -> None:
    """Three steps in 2 s and half a second of evaluation: 1.5 steps/s, and 8 epochs of 2.5 s left."""
    with run_lock(mixed / "regular/seed-0"):
        found = status.status(mixed)
        lines = list(text.lines(found))
    running, interrupted, failed, missing = found.runs
    assert (running.status, running.epoch, running.epochs) == ("running", 2, 10)
    assert (running.steps_per_second, running.seconds_left) == (1.5, 20.0)
    assert [run.status for run in (interrupted, failed, missing)] == ["interrupted", "failed", "missing"]
    assert lines[1:] == [
        "  regular/seed-0      running      epoch 3 of 10, 2 steps/s, 0:00:20 left",
        "  regular/seed-1      interrupted  after epoch 2 of 10",
        "  weight_norm/seed-0  failed       no memory at all",
        "  weight_norm/seed-1  missing",
        "0 of 4 runs finished, 1 running, 1 interrupted, 1 failed, 1 missing, about 0:00:45 left",
    ]


def test_a_run_that_has_all_its_epochs_is_finishing(mixed: Path) -> None:
    """Between the last row of its history and its end a run is in no further epoch, and has no time left."""
    change(mixed, "regular/seed-0", epochs=2)
    with run_lock(mixed / "regular/seed-0"):
        assert "  regular/seed-0      running      finishing" in text.lines(status.status(mixed))


def test_many_runs_are_counted(write_records: Write, tiny: Config) -> None:
    """More than 40 runs: a table of variants and states, and a line for each run that is not as it should be."""
    folder = write_records(tiny.model_copy(update={"seeds": tuple(range(30))}), curve)
    change(folder, "weight_norm/seed-7", status="diverged")
    assert list(text.lines(status.status(folder)))[1:] == [
        "  variant      finished  diverged",
        "  regular      30        0",
        "  weight_norm  29        1",
        "  weight_norm/seed-7  diverged  at epoch 2",
        "59 of 60 runs finished, 1 diverged",
    ]


def test_a_damaged_record_is_a_state(mixed: Path) -> None:
    """A record that cannot be read does not keep the others from being told of."""
    (mixed / "regular/seed-0/run.json").write_text("{")
    assert [run.status for run in status.status(mixed).runs] == ["damaged", "interrupted", "failed", "missing"]
    assert status.status(mixed).runs[0].error.startswith(f"{mixed}/regular/seed-0/run.json: damaged JSON")  # type: ignore[union-attr]


def test_the_command_prints_json_of_all_below_and_never_imports_tensorflow(mixed: Path) -> None:
    """Exit code 0 whatever the states are, in a process in which Keras and TensorFlow cannot be imported."""
    program = (
        "import sys; sys.modules.update(tensorflow=None, keras=None); sys.argv = ['wncompare', *sys.argv[1:]];"
        "from wncompare.cli import main; main()"
    )
    arguments = [sys.executable, "-c", program, "status", str(mixed.parent), "--json"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    (one,) = json.loads(done.stdout)["experiments"]
    assert one["counts"] == {
        **dict.fromkeys(("planned", *status.STATES), 0),
        **{"planned": 4, "interrupted": 2, "failed": 1, "missing": 1},
    }
    assert one["runs"][0]["run"] == "regular/seed-0"


def until_settled(config: Config) -> Config:
    """The config with seeds until it is settled."""
    return configured(config, seeds={"until": "settled", "first": 8, "most": 12})


@pytest.mark.parametrize(
    ("differs", "failing", "planned", "told"),
    [
        (0.2, (), 16, "settled with 8 seeds"),
        (0.0, (), 24, "not settled: the next look is at 12 seeds, the last at 12"),
        (0.2, ("regular/seed-3",), 16, "not settled: the next look is at 8 seeds, the last at 12"),
    ],
)
def test_only_seeds_that_are_planned_so_far_are_counted(
    tiny: Config, tmp_path: Path, differs: float, failing: tuple[str, ...], planned: int, told: str
) -> None:
    """Seeds after the look that settled all, or after the next one, are not missing; runs of theirs are left out."""
    engine = Pretender(lambda variant, seed: 0.75 + differs * (variant != "regular"), workers=5, failing=failing)
    execute(until_settled(tiny), tmp_path / "out", engine=engine)
    found = status.status(tmp_path / "out")
    assert len(found.runs) == planned
    assert found.counts["missing"] == 0
    assert list(text.lines(found))[-1] == told
    assert status.as_data([found])["experiments"][0]["looking"]["most"] == 12


def test_a_damaged_record_is_a_state_where_seeds_are_until_settled(tiny: Config, tmp_path: Path) -> None:
    """Nothing is settled then, and every seed there could be is shown."""
    engine = Pretender(lambda variant, seed: 0.75 + 0.2 * (variant != "regular"))
    execute(until_settled(tiny), tmp_path / "out", engine=engine)
    (tmp_path / "out/regular/seed-0/run.json").write_text("{")
    found = status.status(tmp_path / "out")
    assert len(found.runs) == 24
    assert found.counts["damaged"] == 1
