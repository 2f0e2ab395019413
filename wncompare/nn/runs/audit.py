"""Whether each arm can be trained, and what of it is normalized: what `wncompare.run.audit` has a worker do."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from wncompare.config import Config
from wncompare.data import Dataset, Split
from wncompare.data.dataset import splits
from wncompare.errors import ModelError
from wncompare.nn import arms
from wncompare.nn.layers import Summary, summary
from wncompare.nn.runs.arm import dataset_for, try_arm
from wncompare.nn.runs.inputs import dataset_of, unpacked, use_device
from wncompare.nn.runs.misfits import refuse_infinite, refused_misfit
from wncompare.nn.runs.targets import refuse_headline, refuse_unfit
from wncompare.nn.training.trainer import first_step
from wncompare.tasks import Audited, AuditTask, Report, TrialTask, Tried

_MOST_EXAMPLES = 32


def audit(task: AuditTask, report: Report) -> Audited:
    """The summary of each variant's network with the first seed, built as a run would build it; each takes one step."""
    use_device(task.device)
    dataset = dataset_of(task.config.dataset, task.data_dir, task.shared)
    training = _training_split(dataset, task.config)
    found = {variant: _audited(task, variant, dataset, training) for variant in task.variants}
    return Audited(
        task.name,
        {variant: one.as_data() for variant, one in found.items()},
        {variant: str(one) for variant, one in found.items()},
    )


def try_out(task: TrialTask, report: Report) -> Tried:
    """Have the arm of a run take one step, as it will take them; the arm is kept for the run.

    Raises:
        ConfigError, ModelError: it cannot, as in `audit`.
    """
    run = task.run
    dataset = dataset_for(run)
    _training_split(dataset, run.config)
    with _named(run.record.variant):
        try_arm(run, dataset)
    return Tried(task.name)


def _training_split(dataset: Dataset, config: Config) -> Split:
    """What is trained on, once the targets of both splits are known to fit."""
    training = splits(dataset, config.holdout)[0]
    refuse_headline(dataset, config)
    for split, of in ((dataset.train, ""), (dataset.test, " of the test split")):
        refuse_unfit(replace(split, standard=training.standard), config.training, of=of)
    return training


def _audited(task: AuditTask, variant: str, dataset: Dataset, training: Split) -> Summary:
    config = task.config
    own = unpacked(task.build_model), unpacked(task.own_variants.get(variant))
    with _named(variant):
        model = arms.build(config, variant, config.all_seeds[0], dataset, training, *own)
        found = summary(model)
        few = training.take(np.arange(min(config.training.batch_size, _MOST_EXAMPLES, len(training))))
        with refused_misfit(model):
            loss = first_step(model, few)["loss"]
        refuse_infinite(model, loss)
    return found


@contextmanager
def _named(variant: str) -> Iterator[None]:
    """Have a refusal say which variant it is of."""
    try:
        yield
    except ModelError as error:
        name = f"variant {variant}: "
        raise ModelError(name + str(error).removeprefix(name)) from error
