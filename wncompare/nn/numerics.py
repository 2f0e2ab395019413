"""Keras's own settings, the same for every run."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras

from wncompare.records.numerics import KERAS


def settle() -> None:
    """Put aside what a keras.json, or a model's function that ran before in this process, has set."""
    keras.config.set_floatx(KERAS["floatx"])
    keras.config.set_epsilon(KERAS["epsilon"])
    keras.config.set_image_data_format(KERAS["image_data_format"])
    keras.config.set_dtype_policy(KERAS["floatx"])


@contextmanager
def settled() -> Iterator[None]:
    """The same for the length of a `with` block, in a process that is the user's."""
    config = keras.config
    before = config.floatx(), config.epsilon(), config.image_data_format(), config.dtype_policy()
    settle()
    try:
        yield
    finally:
        floatx, epsilon, data_format, policy = before
        config.set_floatx(floatx)
        config.set_epsilon(epsilon)
        config.set_image_data_format(data_format)
        config.set_dtype_policy(policy)
