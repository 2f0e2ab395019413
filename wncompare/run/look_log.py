"""The log of looks as `run` writes it: what the verdict said of each contrast, and over which seeds."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from wncompare import records
from wncompare.analysis.estimates import centre
from wncompare.analysis.looks import Look, look
from wncompare.analysis.schema import ContrastSummary
from wncompare.analysis.words import p
from wncompare.records import Experiment, LookedAt, LookRecord


def log_now(folder: Path) -> Experiment:
    """Log what the verdict says of all that is in the folder, where there is a pair; what is there, with the log."""
    experiment = records.read(folder)
    log(experiment, [look(experiment)])
    return replace(experiment, looks=records.read_looks(folder))


def said(found: Look) -> str:
    """What a look says, on one line."""
    return "; ".join(f"{name}: {contrast.outcome} ({p(contrast.p_holm)})" for name, contrast in found.contrasts.items())


def log(experiment: Experiment, found: Iterable[Look]) -> None:
    """Log those of the looks that have a pair to tell of."""
    telling = [each for each in found if any(one.n for one in each.contrasts.values())]
    records.log_looks(experiment.folder, [_record(experiment, each) for each in telling])


def _record(experiment: Experiment, found: Look) -> LookRecord:
    return LookRecord(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        seeds=found.seeds,
        protocol=experiment.protocol,
        settings=experiment.settings,
        contrasts=tuple(_looked_at(name, contrast) for name, contrast in found.contrasts.items()),
    )


def _looked_at(name: str, contrast: ContrastSummary) -> LookedAt:
    found = centre(contrast.basis, contrast.difference, contrast.median)
    return LookedAt(
        contrast=name,
        n=contrast.n,
        outcome=contrast.outcome,
        basis=contrast.basis,
        p=contrast.p_holm,
        difference=found.mean,
        low=found.low,
        high=found.high,
    )
