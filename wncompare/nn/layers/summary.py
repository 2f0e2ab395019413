"""What of a model is normalized, and what is not and why."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import keras

from wncompare.nn.keras_private import children, eager_value

from ._fold import gain_shape
from ._kernels import Kernel, find_kernels
from .reparameterization import Reparameterization
from .weight_normalization import WeightNormalization


@dataclass(frozen=True)
class KernelSummary:
    """One kernel of a model, or a layer without any (then `kernel` is None).

    `by` is the class that normalizes the kernel, None if none does; `shape` is the kernel's, `output_axes` its axes
    that have a gain each and `gain` the shape of g, all () where they are not known. `state` says where g and the bias
    come from, or why the kernel is not normalized.
    """

    layer: str
    type: str
    kernel: str | None
    by: str | None
    shape: tuple[int, ...]
    output_axes: tuple[int, ...]
    gain: tuple[int, ...]
    state: str


@dataclass(frozen=True)
class Summary:
    """The kernels of a model in its layers' order; as a string, a table."""

    model: str
    kernels: tuple[KernelSummary, ...]

    @property
    def normalized(self) -> tuple[KernelSummary, ...]:
        """The kernels that are normalized."""
        return tuple(row for row in self.kernels if row.by)

    @property
    def plain(self) -> tuple[KernelSummary, ...]:
        """The kernels that are not."""
        return tuple(row for row in self.kernels if row.kernel and not row.by)

    def as_data(self) -> dict[str, Any]:
        """The same as dictionaries, lists, strings and numbers."""
        return {
            "model": self.model,
            "kernels": [
                {name: list(x) if isinstance(x, tuple) else x for name, x in asdict(row).items()}
                for row in self.kernels
            ],
        }

    def __str__(self) -> str:
        rows = [_HEAD, *(_cells(row) for row in self.kernels)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        count = f"{len(self.normalized)} of {len(self.normalized) + len(self.plain)} kernels are normalized"
        return "\n".join([f"{self.model}: {count}", *lines])


_HEAD = ("layer", "type", "kernel", "shape", "output axes", "g", "normalized by", "state")


def summary(model: keras.layers.Layer) -> Summary:
    """What is normalized in a model or a layer, on which output axes, and what is not and why.

    Reads only; works on any model, subclassed and unbuilt ones too, as far as their layers are known.

    Args:
        model: a model, or one layer.

    Example:
        >>> print(summary(weight_normalize(model)))
    """
    start = [(model.name, model)] if not isinstance(model, keras.Model) else []
    return Summary(model.name, tuple(row for path, layer in [*start, *walk(model)] for row in _rows(path, layer)))


def walk(layer: keras.layers.Layer, prefix: str = "", seen: set[int] | None = None) -> Iterator[tuple[str, Any]]:
    """Each layer inside once, with its path "submodel/layer"; what is inside a reparameterized layer is left out."""
    seen = set() if seen is None else seen
    if isinstance(layer, Reparameterization):
        return
    for inner in layer.layers if isinstance(layer, keras.Model) else children(layer):
        if id(inner) in seen or isinstance(inner, keras.layers.InputLayer):
            continue
        seen.add(id(inner))
        path = f"{prefix}{inner.name}"
        yield path, inner
        yield from walk(inner, f"{path}/", seen)


def _rows(path: str, layer: keras.layers.Layer) -> Iterator[KernelSummary]:
    if isinstance(layer, Reparameterization):
        yield from (_row(path, layer.layer, kernel, type(layer).__name__, _state(layer)) for kernel in layer.kernels)
        return
    own = [kernel for kernel in find_kernels(layer) if kernel.owner is layer]
    yield from (_row(path, layer, kernel, None, _why_plain(path)) for kernel in own)
    if not own:
        yield from _without_known_kernel(path, layer)


def _row(path: str, layer: keras.layers.Layer, kernel: Kernel, by: str | None, state: str) -> KernelSummary:
    built = kernel.slot in vars(kernel.owner)
    shape = tuple(kernel.variable.shape) if built else ()
    axes = tuple(sorted(axis % len(shape) for axis in kernel.output_axes)) if built else kernel.output_axes
    gain = gain_shape(shape, axes) if built and by else ()
    return KernelSummary(path, type(layer).__name__, kernel.name, by, shape, axes, gain, state)


def _state(layer: Reparameterization) -> str:
    if not layer.built:
        return "not built"
    if not isinstance(layer, WeightNormalization) or not layer.data_init:
        return "starts as the plain layer"
    if layer.affine is None:
        return "starts as the plain layer: no affine map"
    frozen = "" if layer.trainable and layer.layer.trainable else ", frozen"
    if eager_value(layer.initialized):
        return "initialized"
    return f"waits for data: initialize_from_data(model, batch){frozen}"


def _why_plain(path: str) -> str:
    return "not wrapped: a plain layer" if "/" not in path else "not wrapped: a plain layer inside another"


def _without_known_kernel(path: str, layer: keras.layers.Layer) -> Iterator[KernelSummary]:
    inside = {id(variable) for inner in children(layer) for variable in inner.variables}
    kernels = [v for v in layer.weights if id(v) not in inside and len(v.shape) > 1]
    if isinstance(layer, keras.Model):
        kernels = []
    name = type(layer).__name__
    for variable in kernels:
        state = f"not known for the type {name}: name it, output_axes={{{variable.name!r}: -1}}"
        yield KernelSummary(path, name, variable.name, None, tuple(variable.shape), (), (), state)
    if not kernels and not children(layer):
        yield KernelSummary(
            path, name, None, None, (), (), (), "no kernel" if layer.built else "no kernel, or not built"
        )


def _cells(row: KernelSummary) -> tuple[str, ...]:
    sizes = ("×".join(map(str, row.shape)), ", ".join(map(str, row.output_axes)), "×".join(map(str, row.gain)))
    return (row.layer, row.type, row.kernel or "–", *(size or "–" for size in sizes), row.by or "–", row.state)
