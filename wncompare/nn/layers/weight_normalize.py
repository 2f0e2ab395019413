"""Weight normalization of a whole model."""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

import keras

from ._affine import DataInit
from .copying import copied, copy_attributes, copy_state, copy_variables
from .rebuild import Replacement, rebuild
from .reparameterization import Reparameterization
from .structure import descendants, has_kernels
from .weight_normalization import WeightNormalization


def weight_normalize(model: keras.Model, data_init: DataInit = True, *, skip: Collection[str] = ()) -> keras.Model:
    """A new model like the given one with every kernel weight-normalized: w = g · v / ‖v‖.

    Each layer that `WeightNormalization` can wrap is wrapped under its own name, in Sequential and functional models
    and their submodels. The new model has variables of its own, with the given model's values; until it is trained or
    initialized from data (`initialize_from_data`) it computes the same.

    Args:
        model: a built Sequential or functional model.
        data_init: as in `WeightNormalization`.
        skip: names of layers to leave as they are.

    Raises:
        ValueError: for a subclassed model; for a layer with kernels that cannot be reached, such as attention, unless
            it is in `skip`; for a name in `skip` that no layer has; for a model without a kernel.
    """
    visited: set[str] = set()

    def replace(layer: keras.layers.Layer) -> Replacement | None:
        visited.add(layer.name)
        if layer.name in skip or not has_kernels(layer):
            return None
        return wrapped(layer, WeightNormalization, data_init=data_init)

    new = rebuild(model, replace)
    if missing := set(skip) - visited:
        raise ValueError(f"Unknown layers in skip: {sorted(missing)}; the model has {sorted(visited)}.")
    if not any(isinstance(layer, WeightNormalization) for layer in descendants(new)):
        raise ValueError(f"Model '{model.name}' has no layer to weight-normalize; it has {sorted(visited)}.")
    return new


def wrapped(
    layer: keras.layers.Layer,
    wrapper: type[Reparameterization],
    *,
    copy: bool = True,
    changes: Mapping[str, Any] = MappingProxyType({}),
    **options: Any,
) -> Replacement:
    """A layer in a wrapper of the same name, with the gains that belong to its values.

    It is a copy of the layer, with these `changes` to its configuration, or with `copy` False and no changes the layer
    itself; `options` go to the wrapper.
    """
    inner = altered(layer, **changes) if copy or changes else Replacement((layer,), lambda: None)
    outer = wrapper(*inner.layers, name=layer.name, **options)

    def fill() -> None:
        inner.fill()
        outer.reset_gains()

    return Replacement((outer,), fill)


def altered(layer: keras.layers.Layer, **changes: Any) -> Replacement:
    """A layer's copy with these changes to its configuration, and with the layer's state as far as it has a place."""
    new = copied(layer, **changes)

    def fill() -> None:
        if not changes:
            copy_state(layer, new)
        else:
            copy_variables(layer, new)
            copy_attributes(layer, new, but=changes)

    return Replacement((new,), fill)
