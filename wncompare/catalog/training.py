"""Optimizers and schedules that a config can name."""

from typing import Annotated, ClassVar

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from wncompare.catalog.registry import Catalog, Entry, Options, Size

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


_SCHEDULES_IN = "wncompare.nn.training.schedules"

SCHEDULES = Catalog(
    "schedule",
    Entry("cosine", "half a cosine over all epochs, after a warm-up", f"{_SCHEDULES_IN}:cosine", CosineOptions),
    Entry("linear", "a straight line over all epochs", f"{_SCHEDULES_IN}:linear", LinearOptions),
    Entry("exponential", "rate · factor ^ epochs", f"{_SCHEDULES_IN}:exponential", ExponentialOptions),
    Entry("inverse_time", "rate / (1 + decay · epochs)", f"{_SCHEDULES_IN}:inverse_time", InverseTimeOptions),
    Entry("step", "rate · factor after each of some epochs", f"{_SCHEDULES_IN}:step", StepOptions),
)
