"""An engine that trains nothing and writes the records of a run that ended with a given accuracy."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from wncompare import records
from wncompare.run.engines import Job, Perform
from wncompare.storage.locks import run_lock
from wncompare.tasks import Busy, Device, Ended, Event, Failed, Started, Task, TrainTask, TrialTask, Tried

Accuracy = Callable[[str, int], float]
"""Of a variant and a seed."""


@dataclass
class Pretender:
    """So many runs are under way at a time, and they end in the opposite order; those named in `failing` fail.

    `trained` is what it has trained, `broken_off` what was under way when it was closed; `theirs` are tasks of another
    command.
    """

    accuracy: Accuracy
    workers: int = 1
    failing: tuple[str, ...] = ()
    stop_after: int | None = None
    trained: list[str] = field(default_factory=list)
    broken_off: list[str] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    theirs: list[Task] = field(default_factory=list)

    def choose_device(self) -> Device:
        """No GPU."""
        return "cpu"

    @contextmanager
    def open(self, job: Job) -> Iterator[Perform]:
        """Note the job."""
        self.jobs.append(job)
        yield self._perform

    def _perform(self, tasks: Sequence[Task]) -> Generator[Event, None, None]:
        if any(isinstance(task, TrialTask) for task in tasks):
            yield from (Tried(task.name) for task in tasks)
            return
        for first in range(0, len(tasks), self.workers):
            group = tasks[first : first + self.workers]
            under_way = [task.name for task in group]
            try:
                for task in group:
                    yield Started(task.name, 0, 0)
                for task in reversed(group):
                    yield self._end(task)
                    under_way.remove(task.name)
            except GeneratorExit:
                self.broken_off += under_way
                raise

    def _end(self, task: Task) -> Event:
        assert isinstance(task, TrainTask)
        if self.stop_after is not None and len(self.trained) >= self.stop_after:
            raise KeyboardInterrupt
        with run_lock(task.folder) as free:
            if not free:
                return Busy(task.name)
            task.folder.mkdir(parents=True, exist_ok=True)
            if task.name in self.failing:
                return Failed(task.name, "no memory")
            found = records.read_record(task.folder, own=True)
            if found is None or not records.is_done(task.record, found):
                self._write(task)
        return Ended(task.name, "finished")

    def _write(self, task: TrainTask) -> None:
        self.trained.append(task.name)
        records.write_history(task.folder, [self._row(task, epoch) for epoch in range(1, task.record.epochs + 1)])
        records.write_run(task.folder, task.record.model_copy(update={"status": "finished", "timing": records.TIMING}))

    def _row(self, task: TrainTask, epoch: int) -> dict[str, float]:
        accuracy = self.accuracy(task.record.variant, task.record.seed)
        return {
            "epoch": epoch, "loss": 1.0, "accuracy": accuracy, "val_loss": 1.0, "val_accuracy": accuracy,
            "learning_rate": 0.001, "train_seconds": 2.0, "eval_seconds": 0.5, "steps": 3,
        }  # fmt: skip
