"""Contrasts in a config: pairs, weighted sums and the factors of a 2 × 2; labels that tell variants apart."""

from typing import Any

import pytest

from tests.conftest import TINY
from tests.recorded import configured
from wncompare import config as configs
from wncompare.config import Config
from wncompare.errors import ConfigError

FOUR: list[dict[str, Any]] = [
    {"name": "regular", "id": "none"},
    {"name": "regular", "id": "init", "options": {"data_init": True}},
    {"name": "weight_norm", "id": "norm"},
    {"name": "weight_norm", "id": "both", "options": {"data_init": True}},
]
FACTORS = {"parameterization": ["norm", "both"], "initialization": ["init", "both"]}


def four(**changes: Any) -> Config:
    """A 2 × 2 of variants."""
    return configs.from_data({**TINY, "variants": FOUR, **changes}, "test")


def test_a_weighted_contrast_is_kept_as_it_is_written() -> None:
    """It goes through dump and back, and a plain one is dumped without weights, as it always was."""
    weights = {"none": 1, "init": -1, "norm": -1, "both": 1}
    plain = {"name": "whole", "variant": "both", "reference": "none"}
    config = four(contrasts=[{"name": "sum", "weights": weights}, plain])
    assert [contrast.weighted() for contrast in config.compared()] == [weights, {"both": 1.0, "none": -1.0}]
    assert config.dump()["contrasts"][1] == plain
    assert configs.from_data(config.dump(), "again") == config


def test_factors_are_two_main_effects_and_an_interaction() -> None:
    """A main effect is a mean of differences, the interaction their difference: what a regression on ±1 estimates."""
    found = {contrast.name: contrast.weighted() for contrast in four(factors=FACTORS).compared()}
    assert found == {
        "parameterization": {"none": -0.5, "init": -0.5, "norm": 0.5, "both": 0.5},
        "initialization": {"none": -0.5, "init": 0.5, "norm": -0.5, "both": 0.5},
        "interaction": {"none": 1.0, "init": -1.0, "norm": -1.0, "both": 1.0},
    }
    whole = {"name": "whole", "variant": "both", "reference": "none"}
    both = four(factors=FACTORS, contrasts=[whole])
    assert [one.name for one in both.compared()] == ["whole", "parameterization", "initialization", "interaction"]
    assert configs.from_data(both.dump(), "again") == both
    assert "factors" not in four().dump()


@pytest.mark.parametrize(
    ("contrast", "message"),
    [
        ({"weights": {"none": 1, "both": -0.9}}, "'x': weights sum to 0.1: expected 0"),
        ({"weights": {"none": 0, "both": 0}}, "'x': expected weights other than 0 of two variants or more"),
        ({"weights": {"none": 0}}, "'x': expected weights other than 0 of two variants or more"),
        ({"weights": {}}, "'x': expected weights other than 0 of two variants or more"),
        ({"weights": {"none": 1, "bth": -1}}, "unknown variant id 'bth': choose from none, init, norm, both; did you"),
        ({"weights": {"none": 1, "both": "a"}}, "contrasts.0.weights.both: 'a': expected a number"),
        ({"weights": {"none": float("inf"), "both": -1}}, "expected a finite number"),
        ({"weights": {"none": 1, "both": -1}, "variant": "both"}, "'x': has weights and a variant or reference"),
        ({"variant": "both"}, "'x': expected variant and reference, two ids, or weights, a number an id"),
        ({}, "'x': expected variant and reference, two ids, or weights, a number an id"),
        ({"variant": "both", "reference": "both"}, "'x': expected two different variants"),
        ({"variant": "both", "reference": "nne"}, "unknown variant id 'nne'"),
    ],
)
def test_a_contrast_that_cannot_be_is_refused(contrast: dict[str, Any], message: str) -> None:
    """On one line, with the contrast's name and what was expected."""
    with pytest.raises(ConfigError) as raised:
        four(contrasts=[{"name": "x", **contrast}])
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "factors",
    [
        {},
        {"a": ["norm", "both"]},
        {"a": ["norm", "both"], "b": ["norm", "both"]},
        {"a": ["norm", "both"], "b": ["none", "init"]},
        {"a": ["norm", "both"], "b": ["init"]},
        {"a": ["norm", "both"], "b": ["init", "both"], "c": ["none", "both"]},
        {"a": ["norm", "both"], "interaction": ["init", "both"]},
    ],
)
def test_what_is_no_2_by_2_is_refused(factors: dict[str, list[str]]) -> None:
    """One factor, three, two that coincide, a combination that is missing: what was expected is shown."""
    with pytest.raises(ConfigError, match=r"factors: expected two factors \(none called interaction\)"):
        four(factors=factors)


def test_factors_share_names_and_ids_with_the_rest() -> None:
    """A factor may not have a contrast's name, nor an unknown variant; and a 2 × 2 takes exactly four."""
    whole = {"name": "initialization", "variant": "both", "reference": "none"}
    with pytest.raises(ConfigError, match="the contrast name 'initialization' is there twice"):
        four(factors=FACTORS, contrasts=[whole])
    with pytest.raises(ConfigError, match="unknown variant id 'bth'"):
        four(factors={**FACTORS, "initialization": ["init", "bth"]})
    with pytest.raises(ConfigError, match="factors: expected two factors"):
        four(variants=[*FOUR, {"name": "batch_norm"}], factors=FACTORS)


def test_labels_that_are_the_same_are_told_apart(tiny: Config) -> None:
    """Each gets its id behind it, within the length that a label may have; others stay, as does a second reading."""
    long = "x" * 100
    variants = [
        {"name": "regular", "label": "net"},
        {"name": "weight_norm", "label": "net"},
        {"name": "regular", "id": "other", "label": "another"},
        {"name": "regular", "id": "a" * 98, "label": long},
        {"name": "regular", "id": "b" * 50, "label": long},
    ]
    config = configured(tiny, variants=variants)
    labels = [variant.label for variant in config.variants]
    assert labels[:3] == ["net (regular)", "net (weight_norm)", "another"]
    assert labels[3:] == ["a" * 98, "x" * 47 + f" ({'b' * 50})"]
    assert configs.from_data(config.dump(), "again") == config
