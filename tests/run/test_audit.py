"""What `check` has a worker try: every network of a grid, once."""

import pytest

from tests.recorded import configured
from wncompare import data
from wncompare.config import Config
from wncompare.errors import ModelError
from wncompare.run.audit import _networks, audit


def test_points_that_fit_alike_are_tried_once(tiny: Config) -> None:
    """Rates and batch sizes decide about no fit; losses, metrics and what the model is made of do."""
    rates = configured(tiny, grid={"training.optimizer.learning_rate": [0.1, 0.01], "training.batch_size": [8, 16]})
    assert [at.training.batch_size for at in _networks(rates)] == [8]
    grid = {"training.loss": ["mse", "mae"], "training.batch_size": [8, 16]}
    assert [at.training.loss.name for at in _networks(configured(tiny, grid=grid))] == [
        "mean_squared_error",
        "mean_absolute_error",
    ]


def test_every_point_of_a_grid_is_tried(tiny: Config) -> None:
    """A loss that fits no classes is refused though the grid's first one fits them."""
    dataset = data.load(tiny.dataset.name, tiny.dataset)
    with pytest.raises(ModelError, match=r"training\.loss: mean_absolute_percentage_error divides by the target"):
        audit(configured(tiny, grid={"training.loss": ["mse", "mape"]}), dataset)
