"""Compare a network with the same network weight-normalized (Salimans & Kingma 2016, arXiv 1602.07868)."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wncompare.api.compare import compare
    from wncompare.api.report import Report, report
    from wncompare.records.table import load

__version__ = "0.1.0"
__all__ = ["Report", "__version__", "compare", "load", "report"]

_HOMES = {
    "Report": "wncompare.api.report",
    "compare": "wncompare.api.compare",
    "load": "wncompare.records.table",
    "report": "wncompare.api.report",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `import wncompare` itself loads nothing heavy."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
