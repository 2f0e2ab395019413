"""What the layers use of Keras beyond its documentation: each test fails first where Keras changes it."""

import re
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

import wncompare.nn.layers
from wncompare.nn import keras_private
from wncompare.nn.layers._kernels import find_kernels

from .support import CASES, Case


class Probe(keras.layers.Layer):
    """A layer that notes something in its call."""

    def __init__(self, look: Any) -> None:
        super().__init__()
        self.look = look

    def call(self, inputs: Any) -> Any:
        """The inputs."""
        vars(self)["seen"] = self.look()  # a built layer takes no new layers, which `look` may find
        return inputs


def test_the_layers_reach_past_keras_in_one_place_only() -> None:
    """No module beside `keras_private` imports from `keras.src` or reads a Keras attribute with an underscore."""
    for file in Path(wncompare.nn.layers.__file__).parent.glob("*.py"):
        text = file.read_text(encoding="utf-8")
        assert "keras.src" not in text, file.name
        assert not re.findall(r"(?:layer|model|operation|tensor|owner)\._(?!_)\w+", text), file.name


def test_full_precision() -> None:
    """`AutocastScope(None)` reads variables in their own dtype inside a mixed-precision layer."""
    seen = []

    class Half(keras.layers.Layer):
        def build(self, shape: Any) -> None:
            self.w = self.add_weight(shape=(2,), name="w")

        def call(self, inputs: Any) -> Any:
            seen.append(keras.backend.standardize_dtype(self.w.value.dtype))
            with keras_private.full_precision():
                seen.append(keras.backend.standardize_dtype(self.w.value.dtype))
            return inputs

    Half(dtype="mixed_bfloat16")(np.ones((1, 2), "float32"))
    assert seen == ["bfloat16", "float32"]


def test_symbolic_and_stateless_scopes() -> None:
    """Keras says when it only infers shapes, and when assignments are held back."""
    symbolic = Probe(keras_private.is_symbolic)
    symbolic(np.ones((1, 2), "float32"))
    assert not symbolic.seen
    symbolic(keras.Input((2,)))
    assert symbolic.seen
    assert not keras_private.is_stateless()
    with keras.StatelessScope():
        assert keras_private.is_stateless()


def test_children_and_the_layer_tree() -> None:
    """`_flatten_layers` gives a layer's own layers, and with itself and their insides all of them."""
    cell = layers.GRUCell(2)
    rnn = layers.RNN(cell)
    time = layers.TimeDistributed(rnn)
    assert keras_private.children(time) == [rnn]
    assert set(keras_private.layer_tree(time)) == {time, rnn, cell}


def test_compiled_with() -> None:
    """A compiled model keeps its loss and metrics as they are, functions that nobody registered among them."""

    def own_loss(y: Any, y_pred: Any) -> Any:
        return keras.ops.mean(y - y_pred)

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(optimizer="sgd", loss=own_loss, metrics=[own_loss, "mse"])
    given = keras_private.compiled_with(model)
    assert given.count(own_loss) == 2
    assert "mse" in given


def test_predecessors() -> None:
    """`_keras_history` and `_inbound_nodes` lead from a symbolic tensor to the layer and the tensors it came from."""
    inputs, dense = keras.Input((2,)), layers.Dense(3)
    operation, before = keras_private.predecessors(dense(inputs))
    assert operation is dense
    assert before[0] is inputs


def test_entry_layer() -> None:
    """During a call Keras knows the outermost layer, and afterwards none."""
    probe = Probe(keras_private.entry_layer)
    model = keras.Sequential([keras.Sequential([probe])])
    model(np.ones((1, 2), "float32"))
    assert probe.seen is model
    assert keras_private.entry_layer() is None


def test_rematerialization() -> None:
    """A layer notes its `RematScope` in `_remat_mode`, and `__call__` goes through `rematerialized_call` by it."""
    with keras.RematScope("list_of_layers", layer_names=["a"]):
        noted = layers.Dense(2, name="a")
    plain = layers.Dense(2)
    assert keras_private.remat_names(noted) == ["a"]
    assert keras_private.remat_names(plain) == []
    keras_private.adopt_remat(plain, noted)
    assert keras_private.remat_names(plain) == ["a"]
    calls = []

    class Counted(layers.Dense):
        def rematerialized_call(self, layer_call: Any, *args: Any, **kwargs: Any) -> Any:
            calls.append(self.name)
            return layer_call

    with keras.RematScope("full"):
        layer = Counted(2)
    layer(np.ones((1, 2), "float32"))
    with keras_private.without_remat([layer]):
        layer(np.ones((1, 2), "float32"))
    assert len(calls) == 1


def test_conv_lstm_cell() -> None:
    """The cell of ConvLSTM, which has no public name."""
    assert isinstance(layers.ConvLSTM1D(2, 2).cell, keras_private.ConvLSTMCell)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_kernels_lie_in_the_instance(case: Case) -> None:
    """Each kernel's variable is an entry of its owner's `__dict__`, under its name or with an underscore before it."""
    layer = case.make()
    layer.build((2, *case.shape))
    for kernel in find_kernels(layer):
        assert vars(kernel.owner)[kernel.slot] is kernel.variable
        assert isinstance(kernel.variable, keras.Variable)
        assert tuple(getattr(kernel.owner, kernel.attribute).shape) == tuple(kernel.variable.shape)
        with keras_private.substituted(kernel.owner, **{kernel.slot: "w"}):
            assert vars(kernel.owner)[kernel.slot] == "w"


@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method")
def test_quantize_is_an_entry_of_the_instance() -> None:
    """Keras wraps `quantize` for each layer, which is where a refusal has to stand, and `Model.quantize` calls it."""
    assert "quantize" in vars(layers.Dense(2))
    model = keras.Sequential([layers.Dense(2)])
    model.build((None, 2))
    called = []
    vars(model.layers[0])["quantize"] = lambda *args, **kwargs: called.append(args)
    model.quantize("int8")
    assert called == [("int8",)]


def test_call_signature_parameters() -> None:
    """A layer lists its call's arguments, which says whether it takes a mask."""
    assert "mask" in layers.LSTM(2).call_signature_parameters
    assert "mask" not in layers.Dense(2).call_signature_parameters


def test_own_variables_are_stored_by_number(tmp_path: Path) -> None:
    """`save_own_variables` numbers a layer's own variables, trained ones first."""
    layer = layers.BatchNormalization()
    layer.build((None, 2))
    store: dict[str, Any] = {}
    layer.save_own_variables(store)
    assert list(store) == ["0", "1", "2", "3"]
    assert store["0"] is layer.gamma
