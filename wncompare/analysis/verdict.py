"""The verdict on an experiment in a sentence; what was not found is not said to be absent."""

from collections.abc import Sequence

from wncompare.analysis.schema import Comparison, ContrastSummary, Outcome
from wncompare.analysis.sentences import Found, doubt, evidence, few, side
from wncompare.analysis.words import counted

MOST_NAMED = 4
"""With more contrasts than these the verdict counts them."""


def verdict(comparisons: Sequence[Comparison]) -> str:
    """The answer in a sentence: of the one contrast there is, of each in brief, or how many came out how."""
    named = [(comparison, contrast) for comparison in comparisons for contrast in comparison.contrasts]
    if not named:
        return "There is one variant: nothing is compared."
    if len(named) == 1:
        return named[0][1].sentence
    if len(named) <= MOST_NAMED:
        return "; ".join(f"{_name(*each)}: {_brief_contrast(each[1])}" for each in named) + "."
    return _tally([contrast for _, contrast in named])


_BRIEF: dict[Outcome, str] = {
    "better": "better, ",
    "worse": "worse, ",
    "equal": "the same in every pair",
    "equivalent": "equivalent, ",
    "not told from noise": "no difference can be told from seed noise, ",
    "too few": "too few pairs for a verdict, ",
    "one pair": "one pair, no verdict",
    "nothing": "no finished pair yet",
}


_OF_A_SUM: dict[Outcome, str] = {
    "better": "{} 0, ",
    "worse": "{} 0, ",
    "equal": "0 in every pair",
    "equivalent": "equivalent to 0, ",
    "not told from noise": "cannot be told from 0, ",
}


def brief(found: Found) -> str:
    """The verdict in a few words, with its numbers."""
    return _brief(_BRIEF[found.outcome], found)


def _brief(words: str, found: Found) -> str:
    return words + evidence(found) if words.endswith(" ") else words


def _brief_contrast(contrast: ContrastSummary) -> str:
    words = _BRIEF[contrast.outcome]
    if contrast.variant is None and contrast.outcome in _OF_A_SUM:
        words = _OF_A_SUM[contrast.outcome].format(side(contrast))
    if _is_small(contrast):
        words = words.replace(", ", " by less than matters, ")
    if since := contrast.settled not in (None, contrast.n):
        words += f"settled at {counted(contrast.settled, 'pair')} and by now "
    if contrast.few_decide:
        words = f"few pairs decide the mean: {few(contrast)}, {words}"
    return _brief(words, contrast) + (doubt(contrast) if since else "")


def _is_small(contrast: ContrastSummary) -> bool:
    """Whether a difference is clear and yet too small to matter."""
    return contrast.outcome in ("better", "worse") and contrast.equivalence == "equivalent"


def _name(comparison: Comparison, contrast: ContrastSummary) -> str:
    single = len(set(comparison.selected.values())) == 1
    return f"{contrast.name} at {comparison.name}" if comparison.name and single else contrast.name


def _tally(contrasts: Sequence[ContrastSummary]) -> str:
    kinds = [_kind(contrast) for contrast in contrasts]
    counts = [f"{kinds.count(kind)} {kind}" for kind in _KINDS if kind in kinds]
    return f"Of {len(contrasts)} contrasts, p corrected by Holm, {', '.join(counts)}."


_TALLY: dict[Outcome, str] = {
    "better": "came out better",
    "worse": "came out worse",
    "equal": "are the same in every pair",
    "equivalent": "came out equivalent",
    "not told from noise": "cannot be told from seed noise",
    "too few": "have too few pairs for a verdict",
    "one pair": "have one pair and no verdict",
    "nothing": "have no finished pair yet",
}
_SMALL = " by less than matters"
_FEW = "have a mean that few pairs decide"
_KINDS = (*(kind for words in _TALLY.values() for kind in (words, words + _SMALL)), _FEW)


def _kind(contrast: ContrastSummary) -> str:
    if contrast.few_decide:
        return _FEW
    return _TALLY[contrast.outcome] + (_SMALL if _is_small(contrast) else "")
