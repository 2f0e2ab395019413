"""What a summary holds, field for field as in summary.json (docs/results.md)."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from wncompare.analysis.estimates import Basis, Equivalence, Estimate, Quantile
from wncompare.catalog.metrics import Better

SCHEMA_VERSION = 4

Cost = Literal["epochs", "steps", "seconds"]
COSTS: tuple[Cost, ...] = ("epochs", "steps", "seconds")
Outcome = Literal["better", "worse", "equal", "equivalent", "not told from noise", "too few", "one pair", "nothing"]


@dataclass(frozen=True)
class Targets:
    """Values of the headline on validation data whose time is taken; exploratory where no config gave them."""

    values: tuple[float, ...]
    exploratory: bool


@dataclass(frozen=True)
class Counts:
    """How many runs are planned, and what became of them; a missing one has no record."""

    planned: int
    finished: int
    diverged: int
    failed: int
    interrupted: int
    running: int
    missing: int


@dataclass(frozen=True)
class Problem:
    """A run that did not finish: why, the end of its log, and the command to try it again (a diverged one is final).

    In the command, CONFIG stands for the config that was run.
    """

    run: str
    status: str
    error: str | None
    log_tail: tuple[str, ...]
    retry: str | None


@dataclass(frozen=True)
class Curve:
    """The mean headline on validation data by epoch with its interval; `n` is how many runs came so far."""

    epoch: tuple[int, ...]
    n: tuple[int, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class TargetSummary:
    """The median epochs, steps and training seconds until a target is reached, over all runs; a miss is infinite."""

    target: float
    reached: int
    epochs: Quantile
    steps: Quantile
    seconds: Quantile


@dataclass(frozen=True)
class VariantSummary:
    """One variant at one setting, over its seeds, at the last epoch of each run.

    `accuracy` is the training accuracy, `training` the headline's metric on the training data, `area` the mean of its
    curve on validation data over the epochs. `step_seconds` is a
    training step's time and `compile_seconds` the median time of compilation, which no other number includes.
    A diverged run withholds the means and ranks worst in the median. `collapsed` runs finished and are no better than a
    constant guess, None where the records do not tell; `lost` is the share of runs that collapsed or diverged.
    """

    id: str
    label: str
    color: str | None
    point: str
    reference: bool
    planned: int
    finished: int
    diverged: int
    failed: int
    collapsed: int | None
    lost: Estimate
    parameters: int | None
    accuracy: Estimate
    training: Estimate
    headline: Estimate
    median: float
    area: Estimate
    step_seconds: Estimate
    compile_seconds: float
    by_epoch: Curve
    targets: tuple[TargetSummary, ...]


@dataclass(frozen=True)
class SeedDifference:
    """The headline's difference between two runs of one seed."""

    seed: int
    difference: float


@dataclass(frozen=True)
class TargetRatio:
    """The variant's median seconds to the target over the reference's, over the pairs, with a bootstrap interval."""

    target: float
    ratio: float
    low: float
    high: float


@dataclass(frozen=True)
class ContrastSummary:
    """A sum of variants (ids) times `weights`, paired by seed; see `PairedComparison` for the statistics.

    `variant` and `reference` are those of a difference between two, None in other sums; `label` says it in words. The
    verdict rests on means or, where a run has collapsed or diverged, on medians (`basis`): the mean is withheld then.
    `p_value` and `smallest_p`, the least that the pairs can reach, are of the basis' test; the `_holm` are corrected
    over all contrasts of the summary. `correlation` is that of two arms over seeds, and the n pairs are worth
    n · `pairing_gain` unpaired runs of each arm; both are of the mean. `sequential` says that p-value and interval
    hold at every look; `few_decide` that wins and losses contradict the mean. `sampling_error` is the difference's
    standard error for another test set, which the interval over seeds leaves out. `metrics` has every metric's mean
    difference at the last epoch; `step_ratio` and the ratios are variant over reference. `outcome` is the verdict in a
    word, which a contrast that was `settled` at that many pairs keeps; `sentence` says it in full.
    """

    name: str
    label: str
    variant: str | None
    reference: str | None
    weights: dict[str, float]
    n: int
    basis: Basis
    sequential: bool
    difference: Estimate
    effect: float
    correlation: float
    pairing_gain: float
    median: Quantile
    by_seed: tuple[SeedDifference, ...]
    p_value: float
    p_holm: float
    smallest_p: float
    smallest_p_holm: float
    sign_p: float
    few_decide: bool
    probability_of_improvement: Estimate
    wins: int
    ties: int
    losses: int
    detectable: float
    equivalence: Equivalence | None
    metrics: dict[str, Estimate]
    sampling_error: float
    step_ratio: Estimate
    time_to_target_ratios: tuple[TargetRatio, ...]
    outcome: Outcome
    settled: int | None
    sentence: str


