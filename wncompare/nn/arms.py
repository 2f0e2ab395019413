"""One arm of an experiment as a compiled Keras model: the regular model of a seed, varied."""

from collections.abc import Callable
from math import ceil

import keras
import numpy as np
from numpy.typing import NDArray

from wncompare.catalog.training import OPTIMIZERS
from wncompare.catalog.variants import VARIANTS
from wncompare.config import Config, Training
from wncompare.data import Dataset, Split
from wncompare.errors import ModelError
from wncompare.nn import models, objectives
from wncompare.nn.input_range import refuse_squashed
from wncompare.nn.training import schedules
from wncompare.nn.training.batches import batch_order, scaled

_CHECKED = 8
"""How many images of the initialization batch a model is tried on before it is trained."""


def build(
    config: Config,
    variant_id: str,
    seed: int,
    dataset: Dataset,
    training: Split,
    build_model: Callable[[], keras.Model] | None = None,
) -> keras.Model:
    """The compiled model of one arm; its regular model is the config's or what `build_model` returns.

    The same seed gives every arm the same initial kernels and the same initialization batch.

    Raises:
        ModelError: the model does not fit the dataset, or the variant does not fit the model.
    """
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    if build_model is None:
        model = models.build(config.model, form=dataset.form)
    else:
        model = models.checked(build_model(), "build_model", form=dataset.form)
    _check_trained(model)
    variant = config.variant(variant_id)
    batch = init_batch(training, size=config.init_batch, seed=seed)
    refuse_squashed(model, batch[:_CHECKED])
    objectives.refuse_misfit(model, batch[:_CHECKED], config.training)
    model = VARIANTS[variant.name].load()(model, variant.options, batch)
    optimizer = _optimizer(config.training, epoch_steps=ceil(len(training) / config.training.batch_size))
    metrics = objectives.metrics_of(config.training, accuracy=True)
    model.compile(optimizer=optimizer, loss=objectives.loss_of(config.training), metrics=metrics)
    return model


def _check_trained(model: keras.Model) -> None:
    """Refuse a model of which nothing is trained: its arms would be compared as they came."""
    if not model.trainable_variables:
        raise ModelError(
            f"model {model.name}: has nothing to train, as every layer is frozen or without weights: set "
            "layer.trainable = True in those that are to be trained"
        )


def init_batch(training: Split, *, size: int, seed: int) -> NDArray[np.float32]:
    """The images for data-dependent initialization, scaled to [0, 1]: `size` of the training split, drawn by `seed`."""
    chosen = batch_order(len(training), seed=seed, epoch=0)[:size]
    return np.asarray(scaled(training.x[chosen]))


def _optimizer(training: Training, *, epoch_steps: int) -> keras.optimizers.Optimizer:
    options = training.optimizer.model_dump(exclude={"name"}, exclude_none=True)
    options["learning_rate"] = schedules.learning_rate(training, epoch_steps=epoch_steps)
    return OPTIMIZERS[training.optimizer.name].load()(**options)
