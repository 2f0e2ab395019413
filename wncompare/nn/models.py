"""Builders of regular models: real Keras models that map images scaled to [0, 1] to class probabilities.

A builder takes its options, the shape of one image (height, width, channels) and the number of classes. Initial
weights come from Keras's own random state: the caller sets its seed.
"""

import re
import zipfile
from pathlib import Path

import keras
from keras import layers

from wncompare.catalog.models import MODELS, FileOptions, FunctionOptions, MlpOptions
from wncompare.catalog.registry import Options
from wncompare.config import Named
from wncompare.errors import ModelError
from wncompare.nn.layers import Reparameterization
from wncompare.nn.layers.copying import copy_state, is_adapted, is_own
from wncompare.nn.layers.structure import descendants

Shape = tuple[int, int, int]

MAX_BYTES = 2 << 30


def build(choice: Named, *, shape: Shape, classes: int) -> keras.Model:
    """The regular model that a config chooses.

    Raises:
        ModelError: the model does not fit images of that shape or that many classes.
    """
    model: keras.Model = MODELS[choice.name].load()(choice, shape=shape, classes=classes)
    return model


def lenet(options: Options, *, shape: Shape, classes: int) -> keras.Sequential:
    """LeNet-5 with ReLU and max pooling (after LeCun et al. 1998): 62,006 parameters on 32 × 32 × 3 with 10 classes.

    Raises:
        ModelError: the images are smaller than 16 × 16, which two 5 × 5 convolutions and two poolings use up.
    """
    height, width, _ = shape
    if min(height, width) < 16:
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
            layers.Dense(classes, activation="softmax", name="classes"),
        ],
        name="lenet",
    )


def mlp(options: MlpOptions, *, shape: Shape, classes: int) -> keras.Sequential:
    """Dense layers of `options.units` with ReLU, and a softmax over the classes."""
    hidden = [
        layers.Dense(units, activation="relu", name=f"dense_{number}")
        for number, units in enumerate(options.units, start=1)
    ]
    output = layers.Dense(classes, activation="softmax", name="classes")
    return keras.Sequential([keras.Input(shape), layers.Flatten(name="flatten"), *hidden, output], name="mlp")


def from_file(options: FileOptions, *, shape: Shape, classes: int) -> keras.Model:
    """The architecture in a .keras file, freshly initialized but for frozen weights and what was adapted to data.

    The file is untrusted: Keras's safe mode reads it, which refuses what could execute code (a Lambda layer, say).

    Raises:
        ModelError: the file is absent, unsafe or damaged, or does not fit the dataset.
    """
    model = _fresh(load_untrusted(Path(options.file)))
    return checked(model, options.file, shape=shape, classes=classes)


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


def checked(model: object, name: str, *, shape: Shape, classes: int) -> keras.Model:
    """`model`, if it is one that maps images of that shape to that many classes; `name` is for the message.

    Raises:
        ModelError: it is not.
    """
    if not isinstance(model, keras.Model):
        raise ModelError(f"model {name}: a {type(model).__name__}: expected a keras.Model")
    refuse_unknown_inputs(model, name)
    refuse_own_training(model, name)
    _refuse_other_kinds(model, name)
    expected = (None, *shape), (None, classes)
    found = tuple(model.input_shape), tuple(model.output_shape)
    if any(not _fits(*pair) for pair in zip(found, expected, strict=True)):
        raise ModelError(
            f"model {name}: maps {found[0]} to {found[1]}: expected {expected[0]} to {expected[1]}, "
            "as the dataset has it"
        )
    return model


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


def _refuse_other_kinds(model: keras.Model, name: str) -> None:
    """Refuse a model of whole numbers, and one whose outputs have names."""
    if whole := [each.dtype for each in keras.tree.flatten(model.inputs) if "float" not in each.dtype]:
        raise ModelError(
            f"model {name}: takes {whole[0]}, to which images scaled to [0, 1] would be cast, all to 0 or 1: begin it "
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


def absent(options: FunctionOptions, *, shape: Shape, classes: int) -> keras.Model:
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
