"""Whether and how a run ends, told from its history alone: a resumed run ends where the whole one would."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from wncompare.catalog.metrics import better
from wncompare.config import EarlyStopping, StopAt, Training

_VERBS = {"higher": "rise", "lower": "fall"}


@dataclass(frozen=True)
class Ending:
    """How a run ends, and why where it stops before its last epoch."""

    status: Literal["finished", "diverged"]
    stopped: str | None = None


def ending_of(training: Training, history: Sequence[Mapping[str, Any]], *, finite: bool) -> Ending | None:
    """How a run with this history ends here, None where it goes on; `finite` says whether all of its weights are."""
    if history and not (finite and math.isfinite(float(history[-1]["loss"]))):
        return Ending("diverged")
    if reason := stopped(training, history):
        return Ending("finished", reason)
    return Ending("finished") if len(history) == training.epochs else None


def stopped(training: Training, history: Sequence[Mapping[str, Any]]) -> str | None:
    """Why a run with this history stops here, None where it goes on; a row an epoch, numbers or their text."""
    early, target = training.early_stopping, training.stop_at
    if early is not None and waited(_scores(history, early), early.min_delta) >= early.patience:
        got_better, plural = _VERBS[better(early.metric)], "s" if early.patience > 1 else ""
        return f"early_stopping: {early.metric} did not {got_better} for {early.patience} epoch{plural}"
    if target is not None and history and _scores(history[-1:], target)[0] >= _sign(target) * target.value:
        return f"stop_at: {target.metric} reached {target.value}"
    return None


def waited(scores: Iterable[float], min_delta: float) -> int:
    """How many scores there are since the last that was greater than the best before it by more than `min_delta`.

    As in `keras.callbacks.EarlyStopping`, a smaller rise does not raise the best; NaN is no rise.
    """
    best, count = -math.inf, 0
    for score in scores:
        best, count = (score, 0) if score > best + min_delta else (best, count + 1)
    return count


def _scores(history: Sequence[Mapping[str, Any]], rule: EarlyStopping | StopAt) -> list[float]:
    """The rule's metric by epoch, so that more is better."""
    return [_sign(rule) * float(row[rule.metric]) for row in history]


def _sign(rule: EarlyStopping | StopAt) -> int:
    return 1 if better(rule.metric) == "higher" else -1
