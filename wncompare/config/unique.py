"""What may be in a list once."""

from collections.abc import Iterable
from typing import Any

from pydantic_core import PydanticCustomError


def refuse_duplicates(kind: str, values: Iterable[Any]) -> None:
    """Refuse a value that is there twice."""
    seen: set[Any] = set()
    for value in values:
        if value in seen:
            raise PydanticCustomError("duplicate", f"the {kind} {value!r} is there twice: expected each once")
        seen.add(value)
