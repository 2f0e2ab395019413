"""Builders of regular models: real Keras models that map the inputs of a dataset to what its targets ask for.

A builder takes its options and the data's `Form`: the inputs' shapes and kinds, and the target's. Images come scaled to
[0, 1]; for classes it ends in probabilities. Initial weights come from Keras's own random state: the caller sets its
seed.
"""

import math
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from wncompare.catalog.models import MODELS, FileOptions, FunctionOptions, MlpOptions
from wncompare.catalog.registry import Options
from wncompare.config import Named
from wncompare.data.form import Form, Input, InputKind, Shape
from wncompare.errors import ModelError
from wncompare.nn.layers import Reparameterization
from wncompare.nn.layers.copying import copy_state, is_adapted, is_own
from wncompare.nn.layers.structure import descendants

MAX_BYTES = 2 << 30


def build(choice: Named, *, form: Form) -> keras.Model:
    """The regular model that a config chooses.

    Raises:
        ModelError: the model does not fit data of that form.
    """
    model: keras.Model = MODELS[choice.name].load()(choice, form=form)
    return model


def lenet(options: Options, *, form: Form) -> keras.Sequential:
    """LeNet-5 with ReLU and max pooling (after LeCun et al. 1998): 62,006 parameters on 32 × 32 × 3 with 10 classes.

    Raises:
        ModelError: the data are no images with classes, or the images are smaller than 16 × 16, which two 5 × 5
            convolutions and two poolings use up.
    """
    shape = only_input(form, "lenet", kinds=("image", "number")).shape
    if len(shape) != 3 or form.target.kind != "classes":
        raise ModelError(
            f"model lenet: inputs of {shape} to {form.target.kind}: expected images (height, width, channels) to "
            "classes; use the model mlp"
        )
    height, width, _ = shape
    if not (height and width) or min(height, width) < 16:
        raise ModelError(f"model lenet: images of {height} × {width}: expected at least 16 × 16; use the model mlp")
    return keras.Sequential(
        [
            keras.Input(shape),
            layers.Conv2D(6, 5, activation="relu", name="conv_1"),
            layers.MaxPooling2D(2, name="pool_1"),
            layers.Conv2D(16, 5, activation="relu", name="conv_2"),
            layers.MaxPooling2D(2, name="pool_2"),
            layers.Flatten(name="flatten"),
            layers.Dense(120, activation="relu", name="dense_1"),
            layers.Dense(84, activation="relu", name="dense_2"),
            layers.Dense(form.target.classes, activation="softmax", name="classes"),
        ],
        name="lenet",
    )


def mlp(options: MlpOptions, *, form: Form) -> keras.Sequential:
    """Dense layers of `options.units` with ReLU, and a softmax over the classes or the target's numbers.

    Raises:
        ModelError: there are several inputs, or tokens, whose numbers mean nothing as such.
    """
    shape = only_input(form, "mlp", kinds=("image", "number")).shape
    hidden = [
        layers.Dense(units, activation="relu", name=f"dense_{number}")
        for number, units in enumerate(options.units, start=1)
    ]
    return keras.Sequential(
        [keras.Input(shape), layers.Flatten(name="flatten"), *hidden, *outputs(form)],
        name="mlp",
    )


def only_input(form: Form, model: str, *, kinds: tuple[InputKind, ...]) -> Input:
    """The only input of the data, of one of the kinds that the model takes.

    Raises:
        ModelError: there are several, or it is of another kind.
    """
    if len(form.inputs) > 1:
        raise ModelError(
            f"model {model}: the data have {len(form.inputs)} inputs ({', '.join(form.inputs)}): expected one; give a "
            "network of your own to wncompare.compare"
        )
    if form.input.kind not in kinds:
        raise ModelError(
            f"model {model}: the inputs are {form.input.kind}s: expected {' or '.join(f'{kind}s' for kind in kinds)}"
        )
    return form.input


