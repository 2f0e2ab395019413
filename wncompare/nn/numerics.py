"""Keras's own settings, the same for every run."""

import keras

from wncompare.records.numerics import KERAS


def settle() -> None:
    """Put aside what a keras.json, or a model's function that ran before in this process, has set."""
    keras.config.set_floatx(KERAS["floatx"])
    keras.config.set_epsilon(KERAS["epsilon"])
    keras.config.set_image_data_format(KERAS["image_data_format"])
    keras.config.set_dtype_policy(KERAS["floatx"])
