"""What a verdict says of how the networks were trained, not of the networks: what the arms cannot help."""

from collections.abc import Iterator

from wncompare.analysis.words import counted
from wncompare.config import Variant
from wncompare.records import Experiment, Run

MOST_LEFT = 0.01
"""So much of their initial values may be left in moving averages before a reader must know of it."""


def artefacts(experiment: Experiment) -> Iterator[str]:
    """The caveats on batch normalization: moving averages that had no time to move, and gains that it undoes."""
    for variant in experiment.config.variants:
        runs = experiment.finished(variant)
        yield from _of_moving_averages(variant, runs)
        yield from _of_redundant_gains(variant, runs)


def _of_moving_averages(variant: Variant, runs: list[Run]) -> Iterator[str]:
    """That of the run in which most is left of the initial values: after k steps momentumᵏ."""
    found = [(momentum, run.history["steps"].sum()) for run in runs if (momentum := _momentum(variant, run))]
    momentum, steps = max(found, key=lambda each: each[0] ** each[1], default=(0.0, 1.0))
    if (left := momentum**steps) > MOST_LEFT:
        yield (
            f"{variant.label} is validated with moving averages that after {counted(int(steps), 'step')} still hold "
            f"{100 * left:.0f} % of their initial values (batch normalization, momentum {momentum:g}): what that does "
            "is the short run's doing, not the network's. Train longer, or lower the momentum."
        )


def _momentum(variant: Variant, run: Run) -> float | None:
    """The largest of the run's network; where the record does not say, the variant's own."""
    recorded, option = run.record.momentum, getattr(variant.options, "momentum", None)
    return option if recorded is None else recorded


def _of_redundant_gains(variant: Variant, runs: list[Run]) -> Iterator[str]:
    if layers := max((run.record.redundant_gains for run in runs), default=0):
        yield (
            f"{variant.label} has {counted(layers, 'weight-normalized layer')} right before a batch normalization, "
            "which divides by any gain: theirs is redundant and changes nothing that the network computes."
        )
