"""The tables that the terminal and Markdown show alike, as text."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite

from wncompare.analysis.estimates import Quantile
from wncompare.analysis.headline import bare
from wncompare.analysis.headline import metric as metric_of
from wncompare.analysis.schema import (
    Comparison,
    ContrastRobustness,
    ContrastSummary,
    EqualCost,
    PointDifference,
    PointHeadline,
    Robustness,
    Summary,
    VariantSummary,
)
from wncompare.analysis.words import (
    NOTHING,
    estimate,
    median,
    median_difference,
    metric_name,
    milliseconds,
    p,
    plain,
    ratio,
    ratio_of_medians,
    share,
    signed,
    worth,
)

CAPTION = (
    "last epoch; mean ± half its 95 % interval; differences paired by seed, medians with their 95 % interval; "
    "detectable with 80 % power"
)

OVER_ALL = "mean over all settings"

Row = tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table: its title (empty: none), the names of its columns and its rows; the first column names the row."""

    title: str
    columns: Row
    rows: tuple[Row, ...]


def tables(summary: Summary) -> Iterator[Table]:
    """Every table that has something to show, in the order of reading; none before a run has ended."""
    if not (summary.runs.finished or summary.runs.diverged):
        return
    for comparison in summary.comparisons:
        yield _variants(summary, comparison)
        if comparison.contrasts:
            yield _contrasts(summary, comparison)
        yield from equal_cost(summary, comparison)
    if summary.robustness:
        yield _robustness(summary, summary.robustness)


def _variants(summary: Summary, comparison: Comparison) -> Table:
    settings = len(set(comparison.selected.values())) > 1
    lost = any(_lost(variant) != NOTHING for variant in comparison.variants)
    rates = _own_rates(summary)
    columns = (
        "variant",
        *(("learning rate",) if rates else ()),
        *(("setting",) if settings else ()),
        "runs",
        *(("collapsed or diverged",) if lost else ()),
        "parameters",
        metric_name(bare(summary.headline)),
        metric_name(summary.headline),
        "ms a step",
        "s to compile or load",
        *(f"epochs to {target:.3g}" for target in summary.targets.values),
    )
    return Table(
        comparison.name, columns, tuple(_variant(variant, rates, settings, lost) for variant in comparison.variants)
    )


def _own_rates(summary: Summary) -> dict[str, float]:
    """Each variant's learning rate by id where any has one of its own; else nothing."""
    variants = summary.config["variants"]
    if not any("learning_rate" in variant for variant in variants):
        return {}
    shared = summary.config["training"]["optimizer"]["learning_rate"]
    return {variant["id"]: variant.get("learning_rate", shared) for variant in variants}


def _variant(variant: VariantSummary, rates: Mapping[str, float], settings: bool, lost: bool) -> Row:
    return (
        variant.label,
        *((f"{rates[variant.id]:g}",) if rates else ()),
        *((variant.point,) if settings else ()),
        f"{variant.finished}/{variant.planned}" + (f", {variant.diverged} diverged" if variant.diverged else ""),
        *((_lost(variant),) if lost else ()),
        NOTHING if variant.parameters is None else f"{variant.parameters:,}",
        estimate(variant.training),
        estimate(variant.headline),
        milliseconds(variant.step_seconds),
        plain(variant.compile_seconds, digits=1),
        *(_epochs(target.epochs) for target in variant.targets),
    )


def _lost(variant: VariantSummary) -> str:
    """How many runs learned nothing, and how often that may be; a dash where the records do not tell who collapsed."""
    if (variant.collapsed is None and not variant.diverged) or not variant.lost.n:
        return NOTHING
    return f"{round(variant.lost.mean * variant.lost.n)}/{variant.lost.n} ({share(variant.lost)})"


def _epochs(found: Quantile) -> str:
    return median(found.value, found.low, found.high, digits=0)


def _contrasts(summary: Summary, comparison: Comparison) -> Table:
    equivalence = summary.smallest_difference is not None
    rows = tuple(_contrast(contrast, equivalence) for contrast in comparison.contrasts)
    columns = (
        "contrast",
        "pairs",
        "pairs are worth",
        f"difference in {metric_name(summary.headline)}",
        "effect, sd",
        "p (Holm)" if sum(len(other.contrasts) for other in summary.comparisons) > 1 else "p",
        "median difference, sign test",
        "better/equal/worse",
        "P(better)",
        "detectable",
        "s.e. of the test set",
        *((f"against ±{summary.smallest_difference:g}",) if equivalence else ()),
        "time a step, ratio",
        *(f"time to {target:.3g}, ratio" for target in summary.targets.values),
    )
    return Table("", columns, rows)


