"""A model built anew with some of its layers replaced."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras


@dataclass(frozen=True)
class Replacement:
    """New layers, called one after another in place of one, and what fills their variables once they are built."""

    layers: tuple[keras.layers.Layer, ...]
    fill: Callable[[], None]


Replace = Callable[[keras.layers.Layer], Replacement | None]


def rebuild(model: keras.Model, replace: Replace) -> keras.Model:
    """A new model in which each layer is replaced, or copied with its variables where `replace` returns None.

    Sequential models stay Sequential, submodels stay submodels, and a layer used in several places stays shared.

    Raises:
        ValueError: for a subclassed model, whose structure is in its code, and for a model that is not built.
    """
    return _Rebuilding(replace).run(model)


def copied(layer: keras.layers.Layer, **changes: Any) -> keras.layers.Layer:
    """A new layer of the same type and configuration, but for the given changes, with variables of its own."""
    return type(layer).from_config({**layer.get_config(), **changes})


def copy_variables(source: keras.layers.Layer, target: keras.layers.Layer) -> None:
    """Copies values variable by variable, random state included; a bias that the target lacks is passed over."""
    values = list(source.variables)
    if len(target.variables) == len(values) - 1:
        values = [variable for variable in values if variable.name != "bias"]
    for old, new in zip(values, target.variables, strict=True):
        new.assign(keras.ops.copy(old.value))  # JAX frees the source's buffer when it trains


class _Rebuilding:
    def __init__(self, replace: Replace) -> None:
        self._replace = replace
        self._known: dict[int, tuple[keras.layers.Layer, ...]] = {}
        self._fills: list[Callable[[], None]] = []

    def run(self, model: keras.Model) -> keras.Model:
        new = self._model(model)
        for fill in self._fills:
            fill()
        return new

    def _model(self, model: keras.Model) -> keras.Model:
        if not model.built or not getattr(model, "inputs", None):
            raise ValueError(
                f"Cannot rebuild model '{model.name}' of type {type(model).__name__}: expected a Sequential or "
                "functional model that knows its inputs. A subclassed model wraps its layers where it creates them."
            )
        return self._sequential(model) if isinstance(model, keras.Sequential) else self._functional(model)

    def _sequential(self, model: keras.Sequential) -> keras.Sequential:
        source = model.inputs[0]
        start = keras.Input(batch_shape=source.shape, dtype=source.dtype, name=source.name)
        new = keras.Sequential(
            [start, *(layer for old in model.layers for layer in self._layers(old))],
            name=model.name,
            trainable=model.trainable,
        )
        if model.compiled:
            new.compile_from_config(model.get_compile_config())
        return new

    def _functional(self, model: keras.Model) -> keras.Model:
        tails: dict[int, tuple[keras.layers.Layer, ...]] = {}

        def first(old: Any) -> Any:
            head, *tail = self._layers(old)
            tails[id(head)] = tuple(tail)
            return head

        def chain(head: Any, *args: Any, **kwargs: Any) -> Any:
            if "mask" not in getattr(head, "call_signature_parameters", ["mask"]):
                kwargs.pop("mask", None)  # Keras notes a mask for every layer that takes one, and wrappers do
            outputs = head(*args, **kwargs)
            for layer in tails[id(head)]:
                outputs = layer(outputs)
            return outputs

        return keras.models.clone_model(model, clone_function=first, call_function=chain)

    def _layers(self, old: Any) -> tuple[keras.layers.Layer, ...]:
        if id(old) not in self._known:
            self._known[id(old)] = self._new_layers(old)
        return self._known[id(old)]

    def _new_layers(self, old: Any) -> tuple[keras.layers.Layer, ...]:
        if isinstance(old, keras.Sequential) or (isinstance(old, keras.Model) and getattr(old, "inputs", None)):
            return (self._model(old),)
        replacement = self._replace(old) if isinstance(old, keras.layers.Layer) else None
        if replacement is None:
            replacement = _copy(old)
        self._fills.append(replacement.fill)
        return replacement.layers


def _copy(old: Any) -> Replacement:
    new = type(old).from_config(old.get_config())
    return Replacement((new,), lambda: copy_variables(old, new) if isinstance(old, keras.layers.Layer) else None)
