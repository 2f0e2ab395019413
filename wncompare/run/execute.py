"""An experiment as a whole: plan its runs, skip what is finished, have an engine do the rest, sum up."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal

from wncompare import __version__, data, records
from wncompare.catalog.registry import resolve
from wncompare.config import Config
from wncompare.data.dataset import hold_out
from wncompare.errors import RecordsError
from wncompare.records import DatasetRecord, provenance
from wncompare.run import devices
from wncompare.run.engines import local
from wncompare.run.plan import PlannedRun, expected, plan, unfinished
from wncompare.storage.locks import folder_lock, run_lock
from wncompare.tasks import Busy, Device, Download, Ended, Event, Failed, Planned, Task, TrainTask

__all__ = ["Engine", "Listener", "Outcome", "PlannedRun", "Summary", "default_workers", "execute", "plan"]

Engine = Literal["local", "ray"]
Listener = Callable[[Event], None]
_Perform = Callable[[Sequence[Task]], Generator[Event, None, None]]


@dataclass(frozen=True)
class Outcome:
    """How a run ended, and why where it did not end well."""

    run: str
    status: str
    error: str | None = None


@dataclass(frozen=True)
class Summary:
    """How a call of `execute` ended: the runs it trained, and how many were finished before it."""

    outcomes: tuple[Outcome, ...]
    skipped: int

    @property
    def unsuccessful(self) -> tuple[Outcome, ...]:
        """The runs that failed or diverged."""
        return tuple(outcome for outcome in self.outcomes if outcome.status != "finished")


def downloads(listen: Listener) -> data.Progress:
    """A download's progress as events."""
    return lambda file, done, total: listen(Download(file, done, total))


