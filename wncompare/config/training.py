"""How every arm is trained."""

import math
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from wncompare.catalog.registry import Options, Size
from wncompare.catalog.training import Loss, Metric
from wncompare.config.choices import OptimizerChoice, ScheduleChoice, refuse_duplicates


class EarlyStopping(Options):
    """Stop a run when `metric` has not got better by more than `min_delta` for `patience` epochs."""

    metric: Literal["val_loss", "val_accuracy"] = "val_loss"
    patience: Size
    min_delta: Annotated[float, Field(ge=0)] = 0.0


class StopAt(Options):
    """Stop a run when `metric` reaches `value`: an accuracy from below, a loss from above."""

    metric: Literal["val_loss", "val_accuracy"] = "val_accuracy"
    value: Annotated[float, Field(ge=0)]


class Training(Options):
    """How every arm is trained; Keras's names and defaults."""

    optimizer: OptimizerChoice = Field(default={"name": "adam"}, validate_default=True)
    loss: Loss = "categorical_crossentropy"
    batch_size: Size = 32
    epochs: Size = 10
    threads: Annotated[int, Field(gt=0, le=1024)] = 1
    metrics: Annotated[tuple[Metric, ...], Field(strict=False)] = ()
    schedule: ScheduleChoice | None = None
    early_stopping: EarlyStopping | None = None
    stop_at: StopAt | None = None

    @field_validator("metrics")
    @classmethod
    def _metrics_that_fit_the_loss(cls, metrics: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        refuse_duplicates("metric", metrics)
        loss = info.data.get("loss", "")
        for metric in metrics:
            if metric.startswith("sparse_") != loss.startswith("sparse_"):
                raise PydanticCustomError(
                    "metric", f"{metric} does not go with the loss {loss}: expected both or neither to be sparse_"
                )
        return metrics

    @field_validator("schedule")
    @classmethod
    def _warm_before_the_end(cls, schedule: Any, info: ValidationInfo) -> Any:
        if getattr(schedule, "warmup_epochs", 0) >= info.data.get("epochs", math.inf):
            raise PydanticCustomError("warmup", f"expected fewer warmup_epochs than the {info.data['epochs']} epochs")
        return schedule
