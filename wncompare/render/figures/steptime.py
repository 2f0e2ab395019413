"""What a training step costs."""

from matplotlib.axes import Axes

from wncompare.analysis import metrics, stats
from wncompare.render.figures import dots
from wncompare.render.figures.arms import Comparison
from wncompare.render.figures.style import wrapped


def draw(axes: Axes, comparison: Comparison) -> Axes:
    """A row for each arm: milliseconds a training step by seed, their mean with its Student-t interval."""
    arms = [arm for arm in comparison.arms if arm.finished]
    for place, arm in enumerate(arms):
        values = [1000 * seconds for seconds in metrics.step_seconds(arm.finished).values()]
        dots.draw_values(axes, place, values, arm.color)
        if len(values) > 1:
            mean = stats.mean_interval(values)
            dots.draw_estimate(axes, place, len(values), (mean.mean, mean.low, mean.high), arm.color)
    axes.set_yticks(range(len(arms)), [wrapped(arm.variant.label, 24, 2) for arm in arms])
    axes.set_ylim(len(arms) - 0.5, -0.5)
    axes.set_xlim(left=0)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("milliseconds a training step")
    return axes
