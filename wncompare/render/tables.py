"""The tables that the terminal and Markdown show alike, as text."""

from collections.abc import Iterator
from dataclasses import dataclass

from wncompare.analysis.estimates import Quantile
from wncompare.analysis.headline import bare
from wncompare.analysis.schema import (
    Comparison,
    ContrastRobustness,
    ContrastSummary,
    Robustness,
    Summary,
    VariantSummary,
)
from wncompare.analysis.words import (
    NOTHING,
    estimate,
    median,
    metric_name,
    milliseconds,
    plain,
    ratio,
    ratio_of_medians,
)

CAPTION = "last epoch; mean ± half the 95 % Student-t interval; differences paired by seed; detectable with 80 % power"

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
    if summary.robustness:
        yield _robustness(summary, summary.robustness)


def _variants(summary: Summary, comparison: Comparison) -> Table:
    settings = len(set(comparison.selected.values())) > 1
    columns = (
        "variant",
        *(("setting",) if settings else ()),
        "runs",
        "parameters",
        metric_name(bare(summary.headline)),
        metric_name(summary.headline),
        "ms a step",
        "s to compile or load",
        *(f"epochs to {target:.3g}" for target in summary.targets.values),
    )
    return Table(comparison.name, columns, tuple(_variant(variant, settings) for variant in comparison.variants))


def _variant(variant: VariantSummary, settings: bool) -> Row:
    return (
        variant.label,
        *((variant.point,) if settings else ()),
        f"{variant.finished}/{variant.planned}" + (f", {variant.diverged} diverged" if variant.diverged else ""),
        NOTHING if variant.parameters is None else f"{variant.parameters:,}",
        estimate(variant.training),
        estimate(variant.headline),
        milliseconds(variant.step_seconds),
        plain(variant.compile_seconds, digits=1),
        *(_epochs(target.epochs) for target in variant.targets),
    )


def _epochs(found: Quantile) -> str:
    return median(found.value, found.low, found.high, digits=0)


def _contrasts(summary: Summary, comparison: Comparison) -> Table:
    labels = {variant.id: variant.label for variant in comparison.variants}
    equivalence = summary.smallest_difference is not None
    rows = tuple(_contrast(contrast, labels, equivalence) for contrast in comparison.contrasts)
    columns = (
        "contrast",
        "pairs",
        f"difference in {metric_name(summary.headline)}",
        "p (Holm)" if sum(len(other.contrasts) for other in summary.comparisons) > 1 else "p",
        "better/equal/worse",
        "P(better)",
        "detectable",
        *((f"against ±{summary.smallest_difference:g}",) if equivalence else ()),
        "time a step, ratio",
        *(f"time to {target:.3g}, ratio" for target in summary.targets.values),
    )
    return Table("", columns, rows)


def _contrast(contrast: ContrastSummary, labels: dict[str, str], equivalence: bool) -> Row:
    return (
        _difference(contrast, labels),
        str(contrast.n),
        estimate(contrast.difference, sign=True),
        plain(contrast.p_holm, digits=4),
        f"{contrast.wins}/{contrast.ties}/{contrast.losses}",
        plain(contrast.probability_of_improvement.mean),
        plain(contrast.detectable, digits=4),
        *((contrast.equivalence or NOTHING,) if equivalence else ()),
        ratio(contrast.step_ratio),
        *map(ratio_of_medians, contrast.time_to_target_ratios),
    )


def _difference(contrast: ContrastSummary | ContrastRobustness, labels: dict[str, str]) -> str:
    difference = f"{labels[contrast.variant]} − {labels[contrast.reference]}"
    return difference if contrast.name == contrast.variant else f"{contrast.name}: {difference}"


def _robustness(summary: Summary, robustness: Robustness) -> Table:
    labels = {variant.id: variant.label for variant in summary.comparisons[0].variants}
    columns = [[*(cell.headline for cell in each.points), each.mean] for each in robustness.variants]
    differences = [[*(cell.difference for cell in each.points), each.mean] for each in robustness.contrasts]
    names = [*(cell.point for cell in robustness.variants[0].points), OVER_ALL]
    return Table(
        f"{metric_name(summary.headline)} at every setting; differences are not corrected for their number",
        (
            "setting",
            *(labels[each.variant] for each in robustness.variants),
            *(_difference(each, labels) for each in robustness.contrasts),
        ),
        tuple(
            (name, *map(estimate, row[: len(columns)]), *(estimate(cell, sign=True) for cell in row[len(columns) :]))
            for name, *row in zip(names, *columns, *differences, strict=True)
        ),
    )
