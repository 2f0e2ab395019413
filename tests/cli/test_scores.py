"""`wncompare report` and `plot` of anyone's scores, and `wncompare.report`: every format, and names that mean harm."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import wncompare as package
from tests.cli.test_cli import wncompare
from wncompare.config import Config
from wncompare.errors import UsageError

Capture = pytest.CaptureFixture[str]

HOSTILE = "<script>alert(1)</script> | `x` \\input{/etc/passwd} @me"
METRIC = "../../evil accuracy"


@pytest.fixture
def scores(tmp_path: Path) -> Path:
    """Six seeds of two variants, one with a name that is markup everywhere, scored by a column that leads out."""
    path = tmp_path / "scores.csv"
    rows = [f'"{name}",{seed},0.{5 + place}{seed}' for place, name in enumerate(("base", HOSTILE)) for seed in range(6)]
    path.write_text("\n".join([f"variant,seed,{METRIC}", *rows]), encoding="utf-8")
    return path


def test_every_format_says_the_same(scores: Path, capture: Capture) -> None:
    """The verdict, the difference and what is unknown, in each."""
    for format in ("terminal", "markdown", "latex", "html"):
        file = scores.parent / format
        assert wncompare("report", scores, "--format", format, "--output", file, capture=capture)[0] == 0
        text = file.read_text(encoding="utf-8")
        assert "0.1000" in text
        assert "unknown" in text.casefold()
    code, out, _ = wncompare("report", scores, "--format", "json", capture=capture)
    found = json.loads(out)
    assert (code, found["source"], found["model"]) == (0, "scores", "unknown model")
    assert found["comparisons"][0]["contrasts"][0]["outcome"] == "better"


def test_names_are_text_in_every_format(scores: Path, capture: Capture) -> None:
    """No tag of theirs in the page, no cell in Markdown, no macro in LaTeX."""
    page = scores.parent / "page.html"
    wncompare("report", scores, "--format", "html", "--output", page, capture=capture)
    assert "<script>alert" not in page.read_text(encoding="utf-8")
    _, text, _ = wncompare("report", scores, "--format", "markdown", capture=capture)
    shown = text[: text.index("<details>")]
    assert not re.search(r"(?<!\\)(<script|`x|\| `)", shown)
    _, text, _ = wncompare("report", scores, "--format", "latex", capture=capture)
    assert r"\input" not in text


def test_what_is_written_goes_beside_the_file(scores: Path, capture: Capture) -> None:
    """Into a folder of its name, and nothing else is: a column's name leads nowhere."""
    before = set(_files(scores.parent.parent))
    assert wncompare("report", scores, "--format", "html", capture=capture)[1].strip() == str(
        scores.parent / "scores-report" / "report.html"
    )
    code, out, _ = wncompare("plot", scores, capture=capture)
    assert code == 0
    written = set(_files(scores.parent.parent)) - before
    assert written == {Path(line) for line in out.split()} | {scores.parent / "scores-report" / "report.html"}
    assert all(path.is_relative_to(scores.parent / "scores-report") for path in written)
    names = {path.name for path in written}
    assert names == {"report.html", "score_______evil_accuracy.png", "differences.png", "overview.png"}
    code, out, _ = wncompare("plot", scores, "--output", scores.parent / "other", capture=capture)
    assert all(Path(line).parent == scores.parent / "other" / "scores-report" for line in out.split())


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def test_scores_by_epoch_have_curves_and_costs(tmp_path: Path, capture: Capture) -> None:
    """With epochs, seconds and steps there are curves over time, times to target and a comparison at equal cost."""
    path = tmp_path / "epochs.csv"
    rows = [
        f"{name},{seed},{epoch},{7 - epoch + seed / 10},{2 + place},100"
        for place, name in enumerate(("a", "b"))
        for seed in range(6)
        for epoch in range(5)
    ]
    path.write_text("\n".join(["variant,seed,epoch,perplexity,seconds,steps", *rows]), encoding="utf-8")
    code, out, _ = wncompare("report", path, "--better", "lower", "--format", "json", capture=capture)
    (comparison,) = json.loads(out)["comparisons"]
    (found,) = comparison["equal_cost"]
    assert (code, found["budget"], found["epochs"]) == (0, 10.0, {"b": 3.0, "a": 5.0})
    assert found["difference"]["mean"] == pytest.approx(2.0)
    assert found["outcome"] == comparison["contrasts"][0]["outcome"].replace("equal", "worse")
    code, out, _ = wncompare("plot", path, "--better", "lower", capture=capture)
    assert code == 0
    assert {"score_perplexity_by_seconds.png", "score_perplexity.png"} < {Path(line).name for line in out.split()}
    assert wncompare("report", path, "--better", "lower", "--format", "html", capture=capture)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--metric", "x"], "--metric is for a CSV of scores, which {results} is not: leave it out"),
        (["--grid", "lr"], "--grid is for a CSV of scores"),
        (["--better", "lower"], "--better is for a CSV of scores"),
    ],
)
@pytest.mark.parametrize("command", ["report", "plot"])
def test_what_is_for_scores_is_refused_for_records(
    write_records: Callable[..., Path], tiny: Config, capture: Capture, command: str, arguments: list[str], message: str
) -> None:
    """On one line, with the remedy."""
    results = write_records(tiny, lambda *_: 0.5)
    code, _, err = wncompare(command, results, *arguments, capture=capture)
    assert code == 2
    assert message.format(results=results) in err


def test_python_has_the_same(scores: Path) -> None:
    """`wncompare.report` of a CSV; what it lacks is named as Python has it."""
    found = package.report(scores)
    assert "is better than base" in found.verdict
    assert package.report(str(scores), better="lower", reference="base").summary.comparisons[0].contrasts[0].losses == 6
    path = scores.parent / "two.csv"
    path.write_text("variant,seed,x,y\na,0,1,1\nb,0,1,1", encoding="utf-8")
    with pytest.raises(UsageError, match=r'expected one metric, or say which with metric="…"'):
        package.report(path)
    with pytest.raises(UsageError, match="not known: say which with better="):
        package.report(path, metric="x")


@pytest.mark.parametrize("given", [{"metric": 3}, {"better": "up"}, {"reference": ["a"]}, {"grid": "lr"}, {"grid": 3}])
def test_python_refuses_what_is_no_such_argument(scores: Path, given: dict[str, object]) -> None:
    """By its name."""
    with pytest.raises(UsageError, match=next(iter(given))):
        package.report(scores, **given)  # type: ignore[arg-type]


def test_python_refuses_them_for_records(write_records: Callable[..., Path], tiny: Config) -> None:
    """A results folder has its own metric and reference."""
    results = write_records(tiny, lambda *_: 0.5)
    with pytest.raises(UsageError, match="metric: 'x': is for a CSV of scores: leave it out"):
        package.report(results, metric="x")


@pytest.fixture
def capture(capsys: Capture) -> Capture:
    """What a command writes."""
    return capsys
