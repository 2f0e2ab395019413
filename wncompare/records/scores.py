"""Anyone's scores as an experiment, so that the same analysis takes them: what they do not say stays unknown."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from wncompare.catalog.metrics import Better
from wncompare.catalog.metrics import better as known_direction
from wncompare.catalog.registry import unknown
from wncompare.config.choices import Variant
from wncompare.config.grid import Point
from wncompare.config.scores import ScoresConfig
from wncompare.errors import Argument, RecordsError, UsageError
from wncompare.records.identity import fingerprint
from wncompare.records.layout import SCORE
from wncompare.records.schema import TIMING, DatasetRecord, Experiment, Run, RunRecord
from wncompare.records.score_rows import Score, read_score_rows

_MOST, _MOST_SETTINGS = 100, 1000
_DATASET = DatasetRecord(name="unknown", label="unknown data", digest="", official=None)

Rows = Mapping[tuple[str, int, tuple[Any, ...]], Sequence[Score]]
"""The rows of each run, an epoch each, in order."""


@dataclass(frozen=True, eq=False)
class Scores(Experiment):
    """Scores that something else produced: their metric, as the file calls it, and which way it is better."""

    metric: str = ""
    better: Better = "higher"


def is_scores(path: Path) -> bool:
    """Whether that is a file of scores, not a results folder."""
    return not path.is_dir() and (path.is_file() or path.suffix.lower() == ".csv")


def read_scores(
    path: Path,
    *,
    metric: str | None = None,
    better: Better | None = None,
    reference: str | None = None,
    grid: Sequence[str] = (),
) -> Scores:
    """The scores in a CSV with the columns variant, seed and a metric, with a row a run.

    With the column `epoch` there is a row an epoch, of which the last counts; `seconds` and `steps` are what each took.
    `grid` names the columns that have settings, `reference` the variant that the others are compared with, by default
    the first. What reports of it are written to goes beside the file, into a folder NAME-report.

    Raises:
        UsageError: the file is no such table, or says less than is asked; the message names the line.
    """
    metric, rows = read_score_rows(path, metric, grid)
    direction = _direction(metric, better)
    by_run = _by_run(path, rows)
    _refuse_infinite(path, by_run, direction)
    variants = _variants(path, list(dict.fromkeys(row.variant for row in rows)), reference)
    settings = {key: _values(row.setting[place] for row in rows) for place, key in enumerate(grid)}
    config = ScoresConfig.of(
        "".join(character if character.isprintable() else "?" for character in path.stem),
        variants=tuple(variants.values()),
        seeds=tuple(sorted({row.seed for row in rows})),
        grid=settings,
    )
    folder = path.with_name(f"{path.stem}-report")
    runs = tuple(_runs(config, folder, variants, by_run, metric, direction))
    return Scores(folder, _checked(path, config), runs, metric=metric, better=direction)


def _direction(metric: str, asked: Better | None) -> Better:
    """Which way the metric is better: as asked or, where its name is one that Keras has, as there."""
    name = metric.casefold().replace(" ", "_").replace("-", "_")
    if asked is None and not name.endswith(_TELLING):
        raise UsageError(
            f"{metric}: whether higher or lower is better is not known: say which with ", Argument("better", '"higher"')
        )
    return asked or known_direction(name)


_TELLING = (
    "accuracy", "auc", "precision", "recall", "f1_score", "r2_score", "similarity", "loss", "error", "crossentropy",
    "divergence",
)  # fmt: skip
"""How the names of metrics end that tell which way they are better."""


def _by_run(path: Path, rows: Sequence[Score]) -> Rows:
    """The rows of each run in the order of epochs, which follow one another from 0 or from 1."""
    by_run: dict[tuple[str, int, tuple[Any, ...]], dict[int, Score]] = {}
    for row in rows:
        found = by_run.setdefault(row.run, {})
        if row.epoch in found:
            raise RecordsError(
                f"{path}, line {row.line}: {row}: is there twice, in line {found[row.epoch].line} too: expected each "
                "run once, or an epoch's row in a column epoch; columns of settings are named with ",
                Argument("grid", '["…"]'),
            )
        found[row.epoch] = row
    start = min(row.epoch for row in rows)
    return {run: _in_order(path, found, start) for run, found in by_run.items()}


def _in_order(path: Path, found: Mapping[int, Score], start: int) -> list[Score]:
    epochs = sorted(found)
    for expected, epoch in enumerate(epochs, start=min(start, 1)):
        if epoch != expected:
            raise RecordsError(
                f"{path}, line {found[epoch].line}: {found[epoch]}: epoch {expected} is missing before {epoch}"
            )
    return [found[epoch] for epoch in epochs]


def _refuse_infinite(path: Path, by_run: Rows, better: Better) -> None:
    """Refuse what is infinite but for the worst there is, at a run's end: that is a run that diverged."""
    worst = _worst(better)
    for rows in by_run.values():
        for row in rows:
            if np.isinf(row.value) and (row.value != worst or row is not rows[-1]):
                raise RecordsError(
                    f"{path}, line {row.line}: {row}: {row.value}: expected a finite number; {worst} in a run's last "
                    "row says that it diverged"
                )


