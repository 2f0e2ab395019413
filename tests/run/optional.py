"""A task's module that, like Keras, imports something optional where it is there."""

from importlib.util import find_spec
from typing import Any

try:
    import pandas
except ImportError:
    pandas = None


def seen(payload: dict[str, Any], report: Any) -> dict[str, Any]:
    """Whether pandas was there when this module was imported, and whether it is there now."""
    return {"then": pandas is not None, "now": find_spec("pandas") is not None}
