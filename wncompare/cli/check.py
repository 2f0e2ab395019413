"""`wncompare check`."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wncompare.cli.options import ANY_PATH, CONFIG, DATA_DIR, JSON, SET, WORKERS, print_json

if TYPE_CHECKING:
    from wncompare.analysis.needed import Needed
    from wncompare.config import Config
    from wncompare.data import Dataset


@click.command()
@CONFIG
@SET
@click.option("--output", metavar="DIR", type=ANY_PATH, help="Where a run would write, instead of results/<name>.")
@DATA_DIR
@WORKERS
@JSON
def check(
    config_file: Path,
    overrides: tuple[str, ...],
    output: Path | None,
    data_dir: Path | None,
    workers: int | None,
    as_json: bool,
) -> None:
    """Validate CONFIG, open its data, build each variant and take a step; print what is normalized, plan and time.

    Keeps nothing of that step, and downloads nothing. Where the data are not on this machine yet, nothing is built.
    Where the results folder holds a few seeds: how many would find the config's smallest_difference.
    """
    import yaml

    from wncompare import config as configs
    from wncompare.records.identity import model_identity
    from wncompare.render import dataset as description
    from wncompare.render import forecast as text
    from wncompare.run.audit import audit
    from wncompare.run.forecast import forecast

    config = configs.load(config_file, overrides)
    model_identity(config.dump()["model"])
    dataset = _opened(config, data_dir)
    audited = None if dataset is None else audit(config, dataset, data_dir=data_dir)
    plan = forecast(config, workers=workers)
    seeds = _needed(config, output or Path("results") / config.name, workers=plan.workers)
    if as_json:
        found = None if dataset is None else description.as_data(dataset)
        layers = None if audited is None else audited.summaries
        print_json(
            {
                "schema_version": 1,
                "config": config.dump(),
                "dataset": found,
                "layers": layers,
                "plan": plan.as_data(),
                "needed": [each.as_data() for each in seeds],
            }
        )
        return
    click.echo(yaml.safe_dump(config.dump(), sort_keys=False, allow_unicode=True, default_flow_style=None), nl=False)
    tables = () if audited is None else [f"{variant}: {table}\n" for variant, table in audited.tables.items()]
    click.echo(
        "\n".join(
            ["", *tables, *_described(config, dataset), *text.lines(plan), *text.needed_lines(seeds, plan.workers)]
        )
    )


def _needed(config: "Config", folder: Path, *, workers: int) -> "tuple[Needed, ...]":
    """How many seeds would tell, by those in the folder; none where there is no such folder."""
    from wncompare import records
    from wncompare.analysis.needed import needed

    if config.smallest_difference is None or not (folder / records.EXPERIMENT_FILE).exists():
        return ()
    return needed(records.read(folder), config, workers=workers)


def _opened(config: "Config", data_dir: Path | None) -> "Dataset | None":
    """The dataset, refused here as a run would refuse it; None where a run would download it first."""
    from wncompare import data
    from wncompare.data.dataset import hold_out

    listed = next(entry for entry in data.listing(data_dir) if entry.name == config.dataset.name)
    if listed.published and listed.path is None:
        return None
    dataset, _ = data.load_shared(config.dataset.name, config.dataset, data_dir=data_dir, download=False)
    if config.holdout:
        hold_out(dataset.train, config.holdout)
    return dataset


def _described(config: "Config", dataset: "Dataset | None") -> Iterator[str]:
    from wncompare import data
    from wncompare.render import dataset as text

    if dataset is None:
        name = config.dataset.name
        yield f"data: {name} is not on this machine: run downloads it, as does wncompare data fetch {name}"
        return
    yield f"data: {text.as_text(dataset)}"
    yield from data.caveats(dataset)
