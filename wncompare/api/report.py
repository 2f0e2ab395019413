"""What an experiment found, as a Python object that shows itself in a notebook."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from wncompare import records
from wncompare.analysis.schema import Summary
from wncompare.analysis.summary import as_data, summarize
from wncompare.api import arguments
from wncompare.errors import UsageError, WncompareError
from wncompare.render import markdown, notebook
from wncompare.storage.files import strict


@dataclass(frozen=True)
class Report:
    """One experiment's records in numbers and words; at the end of a notebook's cell it shows itself.

    `experiment` is the name, `folder` where the records are, `summary` all numbers (`wncompare.analysis.schema`).
    """

    experiment: str
    folder: Path
    summary: Summary

    @property
    def verdict(self) -> str:
        """The answer in words."""
        return self.summary.verdict

    @property
    def caveats(self) -> tuple[str, ...]:
        """What to know before believing it."""
        return self.summary.caveats

    def data(self) -> dict[str, Any]:
        """The document that `wncompare report --format json` prints, as strict JSON data."""
        document: dict[str, Any] = strict(as_data(self.summary))
        return document

    def markdown(self) -> str:
        """The report as Markdown, fit for a pull request's comment."""
        return markdown.render(self.summary)

    def __repr__(self) -> str:
        return f"<Report {self.experiment}: {self.verdict}>"

    def _repr_html_(self) -> str:
        return notebook.render(self.summary)


def report(
    path: str | Path,
    *,
    metric: str | None = None,
    better: Literal["higher", "lower"] | None = None,
    reference: str | None = None,
    grid: Iterable[str] = (),
) -> Report:
    """The verdict of the experiment whose records are at or below `path`, with its numbers and caveats.

    `path` may be a CSV of anyone's scores instead: a row a run, with the columns `variant`, `seed` and a metric; with
    the column `epoch` a row an epoch, of which the last counts, with `seconds` and `steps` what each took.

    Args:
        path: a results folder, or a CSV of scores.
        metric: of a CSV, the column that has the scores; by default the only one that is left.
        better: of a CSV, whether the metric is better "higher" or "lower"; by default what its name says.
        reference: of a CSV, the variant that the others are compared with; by default the first.
        grid: of a CSV, the columns that have settings, each of which is compared by itself.

    Raises:
        RecordsError: there is no experiment, or a record is damaged; the message names the file, of a CSV the line.
        UsageError: there are several, or an argument does not fit.
    """
    place = arguments.file_or_folder("path", path)
    given = {
        "metric": arguments.text("metric", metric),
        "better": arguments.one_of("better", better, "higher", "lower"),
        "reference": arguments.text("reference", reference),
        "grid": tuple(arguments.several("grid", grid, '["learning_rate"]')),
    }
    if not records.is_scores(place):
        arguments.none_of(given, "a CSV of scores")
    experiment = _scores(place, given) if records.is_scores(place) else records.read(_one(place))
    return Report(experiment.config.name, experiment.folder, summarize(experiment))


def _scores(path: Path, given: Mapping[str, Any]) -> records.Experiment:
    try:
        return records.read_scores(path, **given)
    except WncompareError as error:
        raise error.in_python() from None


def _one(path: Path) -> Path:
    folders = records.find(path)
    if len(folders) > 1:
        raise UsageError(f"{path}: holds {len(folders)} experiments: name one of them, such as {folders[0]}")
    return folders[0]
