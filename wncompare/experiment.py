"""An experiment as a whole: plan its runs, skip what is finished, have an engine do the rest, sum up."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wncompare import __version__, data, provenance, records
from wncompare.config import Config, Variant
from wncompare.data.holdout import splits
from wncompare.engines import local
from wncompare.engines.tasks import Event, Task
from wncompare.errors import ModelError, RecordsError
from wncompare.records import DatasetRecord, RunRecord, Status

_TARGET = "wncompare.nn.runs:train"

Listener = Callable[[Event], None]


@dataclass(frozen=True)
class PlannedRun:
    """One variant with one seed: the unit of work."""

    variant: Variant
    seed: int
    folder: Path
    record: RunRecord

    @property
    def name(self) -> str:
        """How messages call the run: "weight_norm/seed-0"."""
        return records.run_name(self.variant.id, self.seed)


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


def plan(config: Config, folder: Path, dataset: DatasetRecord) -> tuple[PlannedRun, ...]:
    """Every run of the experiment on that dataset, each with the record it starts from.

    The arms of one seed stand side by side, in alternating order, so that their timings compare.
    """
    return tuple(
        _planned(config, folder, dataset, variant, seed)
        for index, seed in enumerate(config.seeds)
        for variant in (config.variants if index % 2 == 0 else config.variants[::-1])
    )


def _dataset_record(dataset: data.Dataset) -> DatasetRecord:
    return DatasetRecord(name=dataset.name, label=dataset.label, digest=dataset.digest, official=dataset.official)


def _planned(config: Config, folder: Path, dataset: DatasetRecord, variant: Variant, seed: int) -> PlannedRun:
    depends_on = identity(config, variant, seed, dataset.digest)
    record = RunRecord(
        variant=variant.id,
        seed=seed,
        status="running",
        fingerprint=records.fingerprint(depends_on),
        identity=depends_on,
        epochs=config.training.epochs,
        dataset=dataset,
    )
    return PlannedRun(variant, seed, records.run_folder(folder, variant.id, seed), record)


def identity(config: Config, variant: Variant, seed: int, digest: str) -> dict[str, Any]:
    """What a run's result depends on, but for its number of epochs. Labels, colours and the lists are outside it."""
    resolved = config.dump()
    training = {key: value for key, value in resolved["training"].items() if key != "epochs"}
    return {
        "dataset": digest,
        "model": _model_identity(resolved["model"]),
        "variant": {"name": variant.name, "options": variant.options.model_dump(mode="json")},
        "training": training,
        "init_batch": config.init_batch,
        "validation": resolved["validation"],
        "seed": seed,
    }


def _model_identity(model: dict[str, Any]) -> dict[str, Any]:
    """A model from a file is known by its bytes, not by its place."""
    if model["name"] != "file":
        return model
    try:
        content = Path(model["file"]).read_bytes()
    except OSError as error:
        raise ModelError(f"model {model['file']}: cannot be read ({error.strerror}): name a .keras file") from None
    return {"name": "file", "sha256": hashlib.sha256(content).hexdigest()}


def downloads(listen: Listener) -> data.Progress:
    """A download's progress as events."""
    return lambda file, done, total: listen(Event("", "download", {"file": file, "done": done, "total": total}))


