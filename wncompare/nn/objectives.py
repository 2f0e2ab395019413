"""What a model is trained for and measured by, in Keras's terms, and whether that fits its outputs."""

from typing import Any

import keras
import numpy as np

from wncompare.catalog.losses import LOSSES
from wncompare.catalog.metrics import METRICS
from wncompare.config import Training
from wncompare.errors import ModelError


def own() -> None:
    """No loss: the model's own is trained, the sum of what its layers add_loss()."""


def loss_of(training: Training) -> Any:
    """The loss as `keras.Model.compile` takes it: a name, one with options, None for the model's own."""
    chosen = training.loss
    by_name = not chosen.options and chosen.name != "own"
    return chosen.name if by_name else LOSSES[chosen.name].load()(**chosen.options)


def metrics_of(training: Training, *, classes: int | None) -> list[Any]:
    """The metrics as `keras.Model.compile` takes them: the accuracy, and what is asked for.

    `classes` is how many outputs tell the class, None where the targets are none: then there is no accuracy.
    """
    further = [
        METRICS[chosen.name].load()(**chosen.options, name=chosen.name) if chosen.options else chosen.name
        for chosen in training.metrics
    ]
    return further if classes is None else [_accuracy(training, classes), *further]


def _accuracy(training: Training, classes: int) -> Any:
    """Keras's, which takes an output above 0.5 for yes where there is one; of logits that is one above 0."""
    if classes == 1 and training.loss.options.get("from_logits"):
        return keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0)
    return "accuracy"


def refuse_misfit(model: keras.Model, inputs: Any, training: Training) -> None:
    """Refuse logits where the loss or a metric takes probabilities, and a model without a loss of its own to train.

    Such a loss would be finite and mean nothing. `inputs` are those of a few examples.

    Raises:
        ModelError: the message names the remedy.
    """
    outputs = keras.ops.convert_to_numpy(model(inputs, training=False))
    for chosen in (training.loss, *training.metrics):
        if chosen.takes_probabilities:
            _refuse_logits(model, outputs, chosen.name, offers_logits="from_logits" in type(chosen).model_fields)
    regularized = [weight for weight in model.trainable_weights if weight.regularizer is not None]
    if training.loss.name == "own" and len(model.losses) <= len(regularized):
        raise ModelError(
            f"model {model.name}: has no loss of its own: expected a layer that calls add_loss(), or a name for "
            "training.loss, such as mean_squared_error"
        )


def _refuse_logits(model: keras.Model, outputs: Any, name: str, *, offers_logits: bool) -> None:
    end = "sigmoid" if not name.startswith(_OF_CLASSES) else "softmax"
    sums = outputs.sum(axis=-1).ravel()
    if outputs.min() >= 0 and outputs.max() <= 1.01 and (end == "sigmoid" or np.allclose(sums, 1, atol=1e-2)):
        return
    otherwise = f", or say {{name: {name}, from_logits: true}}" if offers_logits else ""
    raise ModelError(
        f"model {model.name}: its outputs go from {outputs.min():.3g} to {outputs.max():.3g} and the first sum to "
        f"{sums[0]:.3g}, but {name} takes probabilities: end the model with a {end}{otherwise}"
    )


_OF_CLASSES = ("categorical_", "sparse_", "kl_divergence")
"""How the names begin of what takes a distribution over classes; others take each output for itself."""