def _contrast(contrast: ContrastSummary, equivalence: bool) -> Row:
    return (
        _named(contrast),
        str(contrast.n),
        worth(contrast.n, contrast.pairing_gain, contrast.correlation),
        estimate(contrast.difference, sign=True),
        signed(contrast.effect, 2) if isfinite(contrast.effect) else NOTHING,
        plain(contrast.p_holm, digits=4),
        f"{median_difference(contrast.median)}, {p(contrast.sign_p)}" if contrast.n else NOTHING,
        f"{contrast.wins}/{contrast.ties}/{contrast.losses}",
        plain(contrast.probability_of_improvement.mean),
        plain(contrast.detectable, digits=4),
        plain(contrast.sampling_error, digits=4),
        *((contrast.equivalence or NOTHING,) if equivalence else ()),
        ratio(contrast.step_ratio),
        *map(ratio_of_medians, contrast.time_to_target_ratios),
    )


def equal_cost(summary: Summary, comparison: Comparison) -> Iterator[Table]:
    """The contrasts at equal cost, where there are any."""
    if not comparison.equal_cost:
        return
    metric = metric_name(metric_of(summary.headline).validation.name)
    place = f"{comparison.name}, at equal cost" if comparison.name else "at equal cost"
    title = f"{place}: {metric} at the last epoch done within the budget; p is corrected for each kind of cost"
    columns = ("contrast", "budget", "epochs done", "pairs", f"difference in {metric}", "p (Holm)")
    named = {contrast.name: _named(contrast) for contrast in comparison.contrasts}
    yield Table(title, columns, tuple((named[each.contrast], *_budgeted(each)) for each in comparison.equal_cost))


def budget(found: EqualCost) -> str:
    """What the runs may have cost: "15.9 s", "12,000 steps"."""
    return f"{plain(found.budget, digits=1)} s" if found.cost == "seconds" else f"{plain(found.budget, digits=0)} steps"


def _budgeted(found: EqualCost) -> Row:
    return (
        budget(found),
        " / ".join(plain(epochs, digits=1) for epochs in found.epochs.values()),
        str(found.n),
        _difference(found),
        plain(found.p_holm, digits=4),
    )


def _named(contrast: ContrastSummary | ContrastRobustness) -> str:
    return contrast.label if contrast.name == contrast.variant else f"{contrast.name}: {contrast.label}"


def _robustness(summary: Summary, robustness: Robustness) -> Table:
    labels = {variant.id: variant.label for variant in summary.comparisons[0].variants}
    columns = [[*map(_headline, each.points), estimate(each.mean)] for each in robustness.variants]
    differences = [[*map(_cell, each.points), estimate(each.mean, sign=True)] for each in robustness.contrasts]
    names = [*(cell.point for cell in robustness.variants[0].points), OVER_ALL]
    return Table(
        f"{metric_name(summary.headline)} at every setting; p of differences corrected for their number (Holm)",
        (
            "setting",
            *(labels[each.variant] for each in robustness.variants),
            *map(_named, robustness.contrasts),
        ),
        tuple(zip(names, *columns, *differences, strict=True)),
    )


def _headline(cell: PointHeadline) -> str:
    """The mean at one setting and, where runs collapsed or diverged there, how many."""
    lost = f", {round(cell.lost.mean * cell.lost.n)}/{cell.lost.n} lost" if cell.lost.mean > 0 else ""
    return estimate(cell.headline) + lost


def _cell(cell: PointDifference) -> str:
    """The mean or median difference at one setting, with its p-value."""
    return f"{_difference(cell)}, {p(cell.p_holm)}" if isfinite(cell.p_holm) else _difference(cell)


def _difference(found: PointDifference | EqualCost) -> str:
    """The mean difference or, where a run learned nothing, the median one."""
    if found.basis == "median":
        return f"median {median_difference(found.median)}"
    return estimate(found.difference, sign=True)
