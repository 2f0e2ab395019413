"""The comparison of two results folders for a terminal."""

from collections.abc import Iterator, Sequence
from math import isfinite

from rich.console import Group
from rich.text import Text

from wncompare.analysis import verdict
from wncompare.analysis.folders import Change, Differing, FolderComparison, Side
from wncompare.analysis.words import NOTHING, counted, estimate, metric_name, plain, ratio, signed
from wncompare.render.tables import Table
from wncompare.render.terminal import Fitting


def report(found: FolderComparison) -> Group:
    """What became of each variant, and in what else the two differ."""
    return Group(
        *_side("A", found.a),
        *_side("B", found.b),
        *([Text(f"other data: {found.other_data}: what differs may be the data's doing")] if found.other_data else []),
        Fitting(_changes(found)),
        *(Text(f"{change.name}, B against A: {verdict.brief(change)}.") for change in found.changes),
        Text(),
        *_differing("settings", found.config),
        *_differing("environment", found.environment),
    )


def complaint(change: Change) -> str:
    """What is worse in B, and how sure that is."""
    if change.diverged > 0:
        return f"{change.name}: worse: {counted(change.diverged, 'more run')} diverged in B than in A"
    if not isfinite(change.difference.mean):
        return f"{change.name}: worse by {change.worsening:.4f} over the pairs in which neither run diverged"
    return f"{change.name}: worse by {change.worsening:.4f}: {_certainty(change)}"


def _certainty(change: Change) -> str:
    if change.outcome == "one pair":
        return "one pair has no interval and no verdict"
    excludes = "excludes" if change.difference.high < 0 or change.difference.low > 0 else "includes"
    few = f", but {counted(change.n, 'pair')} are too few for a verdict" if change.outcome == "too few" else ""
    interval = f"{signed(change.difference.low)} to {signed(change.difference.high)}"
    return f"the 95 % interval, {interval}, {excludes} 0{few}"


def _side(letter: str, side: Side) -> Iterator[Text]:
    yield Text(f"{letter}: {side.folder} ({side.experiment} on {side.dataset})")
    if side.unpaired:
        yield Text(f"   {counted(len(side.unpaired), 'run')} without a partner: {', '.join(side.unpaired)}")


def _changes(found: FolderComparison) -> Table:
    metric = metric_name(found.headline)
    columns = ("variant", "pairs", f"{metric} in A", "in B", "B − A", "p (Holm)", "time a step, B / A")
    return Table("", columns, tuple(map(_row, found.changes)))


def _row(change: Change) -> tuple[str, ...]:
    return (
        change.name,
        str(change.n),
        estimate(change.a),
        estimate(change.b),
        estimate(change.difference, sign=True),
        plain(change.p_holm, digits=4),
        ratio(change.step_ratio),
    )


def _differing(what: str, values: Sequence[Differing]) -> Iterator[Text]:
    if not values:
        yield Text(f"{what}: the same")
        return
    yield Text(f"{what}:")
    for value in values:
        yield Text(f"  {value.key}: {_shown(value.a)} in A, {_shown(value.b)} in B")


def _shown(value: object) -> str:
    return NOTHING if value is None else str(value)
