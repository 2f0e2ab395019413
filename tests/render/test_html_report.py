"""The report's page as text: complete, safe and self-contained before any browser runs it."""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import t as student_t

from tests.recorded import configured
from tests.render import html_pages
from wncompare import config as configs
from wncompare import records
from wncompare.analysis.summary import summarize
from wncompare.analysis.views import views
from wncompare.config import Config
from wncompare.records import Experiment
from wncompare.render import html
from wncompare.render.figures.style import COLORS
from wncompare.render.html.legibility import DARK_PAGE, LIGHT_PAGE, contrast, readable

Write = Callable[..., Path]
VOID = {"meta", "input", "br", "img", "link"}


class Page(HTMLParser):
    """What a page holds: its elements with their attributes, and the text inside each kind."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember the element and that it is open."""
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Every element is closed in turn."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Text counts for all elements around it."""
        for tag in set(self.open):
            self.texts[tag] = self.texts.get(tag, "") + data

    def tags(self, name: str) -> list[dict[str, str | None]]:
        """The attributes of every element of that name."""
        return [attributes for tag, attributes in self.elements if tag == name]


@pytest.fixture
def plain(write_records: Write, tiny: Config) -> Experiment:
    """Two variants, six seeds, five epochs."""
    return html_pages.plain(write_records, tiny)


@pytest.fixture
def hostile(write_records: Write, tiny: Config) -> Experiment:
    """Names that would be markup, and runs that did not finish."""
    return html_pages.hostile(write_records, tiny)


def rendered(experiment: Experiment) -> str:
    """The experiment's page."""
    return html.render(experiment, summarize(experiment))


def embedded(text: str) -> dict[str, Any]:
    """The data that the page's script reads."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


def test_the_verdict_and_every_part_are_there_in_order(plain: Experiment) -> None:
    """The verdict follows the title; then come variants, contrasts, curves, differences, targets, set-up, caveats."""
    summary = summarize(plain)
    page = Page(html.render(plain, summary))
    assert page.open == []
    assert page.texts["h1"] == "tiny"
    assert summary.verdict in page.texts["header"]
    titles = ("Variants", "Contrasts", "Training curves", "Differences seed by seed", "Time to target", "Set-up")
    assert page.texts["h2"] == "".join((*titles, "Further caveats"))
    assert all(caveat in page.texts["li"] for caveat in summary.caveats)
    assert all(caveat in page.texts["header"] for caveat in summary.grave)
    assert not any(caveat in page.texts["header"] for caveat in summary.further)


def test_the_axes_are_the_figures(plain: Experiment, hostile: Experiment) -> None:
    """Every view's y range is the one that `analysis` gives the figures, and names stand in the plot, apart."""
    for experiment in (plain, hostile):
        shown = embedded(rendered(experiment))
        for view, data in zip(views(experiment).compared, shown["views"], strict=True):
            for metric in records.METRICS:
                low, high = view.limits(metric)
                assert data["y"][metric]["linear"]["range"] == [low, high]
                floor, top = data["y"][metric]["log"]["range"]
                assert 0 < floor < top == high
                for names in (data["y"][metric][scale]["names"] for scale in ("linear", "log")):
                    lower, upper = sorted(names)
                    assert 0 <= lower <= upper <= 1
                    assert upper - lower >= 17 / shown["height"] - 1e-3


def test_names_of_many_variants_have_room(write_records: Write, tiny: Config) -> None:
    """Thirty variants whose lines end at the same height are named one below the other, all within the plot."""
    variants = [{"name": "regular", "id": f"v{place}", "label": f"variant {place}"} for place in range(30)]
    experiment = records.read(write_records(configured(tiny, variants=variants), html_pages.accuracy))
    shown = embedded(rendered(experiment))
    places = np.sort(shown["views"][0]["y"]["val_accuracy"]["linear"]["names"])
    assert np.diff(places).min() * shown["height"] >= 17 - 0.1
    assert 0 <= places[0] <= places[-1] <= 1


def test_the_tables_have_the_summary_s_numbers(plain: Experiment) -> None:
    """A variant's mean and interval and a contrast's difference are those that NumPy and SciPy give."""
    last = {
        variant.id: np.array([run.history["val_accuracy"][-1] for run in plain.finished(variant)])
        for variant in plain.config.variants
    }
    cells = Page(rendered(plain)).texts["td"]
    half = student_t.ppf(0.975, 5) * last["regular"].std(ddof=1) / np.sqrt(6)
    mean = last["regular"].mean()
    assert f"{mean:.4f}{mean - half:.4f} to {mean + half:.4f}" in cells
    assert f"{(last['weight_norm'] - last['regular']).mean():+.4f}".replace("-", "−") in cells


def test_names_are_text_and_never_markup(hostile: Experiment) -> None:
    """A label, an error, a log line or a host that looks like markup adds no element and stands there as it is."""
    page = Page(rendered(hostile))
    assert len(page.tags("script")) == 2
    assert page.tags("img") == page.tags("b") == []
    assert html_pages.HOSTILE_LABEL in page.texts["th"]
    assert html_pages.HOSTILE_ERROR in page.texts["article"]
    assert html_pages.HOSTILE_ERROR in page.texts["pre"]
    assert html_pages.HOSTILE_HOST in page.texts["dd"]
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)


