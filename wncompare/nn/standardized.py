"""A model that was trained on standardized numbers, as one from numbers to numbers as they are."""

import keras
from keras import layers

from wncompare.data.form import ONLY
from wncompare.data.standardize import Moments, Standard


def with_standard(model: keras.Model, standard: Standard | None) -> keras.Model:
    """The model between (x − mean) / deviation of its inputs and y · deviation + mean of its output.

    What it computes is in the data's own units. Plain Keras layers, `Rescaling`, hold the moments; without a standard
    it is the model itself.
    """
    if standard is None:
        return model
    inputs = [keras.Input(each.shape[1:], dtype=each.dtype, name=each.name) for each in model.inputs]
    several = len(inputs) > 1
    given = [_standardized(each, standard.inputs.get(each.name if several else ONLY)) for each in inputs]
    outputs = model(given if several else given[0])
    if standard.target is not None:
        outputs = _restored(outputs, standard.target)
    return keras.Model(inputs if several else inputs[0], outputs, name=model.name)


def _standardized(x: keras.KerasTensor, moments: Moments | None) -> keras.KerasTensor:
    if moments is None:
        return x
    centred = layers.Rescaling(1.0, offset=(-moments.mean).tolist())(x)  # first, as in training: nothing cancels later
    return layers.Rescaling((1 / moments.deviation).tolist())(centred)


def _restored(y: keras.KerasTensor, moments: Moments) -> keras.KerasTensor:
    return layers.Rescaling(moments.deviation.tolist(), offset=moments.mean.tolist(), name="in_units")(y)
