"""How every arm is trained."""

import math
from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, ValidationInfo, field_validator, model_serializer
from pydantic_core import PydanticCustomError

from wncompare.catalog.registry import Options, Size, unknown
from wncompare.config.choices import (
    LossChoice,
    MetricChoice,
    MetricName,
    OptimizerChoice,
    ScheduleChoice,
    refuse_duplicates,
)


class EarlyStopping(Options):
    """Stop a run when `metric` has not got better by more than `min_delta` for `patience` epochs."""

    metric: MetricName = "val_loss"
    patience: Size
    min_delta: Annotated[float, Field(ge=0)] = 0.0


class StopAt(Options):
    """Stop a run when `metric` reaches `value`: an accuracy from below, a loss from above."""

    metric: MetricName = "val_accuracy"
    value: float


class Training(Options):
    """How every arm is trained; Keras's names and defaults.

    `precision` is what layers compute in: with `mixed_bfloat16` those between inputs and outputs in bfloat16, with
    weights in float32 (`wncompare.nn.precision`). At its default it is no part of the data that records keep.
    """

    optimizer: OptimizerChoice = Field(default={"name": "adam"}, validate_default=True)
    loss: LossChoice = Field(default="categorical_crossentropy", validate_default=True)
    batch_size: Size = 32
    epochs: Size = 10
    threads: Annotated[int, Field(gt=0, le=1024)] = 1
    metrics: Annotated[tuple[MetricChoice, ...], Field(strict=False)] = ()
    schedule: ScheduleChoice | None = None
    early_stopping: EarlyStopping | None = None
    stop_at: StopAt | None = None
    precision: Literal["float32", "mixed_bfloat16"] = "float32"

    @field_validator("metrics")
    @classmethod
    def _metrics_that_fit_the_loss(cls, metrics: tuple[Any, ...], info: ValidationInfo) -> tuple[Any, ...]:
        names = [metric.name for metric in metrics]
        refuse_duplicates("metric", names)
        loss = info.data["loss"].name if "loss" in info.data else ""
        for name in names if loss else ():
            if name.startswith("sparse_") != loss.startswith("sparse_"):
                raise PydanticCustomError(
                    "metric", f"{name} does not go with the loss {loss}: expected both or neither to be sparse_"
                )
        return metrics

    @field_validator("early_stopping", "stop_at")
    @classmethod
    def _of_a_metric_that_is_measured(cls, rule: Any, info: ValidationInfo) -> Any:
        further = (f"val_{metric.name}" for metric in info.data.get("metrics", ()))
        measured = ["val_loss", "val_accuracy", *further]
        if rule is not None and "metrics" in info.data and rule.metric not in measured:
            raise PydanticCustomError("unknown_id", "{problem}", {"problem": unknown("metric", rule.metric, measured)})
        return rule

    @field_validator("schedule")
    @classmethod
    def _warm_before_the_end(cls, schedule: Any, info: ValidationInfo) -> Any:
        if getattr(schedule, "warmup_epochs", 0) >= info.data.get("epochs", math.inf):
            raise PydanticCustomError("warmup", f"expected fewer warmup_epochs than the {info.data['epochs']} epochs")
        return schedule

    @model_serializer(mode="wrap")
    def _as_before_precision(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave the default out: runs of before there was another are the same runs."""
        data: dict[str, Any] = dump(self)
        if self.precision == "float32":
            data.pop("precision", None)
        return data
