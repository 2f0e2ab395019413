"""The summary as rows for summary.csv: one for each variant of each comparison.

Labels are left out: they are free text, which a spreadsheet could take for a formula. Ids and settings cannot be one.
"""

from collections.abc import Iterator
from typing import Any

from wncompare.analysis.schema import Comparison, Summary, VariantSummary

_PLAIN = ("point", "planned", "finished", "diverged", "failed", "parameters", "median", "compile_seconds")
_ESTIMATES = ("accuracy", "headline", "area", "step_seconds")
_BOUNDS = ("mean", "low", "high")

COLUMNS = ("comparison", "variant", *_PLAIN, *(f"{name}_{bound}" for name in _ESTIMATES for bound in _BOUNDS))


def rows(summary: Summary) -> Iterator[dict[str, Any]]:
    """A row a variant and comparison, under `COLUMNS`; `headline` is the metric that summary.json names."""
    for comparison in summary.comparisons:
        for variant in comparison.variants:
            yield _row(comparison, variant)


def _row(comparison: Comparison, variant: VariantSummary) -> dict[str, Any]:
    return (
        {"comparison": comparison.name, "variant": variant.id}
        | {name: getattr(variant, name) for name in _PLAIN}
        | {f"{name}_{bound}": getattr(getattr(variant, name), bound) for name in _ESTIMATES for bound in _BOUNDS}
    )
