"""Writes the tables of docs/claims.md and draws docs/claims.png, from the records in results/published/claims.

Tables stand in claims.md between `<!-- NAME -->` and `<!-- /NAME -->`, NAME being their experiment's. They say in short
what `wncompare report` says of its folder, and what that does not have: the training loss over the epochs, and the
epochs to a target as a ratio.

Command:  python docs/claims.py   (a minute, without data)
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from math import ceil, isfinite, nan
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from wncompare import records
from wncompare.analysis import stats
from wncompare.analysis.estimates import Estimate, centre
from wncompare.analysis.headline import headline
from wncompare.analysis.schema import Comparison, ContrastSummary, EqualCost, Summary, TargetSummary, VariantSummary
from wncompare.analysis.stats.sequences import confidence_sequence
from wncompare.analysis.summary import summarize
from wncompare.analysis.views import views
from wncompare.analysis.words import estimate, median, metric_name, milliseconds, p, plain, ratio, signed
from wncompare.records.table import tabulated
from wncompare.render.figures import curves, render
from wncompare.render.figures.style import new_figure, styled
from wncompare.storage.files import write_bytes

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/claims.md"
RECORDS = ROOT / "results/published/claims"

Cells = tuple[str, ...]
BySeed = Mapping[int, float]


def main() -> None:
    """Write the tables where they belong, and draw."""
    write_bytes(PAGE, written(PAGE.read_text(encoding="utf-8")).encode())
    write_bytes(PAGE.with_suffix(".png"), render(figure(claims()), "png"))


@cache
def claims() -> dict[str, "Claim"]:
    """The experiments that answer, by name."""
    return {folder.name: Claim(folder) for folder in records.find(RECORDS) if not folder.name.endswith("_rates")}


@cache
def tunings() -> dict[str, "Tuning"]:
    """Those that chose their learning rates, by name."""
    return {folder.name: Tuning(folder) for folder in records.find(RECORDS) if folder.name.endswith("_rates")}


def written(page: str) -> str:
    """The page with each experiment's tables in their place."""
    found: dict[str, Claim | Tuning] = {**claims(), **tunings()}
    for name, each in found.items():
        before, mark, rest = page.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"<!-- /{name} -->")
        page = f"{before}{mark}{each.tables()}{end}{after}" if end else page
    return page


@dataclass(frozen=True)
class Claim:
    """One experiment: what its report says, and its histories."""

    folder: Path

    @cached_property
    def experiment(self) -> records.Experiment:
        """Its records."""
        return records.read(self.folder)

    @cached_property
    def summary(self) -> Summary:
        """What `wncompare report` says."""
        return summarize(self.experiment)

    @cached_property
    def histories(self) -> pd.DataFrame:
        """A row an epoch, of the seeds that count."""
        table = tabulated([self.experiment])
        return table[table["seed"].isin(self.summary.seeds)]

    def tables(self) -> str:
        """Arms and contrasts of each setting, in Markdown."""
        parts = []
        for comparison in self.summary.comparisons:
            setting = Setting(self, comparison)
            parts += [f"**{comparison.name}**"] if comparison.name else []
            parts += [markdown(setting.arms()), markdown(setting.contrasts())]
            parts += [markdown(setting.shares())] if self.folder.name == "batch_norm" else []
        return "\n\n".join(parts) + "\n"


RATE = "training.optimizer.learning_rate"

Arm = tuple[str, ...]
"""A variant's id and the value of each other setting that is tried."""


@dataclass(frozen=True)
class Tuning:
    """An experiment that tuned the arms' learning rates: each arm is trained at each, and held-out data choose."""

    folder: Path

    @cached_property
    def experiment(self) -> records.Experiment:
        """Its records."""
        return records.read(self.folder)

    @cached_property
    def settings(self) -> tuple[str, ...]:
        """What else is tried: each arm's rate is chosen at each value of it."""
        return tuple(key for key in self.experiment.config.grid if key != RATE)

    @cached_property
    def scores(self) -> dict[Arm, dict[float, float]]:
        """The headline on the held-out data after the last epoch, the mean over seeds; NaN where a run diverged."""
        metric = headline(self.experiment).validation.name
        runs: dict[Arm, dict[float, list[float]]] = {}
        for run in self.experiment.runs:
            values = run.point.values
            arm = (run.record.variant, *(f"{values[key]:g}" for key in self.settings))
            score = run.history[metric][-1] if run.record.status == "finished" else nan
            runs.setdefault(arm, {}).setdefault(values[RATE], []).append(float(score))
        return {arm: {rate: float(np.mean(found)) for rate, found in rates.items()} for arm, rates in runs.items()}

    def chosen(self) -> dict[Arm, float]:
        """The best rate of each arm."""
        sign = headline(self.experiment).sign

        def rank(score: float) -> tuple[bool, float]:
            return isfinite(score), sign * score

        return {arm: max(rates, key=lambda rate: rank(rates[rate])) for arm, rates in self.scores.items()}

    def tables(self) -> str:
        """The scores in Markdown, the best of each arm bold."""
        labels = {variant.id: variant.label for variant in self.experiment.config.variants}
        chosen = self.chosen()
        rates = list(next(iter(self.scores.values())))
        settings = (key.rpartition(".")[2].replace("_", " ") for key in self.settings)
        rows = [("arm", *settings, *(f"{rate:g}" for rate in rates))]
        for arm, scores in self.scores.items():
            cells = (
                (f"**{plain(scores[rate], 4)}**" if rate == chosen[arm] else plain(scores[rate], 4)) for rate in rates
            )
            rows.append((labels[arm[0]], *arm[1:], *cells))
        return markdown(iter(rows)) + "\n"


