"""How far an experiment is, as text."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from math import ceil

from wncompare.analysis.failures import clean
from wncompare.run.status import STATES, Looking, RunState, Status

FEW = 40
"""Up to so many runs have a line each; more are counted by variant, and the running and failed ones listed."""


def lines(one: Status) -> Iterator[str]:
    """A line a run or, of many runs, a table of variants and states; and a line of totals."""
    yield f"{one.experiment} in {one.folder}"
    shown = one.runs
    if len(one.runs) > FEW:
        yield from _aligned(_table(one))
        shown = tuple(run for run in one.runs if run.status not in ("finished", "missing"))
        yield from _aligned([_cells(run) for run in shown[:FEW]])
        if len(shown) > FEW:
            yield f"  … and {len(shown) - FEW} more: --json lists them all"
    else:
        yield from _aligned([_cells(run) for run in shown])
    yield _totals(one)
    if one.looking:
        yield _looks(one.looking)


def _looks(found: Looking) -> str:
    if found.settled:
        return f"settled with {found.seeds} seeds"
    return f"not settled: the next look is at {found.seeds} seeds, the last at {found.most}"


def _table(one: Status) -> list[tuple[str, ...]]:
    states = [state for state in STATES if one.counts[state]]
    variants = dict.fromkeys(run.variant for run in one.runs)
    rows = [("variant", *states)]
    for variant in variants:
        found = [run.status for run in one.runs if run.variant == variant]
        rows.append((variant, *(str(found.count(state)) for state in states)))
    return rows


def _aligned(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _cells(run: RunState) -> tuple[str, str, str]:
    return run.run, run.status, _detail(run)


def _detail(run: RunState) -> str:
    if run.error is not None:
        return " ".join(clean(run.error).split())
    match run.status:
        case "finished":
            return f"{run.epochs} epochs"
        case "missing":
            return ""
        case "diverged":
            return f"at epoch {run.epoch}"
        case "running" if run.epoch >= run.epochs:
            return "finishing"
        case "running" if run.steps_per_second is not None and run.seconds_left is not None:
            pace = f"{run.steps_per_second:.0f} steps/s, {_duration(run.seconds_left)} left"
            return f"epoch {run.epoch + 1} of {run.epochs}, {pace}"
        case "running":
            return f"epoch {run.epoch + 1} of {run.epochs}"
        case _:
            return f"after epoch {run.epoch} of {run.epochs}"


def _totals(one: Status) -> str:
    others = [f"{number} {state}" for state, number in one.counts.items() if number and state != "finished"]
    left = [] if one.seconds_left is None else [f"about {_duration(one.seconds_left)} left"]
    return ", ".join([f"{one.counts['finished']} of {len(one.runs)} runs finished", *others, *left])


def _duration(seconds: float) -> str:
    return str(timedelta(seconds=ceil(seconds)))
