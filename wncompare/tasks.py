"""What an engine takes and what it gives back: tasks and events, and the line of JSON in which each crosses a process.

A task's `target`, a function of the task and of a `Report`, does it in a worker and returns a `Result`.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

from pydantic import Base64Bytes, TypeAdapter

from wncompare.catalog.registry import resolve
from wncompare.config import Config
from wncompare.data import Shared
from wncompare.records import LOG_FILE, RunRecord, Status

Device = Literal["cpu", "gpu"]


@dataclass(frozen=True, kw_only=True)
class Task:
    """A piece of work: `folder` takes what comes of it, and its log; `target` is a function, "module:function"."""

    target: ClassVar[str]
    name: str
    folder: Path

    @property
    def log(self) -> Path:
        """Where that goes which the task prints."""
        return self.folder / LOG_FILE

    @property
    def arm(self) -> str:
        """What a worker keeps of the task for others that say the same."""
        return self.name


@dataclass(frozen=True, kw_only=True)
class TrainTask(Task):
    """One run: `config` at the run's point of the grid, and the `record` that it starts from.

    The dataset is the one that the driver has `shared` decoded or, where a machine lacks that copy, what `data_dir`
    holds. `build_model` is the user's own function, pickled, in the place of the config's model, `vary` one in that of
    the catalog's variant; `wait` says to wait for another process that has the run.
    """

    target: ClassVar[str] = "wncompare.nn.runs.train:train"
    config: Config
    record: RunRecord
    data_dir: Path | None = None
    shared: Shared | None = None
    build_model: Base64Bytes | None = None
    vary: Base64Bytes | None = None
    wait: bool = False


@dataclass(frozen=True, kw_only=True)
class TrialTask(Task):
    """Whether the arm of a `run` can be trained: it takes one step. The worker has it ready for the run itself."""

    target: ClassVar[str] = "wncompare.nn.runs.audit:try_out"
    run: TrainTask

    @property
    def arm(self) -> str:
        """The run's."""
        return self.run.arm


@dataclass(frozen=True, kw_only=True)
class CostTask(Task):
    """What one `variant` costs beside its step time; it trains `steps` steps."""

    target: ClassVar[str] = "wncompare.nn.runs.benchmark:cost"
    config: Config
    variant: str
    device: Device
    steps: int
    data_dir: Path | None = None
    shared: Shared | None = None


@dataclass(frozen=True, kw_only=True)
class SpeedTask(Task):
    """The step times of all variants: `steps` steps of each, turn by turn, `repeats` times."""

    target: ClassVar[str] = "wncompare.nn.runs.benchmark:speed"
    config: Config
    device: Device
    steps: int
    repeats: int
    data_dir: Path | None = None
    shared: Shared | None = None


@dataclass(frozen=True, kw_only=True)
class AuditTask(Task):
    """What of the variants' networks is normalized, and whether they can be trained: each is built and takes one step.

    `build_model` and, by variant, `own_variants` are as in a `TrainTask`.
    """

    target: ClassVar[str] = "wncompare.nn.runs.audit:audit"
    config: Config
    variants: tuple[str, ...]
    device: Device
    data_dir: Path | None = None
    shared: Shared | None = None
    build_model: Base64Bytes | None = None
    own_variants: dict[str, Base64Bytes] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class PrepareTask(Task):
    """The import of all that a `DrawTask` takes, ahead of it."""

    target: ClassVar[str] = "wncompare.render.figures.files:prepare"


@dataclass(frozen=True, kw_only=True)
class DrawTask(Task):
    """The figure `name` of the `Views` that are pickled in `views`, into `file`, as what matplotlib calls `format`."""

    target: ClassVar[str] = "wncompare.render.figures.files:draw"
    views: Path
    format: str
    file: Path


@dataclass(frozen=True)
class Download:
    """A file of the dataset, `done` of its `total` bytes."""

    file: str
    done: int
    total: int


@dataclass(frozen=True)
class Planned:
    """How many runs there are to train, and how many were finished before.

    Where seeds are trained until all is settled, `least` is how many of them the next look takes.
    """

    waiting: int
    finished: int
    least: int | None = None


