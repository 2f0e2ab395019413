"""`summary` says of every kernel whether it is normalized, and of every other layer why not."""

import json
import pickle
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

from wncompare.layers import WeightNormalization, WeightStandardization, initialize_from_data, summary, weight_normalize

from .support import CASES, Case


class Own(keras.layers.Layer):
    """A layer of a type that is not known."""

    def build(self, shape: Any) -> None:
        """One kernel and one vector."""
        self.w = self.add_weight(shape=(shape[-1], 3), name="w")
        self.scale = self.add_weight(shape=(3,), name="scale")

    def call(self, inputs: Any) -> Any:
        """A product."""
        return ops.matmul(inputs, self.w) * self.scale


def test_each_kernel_has_its_axes_gains_and_state(rng: np.random.Generator) -> None:
    """Before and after initialization, in submodels, inside Keras's wrappers, and for what is left out."""
    inputs = keras.Input((6, 4))
    sub = keras.Sequential(
        [keras.Input((6, 4)), layers.Conv1D(5, 3, name="conv"), layers.ReLU(name="relu")], name="sub"
    )
    attended = layers.MultiHeadAttention(2, 2, name="attention")(sub(inputs), sub(inputs))
    own = Own(name="own")(layers.Dense(4, name="left")(attended))
    ends = layers.Dense(2, name="last")(layers.LSTM(3, name="lstm")(own))
    model = weight_normalize(keras.Model(inputs, ends, name="mixed"), skip=["attention", "left"])
    found = {(row.layer, row.kernel): row for row in summary(model).kernels}
    conv = found["sub/conv", "kernel"]
    assert (conv.type, conv.by, conv.shape) == ("Conv1D", "WeightNormalization", (3, 4, 5))
    assert (conv.output_axes, conv.gain) == ((2,), (5,))
    assert conv.state == "waits for data: initialize_from_data(model, batch)"
    assert found["lstm", "recurrent_kernel"].gain == (12,)
    assert found["lstm", "kernel"].state == "starts as the plain layer: no affine map"
    assert found["left", "kernel"].by is None
    assert found["left", "kernel"].state == "not wrapped: a plain layer"
    assert found["attention/query", "kernel"].state == "not wrapped: a plain layer inside another"
    assert found["own", "w"].state == "not known for the type Own: name it, output_axes={'w': -1}"
    assert found["sub/relu", None].state == "no kernel"
    initialize_from_data(model, rng.normal(size=(8, 6, 4)).astype("float32"))
    after = {(row.layer, row.kernel): row for row in summary(model).kernels}
    assert after["sub/conv", "kernel"].state == "initialized"
    assert summary(weight_normalize(keras.Sequential([keras.Input((2,)), layers.Dense(2)]), False)).plain == ()


def test_frozen_unbuilt_and_standardized_layers() -> None:
    """A frozen layer that waits, one that is not built, and one of another reparameterization are told apart."""
    frozen = WeightNormalization(layers.Dense(3), trainable=False)
    frozen.build((None, 2))
    assert summary(frozen).kernels[0].state.endswith(", frozen")
    assert summary(WeightNormalization(layers.Dense(3))).kernels[0].state == "not built"
    assert summary(layers.Dense(3)).kernels[0].shape == ()
    standardized = WeightStandardization(layers.Dense(3))
    standardized.build((None, 2))
    assert summary(standardized).normalized[0].by == "WeightStandardization"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_case_has_all_its_kernels(case: Case) -> None:
    """Names, axes and shapes of g are those that the layer has, wrapped and plain."""
    layer = WeightNormalization(case.make(), data_init=False)
    layer.build((2, *case.shape))
    rows = {row.kernel: row for row in summary(layer).kernels}
    assert rows.keys() == case.axes.keys()
    for name, axes in case.axes.items():
        assert rows[name].gain == tuple(layer.g[name].shape)
        assert rows[name].output_axes == tuple(axis % len(layer.v[name].shape) for axis in axes)
    plain = [row for row in summary(keras.Sequential([keras.Input(case.shape), case.make()])).kernels if row.kernel]
    assert len(plain) == len(case.axes)
    assert not any(row.by for row in plain)


def test_inside_keras_wrappers_and_subclassed_models() -> None:
    """`Bidirectional(WeightNormalization(…))` and a model of one's own are looked into."""
    both = layers.Bidirectional(WeightNormalization(layers.GRU(3)), name="both")
    model = keras.Sequential([keras.Input((4, 2)), both], name="m")
    assert [row.by for row in summary(model).kernels] == ["WeightNormalization"] * 4

    class Mine(keras.Model):
        def __init__(self) -> None:
            super().__init__(name="mine")
            self.dense = WeightNormalization(layers.Dense(2), name="dense")

        def call(self, inputs: Any) -> Any:
            return self.dense(inputs)

    assert summary(Mine()).kernels[0].state == "not built"


def test_the_table_and_plain_data() -> None:
    """As a string it is a table, as data JSON can hold it, and it travels between processes."""
    model = weight_normalize(
        keras.Sequential([keras.Input((2,)), layers.Dense(3, name="d"), layers.ReLU(name="r")], name="m"), False
    )
    found = summary(model)
    assert str(found) == (
        "m: 1 of 1 kernels are normalized\n"
        "layer  type   kernel  shape  output axes  g  normalized by        state\n"
        "d      Dense  kernel  2×3    1            3  WeightNormalization  starts as the plain layer\n"
        "r      ReLU   –       –      –            –  –                    no kernel"
    )
    assert json.loads(json.dumps(found.as_data()))["kernels"][0]["gain"] == [3]
    assert pickle.loads(pickle.dumps(found)) == found
