"""What the trainer takes from Keras's privates: each test fails first when Keras changes it."""

import keras

from wncompare.nn.keras_private import schedule_of


def test_the_schedule_is_what_the_optimizer_was_given() -> None:
    """A schedule comes back as the object it is; a number and a variable are no schedule."""
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 10)
    assert schedule_of(keras.optimizers.SGD(schedule)) is schedule
    assert schedule_of(keras.optimizers.SGD(0.1)) is None
    constant = keras.optimizers.Adam(0.1)
    constant.learning_rate = 0.2
    assert schedule_of(constant) is None