@dataclass(frozen=True)
class Notice:
    """Something a person should know, of a task or, where that is empty, of all."""

    task: str
    message: str


@dataclass(frozen=True)
class Waiting:
    """Another process has the run: the task waits for that one to end."""

    task: str


@dataclass(frozen=True)
class Started:
    """A run starts to train, with `epochs` epochs done before."""

    task: str
    parameters: int
    epochs: int


@dataclass(frozen=True)
class Progress:
    """How far an epoch is, and its metrics so far."""

    task: str
    step: int
    steps: int
    logs: dict[str, float]


@dataclass(frozen=True)
class EpochDone:
    """An epoch, counted from 1, is on disk; `logs` has its metrics."""

    task: str
    epoch: int
    logs: dict[str, float]
    steps: int
    train_seconds: float

    @property
    def steps_per_second(self) -> float:
        """The pace of its training."""
        return self.steps / max(self.train_seconds, 1e-9)


@dataclass(frozen=True)
class Retry:
    """The task's worker or node was lost: another one tries it again."""

    task: str
    error: str


@dataclass(frozen=True)
class Ended:
    """A run has ended, well or not, and its record says how."""

    task: str
    status: Status


@dataclass(frozen=True)
class Busy:
    """Another process has the run: nothing was done."""

    task: str


@dataclass(frozen=True)
class CostMeasured:
    """What came of a `CostTask`; memory is that of the process or, on a GPU, of the GPU."""

    task: str
    parameters: int
    compile_seconds: float
    peak_memory_bytes: int


@dataclass(frozen=True)
class SpeedMeasured:
    """What came of a `SpeedTask`: seconds a step, of each repeat, by variant."""

    task: str
    step_seconds: dict[str, list[float]]


@dataclass(frozen=True)
class Audited:
    """What came of an `AuditTask`: `wncompare.layers.summary` of each variant's network, as data and as text."""

    task: str
    summaries: dict[str, dict[str, Any]]
    tables: dict[str, str]


@dataclass(frozen=True)
class Drawn:
    """What came of a `DrawTask`, whose file is written, or of a `PrepareTask`."""

    task: str


@dataclass(frozen=True)
class Tried:
    """What came of a `TrialTask`: the arm can be trained."""

    task: str


@dataclass(frozen=True)
class Failed:
    """The task could not be done, and why, on one line."""

    task: str
    error: str


@dataclass(frozen=True)
class Died:
    """The worker, or its node, was lost with the task; an engine makes a `Retry` or a `Failed` of it."""

    task: str
    error: str


Result = Ended | Busy | CostMeasured | SpeedMeasured | Audited | Tried | Drawn
"""What a task's function returns."""
Last = Result | Failed | Died
"""After these nothing follows of a task."""
Event = Download | Planned | Notice | Waiting | Started | Progress | EpochDone | Retry | Last

Report = Callable[[Event], None]

_EVENTS: dict[str, Any] = {event.__name__: event for event in get_args(Event)}


def encode_task(task: Task) -> str:
    """The task as a line of JSON, which names its class as "module:class"."""
    kind = type(task)
    return _encoded(task, f"{kind.__module__}:{kind.__qualname__}")


def decode_task(line: str) -> Task:
    """What `encode_task` gave, its class imported; the line comes from this user's own driver."""
    data = json.loads(line)
    task: Task = _adapter(resolve(data.pop("type"))).validate_python(data)
    return task


def encode_event(event: Event) -> str:
    """The event as a line of JSON."""
    return _encoded(event, type(event).__name__)


def decode_event(line: str) -> Event:
    """What `encode_event` gave."""
    data = json.loads(line)
    event: Event = _adapter(_EVENTS[data.pop("type")]).validate_python(data)
    return event


def _encoded(value: Task | Event, kind: str) -> str:
    schema: Any = type(value)
    return json.dumps({"type": kind, **_adapter(schema).dump_python(value, mode="json")}) + "\n"


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
