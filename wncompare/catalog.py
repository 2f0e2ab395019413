"""What a config can name: datasets, models, variants, optimizers, schedules, losses and metrics, with typed options.

An entry holds the options' types and a ``"module:function"`` target which is imported only where it runs, so that
reading a config loads neither Keras nor TensorFlow. A new dataset, model or variant is one function plus one entry.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from wncompare.errors import ConfigError

Size = Annotated[int, Field(gt=0, le=100_000_000)]
Fraction = Annotated[float, Field(gt=0, lt=1)]
Text = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
PathText = Annotated[str, Field(min_length=1, max_length=4096, pattern=r"^[^\x00-\x1f\x7f]+$")]


class Options(BaseModel):
    """Immutable typed options: unknown keys, wrong types, NaN and infinities are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, value: Any) -> Any:
        """Refuse an unknown key with the keys that there are and the nearest match."""
        for key in value if isinstance(value, Mapping) else ():
            if key not in cls.model_fields:
                raise PydanticCustomError("unknown_key", "{problem}", _unknown_key(key, list(cls.model_fields)))
        return value


def _unknown_key(key: object, allowed: list[str]) -> dict[str, object]:
    return {"key": key, "problem": unknown("key", key, allowed)}


@dataclass(frozen=True)
class Entry:
    """One thing a config can name: what it is, its options and the function that makes it."""

    name: str
    summary: str
    target: str
    options: type[Options] = Options

    def load(self) -> Callable[..., Any]:
        """The function behind the entry, imported now."""
        return resolve(self.target)


def resolve(target: str) -> Callable[..., Any]:
    """The function that a "module:function" string names, imported now."""
    module, function = target.split(":")
    loaded: Callable[..., Any] = getattr(import_module(module), function)
    return loaded


class Catalog(Mapping[str, Entry]):
    """Entries by name; a duplicate raises, and an unknown name lists the choices and the nearest match."""

    def __init__(self, kind: str, *entries: Entry) -> None:
        self.kind = kind
        self._entries: dict[str, Entry] = {}
        for entry in entries:
            if entry.name in self._entries:
                raise ValueError(f"the {kind} {entry.name!r} is in the catalog twice: names are unique")
            self._entries[entry.name] = entry

    def __getitem__(self, name: str) -> Entry:
        try:
            return self._entries[name]
        except KeyError:
            raise ConfigError(unknown(self.kind, name, self._entries)) from None

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


def unknown(kind: str, name: object, choices: Mapping[str, object] | list[str]) -> str:
    """The message for a name that is not there: the choices and the nearest match."""
    message = f"unknown {kind} {name!r}: choose from {', '.join(choices)}"
    nearest = nearest_match(name, choices)
    return f"{message}; did you mean {nearest!r}?" if nearest else message


def nearest_match(name: object, choices: Mapping[str, object] | list[str]) -> str | None:
    """The choice that looks most like `name`, or None where none does."""
    return next(iter(get_close_matches(str(name), list(choices), n=1)), None)


# Datasets -------------------------------------------------------------------------------------------------------------


class CifarOptions(Options):
    """Options of `cifar10` and `cifar100`."""

    copy_note: Annotated[Text | None, Field(description="names an unofficial copy: 'JPEG copy'")] = None


class SyntheticOptions(Options):
    """Options of `synthetic`: images whose class can be learned, drawn from `seed`."""

    shape: Annotated[tuple[Size, Size, Size], Field(strict=False, description="height, width, channels")] = (32, 32, 3)
    classes: Annotated[int, Field(ge=2, le=1000)] = 10
    train: Size = 512
    test: Size = 256
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0


class NpzOptions(Options):
    """Options of `npz`: a NumPy archive with x_train, y_train, x_test, y_test and, if you like, class_names."""

    path: Annotated[PathText, Field(description="the .npz file; relative to the data folder or the working folder")]
    label: Text | None = None


class ImageFolderOptions(Options):
    """Options of `image_folder`: train/<class>/*.png and test/<class>/*.png (or .jpg, .bmp, .webp)."""

    path: Annotated[PathText, Field(description="the folder; relative to the data folder or the working folder")]
    size: Annotated[tuple[Size, Size] | None, Field(strict=False, description="height, width to resize to")] = None
    color: Literal["rgb", "grayscale"] = "rgb"
    label: Text | None = None


