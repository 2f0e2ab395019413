"""What makes a dataset: a function of its options and of where its files are looked for."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wncompare.data.dataset import Dataset

Progress = Callable[[str, int, int], None]
"""Called with a file's name, its bytes on disk and its bytes in all, after each piece of a download."""


@dataclass(frozen=True)
class Lookup:
    """Where files are looked for first, whether absent ones are downloaded, and who hears how that goes."""

    data_dir: Path | None = None
    download: bool = True
    progress: Progress | None = None


Source = Callable[[Any, Lookup], Dataset]
"""What an entry of the catalog leads to: `source(options, lookup)`, its options of the entry's type.

Raises DatasetError for data that is absent, damaged, unsafe or not what the options say.
"""
