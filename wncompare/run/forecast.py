"""How long an experiment may take and how much memory, said before anything is trained."""

from dataclasses import asdict, dataclass, replace
from math import ceil
from typing import Any, NamedTuple

from wncompare.catalog.datasets import AddingProblemOptions, SyntheticOptions
from wncompare.config import Config, Holdout
from wncompare.records import machine
from wncompare.run.engines import default_workers

# Training and test images, with the pixels of one.
_SIZES = {
    "cifar10": (50_000, 10_000, 32 * 32),
    "cifar100": (50_000, 10_000, 32 * 32),
    "mnist": (60_000, 10_000, 28 * 28),
    "fashion_mnist": (60_000, 10_000, 28 * 28),
    "digits": (1_437, 360, 32 * 32),
}

# Microseconds to train on 1,024 pixels at batch 32, one thread of a 2024 server core; less than half of it to evaluate.
_MICROSECONDS = {"lenet": 35.0, "mlp": 20.0, "resnet8": 420.0}
_EVALUATION = 0.45
_COMPILATION_SECONDS = 4.0
"""Once in each worker for each program that it trains with."""

# Measured with LeNet on CIFAR-10, TensorFlow 2.21: libraries and dataset are in memory once, the rest in each worker,
# which keeps every program that it has compiled: the first two took 370 MB, four no more than 400 MB.
_LIBRARY_BYTES = 450_000_000
_WORKER_BYTES = 500_000_000
_PROGRAM_BYTES = 100_000_000
_CHANNELS, _FLOAT_BYTES = 3, 4


@dataclass(frozen=True)
class Forecast:
    """The plan in numbers; `seconds` is rough, and None where the data's size or the model is the user's own, or layers
    compute in bfloat16.

    `memory_bytes` is what all workers take together on a CPU; None where the data's size is not known. Where seeds are
    trained until all is settled the numbers are of the first look, and `at_most` has those of the last one. `mixed`
    says whether layers compute in bfloat16, at any point, `bfloat16` with which instructions this processor would.
    """

    variants: int
    points: int
    seeds: int
    runs: int
    epochs: int
    workers: int
    steps_per_epoch: int | None
    seconds: float | None
    memory_bytes: int | None
    mixed: bool = False
    bfloat16: str | None = None
    at_most: "Forecast | None" = None

    def as_data(self) -> dict[str, Any]:
        """The forecast as plain JSON data."""
        return asdict(self)


def forecast(config: Config, *, workers: int | None = None) -> Forecast:
    """The plan of a config, and about how long and how much memory it takes with that many workers."""
    if config.until is None:
        return _forecast(config, len(config.all_seeds), workers)
    first, most = (_forecast(config, seeds, workers) for seeds in (config.until.first, config.until.most))
    return replace(first, at_most=most)


def _forecast(config: Config, seeds: int, workers: int | None) -> Forecast:
    points = len(config.points)
    runs = len(config.variants) * points * seeds
    used = min(workers or default_workers(config.training.threads), runs)
    sizes = _sizes(config)
    steps = ceil(sizes.train / config.training.batch_size) if sizes else None
    mixed = any(config.at(point).training.precision != "float32" for point in config.points)
    seconds = _worker_seconds(config, ceil(runs / used), sizes) if sizes and not mixed else None
    memory = _memory(config, used, sizes) if sizes else None
    epochs = config.training.epochs
    return Forecast(
        len(config.variants), points, seeds, runs, epochs, used, steps, seconds, memory, mixed, machine.bfloat16()
    )


class _Sizes(NamedTuple):
    """How much data there is: examples to train on and to validate on, the pixels and bytes of one."""

    train: int
    validation: int
    pixels: int
    bytes: int


def _memory(config: Config, workers: int, sizes: _Sizes) -> int:
    """Bytes of all workers together, which share the dataset."""
    data = (sizes.train + sizes.validation) * sizes.bytes
    own = _WORKER_BYTES + _programs(config) * _PROGRAM_BYTES
    return _LIBRARY_BYTES + data + workers * own


def _worker_seconds(config: Config, runs: int, sizes: _Sizes) -> float | None:
    """Seconds that a worker takes for so many runs in float32; None where they are not known."""
    if config.model.name not in _MICROSECONDS:
        return None
    example_seconds = _MICROSECONDS[config.model.name] * 1e-6 * sizes.pixels / 1024
    epoch_seconds = example_seconds * (sizes.train + sizes.validation * _EVALUATION)
    programs = min(runs, _programs(config))
    return programs * _COMPILATION_SECONDS + runs * config.training.epochs * epoch_seconds


def _programs(config: Config) -> int:
    """How many programs the arms have: points that differ in a constant learning rate alone share theirs."""
    trained = []
    for point in config.points:
        varied = dict(point.values)
        if config.at(point).training.schedule is None:
            varied.pop("training.optimizer.learning_rate", None)
        if varied not in trained:
            trained.append(varied)
    return len(config.variants) * len(trained)


def _sizes(config: Config) -> _Sizes | None:
    """The data's, where they are known before the data are read."""
    dataset = config.dataset
    if isinstance(dataset, SyntheticOptions):
        height, width, _ = dataset.shape
        train, test, pixels, each = dataset.train, dataset.test, height * width, height * width * _CHANNELS
    elif isinstance(dataset, AddingProblemOptions):
        numbers = 2 * dataset.length
        train, test, pixels, each = dataset.train, dataset.test, ceil(numbers / _CHANNELS), numbers * _FLOAT_BYTES
    elif dataset.name in _SIZES:
        train, test, pixels = _SIZES[dataset.name]
        each = pixels * _CHANNELS
    else:
        return None
    if isinstance(config.validation, Holdout):
        held = round(train * config.validation.holdout)
        return _Sizes(train - held, held, pixels, each)
    return _Sizes(train, test, pixels, each)
