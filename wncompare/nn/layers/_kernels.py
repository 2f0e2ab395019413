"""Where a layer keeps its kernels, and which of their axes are outputs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from keras import layers

from wncompare.nn.keras_private import ConvLSTMCell

OutputAxes = int | Sequence[int] | Mapping[str, int | Sequence[int]]

CONVOLUTIONS = (layers.Conv1D, layers.Conv2D, layers.Conv3D)
TRANSPOSED = (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)
DEPTHWISE = (layers.DepthwiseConv1D, layers.DepthwiseConv2D)
SEPARABLE = (layers.SeparableConv1D, layers.SeparableConv2D)
CELLS = (layers.SimpleRNNCell, layers.LSTMCell, layers.GRUCell, ConvLSTMCell)

_AXES: dict[tuple[type, ...], dict[str, tuple[int, ...]]] = {
    (layers.Dense, *CONVOLUTIONS): {"kernel": (-1,)},
    TRANSPOSED: {"kernel": (-2,)},
    DEPTHWISE: {"kernel": (-2, -1)},
    SEPARABLE: {"depthwise_kernel": (-2, -1), "pointwise_kernel": (-1,)},
    (layers.Embedding,): {"embeddings": (-1,)},  # a Dense layer on one-hot inputs
    CELLS: {"kernel": (-1,), "recurrent_kernel": (-1,)},
}


@dataclass(frozen=True)
class Kernel:
    """One kernel of a layer: its name in the wrapper, the owning layer, the owner's attribute, the output axes."""

    name: str
    owner: layers.Layer
    attribute: str
    output_axes: tuple[int, ...]

    @property
    def slot(self) -> str:
        """The instance attribute that holds the variable: `_kernel` where `kernel` is a property without a setter."""
        hidden = f"_{self.attribute}"
        return hidden if hidden in vars(self.owner) else self.attribute

    @property
    def variable(self) -> Any:
        """The kernel's variable; the owner must be built."""
        return vars(self.owner)[self.slot]


def find_kernels(layer: layers.Layer, output_axes: OutputAxes | None = None) -> tuple[Kernel, ...]:
    """All kernels of a layer, those inside `Bidirectional`, `TimeDistributed` and `RNN` included; () if it has none.

    `output_axes` overrides what is known about the layer's type: axes for each of its kernels, or a mapping from a
    kernel's name to axes, which also makes a layer of an unknown type usable.
    """
    known = tuple(_known(layer, ""))
    if output_axes is None:
        return known
    if isinstance(output_axes, Mapping):
        return _overridden(layer, known, {name: _axes(axes) for name, axes in output_axes.items()})
    axes = _axes(output_axes)
    named = {kernel.name: axes for kernel in known} or {"kernel": axes}
    return _overridden(layer, known, named)


def _known(layer: layers.Layer, prefix: str) -> Iterator[Kernel]:
    for part, inner in _parts(layer).items():
        yield from _known(inner, f"{prefix}{part}")
    for attribute, axes in _own_axes(layer).items():
        yield Kernel(f"{prefix}{attribute}", layer, attribute, axes)


def _parts(layer: layers.Layer) -> dict[str, layers.Layer]:
    if isinstance(layer, layers.Bidirectional):
        return {"forward_": layer.forward_layer, "backward_": layer.backward_layer}
    if isinstance(layer, layers.TimeDistributed):
        return {"": layer.layer}
    if isinstance(layer, layers.StackedRNNCells):
        return {f"cell_{index}_": cell for index, cell in enumerate(layer.cells)}
    return {"": layer.cell} if isinstance(layer, layers.RNN) else {}


def _own_axes(layer: layers.Layer) -> dict[str, tuple[int, ...]]:
    if isinstance(layer, layers.EinsumDense):
        _, kernel, output = einsum_terms(layer.equation)
        return {"kernel": tuple(axis for axis, letter in enumerate(kernel) if letter in output)}
    return next((axes for types, axes in _AXES.items() if isinstance(layer, types)), {})


def einsum_terms(equation: str) -> tuple[str, str, str]:
    """The three terms of an `EinsumDense` equation: input, kernel, output."""
    operands, output = equation.replace(" ", "").split("->")
    inputs, kernel = operands.split(",")
    return inputs, kernel, output


def _overridden(
    layer: layers.Layer, known: tuple[Kernel, ...], axes: Mapping[str, tuple[int, ...]]
) -> tuple[Kernel, ...]:
    names = {kernel.name for kernel in known}
    if known and not names.issuperset(axes):
        raise ValueError(
            f"Unknown kernel in output_axes={dict(axes)}: layer '{layer.name}' has {sorted(names)}; use these names."
        )
    changed = tuple(Kernel(k.name, k.owner, k.attribute, axes.get(k.name, k.output_axes)) for k in known)
    return changed or tuple(Kernel(name, layer, name, value) for name, value in axes.items())


def _axes(axes: int | Sequence[int]) -> tuple[int, ...]:
    return (axes,) if isinstance(axes, int) else tuple(axes)