def default_workers(config: Config) -> int:
    """As many workers as the cores can hold at the config's threads a run."""
    return max(1, provenance.available_cores() // config.training.threads)


def execute(
    config: Config,
    folder: Path,
    *,
    data_dir: Path | None = None,
    workers: int | None = None,
    engine: Engine = "local",
    address: str | None = None,
    device: Device | None = None,
    overwrite: bool = False,
    fail_fast: bool = False,
    listen: Listener = lambda event: None,
    build_model: bytes | None = None,
) -> Summary:
    """Train what `folder` does not hold of the experiment yet, and return how its runs ended.

    Finished runs are skipped; interrupted and failed ones, and those of fewer epochs, go on from their last epoch. A
    run that another process is training is left to it: once all else is done, this one waits for its end.

    `device` is by default the one that `devices.choose` finds, on a cluster the CPU; on GPUs, by default one
    run trains on each. `address` is for the engine "ray"; `build_model` is for `wncompare.compare`: a pickled function
    that stands for the config's model.

    Raises:
        DatasetError: the dataset is not to be had.
        RecordsError: the folder holds runs that are damaged or differ in more than labels, colours and lists, or it
            was removed under way.
    """
    device = devices.choose(device) if engine == "local" else device or "cpu"
    settings = _settings(config, folder, engine=engine, address=address, workers=workers, device=device)
    with _performer(engine, settings, expected=expected(config, folder)) as perform:
        dataset = data.load(config.dataset.name, config.dataset, data_dir=data_dir, progress=downloads(listen))
        if config.holdout:
            hold_out(dataset.train, config.holdout)  # refused here, not once a run
        runs = plan(config, folder, _dataset_record(dataset), device)
        with folder_lock(folder):
            waiting = unfinished(runs, overwrite=overwrite)
            records.write_experiment(folder, config, __version__)
        listen(Planned(len(waiting), len(runs) - len(waiting)))
        shared = data.share(dataset) if waiting else None
        del dataset
        job = _Job(config, folder, data_dir, shared, build_model)
        outcomes = tuple(job.outcomes(waiting, perform, listen, fail_fast=fail_fast))
        return Summary(outcomes, skipped=len(runs) - len(waiting))


def _dataset_record(dataset: data.Dataset) -> DatasetRecord:
    return DatasetRecord(name=dataset.name, label=dataset.label, digest=dataset.digest, official=dataset.official)


def _settings(
    config: Config, folder: Path, *, engine: Engine, address: str | None, workers: int | None, device: Device
) -> dict[str, Any]:
    """What an engine is told besides its tasks."""
    threads = config.training.threads
    environment = worker_environment(threads, device)
    if engine == "ray":
        cluster = {"address": address, "cpus": threads, "gpus": 1 if device == "gpu" else 0}
        return {"folder": folder.absolute(), "workers": workers, "environment": environment, **cluster}
    visible = devices.gpus() if device == "gpu" else ()
    return {"workers": workers or len(visible) or default_workers(config), "environment": environment, "gpus": visible}


@contextmanager
def _performer(engine: Engine, settings: dict[str, Any], *, expected: int) -> Iterator[_Perform]:
    """The engine as a function from tasks to events.

    The local engine's workers start at once, for as many runs as are expected: TensorFlow is imported while the
    dataset is loaded here. The cluster's engine is imported only where it is asked for.
    """
    if engine == "ray":
        yield partial(resolve("wncompare.run.engines.ray:execute"), **settings)
        return
    early = {**settings, "workers": min(settings["workers"], expected)}
    with local.start(**early, preload=TrainTask.target.partition(":")[0]) as started:
        yield partial(local.execute, **settings, started=started)


@dataclass(frozen=True)
class _Job:
    """What all tasks of one call share."""

    config: Config
    folder: Path
    data_dir: Path | None
    shared: data.Shared | None
    build_model: bytes | None

    def outcomes(
        self, runs: Sequence[PlannedRun], perform: _Perform, listen: Listener, *, fail_fast: bool
    ) -> Iterator[Outcome]:
        """Have the engine do the runs: first those that no other process is training, then wait for the others."""
        left = {run.name: run for run in runs}
        for wait in (False, True):
            with closing(perform(list(self._tasks(left.values(), wait=wait)))) as events:
                for event in events:
                    if isinstance(event, Busy):
                        continue
                    listen(event)
                    if isinstance(event, Ended | Failed):
                        outcome = self._settle(left.pop(event.task), event)
                        yield outcome
                        if fail_fast and outcome.status != "finished":
                            return

    def _tasks(self, runs: Iterable[PlannedRun], *, wait: bool) -> Iterator[TrainTask]:
        configs: dict[str, Config] = {}
        for run in runs:
            if run.point.slug not in configs:
                configs[run.point.slug] = self.config.at(run.point)
            yield TrainTask(
                name=run.name,
                folder=run.folder.absolute(),
                config=configs[run.point.slug],
                record=run.record,
                data_dir=self.data_dir.absolute() if self.data_dir else None,
                shared=self.shared,
                build_model=self.build_model,
                wait=wait,
            )

    def _settle(self, run: PlannedRun, event: Ended | Failed) -> Outcome:
        if isinstance(event, Ended):
            return Outcome(run.name, event.status)
        if not (self.folder / records.EXPERIMENT_FILE).exists():
            raise RecordsError(f"{self.folder}: was removed while its runs were training: run again, from the start")
        _record_failure(run, event.error)
        return Outcome(run.name, "failed", event.error)


def _record_failure(run: PlannedRun, error: str) -> None:
    """Write why a run failed, as far as the disk takes it and nobody else has the run or a record of another one."""
    with suppress(OSError, RecordsError), run_lock(run.folder) as held:
        found = records.read_record(run.folder, own=held) or run.record
        if held and not records.difference(run.record, found, run.folder):
            ended = datetime.now(UTC).isoformat(timespec="seconds")
            records.write_run(run.folder, found.model_copy(update={"status": "failed", "error": error, "ended": ended}))


def worker_environment(threads: int, device: Device) -> dict[str, str]:
    """What keeps a worker on its threads, on its device and on TensorFlow, and its log quiet.

    XLA's flags change the rounding: whatever the user's shell has is put aside, so that results do not depend on it.
    """
    return {
        "KERAS_BACKEND": "tensorflow",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_NUM_INTRAOP_THREADS": str(threads),
        "TF_NUM_INTEROP_THREADS": "1",
        "OMP_NUM_THREADS": str(threads),
        "XLA_FLAGS": "",
        "TF_XLA_FLAGS": "",
        **devices.environment(device),
    }
