"""An experiment in numbers and words: records in, what every report shows out."""

from collections.abc import Sequence

from wncompare.analysis import metrics, stats
from wncompare.analysis.caveats import caveats
from wncompare.analysis.contrasts import contrasts
from wncompare.analysis.environment import environment
from wncompare.analysis.failures import counts, problems
from wncompare.analysis.robustness import robustness
from wncompare.analysis.schema import Comparison, Summary, Targets, as_data
from wncompare.analysis.settings import Setting, settings
from wncompare.analysis.variants import describe
from wncompare.analysis.verdict import verdict
from wncompare.records import Experiment

__all__ = ["Summary", "as_data", "summarize"]


def summarize(experiment: Experiment) -> Summary:
    """The experiment's runs in numbers, with the verdict on each contrast of its config.

    The headline is the validation accuracy of each run's last epoch or, with a holdout, its accuracy on the test split.
    """
    config = experiment.config
    compared = settings(experiment)
    targets = _targets(experiment, compared[0])
    comparisons = _comparisons(experiment, compared, targets)
    runs = counts(experiment)
    return Summary(
        experiment=config.name,
        dataset=", ".join(dict.fromkeys(run.record.dataset.label for run in experiment.runs)) or config.dataset.name,
        model=config.model.name,
        headline=metrics.headline(config),
        confidence=stats.CONFIDENCE,
        smallest_difference=config.smallest_difference,
        targets=targets,
        verdict=verdict(comparisons),
        caveats=caveats(experiment, runs, targets, comparisons),
        runs=runs,
        problems=problems(experiment),
        comparisons=comparisons,
        robustness=robustness(experiment),
        config=config.dump(),
        environment=environment(experiment.runs),
    )


def _targets(experiment: Experiment, setting: Setting) -> Targets:
    """The config's targets, or one from the reference's runs at the first setting; none before there are any."""
    config = experiment.config
    reference = config.variants[0]
    runs = metrics.ended(experiment, reference, setting.points[reference.id])
    return Targets(metrics.targets(config, runs), exploratory=not config.targets)


def _comparisons(experiment: Experiment, compared: Sequence[Setting], targets: Targets) -> tuple[Comparison, ...]:
    described = [
        {
            variant.id: describe(experiment, variant, setting.points[variant.id], targets.values)
            for variant in experiment.config.variants
        }
        for setting in compared
    ]
    found = contrasts(experiment, compared, described)
    return tuple(
        Comparison(
            name=setting.name,
            selected={variant: point.slug for variant, point in setting.points.items()},
            variants=tuple(variants.values()),
            contrasts=differences,
        )
        for setting, variants, differences in zip(compared, described, found, strict=True)
    )
