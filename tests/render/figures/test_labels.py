"""Names beside lines, and the small print."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.render.figures.support import Make, compared, small_print, texts_of
from wncompare.records import Experiment
from wncompare.render.figures import curves, labels
from wncompare.render.figures.labels import spread
from wncompare.render.figures.style import wrapped


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9), st.floats(0.01, 0.11))
def test_labels_never_overlap(wanted: list[float], size: float) -> None:
    """Wherever the lines end, labels with room enough stand apart, within the axes, and in the lines' order."""
    places = spread(wanted, [size] * len(wanted))
    order = np.argsort(wanted, kind="stable")
    assert (np.diff(places[order]) >= size - 1e-9).all()
    assert places.min() >= size / 2 - 1e-9
    assert places.max() <= 1 - size / 2 + 1e-9


def test_labels_with_room_stay_where_they_are_wanted() -> None:
    """Lines that end far from each other have their names right beside them."""
    np.testing.assert_allclose(spread([0.8, 0.2, 0.5], [0.1, 0.1, 0.1]), [0.8, 0.2, 0.5])


def test_two_labels_wanted_in_one_place_share_the_distance() -> None:
    """Both move by half their height: the least squares."""
    np.testing.assert_allclose(spread([0.5, 0.5], [0.1, 0.1]), [0.45, 0.55])


def test_more_than_three_variants_are_named_at_their_lines_ends(make: Make) -> None:
    """Four variants have no legend but a label each, in the line's colour."""
    variants = [{"name": "weight_norm", "id": f"arm{index}"} for index in range(4)]
    axes = curves.by_epoch(compared(make(variants=variants)), "accuracy").axes[0]
    assert axes.get_legend() is None
    assert texts_of(axes) == ["arm0", "arm1", "arm2", "arm3"]
    means = [line for line in axes.lines if str(line.get_label()).startswith("arm")]
    assert [text.get_color() for text in axes.texts] == [line.get_color() for line in means]


def test_the_small_print_says_what_is_shown(experiment: Experiment) -> None:
    """Dataset, model, validation, number of seeds and what is drawn; then what is missing."""
    assert labels.small_print([compared(experiment)], drawn="line: mean", note="a note") == (
        "synthetic · lenet · validation: test split\nn = 2 seeds a variant; line: mean\na note"
    )
    fewer = Experiment(experiment.folder, experiment.config, experiment.runs[:3])
    assert labels.small_print([compared(fewer)], drawn="line: mean") == (
        "synthetic · lenet · validation: test split\n"
        "n = 1 to 2 seeds a variant; line: mean\n"
        "3 of 4 runs finished (1 missing)"
    )


def test_the_small_print_names_the_point_and_the_holdout(make: Make) -> None:
    """With a grid a figure of one point says which; with a holdout, what validates."""
    grid = {"training.optimizer.learning_rate": [0.001, 0.01]}
    experiment = make(grid=grid, validation={"holdout": 0.25})
    text = small_print(curves.by_epoch(compared(experiment, 1), "accuracy"))
    assert text.startswith("synthetic · lenet · learning_rate=0.01 · validation: 25 % of the training split\n")


def test_long_text_is_cut_with_an_ellipsis() -> None:
    """Lines are as long as asked, and what does not fit into them is left out visibly."""
    assert wrapped("one two three", 7) == "one two\nthree"
    assert wrapped("x" * 30, 10, lines=2) == "x" * 10 + "\n" + "x" * 9 + "…"
