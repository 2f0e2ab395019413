"""What a reader has to know before believing a summary."""

from collections.abc import Iterator, Sequence
from math import isfinite, isnan, nan

from wncompare.analysis.artefacts import artefacts
from wncompare.analysis.choice import remarks
from wncompare.analysis.environment import differing
from wncompare.analysis.headline import Metric, headline
from wncompare.analysis.peeks import gaps, peeks, replaced
from wncompare.analysis.sampling import test_examples
from wncompare.analysis.schema import Comparison, Counts, Targets
from wncompare.analysis.words import counted, exploratory, metric_name, share
from wncompare.records import Experiment, Scores

_BEST = {"higher": "highest", "lower": "lowest"}
ENOUGH_PAIRS = 6
"""Five pairs reach 2/32 at best, six 2/64."""


def grave(experiment: Experiment, runs: Counts, comparisons: Sequence[Comparison]) -> tuple[str, ...]:
    """The caveats that can overturn the verdict, and so belong right below it: what it is not about.

    Those are runs that are not in it or diverged, seeds that were added after a look, artefacts of how the networks
    were trained, pairs that are missing, runs that stopped at a target, and data that are not the published ones. The
    others say how any such verdict is to be read.
    """
    return (
        *_of_runs(runs),
        *_of_lost(comparisons),
        *peeks(experiment),
        *artefacts(experiment),
        *_of_unequal_seeds(comparisons),
        *_of_stopping_at(experiment),
        *_of_copies(experiment),
    )


def caveats(
    experiment: Experiment, runs: Counts, targets: Targets, comparisons: Sequence[Comparison]
) -> tuple[str, ...]:
    """Every caveat that applies, in the order of reading; those that are `grave` are among them."""
    if isinstance(experiment, Scores):
        return (
            *_of_runs(runs),
            *_of_lost(comparisons),
            _UNKNOWN,
            _of_condition(experiment, comparisons),
            *_of_pairs(experiment, comparisons),
            *_of_targets(targets, headline(experiment)),
        )
    return (
        *_of_runs(runs),
        *_of_lost(comparisons),
        *peeks(experiment),
        *artefacts(experiment),
        *replaced(experiment),
        *gaps(experiment),
        _of_condition(experiment, comparisons),
        *_of_data(experiment),
        *_of_settings(experiment, comparisons),
        *_of_pairs(experiment, comparisons),
        *_of_stops(experiment),
        *_of_origin(experiment),
        *_of_targets(targets, headline(experiment)),
        *_of_times(experiment),
        "The headline is each run's last epoch; the best epoch is not picked.",
    )


_UNKNOWN = (
    "Unknown, for scores do not say it: the data and on which part of them the scores were taken, the model, the "
    "machine, how settings were chosen, whether the best epoch was picked or seeds were added after a look, and what a "
    "seed controlled: where the variants of a seed share nothing, pairs by seed gain nothing."
)


def _of_runs(runs: Counts) -> Iterator[str]:
    parts = {kind: getattr(runs, kind) for kind in ("failed", "interrupted", "running", "missing")}
    if absent := sum(parts.values()):
        kinds = ", ".join(f"{number} {kind}" for kind, number in parts.items() if number)
        yield f"{absent} of {counted(runs.planned, 'planned run')} not in these numbers: {kinds}."
    if runs.diverged:
        yield f"{counted(runs.diverged, 'run')} diverged: counted as worst, and no mean is given where one counts."


def _of_lost(comparisons: Sequence[Comparison]) -> Iterator[str]:
    """How often each variant's runs collapsed or diverged, where there are several contrasts: one says it itself."""
    if sum(len(comparison.contrasts) for comparison in comparisons) < 2:
        return
    for comparison in comparisons:
        place = f" at {comparison.name}" if comparison.name else ""
        for variant in comparison.variants:
            collapsed, diverged = variant.collapsed or 0, variant.diverged
            if lost := collapsed + diverged:
                fate = " or ".join(
                    word for word, number in (("collapsed", collapsed), ("diverged", diverged)) if number
                )
                yield (
                    f"{lost} of {counted(variant.lost.n, 'run')} of {variant.label}{place} {fate} "
                    f"({share(variant.lost)}): what is said of it is of the typical pair."
                )


def _of_copies(experiment: Experiment) -> Iterator[str]:
    datasets = [run.record.dataset for run in experiment.runs]
    for label in dict.fromkeys(dataset.label for dataset in datasets if dataset.official is False):
        yield f"The data are {label}: not the published bytes."
    yield from dict.fromkeys(caveat for dataset in datasets for caveat in dataset.caveats)


def _of_data(experiment: Experiment) -> Iterator[str]:
    yield from _of_copies(experiment)
    if experiment.config.holdout is None:
        metric = metric_name(headline(experiment).name).capitalize()
        yield f"{metric} is taken on the test split: nothing may be chosen on it."


