"""Whether each arm can be trained, and what of it is normalized: the task that `wncompare.run.audit` gives a worker."""

from dataclasses import replace
from math import isfinite

import keras
import numpy as np

from wncompare.data import Dataset, Split
from wncompare.data.dataset import splits
from wncompare.errors import ModelError
from wncompare.nn import arms
from wncompare.nn.layers import Summary, summary
from wncompare.nn.runs.inputs import dataset_of, unpacked, use_device
from wncompare.nn.runs.targets import refuse_headline, refuse_unfit
from wncompare.nn.training.trainer import first_step
from wncompare.tasks import Audited, AuditTask, Report

_MOST_EXAMPLES = 32


def audit(task: AuditTask, report: Report) -> Audited:
    """The summary of each variant's network with the first seed, built as a run would build it; each takes one step."""
    use_device(task.device)
    dataset = dataset_of(task.config.dataset, task.data_dir, task.shared)
    training = splits(dataset, task.config.holdout)[0]
    refuse_headline(dataset, task.config)
    for split, of in ((dataset.train, ""), (dataset.test, " of the test split")):
        refuse_unfit(replace(split, standard=training.standard), task.config.training, of=of)
    found = {variant: _audited(task, variant, dataset, training) for variant in task.variants}
    return Audited(
        task.name,
        {variant: one.as_data() for variant, one in found.items()},
        {variant: str(one) for variant, one in found.items()},
    )


def _audited(task: AuditTask, variant: str, dataset: Dataset, training: Split) -> Summary:
    config = task.config
    own = unpacked(task.build_model), unpacked(task.own_variants.get(variant))
    try:
        model = arms.build(config, variant, config.all_seeds[0], dataset, training, *own)
        found = summary(model)
        _take_step(model, training, config.training.batch_size)
    except ModelError as error:
        name = f"variant {variant}: "
        raise ModelError(name + str(error).removeprefix(name)) from error
    return found


def _take_step(model: keras.Model, training: Split, batch_size: int) -> None:
    """Refuse a model that cannot take a step on the first training examples, or whose loss is not finite there."""
    few = training.take(np.arange(min(batch_size, _MOST_EXAMPLES, len(training))))
    try:
        loss = first_step(model, few)["loss"]
    except Exception as error:  # Keras and the layers raise what they like
        reason = " ".join(str(error).split())[:300]
        raise ModelError(
            f"model {model.name}: fails at its first step: {type(error).__name__}: {reason}: expected a model and a "
            "loss that fit the data"
        ) from error
    if not isfinite(loss):
        raise ModelError(
            f"model {model.name}: its loss is {loss} at the first step, so that nothing can be learned: expected "
            "outputs that the loss takes, such as positive ones for poisson"
        )
