"""The report's page in a real headless Chromium, opened from disk."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import t as student_t

from tests.render import html_pages
from wncompare import records
from wncompare.config import Config
from wncompare.records import Experiment

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium: apt-get install chromium")

Write = Callable[..., Path]
Open = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's chromium, without a window."""
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Any, tmp_path: Path) -> Iterator[Open]:
    """A function that opens an experiment's page; whatever a page logs, asks for or pops up fails the test."""
    unwanted: list[str] = []
    contexts: list[Any] = []

    def open_(experiment: Experiment, **options: Any) -> Any:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | options)
        contexts.append(context)
        page = context.new_page()
        file = html_pages.save(experiment, tmp_path / "report.html").as_uri()
        page.on("console", lambda message: unwanted.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: unwanted.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (unwanted.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: request.url == file or unwanted.append(f"request: {request.url}"))
        page.goto(file)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert unwanted == []


@pytest.fixture
def experiment(write_records: Write, tiny: Config) -> Experiment:
    """Two variants, six seeds, five epochs, weight_norm slower than regular."""
    return html_pages.plain(write_records, tiny)


@pytest.fixture
def page(open_page: Open, experiment: Experiment) -> Any:
    """Its page, drawn."""
    page = open_page(experiment)
    page.wait_for_selector("#plot svg")
    return page


def histories(experiment: Experiment, variant: int, column: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """A column of a variant's histories: (seeds, epochs)."""
    return np.array([run.history[column] for run in experiment.finished(experiment.config.variants[variant])])


def drawn(page: Any, variant: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The pixels of a variant's mean curve: (epochs, 2)."""
    path = page.locator(f"#plot .arm.series-{variant} .mean").get_attribute("d")
    return np.array([list(map(float, point.split(","))) for point in re.split("[ML]", path) if point])


def assert_linear(pixels: Any, values: Any) -> None:
    """The pixels are a linear function of the values, to the drawing's tenth of a pixel."""
    np.testing.assert_allclose(np.polyval(np.polyfit(values, pixels, 1), values), pixels, atol=0.1)


def x_labels(page: Any) -> list[str]:
    """The labels of the x axis's ticks."""
    labels: list[str] = page.locator("#plot .x-axis text:not(.name)").all_text_contents()
    return labels


def hover_epoch(page: Any, epoch: int) -> None:
    """Point at an epoch of the first curve."""
    x, y = drawn(page, 0)[epoch - 1]
    page.locator("#plot").hover(position={"x": x + 3, "y": y})


def test_the_curves_are_the_histories(page: Any, experiment: Experiment) -> None:
    """Each mean curve is the mean of its seeds' validation accuracies by epoch, and each seed has a line."""
    for variant in (0, 1):
        pixels = drawn(page, variant)
        assert_linear(pixels[:, 0], np.arange(1, 6))
        assert_linear(pixels[:, 1], histories(experiment, variant, "val_accuracy").mean(axis=0))
    assert page.locator("#plot .seed").count() == 12
    assert page.locator("#plot .label text").all_text_contents() == ["Regular ConvNet", "WeightNorm ConvNet"]


def test_a_variant_can_be_hidden(page: Any) -> None:
    """Its switch removes its lines, its name and its columns, and brings them back."""
    switch = page.get_by_label("WeightNorm ConvNet")
    switch.uncheck()
    assert page.locator("#plot .arm").count() == 1
    assert page.locator("#plot .label text").all_text_contents() == ["Regular ConvNet"]
    assert "WeightNorm ConvNet" not in page.locator("#curve-table thead").text_content()
    switch.check()
    assert page.locator("#plot .arm").count() == 2


def test_single_seeds_can_be_hidden_and_the_means_stay(page: Any) -> None:
    """A seed's switch removes its line in every variant, the one for all removes every line; means do not move."""
    before = drawn(page, 0)
    page.get_by_label("3", exact=True).uncheck()
    assert page.locator("#plot .seed").count() == 10
    page.get_by_label("all", exact=True).uncheck()
    assert page.locator("#plot .seed").count() == 0
    np.testing.assert_array_equal(drawn(page, 0), before)
    page.get_by_label("95 % bands").uncheck()
    assert page.locator("#plot .band").count() == 0


def test_x_can_be_epochs_steps_or_seconds(page: Any, experiment: Experiment) -> None:
    """Ticks and curves move: to three steps an epoch, or to the mean cumulative training seconds of each variant."""
    assert x_labels(page) == ["1", "2", "3", "4", "5"]
    page.get_by_role("radio", name="steps").check()
    assert x_labels(page)[-1] == "15"
    assert_linear(drawn(page, 0)[:, 0], 3 * np.arange(1, 6))
    page.get_by_role("radio", name="seconds").check()
    places = []
    for variant in (0, 1):
        seconds = histories(experiment, variant, "train_seconds").cumsum(axis=1).mean(axis=0)
        places += list(zip(seconds, drawn(page, variant)[:, 0], strict=True))
    values, pixels = zip(*places, strict=True)
    assert_linear(pixels, values)


def test_axes_can_be_logarithmic(page: Any, experiment: Experiment) -> None:
    """Pixels are then linear in the logarithm of the loss, and of the step."""
    page.get_by_label("Metric").select_option("training loss")
    page.get_by_role("radio", name="steps").check()
    page.get_by_label("y", exact=True).check()
    page.get_by_label("x", exact=True).check()
    pixels = drawn(page, 1)
    assert_linear(pixels[:, 0], np.log(3 * np.arange(1, 6)))
    assert_linear(pixels[:, 1], np.log(histories(experiment, 1, "loss").mean(axis=0)))


@pytest.mark.parametrize(("name", "column"), [("training accuracy", "accuracy"), ("validation loss", "val_loss")])
def test_another_metric_can_be_chosen(page: Any, experiment: Experiment, name: str, column: str) -> None:
    """The curves, the axis's name and the table are then that metric's."""
    page.get_by_label("Metric").select_option(name)
    mean = histories(experiment, 0, column).mean(axis=0)
    assert_linear(drawn(page, 0)[:, 1], mean)
    assert page.locator("#plot .y-axis .name").text_content() == name
    assert page.locator("#curve-table tbody tr:last-child td").first.text_content() == f"{mean[-1]:.4f}"


def test_pointing_shows_the_values(page: Any, experiment: Experiment) -> None:
    """At an epoch, each variant's mean and its Student-t interval, as NumPy and SciPy give them."""
    hover_epoch(page, 3)
    assert page.locator("#readout .where").text_content() == "epoch 3"
    for variant in (0, 1):
        values = histories(experiment, variant, "val_accuracy")[:, 2]
        half = student_t.ppf(0.975, 5) * values.std(ddof=1) / np.sqrt(6)
        row = page.locator(f"#readout .series-{variant}")
        assert row.locator("strong").text_content() == f"{values.mean():.4f}"
        shown = f"{values.mean() - half:.4f} to {values.mean() + half:.4f} (n = 6)"
        assert row.locator("small").text_content() == shown
    page.mouse.move(5, 5)
    assert page.locator("#readout").is_hidden()


def test_arrow_keys_read_the_values(page: Any, experiment: Experiment) -> None:
    """The plot is a slider: keys move it from epoch to epoch, and what it says names each variant's value."""
    plot = page.locator("#plot")
    page.get_by_label("all", exact=True).focus()
    for _ in experiment.config.seeds:
        page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "plot"
    mean = histories(experiment, 0, "val_accuracy").mean(axis=0)
    for key, epoch in (("Home", 1), ("ArrowRight", 2), ("End", 5), ("ArrowRight", 5), ("ArrowLeft", 4)):
        page.keyboard.press(key)
        assert plot.get_attribute("aria-valuenow") == str(epoch)
        said = plot.get_attribute("aria-valuetext")
        assert said.startswith(f"epoch {epoch}; Regular ConvNet {mean[epoch - 1]:.4f}, ")
    page.keyboard.press("Escape")
    assert page.locator("#readout").is_hidden()


def test_tables_sort_by_pointer_and_keyboard(page: Any) -> None:
    """A header sorts by its column, up and then down, and says so in aria-sort."""
    table = page.locator("#variants-title ~ .scroll table")
    names = table.locator("tbody th")
    header = table.locator("thead th", has_text="validation accuracy")
    header.get_by_role("button").click()
    assert header.get_attribute("aria-sort") == "ascending"
    assert names.first.text_content().strip().startswith("WeightNorm")
    page.keyboard.press("Enter")
    assert header.get_attribute("aria-sort") == "descending"
    assert names.first.text_content().strip().startswith("Regular")
    assert table.locator("[aria-sort]").count() == 1


def test_the_differences_are_drawn_seed_by_seed(page: Any, experiment: Experiment) -> None:
    """A dot a seed at its paired difference, and last their mean."""
    last = [histories(experiment, variant, "val_accuracy")[:, -1] for variant in (0, 1)]
    differences = last[1] - last[0]
    dots = page.locator(".dots .mark circle")
    places = [float(dot.get_attribute("cx")) for dot in dots.all()]
    assert_linear(places, [*differences, differences.mean()])
    assert page.locator(".dots .row > text").all_text_contents()[-2:] == ["seed 5", "mean"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_light_or_dark(open_page: Open, experiment: Experiment, scheme: str) -> None:
    """It follows the system until the button says otherwise; on paper it is light."""
    page = open_page(experiment, color_scheme=scheme)
    white, black = "rgb(255, 255, 255)", "rgb(21, 23, 28)"
    background = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(background) == (black if scheme == "dark" else white)
    button = page.get_by_role("button", name="Dark page")
    assert button.get_attribute("aria-pressed") == str(scheme == "dark").lower()
    button.click()
    assert page.evaluate(background) == (white if scheme == "dark" else black)
    page.emulate_media(media="print")
    assert page.evaluate(background) == white


def test_paper_has_no_controls_and_all_details(page: Any) -> None:
    """Printing hides what cannot be used on paper and opens what is folded; afterwards all is as it was."""
    folded = page.locator("details:not([open])").count()
    assert folded > 0
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator(".controls").is_hidden()
    assert page.locator("#theme").is_hidden()
    assert page.get_by_text("batch_size").is_visible()
    assert page.locator("details:not([open])").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details:not([open])").count() == folded


@pytest.mark.parametrize("width", [320, 400, 768, 1280])
def test_the_page_fits_its_window(open_page: Open, experiment: Experiment, width: int) -> None:
    """Nothing but a table's own frame scrolls sideways, and no text of a figure is cut off."""
    page = open_page(experiment, viewport={"width": width, "height": 800})
    page.wait_for_selector("#plot svg")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    for image in page.locator("svg").all():
        frame = image.bounding_box()
        for box in (text.bounding_box() for text in image.locator("text").all()):
            assert frame["x"] - 1 <= box["x"]
            assert box["x"] + box["width"] <= frame["x"] + frame["width"] + 1


def test_hostile_names_are_shown_and_run_nothing(open_page: Open, write_records: Write, tiny: Config) -> None:
    """A label that would be a script stands in the controls, the readout and the tables as it is written."""
    page = open_page(html_pages.hostile(write_records, tiny))
    page.wait_for_selector("#plot svg")
    assert page.get_by_label(html_pages.HOSTILE_LABEL).count() == 1
    hover_epoch(page, 1)
    assert page.locator("#readout .who").last.text_content() == html_pages.HOSTILE_LABEL
    assert html_pages.HOSTILE_ERROR in page.locator("article.problem").last.text_content()
    assert page.locator("img").count() == 0


def test_a_run_that_did_not_finish_is_dashed_and_marked(open_page: Open, write_records: Write, tiny: Config) -> None:
    """Diverged and failed runs end in a cross; where a run diverged, the mean ends and the median goes on.

    Of accuracies a, b and −∞ the median is the lesser of a and b.
    """
    page = open_page(html_pages.hostile(write_records, tiny))
    page.wait_for_selector("#plot svg")
    assert page.locator("#plot .broken").count() == page.locator("#plot .cross").count() == 2
    assert len(drawn(page, 0)) == 4
    assert len(drawn(page, 1)) == 2
    assert page.locator("#plot .median").count() == 1
    hover_epoch(page, 4)
    assert page.locator("#readout small").last.text_content() == "median: a run diverged (n = 3)"
    least = min(html_pages.accuracy("weight_norm", seed, 4) - 0.05 for seed in (0, 3))
    assert page.locator("#readout strong").last.text_content() == f"{least:.4f}"
    assert page.locator("#curve-table tbody tr").last.locator("td").nth(3).text_content() == f"{least:.4f}"


def test_axes_stand_still_while_variants_are_hidden(page: Any) -> None:
    """Hiding a variant moves no tick and no line of the other."""
    ticks, line = x_labels(page), drawn(page, 0)
    heights = page.locator("#plot .y-axis text").all_text_contents()
    page.get_by_label("WeightNorm ConvNet").uncheck()
    assert x_labels(page) == ticks
    assert page.locator("#plot .y-axis text").all_text_contents() == heights
    np.testing.assert_array_equal(drawn(page, 0), line)


def test_a_grid_s_settings_can_be_chosen(open_page: Open, write_records: Write, tiny: Config) -> None:
    """The curves start at the best settings and can show any; robustness has a mark a variant and setting."""
    page = open_page(html_pages.tuned(write_records, tiny))
    page.wait_for_selector("#plot svg")
    page.get_by_role("combobox", name="Setting").select_option("learning_rate=0.001")
    assert page.locator("#plot .arm").count() == 2
    assert page.locator("section[aria-labelledby=robustness-title] .mark circle").count() == 6


def test_without_scripts_the_numbers_are_there(open_page: Open, experiment: Experiment) -> None:
    """The verdict, the tables and the curves' values are read without JavaScript; dead controls are not shown."""
    page = open_page(experiment, java_script_enabled=False)
    assert page.locator(".verdict").is_visible()
    assert page.get_by_role("table").count() >= 3
    assert page.locator(".controls").is_hidden()
    assert page.locator("#theme").is_hidden()
    page.get_by_text("The values as a table").click()
    assert page.locator("#curve-table tbody tr").count() == 5


@pytest.mark.parametrize("columns", ["", "epoch", "epoch,seconds,steps"])
def test_the_page_of_scores_has_axes_for_what_they_say(open_page: Open, tmp_path: Path, columns: str) -> None:
    """Curves over epochs alone where seconds and steps are unknown; a name that is markup is text."""
    name = "<img src=x onerror=alert(1)> of mine"
    header = list(filter(None, ["variant", "seed", "perplexity", *columns.split(",")]))
    rows = [
        [variant, seed, 9 - epoch + place + seed / 10, epoch, 2, 100][: len(header)]
        for place, variant in enumerate(("base", name))
        for seed in range(4)
        for epoch in range(3 if columns else 1)
    ]
    file = tmp_path / "scores.csv"
    file.write_text("\n".join(",".join(map(str, row)) for row in (header, *rows)), encoding="utf-8")
    page = open_page(records.read_scores(file, better="lower"))
    page.wait_for_selector("#plot svg")
    costs = page.locator("[name=x]").evaluate_all("inputs => inputs.map((input) => input.value)")
    assert costs == (["epochs", "steps", "seconds"] if "seconds" in columns else ["epochs"])
    assert page.locator("#plot .label text").all_text_contents() == ["base", name]
    assert page.locator("#plot .seed").count() == 8
    for radio in page.locator("[name=x]").all():
        radio.check()
    assert page.locator("#metric option").all_text_contents() == ["perplexity"]
