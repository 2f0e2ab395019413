"""Whether every arm can be trained, told before any is: a worker builds each once and has it take one step."""

from collections.abc import Iterable
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory

from wncompare import data
from wncompare.config import Config
from wncompare.data import Dataset
from wncompare.errors import ModelError, WncompareError
from wncompare.run.engines import Perform, worker_variables
from wncompare.run.engines.local import perform_alone
from wncompare.tasks import Audited, AuditTask, Failed, TrainTask


def audit(config: Config, dataset: Dataset, *, data_dir: Path | None = None) -> Audited:
    """What of each variant's network is normalized, at the first point of the grid and with the first seed.

    `dataset` is the config's, as it has been loaded from `data_dir`.

    Raises:
        ModelError: an arm cannot be built or trained: the model does not fit the data, the loss does not fit the
            targets, or a variant does not fit the model.
    """
    with TemporaryDirectory(prefix="wncompare-audit-") as name:
        task = AuditTask(
            name="audit",
            folder=Path(name),
            config=config.at(config.points[0]),
            variants=tuple(variant.id for variant in config.variants),
            device="cpu",
            data_dir=data_dir.absolute() if data_dir else None,
            shared=data.share(dataset),
        )
        try:
            return perform_alone(task, Audited, environment=worker_variables(config.training.threads, "cpu"))
        except WncompareError as error:
            raise ModelError(str(error)) from error


def refuse_misfits(tasks: Iterable[TrainTask], perform: Perform) -> None:
    """Have the network of each run built once and take one step; nothing is kept of it.

    Raises:
        ModelError: one cannot, as in `audit`.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="wncompare-audit-")))
        for event in stack.enter_context(closing(perform([_audit_of(task, folder) for task in tasks]))):
            if isinstance(event, Failed):
                raise ModelError(event.error)


def _audit_of(task: TrainTask, folder: Path) -> AuditTask:
    variant = task.record.variant
    return AuditTask(
        name=f"check of {task.name}",
        folder=folder,
        config=task.config,
        variants=(variant,),
        device=task.record.identity["device"],
        data_dir=task.data_dir,
        shared=task.shared,
        build_model=task.build_model,
        own_variants={} if task.vary is None else {variant: task.vary},
    )
