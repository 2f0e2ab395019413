"""Models as plain Keras, which load without wncompare."""

from pathlib import Path

import keras

from wncompare import records
from wncompare.errors import ModelError, RecordsError
from wncompare.nn.layers import MeanOnlyBatchNormalization, Reparameterization
from wncompare.nn.layers._kernels import find_kernels
from wncompare.nn.layers.copying import copied, copy_state
from wncompare.nn.layers.rebuild import Replacement, rebuild
from wncompare.nn.layers.structure import descendants
from wncompare.nn.models import load_untrusted
from wncompare.storage.files import replacing

OWN = (Reparameterization, MeanOnlyBatchNormalization)


def fold(model: keras.Model) -> keras.Model:
    """A new model of Keras's own layers that predicts what the given one does; that one is left as it is.

    A weight-normalized or standardized layer becomes the plain layer with the kernel w that it computes. Mean-only
    batch normalization becomes `BatchNormalization` with variance 1 and ε = 0: in inference the same, but trained
    further it would normalize the variance too.

    Raises:
        ModelError: for a subclassed model, or such a layer inside another where it cannot be replaced.
    """
    try:
        return rebuild(model, _plain)
    except ValueError as error:
        raise ModelError(str(error)) from error


def _plain(layer: keras.layers.Layer) -> Replacement | None:
    if isinstance(layer, Reparameterization):
        return _folded(layer)
    if isinstance(layer, MeanOnlyBatchNormalization):
        return _unit_variance(layer)
    hidden = [inner.name for inner in descendants(layer) if isinstance(inner, OWN)]
    if hidden:
        raise ValueError(
            f"Layer '{layer.name}' of type {type(layer).__name__} holds {hidden}, which cannot be replaced from "
            f"outside; wrap it as a whole: WeightNormalization({type(layer).__name__}(...))."
        )
    return None


def _folded(layer: Reparameterization) -> Replacement:
    new = copied(layer.layer, name=layer.name)

    def fill() -> None:
        copy_state(layer.layer, new)
        for kernel, value in zip(find_kernels(new, layer.output_axes), layer.folded().values(), strict=True):
            kernel.variable.assign(value)

    return Replacement((new,), fill)


def _unit_variance(layer: MeanOnlyBatchNormalization) -> Replacement:
    new = keras.layers.BatchNormalization(
        axis=layer.axis, momentum=layer.momentum, epsilon=0.0, scale=False, name=layer.name, dtype=layer.dtype_policy
    )

    def fill() -> None:
        new.beta.assign(keras.ops.copy(layer.beta.value))
        new.moving_mean.assign(keras.ops.copy(layer.moving_mean.value))

    return Replacement((new,), fill)


def export_run(run: Path, output: Path) -> None:
    """Write the model of a finished run as plain Keras to `output`, weight normalization folded away.

    The run's file is untrusted: Keras's safe mode reads it.

    Raises:
        RecordsError: the run has no model.
        ModelError: the file is damaged or unsafe, or `output` is not a .keras file.
    """
    if output.suffix != ".keras":
        raise ModelError(f"{output}: expected a name that ends in .keras")
    file = run / records.MODEL_FILE
    if not file.is_file():
        raise RecordsError(f"{run}: no {records.MODEL_FILE} here: name a finished run's folder, <variant>/seed-<seed>")
    folded = fold(load_untrusted(file))
    output.parent.mkdir(parents=True, exist_ok=True)
    with replacing(output) as temporary:
        folded.save(temporary)