def _of_condition(experiment: Experiment, comparisons: Sequence[Comparison]) -> str:
    """What every interval takes as given, and how far another test set would move a difference."""
    examples = test_examples([run for run in experiment.runs if run.epochs])
    split = "" if examples is None else f" of {examples:,} examples"
    given = f"Intervals are over seeds alone: they take this training set, this test set{split} and this split as given"
    errors = [contrast.sampling_error for comparison in comparisons for contrast in comparison.contrasts]
    largest = max((error for error in errors if isfinite(error)), default=nan)
    if isnan(largest):
        return f"{given}{'; how far another test set would move a difference is not known' if errors else ''}."
    return (
        f"{given}. Another test set of that size would move a difference by a standard error of {largest:.4f} at most: "
        "that is binomial, as if the arms erred independently, and less where they err on the same examples."
    )


def _of_settings(experiment: Experiment, comparisons: Sequence[Comparison]) -> Iterator[str]:
    config = experiment.config
    if not config.grid:
        yield "One setting was trained and none was tuned: another learning rate may give another answer."
    elif config.holdout is None:
        yield (
            "No setting is chosen, for no data are held out to choose it on (validation: {holdout: 0.1} does that): "
            "each is compared by itself."
        )
    else:
        judged = headline(experiment)
        yield (
            f"Each variant's setting is the one with the {_BEST[judged.better]} held-out "
            f"{judged.bare.replace('_', ' ')}, chosen over the same seeds that are reported, on other data than are "
            "reported."
        )
        for comparison in comparisons:
            yield from remarks(comparison.choices, len(experiment.seeds))


def _of_pairs(experiment: Experiment, comparisons: Sequence[Comparison]) -> Iterator[str]:
    contrasts = [contrast for comparison in comparisons for contrast in comparison.contrasts]
    if len(contrasts) > 1:
        alone = "" if contrasts[0].sequential else "; intervals and words on equivalence are not"
        yield f"P-values are corrected for the number of contrasts (Holm){alone}."
    yield from _of_unequal_seeds(comparisons)
    if any(0 < contrast.n < ENOUGH_PAIRS for contrast in contrasts):
        yield f"Fewer than {ENOUGH_PAIRS} pairs cannot reach p < 0.05, whatever they show."
    ends = {run.epochs for run in experiment.runs if run.record.status == "finished"}
    if len(ends) > 1:
        yield f"Runs ended after {min(ends)} to {max(ends)} epochs: areas under the curve are over unequal times."


def _of_unequal_seeds(comparisons: Sequence[Comparison]) -> Iterator[str]:
    if any(_unequal(comparison) for comparison in comparisons):
        yield "The variants have not finished the same seeds: differences are of the seeds that all of a contrast have."


def _of_stops(experiment: Experiment) -> Iterator[str]:
    yield from _of_stopping_at(experiment)
    if (stopped := _stopped(experiment)) and not experiment.config.training.stop_at:
        yield f"{counted(stopped, 'run')} stopped early, on held-out data."


def _of_stopping_at(experiment: Experiment) -> Iterator[str]:
    target = experiment.config.training.stop_at
    if target and (stopped := _stopped(experiment)):
        yield (
            f"{counted(stopped, 'run')} stopped at the target of {target.value:g}: "
            "the last epoch tells little of them, the time to get there does."
        )


def _stopped(experiment: Experiment) -> int:
    return sum(run.record.stopped is not None for run in experiment.runs)


def _unequal(comparison: Comparison) -> bool:
    ended = {variant.id: variant.finished + variant.diverged for variant in comparison.variants}
    return any(contrast.n < max(ended[variant] for variant in contrast.weights) for contrast in comparison.contrasts)


def _of_origin(experiment: Experiment) -> Iterator[str]:
    for key, values in differing(experiment.runs).items():
        yield f"Not all runs have the same {key}: {', '.join(values)}."


def _of_targets(targets: Targets, headline: Metric) -> Iterator[str]:
    if targets.exploratory and targets.values:
        yield f"Times to target are exploratory: the target is {exploratory(headline)}, not one fixed beforehand."


def _of_times(experiment: Experiment) -> Iterator[str]:
    training = experiment.config.training
    each = counted(training.threads, "thread") + " a run" + ", in bfloat16" * (training.precision != "float32")
    mixed = sum(run.record.timings_include_compilation for run in experiment.runs)
    compilation = (
        f"{counted(mixed, 'run')} of an earlier version may have about a second of compilation in the first epoch's"
        if mixed
        else "compilation is not in them"
    )
    yield f"Times depend on the machine and on what ran beside ({each}); {compilation}."
