"""What each variant costs on this machine: step time, compilation and memory, as ratios to the first."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from wncompare import data
from wncompare.config import Config
from wncompare.errors import WncompareError
from wncompare.records import provenance
from wncompare.run import devices
from wncompare.run.engines import local, worker_variables
from wncompare.run.execute import Listener, downloads
from wncompare.tasks import CostMeasured, CostTask, Device, SpeedMeasured, SpeedTask, Task

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Spread:
    """The median of repeated measurements, and the lowest and highest of them."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Measured:
    """What one variant costs; each ratio is to the first variant, for which it is 1."""

    id: str
    label: str
    parameters: int
    step_seconds: Spread
    step_ratio: Spread
    """The ratio of the medians, with the lowest and highest ratio of two measurements of one repeat."""
    compile_seconds: float
    peak_memory_bytes: int
    """Of a process that trains this variant alone; on a GPU of the GPU's memory."""
    memory_ratio: float
    repeats: tuple[float, ...]
    """Seconds a step, of each repeat."""


@dataclass(frozen=True)
class Benchmark:
    """The variants of a config, measured, and what they were measured on."""

    experiment: str
    dataset: str
    model: str
    batch_size: int
    steps: int
    """Steps timed at a time."""
    threads: int
    device: str
    environment: dict[str, Any]
    variants: tuple[Measured, ...]
    precision: str = "float32"

    def as_data(self) -> dict[str, Any]:
        """The benchmark as plain JSON data."""
        return {"schema_version": SCHEMA_VERSION, **asdict(self)}


def measure(
    config: Config,
    *,
    steps: int,
    repeats: int,
    data_dir: Path | None = None,
    device: Device | None = None,
    listen: Listener = lambda event: None,
) -> Benchmark:
    """Measure every variant of `config`, at the first point of its grid, on its dataset.

    Compilation and memory are taken in a fresh process for each variant, the times of `steps` steps in one process for
    all of them, turn by turn, `repeats` times. `listen` hears of downloads and of every task's events.

    Raises:
        DatasetError: the dataset is not to be had.
        WncompareError: a variant cannot be built or trained.
    """
    chosen, progress = config.dataset, downloads(listen)
    dataset, shared = data.load_shared(chosen.name, chosen, data_dir=data_dir, progress=progress)
    at_first = config.at(config.points[0])
    device = devices.choose(device)
    variables = worker_variables(config.training.threads, device)
    with TemporaryDirectory(prefix="wncompare-benchmark-") as name:
        speed = SpeedTask(
            name="step times",
            folder=Path(name),
            config=at_first,
            device=device,
            steps=steps,
            repeats=repeats,
            data_dir=data_dir.absolute() if data_dir else None,
            shared=shared,
        )
        perform = partial(_perform, environment=variables, listen=listen)
        costs = {variant.id: perform(_cost(speed, variant.id), CostMeasured) for variant in config.variants}
        seconds = perform(speed, SpeedMeasured).step_seconds
    return Benchmark(
        experiment=config.name,
        dataset=dataset.label,
        model=config.model.name,
        batch_size=at_first.training.batch_size,
        steps=steps,
        threads=config.training.threads,
        device=device,
        environment=provenance.environment(variables),
        variants=tuple(_compared(config, costs, seconds)),
        precision=at_first.training.precision,
    )


def _compared(
    config: Config, costs: Mapping[str, CostMeasured], seconds: Mapping[str, Sequence[float]]
) -> Iterator[Measured]:
    first = config.variants[0].id
    for variant in config.variants:
        measured = costs[variant.id]
        yield Measured(
            id=variant.id,
            label=variant.label,
            parameters=measured.parameters,
            step_seconds=spread(seconds[variant.id]),
            step_ratio=ratio(seconds[variant.id], seconds[first]),
            compile_seconds=measured.compile_seconds,
            peak_memory_bytes=measured.peak_memory_bytes,
            memory_ratio=measured.peak_memory_bytes / costs[first].peak_memory_bytes,
            repeats=tuple(seconds[variant.id]),
        )


def spread(values: Sequence[float]) -> Spread:
    """The median, the lowest and the highest."""
    return Spread(median(values), min(values), max(values))


def ratio(values: Sequence[float], reference: Sequence[float]) -> Spread:
    """The ratio of the medians, with the lowest and highest ratio of two values of one repeat; it lies between them."""
    ratios = [value / other for value, other in zip(values, reference, strict=True)]
    return Spread(median(values) / median(reference), min(ratios), max(ratios))


def _cost(speed: SpeedTask, variant: str) -> CostTask:
    """The task of what one variant costs under the same conditions."""
    return CostTask(
        name=variant,
        folder=speed.folder,
        config=speed.config,
        variant=variant,
        device=speed.device,
        steps=speed.steps,
        data_dir=speed.data_dir,
        shared=speed.shared,
    )


_Measures = TypeVar("_Measures", CostMeasured, SpeedMeasured)


def _perform(task: Task, expected: type[_Measures], *, environment: Mapping[str, str], listen: Listener) -> _Measures:
    """What comes of a task in a worker that did nothing before; its name stands before an error."""
    try:
        return local.perform_alone(task, expected, environment=environment, listen=listen)
    except WncompareError as error:
        raise WncompareError(f"{task.name}: {error}") from error
