"""What a variant costs on this machine: the tasks that `wncompare.run.benchmark` gives its workers."""

import resource
import sys
from pathlib import Path
from typing import Any

import tensorflow as tf

from wncompare import config as configs
from wncompare.config import Config
from wncompare.data import Dataset
from wncompare.data.dataset import splits
from wncompare.nn import arms
from wncompare.nn.layer_table import parameters
from wncompare.nn.runs.inputs import given, use
from wncompare.nn.training.trainer import Trainer


def cost(payload: dict[str, Any], report: Any) -> dict[str, Any]:
    """One variant alone, in a worker that did nothing before: its parameters, seconds to compile and peak memory.

    `payload` has the resolved `config`, the `data_dir` or the dataset as it is `shared`, the `device`, the id of the
    `variant` and the `steps` to train.
    """
    config, dataset = _loaded(payload)
    trainer = _trainer(config, payload["variant"], dataset)
    compile_seconds = trainer.compile()
    trainer.step_seconds(payload["steps"], seed=config.seeds[0])
    return {
        "parameters": parameters(trainer.model),
        "compile_seconds": compile_seconds,
        "peak_memory_bytes": _peak_memory(payload["device"]),
    }


def speed(payload: dict[str, Any], report: Any) -> dict[str, Any]:
    """All variants side by side in one worker: the seconds of a step, for each of the `repeats`.

    A repeat times `steps` steps of each variant, every other repeat in the opposite order, so that what else the
    machine does falls on all alike. What compiling leaves to do is done in a first repeat, which does not count.
    """
    config, dataset = _loaded(payload)
    trainers = {variant.id: _trainer(config, variant.id, dataset) for variant in config.variants}
    for trainer in trainers.values():
        trainer.compile()
    seconds: dict[str, list[float]] = {variant: [] for variant in trainers}
    for repeat in range(payload["repeats"] + 1):
        for variant in list(trainers) if repeat % 2 else reversed(trainers):
            seconds[variant].append(trainers[variant].step_seconds(payload["steps"], seed=config.seeds[0]))
    return {"step_seconds": {variant: values[1:] for variant, values in seconds.items()}}


def _loaded(payload: dict[str, Any]) -> tuple[Config, Dataset]:
    use(payload["device"])
    config = configs.from_data(payload["config"], "the benchmark's config")
    return config, given(config.dataset, payload)


def _trainer(config: Config, variant: str, dataset: Dataset) -> Trainer:
    training, validation, _ = splits(dataset, config.holdout)
    model = arms.build(config, variant, config.seeds[0], dataset, training)
    return Trainer(model, training, validation, batch_size=config.training.batch_size)


def _peak_memory(device: str) -> int:
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
