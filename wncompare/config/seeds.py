"""The seeds of an experiment: a list of them, or as many as it takes to settle every contrast."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from wncompare.catalog.registry import Options

_SEEDS = 2**32
_MOST = 10_000

Seed = Annotated[int, Field(ge=0, lt=_SEEDS)]


class Until(Options):
    """Seeds start, start + 1, … until every contrast is settled, looked at from `first` seeds on, `most` at the most.

    Eight pairs are the fewest that can settle a contrast; fewer for `first` are looked at in vain.
    """

    until: Literal["settled"]
    first: Annotated[int, Field(ge=2, le=_MOST)] = 8
    most: Annotated[int, Field(ge=2, le=_MOST)] = Field(default=40, validate_default=True)
    start: Seed = 0

    @field_validator("most")
    @classmethod
    def _from_the_first_look(cls, most: int, info: ValidationInfo) -> int:
        if most < info.data.get("first", 0):
            raise PydanticCustomError("most", f"expected at least {info.data['first']}, the seeds of the first look")
        return most

    @field_validator("start")
    @classmethod
    def _room_for_the_last(cls, start: int, info: ValidationInfo) -> int:
        if start + info.data.get("most", 0) > _SEEDS:
            raise PydanticCustomError("start", f"expected at most {_SEEDS - info.data['most']}: seeds end at 2³² − 1")
        return start

    @property
    def seeds(self) -> tuple[int, ...]:
        """Every seed there could be, in the order in which they are trained."""
        return tuple(range(self.start, self.start + self.most))


def _kind(value: Any) -> str:
    return "until" if isinstance(value, Mapping | Until) else "list"


Seeds = Annotated[
    Annotated[tuple[Seed, ...], Field(strict=False, min_length=1, max_length=_MOST), Tag("list")]
    | Annotated[Until, Tag("until")],
    Discriminator(_kind),
]
