"""Weights that torch or TensorFlow Addons normalized, into wrapped layers."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from ._array_files import read_arrays
from ._fold import gain_shape, norm
from ._kernels import CELLS, CONVOLUTIONS, DEPTHWISE, TRANSPOSED, Kernel, find_kernels
from .summary import walk
from .weight_normalization import WeightNormalization

TORCH = (("weight_g", "weight_v"), ("parametrizations.weight.original0", "parametrizations.weight.original1"))
"""How torch names g and v: `torch.nn.utils.weight_norm`, and the one in `torch.nn.utils.parametrizations`."""


def load_weight_norm(
    target: keras.layers.Layer,
    arrays: Mapping[str, Any] | str | Path,
    *,
    names: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Gives wrapped layers the g, v and bias of a network that was weight-normalized elsewhere.

    Of each `WeightNormalization` layer everything has to be there, or nothing is changed; other layers are left alone.

    - torch: `weight_g` and `weight_v`, or `parametrizations.weight.original0` (g) and `.original1` (v), and `bias`,
      for Linear, Conv, ConvTranspose, depthwise Conv and Embedding. Axes are moved: (out, in, …) becomes (…, in, out).
      g has to be one an output: torch's `dim=0`, for transposed convolutions `dim=1`.
    - TensorFlow Addons and this layer: `g` (of a recurrent layer the recurrent kernel's) or `<kernel>_g`, `kernel` or
      the kernel's name here (v), and `bias`, in Keras's layout.
    - Without a g, `weight` or the kernel is taken as v, with g = ‖v‖.

    Args:
        target: a built `WeightNormalization` layer, whose arrays are named as above; or a built model, where the
            layer's name stands before them, as in "dense_1.weight_g" or "dense_1/g:0".
        arrays: NumPy arrays by name, a torch `state_dict()`, or the path of a .safetensors or .npz file.
        names: for layers that are named differently there: their name by the path here, {"sub/dense": "features.0"}.

    Raises:
        ValueError: for a missing array, a wrong shape, a g or v that no layer takes, a layer whose layout differs, and
            for files that are damaged or could execute code.
    """
    given = read_arrays(Path(arrays)) if isinstance(arrays, str | Path) else arrays
    if not isinstance(given, Mapping):
        raise ValueError(f"Arrays by name are expected, such as module.state_dict(). Received: {type(given).__name__}.")
    source = {key.removesuffix(":0").replace("/", "."): (key, value) for key, value in given.items()}
    parts = _parts(target, source, names)
    values = [pair for path, layer, own in parts for pair in _Part(path, layer, own).values()]
    used = {key for _, _, own in parts for key, _ in own.values()}
    if unused := [key for name, (key, _) in source.items() if key not in used and name.endswith(_GAINS)]:
        raise ValueError(f"No wrapped layer takes {unused}; name the layer, names={{'<path here>': '<name there>'}}.")
    for variable, value in values:
        variable.assign(value)
    for _, layer, _ in parts:
        layer.finish_initialization()


_GAINS = ("weight_g", "original0", ".g")
_Source = Mapping[str, tuple[str, Any]]


def _parts(
    target: keras.layers.Layer, source: _Source, names: Mapping[str, str]
) -> list[tuple[str, WeightNormalization, dict[str, tuple[str, Any]]]]:
    """Each wrapped layer with its path and the arrays that are named after it."""
    if isinstance(target, WeightNormalization):
        return [(target.name, target, dict(source))]
    found = {path: layer for path, layer in walk(target) if isinstance(layer, WeightNormalization)}
    if not found or not found.keys() >= names.keys():
        raise ValueError(
            f"'{target.name}' has the weight-normalized layers {sorted(found)}: expected some, with those in "
            f"names={dict(names)} among them."
        )
    return [(path, layer, _named(path, list(found), source, names)) for path, layer in found.items()]


def _named(path: str, paths: list[str], source: _Source, names: Mapping[str, str]) -> dict[str, tuple[str, Any]]:
    last = path.split("/")[-1]
    unique = [other.split("/")[-1] for other in paths].count(last) == 1
    for prefix in [names[path]] if path in names else [path, *([last] if unique else [])]:
        inside = f".{prefix.replace('/', '.')}."
        own = {f".{name}".split(inside, 1)[1]: pair for name, pair in source.items() if inside in f".{name}"}
        own = {name: pair for name, pair in own.items() if "data_dep_init" not in name}
        if own:
            return own
    raise ValueError(
        f"No arrays are named after layer '{path}'; the names are {[key for key, _ in source.values()][:6]}. Say which "
        f"belong to it: names={{'{path}': '<name there>'}}."
    )


