"""A model built anew with some of its layers replaced."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras

from wncompare.nn.keras_private import compiled_with, substituted

from .copying import copied, copy_state, is_own


@dataclass(frozen=True)
class Replacement:
    """New layers, called one after another in place of one, and what fills their variables once they are built.

    `of` says of which of the old layer's inputs, where it has several and they take one.
    """

    layers: tuple[keras.layers.Layer, ...]
    fill: Callable[[], None]
    of: int | None = None


Replace = Callable[[keras.layers.Layer], Replacement | None]


def rebuild(model: keras.Model, replace: Replace, *, copy: bool = True) -> keras.Model:
    """A new model in which each layer is replaced, or copied with its state where `replace` returns None.

    Sequential models stay Sequential, submodels stay submodels, and a layer used in several places stays shared.

    Args:
        model: a built Sequential or functional model.
        replace: gives a layer's replacement, or None.
        copy: whether the other layers are copied, and the model compiled as the given one is. False takes these very
            layers into the new model, uncompiled, and the given model is used up.

    Raises:
        ValueError: for a subclassed model or one with a `call` of its own, whose structure is in its code, for a model
            that is not built, and for a layer that cannot be copied.
    """
    return _Rebuilding(replace, copy).run(model)


_STEPS = ("train_step", "test_step", "compute_loss", "compute_metrics")
"""What a Sequential model is rebuilt without; a functional one keeps its class."""


class _Rebuilding:
    def __init__(self, replace: Replace, copy: bool) -> None:
        self._replace = replace
        self._copy = copy
        self._known: dict[int, Replacement] = {}
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
        for method in ("call", *(_STEPS if isinstance(model, keras.Sequential) else ())):
            if is_own(getattr(type(model), method)):
                raise ValueError(
                    f"Cannot rebuild model '{model.name}' of type {type(model).__name__}: it has a {method}() of its "
                    "own, which a model rebuilt from its layers would not run. Put that code into a layer."
                )
        new = self._sequential(model) if isinstance(model, keras.Sequential) else self._functional(model)
        if model.compiled and self._copy:
            _compile_alike(model, new)
        return new

    def _sequential(self, model: keras.Sequential) -> keras.Sequential:
        source = model.inputs[0]
        start = keras.Input(batch_shape=source.shape, dtype=source.dtype, name=source.name)
        layers = [layer for old in model.layers for layer in self._replacement(old).layers]
        return keras.Sequential([start, *layers], name=model.name, trainable=model.trainable)

    def _functional(self, model: keras.Model) -> keras.Model:
        replacements: dict[int, Replacement] = {}

        def first(old: Any) -> Any:
            replacement = self._replacement(old)
            replacements[id(replacement.layers[0])] = replacement
            return replacement.layers[0]

        def chain(head: Any, *args: Any, **kwargs: Any) -> Any:
            if "mask" not in getattr(head, "call_signature_parameters", ["mask"]):
                kwargs.pop("mask", None)  # Keras notes a mask for every layer that takes one, and wrappers do
            replacement = replacements[id(head)]
            outputs = head(*args, **kwargs) if replacement.of is None else head(args[0][replacement.of])
            for layer in replacement.layers[1:]:
                outputs = layer(outputs)
            return outputs

        with substituted(model, compiled=False):
            return keras.models.clone_model(model, clone_function=first, call_function=chain)

    def _replacement(self, old: Any) -> Replacement:
        if id(old) not in self._known:
            self._known[id(old)] = self._new(old)
        return self._known[id(old)]

    def _new(self, old: Any) -> Replacement:
        if isinstance(old, keras.Sequential) or (isinstance(old, keras.Model) and getattr(old, "inputs", None)):
            return Replacement((self._model(old),), lambda: None)
        replacement = self._replace(old) if isinstance(old, keras.layers.Layer) else None
        if replacement is None:
            replacement = _copy(old) if self._copy else Replacement((old,), lambda: None)
        self._fills.append(replacement.fill)
        return replacement


def _copy(old: Any) -> Replacement:
    new = copied(old)
    return Replacement((new,), lambda: copy_state(old, new) if isinstance(old, keras.layers.Layer) else None)


def _compile_alike(model: keras.Model, new: keras.Model) -> None:
    """Compiles as the given model is, with losses and metrics that nobody registered among them."""
    given = compiled_with(model)
    scope = {getattr(thing, "__name__", type(thing).__name__): thing for thing in given if callable(thing)}
    classes = {type(thing).__name__: type(thing) for thing in given if hasattr(thing, "get_config")}
    with keras.saving.custom_object_scope({**scope, **classes}):
        new.compile_from_config(model.get_compile_config())
