"""An experiment as a whole, with an engine that trains nothing: what a second command on a folder does and says."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from wncompare import config as configs
from wncompare.config import Config
from wncompare.errors import ModelError
from wncompare.records import provenance
from wncompare.run import engines
from wncompare.run.engines import Engine, Job, LocalEngine, Perform, RayEngine
from wncompare.run.engines.local import execute as perform_locally
from wncompare.run.execute import RunOutcome, execute
from wncompare.storage.locks import run_lock
from wncompare.tasks import Busy, Device, Ended, Event, Failed, Notice, Planned, Task, TrainTask, TrialTask, Tried


@dataclass(frozen=True)
class Pretender:
    """An engine that ends every task at once: finished, or failed where its seed is odd; one that is held is busy.

    Every network fits unless `refuses` says why one does not.
    """

    refuses: str = ""
    jobs: list[Job] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)

    def choose_device(self) -> Device:
        """No GPU."""
        return "cpu"

    @contextmanager
    def open(self, job: Job) -> Iterator[Perform]:
        """Note the job."""
        self.jobs.append(job)
        yield self._perform

    def _perform(self, tasks: Sequence[Task]) -> Generator[Event, None, None]:
        for task in tasks:
            if isinstance(task, TrialTask):
                self.checked.append(task.run.record.variant)
                yield Failed(task.name, self.refuses) if self.refuses else Tried(task.name)
                continue
            assert isinstance(task, TrainTask)
            with run_lock(task.folder) as free:
                if not free and not task.wait:
                    yield Busy(task.name)
                    continue
            yield Failed(task.name, "odd") if task.record.seed % 2 else Ended(task.name, "finished")


def test_any_engine_will_do(tiny: Config, tmp_path: Path) -> None:
    """`execute` asks of an engine what the protocol says, and sums up what it reports."""
    engine: Engine = Pretender()
    done = execute(tiny, tmp_path / "out", engine=engine)
    assert sorted(done.unsuccessful, key=lambda outcome: outcome.run) == [
        RunOutcome("regular/seed-1", "failed", "odd"),
        RunOutcome("weight_norm/seed-1", "failed", "odd"),
    ]
    assert len(done.outcomes) == 4
    assert done.skipped == 0


def test_what_does_not_fit_is_refused_before_anything_is_written_or_deleted(tiny: Config, tmp_path: Path) -> None:
    """Each network is tried once; the first that does not fit ends the command, and what was there before stays."""
    engine = Pretender(refuses="variant regular: too small")
    with pytest.raises(ModelError, match=r"^variant regular: too small$"):
        execute(tiny, tmp_path / "out", engine=engine)
    assert not (tmp_path / "out").exists()
    fitting = Pretender()
    execute(tiny, tmp_path / "out", engine=fitting)
    assert sorted(fitting.checked) == ["regular", "weight_norm"]
    before = (tmp_path / "out/experiment.json").read_bytes()
    other = configs.from_data({**tiny.dump(), "init_batch": 16}, "other")
    with pytest.raises(ModelError):
        execute(other, tmp_path / "out", engine=engine, overwrite=True)
    assert (tmp_path / "out/experiment.json").read_bytes() == before


def test_a_second_command_says_that_another_trains_here(tiny: Config, tmp_path: Path) -> None:
    """While two runs are held by someone else, a notice says so and the engine hears how many; alone there is none."""
    heard: list[Event] = []
    alone, beside = Pretender(), Pretender()
    execute(tiny, tmp_path / "out", engine=alone)
    with run_lock(tmp_path / "out/regular/seed-0"), run_lock(tmp_path / "out/weight_norm/seed-0"):
        execute(tiny, tmp_path / "out", engine=beside, listen=heard.append)
    assert [job.beside for job in (*alone.jobs, *beside.jobs)] == [0, 2]
    planned, notice, *_ = heard
    assert isinstance(planned, Planned)
    assert isinstance(notice, Notice)
    assert "another wncompare run is training here, 2 at a time" in notice.message


@pytest.mark.parametrize(("asked", "cores", "beside", "workers"), [(None, 4, 1, 3), (None, 2, 2, 1), (3, 2, 2, 3)])
def test_workers_beside_those_of_another_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, asked: int | None, cores: int, beside: int, workers: int
) -> None:
    """As many less as the other trains, one at least; what a person asked for stays."""

    @contextmanager
    def start(workers: int, **settings: object) -> Iterator[list[object]]:
        yield []

    monkeypatch.setattr(engines, "available_cores", lambda: cores)
    monkeypatch.setattr(engines, "available_memory", lambda: None)
    monkeypatch.setattr(engines.local, "start", start)
    with LocalEngine(workers=asked).open(Job(tmp_path, 1, "cpu", 8, beside)) as perform:
        assert perform.func is perform_locally  # type: ignore[attr-defined]
        assert perform.keywords["workers"] == workers  # type: ignore[attr-defined]


def test_engines_are_values() -> None:
    """Two engines of the same settings are equal, and none can be changed."""
    assert RayEngine("auto", 2) == RayEngine("auto", 2) != RayEngine("auto", 3)
    with suppress(AttributeError):
        LocalEngine().workers = 3  # type: ignore[misc]
        pytest.fail("it was changed")


def test_nothing_needs_a_home(tiny: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without HOME, planning, recording and what is asked of machine and git go on."""
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", lambda uid: (_ for _ in ()).throw(KeyError(f"no user {uid}")))
    execute(tiny, tmp_path / "out", engine=Pretender())
    assert provenance.environment()["cores"] >= 1
    assert LocalEngine(device="cpu").choose_device() == "cpu"


def test_every_command_is_a_session_of_its_own(tiny: Config, tmp_path: Path) -> None:
    """All runs of a command carry one id, those of the next another, and the size of the test split."""
    engine = Recorder()
    for _ in range(2):
        execute(tiny, tmp_path / "out", engine=engine)
    first, second = ({task.record.sessions for task in tasks} for tasks in engine.given)
    assert len(first) == len(second) == 1
    assert not first & second
    assert {task.record.dataset.test_examples for task in engine.given[0]} == {24}


@dataclass(frozen=True)
class Recorder(Pretender):
    """The same, which keeps the tasks that it was given."""

    given: list[list[TrainTask]] = field(default_factory=list)

    def _perform(self, tasks: Sequence[Task]) -> Generator[Event, None, None]:
        if runs := [task for task in tasks if isinstance(task, TrainTask)]:
            self.given.append(runs)
        yield from super()._perform(tasks)
