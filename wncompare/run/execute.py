"""An experiment as a whole: plan its runs, skip what is finished, have an engine do the rest, sum up."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from types import MappingProxyType
from uuid import uuid4

from wncompare import __version__, data, records
from wncompare.config import Config
from wncompare.data.dataset import hold_out
from wncompare.data.guess import majority, variance
from wncompare.errors import RecordsError
from wncompare.records import DatasetRecord, Experiment
from wncompare.run.audit import refuse_misfits
from wncompare.run.engines import Engine, Job, LocalEngine, Perform
from wncompare.run.looking import Watch, is_settled_there, refuse_another_protocol
from wncompare.run.plan import PlannedRun, plan, unfinished, untrained, untried
from wncompare.storage.locks import folder_lock, is_held, run_lock
from wncompare.tasks import Busy, Download, Ended, Event, Failed, Notice, Planned, TrainTask

__all__ = ["Execution", "Listener", "PlannedRun", "RunOutcome", "execute", "plan"]

Listener = Callable[[Event], None]


@dataclass(frozen=True)
class RunOutcome:
    """How a run ended, and why where it did not end well."""

    run: str
    status: str
    error: str | None = None


@dataclass(frozen=True)
class Execution:
    """How a call of `execute` ended: the runs it trained, and how many were finished before it.

    `experiment` is what the folder then held, None where seeds are trained until all is settled.
    """

    outcomes: tuple[RunOutcome, ...]
    skipped: int
    experiment: Experiment | None = None

    @property
    def unsuccessful(self) -> tuple[RunOutcome, ...]:
        """The runs that failed or diverged."""
        return tuple(outcome for outcome in self.outcomes if outcome.status != "finished")


def downloads(listen: Listener) -> data.Progress:
    """A download's progress as events."""
    return lambda file, done, total: listen(Download(file, done, total))


def execute(
    config: Config,
    folder: Path,
    *,
    engine: Engine = LocalEngine(),  # noqa: B008 - it is frozen
    data_dir: Path | None = None,
    overwrite: bool = False,
    fail_fast: bool = False,
    listen: Listener = lambda event: None,
    build_model: bytes | None = None,
    own_variants: Mapping[str, bytes] = MappingProxyType({}),
) -> Execution:
    """Train what `folder` does not hold of the experiment yet, and return how its runs ended.

    Finished runs are skipped; interrupted and failed ones, and those of fewer epochs, go on from their last epoch. A
    run that another process is training is left to it: once all else is done, this one waits for its end.
    With `until` seeds are trained in their order up to the look that settles every contrast; what is under way then is
    ended. What the verdict says is logged at each look, and with a list of seeds at the end.

    `data_dir` is where datasets are looked for first; `overwrite` says to delete earlier runs that differ from what is
    asked, `fail_fast` to stop at the first that fails; `listen` hears of everything. `build_model` is for
    `wncompare.compare`: a pickled function that stands for the config's model; so are `own_variants`, by id.

    Raises:
        DatasetError: the dataset is not to be had.
        ModelError: an arm cannot be built, or cannot take a step.
        RecordsError: the folder holds runs that are damaged or differ in more than labels, colours and lists, or that
            another protocol decides about, or it was removed under way.
        UsageError: the device or the engine is not to be had.
    """
    device, beside = engine.choose_device(), _held(config, folder)
    expected = 0 if is_settled_there(config, folder) else untrained(config, folder)
    job = Job(folder.absolute(), config.training.threads, device, expected, beside)
    with engine.open(job) as perform:
        chosen, progress = config.dataset, downloads(listen)
        dataset, shared = data.load_shared(chosen.name, chosen, data_dir=data_dir, progress=progress)
        if config.holdout:
            hold_out(dataset.train, config.holdout)  # refused here, not once a run
        record = _dataset_record(dataset)
        for caveat in record.caveats:
            listen(Notice("", caveat))
        runs = plan(config, folder, record, device)
        training = _Training(config, folder, data_dir, shared, build_model, own_variants, uuid4().hex)
        del dataset
        refuse_misfits(training.tasks(untried(runs, overwrite=overwrite)), perform)
        with folder_lock(folder):
            if not overwrite:
                refuse_another_protocol(config, folder)
            waiting = unfinished(runs, overwrite=overwrite)
            records.write_experiment(folder, config, __version__)
        done = len(runs) - len(waiting)
        watch = Watch(config, folder, runs, say=lambda message: listen(Notice("", message)))
        if watch.is_over({run.name for run in runs} - {run.name for run in waiting}):
            waiting = []
        listen(Planned(len(waiting), done, watch.next_of(waiting)))
        if beside:
            listen(Notice("", _BESIDE.format(folder=folder, beside=beside)))
        outcomes = tuple(training.outcomes(waiting, perform, listen, watch, fail_fast=fail_fast))
    if config.until is not None:
        return Execution(outcomes, skipped=done)
    from wncompare.run.look_log import log_now  # which loads SciPy: workers start without waiting for it

    return Execution(outcomes, skipped=done, experiment=log_now(folder))