DATASETS = Catalog(
    "dataset",
    Entry("cifar10", "60,000 colour images, 32 × 32, 10 classes", "wncompare.data.cifar:cifar10", CifarOptions),
    Entry("cifar100", "60,000 colour images, 32 × 32, 100 classes", "wncompare.data.cifar:cifar100", CifarOptions),
    Entry("mnist", "70,000 handwritten digits, 28 × 28 grey", "wncompare.data.mnist:mnist"),
    Entry("fashion_mnist", "70,000 pieces of clothing, 28 × 28 grey", "wncompare.data.mnist:fashion_mnist"),
    Entry("digits", "1,797 handwritten digits, 32 × 32 grey, ships with scikit-learn", "wncompare.data.digits:digits"),
    Entry("synthetic", "drawn images of any shape and size", "wncompare.data.synthetic:synthetic", SyntheticOptions),
    Entry("npz", "your own NumPy archive", "wncompare.data.npz:npz", NpzOptions),
    Entry("image_folder", "your own folders of images", "wncompare.data.image_folder:image_folder", ImageFolderOptions),
)


# Models ---------------------------------------------------------------------------------------------------------------


class MlpOptions(Options):
    """Options of `mlp`."""

    units: Annotated[tuple[Size, ...], Field(strict=False, min_length=1, max_length=20)] = (128, 64)


class FileOptions(Options):
    """Options of a model from a file: its architecture is used, freshly initialized for each seed."""

    file: Annotated[PathText, Field(description="a .keras file, loaded in Keras's safe mode")]


class FunctionOptions(Options):
    """Options of a model that a Python function builds; `wncompare.compare` writes them."""

    architecture: Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="SHA-256 of the model's configuration")]


MODELS = Catalog(
    "model",
    Entry("lenet", "LeNet-style ConvNet: two convolutions, three dense layers", "wncompare.nn.models:lenet"),
    Entry("mlp", "dense layers with ReLU", "wncompare.nn.models:mlp", MlpOptions),
    Entry("file", "your own network: model: {file: my.keras}", "wncompare.nn.models:from_file", FileOptions),
    Entry("function", "your own network, given to wncompare.compare", "wncompare.nn.models:absent", FunctionOptions),
)


# Variants -------------------------------------------------------------------------------------------------------------


class RegularOptions(Options):
    """Options of `regular`."""

    data_init: Annotated[bool, Field(description="rescale kernels and biases from the initialization batch")] = False


DataInit = Annotated[
    bool | Literal["tfa"],
    Field(description="true: as the paper (eq. 5–6); false: g = ‖v‖; tfa: as TensorFlow Addons did"),
]
Momentum = Annotated[float, Field(ge=0, lt=1, description="of the moving moments that inference uses")]
Epsilon = Annotated[float, Field(gt=0, description="added to a variance")]


class WeightNormOptions(Options):
    """Options of `weight_norm`."""

    data_init: DataInit = True


class BatchNormOptions(Options):
    """Options of `batch_norm`; Keras's defaults."""

    momentum: Momentum = 0.99
    epsilon: Epsilon = 0.001


class MeanOnlyBatchNormOptions(Options):
    """Options of `mean_only_batch_norm`."""

    momentum: Momentum = 0.99


class WeightNormMeanOnlyBatchNormOptions(MeanOnlyBatchNormOptions):
    """Options of `weight_norm_mean_only_batch_norm`."""

    data_init: DataInit = True


class LayerNormOptions(Options):
    """Options of `layer_norm`; Keras's default."""

    epsilon: Epsilon = 0.001


class WeightStandardizationOptions(Options):
    """Options of `weight_standardization`."""

    epsilon: Epsilon = 1e-4


_IN = "wncompare.nn.variants"

