"""What a catalog is: named entries with typed options and the function that makes each, imported where it runs."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from wncompare.errors import ConfigError

Size = Annotated[int, Field(gt=0, le=100_000_000)]
Fraction = Annotated[float, Field(gt=0, lt=1)]
LONGEST_TEXT = 100
Text = Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT, pattern=r"^[^\x00-\x1f\x7f]+$")]
PathText = Annotated[str, Field(min_length=1, max_length=4096, pattern=r"^[^\x00-\x1f\x7f]+$")]


class Options(BaseModel):
    """Immutable typed options: unknown keys, wrong types, NaN and infinities are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, value: Any) -> Any:
        """Refuse an unknown key with the keys that there are and the nearest match."""
        for key in value if isinstance(value, Mapping) else ():
            if key not in cls.model_fields:
                raise PydanticCustomError("unknown_key", "{problem}", _unknown_key(key, list(cls.model_fields)))
        return value


def _unknown_key(key: object, allowed: list[str]) -> dict[str, object]:
    return {"key": key, "choices": allowed, "problem": unknown("key", key, allowed)}


@dataclass(frozen=True)
class Entry:
    """One thing a config can name: what it is, its options and the function that makes it."""

    name: str
    summary: str
    target: str
    options: type[Options] = Options

    def load(self) -> Callable[..., Any]:
        """The function behind the entry, imported now."""
        return resolve(self.target)


def resolve(target: str) -> Callable[..., Any]:
    """The function that a "module:function" string names, imported now."""
    module, function = target.split(":")
    loaded: Callable[..., Any] = getattr(import_module(module), function)
    return loaded


class Catalog(Mapping[str, Entry]):
    """Entries by name; a duplicate raises, and an unknown name lists the choices and the nearest match."""

    def __init__(self, kind: str, *entries: Entry) -> None:
        self.kind = kind
        self._entries: dict[str, Entry] = {}
        for entry in entries:
            if entry.name in self._entries:
                raise ValueError(f"the {kind} {entry.name!r} is in the catalog twice: names are unique")
            self._entries[entry.name] = entry

    def __getitem__(self, name: str) -> Entry:
        try:
            return self._entries[name]
        except KeyError:
            raise ConfigError(unknown(self.kind, name, self._entries)) from None

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


def unknown(kind: str, name: object, choices: Mapping[str, object] | list[str], meant: str | None = None) -> str:
    """The message for a name that is not there: the choices, and what is `meant` or else the nearest of them."""
    message = f"unknown {kind} {name!r}: choose from {', '.join(choices)}"
    nearest = meant or nearest_match(name, choices)
    return f"{message}; did you mean {nearest!r}?" if nearest else message


def nearest_match(name: object, choices: Mapping[str, object] | list[str]) -> str | None:
    """The choice that looks most like `name`, or None where none does."""
    return next(iter(get_close_matches(str(name), list(choices), n=1)), None)
