"""Draws docs/initialization.png: LeNet's pre-activations on CIFAR-10 right after initialization.

For every output channel of every layer, mean and standard deviation of the pre-activation over a batch of training
images and all positions: of the regular model, and of the weight-normalized one with `data_init: tfa` (the values of
the layer in TensorFlow Addons) and `data_init: true` (Salimans & Kingma 2016, eq. 5–6). All three start from the same
kernels and, where they use one, from the same batch. The numbers are printed as a table.

Expected: with `data_init: true` every mean is 0 and every standard deviation 1. Time: half a minute.
Command:  python docs/initialization.py --data-dir DIR --copy-note "JPEG copy"   (no note for the official files)
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import keras
import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from wncompare import config, data
from wncompare.catalog.datasets import CifarOptions
from wncompare.layers import fold
from wncompare.nn import arms
from wncompare.render.figures import COLORS, STYLE, render

Moments = dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]

SIZE = 512
VARIANTS = [
    {"name": "regular", "label": "regular"},
    {"name": "weight_norm", "id": "tfa", "label": "weight norm, data_init: tfa", "options": {"data_init": "tfa"}},
    {"name": "weight_norm", "id": "true", "label": "weight norm, data_init: true", "options": {"data_init": True}},
]
MARKS = {"regular": ("#767676", "s"), "tfa": (COLORS[1], "^"), "true": (COLORS[0], "o")}


def main() -> None:
    """Measures, prints and draws."""
    options = _arguments()
    dataset = data.load("cifar10", CifarOptions(copy_note=options.copy_note), data_dir=options.data_dir)
    plan = experiment(options.seed)
    moments = {variant.id: measure(plan, variant.id, dataset) for variant in plan.variants}
    print(table(moments))
    options.output.write_bytes(render(figure(plan, moments, dataset.label), "png"))


def experiment(seed: int) -> config.Config:
    """LeNet on CIFAR-10, in the three ways to start it."""
    plan = {"name": "initialization", "dataset": {"name": "cifar10"}, "model": {"name": "lenet"}, "seeds": [seed]}
    return config.from_data({**plan, "variants": VARIANTS, "init_batch": SIZE}, "docs/initialization.py")


def measure(plan: config.Config, variant: str, dataset: data.Dataset) -> Moments:
    """Mean and standard deviation of each channel's pre-activation, by layer, on the initialization batch."""
    (seed,) = plan.seeds
    model = arms.build(plan, variant, seed, dataset, dataset.train)
    batch = arms.init_batch(dataset.train, size=plan.init_batch, seed=seed)
    return {name: (t.mean(0), t.std(0)) for name, t in pre_activations(fold(model), batch)}


def pre_activations(model: keras.Sequential, batch: NDArray[np.float32]) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """What each layer with a kernel gives before its activation, as (images × positions, channels)."""
    x = batch
    for layer in model.layers:
        if not layer.weights:
            x = layer(x)
            continue
        activation, layer.activation = layer.activation, keras.activations.linear
        t = layer(x)
        x = activation(t)
        yield layer.name, np.asarray(t, dtype=np.float64).reshape(-1, t.shape[-1])


def table(moments: dict[str, Moments]) -> str:
    """The range over channels of both moments, a line for each variant and layer."""
    lines = [f"{'variant':<8} {'layer':<8} {'channels':>8} {'mean from':>10} {'to':>7} {'std from':>9} {'to':>6}"]
    for variant, layers in moments.items():
        for layer, (mean, std) in layers.items():
            numbers = f"{mean.min():>10.3f} {mean.max():>7.3f} {std.min():>9.3f} {std.max():>6.3f}"
            lines.append(f"{variant:<8} {layer:<8} {len(mean):>8} {numbers}")
    return "\n".join(lines)


def figure(plan: config.Config, moments: dict[str, Moments], label: str) -> Figure:
    """Means left, standard deviations right; a row for each layer and variant, a mark for each channel."""
    with mpl.rc_context(STYLE):
        drawn = Figure(figsize=(7.2, 5.6), layout="constrained")
        left, right = drawn.subplots(1, 2, sharey=True)
        drawn.get_layout_engine().set(wspace=0.06)
        _draw(left, moments, 0)
        _draw(right, moments, 1)
        left.set(title="Pre-activation mean", xlabel="mean, one mark a channel")
        right.set(title="Pre-activation standard deviation", xlabel="standard deviation, one mark a channel")
        left.set_yticks(range(len(moments["true"])), _names(moments["true"]))
        left.set_ylim(len(moments["true"]) - 0.5, -0.5)
        drawn.legend(handles=_handles(plan), loc="outside upper center", ncols=3)
        drawn.supxlabel(_caption(plan, label), fontsize=8, color="#555555", parse_math=False)
    return drawn


def _draw(axes: Axes, moments: dict[str, Moments], which: int) -> None:
    """Draws the means (`which` 0) or standard deviations (1), and what is aimed at, 0 or 1."""
    rng = np.random.default_rng(0)  # for the marks' vertical scatter alone
    axes.axvline(which, color="#333333", linewidth=0.8, zorder=1)
    for offset, (variant, layers) in zip((-0.27, 0.0, 0.27), moments.items(), strict=True):
        color, marker = MARKS[variant]
        for row, values in enumerate(both[which] for both in layers.values()):
            y = row + offset + rng.uniform(-0.08, 0.08, len(values))
            axes.scatter(values, y, s=14, marker=marker, color=color, alpha=0.55, linewidths=0, zorder=3)
            axes.vlines(
                np.median(values), row + offset - 0.13, row + offset + 0.13, color="black", linewidth=1.2, zorder=2
            )
    largest = 1.08 * max(np.abs(both[which]).max() for layers in moments.values() for both in layers.values())
    axes.set_xlim(-largest if which == 0 else 0, largest)
    for row in range(1, len(moments["true"])):
        axes.axhline(row - 0.5, color="#dddddd", linewidth=0.6)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)


def _names(layers: Moments) -> list[str]:
    return [f"{layer}\n{len(mean)} channels" for layer, (mean, _) in layers.items()]


def _handles(plan: config.Config) -> list[Line2D]:
    marks = [(variant.label, *MARKS[variant.id]) for variant in plan.variants]
    return [Line2D([], [], label=label, color=c, marker=m, linestyle="", markersize=5) for label, c, m in marks]


def _caption(plan: config.Config, label: str) -> str:
    return (
        f"{label} · LeNet, one network (seed {plan.seeds[0]}), before any training\n"
        f"moments over a batch of n = {plan.init_batch} training images and all positions; "
        "black bar: median of the channels"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Draw LeNet's pre-activations right after initialization.")
    parser.add_argument("--data-dir", type=Path, help="where CIFAR-10 is; as for wncompare run")
    parser.add_argument("--copy-note", help="names an unofficial copy of the data, such as 'JPEG copy'")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".png"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
