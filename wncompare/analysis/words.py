"""Numbers as people read them."""

from collections.abc import Mapping
from math import isfinite, isnan
from pathlib import Path

from wncompare.analysis.estimates import Estimate, Quantile
from wncompare.analysis.headline import Metric, bare
from wncompare.analysis.schema import TargetRatio
from wncompare.config import Config
from wncompare.records import SCORE


def metric_name(name: str) -> str:
    """What people call a metric: "validation accuracy", "test auc", "training mean absolute error".

    Of a score that something else produced nobody knows on which data it was taken: "accuracy".
    """
    kinds = {"val_": "validation ", "test_": "test ", SCORE: ""}
    kind = next((kind for kind in kinds if name.startswith(kind)), "")
    return f"{kinds.get(kind, 'training ')}{name.removeprefix(kind).replace('_', ' ')}"


def directed(metric: Metric) -> str:
    """A metric's name, and which way it is better where that is not as for an accuracy: "… (lower is better)"."""
    return metric_name(metric.name) + ("" if metric.better == "higher" else " (lower is better)")


def on_axis(name: str, headline: Metric) -> str:
    """What an axis of a metric is called: with the way in which it is better where verdicts are about it."""
    return directed(headline.of(name)) if bare(name) == headline.bare else metric_name(name)


NOTHING = "–"


def exploratory(headline: Metric) -> str:
    """Which target is taken where the config has none; see `metrics.targets`."""
    if headline.bare == "accuracy":
        return "95 % of the reference's median"
    return "95 % of the way from the reference's median after the first epoch to that after the last"


def model_name(config: Config) -> str:
    """What the model is called: its name in the catalog, its file's name, or "your model" for one made in Python."""
    model = config.model
    if model.name == "file":
        return Path(str(model.model_dump()["file"])).name
    return "your model" if model.name == "function" else model.name


_SMALLEST, _LARGEST = 1e-12, 1e7
"""Below it a number is what rounding leaves of zero; from the largest on its decimals say nothing."""


def fixed(value: float, digits: int = 4, sign: str = "") -> str:
    """A finite number to so many places, or two digits and a power of ten where that would show none: "4.2e-06"."""
    if _SMALLEST < abs(value) < 0.5 * 10**-digits or abs(value) >= _LARGEST:
        return f"{value:{sign}.1e}".replace("-", "−", value < 0)
    return f"{round(value, digits) + 0.0:{sign}.{digits}f}".replace("-", "−")


def signed(value: float, digits: int = 4) -> str:
    """A difference with its sign, a true minus: "−0.0126", "−∞"; zero is "+0.0000"."""
    if isnan(value):
        return NOTHING
    if not isfinite(value):
        return "+∞" if value > 0 else "−∞"
    return fixed(value, digits, "+")


def estimate(found: Estimate, *, sign: bool = False, digits: int = 4) -> str:
    """A mean ± half its interval, without the half where there is no interval, a dash where there is no mean."""
    if not isfinite(found.mean):
        return NOTHING
    mean = signed(found.mean, digits) if sign else fixed(found.mean, digits)
    return f"{mean} ± {fixed(found.high - found.mean, digits)}" if isfinite(found.high) else mean


def milliseconds(found: Estimate) -> str:
    """Seconds as milliseconds: "3.04 ± 0.42"."""
    return estimate(Estimate(found.n, *(1000 * bound for bound in (found.mean, found.low, found.high))), digits=2)


def median_difference(found: Quantile) -> str:
    """A median difference with its interval, ±∞ where runs diverged: "+0.0250 (−∞ to +0.0310)"."""
    return signed(found.value) + ("" if isnan(found.low) else f" ({signed(found.low)} to {signed(found.high)})")


def share(found: Estimate) -> str:
    """How often something happens, from how often it did: "at most 31 %", "3 % to 56 %"."""
    low, high = (round(100 * bound) for bound in (found.low, found.high))
    return f"at most {high} %" if found.mean == 0 else f"{low} % to {high} %"


def worth(pairs: int, gain: float, correlation: float) -> str:
    """How many unpaired runs of each arm the pairs are worth: "48 unpaired (r = 0.17)"; without r in a larger sum."""
    if not isfinite(gain):
        return NOTHING
    arms = f" (r = {signed(correlation, 2).removeprefix('+')})" if isfinite(correlation) else ""
    return f"{pairs * gain:.0f} unpaired{arms}"


_FRACTIONS = {0.5: "½ ", 0.25: "¼ ", 0.75: "¾ ", 1.0: ""}


def weighted_sum(weights: Mapping[str, float]) -> str:
    """A sum of labels by their weights, those that add before those that subtract: "½ A + ½ B − C"."""
    ordered = sorted(weights.items(), key=lambda item: item[1] < 0)
    terms = [f"{'−' if weight < 0 else '+'} {_factor(abs(weight))}{label}" for label, weight in ordered]
    return " ".join(terms).removeprefix("+ ")


def _factor(weight: float) -> str:
    return _FRACTIONS.get(weight, f"{weight:.4g} × ")


def ratio(found: Estimate) -> str:
    """A ratio of times with its interval over sessions: "1.12 (1.05 to 1.19)", "1.12 (1 session)"."""
    if not isfinite(found.mean):
        return NOTHING
    interval = f"{found.low:.2f} to {found.high:.2f}" if isfinite(found.high) else counted(found.n, "session")
    return f"{found.mean:.2f} ({interval})"


def ratio_of_medians(found: TargetRatio) -> str:
    """A ratio of times to a target with its interval: "1.26 (0.96 to 1.62)"."""
    return median(found.ratio, found.low, found.high, digits=2)


def median(value: float, low: float, high: float, *, digits: int) -> str:
    """A median, or a ratio of two, with its interval, infinite where there are misses: "∞ (1.39 to ∞)"."""
    if isnan(value):
        return NOTHING
    shown, *bounds = (f"{each:.{digits}f}" if isfinite(each) else "∞" for each in (value, low, high))
    return shown if isnan(low) else f"{shown} ({' to '.join(bounds)})"


def p(value: float) -> str:
    """A p-value: "p = 0.0059", "p < 0.0001"."""
    return "p < 0.0001" if value < 0.0001 else f"p = {value:.4f}"


def plain(value: float, digits: int = 2) -> str:
    """A number, a dash where it is not finite."""
    if not isfinite(value):
        return NOTHING
    shown = fixed(value, digits)
    return shown if "e" in shown else f"{value:,.{digits}f}"


def counted(number: int, noun: str) -> str:
    """A noun with its number: "1 pair", "10 pairs"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
