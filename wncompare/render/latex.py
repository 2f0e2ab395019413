"""The summary as LaTeX: a booktabs table and a methods paragraph; names from a config are text there, never macros.

The text compiles with pdfLaTeX and needs `booktabs` alone.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from math import isfinite

from wncompare.analysis.estimates import Estimate
from wncompare.analysis.failures import clean
from wncompare.analysis.methods import methods
from wncompare.analysis.schema import Comparison, ContrastSummary, EqualCost, Summary
from wncompare.analysis.words import NOTHING, estimate, median_difference, metric_name, plain, ratio, signed
from wncompare.render.tables import Row, budget

_SPECIAL = {
    "\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "`": r"\textasciigrave{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': "''",
    **{character: f"\\{character}" for character in "{}$&#_%"},
    **{character: f"{{{character}}}" for character in "[]*"},  # after \\ they would be its arguments
}  # fmt: skip
_MATH = {
    "−": "-", "±": r"\pm", "×": r"\times", "·": r"\cdot", "∞": r"\infty", "‖": r"\Vert", "→": r"\rightarrow",
    "←": r"\leftarrow", "≤": r"\leq", "≥": r"\geq", "≠": r"\neq", "≈": r"\approx", "√": r"\surd", "′": r"'",
    "α": r"\alpha", "β": r"\beta", "γ": r"\gamma", "δ": r"\delta", "ε": r"\varepsilon", "η": r"\eta", "θ": r"\theta",
    "λ": r"\lambda", "μ": r"\mu", "π": r"\pi", "ρ": r"\rho", "σ": r"\sigma", "τ": r"\tau", "φ": r"\varphi",
    "½": r"\frac12", "¼": r"\frac14", "¾": r"\frac34", "Δ": r"\Delta", "Σ": r"\Sigma", "Ω": r"\Omega", "ⁿ": "^{n}",
}  # fmt: skip
_TEXT = frozenset("–—‘’“”•…†‡€™ßæœøåłıÆŒØÅŁ§¶©®°²³¹µ¡¿")
_ACCENTS = frozenset("\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0327")
_LIGATURES = re.compile(r"(?<=-)(?=-)|(?<=')(?=')|(?<=,)(?=,)")


def render(summary: Summary) -> str:
    """The table of every comparison and the methods paragraph, to be included in a document."""
    return "\n".join(("% needs \\usepackage{booktabs}", *_table(summary), "", escaped(methods(summary)), ""))


def escaped(text: str) -> str:
    """Any text as LaTeX that shows it: no macro, comment, mathematics or ligature of its own.

    Control characters and what reverses text are left out. A letter that pdfLaTeX's default fonts lack is its code
    point ("U+4E2D").
    """
    return "".join(map(_escaped, _LIGATURES.sub("\0", " ".join(clean(text.replace("\t", " ")).split()))))


def _escaped(character: str) -> str:
    if character == "\0":  # between two characters that TeX would join
        return "{}"
    if character in _MATH:
        return rf"\ensuremath{{{_MATH[character]}}}"
    if character in _SPECIAL:
        return _SPECIAL[character]
    return character if character.isascii() or _has_glyph(character) else f"U+{ord(character):04X}"


def _has_glyph(character: str) -> bool:
    """Whether pdfLaTeX's default encoding has the character: a Latin letter with a common accent, or a known sign."""
    parts = unicodedata.normalize("NFD", character)
    return character in _TEXT or (character < "\u0180" and parts[0].isascii() and _ACCENTS.issuperset(parts[1:]))


def _table(summary: Summary) -> Iterator[str]:
    yield r"\begin{table}"
    yield r"\centering\footnotesize\setlength{\tabcolsep}{3pt}"
    yield rf"\caption{{{escaped(_caption(summary))}}}"
    yield r"\begin{tabular}{p{0.22\linewidth}rrrr}"
    yield r"\toprule"
    yield from _panel(("variant", "seeds", metric_name(summary.headline), "", ""), summary.comparisons, _variants)
    if any(comparison.contrasts for comparison in summary.comparisons):
        yield r"\midrule"
        header = ("difference", "pairs", "mean (interval)", _p_name(summary), "step time, ratio")
        yield from _panel(header, summary.comparisons, _contrasts)
    if any(comparison.equal_cost for comparison in summary.comparisons):
        yield r"\midrule"
        header = ("at equal cost", "pairs", "mean (interval)", "p (Holm)", "budget")
        yield from _panel(header, summary.comparisons, _at_equal_cost)
    yield r"\bottomrule"
    yield r"\end{tabular}"
    yield r"\end{table}"


def _caption(summary: Summary) -> str:
    confidence = f"{100 * summary.confidence:g} %"
    return (
        f"{summary.model} on {summary.dataset}: {metric_name(summary.headline)} at the last epoch, mean ± half the "
        f"{confidence} interval over seeds; differences are paired by seed, with their {confidence} intervals."
    )


def _p_name(summary: Summary) -> str:
    return "p (Holm)" if sum(len(comparison.contrasts) for comparison in summary.comparisons) > 1 else "p"


def _panel(
    header: Row, comparisons: Sequence[Comparison], rows: Callable[[Comparison], Iterator[Row]]
) -> Iterator[str]:
    """The header, and below it the rows of every comparison under its name."""
    yield _row(header)
    for comparison in comparisons:
        yield r"\midrule"
        if comparison.name:
            yield rf"\multicolumn{{5}}{{l}}{{\textit{{{escaped(comparison.name)}}}}} \\"
        yield from map(_row, rows(comparison))


def _variants(comparison: Comparison) -> Iterator[Row]:
    for variant in comparison.variants:
        diverged = f" ({variant.diverged} diverged)" if variant.diverged else ""
        seeds = f"{variant.finished + variant.diverged}{diverged}"
        yield variant.label, seeds, estimate(variant.headline), "", ""


def _contrasts(comparison: Comparison) -> Iterator[Row]:
    for contrast in comparison.contrasts:
        yield (
            _named(contrast),
            str(contrast.n),
            _difference(contrast),
            _p_value(contrast.p_holm),
            ratio(contrast.step_ratio),
        )


def _at_equal_cost(comparison: Comparison) -> Iterator[Row]:
    labels = {contrast.name: _named(contrast) for contrast in comparison.contrasts}
    for found in comparison.equal_cost:
        yield labels[found.contrast], str(found.n), _difference(found), _p_value(found.p_holm), budget(found)


def _named(contrast: ContrastSummary) -> str:
    return contrast.label if contrast.variant is not None else f"{contrast.name}: {contrast.label}"


def _difference(found: ContrastSummary | EqualCost) -> str:
    """The mean or median difference with its bounds, one alone or a dash."""
    if found.basis == "median":
        return f"median {median_difference(found.median)}"
    return _mean(found.difference)


def _mean(found: Estimate) -> str:
    """The mean with its bounds, a mean alone or a dash."""
    if not isfinite(found.low):
        return estimate(found, sign=True)
    return f"{signed(found.mean)} ({signed(found.low)} to {signed(found.high)})"


def _p_value(value: float) -> str:
    return "<0.0001" if value < 0.0001 else plain(value, digits=4)


def _row(cells: Row) -> str:
    first, *others = map(_cell, cells)
    return rf"\raggedright {' & '.join((first, *others))} \\"


def _cell(text: str) -> str:
    return "--" if text == NOTHING else escaped(text)
