"""What a config can name, as text and as data."""

from collections.abc import Iterator
from typing import Any

from wncompare.catalog.datasets import DATASETS
from wncompare.catalog.losses import LOSSES
from wncompare.catalog.metrics import METRICS
from wncompare.catalog.models import MODELS
from wncompare.catalog.registry import Catalog, Entry
from wncompare.catalog.training import OPTIMIZERS, SCHEDULES
from wncompare.catalog.variants import VARIANTS

_SECTIONS: dict[str, Catalog] = {
    "datasets": DATASETS,
    "models": MODELS,
    "variants": VARIANTS,
    "optimizers": OPTIMIZERS,
    "schedules": SCHEDULES,
    "losses": LOSSES,
    "metrics": METRICS,
}


_KERAS = (*OPTIMIZERS.values(), *LOSSES.values(), *METRICS.values())
_WIDTH = 14


def as_data() -> dict[str, Any]:
    """Every entry with its options' types, defaults and bounds, as JSON Schema properties."""
    return {
        section: {
            name: {"summary": entry.summary, "options": entry.options.model_json_schema().get("properties", {})}
            for name, entry in catalog.items()
        }
        for section, catalog in _SECTIONS.items()
    }


def as_text() -> str:
    """Every entry with its options and their defaults, a line each."""
    return "".join(f"{line}\n" for line in _lines())


def _lines() -> Iterator[str]:
    for section, catalog in _SECTIONS.items():
        yield section
        for name, entry in catalog.items():
            yield f"  {name:<{_WIDTH}} {entry.summary}"
            yield from _options(entry)
        yield ""


def _options(entry: Entry) -> Iterator[str]:
    for name, field in entry.options.model_fields.items():
        default = "required" if field.is_required() else f"default {_show(field.default)}"
        if field.default is None and entry in _KERAS:
            default = "Keras's default"
        about = f": {field.description}" if field.description else ""
        yield f"  {'':<{_WIDTH}}   {name} ({default}){about}"


def _show(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return str(list(value)) if isinstance(value, tuple) else str(value)
