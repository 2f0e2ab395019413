"""The report as one HTML file that works offline: no request leaves it, and every name in it is text.

A strict Content-Security-Policy allows the page's own style and script, by their hashes, and nothing else.
"""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from math import isfinite, isnan
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from wncompare import __version__
from wncompare.analysis.schema import Summary
from wncompare.analysis.views import View, Views, views
from wncompare.analysis.words import (
    exploratory,
    fixed,
    median_difference,
    metric_name,
    on_axis,
    ratio,
    ratio_of_medians,
    share,
    worth,
)
from wncompare.records import Experiment
from wncompare.render.figures import style as figure_style
from wncompare.render.html import axes, curves, dots
from wncompare.render.html.legibility import DARK_PAGE, LIGHT_PAGE, LINE_CONTRAST, TEXT_CONTRAST, readable
from wncompare.render.tables import OVER_ALL, equal_cost
from wncompare.storage.files import strict

SCRIPTS = ("data.js", "build.js", "numbers.js", "axes.js", "curves.js", "cursor.js", "dots.js", "tables.js", "page.js")


def render(experiment: Experiment, summary: Summary) -> str:
    """The whole page; `summary` is the experiment's."""
    environment = _environment()
    style = _source(environment, "report.css") + _series_style(figure_style.colors(experiment.config.variants))
    script = "\n".join(_source(environment, name) for name in SCRIPTS)
    found = views(experiment)
    return environment.get_template("report.html.j2").render(
        summary=summary,
        places={variant.id: place for place, variant in enumerate(experiment.config.variants)},
        labels={variant.id: variant.label for variant in experiment.config.variants},
        equal_cost=[table for comparison in summary.comparisons for table in equal_cost(summary, comparison)],
        headline=metric_name(summary.headline),
        over_all=OVER_ALL,
        exploratory=exploratory(found.headline),
        training=metric_name(found.headline.bare),
        validation=metric_name(found.headline.validation.name),
        metrics=_metrics(found),
        costs=found.points[0].costs,
        sequential=any(each.sequential for comparison in summary.comparisons for each in comparison.contrasts),
        seeds=found.experiment.seeds,
        config=yaml.safe_dump(strict(summary.config), sort_keys=False, allow_unicode=True, default_flow_style=None),
        environment=list(_flat(summary.environment)),
        views=list(_views(found)),
        data=strict(_data(experiment, summary)),
        policy=_policy(style, script),
        style=style,
        script=script,
        version=__version__,
    )


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("wncompare.render.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shown = {
        "number": number,
        "p_value": p_value,
        "ratio": ratio,
        "ratio_of_medians": ratio_of_medians,
        "share": share,
        "worth": worth,
    }
    shown["median_difference"] = median_difference
    environment.filters |= shown
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "allow_nan": False}
    return environment


def _source(environment: Environment, name: str) -> str:
    """A style or script as it is written: it is no template."""
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


def _policy(style: str, script: str) -> str:
    """A Content-Security-Policy: the page's style and script, no network, no base, no forms."""
    return (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _series_style(of_variants: list[str]) -> str:
    """Each variant's colours for lines and for text, readable on a light and on a dark page."""
    pages = (LIGHT_PAGE, DARK_PAGE)
    rules = []
    for place, color in enumerate(of_variants):
        line, text = (
            ", ".join(readable(color, page, contrast) for page in pages) for contrast in (LINE_CONTRAST, TEXT_CONTRAST)
        )
        rules.append(f".series-{place} {{ --line: light-dark({line}); --text: light-dark({text}); }}\n")
    return "".join(rules)


def _data(experiment: Experiment, summary: Summary) -> dict[str, Any]:
    """What the page's script draws."""
    variants = experiment.config.variants
    found = views(experiment)
    return {
        "labels": [variant.label for variant in variants],
        "metrics": {name: on_axis(name, found.headline) for name in _metrics(found)},
        "headline": found.headline.validation.name,
        "seeds": found.experiment.seeds,
        "height": axes.plot_height(len(variants)),
        "arms": curves.arms(found),
        "views": [
            {"points": [arm.point.slug for arm in view.arms], **axes.axes(view)} for view in _views(found).values()
        ],
        "dots": dots.differences(experiment, summary) + dots.robustness(experiment, summary),
    }


def _metrics(found: Views) -> dict[str, str]:
    """The metrics that have curves, with what people call them, the headline's first."""
    first = found.headline.validation.name
    return {name: metric_name(name) for name in dict.fromkeys((first, *found.metrics))}


def _views(found: Views) -> dict[str, View]:
    """What the curves can show at once, by name: what the summary compares, and every point of a grid."""
    return {view.setting.name: view for view in (*found.compared, *found.points)}


def number(value: float | None, form: str = ".4f") -> str:
    """A number as a person reads it: "–" for none, "∞" for an infinite one, a true minus sign."""
    if value is None or isnan(value):
        return "–"
    if form.endswith("f") and isfinite(value):
        return fixed(value, int(form[-2]), form[: form.index(".")])
    text = f"{value:{form}}" if isfinite(value) else f"{value:+}".replace("inf", "∞").replace("+", "")
    return text.replace("-", "−")


def p_value(value: float) -> str:
    """A p-value to four places: one that is smaller is not shown as zero."""
    return "< 0.0001" if value < 0.0001 else number(value)


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested mappings as rows: ("git commit", "655a711…")."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key} ")
        else:
            yield f"{prefix}{key}", _listed(value)


def _listed(value: Any) -> str:
    """A list's items one after the other, a mapping's as "commit 655a711…, dirty False"."""
    if isinstance(value, list | tuple):
        return "; ".join(map(_listed, value))
    return ", ".join(f"{key} {item}" for key, item in value.items()) if isinstance(value, Mapping) else str(value)
