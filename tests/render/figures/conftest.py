"""Experiments to draw, written without training."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.render.figures.support import Make, rising
from wncompare import config as configs
from wncompare import records
from wncompare.config import Config
from wncompare.records import Experiment


@pytest.fixture
def make(write_records: Callable[..., Path], tiny: Config) -> Make:
    """A function that writes an experiment, keys of the tiny config replaced, and reads it back."""

    def build(**keys: Any) -> Experiment:
        config = configs.from_data({**tiny.dump(), **keys}, "test")
        return records.read(write_records(config, rising))

    return build


@pytest.fixture
def experiment(make: Make) -> Experiment:
    """A finished experiment of two variants, two seeds, two epochs."""
    return make()
