"""A forecast as text: the plan, and about how long and how much memory it takes."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from math import ceil

from wncompare.analysis.needed import Needed
from wncompare.analysis.words import counted
from wncompare.records.machine import BFLOAT16
from wncompare.run.forecast import Forecast


def lines(found: Forecast) -> Iterator[str]:
    """A line for the plan, one for the estimate and, where layers compute in bfloat16, one for what that is worth."""
    yield f"plan: {_plan(found)}"
    yield f"estimate: {_estimate(found)}"
    if found.mixed:
        yield f"precision: mixed_bfloat16, {_worth(found)}"


def _worth(found: Forecast) -> str:
    if found.bfloat16 is None:
        wanted = ", ".join(BFLOAT16)
        return f"for which this processor has no instructions (none of {wanted}): expect it to be slower than float32"
    return (
        f"which this processor multiplies ({found.bfloat16}): faster where convolutions have many channels; lenet, "
        "dense and recurrent layers are not"
    )


def needed_lines(found: Sequence[Needed], workers: int) -> Iterator[str]:
    """A line a contrast: how many seeds would tell, and how long they take."""
    for each in found:
        spread = f"by the spread of {counted(each.n, 'pair')} (standard deviation {each.deviation:.4f})"
        tells = f"would find a difference of {each.smallest_difference:g} in {each.contrast} with 80 % power, {spread}"
        if each.seeds is None:
            yield f"seeds: not a million {tells}"
        elif each.seeds <= each.n:
            yield f"seeds: {each.seeds} {tells}: they are there"
        else:
            yield f"seeds: {each.seeds} {tells}: {each.seeds - each.n} more{_duration(each.seconds, workers)}"


def _duration(seconds: float | None, workers: int) -> str:
    return "" if seconds is None else f", about {timedelta(seconds=ceil(seconds))} with {counted(workers, 'worker')}"


def _plan(found: Forecast) -> str:
    points = f" × {found.points} points" if found.points > 1 else ""
    seeds, number = (str(each) for each in (found.seeds, found.runs))
    if found.at_most:
        seeds, number = f"{seeds} to {found.at_most.seeds}", f"{number} to {found.at_most.runs}"
    runs = f"{found.variants} variants{points} × {seeds} seeds = {number} runs of {found.epochs} epochs"
    return runs if found.steps_per_epoch is None else f"{runs} of {found.steps_per_epoch:,} steps"


def _estimate(found: Forecast) -> str:
    workers = f"{found.workers} worker{'s' if found.workers > 1 else ''}"
    memory = "" if found.memory_bytes is None else f"; memory: about {found.memory_bytes / 1e9:.1f} GB"
    if found.seconds is None:
        whose = "bfloat16" if found.mixed else "this dataset or model"
        return f"none for {whose}; one epoch tells ({workers}{memory})"
    duration = str(timedelta(seconds=ceil(found.seconds)))
    if found.at_most and found.at_most.seconds is not None:
        duration = f"{duration} to {timedelta(seconds=ceil(found.at_most.seconds))}"
    return f"about {duration} (h:mm:ss) with {workers}; a 2024 server core is assumed{memory}"
