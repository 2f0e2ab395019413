"""Numbers as people read them."""

import pytest

from wncompare.analysis import words
from wncompare.analysis.estimates import Estimate
from wncompare.render.html import number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-0.0126, "−0.0126"), (0.00042, "+0.0004"), (4.2e-6, "+4.2e-06"), (-4.2e-6, "−4.2e-06"), (1e300, "+1.0e+300"),
        (0.0, "+0.0000"), (-1e-17, "+0.0000"), (468.91891, "+468.9189"),
    ],
)  # fmt: skip
def test_a_small_difference_is_not_shown_as_none(value: float, text: str) -> None:
    """What four places would show as zero has two digits and a power of ten; what rounding leaves of zero is zero."""
    assert words.signed(value) == text
    assert number(value, "+.4f") == text


def test_an_estimate_of_small_losses_has_its_digits() -> None:
    """Mean squared errors of a millionth are told apart, in text and on the page; a diverged run's stay a dash."""
    assert words.estimate(Estimate(5, 3.1e-6, 2.9e-6, 3.3e-6)) == "3.1e-06 ± 2.0e-07"
    assert words.plain(2e-5, digits=4) == number(2e-5) == "2.0e-05"
    assert words.plain(12_345.678) == "12,345.68"
    assert words.estimate(Estimate(5, float("nan"), float("nan"), float("nan"))) == words.NOTHING