def test_the_policy_allows_just_the_page_s_own_style_and_script(plain: Experiment) -> None:
    """The Content-Security-Policy forbids all but what has the hashes of the inline style and script."""
    text = rendered(plain)
    policy = next(meta["content"] for meta in Page(text).tags("meta") if "http-equiv" in meta)
    bodies = [re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL) for tag in ("style", "script")]
    style, script = (base64.b64encode(hashlib.sha256(body.encode()).digest()).decode() for [body] in bodies)
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; "
        "base-uri 'none'; form-action 'none'"
    )


def test_nothing_is_loaded_from_elsewhere(plain: Experiment) -> None:
    """No element names a source or a link but the page's own anchors."""
    page = Page(rendered(plain))
    assert not any("src" in attributes for _, attributes in page.elements)
    assert all(str(attributes["href"]).startswith("#") for _, attributes in page.elements if "href" in attributes)


def test_every_run_s_history_is_embedded(plain: Experiment) -> None:
    """Metrics by epoch, and cumulative steps and training seconds, to six digits."""
    arms = embedded(rendered(plain))["arms"]
    runs = [run for arm in arms for run in arm["runs"]]
    assert len(runs) == len(plain.runs)
    for shown, run in zip(runs, plain.runs, strict=True):
        for metric in records.METRICS:
            np.testing.assert_allclose(shown["metrics"][metric], run.history[metric], rtol=1e-5)
        np.testing.assert_array_equal(shown["x"]["steps"], 3 * np.arange(1, 6))
        np.testing.assert_allclose(shown["x"]["seconds"], np.cumsum(run.history["train_seconds"]), rtol=1e-5)


def test_the_mean_s_seconds_are_the_mean_of_the_runs(plain: Experiment) -> None:
    """Where all runs have all epochs, a mean curve stands at the mean of the runs' cumulative seconds."""
    arm = embedded(rendered(plain))["arms"][1]
    seconds = [np.cumsum(run.history["train_seconds"]) for run in plain.finished(plain.config.variants[1])]
    np.testing.assert_allclose(arm["x"]["seconds"], np.mean(seconds, axis=0), rtol=1e-5)


def test_what_is_not_finite_is_a_dash_or_an_infinity(hostile: Experiment) -> None:
    """NaN reads "–", a miss of a target "∞", and the embedded JSON is strict: the numbers are text."""
    text = rendered(hostile)
    assert "nan" in json.dumps(embedded(text)["arms"])
    assert "nan" not in Page(text).texts["td"]
    assert html.number(float("nan")) == html.number(None) == "–"
    assert html.number(float("inf")) == "∞"
    assert html.number(float("-inf")) == "−∞"
    assert html.number(-0.5, "+.2f") == "−0.50"
    assert html.p_value(0.00001) == "< 0.0001"


def test_a_grid_shows_robustness_and_each_setting(write_records: Write, tiny: Config) -> None:
    """With a grid there is a row a point and variant, and the curves can show the best settings or any one point."""
    experiment = html_pages.tuned(write_records, tiny)
    page = Page(rendered(experiment))
    assert "Robustness over the grid" in page.texts["h2"]
    rates = [f"learning_rate={rate}" for rate in ("0.0003", "0.001", "0.003")]
    assert all(page.texts["th"].count(rate) >= 3 for rate in rates)
    assert page.texts["th"].count("mean over all settings") == 3
    assert all(rate in page.texts["option"] for rate in rates)


def test_one_variant_and_no_run_make_a_page(write_records: Write, tiny: Config) -> None:
    """A single variant has no contrast; an experiment without runs has nothing to draw: both are said, not raised."""
    data = tiny.dump()
    data["variants"] = data["variants"][:1]
    one = records.read(write_records(configs.from_data(data, "test"), html_pages.accuracy))
    assert "nothing to compare" in Page(rendered(one)).texts["p"]
    for run in one.runs:
        records.delete_run(run.folder)
    assert "0 of 2 runs finished" in Page(rendered(records.read(one.folder))).texts["p"]


def test_a_page_of_twenty_runs_is_small(write_records: Write, tiny: Config) -> None:
    """Two variants, ten seeds and ten epochs stay below 500 kB."""
    data = tiny.dump() | {"seeds": list(range(10))}
    data["training"]["epochs"] = 10
    experiment = records.read(write_records(configs.from_data(data, "test"), html_pages.accuracy))
    assert len(rendered(experiment).encode()) < 500_000


def test_contrast_is_wcag_s() -> None:
    """Black on white is 21, the well-known grey #767676 just passes 4.5, and the order does not matter."""
    assert contrast("black", "white") == pytest.approx(21)
    assert contrast("#767676", "white") == pytest.approx(4.54, abs=0.005)
    assert contrast("white", "red") == contrast("red", "white") == pytest.approx(4.0, abs=0.005)


@pytest.mark.parametrize("page", [LIGHT_PAGE, DARK_PAGE])
@pytest.mark.parametrize("color", [*COLORS, "red", "navy", "white", "yellow", "xkcd:sky blue"])
def test_every_colour_can_be_read_on_either_page(color: str, page: str) -> None:
    """A colour is kept where it stands out enough, and else moved until it does."""
    shown = readable(color, page, 4.5)
    assert contrast(shown, page) >= 4.5
    assert (shown == readable(color, page, 1.0)) == (contrast(color, page) >= 4.5)