@dataclass(frozen=True)
class _Part:
    """One wrapped layer and the arrays that are its own, by what their names end with."""

    path: str
    layer: WeightNormalization
    own: Mapping[str, tuple[str, Any]]

    def values(self) -> Iterator[tuple[Any, np.ndarray]]:
        """Variables and their new values."""
        if not self.layer.built:
            raise ValueError(f"Layer '{self.path}' is not built: call it, or build the model, before loading weights.")
        if recurrent := [key for name, (key, _) in self.own.items() if "weight_ih" in name or "weight_hh" in name]:
            raise ValueError(
                f"Layer '{self.path}': {recurrent[0]!r}: torch's recurrent weights have other gates and biases than "
                "Keras's; set layer.v, layer.g and the bias, and call layer.finish_initialization()."
            )
        for kernel in self.layer.kernels:
            yield from self._torch(kernel) if self._is_torch() else self._keras(kernel)

    def _is_torch(self) -> bool:
        return any(name in self.own for pair in (*TORCH, ("weight",)) for name in pair)

    def _keras(self, kernel: Kernel) -> Iterator[tuple[Any, np.ndarray]]:
        own = {name.split(".")[-1]: pair for name, pair in self.own.items()}
        last = kernel.name if kernel.name in own else kernel.attribute
        v = self._array(own, last, tuple(kernel.variable.shape))
        gains = tuple(self.layer.g[kernel.name].shape)
        is_addons = len(self.layer.kernels) == 1 or kernel.name == "recurrent_kernel"
        gain = next((name for name in (f"{kernel.name}_g", "g") if name in own and (name != "g" or is_addons)), None)
        yield kernel.variable, v
        yield self.layer.g[kernel.name], self._array(own, gain, gains) if gain else _norm(v, kernel)
        prefix = kernel.name.removesuffix(kernel.attribute)
        yield from self._bias(kernel, own, f"{prefix}bias" if f"{prefix}bias" in own else "bias")

    def _torch(self, kernel: Kernel) -> Iterator[tuple[Any, np.ndarray]]:
        self._check_layout(kernel)
        gain, direction = next((pair for pair in TORCH if set(pair) & set(self.own)), (None, "weight"))
        theirs = self._array(self.own, direction, _torch_shape(kernel))
        v = _moved(kernel, theirs)
        yield kernel.variable, v
        if gain is None:
            yield self.layer.g[kernel.name], _norm(v, kernel)
        else:
            dim = _torch_dim(kernel)
            expected = tuple(size if axis == dim else 1 for axis, size in enumerate(theirs.shape))
            g = self._array(self.own, gain, expected, f" (torch's weight_norm with dim={dim})")
            yield self.layer.g[kernel.name], g.reshape(self.layer.g[kernel.name].shape)
        yield from self._bias(kernel, self.own, "bias")

    def _bias(self, kernel: Kernel, own: _Source, name: str) -> Iterator[tuple[Any, np.ndarray]]:
        bias = getattr(kernel.owner, "bias", None)
        if bias is not None:
            shape = (math.prod(bias.shape),) if self._is_torch() else tuple(bias.shape)
            yield bias, self._array(own, name, shape).reshape(bias.shape)
        elif name in own:
            raise ValueError(f"Layer '{self.path}' has no bias, but {own[name][0]!r} is given; wrap one with a bias.")

    def _array(self, own: _Source, name: str, shape: tuple[int, ...], hint: str = "") -> np.ndarray:
        if name not in own:
            raise ValueError(
                f"Layer '{self.path}': no array {name!r}, of shape {shape}; given are "
                f"{sorted(key for key, _ in own.values())}."
            )
        key, value = own[name]
        array = np.asarray(value.detach().cpu().float() if hasattr(value, "detach") else value)
        if array.dtype.kind not in "fiu" or array.shape != shape:
            raise ValueError(
                f"Layer '{self.path}': {key!r} is {array.dtype} of shape {array.shape}: expected numbers of shape "
                f"{shape}{hint}."
            )
        if not np.isfinite(array).all():
            raise ValueError(
                f"Layer '{self.path}': {key!r} has values that are not finite; expected a trained network."
            )
        return array

    def _check_layout(self, kernel: Kernel) -> None:
        owner, standard = kernel.owner, {k.attribute: k.output_axes for k in find_kernels(kernel.owner)}
        einsum = isinstance(owner, layers.EinsumDense) and len(kernel.variable.shape) == 2
        known = isinstance(owner, (layers.Dense, layers.Embedding, *CONVOLUTIONS, *TRANSPOSED, *DEPTHWISE))
        moved = isinstance(owner, layers.Embedding) or standard.get(kernel.attribute) == kernel.output_axes
        if isinstance(owner, CELLS) or not (known or (einsum and kernel.output_axes == (1,))) or not moved:
            raise ValueError(
                f"Layer '{self.path}': torch has no layer laid out like {type(owner).__name__} with the output axes "
                f"{kernel.output_axes}; give g and v in Keras's layout, as 'g' and '{kernel.attribute}'."
            )


def _torch_shape(kernel: Kernel) -> tuple[int, ...]:
    shape = tuple(kernel.variable.shape)
    if isinstance(kernel.owner, layers.Embedding):
        return shape
    if isinstance(kernel.owner, DEPTHWISE):
        return (shape[-2] * shape[-1], 1, *shape[:-2])
    return (shape[-1], shape[-2], *shape[:-2])


def _torch_dim(kernel: Kernel) -> int:
    """The axis of torch's weight that has the outputs."""
    if isinstance(kernel.owner, layers.Embedding):
        return kernel.output_axes[0] % 2
    return 1 if isinstance(kernel.owner, TRANSPOSED) else 0


def _moved(kernel: Kernel, theirs: np.ndarray) -> np.ndarray:
    """torch's (a, b, *spatial) as Keras's (*spatial, b, a); a depthwise kernel's outputs go input by input."""
    shape = tuple(kernel.variable.shape)
    if isinstance(kernel.owner, layers.Embedding):
        return theirs
    if isinstance(kernel.owner, DEPTHWISE):
        return np.moveaxis(theirs.reshape(*shape[-2:], *shape[:-2]), (0, 1), (-2, -1))
    return np.moveaxis(theirs, (0, 1), (-1, -2))


def _norm(v: np.ndarray, kernel: Kernel) -> np.ndarray:
    found = norm(ops.convert_to_tensor(v.astype("float32")), kernel.output_axes)
    return np.asarray(ops.convert_to_numpy(found)).reshape(gain_shape(v.shape, kernel.output_axes))