@dataclass(frozen=True)
class Setting:
    """An experiment at one point of its grid."""

    claim: Claim
    comparison: Comparison

    def arms(self) -> Iterator[Cells]:
        """How each arm did by itself."""
        summary = self.claim.summary
        targets = [f"epochs to {target:g}" for target in summary.targets.values if not summary.targets.exploratory]
        columns = ("arm", "learning rate", "runs", metric_name(summary.headline), "mean training loss", *targets)
        yield (*columns, "ms a step")
        for arm in self.comparison.variants:
            yield (
                arm.label,
                f"{self._rate(arm):g}",
                str(arm.finished + arm.diverged) + (f", {arm.diverged} diverged" if arm.diverged else ""),
                estimate(arm.headline),
                estimate(stats.mean_interval(list(self.area(arm.id).values()))),
                *(reached(target, arm.finished + arm.diverged) for target in arm.targets if targets),
                milliseconds(arm.step_seconds),
            )

    def contrasts(self) -> Iterator[Cells]:
        """What was compared, seed by seed."""
        summary = self.claim.summary
        targets = () if summary.targets.exploratory else summary.targets.values
        yield (
            "contrast",
            "pairs",
            f"difference in {metric_name(summary.headline)}",
            "in words",
            "in mean training loss",
            *(f"epochs to {target:g}, ratio" for target in targets),
            "time a step, ratio",
            "difference at equal seconds",
        )
        for contrast in self.comparison.contrasts:
            yield (
                contrast.label if contrast.variant else contrast.name,
                str(contrast.n),
                difference(contrast),
                words(contrast, summary.smallest_difference),
                interval(self.area_difference(contrast)),
                *(self.epochs_ratio(contrast, target) for target in targets),
                ratio(contrast.step_ratio),
                next(map(difference, self._at_equal_seconds(contrast)), "–"),
            )

    def area(self, variant: str) -> BySeed:
        """The training loss of each run, the mean over its epochs: the area under its curve, an epoch being 1 wide."""
        return {seed: float(run["loss"].mean()) for seed, run in self._runs(variant)}

    def area_difference(self, contrast: ContrastSummary) -> Estimate:
        """The contrast in that area, with the interval that the headline's difference has."""
        areas = {variant: self.area(variant) for variant in contrast.weights}
        weighted = contrast.weights.items()
        found = [sum(weight * areas[variant][each.seed] for variant, weight in weighted) for each in contrast.by_seed]
        return confidence_sequence(found) if contrast.sequential else stats.mean_interval(found)

    def shares(self) -> Iterator[Cells]:
        """How much of what batch norm takes off the mean training loss each other arm takes off."""
        reference, *arms = self.comparison.variants
        leads = {arm.id: self._lead(reference.id, arm.id) for arm in arms}
        yield ("arm", "share of batch norm's lead in mean training loss")
        for arm in arms:
            if arm.id != "batch_norm":
                yield arm.label, share(leads[arm.id], leads["batch_norm"])

    def _lead(self, reference: str, variant: str) -> NDArray[np.float64]:
        """By how much the variant's mean training loss is lower, seed by seed."""
        ours, theirs = self.area(variant), self.area(reference)
        return np.array([theirs[seed] - ours[seed] for seed in self.claim.summary.seeds])

    def epochs_ratio(self, contrast: ContrastSummary, target: float) -> str:
        """The median epochs to the target over the reference's."""
        if contrast.variant is None or contrast.reference is None:
            return "–"
        ours, theirs = (self._epochs_to(variant, target) for variant in (contrast.variant, contrast.reference))
        found = stats.ratio_of_medians(ours, theirs)
        return median(found.value, found.low, found.high, digits=2)

    def _epochs_to(self, variant: str, target: float) -> BySeed:
        summary = self.claim.summary
        sign = 1 if summary.better == "higher" else -1
        found = {}
        for seed, run in self._runs(variant):
            (found[seed],) = stats.time_to_target([sign * run[summary.headline]], [run["epoch"]], sign * target)
        return found

    def _runs(self, variant: str) -> Iterator[tuple[int, pd.DataFrame]]:
        table = self.claim.histories
        ours = table[(table["variant"] == variant) & (table["point"] == self.comparison.selected[variant])]
        return ((seed, ours[ours["seed"] == seed]) for seed in self.claim.summary.seeds)

    def _at_equal_seconds(self, contrast: ContrastSummary) -> Iterator[EqualCost]:
        return (each for each in self.comparison.equal_cost if (each.contrast, each.cost) == (contrast.name, "seconds"))

    def _rate(self, arm: VariantSummary) -> float:
        config = self.claim.summary.config
        own = {variant["id"]: variant.get("learning_rate") for variant in config["variants"]}
        return float(own[arm.id] or config["training"]["optimizer"]["learning_rate"])


