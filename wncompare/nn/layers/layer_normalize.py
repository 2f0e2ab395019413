"""Layer normalization inside a recurrent layer of Keras's."""

from collections.abc import Iterator
from typing import Any

import keras
from keras import layers

from wncompare.nn.keras_private import replace_child

from .copying import copied
from .layer_norm_cells import LayerNormGRUCell, LayerNormLSTMCell, LayerNormSimpleRNNCell, refuse_single
from .rebuild import Replacement

_CELLS = {
    layers.SimpleRNNCell: LayerNormSimpleRNNCell,
    layers.LSTMCell: LayerNormLSTMCell,
    layers.GRUCell: LayerNormGRUCell,
}
_FLAGS = ("return_sequences", "return_state", "go_backwards", "stateful", "unroll", "zero_output_for_mask")


def layer_normalized(layer: keras.layers.Layer, epsilon: float) -> Replacement | None:
    """The same layer as `keras.layers.RNN` of layer-normalized cells, with its kernels, biases and states.

    It is a SimpleRNN, LSTM or GRU, an RNN of such cells, or Bidirectional around these; None for any other, a subclass
    among them, of which only its own code knows what it computes.

    Raises:
        ValueError: a cell has a single unit.
    """
    sides = _sides(layer)
    if not all(_is_known(side) for side in sides.values()):
        return None
    new = {name: _recurrent(side, epsilon) for name, side in sides.items()}
    outer = new[""] if "" in new else _bidirectional(layer, new)

    def fill() -> None:
        for name, side in sides.items():
            _copy_values(side, new[name])

    return Replacement((outer,), fill)


def _sides(layer: keras.layers.Layer) -> dict[str, Any]:
    """The recurrent layers that a layer is or has, by attribute."""
    if type(layer) is layers.Bidirectional:
        return {name: getattr(layer, name) for name in ("forward_layer", "backward_layer")}
    return {"": layer}


def _is_known(layer: keras.layers.Layer) -> bool:
    recurrent = type(layer) in (layers.RNN, layers.SimpleRNN, layers.LSTM, layers.GRU)
    return recurrent and all(type(cell) in _CELLS for cell in _cells(layer.cell))


def _cells(cell: Any) -> Iterator[Any]:
    """A cell, or those of several that are stacked."""
    if type(cell) is layers.StackedRNNCells:
        for each in cell.cells:
            yield from _cells(each)
    else:
        yield cell


def _recurrent(layer: Any, epsilon: float) -> layers.RNN:
    return layers.RNN(
        _normalized(layer.cell, epsilon),
        name=layer.name,
        dtype=layer.dtype_policy,
        activity_regularizer=layer.activity_regularizer,
        **{flag: getattr(layer, flag) for flag in _FLAGS},
    )


def _normalized(cell: Any, epsilon: float) -> Any:
    if type(cell) is layers.StackedRNNCells:
        return layers.StackedRNNCells([_normalized(each, epsilon) for each in cell.cells], name=cell.name)
    refuse_single(cell.units)
    implementation = getattr(cell, "implementation", 2)  # which Keras leaves out of a cell's configuration
    return copied(cell, _CELLS[type(cell)], epsilon=epsilon, implementation=implementation)


def _bidirectional(layer: layers.Bidirectional, sides: dict[str, layers.RNN]) -> layers.Bidirectional:
    new = copied(layer)
    for name, side in sides.items():
        replace_child(new, name, side)
    return new


def _copy_values(layer: Any, new: Any) -> None:
    for old, cell in zip(_cells(layer.cell), _cells(new.cell), strict=True):
        values = [old.kernel, old.recurrent_kernel, old.bias, old.seed_generator.state]
        targets = [cell.kernel, cell.recurrent_kernel, cell.bias, cell.seed_generator.state]
        _assign(values, targets)
    if layer.stateful:
        _assign(keras.tree.flatten(layer.states), keras.tree.flatten(new.states))


def _assign(values: list[Any], targets: list[Any]) -> None:
    for value, target in zip(values, targets, strict=True):
        if target is not None:
            target.assign(keras.ops.copy(value.value))
