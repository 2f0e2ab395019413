"""A second layer like one that is alive: its constructor's arguments, its variables, and what is neither.

Keras goes from layer to layer through text, `from_config(get_config())`, and text has no place for an activation, an
initializer, a regularizer or a class that nobody registered, nor for a lambda. Here these stand in it as what they are.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from dataclasses import is_dataclass
from numbers import Number
from tempfile import TemporaryDirectory
from types import FunctionType, SimpleNamespace
from typing import Any

import keras
import numpy as np
from keras.layers import Layer

from wncompare.nn.keras_private import children, substituted


def copied(layer: Any, kind: type[Layer] | None = None, /, **changes: Any) -> Any:
    """A new layer of the same type and configuration, but for the given changes, with variables of its own.

    Or of another type, `kind`, that takes the same configuration.

    Raises:
        ValueError: its constructor cannot be repeated; the message names the layer and the remedy.
    """
    try:
        with _as_they_are(layer) as configuration:
            return (kind or type(layer)).from_config({**configuration, **changes})
    except Exception as error:  # a constructor raises what it likes
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ValueError(
            f"Layer '{layer.name}' of type {type(layer).__name__} cannot be built a second time ({reason}). Give its "
            "class a get_config() that returns every argument of its constructor, and a from_config() where it takes "
            "objects."
        ) from error


def copy_state(source: Layer, target: Layer) -> None:
    """Gives a built copy everything that the source, and each layer in it, has learnt, adapted or been given.

    These are its variables, what it keeps by Keras's contract (`save_own_variables`, `save_assets`, each with what
    reads it) and, in a class that is not Keras's, the arrays, numbers and texts among its attributes.
    """
    pairs = list(zip(_with_descendants(source), _with_descendants(target), strict=True))
    for old, new in pairs:
        _copy_by_contract(old, new)
    copy_variables(source, target)
    for old, new in pairs:
        if is_own(type(new)) and hasattr(new, "finalize_state"):
            new.finalize_state()
        copy_attributes(old, new)


def copy_variables(source: Layer, target: Layer) -> None:
    """Copies variable by variable values, random state included, and what is frozen.

    A bias that the target lacks is passed over.
    """
    values = list(source.variables)
    if len(target.variables) == len(values) - 1:
        values = [variable for variable in values if variable.name != "bias"]
    for old, new in zip(values, target.variables, strict=True):
        new.assign(keras.ops.copy(old.value))  # JAX frees the source's buffer when it trains
        if new.trainable and not old.trainable:  # frozen by itself, which no configuration tells
            new.trainable = False


def copy_attributes(source: Layer, target: Layer, *, but: Collection[str] = ()) -> None:
    """Copies what a layer of a class of one's own keeps in plain attributes, but for those named.

    Plain are numbers, texts, tensors, objects that hold these alone, and functions that hold no layer and no variable.
    """
    if not is_own(type(source)):
        return
    kept = {*vars(Layer(name="layer")), *but}
    for name, value in list(vars(source).items()):
        if name in kept:
            continue
        if _is_data(value):
            setattr(target, name, value if keras.ops.is_tensor(value) else deepcopy(value))
        elif isinstance(value, FunctionType) and all(map(_is_data, _enclosed(value))):
            setattr(target, name, value)


def is_adapted(layer: Layer) -> bool:
    """Whether a layer takes its state from data before training, as Keras's preprocessing does."""
    return hasattr(layer, "adapt")


def is_own(thing: Any) -> bool:
    """Whether a class or a function is the user's, neither Keras's nor of this package."""
    module = getattr(thing, "__module__", None) or ""
    return module.partition(".")[0] not in ("keras", "wncompare")


def _copy_by_contract(source: Layer, target: Layer) -> None:
    overrides = type(source).load_own_variables is not Layer.load_own_variables
    if is_adapted(source) or (is_own(type(source)) and overrides):
        store: dict[str, Any] = {}
        source.save_own_variables(store)
        target.load_own_variables({name: np.array(_plain(value)) for name, value in store.items()})
    if hasattr(source, "save_assets"):
        with TemporaryDirectory(prefix="wncompare-") as folder:
            source.save_assets(folder)
            target.load_assets(folder)
    if hasattr(source, "get_vocabulary") and source.get_vocabulary() != target.get_vocabulary():
        raise ValueError(  # Keras writes a word a line
            f"Layer '{source.name}' of type {type(source).__name__} has words that Keras cannot save, such as one with "
            "a line break in it. Give the vocabulary as an argument: vocabulary=[...]."
        )


def _plain(value: Any) -> Any:
    return keras.ops.convert_to_numpy(value) if isinstance(value, keras.Variable) else value


def _with_descendants(layer: Layer) -> Iterator[Layer]:
    yield layer
    for child in children(layer):
        yield from _with_descendants(child)


def _is_data(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(_is_data(item) for pair in value.items() for item in pair)
    if isinstance(value, list | tuple | set | frozenset):
        return all(map(_is_data, value))
    if isinstance(value, keras.Variable):
        return False
    if value is None or isinstance(value, Number | str | bytes | np.ndarray) or keras.ops.is_tensor(value):
        return True
    if isinstance(value, SimpleNamespace) or is_dataclass(type(value)):
        return all(map(_is_data, vars(value).values()))
    return False


def _enclosed(function: FunctionType) -> list[Any]:
    """What a function has taken in: what surrounds it, and its defaults."""
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    return [*cells, *(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]


@contextmanager
def _as_they_are(layer: Any) -> Iterator[dict[str, Any]]:
    """The layer's configuration, and around it a scope in which Keras finds the live objects that it speaks of."""
    owners = list(_with_descendants(layer)) if isinstance(layer, Layer) else [layer]
    reference = _references()
    scope = {type(owner).__name__: type(owner) for owner in owners if is_own(type(owner))}
    with keras.saving.custom_object_scope({**scope, reference.__name__: reference}):
        with ExitStack() as stack:
            for owner in owners:
                live = {name: reference(value) for name, value in vars(owner).items() if _is_live(value)}
                stack.enter_context(substituted(owner, **live))
            configuration = layer.get_config()
        in_text = keras.saving.serialize_keras_object if not is_own(type(layer)) else lambda found: found.value
        yield _mapped(configuration, reference, in_text)


def _is_live(value: Any) -> bool:
    if not callable(value) or isinstance(value, type | keras.Operation | keras.Variable | keras.metrics.Metric):
        return False
    return is_own(value)


def _mapped(value: Any, kind: type, change: Callable[[Any], Any]) -> Any:
    """A configuration with each object of that kind changed."""
    if isinstance(value, kind):
        return change(value)
    if isinstance(value, dict):
        return {key: _mapped(item, kind, change) for key, item in value.items()}
    return type(value)(_mapped(item, kind, change) for item in value) if type(value) in (list, tuple) else value


def _references() -> type:
    """A new type whose objects stand for live ones: written by Keras as a number, read as the live object."""
    alive: list[Any] = []

    class Reference:
        def __init__(self, value: Any) -> None:
            self.value = value
            self.number = len(alive)
            alive.append(value)

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            return self.value(*args, **kwargs)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.value, name)

        def get_config(self) -> dict[str, Any]:
            return {"number": self.number}

        @classmethod
        def from_config(cls, config: dict[str, Any]) -> Any:
            return alive[config["number"]]

    return Reference
