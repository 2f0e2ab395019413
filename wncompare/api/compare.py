"""The main job as a Python function, for a network that lives in your own code."""

import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import cloudpickle

from wncompare import config as configs
from wncompare import records
from wncompare.api import arguments, arrays
from wncompare.api import variants as own
from wncompare.catalog.registry import resolve
from wncompare.errors import ModelError, UsageError, WncompareError
from wncompare.records import Experiment
from wncompare.records.table import tabulated
from wncompare.render import progress as console
from wncompare.run import execute as experiment
from wncompare.run.engines import LocalEngine
from wncompare.tasks import Device

if TYPE_CHECKING:
    import keras
    import pandas as pd


def compare(
    build_model: "Callable[[], keras.Model]",
    dataset: str | Mapping[str, Any] | arrays.Arrays,
    variants: "Iterable[str | Mapping[str, Any] | Callable[[keras.Model], keras.Model]]" = ("regular", "weight_norm"),
    seeds: Iterable[int] | Mapping[str, Any] = range(10),
    *,
    output: str | Path,
    training: Mapping[str, Any] | None = None,
    validation: str | Mapping[str, float] = "test",
    init_batch: int = 512,
    grid: Mapping[str, Iterable[Any]] | None = None,
    headline: Mapping[str, str] | None = None,
    workers: int | None = None,
    device: Device | None = None,
    data_dir: str | Path | None = None,
    overwrite: bool = False,
    quiet: bool = False,
) -> "pd.DataFrame":
    """Train every variant of your own network over several seeds, in pairs, and return the records as one table.

    Args:
        build_model: makes the regular network, an uncompiled `keras.Model` from the inputs, images scaled to [0, 1], to
            class probabilities or whatever the targets are. It is called once for every run, after the seed is set, in
            a worker process, and twice here: the network is recognised by what it computes, and one that differs at the
            second call is refused. Layers, activations and the like of your own need no registration.
        dataset: a name ("digits"), a mapping as in a config, or ``((x_train, y_train), (x_test, y_test))``. Inputs are
            arrays or, where there are several, dictionaries of arrays by name: uint8 images (n, height, width[,
            channels]), floats, or whole numbers as tokens. Whole targets are classes, floats numbers of any shape; None
            in both places makes the inputs the targets. ``{"arrays": …, "standardize": True}`` gives arrays options of
            the dataset npz.
        variants: names, mappings as in a config, or functions of your own; the first is the reference. A function
            takes the regular network, freshly built, and returns it changed or another one with the same inputs and
            outputs; what it keeps of the network's layers keeps their initial weights, which are those of the other
            arms. It is named by its `__name__`, or by ``{"function": f, "id": "name"}``, which takes a label and a
            color too, and like `build_model` it is recognised by what it makes.
        seeds: several whole numbers; the unit of replication, shared by all variants. As in a config,
            ``{"until": "settled"}`` is as many as settle every contrast.
        output: the folder for the records. The same call again trains only what is missing there.
        training: as in a config: optimizer, loss, batch_size, epochs, schedule, early_stopping, ….
        validation: "test", or ``{"holdout": 0.1}`` to keep the test split for the end.
        init_batch: how many training images data-dependent initialization takes.
        grid: values that every variant is trained with, by key: ``{"training.batch_size": [32, 64]}``.
        headline: the metric that verdicts are about, ``{"metric": "loss"}``; by default the accuracy or, of
            targets that are no classes, the loss.
        workers: runs at a time; by default one a core.
        device: "cpu" or "gpu"; by default a GPU where TensorFlow sees one.
        data_dir: where to look for datasets first.
        overwrite: delete earlier runs that differ from what is asked, or are of another network.
        quiet: show no progress.

    Returns:
        What `wncompare.load(output)` returns, a row a run and epoch.

    Raises:
        WncompareError: what is asked for is refused, or no run finished; the message is one line, with the remedy.

    Numbers and sequences may be NumPy's. Runs that an earlier version has recorded are taken where the architecture is
    the same, with a warning: whether they computed the same cannot be told.
    """
    try:
        return _compared(
            {
                "model": arguments.function(build_model),
                "dataset": dataset,
                "variants": own.described(variants),
                "training": arguments.mapping("training", training, '{"epochs": 3}'),
                "validation": arguments.plain(validation),
                "init_batch": arguments.plain(init_batch),
                "grid": arguments.mapping("grid", grid, '{"training.batch_size": [32, 64]}'),
                "headline": arguments.mapping("headline", headline, '{"metric": "loss"}') or None,
                "seeds": arguments.seeds(seeds),
            },
            arguments.folder("output", output),
            quiet=quiet,
            data_dir=None if data_dir is None else arguments.folder("data_dir", data_dir),
            workers=arguments.whole_number("workers", workers),
            device=arguments.one_of("device", device, *get_args(Device)),
            overwrite=overwrite,
        )
    except WncompareError as error:
        raise error.in_python() from error.__cause__


