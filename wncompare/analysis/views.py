"""An experiment in numbers, setting by setting: what figures, pages and the summary all take from here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import isfinite

import numpy as np

from wncompare.analysis import contrasts, metrics
from wncompare.analysis.arms import Arm, RunCurves
from wncompare.analysis.contrasts import PairedDifferences
from wncompare.analysis.failures import counts_of
from wncompare.analysis.headline import Metric, headline
from wncompare.analysis.layers import LayerCurves, layer_curves
from wncompare.analysis.looks import arms_at, counted, every_arm
from wncompare.analysis.schema import Cost, Counts
from wncompare.analysis.settings import Setting, everyone_at, settings
from wncompare.config import Config
from wncompare.records import METRICS, SCORE, Experiment

ACCURACIES = (0.0, 1.0)
LOSSES = (-np.inf, np.inf)


@dataclass(frozen=True, eq=False)
class View:
    """One setting: every variant of the config, in its order, at the point at which it is compared."""

    config: Config
    setting: Setting
    dataset: str
    arms: tuple[Arm, ...]
    seeds: tuple[int, ...]

    @cached_property
    def shown(self) -> tuple[Arm, ...]:
        """The arms of which a run has ended."""
        return tuple(arm for arm in self.arms if arm.ended)

    def arm(self, variant: str) -> Arm:
        """The arm of the variant with that id."""
        return next(arm for arm in self.arms if arm.variant.id == variant)

    @property
    def headline(self) -> Metric:
        """The metric that verdicts are about."""
        return self.arms[0].headline_metric

    @property
    def metrics(self) -> tuple[str, ...]:
        """The columns of the histories that have curves."""
        return self.arms[0].metrics

    @property
    def counts(self) -> Counts:
        """How many runs are planned at this setting, and what became of them."""
        return counts_of([run for arm in self.arms for run in arm.runs], len(self.arms) * len(self.seeds))

    @property
    def epochs(self) -> tuple[int, int]:
        """The fewest and the most epochs of the runs that finished; 0 where none has."""
        found = {run.epochs for arm in self.arms for run in arm.ended if run.record.status == "finished"} or {0}
        return min(found), max(found)

    @property
    def steps_an_epoch(self) -> float | None:
        """The steps of an epoch where they are the same in every epoch of every run."""
        steps = {float(step) for arm in self.arms for run in arm.ended for step in run.history["steps"]}
        return steps.pop() if len(steps) == 1 and "steps" in self.costs else None

    @cached_property
    def costs(self) -> tuple[Cost, ...]:
        """The kinds of cost that curves can stand over: those that are known of every run."""
        return metrics.known_costs([run for arm in self.arms for run in arm.runs])

    def longest(self, cost: Cost) -> float:
        """What the run that cost most had cost at its end, of those that finished."""
        return max((float(run.costs[cost][-1]) for run in self._finished), default=0.0)

    @cached_property
    def differences(self) -> tuple[PairedDifferences, ...]:
        """Each contrast's paired differences in the headline, of those that have a pair."""
        (found,) = contrasts.differences(self.config, [self.arms])
        return tuple(each for each in found if each.by_seed)

    @cached_property
    def reached(self) -> tuple[float, ...]:
        """The targets that any run reached."""
        targets = self.arms[0].targets
        return tuple(target for target in targets if any(arm.times_to(target).reached for arm in self.shown))

    @cached_property
    def layers(self) -> tuple[Mapping[str, Mapping[str, LayerCurves]], ...]:
        """What each shown arm's runs recorded of their layers, by layer and quantity; empty where they did not."""
        return tuple(layer_curves(arm) for arm in self.shown)

    def limits(self, metric: str) -> tuple[float, float]:
        """The y axis: every seed's curve, and the bands but for what wide ones of few seeds would flatten them with.

        A diverged run may leave the axes: it would flatten the others.
        """
        is_share = metric.endswith("accuracy") and not metric.startswith(SCORE)  # which may be in percent
        lowest, highest = ACCURACIES if is_share else LOSSES
        shown = self._finished or [run for arm in self.arms for run in arm.curves]
        low, high = _extent(run.values[metric] for run in shown) or ACCURACIES
        size = (high - low) or 0.1
        bands = [band for arm in self.shown for band in (arm.bands[metric].low, arm.bands[metric].high)]
        band_low, band_high = _extent(bands) or (low, high)
        margin = 0.05 * size
        low = min(low, max(band_low, low - size / 2)) - margin
        high = max(high, min(band_high, high + size / 2)) + margin
        return max(low, lowest), min(high, highest + margin)

    @property
    def _finished(self) -> list[RunCurves]:
        return [run for arm in self.arms for run in arm.curves if run.status == "finished"]


@dataclass(frozen=True, eq=False)
class Views:
    """The settings that the summary compares, and each point of the grid by itself; both share their arms."""

    experiment: Experiment
    headline: Metric
    metrics: tuple[str, ...]
    """The columns of the histories that have curves."""
    targets: tuple[float, ...]
    compared: tuple[View, ...]
    points: tuple[View, ...]


@lru_cache(maxsize=1)
def views(experiment: Experiment) -> Views:
    """The experiment in numbers; asked for again, the same object."""
    experiment = counted(experiment)
    config, compared = experiment.config, settings(experiment)
    judged = headline(experiment)
    targets, names = _targets(experiment, compared[0], judged), metrics_of(experiment, judged)
    arms = every_arm(experiment, names, targets)
    dataset = dataset_of(experiment)
    points = tuple(_view(experiment, everyone_at(config, point), dataset, arms) for point in config.points)
    best = compared[0].is_best
    shown = (_view(experiment, compared[0], dataset, arms),) if best else points
    return Views(experiment, judged, names, targets, shown, points)


def dataset_of(experiment: Experiment) -> str:
    """What the data are called: by the runs' records, or by the config before there are any."""
    labels = dict.fromkeys(run.record.dataset.label for run in experiment.runs)
    return ", ".join(labels) or experiment.config.dataset.name


def _view(experiment: Experiment, setting: Setting, dataset: str, arms: Mapping[tuple[str, str], Arm]) -> View:
    return View(experiment.config, setting, dataset, arms_at(setting, arms), experiment.seeds)


def metrics_of(experiment: Experiment, headline: Metric) -> tuple[str, ...]:
    """The columns of the histories that curves are drawn of: losses, accuracies where there are any, the headline's."""
    kept = dict.fromkeys((*METRICS, headline.bare, headline.validation.name))
    return tuple(name for name in kept if all(name in run.history for run in experiment.runs if run.epochs))


def _targets(experiment: Experiment, setting: Setting, headline: Metric) -> tuple[float, ...]:
    """The config's targets, or one from the reference's runs at the first setting; none before there are any."""
    reference = experiment.config.variants[0]
    runs = metrics.ended(experiment, reference, setting.points[reference.id])
    return metrics.targets(experiment.config, runs, headline)


def _extent(values: Iterable[np.ndarray]) -> tuple[float, float] | None:
    """The lowest and the highest finite value, None without any."""
    finite = [float(value) for array in values for value in array if isfinite(value)]
    return (min(finite), max(finite)) if finite else None