VARIANTS = Catalog(
    "variant",
    Entry("regular", "the model as it is", f"{_IN}:regular", RegularOptions),
    Entry("weight_norm", "w = g · v / ‖v‖ (Salimans & Kingma 2016)", f"{_IN}:weight_norm", WeightNormOptions),
    Entry("batch_norm", "batch normalization (Ioffe & Szegedy 2015)", f"{_IN}:batch_norm", BatchNormOptions),
    Entry(
        "mean_only_batch_norm",
        "the batch's mean subtracted, no scaling (Salimans & Kingma 2016)",
        f"{_IN}:mean_only_batch_norm",
        MeanOnlyBatchNormOptions,
    ),
    Entry(
        "weight_norm_mean_only_batch_norm",
        "both, the paper's best",
        f"{_IN}:weight_norm_mean_only_batch_norm",
        WeightNormMeanOnlyBatchNormOptions,
    ),
    Entry("layer_norm", "layer normalization (Ba et al. 2016)", f"{_IN}:layer_norm", LayerNormOptions),
    Entry(
        "weight_standardization",
        "kernels with mean 0 and variance 1 (Qiao et al. 2019)",
        f"{_IN}:weight_standardization",
        WeightStandardizationOptions,
    ),
)


# Training -------------------------------------------------------------------------------------------------------------

Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Decay = Annotated[float, Field(ge=0, lt=1)]


class OptimizerOptions(Options):
    """Options that every Keras optimizer takes; what is left out keeps Keras's default."""

    learning_rate: Positive = 0.001
    weight_decay: NonNegative | None = None
    clipnorm: Positive | None = None
    clipvalue: Positive | None = None
    global_clipnorm: Positive | None = None


class SgdOptions(OptimizerOptions):
    """Options of `sgd`."""

    learning_rate: Positive = 0.01
    momentum: Decay | None = None
    nesterov: bool | None = None


class RmspropOptions(OptimizerOptions):
    """Options of `rmsprop`."""

    rho: Decay | None = None
    momentum: Decay | None = None
    epsilon: Positive | None = None
    centered: bool | None = None


class AdamOptions(OptimizerOptions):
    """Options of `adam` and `adamw`."""

    beta_1: Decay | None = None
    beta_2: Decay | None = None
    epsilon: Positive | None = None
    amsgrad: bool | None = None


class NadamOptions(OptimizerOptions):
    """Options of `nadam` and `adamax`."""

    beta_1: Decay | None = None
    beta_2: Decay | None = None
    epsilon: Positive | None = None


class AdagradOptions(OptimizerOptions):
    """Options of `adagrad`."""

    initial_accumulator_value: NonNegative | None = None
    epsilon: Positive | None = None


class AdadeltaOptions(OptimizerOptions):
    """Options of `adadelta`; its authors' rate is 1.0."""

    rho: Decay | None = None
    epsilon: Positive | None = None


class AdafactorOptions(OptimizerOptions):
    """Options of `adafactor`."""

    beta_2_decay: float | None = None
    epsilon_1: Positive | None = None
    epsilon_2: Positive | None = None
    clip_threshold: Positive | None = None
    relative_step: bool | None = None


class FtrlOptions(OptimizerOptions):
    """Options of `ftrl`."""

    learning_rate_power: Annotated[float, Field(le=0)] | None = None
    initial_accumulator_value: NonNegative | None = None
    l1_regularization_strength: NonNegative | None = None
    l2_regularization_strength: NonNegative | None = None
    l2_shrinkage_regularization_strength: NonNegative | None = None
    beta: NonNegative | None = None


class LionOptions(OptimizerOptions):
    """Options of `lion`."""

    beta_1: Annotated[float, Field(gt=0, lt=1)] | None = None
    beta_2: Decay | None = None


class MuonOptions(OptimizerOptions):
    """Options of `muon`; what is not a matrix is trained by Adam, whose options start with `adam_`."""

    momentum: Decay | None = None
    nesterov: bool | None = None
    ns_steps: Annotated[int, Field(gt=0, le=100, description="Newton–Schulz iterations")] | None = None
    adam_beta_1: Decay | None = None
    adam_beta_2: Decay | None = None
    adam_weight_decay: NonNegative | None = None
    adam_lr_ratio: Positive | None = None
    epsilon: Positive | None = None