def outputs(form: Form) -> list[keras.layers.Layer]:
    """The last layers of a model that has one vector an example: a softmax over classes, or numbers as the target's."""
    if form.target.kind == "classes":
        return [layers.Dense(form.target.classes, activation="softmax", name="classes")]
    dense = layers.Dense(math.prod(size or 0 for size in form.output), name="numbers")
    return [dense] if len(form.output) == 1 else [dense, layers.Reshape(form.output, name="shape")]


def from_file(options: FileOptions, *, form: Form) -> keras.Model:
    """The architecture in a .keras file, freshly initialized but for frozen weights and what was adapted to data.

    The file is untrusted: Keras's safe mode reads it, which refuses what could execute code (a Lambda layer, say).

    Raises:
        ModelError: the file is absent, unsafe or damaged, or does not fit the dataset.
    """
    model = _fresh(load_untrusted(Path(options.file)))
    return checked(model, options.file, form=form)


def _fresh(model: keras.Model) -> keras.Model:
    """The model with other initial weights; what is frozen or adapted no training would find again, so it is kept."""
    new = keras.models.clone_model(model)
    for old, copy in zip(descendants(model), descendants(new), strict=True):
        if is_adapted(old) or (old.weights and not _is_trained(old)):
            copy_state(old, copy)
    return new


def _is_trained(layer: keras.layers.Layer) -> bool:
    """Whether a layer's weights are trained; a wrapped layer that is frozen freezes its gains too."""
    return layer.trainable and not (isinstance(layer, Reparameterization) and not layer.layer.trainable)


def checked(model: object, name: str, *, form: Form) -> keras.Model:
    """`model`, if it is one that maps the data's inputs to what their targets ask for; `name` is for the message.

    Raises:
        ModelError: it is not.
    """
    if not isinstance(model, keras.Model):
        raise ModelError(f"model {name}: a {type(model).__name__}: expected a keras.Model")
    refuse_unknown_inputs(model, name)
    refuse_own_training(model, name)
    _refuse_other_kinds(model, name, form)
    found = _by_name(model, name, form), tuple(model.output_shape)
    expected = {each: (None, *one.shape) for each, one in form.inputs.items()}, (None, *form.output)
    if not (all(_fits(found[0][each], expected[0][each]) for each in expected[0]) and _fits(found[1], expected[1])):
        raise ModelError(
            f"model {name}: maps {_shown(found[0])} to {found[1]}: expected {_shown(expected[0])} to {expected[1]}, "
            "as the dataset has it"
        )
    return model


def _by_name(model: keras.Model, name: str, form: Form) -> dict[str, Shape]:
    """The shapes of a model's inputs by the data's names; the only one may have any name.

    Raises:
        ModelError: it has others.
    """
    if len(form.inputs) == 1 == len(model.inputs):
        return {next(iter(form.inputs)): tuple(model.inputs[0].shape)}
    found = {each.name: tuple(each.shape) for each in model.inputs}
    if found.keys() != form.inputs.keys():
        raise ModelError(
            f"model {name}: has the inputs {', '.join(found)}: expected {', '.join(form.inputs)}, as the dataset has "
            f"it: begin it with keras.Input(shape, name='{next(iter(form.inputs))}')"
        )
    return found


def refuse_few_tokens(model: keras.Model, inputs: Any, form: Form) -> None:
    """Refuse a model without room for the highest token of the data: XLA would read another row of its table.

    `inputs` are those of a few examples, as the model is given them.

    Raises:
        ModelError: it fails on that token.
    """
    highest = {name: one.vocabulary - 1 for name, one in form.inputs.items() if one.vocabulary}
    if not highest:
        return
    given = inputs if isinstance(inputs, Mapping) else {next(iter(form.inputs)): inputs}
    given = {name: np.full_like(x, highest[name]) if name in highest else x for name, x in given.items()}
    try:
        with tf.device("CPU:0"):  # a GPU reads zeros
            model(given if isinstance(inputs, Mapping) else next(iter(given.values())), training=False)
    except tf.errors.InvalidArgumentError as error:
        most = max(highest.values())
        raise ModelError(
            f"model {model.name}: takes no token {most}, which the data have: expected an Embedding of {most + 1} rows"
        ) from error


