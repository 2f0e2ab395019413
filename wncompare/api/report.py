"""What an experiment found, as a Python object that shows itself in a notebook."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wncompare import records
from wncompare.analysis.schema import Summary
from wncompare.analysis.summary import as_data, summarize
from wncompare.api import arguments
from wncompare.errors import UsageError
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


def report(path: str | Path) -> Report:
    """The verdict of the experiment whose records are at or below `path`, with its numbers and caveats.

    Raises:
        RecordsError: there is no experiment, or a record is damaged; the message names the file.
        UsageError: there are several.
    """
    folders = records.find(arguments.folder("path", path))
    if len(folders) > 1:
        raise UsageError(f"{path}: holds {len(folders)} experiments: name one of them, such as {folders[0]}")
    experiment = records.read(folders[0])
    return Report(experiment.config.name, folders[0], summarize(experiment))
