"""What of each arm is normalized, before anything is trained: a worker builds every arm once."""

from pathlib import Path
from tempfile import TemporaryDirectory

from wncompare import data
from wncompare.config import Config
from wncompare.data import Dataset
from wncompare.errors import ModelError, WncompareError
from wncompare.run.engines import worker_variables
from wncompare.run.engines.local import perform_alone
from wncompare.tasks import Audited, AuditTask


def audit(config: Config, dataset: Dataset, *, data_dir: Path | None = None) -> Audited:
    """What of each variant's network is normalized, at the first point of the grid and with the first seed.

    `dataset` is the config's, as it has been loaded from `data_dir`.

    Raises:
        ModelError: an arm cannot be built: the model does not fit the data, or a variant does not fit the model.
    """
    with TemporaryDirectory(prefix="wncompare-audit-") as name:
        task = AuditTask(
            name="audit",
            folder=Path(name),
            config=config.at(config.points[0]),
            device="cpu",
            data_dir=data_dir.absolute() if data_dir else None,
            shared=data.share(dataset),
        )
        try:
            return perform_alone(task, Audited, environment=worker_variables(config.training.threads, "cpu"))
        except WncompareError as error:
            raise ModelError(str(error)) from error
