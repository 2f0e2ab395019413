"""Whether every arm can be trained, told before any is: a worker builds each once and has it take one step."""

from collections.abc import Generator, Iterable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from wncompare import data
from wncompare.config import Config
from wncompare.data import Dataset
from wncompare.errors import ModelError
from wncompare.run.engines import Perform, local, worker_variables
from wncompare.tasks import Audited, AuditTask, Event, Failed, TrainTask, TrialTask, Tried


def audit(config: Config, dataset: Dataset, *, data_dir: Path | None = None) -> Audited:
    """What of each variant's network is normalized, at the first point of the grid and with the first seed.

    The networks of its other points are tried too. `dataset` is the config's, as it has been loaded from `data_dir`.

    Raises:
        ModelError: an arm cannot be built or trained: the model does not fit the data, the loss does not fit the
            targets, or a variant does not fit the model.
    """
    shared, data_dir = data.share(dataset), data_dir.absolute() if data_dir else None
    with TemporaryDirectory(prefix="wncompare-audit-") as name:
        tasks = [
            AuditTask(
                name="audit",
                folder=Path(name),
                config=at,
                variants=tuple(variant.id for variant in config.variants),
                device="cpu",
                data_dir=data_dir,
                shared=shared,
            )
            for at in _networks(config)
        ]
        settings: Any = {"workers": 1, "environment": worker_variables(config.training.threads, "cpu")}
        found = _results(local.execute(tasks, **settings))[0]
        assert isinstance(found, Audited)
        return found


def _networks(config: Config) -> list[Config]:
    """The config at the points of its grid, but for those that differ in what decides about no fit: a rate, say."""
    points = [config.at(point) for point in reversed(config.points)]
    first = {repr((at.model, at.training.loss, at.training.metrics, at.training.precision)): at for at in points}
    return [at for at in reversed(points) if at in first.values()]


def _results(events: Generator[Event, None, None]) -> list[Audited | Tried]:
    """What came of the tasks, in their order.

    Raises:
        ModelError: one failed; the message is its own.
    """
    found = []
    with closing(events):
        for event in events:
            if isinstance(event, Failed):
                raise ModelError(event.error)
            if isinstance(event, Audited | Tried):
                found.append(event)
    return found


def refuse_misfits(tasks: Iterable[TrainTask], perform: Perform) -> None:
    """Have the network of each run built once and take one step; nothing is kept of it but the arm, in its worker.

    Raises:
        ModelError: one cannot, as in `audit`.
    """
    with TemporaryDirectory(prefix="wncompare-trial-") as name:
        trials = [
            TrialTask(name=f"check of {task.name}", folder=Path(name, str(place)), run=task)
            for place, task in enumerate(tasks)
        ]
        _results(perform(trials))
