"""Seeds until all is settled: what a config says of it, and what is refused."""

from typing import Any

import pytest

from tests.conftest import TINY
from wncompare import config as configs
from wncompare.config import Config, Until
from wncompare.errors import ConfigError

GRID = {"training.batch_size": [8, 16]}


def settled(until: dict[str, Any] | None = None, **changes: Any) -> Config:
    """The tiny config until it is settled."""
    return configs.from_data({**TINY, **changes, "seeds": {"until": "settled", **(until or {})}}, "test")


def test_until_settled_is_from_8_to_40_seeds() -> None:
    """What is left out has the design's numbers; the seeds follow one another, and the dump reads back."""
    config = settled()
    assert config.until == Until(until="settled", first=8, most=40, start=0)
    assert config.all_seeds == tuple(range(40))
    assert configs.from_data(config.dump(), "dump") == config


def test_seeds_start_where_they_are_told_to() -> None:
    """After seeds on which a setting was chosen come others: `start` is the number of the first."""
    assert settled({"first": 2, "most": 3, "start": 10}).all_seeds == (10, 11, 12)


def test_a_list_is_all_seeds() -> None:
    """Nothing changes for a list: its seeds in its order, and it is until nothing."""
    config = configs.from_data({**TINY, "seeds": [3, 1]}, "test")
    assert (config.seeds, config.all_seeds, config.until) == ((3, 1), (3, 1), None)


def test_a_grid_of_one_setting_is_frozen() -> None:
    """A grid in which each key has its one value leaves nothing to choose."""
    assert settled(grid={"training.batch_size": [8]}).until


@pytest.mark.parametrize(
    ("until", "changes", "message"),
    [
        (
            {},
            {"grid": GRID},
            "seeds: until with a grid of 2 settings, of which one would be chosen on the seeds",
        ),
        ({}, {"grid": GRID, "validation": {"holdout": 0.1}}, "start after those seeds"),
        ({}, {"variants": [{"name": "regular"}]}, "seeds: there is one variant, and nothing to settle: expected two"),
        ({"until": "setled"}, {}, "seeds.until: 'setled': expected 'settled'"),
        ({"most": 5}, {}, "seeds.most: 5: expected at least 8, the seeds of the first look"),
        ({"first": 50}, {}, "seeds.most: 40: expected at least 50, the seeds of the first look"),
        ({"first": 1}, {}, "seeds.first: 1: expected greater than or equal to 2"),
        ({"first": 8.5}, {}, "seeds.first: 8.5: expected a whole number"),
        ({"most": True}, {}, "seeds.most: True: expected a whole number"),
        ({"start": -1}, {}, "seeds.start: -1: expected greater than or equal to 0"),
        ({"start": 2**32 - 39}, {}, "seeds.start: 4294967257: expected at most 4294967256: seeds end at 2³² − 1"),
        (
            {"mots": 9},
            {},
            "unknown key 'mots': choose from until, first, most, start; did you mean 'most'?",
        ),
    ],
)
def test_what_cannot_be_is_refused(until: dict[str, Any], changes: dict[str, Any], message: str) -> None:
    """On one line: the key, its value, what was expected and the remedy."""
    with pytest.raises(ConfigError) as refused:
        settled(until, **changes)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_mapping_without_until_is_no_list() -> None:
    """A mapping of seeds is read as `until`, and says which key it lacks; the keys are led to their place."""
    with pytest.raises(ConfigError, match=r"seeds\.until: missing: expected a value"):
        configs.from_data({**TINY, "seeds": {"first": 8}}, "test")
    with pytest.raises(ConfigError, match=r"did you mean 'seeds\.first'\?"):
        configs.from_data({**TINY, "first": 8}, "test")
