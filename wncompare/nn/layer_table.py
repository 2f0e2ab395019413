"""What is followed of each kernel over training: ‖v‖, g and the effective learning rate."""

import math
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from wncompare.nn.layers import Norms, Reparameterization
from wncompare.nn.layers._fold import norm
from wncompare.nn.layers._kernels import find_kernels
from wncompare.nn.training.schedules import last_rate, unwrapped


def parameters(model: keras.Model) -> int:
    """How many numbers of a model are trained."""
    return sum(math.prod(variable.shape) for variable in model.trainable_variables)


def layer_rows(model: keras.Model, *, epoch: int) -> Iterator[dict[str, Any]]:
    """A row for each kernel of a compiled model, with means over the kernel's outputs.

    `v_norm` is ‖v‖ and `g` the length of the kernel that the layer computes with; where a kernel is not normalized
    both are ‖w‖. `effective_learning_rate` says by how much a step at rate η turns the direction of a kernel whose
    length does not matter (van Laarhoven 2017, arXiv 1706.05350): η/‖v‖² with SGD, as the gradient falls with ‖v‖;
    η/‖v‖ where the optimizer takes the gradient's scale out, as Adam does; η with LAMB, whose steps grow with ‖v‖.
    """
    learning_rate, power = last_rate(model.optimizer), _power(model.optimizer)
    for name, norms in _norms(model):
        v_norm = float(np.mean(norms.v))
        yield {
            "epoch": epoch,
            "layer": name,
            "v_norm": v_norm,
            "g": float(np.mean(np.abs(norms.g))),
            "effective_learning_rate": learning_rate / v_norm**power if v_norm else float("inf"),
        }


def _power(optimizer: keras.optimizers.Optimizer) -> int:
    """The power of ‖v‖ that divides the learning rate."""
    match unwrapped(optimizer):
        case keras.optimizers.SGD():
            return 2
        case keras.optimizers.Lamb():
            return 0
        case _:
            return 1


def _norms(layer: keras.layers.Layer, prefix: str = "") -> Iterator[tuple[str, Norms]]:
    """The norms of every kernel below `layer`, with its path: layer names, and the kernel's where there are several."""
    for inner in getattr(layer, "layers", ()):
        kernels = inner.norms() if isinstance(inner, Reparameterization) else _plain_norms(inner)
        for name, norms in kernels.items():
            yield prefix + (inner.name if len(kernels) == 1 else f"{inner.name}/{name}"), norms
        if not kernels:
            yield from _norms(inner, f"{prefix}{inner.name}/")


def _plain_norms(layer: keras.layers.Layer) -> dict[str, Norms]:
    norms = {kernel.name: np.asarray(norm(kernel.variable.value, kernel.output_axes)) for kernel in find_kernels(layer)}
    return {name: Norms(v=lengths, g=lengths) for name, lengths in norms.items()}
