"""The methods paragraph that reviewers ask for, in plain words: how the numbers were made and what they stand for."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from wncompare.analysis.estimates import PATTERNS
from wncompare.analysis.schema import Summary
from wncompare.analysis.words import counted, metric_name

_SOFTWARE = {
    "wncompare": "wncompare",
    "python": "Python",
    "tensorflow": "TensorFlow",
    "keras": "Keras",
    "numpy": "NumPy",
    "scipy": "SciPy",
}
_TRAINING = ("schedule", "early_stopping", "stop_at")
"""What a config may add to the training."""
_OWN_RATES = (
    "A variant's own learning rate was fixed before the first run; how it was chosen the records do not tell. No other "
    "setting was tuned."
)


def methods(summary: Summary) -> str:
    """Design, training, tuning, outcome, statistics, what they are conditional on, machine and versions."""
    if summary.source == "scores":
        return " ".join((*_of_scores(summary), *_statistics(summary)))
    return " ".join(
        (
            *_design(summary),
            *_training(summary.config),
            _tuning(summary.config),
            _outcome(summary),
            *_statistics(summary),
            *_machine(summary),
        )
    )


def _design(summary: Summary) -> Iterator[str]:
    config = summary.config
    variants = ", ".join(_variant(variant) for variant in config["variants"])
    yield (
        f"The model {summary.model} was trained on {summary.dataset} in {counted(len(config['variants']), 'variant')} "
        f"({variants}), each with {counted(len(summary.seeds), 'seed')} ({_listed(summary.seeds)})."
    )
    if isinstance(config["seeds"], Mapping):
        yield (
            f"Seeds were added until every contrast was settled, looked at from {config['seeds']['first']} on, "
            f"{config['seeds']['most']} at the most."
        )
    yield (
        "The variants of a seed share their initial kernels and the order of their batches, "
        f"so differences are taken seed by seed{_pairs(summary)}."
    )
    if any(variant["options"].get("data_init") for variant in config["variants"]):
        yield f"Initialization from data took {config['init_batch']} training examples."


def _of_scores(summary: Summary) -> Iterator[str]:
    """What is known of scores that something else produced."""
    variants = ", ".join(variant["label"] for variant in summary.config["variants"])
    yield (
        f"The outcome is the {metric_name(summary.headline)} of {counted(len(summary.config['variants']), 'variant')} "
        f"({variants}), each with {counted(len(summary.seeds), 'seed')} ({_listed(summary.seeds)}), as "
        f"wncompare was given it; differences are taken seed by seed{_pairs(summary)}."
    )
    yield ("Data, model, training, tuning and machine are unknown to it, and so is what the variants of a seed share.")


def _variant(variant: Mapping[str, Any]) -> str:
    if variant["name"] == "function":
        return f"{variant['label']}: the function {variant['options'].get('function')} of the authors' own"
    return f"{variant['label']}: {_named(variant, 'label', 'id', 'color')}"


def _pairs(summary: Summary) -> str:
    numbers = {contrast.n for comparison in summary.comparisons for contrast in comparison.contrasts}
    if not numbers:
        return ""
    least, most = min(numbers), max(numbers)
    return f" ({counted(most, 'pair')})" if least == most else f" ({least} to {counted(most, 'pair')})"


def _training(config: Mapping[str, Any]) -> Iterator[str]:
    training = config["training"]
    yield (
        f"A run took {counted(training['epochs'], 'epoch')} with batches of {training['batch_size']}, "
        f"the loss {training['loss']} and the optimizer {_named(training['optimizer'])}, "
        "its other settings at Keras's defaults."
    )
    if training.get("precision"):
        yield (
            "Layers computed in bfloat16 (mixed_bfloat16), but for the output layers; weights, normalized kernels, "
            "losses and metrics were float32."
        )
    for key in _TRAINING:
        if training.get(key):
            yield f"The {key.replace('_', ' ')} was {_named(training[key])}."


def _tuning(config: Mapping[str, Any]) -> str:
    own = any("learning_rate" in variant for variant in config["variants"])
    if not config["grid"]:
        return _OWN_RATES if own else "No setting was tuned, for any variant."
    grid = "; ".join(f"{key} in {{{', '.join(map(str, values))}}}" for key, values in config["grid"].items())
    if config["validation"] == "test":
        return f"Every setting of a grid was trained ({grid}); none was chosen, each is compared by itself."
    return (
        f"Each variant's setting was chosen from one grid ({grid}) by its mean on held-out data at the last epoch, "
        "over the same seeds; nothing else was tuned."
    )


def _outcome(summary: Summary) -> str:
    metric, validation = metric_name(summary.headline), summary.config["validation"]
    if validation == "test":
        return f"The outcome is the {metric} at the last epoch, on the test split; the best epoch was not picked."
    return (
        f"The outcome is the {metric} after the last epoch; {100 * validation['holdout']:g} % of the training examples "
        "were held out from training, and the best epoch was not picked."
    )


def _statistics(summary: Summary) -> Iterator[str]:
    yield from _ended(summary)
    yield _of_looks(summary) if isinstance(summary.config["seeds"], Mapping) else _of_fixed_seeds(summary)
    if any(contrast.basis == "median" for comparison in summary.comparisons for contrast in comparison.contrasts):
        yield (
            "Where a run of a contrast collapsed (no better than a constant guess) or diverged, no mean is given: "
            "the median difference with its interval between order statistics and a sign test take its place."
        )
    yield (
        "A step-time ratio is the geometric mean of the paired ratios of a training step's time, compilation apart; "
        "its replication is the session, so that it has an interval from three sessions on."
    )
    if any(comparison.equal_cost for comparison in summary.comparisons):
        yield (
            "At equal cost each run of a pair is taken at the last epoch that it had done within the smaller of their "
            "totals (training seconds, evaluation and compilation apart, or steps), from the same runs' histories; "
            "these p-values are corrected by Holm's method by themselves."
        )
    yield (
        "All intervals are over seeds alone: they are conditional on this training set, on this test set and split, "
        "on these settings and, for times, on this machine."
    )


def _of_fixed_seeds(summary: Summary) -> str:
    return (
        f"Means over seeds, and means of paired differences, stand with their {100 * summary.confidence:g} % "
        f"Student-t intervals; p-values are of two-sided paired sign-flip permutation tests ({_patterns(summary)}), "
        f"{_correction(summary)}."
    )


def _of_looks(summary: Summary) -> str:
    percent = f"{100 * summary.confidence:g} %"
    return (
        f"Means over seeds stand with their {percent} Student-t intervals, means of paired differences with a "
        f"{percent} t confidence sequence (a mixture of normal effects of one standard deviation), all contrasts' at "
        "once; a p-value is the larger of that mixture's and of a test martingale for differences that are symmetric, "
        f"{_correction(summary)}. Both hold at every look."
    )


def _ended(summary: Summary) -> Iterator[str]:
    runs = summary.runs
    if runs.finished < runs.planned:
        kinds = ("finished", "diverged", "failed", "interrupted", "running", "missing")
        counts = ", ".join(f"{number} {kind}" for kind in kinds if (number := getattr(runs, kind)))
        yield f"Of {counted(runs.planned, 'planned run')}: {counts}."
    if runs.diverged:
        yield "A run that diverged ranks worst and withholds the means that it would be part of."


def _patterns(summary: Summary) -> str:
    most = max((contrast.n for comparison in summary.comparisons for contrast in comparison.contrasts), default=0)
    return "exact" if 2**most <= PATTERNS else f"{PATTERNS:,} random patterns"


def _correction(summary: Summary) -> str:
    tests = sum(len(comparison.contrasts) for comparison in summary.comparisons)
    return f"corrected for {tests} contrasts by Holm's method" if tests > 1 else "not corrected: there is one contrast"


def _machine(summary: Summary) -> Iterator[str]:
    environment = summary.environment
    if not environment:
        return
    parts = {key: _either(environment.get(key, "unknown")) for key in ("device", "processor", "cores", "platform")}
    yield (
        f"Runs were made on the {parts['device']} of a machine with {parts['cores']} cores ({parts['processor']}; "
        f"{parts['platform']}), with {counted(summary.config['training']['threads'], 'thread')} a run."
    )
    versions = (f"{name} {_either(environment[key])}" for key, name in _SOFTWARE.items() if key in environment)
    yield f"Software: {', '.join(versions)}."


def _named(chosen: Mapping[str, Any], *left_out: str) -> str:
    """A choice with its options: "adam (learning_rate 0.001)"; without a name the options alone."""
    options = {key: value for key, value in chosen.items() if key not in ("name", *left_out)}
    flat = {**options, **options.pop("options", {})} if "options" in options else options
    shown = ", ".join(f"{key} {value}" for key, value in flat.items() if key != "options")
    return " ".join(filter(None, (chosen.get("name"), f"({shown})" if shown else "")))


def _listed(seeds: Sequence[int]) -> str:
    """Seeds: "0 to 9" where they follow one another, else each."""
    following = len(seeds) > 2 and list(seeds) == list(range(seeds[0], seeds[0] + len(seeds)))
    return f"{seeds[0]} to {seeds[-1]}" if following else ", ".join(map(str, seeds))


def _either(value: Any) -> str:
    """A value that all runs share, or those there are: "2 or 4"."""
    values: Iterable[Any] = value if isinstance(value, list) else [value]
    return " or ".join("unknown" if each is None else str(each) for each in values)
