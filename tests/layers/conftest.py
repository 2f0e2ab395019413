"""What every layer test gets, on whichever backend KERAS_BACKEND names."""

from pathlib import Path

import keras
import numpy as np
import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """TensorFlow's and torch's tensors do not know NumPy 2's `copy` keyword, which Keras's conversions meet."""
    here = [item for item in items if Path(__file__).parent in item.path.parents]
    for item in here:
        item.add_marker(pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword"))


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Every test starts from the same random state."""
    keras.utils.set_random_seed(7)


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers for inputs and values."""
    return np.random.default_rng(7)
