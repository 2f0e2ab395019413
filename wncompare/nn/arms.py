"""One arm of an experiment as a compiled Keras model: the regular model of a seed, varied."""

from collections.abc import Callable
from math import ceil
from typing import Any

import keras
import numpy as np
from keras import tree

from wncompare.catalog.training import OPTIMIZERS
from wncompare.catalog.variants import VARIANTS
from wncompare.config import Config, Training, Variant
from wncompare.data import Dataset, Split
from wncompare.errors import ModelError
from wncompare.nn import models, objectives, own_variant, precision
from wncompare.nn.input_range import refuse_squashed
from wncompare.nn.own_variant import Vary
from wncompare.nn.training import noise, schedules
from wncompare.nn.training.batches import batch_order, prepared

_CHECKED = 8
"""How many examples of the initialization batch a model is tried on before it is trained."""


def build(
    config: Config,
    variant_id: str,
    seed: int,
    dataset: Dataset,
    training: Split,
    build_model: Callable[[], keras.Model] | None = None,
    vary: Vary | None = None,
) -> keras.Model:
    """The compiled model of one arm; its regular model is the config's or what `build_model` returns.

    The variant is the config's, or what `vary`, a function of the user's own, makes of the regular model.

    The same seed gives every arm the same initial kernels and the same initialization batch, in float32 whatever the
    training's precision.

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
    with noise.unmoved(model):  # by initialization from data, which is not every arm's
        model = _varied(model, config, variant, vary, dataset, batch)
        if config.training.precision != "float32":
            precision.mix(model, _few(batch))
    optimizer = _optimizer(config.training, epoch_steps=ceil(len(training) / config.training.batch_size))
    classes = model.output_shape[-1] if dataset.form.target.kind == "classes" else None
    metrics = objectives.metrics_of(config.training, classes=classes)
    model.compile(optimizer=optimizer, loss=objectives.loss_of(config.training), metrics=metrics)
    return model


def _varied(
    model: keras.Model, config: Config, variant: Variant, vary: Vary | None, dataset: Dataset, batch: Any
) -> keras.Model:
    """The variant of a regular model that fits the dataset and the training."""
    few = _few(batch)
    if [one.kind for one in dataset.form.inputs.values()] == ["image"]:
        refuse_squashed(model, few)
    models.refuse_few_tokens(model, few, dataset.form)
    objectives.refuse_misfit(model, few, config.training)
    if vary is None:
        varied: keras.Model = VARIANTS[variant.name].load()(model, variant.options, batch)
        return varied
    changed = own_variant.varied(model, vary, variant.id)
    _check_trained(changed)
    models.refuse_few_tokens(changed, few, dataset.form)
    objectives.refuse_misfit(changed, few, config.training)
    return changed


def _few(batch: Any) -> Any:
    return tree.map_structure(lambda array: array[:_CHECKED], batch)


def _check_trained(model: keras.Model) -> None:
    """Refuse a model of which nothing is trained: its arms would be compared as they came."""
    if not model.trainable_variables:
        raise ModelError(
            f"model {model.name}: has nothing to train, as every layer is frozen or without weights: set "
            "layer.trainable = True in those that are to be trained"
        )


def init_batch(training: Split, *, size: int, seed: int) -> Any:
    """The inputs for data-dependent initialization, as a network is given them, an array or several by name.

    They are `size` of the training split, drawn by `seed`; images scaled to [0, 1], numbers standardized where they are
    to be.
    """
    chosen = batch_order(len(training), seed=seed, epoch=0)[:size]
    return tree.map_structure(np.asarray, prepared(training.take(chosen).x, training.standard))


def _optimizer(training: Training, *, epoch_steps: int) -> keras.optimizers.Optimizer:
    options = training.optimizer.model_dump(exclude={"name"}, exclude_none=True)
    options["learning_rate"] = schedules.learning_rate(training, epoch_steps=epoch_steps)
    return OPTIMIZERS[training.optimizer.name].load()(**options)