OPTIMIZERS = Catalog(
    "optimizer",
    Entry("sgd", "stochastic gradient descent, with momentum", "keras.optimizers:SGD", SgdOptions),
    Entry("rmsprop", "RMSprop", "keras.optimizers:RMSprop", RmspropOptions),
    Entry("adam", "Adam", "keras.optimizers:Adam", AdamOptions),
    Entry("adamw", "Adam with decoupled weight decay", "keras.optimizers:AdamW", AdamOptions),
    Entry("nadam", "Adam with Nesterov momentum", "keras.optimizers:Nadam", NadamOptions),
    Entry("adamax", "Adam with the infinity norm", "keras.optimizers:Adamax", NadamOptions),
    Entry("adagrad", "Adagrad", "keras.optimizers:Adagrad", AdagradOptions),
    Entry("adadelta", "Adadelta", "keras.optimizers:Adadelta", AdadeltaOptions),
    Entry("adafactor", "Adafactor", "keras.optimizers:Adafactor", AdafactorOptions),
    Entry("ftrl", "follow the regularized leader", "keras.optimizers:Ftrl", FtrlOptions),
    Entry("lamb", "Adam with a trust ratio for each layer", "keras.optimizers:Lamb", NadamOptions),
    Entry("lion", "the sign of a momentum", "keras.optimizers:Lion", LionOptions),
    Entry("muon", "momentum orthogonalized, for matrices", "keras.optimizers:Muon", MuonOptions),
)


class ScheduleOptions(Options):
    """What every learning-rate schedule says; lengths are in epochs, rates relative to the optimizer's own."""

    depends_on_epochs: ClassVar[bool] = False
    """Whether the rate of an epoch depends on how many there are: then epochs cannot be added to a run."""


Final = Annotated[float, Field(ge=0, le=1, description="the last rate, relative to the optimizer's learning rate")]


class CosineOptions(ScheduleOptions):
    """Options of `cosine`."""

    depends_on_epochs = True
    warmup_epochs: Annotated[float, Field(ge=0, description="risen linearly from 0 before")] = 0.0
    final: Final = 0.0


class LinearOptions(ScheduleOptions):
    """Options of `linear`."""

    depends_on_epochs = True
    final: Final = 0.0


class ExponentialOptions(ScheduleOptions):
    """Options of `exponential`."""

    factor: Annotated[float, Field(gt=0, le=1, description="by which the rate falls in an epoch, step by step")]


class InverseTimeOptions(ScheduleOptions):
    """Options of `inverse_time`."""

    decay: Annotated[float, Field(gt=0, description="d in rate / (1 + d · epochs)")]


class StepOptions(ScheduleOptions):
    """Options of `step`."""

    epochs: Annotated[
        tuple[Size, ...], Field(strict=False, min_length=1, max_length=100, description="after which the rate falls")
    ]
    factor: Annotated[float, Field(gt=0, le=1, description="by which it falls each time")] = 0.1

    @field_validator("epochs")
    @classmethod
    def _rising(cls, epochs: tuple[int, ...]) -> tuple[int, ...]:
        if sorted(set(epochs)) != list(epochs):
            raise PydanticCustomError("rising", "expected epochs in rising order, each once")
        return epochs


_SCHEDULES_IN = "wncompare.nn.schedules"

SCHEDULES = Catalog(
    "schedule",
    Entry("cosine", "half a cosine over all epochs, after a warm-up", f"{_SCHEDULES_IN}:cosine", CosineOptions),
    Entry("linear", "a straight line over all epochs", f"{_SCHEDULES_IN}:linear", LinearOptions),
    Entry("exponential", "rate · factor ^ epochs", f"{_SCHEDULES_IN}:exponential", ExponentialOptions),
    Entry("inverse_time", "rate / (1 + decay · epochs)", f"{_SCHEDULES_IN}:inverse_time", InverseTimeOptions),
    Entry("step", "rate · factor after each of some epochs", f"{_SCHEDULES_IN}:step", StepOptions),
)

Loss = Literal[
    "categorical_crossentropy",
    "sparse_categorical_crossentropy",
    "categorical_focal_crossentropy",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_hinge",
    "squared_hinge",
    "cosine_similarity",
    "dice",
    "tversky",
    "huber",
    "kl_divergence",
    "log_cosh",
    "poisson",
    "mean_absolute_error",
    "mean_squared_error",
]

Metric = Literal[
    "top_k_categorical_accuracy",
    "sparse_top_k_categorical_accuracy",
    "categorical_crossentropy",
    "sparse_categorical_crossentropy",
    "auc",
    "precision",
    "recall",
    "kl_divergence",
    "mean_squared_error",
]
"""Keras's metrics beside loss and accuracy, with Keras's defaults; those for classes go with losses for classes."""
