"""`wncompare compare`."""

from pathlib import Path

import click

from wncompare.cli.options import ANY_PATH, JSON, RUNS_FAILED, print_json
from wncompare.cli.report import rendered


@click.command()
@click.argument("a", metavar="A", type=ANY_PATH)
@click.argument("b", metavar="B", type=ANY_PATH)
@click.option(
    "--fail-if-worse",
    "tolerance",
    metavar="X",
    type=click.FloatRange(min=0),
    help="Exit with 3 where B's mean is worse than A's by more than X, such as 0.01, or B lacks a run of A's.",
)
@JSON
def compare(a: Path, b: Path, tolerance: float | None, as_json: bool) -> int:
    """Compare two experiments' folders, B minus A, paired by variant, point and seed.

    Says what became of each variant, in the headline and time, and in what the two differ: settings, machine, versions.
    """
    from wncompare import records
    from wncompare.analysis.folders import as_data, compare_folders
    from wncompare.errors import UsageError
    from wncompare.render.folders import complaint, report

    found = compare_folders(records.read(_only(a)), records.read(_only(b)))
    if tolerance is not None and found.other_data:
        raise UsageError(f"{found.other_data}, other data: --fail-if-worse is for runs on the same data")
    worse = [] if tolerance is None else [change for change in found.changes if change.is_worse(tolerance)]
    absent = () if tolerance is None else found.a.unpaired
    if as_json:
        print_json({**as_data(found), "fail_if_worse": tolerance, "worse": [one.name for one in worse]})
    else:
        click.echo(rendered(report(found)), nl=False)
    for change in worse:
        click.echo(complaint(change), err=True)
    if absent:
        click.echo(f"{b} lacks {len(absent)} runs of {a}, such as {absent[0]}: what is missing does not pass", err=True)
    return RUNS_FAILED if worse or absent else 0


def _only(path: Path) -> Path:
    from wncompare import records
    from wncompare.errors import UsageError

    first, *others = records.find(path)
    if others:
        raise UsageError(f"{path}: holds {1 + len(others)} experiments: name one of them, such as {first}")
    return first
