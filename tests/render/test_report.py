"""The reports: what they say, where they go, and that names from configs and logs stay text in each."""

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from html import unescape
from io import StringIO
from pathlib import Path
from statistics import correlation, variance

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.console import Console

from tests.cli.test_cli import wncompare
from tests.recorded import amend, configured, redraw, summary_of
from wncompare import records
from wncompare.analysis.failures import LINE_CHARACTERS, LOG_BYTES, LOG_LINES, clean, problems
from wncompare.analysis.summary import as_data
from wncompare.config import Config
from wncompare.render import html, latex, markdown, notebook, terminal
from wncompare.storage.files import strict

Write = Callable[..., Path]
Capture = pytest.CaptureFixture[str]

HOSTILE = "[red]<b>x|y</b>[/red] **z** `q` @who &amp; $a$"


def last(variant: str, seed: int, epoch: int) -> float:
    """Weight normalization ahead, a little more for later seeds."""
    return 0.5 + 0.02 * seed + 0.1 * epoch + 0.03 * (variant == "weight_norm")


@pytest.fixture
def hostile(tiny: Config) -> Config:
    """A config whose label is markup in every language."""
    return configured(tiny, variants=[{"name": "regular", "label": HOSTILE}, {"name": "weight_norm"}])


def shown(folder: Path, width: int) -> str:
    """The terminal report at a width."""
    console = Console(width=width, file=StringIO())
    with console.capture() as captured:
        console.print(terminal.render(summary_of(folder)))
    return captured.get()


def tokens(text: str) -> list[Token]:
    """All tokens of Markdown with tables, HTML allowed, as a CommonMark parser sees them."""
    parsed = MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)
    return [token for block in parsed for token in (block, *(block.children or ()))]


