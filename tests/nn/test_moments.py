"""What a record says of batch normalization: how slow the moving averages are, and which gains it undoes."""

from typing import Any

import keras
import pytest
from keras import layers

from wncompare.nn.layers import MeanOnlyBatchNormalization, WeightNormalization
from wncompare.nn.moments import largest_momentum, redundant_gains


def _sequential(*chosen: layers.Layer) -> keras.Model:
    return keras.Sequential([keras.Input((6,)), *chosen])


def _frozen(layer: layers.Layer) -> layers.Layer:
    layer.trainable = False
    return layer


@pytest.mark.parametrize(
    ("chosen", "momentum"),
    [
        ([layers.Dense(2)], None),
        ([layers.LayerNormalization(), layers.Dense(2)], None),
        ([layers.BatchNormalization(momentum=0.9)], 0.9),
        ([layers.BatchNormalization(momentum=0.9), MeanOnlyBatchNormalization(momentum=0.99)], 0.99),
        ([keras.Sequential([layers.Dense(3), layers.BatchNormalization(momentum=0.8)])], 0.8),
        ([layers.BatchNormalization(momentum=0.9), _frozen(layers.BatchNormalization(momentum=0.999))], 0.9),
    ],
)
def test_the_largest_momentum_counts(chosen: list[layers.Layer], momentum: float | None) -> None:
    """Of what keeps moving averages and is not frozen, in models inside the model too; None without any."""
    assert largest_momentum(_sequential(*chosen)) == momentum


def test_what_is_left_of_the_initial_moments_is_momentum_to_the_steps() -> None:
    """After 20 steps on constant batches Keras's moving mean is (1 − 0.9²⁰) of the batch's: 0.9²⁰ is its initial 0."""
    model = _sequential(layers.BatchNormalization(momentum=0.9))
    for _ in range(20):
        model(keras.ops.ones((4, 6)), training=True)
    moving_mean = keras.ops.convert_to_numpy(model.layers[0].moving_mean)
    assert 1 - moving_mean == pytest.approx(largest_momentum(model) ** 20, rel=1e-5)  # type: ignore[operator]


def _wrapped(**options: Any) -> WeightNormalization:
    return WeightNormalization(layers.Dense(6, **options))


@pytest.mark.parametrize(
    ("chosen", "count"),
    [
        ([_wrapped(), layers.BatchNormalization()], 1),
        ([_wrapped(), layers.BatchNormalization(), _wrapped(), layers.BatchNormalization(), _wrapped()], 2),
        ([_wrapped(activation="relu"), layers.BatchNormalization()], 0),
        ([_wrapped(), layers.ReLU(), layers.BatchNormalization()], 0),
        ([layers.Dense(6), layers.BatchNormalization()], 0),
        ([_wrapped(), MeanOnlyBatchNormalization()], 0),
        ([_wrapped(), _frozen(layers.BatchNormalization())], 0),
        ([keras.Sequential([keras.Input((6,)), _wrapped(), layers.BatchNormalization()])], 1),
    ],
)
def test_a_gain_right_before_a_batch_norm_is_redundant(chosen: list[layers.Layer], count: int) -> None:
    """Not where an activation lies between, where the mean alone is taken out, or where the moments are frozen."""
    assert redundant_gains(_sequential(*chosen)) == count


def test_such_a_gain_changes_nothing() -> None:
    """Ten times the gain: a training step's outputs are the same but for batch norm's epsilon."""
    model = _sequential(_wrapped(), layers.BatchNormalization(epsilon=1e-7))
    x = keras.random.normal((64, 6), seed=0)
    before = keras.ops.convert_to_numpy(model(x, training=True))
    model.layers[0].set_weights([10 * w if v.path.endswith("g") else w for w, v in _weights(model.layers[0])])
    assert keras.ops.convert_to_numpy(model(x, training=True)) == pytest.approx(before, abs=1e-4)


def _weights(layer: layers.Layer) -> list[tuple[Any, Any]]:
    return list(zip(layer.get_weights(), layer.weights, strict=True))


def test_a_residual_network_is_followed_along_both_ways() -> None:
    """Two blocks with a skip connection: each of their three pairs counts once."""
    x = keras.Input((6,))
    first = layers.BatchNormalization()(_wrapped()(x))
    left = layers.BatchNormalization()(_wrapped()(layers.ReLU()(first)))
    right = layers.BatchNormalization()(_wrapped()(first))
    assert redundant_gains(keras.Model(x, layers.Add()([left, right, first]))) == 3