_BESIDE = "{folder}: another wncompare run is training here, {beside} at a time: each run is trained once, by either"


def _held(config: Config, folder: Path) -> int:
    """How many runs of the experiment another process is training now."""
    runs = product(config.variants, config.points, config.all_seeds)
    return sum(is_held(records.run_folder(folder, variant.id, point, seed)) for variant, point, seed in runs)


def _dataset_record(dataset: data.Dataset) -> DatasetRecord:
    return DatasetRecord(
        name=dataset.name,
        label=dataset.label,
        digest=dataset.digest,
        official=dataset.official,
        caveats=data.caveats(dataset),
        targets=dataset.form.target.kind,
        test_examples=len(dataset.test),
        test_majority=majority(dataset),
        test_variance=variance(dataset),
    )


@dataclass(frozen=True)
class _Training:
    """What all tasks of one call share."""

    config: Config
    folder: Path
    data_dir: Path | None
    shared: data.Shared | None
    build_model: bytes | None
    own_variants: Mapping[str, bytes]
    session: str

    def outcomes(
        self, runs: Sequence[PlannedRun], perform: Perform, listen: Listener, watch: Watch, *, fail_fast: bool
    ) -> Iterator[RunOutcome]:
        """Have the engine do the runs: first those that no other process is training, then wait for the others.

        It ends with the last run, or as soon as no further one is needed.
        """
        left = {run.name: run for run in runs}
        for wait in (False, True):
            with closing(perform(list(self.tasks(left.values(), wait=wait)))) as events:
                for event in events:
                    if isinstance(event, Busy):
                        continue
                    listen(event)
                    if isinstance(event, Ended | Failed):
                        outcome = self._settle(left.pop(event.task), event)
                        yield outcome
                        if fail_fast and outcome.status != "finished":
                            return
                        if watch.is_over([event.task]):
                            return

    def tasks(self, runs: Iterable[PlannedRun], *, wait: bool = False) -> Iterator[TrainTask]:
        """The tasks of these runs; `wait` says to wait for another process that has one."""
        configs: dict[tuple[str, float | None], Config] = {}
        for run in runs:
            setting = run.point.slug, run.variant.learning_rate
            if setting not in configs:
                configs[setting] = self.config.at(run.point, run.variant.learning_rate)
            yield TrainTask(
                name=run.name,
                folder=run.folder.absolute(),
                config=configs[setting],
                record=run.record.model_copy(update={"sessions": (self.session,)}),
                data_dir=self.data_dir.absolute() if self.data_dir else None,
                shared=self.shared,
                build_model=self.build_model,
                vary=self.own_variants.get(run.variant.id),
                wait=wait,
            )

    def _settle(self, run: PlannedRun, event: Ended | Failed) -> RunOutcome:
        if isinstance(event, Ended):
            return RunOutcome(run.name, event.status)
        if not (self.folder / records.EXPERIMENT_FILE).exists():
            raise RecordsError(f"{self.folder}: was removed while its runs were training: run again, from the start")
        _record_failure(run, event.error)
        return RunOutcome(run.name, "failed", event.error)


def _record_failure(run: PlannedRun, error: str) -> None:
    """Write why a run failed, as far as the disk takes it and nobody else has the run or a record of another one."""
    with suppress(OSError, RecordsError), run_lock(run.folder) as held:
        found = records.read_record(run.folder, own=held) or run.record
        if held and not records.difference(run.record, found, run.folder):
            ended = datetime.now(UTC).isoformat(timespec="seconds")
            records.write_run(run.folder, found.model_copy(update={"status": "failed", "error": error, "ended": ended}))