@pytest.mark.parametrize("width", [80, 140])
def test_the_terminal_report_fits_its_terminal(width: int, write_records: Write, tiny: Config) -> None:
    """No line is longer than the terminal, and nothing is cut: the verdict, both labels and a caveat are there."""
    text = shown(write_records(tiny, last), width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    for part in (
        "2 pairs are too few",
        "Regular ConvNet",
        "WeightNorm ConvNet",
        "+0.0300",
        "the best epoch is not picked",
    ):
        assert part in text


def test_grave_caveats_stand_right_under_the_verdict(write_records: Write, tiny: Config) -> None:
    """Those that can overturn it follow the verdict, the others the tables, in every format; each stands there once."""
    folder = write_records(tiny, last)
    amend(folder, "weight_norm/seed-1", status="failed", error="no")
    found = summary_of(folder)
    assert [caveat[:38] for caveat in found.grave] == [
        "1 of 4 planned runs not in these numbe",
        "The variants have not finished the sam",
    ]
    page = unescape(html.render(records.read(folder), found))
    texts = [shown(folder, 300), markdown.render(found), unescape(notebook.render(found)), page]
    grave, further = ([caveat[:30] for caveat in caveats] for caveats in (found.grave, found.further))
    for text in texts:
        places = [text.index(head) for head in (found.verdict[:20], *grave, "ms a step", *further)]
        assert places == sorted(places)
        assert all(text.count(head) == 1 for head in (*grave, *further))


def test_one_session_shows_a_bare_ratio(write_records: Write, tiny: Config) -> None:
    """Of 1/2 and 8/1 the geometric mean is 2, and one session gives it no interval but the word, in any format."""
    folder = write_records(tiny, last)
    for run, seconds in (("regular/seed-0", 2.0), ("weight_norm/seed-0", 1.0), ("weight_norm/seed-1", 8.0)):
        redraw(folder, run, [0.5, 0.6], train_seconds=seconds)
    redraw(folder, "regular/seed-1", [0.5, 0.6], train_seconds=1.0)
    found = summary_of(folder)
    page = html.render(records.read(folder), found)
    for text in (markdown.render(found), latex.render(found), shown(folder, 300), notebook.render(found), page):
        assert "2.00 (1 session)" in text


def test_a_wide_terminal_has_a_row_a_variant(write_records: Write, tiny: Config) -> None:
    """Wide: a variant's numbers are on one line; narrow: variants are side by side."""
    folder = write_records(tiny, last)
    wide = next(line for line in shown(folder, 160).splitlines() if line.strip().startswith("Regular ConvNet "))
    narrow = next(line for line in shown(folder, 80).splitlines() if line.strip().startswith("validation accuracy  "))
    assert "2/2" in wide
    assert "0.6600 ± " in wide
    assert narrow.count("±") == 2


def test_the_terminal_shows_names_as_they_are(write_records: Write, hostile: Config) -> None:
    """A label that looks like rich's markup is shown, not obeyed."""
    assert HOSTILE in shown(write_records(hostile, last), 300)


def test_markdown_is_read_as_meant(write_records: Write, tiny: Config) -> None:
    """A CommonMark parser finds the bold verdict, two tables and two folded details."""
    found = summary_of(write_records(tiny, last))
    parsed = tokens(markdown.render(found))
    bold = next(index for index, token in enumerate(parsed) if token.type == "strong_open")
    assert parsed[bold + 1].content == found.verdict
    assert [token.type for token in parsed].count("table_open") == 2
    html = "".join(token.content for token in parsed if token.type.startswith("html"))
    assert html.count("<details>") == html.count("</details>") == 2
    assert {token.info for token in parsed if token.type == "fence"} == {"yaml"}


def test_markdown_keeps_names_as_text(write_records: Write, hostile: Config) -> None:
    """A label with pipes, HTML, emphasis, code and a mention adds no cell, tag or emphasis, and notifies nobody."""
    parsed = tokens(markdown.render(summary_of(write_records(hostile, last))))
    rows = [token.type for token in parsed]
    assert rows.count("td_open") == 2 * 8 + 13
    html = {token.content for token in parsed if token.type == "html_inline"}
    assert html <= {"<!-- -->", "<sub>", "</sub>"}
    assert not any(token.type in ("em_open", "code_inline", "link_open") for token in parsed)
    assert [token.type for token in parsed].count("strong_open") == 1
    text = "".join(token.content for token in parsed if token.type in ("text", "text_special"))
    assert HOSTILE.replace(" ", "") in text.replace(" ", "")
    assert "@who" not in markdown.render(summary_of(write_records(hostile, last))).split("<details>")[0]


@pytest.fixture
def failed(write_records: Write, tiny: Config) -> Path:
    """An experiment with a run that failed and one that diverged, both with a log."""
    folder = write_records(tiny, last)
    amend(folder, "weight_norm/seed-1", status="failed", error="ResourceExhaustedError: \x1b[31mOOM\x1b[0m ```")
    amend(folder, "regular/seed-0", status="diverged")
    lines = [f"line {number} \x1b[2J\x07" for number in range(100)]
    (folder / "weight_norm" / "seed-1" / "log.txt").write_text("\n".join([*lines, "```", "<script>"]), encoding="utf-8")
    return folder


def test_what_failed_is_shown_with_its_log_and_how_to_go_on(failed: Path) -> None:
    """The error, the end of the log without control characters, and the command; a diverged run has no command."""
    diverged, broken = summary_of(failed).problems
    assert (diverged.run, diverged.status, diverged.retry) == ("regular/seed-0", "diverged", None)
    assert (broken.run, broken.error) == ("weight_norm/seed-1", "ResourceExhaustedError: OOM ```")
    assert broken.log_tail == (*(f"line {number} " for number in range(92, 100)), "```", "<script>")
    assert len(broken.log_tail) == LOG_LINES
    assert broken.retry == f"wncompare run CONFIG --output {failed}"
    text = shown(failed, 100)
    assert "weight_norm/seed-1 failed: ResourceExhaustedError: OOM" in text
    assert "line 99" in text
    assert "\x1b" not in text


def test_a_log_in_markdown_stays_in_its_block(failed: Path) -> None:
    """Backticks in a log do not end its code block, so HTML in it is none."""
    parsed = tokens(markdown.render(summary_of(failed)))
    (log,) = [token for token in parsed if token.type == "fence" and "line 99" in token.content]
    assert log.content.endswith("```\n<script>\n")
    assert not any("<script>" in token.content for token in parsed if token.type.startswith("html"))


def test_a_large_log_is_read_from_its_end(failed: Path, tiny: Config) -> None:
    """No more than `LOG_BYTES` are read: lines before that are not there, and a line without an end is cut."""
    from wncompare import records

    log = failed / "weight_norm" / "seed-1" / "log.txt"
    log.write_bytes(b"first\n" + b"x" * (2 * LOG_BYTES) + b"\nlast \xff\n")
    assert problems(records.read(failed))[1].log_tail == ("last \ufffd",)
    log.write_bytes(b"x" * (2 * LOG_BYTES))
    assert problems(records.read(failed))[1].log_tail == ("x" * LINE_CHARACTERS,)
    log.unlink()
    assert problems(records.read(failed))[1].log_tail == ()


def test_control_characters_are_stripped() -> None:
    """Colours, titles, cursor movements, carriage returns and reversed text do not reach a reader's terminal."""
    assert clean("a\x1b[31mb\x1b]0;title\x07c\rd\x9be\u202ef\tg") == "abcdef\tg"


def test_report_goes_to_stdout(write_records: Write, tiny: Config, capsys: Capture) -> None:
    """The formats for reading are printed, plain where stdout is no terminal."""
    folder = write_records(tiny, last)
    for format in ("terminal", "markdown"):
        code, out, err = wncompare("report", folder, "--format", format, capture=capsys)
        assert (code, err) == (0, "")
        assert "2 pairs are too few for a verdict" in out
        assert "\x1b" not in out


def test_report_as_json(write_records: Write, tiny: Config, capsys: Capture) -> None:
    """One experiment is its summary; a folder of experiments is one document that lists them."""
    folder = write_records(tiny, last)
    write_records(configured(tiny, name="other"), last)
    one = json.loads(wncompare("report", folder, "--format", "json", capture=capsys)[1])
    several = json.loads(wncompare("report", folder.parent, "--format", "json", capture=capsys)[1])
    assert (one["schema_version"], one["experiment"]) == (4, "tiny")
    assert [document["experiment"] for document in several["experiments"]] == ["other", "tiny"]
    assert one in several["experiments"]


def test_report_writes_where_it_is_told(write_records: Write, tiny: Config, tmp_path: Path, capsys: Capture) -> None:
    """`--output` writes the same as is printed and prints the file's name."""
    folder = write_records(tiny, last)
    for format in ("terminal", "markdown", "json"):
        file = tmp_path / f"report.{format}"
        printed = wncompare("report", folder, "--format", format, capture=capsys)[1]
        assert wncompare("report", folder, "--format", format, "--output", file, capture=capsys)[1] == f"{file}\n"
        assert file.read_text(encoding="utf-8") == printed


def test_html_goes_beside_the_records(
    write_records: Write, tiny: Config, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each experiment gets its own report.html."""
    monkeypatch.setattr("wncompare.render.html.render", lambda experiment, summary: f"<p>{summary.experiment}")
    folder = write_records(tiny, last)
    other = write_records(configured(tiny, name="other"), last)
    code, out, _ = wncompare("report", folder.parent, "--format", "html", capture=capsys)
    assert (code, out.splitlines()) == (0, [str(one / "report.html") for one in (other, folder)])
    assert (folder / "report.html").read_text(encoding="utf-8") == "<p>tiny"


def test_one_file_cannot_hold_several_reports(
    write_records: Write, tiny: Config, tmp_path: Path, capsys: Capture
) -> None:
    """`--output` with several experiments is a usage error, and nothing is written."""
    folder = write_records(tiny, last).parent
    write_records(configured(tiny, name="other"), last)
    code, out, err = wncompare("report", folder, "--output", tmp_path / "all.txt", capture=capsys)
    assert (code, out) == (2, "")
    assert err == (
        f"wncompare: error: --output {tmp_path / 'all.txt'}: {folder} holds 2 experiments: "
        "name one of them, or leave --output out\n"
    )
    assert not (tmp_path / "all.txt").exists()


def test_the_summary_as_csv(write_records: Write, tiny: Config) -> None:
    """A row a variant that any CSV reader reads, with every bit of the numbers."""
    from wncompare.cli.report import save

    folder = write_records(tiny, last)
    found = summary_of(folder)
    save(folder, found)
    with (folder / "summary.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["variant"] for row in rows] == ["regular", "weight_norm"]
    assert float(rows[1]["headline_mean"]) == found.comparisons[0].variants[1].headline.mean
    assert json.loads((folder / "summary.json").read_text(encoding="utf-8"))["experiment"] == "tiny"


@pytest.mark.parametrize("command", ["report", "compare"])
def test_reading_records_imports_no_tensorflow(command: str, write_records: Write, tiny: Config) -> None:
    """`report` and `compare` load neither Keras nor TensorFlow."""
    folder = write_records(tiny, last)
    program = (
        "import sys; from wncompare.cli import _exit_code; code = _exit_code(sys.argv[1:]);"
        "print(code, *sorted(name for name in sys.modules if '.' not in name), file=sys.stderr)"
    )
    arguments = [command, folder, *([folder] if command == "compare" else [])]
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    code, *modules = done.stderr.splitlines()[-1].split()
    assert code == "0"
    assert not {"keras", "tensorflow"} & set(modules)


def test_the_terminal_s_report_loads_neither_matplotlib_nor_jinja() -> None:
    """What prints a summary starts without what draws figures and pages."""
    program = "import sys; import wncompare.render.terminal; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"matplotlib", "jinja2", "keras", "tensorflow"} & set(done.stdout.split())


def test_what_equal_cost_shows_is_the_same_in_every_format(write_records: Write, tiny: Config) -> None:
    """Epochs of 2 s against 3 s: after 4 s the slower arm has done one; the row stands in each report, and in JSON."""
    folder = write_records(tiny, last)
    for seed in tiny.seeds:
        redraw(folder, f"weight_norm/seed-{seed}", [0.3 + seed / 10, 0.6], train_seconds=3.0)
        redraw(folder, f"regular/seed-{seed}", [0.5, 0.6], train_seconds=2.0)
    found = summary_of(folder)
    (row,) = found.comparisons[0].equal_cost
    assert row.difference.mean == pytest.approx(-0.25)
    assert strict(as_data(found))["comparisons"][0]["equal_cost"][0]["epochs"] == {"weight_norm": 1.0, "regular": 2.0}
    page = html.render(records.read(folder), found)
    for text in (markdown.render(found), shown(folder, 300), notebook.render(found), page):
        for cell in ("at equal cost: validation accuracy", "4.0 s", "1.0 / 2.0", "−0.2500 ± 0.6353"):
            assert cell in text
    table = latex.render(found)
    assert "at equal cost & pairs" in table
    assert r"WeightNorm ConvNet \ensuremath{-} Regular ConvNet & 2 & \ensuremath{-}0.2500" in table
    assert "smaller of their totals" in table


def test_what_pairs_are_worth_is_the_same_in_every_format(write_records: Write, tiny: Config) -> None:
    """Variances by hand, of the arms and of their differences, tell how many unpaired runs four pairs are worth."""
    drawn = {"regular": (0.5, 0.4, 0.6, 0.5), "weight_norm": (0.5, 0.45, 0.6, 0.5)}
    experiment = records.read(
        write_records(configured(tiny, seeds=[0, 1, 2, 3]), lambda variant, seed, _: drawn[variant][seed])
    )
    summary = summary_of(experiment.folder)
    regular, weight_norm = drawn.values()
    gain = (variance(regular) + variance(weight_norm)) / variance(
        [b - a for a, b in zip(regular, weight_norm, strict=True)]
    )
    expected = f"{4 * gain:.0f} unpaired (r = {correlation(regular, weight_norm):.2f})"
    assert expected in markdown.render(summary)
    assert f"worth {expected}" in html.render(experiment, summary)
    assert expected in shown(experiment.folder, 140)


def test_where_every_pair_differs_alike_no_worth_is_shown(write_records: Write, tiny: Config) -> None:
    """A gain without bound is a dash in the tables and nothing on the page."""
    experiment = records.read(write_records(configured(tiny, seeds=[0, 1, 2]), last))
    summary = summary_of(experiment.folder)
    assert "unpaired (" not in markdown.render(summary)
    assert "<small>worth" not in html.render(experiment, summary)


def test_without_a_cut_there_is_no_table_at_equal_cost(write_records: Write, tiny: Config) -> None:
    """Epochs that take both arms equally long: equal cost is the headline again."""
    found = summary_of(write_records(tiny, last))
    assert found.comparisons[0].equal_cost == ()
    assert "equal cost" not in markdown.render(found) + latex.render(found)