def _shown(shapes: Mapping[str, Shape]) -> str:
    """One shape as it is, several by their names."""
    return str(next(iter(shapes.values()))) if len(shapes) == 1 else str(dict(shapes))


def refuse_unknown_inputs(model: keras.Model, name: str) -> None:
    """Refuse a model that does not know its inputs, of which no variant can be made.

    Raises:
        ModelError: it is subclassed, or not built yet.
    """
    if not getattr(model, "inputs", None):
        raise ModelError(
            f"model {name}: a {type(model).__name__} that does not know its inputs: expected a Sequential model that "
            "begins with keras.Input(shape), or keras.Model(inputs, outputs)"
        )


def _refuse_other_kinds(model: keras.Model, name: str, form: Form) -> None:
    """Refuse a model of whole numbers where the data are none, and one whose outputs have names."""
    whole = [each.dtype for each in model.inputs if "float" not in each.dtype]
    kinds = {one.kind for one in form.inputs.values()}
    if whole and "token" not in kinds:
        given = "images scaled to [0, 1]" if "image" in kinds else "numbers"
        raise ModelError(
            f"model {name}: takes {whole[0]}, to which {given} would be cast, all to 0 or 1: begin it "
            "with keras.Input(shape), and remove what scales them"
        )
    if isinstance(model(model.inputs if len(model.inputs) > 1 else model.inputs[0]), dict):
        raise ModelError(f"model {name}: gives a dictionary of outputs: end it with the one tensor of probabilities")


_STEPS = ("train_step", "test_step", "compute_loss", "compute_metrics")


def refuse_own_training(model: keras.Model, name: str) -> None:
    """Refuse a model whose class says how it is trained: every arm is trained in the same way, by the config's loss.

    Raises:
        ModelError: it does.
    """
    own = [step for step in _STEPS if is_own(getattr(type(model), step))]
    if own:
        raise ModelError(
            f"model {name}: a {type(model).__name__} with a {own[0]}() of its own, which would not be run: put a "
            "further loss into a layer's add_loss(), and the rest into the training's options"
        )


def absent(options: FunctionOptions, *, form: Form) -> keras.Model:
    """Nothing: a function is not kept in records.

    Raises:
        ModelError: always, with the way to the model.
    """
    raise ModelError("model function: the function is not in the config: call wncompare.compare with it again")


def load_untrusted(file: Path) -> keras.Model:
    """The model in a .keras file that anyone may have written, uncompiled; nothing in it is executed.

    Raises:
        ModelError: the file is absent, damaged, or needs more than Keras's safe mode allows.
    """
    if not zipfile.is_zipfile(file):
        raise ModelError(f"model {file}: not a .keras file: write one with model.save('my.keras')")
    with zipfile.ZipFile(file) as archive:
        size = sum(member.file_size for member in archive.infolist())
    if size > MAX_BYTES:
        raise ModelError(f"model {file}: unpacks to {size:,} bytes: expected at most {MAX_BYTES:,}")
    try:
        return keras.models.load_model(file, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises whatever a damaged or unsafe file makes it raise
        raise ModelError(f"model {file}: Keras's safe mode refuses it: {_reason(str(error), error)}") from None


_IN_PYTHON = "build the network in Python instead and give the function that does to wncompare.compare"


def _reason(text: str, error: Exception) -> str:
    """Why Keras refuses a file, with a remedy that there is: its own are arguments of functions that nobody calls."""
    if "lambda" in text.casefold():
        return f"it has a Lambda, whose Python code is not run out of a file: use Keras's own layers, or {_IN_PYTHON}"
    if unknown := re.search(r"Could not locate (?:class|function) '([^']*)'", text):
        return f"it has {unknown[1]}, whose code is not in the file: {_IN_PYTHON}"
    return (text.strip().splitlines() or [type(error).__name__])[0]


def _fits(found: tuple[int | None, ...], expected: tuple[int | None, ...]) -> bool:
    sizes = zip(found[1:], expected[1:], strict=False)
    return len(found) == len(expected) and all(size in (None, wanted) for size, wanted in sizes)
