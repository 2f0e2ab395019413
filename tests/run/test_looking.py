"""Seeds until all is settled, as the runner trains them: what ends it, what it logs, and that only records decide."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.recorded import configured, summary_of
from tests.run.pretending import Pretender
from wncompare import records
from wncompare.analysis.looks import counted, is_settled, looks
from wncompare.config import Config
from wncompare.errors import RecordsError
from wncompare.run.execute import execute
from wncompare.storage.locks import run_lock
from wncompare.tasks import Busy, Event, Notice, Planned, Task, TrainTask

NOISE = np.random.default_rng(0).normal(0, 0.005, 100)


def clear(variant: str, seed: int) -> float:
    """The variant is much better in every pair."""
    return 0.75 + (variant != "regular") * (0.2 + NOISE[seed])


def none(variant: str, seed: int) -> float:
    """It is as often better as it is worse."""
    return 0.75 + (variant != "regular") * (0.02 * (-1) ** seed + NOISE[seed])


def late(variant: str, seed: int) -> float:
    """It is as often better as worse in the first ten pairs, and better from there on."""
    return none(variant, seed) if seed < 10 else 0.75 + (variant != "regular") * (0.06 + NOISE[seed])


def until(config: Config, **changes: Any) -> Config:
    """The config until it is settled."""
    return configured(config, seeds={"until": "settled", "first": 8, "most": 14, **changes})


def said(heard: list[Event]) -> list[str]:
    """What notices of looks say."""
    return [event.message for event in heard if isinstance(event, Notice) and event.message.startswith("look at")]


def logged(folder: Path) -> list[str]:
    """What the log of looks says, whenever they were taken."""
    return [repr(look.model_copy(update={"at": ""})) for look in records.read_looks(folder)]


def test_a_clear_difference_ends_it_at_the_first_look(tiny: Config, tmp_path: Path) -> None:
    """Eight pairs are trained and not one run more; the look is told and logged."""
    engine, heard = Pretender(clear), list[Event]()
    execute(until(tiny), tmp_path / "out", engine=engine, listen=heard.append)
    assert engine.trained == [name for seed in range(8) for name in _pair(seed)]
    assert [len(look.seeds) for look in records.read_looks(tmp_path / "out")] == [8]
    assert [message.split(" (")[0] for message in said(heard)] == ["look at 8 seeds: weight_norm: better"]
    assert [event for event in heard if isinstance(event, Planned)] == [Planned(28, 0, least=16)]


def _pair(seed: int) -> tuple[str, ...]:
    names = (f"regular/seed-{seed}", f"weight_norm/seed-{seed}")
    return names if seed % 2 == 0 else names[::-1]


def test_without_a_difference_all_seeds_are_trained(tiny: Config, tmp_path: Path) -> None:
    """Up to `most`, with a look at each number of seeds from the first on."""
    engine = Pretender(none)
    execute(until(tiny), tmp_path / "out", engine=engine)
    assert len(engine.trained) == 28
    assert [len(look.seeds) for look in records.read_looks(tmp_path / "out")] == list(range(8, 15))
    assert not is_settled(records.read(tmp_path / "out"))


@pytest.mark.parametrize("workers", [3, 16])
def test_workers_decide_nothing(tiny: Config, tmp_path: Path, workers: int) -> None:
    """Whichever run ends first, and whatever else was under way: summary, looks and seeds are those of one worker."""
    config = until(tiny, most=30)
    for folder, engine in ((tmp_path / "one", Pretender(late)), (tmp_path / "many", Pretender(late, workers))):
        execute(config, folder, engine=engine)
    one, many = (records.read(tmp_path / name) for name in ("one", "many"))
    assert 8 < len(counted(one).seeds) < 30
    assert counted(many).seeds == counted(one).seeds
    assert repr(looks(many)) == repr(looks(one))
    assert [look.seeds for look in many.looks] == [look.seeds for look in one.looks]
    found, expected = (summary_of(experiment.folder) for experiment in (many, one))
    assert repr(found) == repr(expected)


def test_the_same_command_again_trains_nothing(tiny: Config, tmp_path: Path) -> None:
    """Once it is settled no worker starts, nothing is logged twice, and the log is not written again."""
    execute(until(tiny), tmp_path / "out", engine=Pretender(clear, workers=4))
    before, engine, heard = (tmp_path / "out/looks.json").read_bytes(), Pretender(clear), list[Event]()
    done = execute(until(tiny), tmp_path / "out", engine=engine, listen=heard.append)
    assert (engine.trained, engine.jobs[0].runs, done.outcomes) == ([], 0, ())
    assert [event for event in heard if isinstance(event, Planned)] == [Planned(0, done.skipped, least=0)]
    assert (tmp_path / "out/looks.json").read_bytes() == before


@pytest.mark.parametrize("after", [3, 16, 19])
def test_one_that_was_interrupted_goes_on_to_the_same_end(tiny: Config, tmp_path: Path, after: int) -> None:
    """Interrupted before, at and after the first look, the same command ends with the same looks and the same runs."""
    config = until(tiny, most=30)
    whole = Pretender(late)
    execute(config, tmp_path / "whole", engine=whole)
    first, rest = Pretender(late, stop_after=after), Pretender(late)
    with pytest.raises(KeyboardInterrupt):
        execute(config, tmp_path / "cut", engine=first)
    execute(config, tmp_path / "cut", engine=rest)
    assert first.trained + rest.trained == whole.trained
    assert logged(tmp_path / "cut") == logged(tmp_path / "whole")


def test_a_failed_run_ends_the_looks_and_is_tried_again(tiny: Config, tmp_path: Path) -> None:
    """After a failure no further seed is trained than the next look takes; the same command mends it and goes on."""
    config = until(tiny, most=30)
    failing = Pretender(late, failing=("regular/seed-3",))
    done = execute(config, tmp_path / "out", engine=failing)
    assert [outcome.run for outcome in done.unsuccessful] == ["regular/seed-3"]
    assert len(failing.trained) == 15
    assert records.read_looks(tmp_path / "out") == ()
    execute(config, tmp_path / "out", engine=Pretender(late))
    execute(config, tmp_path / "whole", engine=Pretender(late))
    assert logged(tmp_path / "out") == logged(tmp_path / "whole")


def test_seeds_beyond_a_run_that_another_has_change_nothing(tiny: Config, tmp_path: Path) -> None:
    """While another command has a run there is no look; what was trained beyond it is not counted once there is."""
    config, folder = until(tiny, most=30), tmp_path / "out"
    with run_lock(folder / "regular/seed-5"):
        execute(config, folder, engine=Pretender(late))
    assert records.read_looks(folder) == ()
    execute(config, folder, engine=Pretender(late))
    execute(config, tmp_path / "whole", engine=Pretender(late))
    assert logged(folder) == logged(tmp_path / "whole")


class Beside(Pretender):
    """One beside which another command has seed 7, and trains it while this one is at seed 8."""

    def _end(self, task: Task) -> Event:
        if not isinstance(task, TrainTask):
            return super()._end(task)
        if task.record.seed == 7:
            self.theirs.append(task)
            return Busy(task.name)
        if task.record.seed == 8:
            for other in self.theirs:
                Pretender(self.accuracy)._end(other)
        return super()._end(task)


def test_what_ended_in_another_command_counts(tiny: Config, tmp_path: Path) -> None:
    """Where another command trained the last run that a look takes, this one looks when its next run has ended."""
    engine = Beside(clear)
    execute(until(tiny), tmp_path / "out", engine=engine)
    assert engine.trained[-1] == "regular/seed-8"
    assert len(engine.trained) == 15
    assert len(counted(records.read(tmp_path / "out")).seeds) == 8


OTHER_PROTOCOLS = [
    ({"seeds": {"until": "settled", "first": 8, "most": 20}}, "seeds.most: 14 there, 20 asked for"),
    ({"seeds": {"until": "settled", "first": 9, "most": 14}}, "seeds.first: 8 there, 9 asked for"),
    ({"seeds": {"until": "settled", "first": 8, "most": 14, "start": 1}}, "seeds.start: 0 there, 1 asked for"),
    ({"smallest_difference": 0.1}, "smallest_difference: nothing there, 0.1 asked for"),
    ({"contrasts": [{"name": "back", "variant": "regular", "reference": "weight_norm"}]}, "contrasts.weight_norm"),
    ({"training": {"epochs": 3, "batch_size": 16}}, "epochs: 2 there, 3 asked for"),
    ({"seeds": list(range(14))}, "seeds: until settled there, a list asked for"),
]


@pytest.mark.parametrize(("changes", "message"), OTHER_PROTOCOLS)
def test_another_protocol_is_refused(tiny: Config, tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    """What decides when seeds are enough is written before the first run; to change it is refused, on one line."""
    folder, config = tmp_path / "out", until(tiny)
    execute(config, folder, engine=Pretender(clear))
    before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    with pytest.raises(RecordsError) as refused:
        execute(configured(config, **changes), folder, engine=Pretender(clear))
    assert message in str(refused.value)
    assert "name another folder with --output, or say with --overwrite that this one takes its place" in str(
        refused.value
    )
    assert {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()} == before


def test_a_list_that_was_begun_cannot_become_until_settled(tiny: Config, tmp_path: Path) -> None:
    """Seeds that could have been looked at under a list are no ground for a protocol that is written after them."""
    folder = tmp_path / "out"
    execute(tiny, folder, engine=Pretender(clear))
    with pytest.raises(RecordsError, match="seeds: a list there, until settled asked for"):
        execute(until(tiny), folder, engine=Pretender(clear))


def test_labels_and_colours_are_no_protocol(tiny: Config, tmp_path: Path) -> None:
    """What changes neither runs nor the verdict may change; and before the first run everything may."""
    folder, config = tmp_path / "out", until(tiny)
    records.write_experiment(folder, until(tiny, most=20), "0")
    execute(config, folder, engine=Pretender(clear))
    variants = [{"name": "regular", "label": "Plain"}, {"name": "weight_norm", "color": "green"}]
    execute(configured(config, variants=variants), folder, engine=Pretender(clear))


def test_the_protocol_is_on_disk_before_the_first_run(tiny: Config, tmp_path: Path) -> None:
    """Hashed in experiment.json; one that was changed by hand is refused."""
    folder = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        execute(until(tiny), folder, engine=Pretender(clear, stop_after=0))
    record = json.loads((folder / "experiment.json").read_text())
    assert record["protocol"] == {
        "seeds": {"until": "settled", "first": 8, "most": 14, "start": 0},
        "validation": "test",
        "contrasts": {"weight_norm": {"weight_norm": 1.0, "regular": -1.0}},
        "epochs": 2,
    }
    record["protocol"]["seeds"]["most"] = 40
    (folder / "experiment.json").write_text(json.dumps(record))
    with pytest.raises(RecordsError, match="the protocol's fingerprint is not that of the protocol"):
        records.read(folder)


def test_a_list_has_one_look_a_command(tiny: Config, tmp_path: Path) -> None:
    """Each command that ends logs what its verdict says, once; `experiment.json` has no protocol."""
    folder = tmp_path / "out"
    for seeds in ([0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5], list(range(8))):
        execute(configured(tiny, seeds=seeds), folder, engine=Pretender(late))
    first, second = records.read_looks(folder)
    assert (first.seeds, second.seeds) == (tuple(range(6)), tuple(range(8)))
    assert (first.contrasts[0].contrast, first.contrasts[0].n, first.protocol) == ("weight_norm", 6, None)
    said, contrast = second.contrasts[0], summary_of(folder).comparisons[0].contrasts[0]
    assert (said.p, said.basis) == (contrast.p_holm, "mean")
    assert (said.difference, said.low) == (contrast.difference.mean, contrast.difference.low)
    assert "protocol" not in json.loads((folder / "experiment.json").read_text())


def test_reading_logs_nothing(tiny: Config, tmp_path: Path) -> None:
    """A summary of the folder leaves no look behind: only commands that train do."""
    folder = tmp_path / "out"
    execute(tiny, folder, engine=Pretender(clear))
    (folder / "looks.json").unlink()
    summary_of(folder)
    assert records.read_looks(folder) == ()
    assert not (folder / "looks.json").exists()


def test_a_damaged_log_is_named(tiny: Config, tmp_path: Path) -> None:
    """A log of looks that cannot be read is refused with the remedy, before anything is trained over it."""
    folder = tmp_path / "out"
    execute(tiny, folder, engine=Pretender(clear))
    (folder / "looks.json").write_text('{"schema_version": 1, "looks": [{"at"')
    with pytest.raises(RecordsError, match=r"looks\.json: damaged JSON .*: put back a copy, or delete it"):
        records.read(folder)


def test_a_damaged_protocol_is_named(tiny: Config, tmp_path: Path) -> None:
    """Where experiment.json cannot be read nothing is settled under it; a list of seeds goes on, as ever."""
    folder = tmp_path / "out"
    execute(tiny, folder, engine=Pretender(clear))
    (folder / "experiment.json").write_text("{")
    with pytest.raises(RecordsError, match=r"experiment\.json: damaged JSON"):
        execute(until(tiny), folder, engine=Pretender(clear))
    execute(tiny, folder, engine=Pretender(clear))
    assert records.read_config(folder) == tiny
