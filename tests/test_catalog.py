"""The catalog: every entry leads somewhere, duplicates raise, unknown names are helped."""

import pytest

from wncompare.catalog.datasets import DATASETS
from wncompare.catalog.losses import LOSSES
from wncompare.catalog.metrics import METRICS
from wncompare.catalog.models import MODELS
from wncompare.catalog.registry import Catalog, Entry
from wncompare.catalog.training import OPTIMIZERS
from wncompare.catalog.variants import VARIANTS
from wncompare.errors import ConfigError


@pytest.mark.parametrize(
    "catalog", [DATASETS, MODELS, VARIANTS, OPTIMIZERS, LOSSES, METRICS], ids=lambda catalog: catalog.kind
)
def test_every_entry_leads_to_a_function(catalog: Catalog) -> None:
    """Each target imports, and each summary says something."""
    for name, entry in catalog.items():
        assert callable(entry.load()), name
        assert entry.summary


def test_the_catalog_and_the_variants_are_one_list() -> None:
    """Every variant that is written can be named in a config, and the other way round, under its own name."""
    from wncompare.nn import variants

    written = [name for name, value in vars(variants).items() if hasattr(value, "__wrapped__")]
    assert written == list(VARIANTS)
    assert all(entry.load() is getattr(variants, name) for name, entry in VARIANTS.items())


def test_a_duplicate_raises() -> None:
    """A name stands for one thing."""
    with pytest.raises(ValueError, match="the model 'a' is in the catalog twice"):
        Catalog("model", Entry("a", "one", "x:y"), Entry("a", "two", "x:y"))


def test_an_unknown_name_lists_the_choices() -> None:
    """The choices and the nearest match are named."""
    with pytest.raises(
        ConfigError, match=r"unknown dataset 'cifer10': choose from cifar10, .*; did you mean 'cifar10'\?"
    ):
        DATASETS["cifer10"]