def _compared(
    description: dict[str, Any],
    folder: Path,
    *,
    quiet: bool,
    workers: int | None,
    device: Device | None,
    **settings: Any,
) -> "pd.DataFrame":
    build_model = description["model"]
    dataset = arrays.as_config(description["dataset"], folder)
    network = {"name": "function", **resolve("wncompare.nn.identity:known_by")(build_model)}
    variants, functions = own.recognised(description["variants"], build_model)
    config = configs.from_data(
        {"name": "comparison", **description, "dataset": dataset, "model": network, "variants": variants},
        "wncompare.compare",
    )
    packed = _packed(build_model, "build_model")
    own_variants = {name: _packed(function, f"variant {name}") for name, function in functions.items()}
    _warn_of_unchanged(network, variants)
    with console.progress(epochs=config.training.epochs, quiet=quiet) as listen:
        experiment.execute(
            config,
            folder,
            engine=LocalEngine(workers, device),
            listen=listen,
            build_model=packed,
            own_variants=own_variants,
            **settings,
        )
    found, *below = map(records.read, records.find(folder))
    _refuse_nothing(found)
    _warn_of_unknown_networks(found)
    return tabulated([found, *below])


def _packed(function: Any, name: str) -> bytes:
    """The function as bytes, for the workers; `name` is for the message.

    Raises:
        UsageError: something that it uses has no place in another process.
    """
    try:
        return bytes(cloudpickle.dumps(function))
    except Exception as error:  # what it refers to raises what it likes
        reason = " ".join(str(error).split())[:200]
        raise UsageError(
            f"{name}: cannot be sent to a worker process ({reason}): make what it uses, such as open files, locks "
            "and generators, inside the function"
        ) from error


def _refuse_nothing(experiment: Experiment) -> None:
    """Raise where there is no finished run at all, with the first reason."""
    if not experiment.has_finished:
        reasons = (run.record.error for run in experiment.runs if run.record.error)
        raise ModelError(f"{experiment.folder}: no run has finished: {next(reasons, 'all diverged')}")


def _warn_of_unchanged(network: Mapping[str, Any], variants: Iterable[Mapping[str, Any]]) -> None:
    """Say which functions leave the network as it is: their arms would differ from the regular one in nothing."""
    for variant in variants:
        made = variant.get("options", {}) if variant["name"] == "function" else {}
        if made and all(made[key] == network[key] for key in ("architecture", "probe")):
            warnings.warn(
                f"variant {variant['id']}: makes the regular network again: return the network that is changed, as "
                "replacing an element of model.layers changes nothing",
                stacklevel=4,
            )


def _warn_of_unknown_networks(experiment: Experiment) -> None:
    """Say which runs are taken for this network's without proof: those of a time before a network's probe was kept."""
    unknown = [run.name for run in experiment.runs if run.record.probe is None]
    if unknown:
        warnings.warn(
            f"{experiment.folder}: {len(unknown)} runs, {unknown[0]} the first, are of a version that kept a network's "
            "architecture alone: whether layers' code, set weights and adapted values were these cannot be told; to be "
            "sure, train them again in another folder, output=",
            stacklevel=4,
        )
