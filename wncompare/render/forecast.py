"""A forecast as text: the plan, and about how long and how much memory it takes."""

from datetime import timedelta
from math import ceil

from wncompare.run.forecast import Forecast


def lines(found: Forecast) -> tuple[str, str]:
    """A line for the plan, one for the estimate."""
    return f"plan: {_plan(found)}", f"estimate: {_estimate(found)}"


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
        return f"none for your own data or model; one epoch tells ({workers}{memory})"
    duration = str(timedelta(seconds=ceil(found.seconds)))
    if found.at_most and found.at_most.seconds is not None:
        duration = f"{duration} to {timedelta(seconds=ceil(found.at_most.seconds))}"
    return f"about {duration} (h:mm:ss) with {workers}; a 2024 server core is assumed{memory}"