CURVES = (
    ("convergence", "LeNet, CIFAR-10: how fast it trains", "loss"),
    ("batch_norm", "The same beside batch normalization", "loss"),
    ("lstm", "LSTM, Fashion-MNIST row by row", "val_accuracy"),
    ("adding_lstm", "LSTM, adding over 200 steps", "val_loss"),
    ("adding_tcn", "TCN, adding over 200 steps", "val_loss"),
    ("vae", "VAE, Fashion-MNIST: bound in nats", "val_loss"),
    ("resnet8", "ResNet-8, CIFAR-10", "val_accuracy"),
    ("resnet8_weight_decay", "The same with weight decay", "val_accuracy"),
)
"""What is drawn over the epochs: experiment, title, metric."""
SIZES = (2, 8, 32)
COLUMNS = 3


@styled
def figure(found: Mapping[str, Claim]) -> Figure:
    """Every experiment that there is on one page."""
    panels = [panel for panel in CURVES if panel[0] in found]
    sizes = [found[f"small_batches_{size}"] for size in SIZES if f"small_batches_{size}" in found]
    rows = ceil((len(panels) + bool(sizes)) / COLUMNS)
    drawn = new_figure(3.75 * COLUMNS, 3.8 * rows)
    cells = iter(drawn.subplots(rows, COLUMNS, squeeze=False).flat)
    for name, title, metric in panels:
        draw_curves(next(cells), found[name], title, metric)
    if sizes:
        draw_sizes(next(cells), sizes)
    for axes in cells:
        axes.remove()
    return drawn


def draw_curves(axes: Axes, found: Claim, title: str, metric: str) -> None:
    """Every arm over the epochs."""
    curves.draw(axes, views(found.experiment).compared[0], metric, named=False)
    axes.set_title(title, fontsize=10)
    axes.legend(fontsize=7)


def draw_sizes(axes: Axes, found: Sequence[Claim]) -> None:
    """The accuracy of each arm over the size of a batch, and its 95 % interval over seeds."""
    sizes = [each.summary.config["training"]["batch_size"] for each in found]
    for arms in zip(*(each.summary.comparisons[0].variants for each in found), strict=True):
        means, lows, highs = np.array([(arm.headline.mean, arm.headline.low, arm.headline.high) for arm in arms]).T
        axes.errorbar(sizes, means, [means - lows, highs - means], color=arms[0].color, label=arms[0].label, marker="o")
    axes.set_xscale("log", base=2)
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.set(xlabel="examples a batch", ylabel="validation accuracy")
    axes.set_title("LeNet, CIFAR-10: smaller batches", fontsize=10)
    axes.legend(fontsize=7)


def difference(found: ContrastSummary | EqualCost) -> str:
    """What a verdict rests on, a mean or a median difference, with its interval."""
    shown = interval(centre(found.basis, found.difference, found.median))
    return f"median {shown}" if found.basis == "median" else shown


def interval(found: Estimate) -> str:
    """A difference with its interval: "−0.0078 (−0.0215 to +0.0059)"."""
    return f"{signed(found.mean)} ({signed(found.low)} to {signed(found.high)})"


def share(part: NDArray[np.float64], whole: NDArray[np.float64]) -> str:
    """The mean of `part` over that of `whole`, and the shares s for which part − s · whole may be 0 (Fieller 1954).

    A dash where they have no bounds: the whole itself may be 0 then.
    """
    shares = np.linspace(-5, 5, 2001)
    found = [confidence_sequence(part - each * whole) for each in shares]
    left = shares[[each.low <= 0 <= each.high for each in found]]
    if not len(left) or left[0] == shares[0] or left[-1] == shares[-1]:
        return "–"
    return f"{part.mean() / whole.mean():.2f} ({left[0]:.2f} to {left[-1]:.2f})".replace("-", "−")


def words(contrast: ContrastSummary, smallest: float | None) -> str:
    """The verdict, and whether what differs is large enough to matter."""
    outcome = (
        contrast.outcome
        if contrast.variant
        else {"better": "above 0", "worse": "below 0"}.get(contrast.outcome, contrast.outcome)
    )
    told = contrast.outcome in ("better", "worse")
    small = f", by less than {smallest:g}" if told and contrast.equivalence == "equivalent" else ""
    return f"{outcome}{small}, {p(contrast.p_holm)}"


def reached(target: TargetSummary, runs: int) -> str:
    """The median epochs to a target, and how many runs came there if not all."""
    found = median(target.epochs.value, target.epochs.low, target.epochs.high, digits=0)
    return found if target.reached == runs else f"{found}, {target.reached} of {runs}"


def markdown(rows: Iterator[Cells]) -> str:
    """A table, the first of the rows its head."""
    head, *body = (f"| {' | '.join(cells)} |" for cells in rows)
    return "\n".join([head, "|---" * (head.count("|") - 1) + "|", *body])


if __name__ == "__main__":
    main()
