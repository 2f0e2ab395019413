"""A CSV of anyone's scores: what it says is taken, what is wrong is refused by its line, what it lacks is unknown."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.recorded import summary_of
from wncompare import load, records
from wncompare.analysis.summary import summarize
from wncompare.config import Config
from wncompare.errors import RecordsError, UsageError, WncompareError
from wncompare.records import Scores, read_scores

Write = Callable[..., Path]

GOOD = "variant,seed,accuracy\na,0,0.5\na,1,0.6\nb,0,0.7\nb,1,0.75\n"


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], Path]:
    """A function that writes a CSV."""

    def write(text: str | bytes) -> Path:
        path = tmp_path / "scores.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def values(scores: Scores) -> dict[str, list[float]]:
    """Each run's scores, by its name."""
    return {run.name: list(run.history[f"score_{scores.metric}"]) for run in scores.runs}


def test_a_row_a_run(written: Callable[..., Path]) -> None:
    """Variant, seed and the only column that is left: the first variant is the reference, the name tells the way."""
    found = read_scores(written(GOOD))
    assert values(found) == {"a/seed-0": [0.5], "a/seed-1": [0.6], "b/seed-0": [0.7], "b/seed-1": [0.75]}
    assert (found.metric, found.better, found.seeds) == ("accuracy", "higher", (0, 1))
    assert [variant.label for variant in found.config.variants] == ["a", "b"]


@pytest.mark.parametrize("start", [0, 1])
def test_a_row_an_epoch(written: Callable[..., Path], start: int) -> None:
    """Epochs in any order, counted from 0 or from 1, with what each took; the last counts."""
    lines = ["variant,seed,epoch,loss,seconds,steps"]
    lines += [f"{v},3,{start + e},{9 - e}.5,{e + 1},10" for v in "ab" for e in (2, 0, 1)]
    found = read_scores(written("\n".join(lines)))
    assert values(found) == {"a/seed-3": [9.5, 8.5, 7.5], "b/seed-3": [9.5, 8.5, 7.5]}
    assert list(found.runs[0].history["train_seconds"]) == [1, 2, 3]
    assert list(found.runs[0].history["epoch"]) == [1, 2, 3]
    assert found.better == "lower"


def test_settings_have_columns_of_their_own(written: Callable[..., Path]) -> None:
    """Numbers and text; each setting is a point at which the variants are compared."""
    rows = [f"{v},0,{lr},{opt},0.5" for v in "ab" for lr in ("0.10", "1e-2") for opt in ("adam", "sgd")]
    found = read_scores(written("\n".join(["variant,seed,lr,opt,accuracy", *rows])), grid=("lr", "opt"))
    assert found.config.grid == {"lr": (0.01, 0.1), "opt": ("adam", "sgd")}
    slugs = [comparison.name for comparison in summarize(found).comparisons]
    assert slugs == ["lr=0.01,opt=adam", "lr=0.01,opt=sgd", "lr=0.1,opt=adam", "lr=0.1,opt=sgd"]


def test_another_reference_and_another_direction(written: Callable[..., Path]) -> None:
    """As asked for."""
    found = read_scores(written(GOOD), reference="b", better="lower")
    assert [variant.id for variant in found.config.variants] == ["b", "a"]
    (contrast,) = summarize(found).comparisons[0].contrasts
    assert (contrast.variant, contrast.reference, contrast.wins) == ("a", "b", 2)


def test_names_of_any_kind_have_ids_of_their_own(written: Callable[..., Path]) -> None:
    """Those of variants that a folder's name cannot be, or that differ in little, become ids that differ."""
    names = ["a b", "a_b", "A b", "../x", "=1+1", "é", "x" * 100]
    rows = [f"{name},0,0.5" for name in names]
    found = read_scores(written("\n".join(["variant,seed,accuracy", *rows])))
    assert [variant.label for variant in found.config.variants] == names
    ids = [variant.id for variant in found.config.variants]
    assert ids[:6] == ["a_b", "a_b_2", "A_b_3", "_.._x", "_=1+1", "_"]
    assert len({each.casefold() for each in ids}) == len(names)


