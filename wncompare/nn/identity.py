"""What a network of one's own is known by: its architecture, and what it computes."""

import hashlib
import json
import random
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from wncompare.errors import ModelError
from wncompare.nn import numerics
from wncompare.nn.gradients import squared_gradients
from wncompare.nn.layers.structure import descendants
from wncompare.nn.models import refuse_own_training, refuse_unknown_inputs
from wncompare.nn.own_variant import Vary, varied
from wncompare.records.execution import pools_in, recurrent_in
from wncompare.records.identity import farthest

BuildModel = Callable[[], keras.Model]

_SEED = 0
_EXAMPLES = 4
_DIGITS = 5


def known_by(build_model: BuildModel, vary: Vary | None = None, name: str = "") -> dict[str, Any]:
    """The options of the model `function`: `architecture` as a digest, `probe` by Keras's backend, `pools` and
    `recurrent`.

    With `vary`, a variant of one's own of that `name`, those of what it makes of the model. The functions are called
    twice, at one seed; the random state of this process is as before afterwards.

    Raises:
        ModelError: one fails, makes no model, or makes another network at the second call.
    """
    first, again = (_known(build_model, vary, name) for _ in range(2))
    distance = farthest(first["probe"], again["probe"])
    if first["architecture"] != again["architecture"] or distance:
        who = f"variant {name}" if vary else "build_model"
        raise ModelError(
            f"{who}: makes another network at its second call, though the seed is the same"
            f"{f' (its outputs differ by {distance:.2g})' if distance else ''}: let all that is random in it follow "
            "from keras.utils.set_random_seed, as numpy.random.default_rng() without a seed and a counter do not"
        )
    return first


def _known(build_model: BuildModel, vary: Vary | None, name: str) -> dict[str, Any]:
    with _seeded(_SEED), numerics.settled():
        model = _built(build_model)
        model = model if vary is None else varied(model, vary, name)
        configuration = _configuration(model)
        known: dict[str, Any] = {"architecture": architecture(model), "pools": pools_in(configuration)}
        if vary is None:
            known["recurrent"] = recurrent_in(configuration)
        return {**known, "probe": {keras.backend.backend(): probe(model)}}


def _built(build_model: BuildModel) -> keras.Model:
    try:
        model = build_model()
    except ModelError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise ModelError(
            f"build_model: fails when called without arguments: {type(error).__name__}: {reason}"
        ) from error
    if not isinstance(model, keras.Model):
        raise ModelError(f"build_model: returns {model!r:.60}: expected a function that makes a new keras.Model")
    refuse_unknown_inputs(model, "build_model")
    refuse_own_training(model, "build_model")
    return model


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """A fixed random state, and after it that of before; Keras's own generator goes on from a new seed."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - what users' code draws from
    keras.utils.set_random_seed(seed)
    try:
        yield
    finally:
        keras.utils.set_random_seed(random.SystemRandom().randrange(2**32))
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002


def probe(model: keras.Model) -> tuple[float, ...]:
    """A few numbers that follow from what a network computes: of each example its outputs, weighted and summed.

    Once as it is, once with noise on the trainable weights (an output layer that starts at zero hides what is before
    it), as far as their constraints let it, and once in training, with the losses that layers add and how far the
    outputs depend on the weights, which a stopped gradient changes and no output shows. Uses the model up.
    """
    rng = np.random.default_rng(_SEED)
    inputs = [_input(spec, rng) for spec in model.inputs]
    given = inputs if len(inputs) > 1 else inputs[0]
    numbers = [*_summed(model(given, training=False))]
    _disturb(model, rng)
    numbers += [*_summed(model(given, training=False)), *_summed(model(given, training=True))]
    numbers.append(sum(float(keras.ops.convert_to_numpy(loss)) for loss in model.losses))
    numbers.append(np.sqrt(squared_gradients(model, given)))
    return tuple(
        float(f"{number:.{_DIGITS}g}") for number in np.nan_to_num(numbers, nan=-1.0, posinf=1e30, neginf=-1e30)
    )


def _input(spec: Any, rng: np.random.Generator) -> NDArray[Any]:
    batch, *sizes = spec.shape
    shape = (batch or _EXAMPLES, *(32 if size is None else size for size in sizes))
    values = rng.random(shape)
    dtype = keras.backend.standardize_dtype(spec.dtype)
    return (values if "float" in dtype else np.round(values)).astype("float32" if dtype == "bfloat16" else dtype)


def _summed(outputs: Any) -> Iterator[float]:
    for output in keras.tree.flatten(outputs):
        values = np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(output, "float32")), np.float64)
        values = values.reshape(len(values), -1)
        yield from values @ np.random.default_rng(1).normal(size=values.shape[1]) / np.sqrt(values.shape[1])


def _disturb(model: keras.Model, rng: np.random.Generator) -> None:
    for variable in model.trainable_variables:
        inputs = int(np.prod(variable.shape[:-1])) if len(variable.shape) > 1 else 100
        noise = rng.normal(size=variable.shape) / np.sqrt(max(inputs, 1))
        variable.assign(keras.ops.cast(variable.value, "float32") + keras.ops.convert_to_tensor(noise, "float32"))
        if variable.constraint is not None:
            variable.assign(variable.constraint(variable.value))


def architecture(model: keras.Model) -> str:
    """SHA-256 of a network's configuration, whatever its layers' running names are.

    Where layers have no configuration, it is of their types and the shapes of their weights. Where there are several
    inputs, their names, which say what each is given, count.
    """
    content = _configuration(model) or [_described(layer) for layer in descendants(model)]
    names = {name: f"layer {number}" for number, name in enumerate(dict.fromkeys(_names(content)))}
    content = _renamed(content, names)
    if len(model.inputs) > 1:
        content = [content, [each.name for each in model.inputs]]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _configuration(model: keras.Model) -> Any:
    """A network's Keras configuration; None where it has none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras's, of lambdas in a file: there is no file
        try:
            return json.loads(model.to_json())
        except Exception:  # layers raise what they like, and sources may be lost
            return None


def _described(layer: keras.layers.Layer) -> dict[str, Any]:
    kind = type(layer)
    return {"class": f"{kind.__module__}.{kind.__qualname__}", "weights": [list(each.shape) for each in layer.weights]}


def _names(content: Any) -> Iterator[str]:
    """Every name in a Keras config, in order: Keras counts them up from model to model."""
    if isinstance(content, dict):
        if isinstance(content.get("name"), str):
            yield content["name"]
        content = list(content.values())
    if isinstance(content, list):
        for item in content:
            yield from _names(item)


_NAMES = ("name", "inbound_nodes", "input_layers", "output_layers")
"""Where a Keras config speaks of layers by name; the same text elsewhere may be an activation."""


def _renamed(content: Any, names: Mapping[str, str], here: bool = False) -> Any:
    if isinstance(content, dict):
        return {key: _renamed(value, names, here or key in _NAMES) for key, value in content.items()}
    if isinstance(content, list):
        return [_renamed(item, names, here) for item in content]
    return names.get(content, content) if here and isinstance(content, str) else content
