"""A training step kernel by kernel: what TensorFlow's profiler sees XLA execute, in seconds a step.

XLA names a kernel after what it does; those that differ by a number alone are summed.

    python -m benchmarks.systems.kernels CIFAR10.npz [--steps 300]
"""

import argparse
import json
import re
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import tensorflow as tf
from tensorflow.tsl.profiler.protobuf import xplane_pb2

from benchmarks.common import BATCH, ROOT
from wncompare import config as configs
from wncompare import data
from wncompare.nn import arms
from wncompare.nn.training.trainer import Trainer

SEEN_ONCE_A_STEP = 0.9
_AROUND = re.compile("program|Execut|Block|while|end:")
_NUMBER = re.compile(r"(_\d+)?(\.\d+)?$")


def main() -> None:
    """Print the kernels of each arm."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--steps", type=int, default=300)
    options = parser.parse_args()
    config = configs.load(ROOT / "configs/cifar10.yaml", [f"dataset={{name: npz, path: {options.file}}}"])
    dataset = data.load("npz", config.dataset)
    kernels = {}
    for variant in config.variants:
        model = arms.build(config, variant.id, 0, dataset, dataset.train)
        trainer = Trainer(model, dataset.train, dataset.test, batch_size=BATCH)
        trainer.compile()
        trainer.step_seconds(options.steps, seed=0)
        kernels[variant.id] = profile(trainer, options.steps)
    print(json.dumps({"kernels": kernels}))


def profile(trainer: Trainer, steps: int) -> dict[str, dict[str, float]]:
    """For each kind of kernel the seconds of a step that it takes, and how many there are, the longest first."""
    seconds: Counter[str] = Counter()
    number: Counter[str] = Counter()
    for name, events, total in recorded(trainer, steps):
        if events >= SEEN_ONCE_A_STEP * steps and not _AROUND.search(name):
            kind = _NUMBER.sub("", name)
            seconds[kind] += total / steps
            number[kind] += 1
    return {kind: {"seconds": value, "kernels": number[kind]} for kind, value in seconds.most_common()}


def recorded(trainer: Trainer, steps: int) -> Any:
    """Everything that the profiler has a name for while so many steps are taken: name, times, seconds in all."""
    with TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder, options=tf.profiler.experimental.ProfilerOptions(host_tracer_level=3))
        trainer.step_seconds(steps, seed=0)
        tf.profiler.experimental.stop()
        (file,) = Path(folder).rglob("*.xplane.pb")
        space = xplane_pb2.XSpace.FromString(file.read_bytes())
    picoseconds: Counter[str] = Counter()
    times: Counter[str] = Counter()
    for plane in space.planes:
        for event in (event for line in plane.lines for event in line.events):
            name = plane.event_metadata[event.metadata_id].name
            picoseconds[name] += event.duration_ps
            times[name] += 1
    return [(name, times[name], total / 1e12) for name, total in picoseconds.items()]


if __name__ == "__main__":
    main()
