"""What of each arm is normalized, and what is not and why: the task that `wncompare.run.audit` gives its worker."""

from wncompare.data.dataset import splits
from wncompare.errors import ModelError
from wncompare.nn import arms
from wncompare.nn.layers import Summary, summary
from wncompare.nn.runs.inputs import dataset_of, use_device
from wncompare.tasks import Audited, AuditTask, Report


def audit(task: AuditTask, report: Report) -> Audited:
    """The summary of each variant's network with the first seed, built as a run would build it."""
    use_device(task.device)
    found = {variant.id: _summary(task, variant.id) for variant in task.config.variants}
    return Audited(
        task.name,
        {variant: one.as_data() for variant, one in found.items()},
        {variant: str(one) for variant, one in found.items()},
    )


def _summary(task: AuditTask, variant: str) -> Summary:
    config = task.config
    dataset = dataset_of(config.dataset, task.data_dir, task.shared)
    training = splits(dataset, config.holdout)[0]
    try:
        return summary(arms.build(config, variant, config.all_seeds[0], dataset, training))
    except ModelError as error:
        raise ModelError(f"variant {variant}: {error}") from error
