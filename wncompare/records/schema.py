"""What records hold, and what reading them gives."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)
from pydantic_core import PydanticCustomError

from wncompare.config import Config, Variant
from wncompare.config.grid import Point
from wncompare.records.identity import fingerprint
from wncompare.records.layout import run_name

SCHEMA_VERSION: Final = 1
TIMING: Final = 2
"""How runs are timed now; what was timed otherwise is told apart by `RunRecord.timing`."""

Status = Literal["running", "interrupted", "finished", "failed", "diverged"]
Number = Annotated[float, Field(strict=False)]  # strict JSON keeps "nan" and "inf" as text
Seconds = Annotated[Number, Field(ge=0)]


class Record(BaseModel):
    """Data read from a file: unknown keys and wrong types mean a foreign or damaged file."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _left_out(data: dict[str, Any], **defaults: Any) -> dict[str, Any]:
    """The data without the keys that have these values: a key that came later is left out at its default."""
    return {key: value for key, value in data.items() if key not in defaults or value != defaults[key]}


class DatasetRecord(Record):
    """Which data a run was trained on, and what a reader should know of them.

    `targets` are "classes", "numbers" or the "inputs"; `test_examples` is how many the test split has, `test_majority`
    the share of its most frequent class, `test_variance` the mean squared distance of its numbers from their mean;
    records of earlier versions do not say.
    """

    name: str
    label: str
    digest: str
    official: bool | None
    caveats: tuple[str, ...] = ()
    targets: Literal["classes", "numbers", "inputs"] = "classes"
    test_examples: int | None = None
    test_majority: float | None = None
    test_variance: float | None = None

    @model_serializer(mode="wrap")
    def _without_what_is_not_known(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        unknown = {"test_examples": None, "test_majority": None, "test_variance": None}
        return _left_out(serialize(self), targets="classes", **unknown)


class RunRecord(Record):
    """What run.json holds: the identity of a run, how far it came and where it was made.

    `identity` is everything that a result depends on apart from the number of epochs; `fingerprint` is its SHA-256.
    `epochs` is how many the run is to have, `stopped` why it ended before that: then `epochs` is how many it has.
    `seconds` has the wall-clock times: `start_up` and `compile` once, `instantiate` of compiled programs, `train` and
    `eval` over all epochs. `timing` says how they and the history's were taken: 1, of earlier versions, or `TIMING`.
    `environment` has a list of values where the run went on in another environment.
    `probe` is what a network that a Python function builds computes, by Keras backend. `momentum` is the largest of
    the layers that keep moving averages of a batch's moments, `redundant_gains` the number of weight-normalized layers
    whose gain a batch normalization right behind them undoes. `sessions` has an id for each command that trained a
    part of the run. `penalized` says that the network's layers add to the loss. These five are left out where there is
    nothing to say.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    variant: str
    point: dict[str, Any] = {}
    seed: int
    status: Status
    stopped: str | None = None
    fingerprint: str
    identity: dict[str, Any]
    probe: dict[str, tuple[Number, ...]] | None = None
    epochs: int
    dataset: DatasetRecord
    parameters: int | None = None
    momentum: float | None = None
    redundant_gains: int = 0
    penalized: bool = False
    device: str | None = None
    test: dict[str, Number] | None = None
    seconds: dict[str, Seconds] = {}
    timing: Literal[1, 2] = 1
    started: str | None = None
    ended: str | None = None
    sessions: tuple[str, ...] = ()
    environment: dict[str, Any] = {}
    error: str | None = None

    @model_serializer(mode="wrap")
    def _without_what_is_not_there(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return _left_out(serialize(self), probe=None, momentum=None, redundant_gains=0, penalized=False, sessions=())

    @property
    def timings_include_compilation(self) -> bool:
        """Whether the seconds of a first epoch may hold what TensorFlow took to instantiate a compiled program anew.

        In records without `timing` it is about a second, where the worker had trained another run of the arm before. A
        run that was begun so and has gone on since still has it.
        """
        return self.timing < TIMING

    @model_validator(mode="after")
    def _of_its_identity(self) -> "RunRecord":
        if self.fingerprint != fingerprint(self.identity):
            raise PydanticCustomError("fingerprint", "the fingerprint is not that of the identity")
        return self


class ExperimentRecord(Record):
    """What experiment.json holds.

    The `protocol`, which says before the first run when seeds will be enough, and its SHA-256 `protocol_fingerprint`
    are left out where the config has a list of seeds.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    wncompare: str
    config: dict[str, Any]
    protocol: dict[str, Any] | None = None
    protocol_fingerprint: str | None = None

    @model_serializer(mode="wrap")
    def _without_an_absent_protocol(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        data: dict[str, Any] = serialize(self)
        return {key: value for key, value in data.items() if value is not None}

    @model_validator(mode="after")
    def _of_its_protocol(self) -> "ExperimentRecord":
        if self.protocol_fingerprint != (None if self.protocol is None else fingerprint(self.protocol)):
            raise PydanticCustomError("fingerprint", "the protocol's fingerprint is not that of the protocol")
        return self


class LookedAt(Record):
    """What a look said of one contrast of `n` pairs: the corrected p-value, the difference and its interval.

    It is the mean difference or, where medians were the `basis`, the median one.
    """

    contrast: str
    n: int
    outcome: str
    basis: str
    p: Number
    difference: Number
    low: Number
    high: Number


class LookRecord(Record):
    """One look: when, over which seeds, under which protocol (its fingerprint; none for a list), and what it said.

    `settings` is the fingerprint of what the runs were trained with (`Experiment.settings`).
    """

    at: str
    seeds: tuple[int, ...]
    protocol: str | None = None
    settings: str | None = None
    contrasts: tuple[LookedAt, ...]


@dataclass(frozen=True, eq=False)
class Run:
    """A run as read from disk: its record and its history, a column a metric."""

    folder: Path
    record: RunRecord
    history: dict[str, NDArray[np.float64]]
    point: Point

    @property
    def name(self) -> str:
        """How messages call the run: "weight_norm/seed-0"."""
        return run_name(self.record.variant, self.point, self.record.seed)

    @property
    def epochs(self) -> int:
        """How many epochs the history holds."""
        return len(self.history["epoch"])


@dataclass(frozen=True, eq=False)
class Experiment:
    """An experiment as read from disk: its config and the runs there are, in the config's order.

    `seeds` are those that count, by default all that the config could have; `looks` is the log of looks at them, and
    `protocol` the fingerprint of what was written before the first run of when seeds will be enough.
    """

    folder: Path
    config: Config
    runs: tuple[Run, ...]
    seeds: tuple[int, ...] = ()
    looks: tuple[LookRecord, ...] = ()
    protocol: str | None = None

    def __post_init__(self) -> None:
        """Let all seeds of the config count where none are named."""
        object.__setattr__(self, "seeds", self.seeds or self.config.all_seeds)

    @property
    def settings(self) -> str | None:
        """The fingerprint of what all runs share, variant and seed apart; None before there is one."""
        shared = [{**run.record.identity, "variant": None, "seed": None} for run in self.runs[:1]]
        return fingerprint(shared[0]) if shared else None

    @property
    def has_finished(self) -> bool:
        """Whether any run has finished."""
        return any(run.record.status == "finished" for run in self.runs)

    def of(self, variant: Variant, point: Point | None = None) -> list[Run]:
        """The runs of one variant, at one point of the grid or, by default, at all."""
        return [run for run in self.runs if run.record.variant == variant.id and (point is None or run.point == point)]

    def finished(self, variant: Variant, point: Point | None = None) -> list[Run]:
        """Those of them that have finished."""
        return [run for run in self.of(variant, point) if run.record.status == "finished"]


def is_done(planned: RunRecord, found: RunRecord) -> bool:
    """Whether nothing of a planned run is left to train: a diverged run is final, and one that a rule stopped."""
    if found.status == "finished":
        return found.epochs == planned.epochs or found.stopped is not None
    return found.status == "diverged"