def _worst(better: Better) -> float:
    return -np.inf if better == "higher" else np.inf


def _values(found: Iterable[Any]) -> tuple[Any, ...]:
    """The values of a grid's key: numbers by size, text in the order in which it came."""
    values = tuple(dict.fromkeys(found))
    return tuple(sorted(values)) if all(isinstance(value, int | float) for value in values) else values


def _variants(path: Path, names: list[str], reference: str | None) -> dict[str, Variant]:
    """Each variant by its name in the file, the reference first; its id is a folder's name."""
    if reference is not None and reference not in names:
        raise UsageError(f"{path}: {unknown('variant', reference, names[:20])}")
    if not 2 <= len(names) <= _MOST:
        raise RecordsError(f"{path}: {len(names)} variants ({', '.join(names[:3])}): expected 2 to {_MOST} to compare")
    first = reference or names[0]
    names = [first, *(name for name in names if name != first)]
    ids: list[str] = []
    for name in names:
        ids.append(_unique(_slug(name), ids))
    return {name: Variant(name=name, id=variant, label=name) for name, variant in zip(names, ids, strict=True)}


def _slug(name: str) -> str:
    text = re.sub(r"[^A-Za-z0-9_.+=,-]", "_", name)[:90]
    return text if re.match(r"[A-Za-z0-9_]", text) else f"_{text}"


def _unique(slug: str, taken: Sequence[str]) -> str:
    folded = [each.casefold() for each in taken]
    return next(
        text
        for number in range(1, _MOST + 1)
        if (text := f"{slug}_{number}" if number > 1 else slug).casefold() not in folded
    )


def _checked(path: Path, config: ScoresConfig) -> ScoresConfig:
    """Refuse more settings than a report can show, and some that folders could not tell apart."""
    number = prod(map(len, config.grid.values()))
    if number > _MOST_SETTINGS:
        raise UsageError(f"{path}: {number:,} settings of {', '.join(config.grid)}: expected {_MOST_SETTINGS} at most")
    for slug, count in Counter(point.slug for point in config.points).items():
        if count > 1:
            raise RecordsError(f"{path}: {count} settings are called {slug}: name them in letters, digits and _.+-")
    return config


def _runs(
    config: ScoresConfig, folder: Path, variants: Mapping[str, Variant], by_run: Rows, metric: str, better: Better
) -> Iterator[Run]:
    points = {tuple(point.values.values()): point for point in config.points}
    worst = _worst(better)
    for name, variant in variants.items():
        for setting, point in points.items():
            for seed in config.all_seeds:
                if rows := by_run.get((name, seed, setting)):
                    diverged = rows[-1].value == worst
                    yield Run(
                        folder / variant.id, _record(variant, point, rows, diverged), _history(metric, rows), point
                    )


def _record(variant: Variant, point: Point, rows: Sequence[Score], diverged: bool) -> RunRecord:
    identity = {"variant": variant.name, "point": dict(point.values), "seed": rows[0].seed}
    return RunRecord(
        variant=variant.id,
        point=dict(point.values),
        seed=rows[0].seed,
        status="diverged" if diverged else "finished",
        fingerprint=fingerprint(identity),
        identity=identity,
        epochs=len(rows),
        dataset=_DATASET,
        timing=TIMING,
    )


def _history(metric: str, rows: Sequence[Score]) -> dict[str, np.ndarray]:
    columns = {
        "epoch": range(1, len(rows) + 1),
        SCORE + metric: [row.value for row in rows],
        "train_seconds": [row.seconds for row in rows],
        "steps": [row.steps for row in rows],
    }
    return {name: np.array(values, np.float64) for name, values in columns.items()}
