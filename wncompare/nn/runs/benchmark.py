"""What a variant costs on this machine: the tasks that `wncompare.run.benchmark` gives its workers."""

import resource
import sys
from pathlib import Path

import tensorflow as tf

from wncompare.config import Config
from wncompare.data import Dataset
from wncompare.data.dataset import splits
from wncompare.nn import arms
from wncompare.nn.layer_table import parameters
from wncompare.nn.runs.inputs import dataset_of, use_device
from wncompare.nn.training.trainer import Trainer
from wncompare.tasks import CostMeasured, CostTask, Device, Report, SpeedMeasured, SpeedTask


def cost(task: CostTask, report: Report) -> CostMeasured:
    """One variant alone, in a worker that did nothing before: its parameters, seconds to compile and peak memory."""
    trainer = _trainer(task.config, task.variant, _dataset(task))
    compile_seconds = trainer.compile()
    trainer.step_seconds(task.steps, seed=task.config.all_seeds[0])
    return CostMeasured(task.name, parameters(trainer.model), compile_seconds, _peak_memory(task.device))


def speed(task: SpeedTask, report: Report) -> SpeedMeasured:
    """All variants side by side in one worker: the seconds of a step, for each of the `repeats`.

    A repeat times `steps` steps of each variant, every other repeat in the opposite order, so that what else the
    machine does falls on all alike. What compiling leaves to do is done in a first repeat, which does not count.
    """
    config, dataset = task.config, _dataset(task)
    trainers = {variant.id: _trainer(config, variant.id, dataset) for variant in config.variants}
    for trainer in trainers.values():
        trainer.compile()
    seconds: dict[str, list[float]] = {variant: [] for variant in trainers}
    for repeat in range(task.repeats + 1):
        for variant in list(trainers) if repeat % 2 else reversed(trainers):
            seconds[variant].append(trainers[variant].step_seconds(task.steps, seed=config.all_seeds[0]))
    return SpeedMeasured(task.name, {variant: values[1:] for variant, values in seconds.items()})


def _dataset(task: CostTask | SpeedTask) -> Dataset:
    use_device(task.device)
    return dataset_of(task.config.dataset, task.data_dir, task.shared)


def _trainer(config: Config, variant: str, dataset: Dataset) -> Trainer:
    training, validation, _ = splits(dataset, config.holdout)
    model = arms.build(config, variant, config.all_seeds[0], dataset, training)
    return Trainer(model, training, validation, batch_size=config.training.batch_size)


def _peak_memory(device: Device) -> int:
    """The most bytes in use so far: of the GPU's memory where there is one, else of this process (resident).

    Linux's ru_maxrss starts at what the parent had in use; VmHWM is of this program alone.
    """
    if device == "gpu":
        return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
