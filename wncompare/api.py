"""The main job as a Python function, for a network that lives in your own code."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cloudpickle
import numpy as np
from numpy.typing import ArrayLike

from wncompare import config as configs
from wncompare import records
from wncompare.errors import ModelError
from wncompare.records import Experiment
from wncompare.records.table import tabulated
from wncompare.render import progress as console
from wncompare.run import execute as experiment
from wncompare.run.engines import LocalEngine
from wncompare.storage import files
from wncompare.tasks import Device

if TYPE_CHECKING:
    import keras
    import pandas as pd

Arrays = tuple[tuple[ArrayLike, ArrayLike], tuple[ArrayLike, ArrayLike]]


def compare(
    build_model: "Callable[[], keras.Model]",
    dataset: str | Mapping[str, Any] | Arrays,
    variants: Iterable[str | Mapping[str, Any]] = ("regular", "weight_norm"),
    seeds: Iterable[int] = range(10),
    *,
    output: str | Path,
    training: Mapping[str, Any] | None = None,
    validation: str | Mapping[str, float] = "test",
    init_batch: int = 512,
    grid: Mapping[str, Iterable[Any]] | None = None,
    workers: int | None = None,
    device: Device | None = None,
    data_dir: str | Path | None = None,
    overwrite: bool = False,
    quiet: bool = False,
) -> "pd.DataFrame":
    """Train every variant of your own network over several seeds, in pairs, and return the records as one table.

    Args:
        build_model: makes the regular network, an uncompiled `keras.Model` from images scaled to [0, 1] to class
            probabilities. It is called once for every run, after the seed is set, in a worker process.
        dataset: a name ("digits"), a mapping as in a config, or ``((x_train, y_train), (x_test, y_test))`` with uint8
            images (n, height, width, channels) and integer labels (n,), as `keras.datasets` gives them.
        variants: names, or mappings as in a config; the first is the reference.
        seeds: the unit of replication; all variants share them.
        output: the folder for the records. The same call again trains only what is missing there.
        training: as in a config: optimizer, loss, batch_size, epochs, schedule, early_stopping, ….
        validation: "test", or ``{"holdout": 0.1}`` to keep the test split for the end.
        init_batch: how many training images data-dependent initialization takes.
        grid: values that every variant is trained with, by key: ``{"training.batch_size": [32, 64]}``.
        workers: runs at a time; by default one a core.
        device: "cpu" or "gpu"; by default a GPU where TensorFlow sees one.
        data_dir: where to look for datasets first.
        overwrite: delete earlier runs that differ from what is asked.
        quiet: show no progress.

    Returns:
        What `wncompare.load(output)` returns, a row a run and epoch.

    Raises:
        WncompareError: what is asked for is refused, or no run finished; the message is one line.
    """
    folder = Path(output)
    config = configs.from_data(
        {
            "name": "comparison",
            "dataset": _dataset(dataset, folder),
            "model": {"name": "function", "architecture": _digest(build_model)},
            "variants": [{"name": variant} if isinstance(variant, str) else dict(variant) for variant in variants],
            "training": dict(training or {}),
            "validation": validation if isinstance(validation, str) else dict(validation),
            "init_batch": init_batch,
            "grid": {key: list(values) for key, values in (grid or {}).items()},
            "seeds": list(seeds),
        },
        "wncompare.compare",
    )
    with console.progress(epochs=config.training.epochs, quiet=quiet) as listen:
        experiment.execute(
            config,
            folder,
            engine=LocalEngine(workers, device),
            data_dir=Path(data_dir) if data_dir else None,
            overwrite=overwrite,
            listen=listen,
            build_model=cloudpickle.dumps(build_model),
        )
    found = [records.read(place) for place in records.find(folder)]
    _refuse_nothing(found[0])
    return tabulated(found)


def _refuse_nothing(experiment: Experiment) -> None:
    """Raise where there is no finished run at all, with the first reason."""
    if not experiment.has_finished:
        reasons = (run.record.error for run in experiment.runs if run.record.error)
        raise ModelError(f"{experiment.folder}: no run has finished: {next(reasons, 'all diverged')}")


def _digest(build_model: "Callable[[], keras.Model]") -> str:
    """SHA-256 of the architecture, so that records of another network are not taken for this one's."""
    model = build_model() if callable(build_model) else build_model
    if not hasattr(model, "to_json"):
        raise ModelError(f"build_model: {model!r:.60}: expected a function that makes a new keras.Model at each call")
    config = json.loads(model.to_json())
    names = {name: f"layer {number}" for number, name in enumerate(dict.fromkeys(_names(config)))}
    return hashlib.sha256(json.dumps(_renamed(config, names), sort_keys=True).encode()).hexdigest()


def _names(config: Any) -> Iterator[str]:
    """Every name in a Keras config, in order: Keras counts them up from model to model."""
    if isinstance(config, dict):
        if isinstance(config.get("name"), str):
            yield config["name"]
        config = list(config.values())
    if isinstance(config, list):
        for item in config:
            yield from _names(item)


_NAMES = ("name", "inbound_nodes", "input_layers", "output_layers")
"""Where a Keras config speaks of layers by name; the same text elsewhere may be an activation."""


def _renamed(config: Any, names: Mapping[str, str], here: bool = False) -> Any:
    if isinstance(config, dict):
        return {key: _renamed(value, names, here or key in _NAMES) for key, value in config.items()}
    if isinstance(config, list):
        return [_renamed(item, names, here) for item in config]
    return names.get(config, config) if here and isinstance(config, str) else config


def _dataset(dataset: str | Mapping[str, Any] | Arrays, folder: Path) -> dict[str, Any]:
    """The dataset as a config names it; arrays are kept beside the records."""
    if isinstance(dataset, str):
        return {"name": dataset}
    if isinstance(dataset, Mapping):
        return dict(dataset)
    (x_train, y_train), (x_test, y_test) = dataset
    arrays = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
    digest = hashlib.sha256()
    for array in map(np.asarray, arrays.values()):
        digest.update(repr((array.shape, array.dtype)).encode() + array.tobytes())
    file = (folder / f"data-{digest.hexdigest()[:12]}.npz").absolute()
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with files.replacing(file) as temporary:
            np.savez(temporary, **arrays)  # type: ignore[arg-type]
    return {"name": "npz", "path": str(file)}