def default_workers(config: Config) -> int:
    """As many workers as the cores can hold at the config's threads a run."""
    return max(1, provenance.available_cores() // config.training.threads)


def execute(
    config: Config,
    folder: Path,
    *,
    data_dir: Path | None = None,
    workers: int | None = None,
    overwrite: bool = False,
    fail_fast: bool = False,
    listen: Listener = lambda event: None,
    build_model: str | None = None,
) -> Summary:
    """Train what `folder` does not hold of the experiment yet, and return how its runs ended.

    Finished runs are skipped; interrupted and failed ones, and those of fewer epochs, go on from their last epoch.

    `build_model` is for `wncompare.compare`: a pickled function that stands for the config's model.

    Raises:
        DatasetError: the dataset is not to be had.
        RecordsError: the folder holds runs that differ in more than labels, colours and lists, or is in use.
    """
    dataset = data.load(config.dataset.name, config.dataset, data_dir=data_dir, progress=downloads(listen))
    splits(dataset, config.holdout)  # refused here, not once a run
    runs = plan(config, folder, _dataset_record(dataset))
    del dataset  # the workers have their own
    with records.lock(folder):
        waiting = [run for run in runs if not _is_done(run, overwrite=overwrite)]
        records.write_experiment(folder, config, __version__)
        listen(Event("", "planned", {"waiting": len(waiting), "finished": len(runs) - len(waiting)}))
        for run in waiting:
            _make_way(run)
        tasks = [_task(run, config, data_dir, build_model) for run in waiting]
        outcomes = _perform(
            waiting, tasks, _environment(config.training.threads), workers or default_workers(config), fail_fast, listen
        )
        return Summary(tuple(outcomes), skipped=len(runs) - len(waiting))


def _perform(
    runs: list[PlannedRun],
    tasks: list[Task],
    environment: dict[str, str],
    workers: int,
    fail_fast: bool,
    listen: Listener,
) -> Iterator[Outcome]:
    """Have the engine do the runs; whatever ends them early, their records say so."""
    open_runs = {run.name: run for run in runs}
    try:
        with closing(local.execute(tasks, workers=workers, environment=environment)) as events:
            for event in events:
                listen(event)
                if event.final:
                    outcome = _settle(open_runs.pop(event.task), event)
                    yield outcome
                    if fail_fast and outcome.status != "finished":
                        return
    finally:
        for run in open_runs.values():
            _close_record(run, "interrupted")


def _settle(run: PlannedRun, event: Event) -> Outcome:
    if event.kind == "failed":
        _close_record(run, "failed", event.data["error"])
        return Outcome(run.name, "failed", event.data["error"])
    return Outcome(run.name, event.data["status"])


def _close_record(run: PlannedRun, status: Status, error: str | None = None) -> None:
    """Write what became of a run that did not live to write it itself."""
    record = records.read_record(run.folder) or (run.record if status == "failed" else None)
    if record is not None and record.status == "running":
        records.write_run(run.folder, record.model_copy(update={"status": status, "error": error}))


def _task(run: PlannedRun, config: Config, data_dir: Path | None, build_model: str | None) -> Task:
    folder = run.folder.absolute()
    payload = {
        "config": config.dump(),
        "record": run.record.model_dump(),
        "folder": str(folder),
        "data_dir": str(data_dir.absolute()) if data_dir else None,
        "build_model": build_model,
    }
    return Task(run.name, _TARGET, payload, folder / records.LOG_FILE)


def _environment(threads: int) -> dict[str, str]:
    """What keeps a worker on its threads and on TensorFlow, and its log quiet.

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
    }


def _is_done(run: PlannedRun, *, overwrite: bool) -> bool:
    """Whether the folder holds what is asked for.

    Raises:
        RecordsError: it holds something else, and `overwrite` does not say to replace it.
    """
    record = records.read_record(run.folder)
    if record is None or record.status == "failed":
        return False
    difference = _difference(run.record, record)
    if difference and not overwrite:
        raise RecordsError(
            f"{run.folder}: holds a run that differs in {difference}: "
            "delete such runs with --overwrite, or name another folder with --output"
        )
    if difference:
        return False
    return record.status == "diverged" or (record.status == "finished" and record.epochs == run.record.epochs)


def _make_way(run: PlannedRun) -> None:
    """Delete what stands in a run's place, but leave what the run can go on from."""
    record = records.read_record(run.folder)
    if record is None or _difference(run.record, record):
        records.delete_run(run.folder)


def _difference(planned: RunRecord, found: RunRecord) -> str | None:
    """What differs between a planned run and the one that is there, as text; None where nothing does."""
    if found.identity != planned.identity:
        return ", ".join(_differences(found.identity, planned.identity))
    if found.epochs > planned.epochs:
        return f"training.epochs: {found.epochs} there, {planned.epochs} asked for"
    return None


def _differences(old: Any, new: Any, path: str = "") -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in {**old, **new}:
            yield from _differences(old.get(key), new.get(key), f"{path}.{key}" if path else key)
    elif old != new:
        yield f"{path}: {_short(old)} there, {_short(new)} asked for"


def _short(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 20 else f"{text[:12]}…"
