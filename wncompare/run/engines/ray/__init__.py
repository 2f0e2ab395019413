"""Runs on a Ray cluster: Ray places them, and on each node the local engine's own worker process trains them.

A task is a Ray task that asks for CPUs and GPUs. It runs in one of Ray's processes, which hands it to a worker process
and streams the events back; Ray keeps its processes for later tasks, and with them the worker: TensorFlow starts once.
The package travels to the nodes, so that all of them run the driver's code.

Where a node sees the driver's results folder, the run is written there. Where it does not, it is written to a
temporary folder, and the driver gets the files after every epoch. So the driver's disk always has the last resume
point, from which a run goes on that has lost its node.
"""

from wncompare.run.engines.ray.driver import execute

__all__ = ["execute"]