@pytest.mark.parametrize(
    ("text", "given", "message"),
    [
        ("", {}, "is empty: expected the columns variant, seed and a metric"),
        ("variant,seed,accuracy\n", {}, "has no row below its columns"),
        ("arm,seed,accuracy\na,0,1", {}, "no column 'variant': its first line has arm, seed, accuracy; expected"),
        ("variant;seed;accuracy\na;0;1", {}, "no column 'variant': its first line has variant;seed;accuracy; expected"),
        ("variant,accuracy\na,1", {}, "no column 'seed'"),
        ("variant,seed\na,1", {}, "has no column of scores: expected one metric, or say which with --metric"),
        ("variant,seed,x,y\na,1,1,1", {}, "has x, y: expected one metric, or say which with --metric"),
        ("variant,seed,loss,loss\na,1,1,1", {}, "the column 'loss' is there twice"),
        (GOOD, {"metric": "acuracy"}, "'acuracy': choose from variant, seed, accuracy; did you mean 'accuracy'?"),
        (GOOD, {"metric": "seed"}, "the metric 'seed': expected a column of scores, such as accuracy"),
        (GOOD, {"grid": ["lr"]}, "unknown column 'lr'"),
        (GOOD, {"grid": ["seed"]}, "the grid's 'seed': expected a column of settings"),
        (GOOD, {"reference": "c"}, "unknown variant 'c': choose from a, b"),
        ("variant,seed,a/b,loss\na,0,1,1", {"grid": ["a/b"]}, "'a/b': expected a column of settings, named in letters"),
        (GOOD + "b,2,nan\n", {}, "'nan': expected a number such as 0.93, for a run that diverged inf or -inf"),
        (GOOD + "b,2,\n", {}, "line 6: accuracy: '': expected a number"),
        (GOOD + 'b,2,"0,5"\n', {}, "line 6: accuracy: '0,5': expected a number"),
        (GOOD + "b,2,1_0\n", {}, "line 6: accuracy: '1_0': expected a number"),
        (GOOD + "b,2,inf\n", {}, "inf: expected a finite number; -inf in a run's last row says that it"),
        (GOOD + "b,1,0.8\n", {}, "line 6: b, seed 1: is there twice, in line 5 too: expected each run once"),
        (GOOD + "b,2\n", {}, "line 6: 2 cells: expected 3, one for each column"),
        (GOOD + "b,2,0.5,0.6\n", {}, "line 6: 4 cells: expected 3"),
        (GOOD + "b,1.5,0.5\n", {}, "line 6: seed: '1.5': expected a whole number from 0 to below 2³²"),
        (GOOD + "b,-1,0.5\n", {}, "line 6: seed: '-1'"),
        (GOOD + "b,4294967296,0.5\n", {}, "line 6: seed: '4294967296'"),
        (GOOD + ",2,0.5\n", {}, "line 6: variant: '': expected 1 to 100 printable characters"),
        (GOOD + "\x1b[31mb,2,0.5\n", {}, r"line 6: variant: '\x1b[31mb': expected 1 to 100 printable characters"),
        (GOOD + "\u202eb,2,0.5\n", {}, r"line 6: variant: '\u202eb': expected 1 to 100 printable characters"),
        ("variant,seed,\x1b[2Jloss\na,0,1", {}, r"the metric: '\x1b[2Jloss': expected 1 to 100 printable characters"),
        (GOOD + '"b,2,0.5\n', {}, "no CSV (unexpected end of data): expected cells parted by commas"),
        ("variant,seed,accuracy\na,0,0.5\na,1,0.5\n", {}, "1 variants (a): expected 2 to 100 to compare"),
        ("variant,seed,score\na,0,1\nb,0,1", {}, "whether higher or lower is better is not known: say which"),
        ("variant,seed,epoch,loss\na,0,1,1\na,0,3,1\nb,0,1,1", {}, "line 3: a, seed 0: epoch 2 is missing before 3"),
        ("variant,seed,epoch,loss\na,0,0,1\na,0,1,1\nb,0,1,1", {}, "line 4: b, seed 0: epoch 0 is missing before 1"),
        ("variant,seed,epoch,loss\na,0,5,1\nb,0,5,1", {}, "line 2: a, seed 0: epoch 1 is missing before 5"),
        ("variant,seed,epoch,loss\na,0,one,1", {}, "line 2: epoch: 'one': expected a whole number"),
        ("variant,seed,epoch,loss\na,0,1,inf\na,0,2,1\nb,0,1,1", {}, "line 2: a, seed 0: inf: expected a finite"),
        ("variant,seed,loss,seconds\na,0,1,0", {"metric": "loss"}, "line 2: seconds: '0': expected a number above 0"),
        ("variant,seed,loss,steps\na,0,1,-5", {"metric": "loss"}, "line 2: steps: '-5': expected a number above 0"),
        ("variant,seed,loss,g\na,0,1,x y\nb,0,1,x_y", {"grid": ["g"]}, "2 settings are called g=x_y"),
        (b"variant,seed,loss\n\xff,0,1", {}, "not UTF-8: save it as CSV in UTF-8"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_on_one_line(
    written: Callable[..., Path], text: str | bytes, given: dict[str, Any], message: str
) -> None:
    """The file, the line, the value, what was expected."""
    with pytest.raises(UsageError) as refused:
        read_scores(written(text), **given)
    assert message in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_a_file_that_is_not_there_and_one_that_is_too_large_are_refused(tmp_path: Path) -> None:
    """So is a device; nothing waits for what never ends."""
    with pytest.raises(RecordsError, match="cannot be read"):
        read_scores(tmp_path / "none.csv")
    with pytest.raises(RecordsError, match="cannot be read"):
        read_scores(Path("/dev/zero"))
    (tmp_path / "large.csv").touch()
    with (tmp_path / "large.csv").open("r+b") as file:
        file.truncate((64 << 20) + 1)
    with pytest.raises(RecordsError, match="larger than"):
        read_scores(tmp_path / "large.csv")


def test_a_run_that_diverged_is_the_worst(written: Callable[..., Path]) -> None:
    """−∞ where higher is better: it ranks last, and leaves no mean."""
    found = summarize(read_scores(written(GOOD + "a,2,-inf\nb,2,0.7\n")))
    assert found.runs.diverged == 1
    (contrast,) = found.comparisons[0].contrasts
    assert (contrast.n, contrast.wins, np.isnan(contrast.difference.mean)) == (3, 3, True)


def test_what_spreadsheets_write_is_read(written: Callable[..., Path]) -> None:
    """A byte order mark, Windows' ends of lines, spaces around cells, empty rows, quotes."""
    text = '\ufeffvariant , seed,accuracy\r\n a ,0,0.5\r\n,,\r\n\r\n"b, new",0,0.7\r\n'
    assert [v.label for v in read_scores(written(text)).config.variants] == ["a", "b, new"]


def test_a_missing_run_is_said(written: Callable[..., Path]) -> None:
    """A seed that one variant lacks is not made up."""
    found = summarize(read_scores(written(GOOD + "b,2,0.7\n")))
    assert found.runs.missing == 1
    assert any(caveat.startswith("1 of 6 planned runs not in these numbers: 1 missing") for caveat in found.grave)


def test_scores_have_the_verdict_of_the_records_that_they_are_of(
    write_records: Write, tiny: Config, tmp_path: Path
) -> None:
    """What `load` tabulates, read back as a CSV: the same differences, p-values and outcome as of the records."""
    rng = np.random.default_rng(2)
    config = Config.model_validate({**tiny.dump(), "seeds": list(range(8))})
    folder = write_records(
        config, lambda variant, seed, epoch: 0.5 + rng.uniform(0, 0.2) + 0.1 * (variant == "weight_norm")
    )
    load(folder).rename(columns={"train_seconds": "seconds"}).to_csv(tmp_path / "epochs.csv", index=False)
    (ours,) = summary_of(folder).comparisons[0].contrasts
    (theirs,) = summarize(read_scores(tmp_path / "epochs.csv", metric="val_accuracy")).comparisons[0].contrasts
    for name in ("n", "p_value", "p_holm", "wins", "ties", "losses", "outcome", "basis", "variant", "reference"):
        assert getattr(theirs, name) == getattr(ours, name)
    for name in ("difference", "median", "step_ratio", "probability_of_improvement", "detectable", "effect"):
        assert str(getattr(theirs, name)) == str(getattr(ours, name))


def test_what_scores_do_not_say_is_unknown(written: Callable[..., Path]) -> None:
    """Data, model, machine, what a seed controlled: none of it is made up, in words or in the document."""
    found = summarize(read_scores(written(GOOD)))
    assert (found.source, found.dataset, found.model, found.environment) == (
        "scores",
        "unknown data",
        "unknown model",
        {},
    )
    assert found.config.keys() == {"name", "variants", "grid", "seeds"}
    assert any(caveat.startswith("Unknown, for scores do not say it: the data") for caveat in found.caveats)
    said = " ".join(found.caveats)
    for claim in ("test split: nothing may be chosen", "One setting was trained", "Times depend", "is not picked"):
        assert claim not in said
    assert all(variant.parameters is None for variant in found.comparisons[0].variants)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """Never a traceback."""
    path = tmp_path_factory.mktemp("any") / "any.csv"
    path.write_bytes(f"variant,seed,loss\n{text}".encode("utf-8", "surrogatepass"))
    with suppress(WncompareError):
        read_scores(path)


def test_only_a_file_is_one_of_scores(tmp_path: Path) -> None:
    """A folder is one of records, whatever it is called; a name that ends in .csv is meant as scores."""
    (tmp_path / "folder.csv").mkdir()
    assert not records.is_scores(tmp_path / "folder.csv")
    assert not records.is_scores(tmp_path / "none")
    assert records.is_scores(tmp_path / "none.CSV")