@dataclass(frozen=True)
class EqualCost:
    """A contrast (its name) with each run taken at the last epoch that it had done within a budget, paired by seed.

    A pair's `budget` is the smallest total of its runs, or the config's where that is smaller; here is the median of
    the `n` pairs. `epochs` has the mean number that each variant (its id) had done. `p_holm` is corrected over all
    contrasts of the summary at the same kind of cost, a family of its own.
    """

    contrast: str
    cost: Cost
    budget: float
    epochs: dict[str, float]
    n: int
    basis: Basis
    difference: Estimate
    median: Quantile
    p_value: float
    p_holm: float
    outcome: Outcome


@dataclass(frozen=True)
class Choice:
    """How a variant (its id) came to be compared at a point of the grid: by its held-out mean over `seeds` of them.

    `fewer` are the points that have runs of other seeds, which were left out; `but_for_divergence` is the point that
    would be chosen had none of its runs diverged; `shares` has for each point how often it is chosen when seeds are
    resampled.
    """

    variant: str
    point: str
    seeds: int
    fewer: tuple[str, ...]
    but_for_divergence: str | None
    shares: dict[str, float]


@dataclass(frozen=True)
class Comparison:
    """The variants side by side, each at the point that `selected` names; `name` is empty without a grid.

    `choices` says how the points were chosen, where they were.
    `equal_cost` has each contrast at equal training seconds, and at equal steps where any run is cut by that.
    """

    name: str
    selected: dict[str, str]
    choices: tuple[Choice, ...]
    variants: tuple[VariantSummary, ...]
    contrasts: tuple[ContrastSummary, ...]
    equal_cost: tuple[EqualCost, ...]


@dataclass(frozen=True)
class PointHeadline:
    """The headline metric of a variant at one point of the grid, and the share of runs that collapsed or diverged."""

    point: str
    values: dict[str, Any]
    headline: Estimate
    lost: Estimate


@dataclass(frozen=True)
class PointDifference:
    """A contrast at one point of the grid; `p_holm` is corrected over all contrasts at all points."""

    point: str
    n: int
    basis: Basis
    difference: Estimate
    median: Quantile
    p_value: float
    p_holm: float
    outcome: Outcome


@dataclass(frozen=True)
class VariantRobustness:
    """The headline of a variant (its id) at every point of the grid; `mean` is of each seed's mean over the points."""

    variant: str
    points: tuple[PointHeadline, ...]
    mean: Estimate


@dataclass(frozen=True)
class ContrastRobustness:
    """A contrast at every point, each tested, and of each seed's mean over the points."""

    name: str
    label: str
    variant: str | None
    reference: str | None
    weights: dict[str, float]
    points: tuple[PointDifference, ...]
    mean: Estimate


@dataclass(frozen=True)
class Robustness:
    """The headline over the grid, by variant and by contrast."""

    variants: tuple[VariantRobustness, ...]
    contrasts: tuple[ContrastRobustness, ...]


@dataclass(frozen=True)
class Summary:
    """An experiment in numbers and words: what every report shows and summary.json holds."""

    experiment: str
    source: Literal["runs", "scores"]
    """Whether the numbers are of runs of wncompare's, or scores that something else produced."""
    dataset: str
    model: str
    headline: str
    better: Better
    confidence: float
    smallest_difference: float | None
    seeds: tuple[int, ...]
    """Those that count: the config's list or, with `until`, up to the look that settled it or the next one."""
    targets: Targets
    verdict: str
    caveats: tuple[str, ...]
    grave: tuple[str, ...] = field(metadata={"in_json": False})
    """The caveats that belong right below the verdict."""
    runs: Counts
    problems: tuple[Problem, ...]
    comparisons: tuple[Comparison, ...]
    robustness: Robustness | None
    config: dict[str, Any]
    environment: dict[str, Any]

    @property
    def further(self) -> tuple[str, ...]:
        """The caveats that are not `grave`: how any such verdict is to be read."""
        return tuple(caveat for caveat in self.caveats if caveat not in self.grave)


def as_data(summary: Summary) -> dict[str, Any]:
    """The summary as plain data with its schema's version; `wncompare.storage.files.strict` makes it strict JSON."""
    kept = [each.name for each in fields(summary) if each.metadata.get("in_json", True)]
    content = asdict(summary)
    return {"schema_version": SCHEMA_VERSION} | {name: content[name] for name in kept}
