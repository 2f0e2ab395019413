"""The dataset of a task, as its driver gives it."""

from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from wncompare import data
from wncompare.config import Named
from wncompare.data import Dataset, Shared
from wncompare.errors import DatasetError


def given(choice: Named, payload: Mapping[str, Any]) -> Dataset:
    """The dataset that the driver has `shared` decoded or, where this machine lacks that copy, from its `data_dir`."""
    shared, data_dir = payload["shared"], payload["data_dir"]
    return _cached(choice, Path(data_dir) if data_dir else None, Shared.from_data(shared) if shared else None)


@lru_cache(maxsize=1)  # a worker's runs share it
def _cached(choice: Named, data_dir: Path | None, shared: Shared | None) -> Dataset:
    if shared is not None:
        with suppress(DatasetError):  # this machine's disk may not have it
            return data.opened(shared)
    return data.load(choice.name, choice, data_dir=data_dir)
