"""What is compared: differences between two variants, weighted sums of several, and the factors of a 2 × 2."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from wncompare.catalog.registry import Options, unknown
from wncompare.config.choices import FolderName, refuse_duplicates

INTERACTION = "interaction"
"""The name of the third contrast of a 2 × 2."""

_ROUNDING = 1e-9

Weight = Annotated[float, Field(ge=-1e6, le=1e6)]


class Contrast(Options):
    """A named contrast of variants, by id: `variant` minus `reference`, or a sum of variants times `weights`.

    The weights sum to 0, so that what all variants share cancels: {a: 1, b: -1, c: -1, d: 1} is the interaction of a
    2 × 2, {a: 0.5, b: 0.5, c: -1} the mean of two against a third.
    """

    name: FolderName
    variant: str | None = None
    reference: str | None = None
    weights: dict[str, Weight] | None = None

    @model_validator(mode="after")
    def _either(self) -> "Contrast":
        pair = (self.variant, self.reference)
        if self.weights is None:
            if None in pair:
                raise _refused(self.name, "expected variant and reference, two ids, or weights, a number an id")
            if self.variant == self.reference:
                raise _refused(self.name, "expected two different variants")
        elif pair != (None, None):
            raise _refused(self.name, "has weights and a variant or reference: expected one or the other")
        else:
            _check(self.name, self.weights)
        return self

    @property
    def is_pair(self) -> bool:
        """Whether it is one variant minus another."""
        return self.weights is None

    def weighted(self) -> dict[str, float]:
        """The weight of each variant in it, by id."""
        if self.weights is not None:
            return self.weights
        assert self.variant is not None
        assert self.reference is not None
        return {self.variant: 1.0, self.reference: -1.0}


def _check(name: str, weights: Mapping[str, float]) -> None:
    if len(weights) < 2 or not all(weights.values()):
        raise _refused(name, "expected weights other than 0 of two variants or more")
    total = sum(weights.values())
    if abs(total) > _ROUNDING * max(map(abs, weights.values())):
        raise _refused(name, f"weights sum to {total:.4g}: expected 0, or what all variants share would not cancel")


def check_contrasts(contrasts: Sequence[Contrast], ids: list[str]) -> None:
    """Refuse two contrasts of one name, and an id that no variant has; no ids: these were refused already."""
    refuse_duplicates("contrast name", [contrast.name for contrast in contrasts])
    for variant in (variant for contrast in contrasts for variant in contrast.weighted()):
        if ids and variant not in ids:
            raise PydanticCustomError("unknown_id", "{problem}", {"problem": unknown("variant id", variant, ids)})


def effects(factors: Mapping[str, Sequence[str]], ids: list[str]) -> tuple[Contrast, ...]:
    """The main effects of a 2 × 2 and their interaction.

    A factor's value are the two of the four variants (ids) that have it. A main effect is the mean of these minus that
    of the others; the interaction is how much more one factor does where the other one is there.

    Raises:
        PydanticCustomError: these are not two factors that combine in four variants, each combination once.
    """
    for variant in (variant for having in factors.values() for variant in having):
        if variant not in ids:
            raise PydanticCustomError("unknown_id", "{problem}", {"problem": unknown("variant id", variant, ids)})
    signs = [[1 if variant in having else -1 for variant in ids] for having in factors.values()]
    if len(ids) != 4 or len(signs) != 2 or len({*zip(*signs, strict=True)}) != 4 or INTERACTION in factors:
        raise PydanticCustomError(
            "factors",
            "expected two factors (none called interaction), for each the two of the config's four variants that have "
            "it, one of them in both: {a: [one, both], b: [other, both]}",
        )
    both = [one * other for one, other in zip(*signs, strict=True)]
    return tuple(
        Contrast(name=name, weights={variant: size * sign for variant, sign in zip(ids, column, strict=True)})
        for name, size, column in zip((*factors, INTERACTION), (0.5, 0.5, 1.0), (*signs, both), strict=True)
    )


def _refused(name: str, why: str) -> PydanticCustomError:
    return PydanticCustomError("contrast", "{problem}", {"problem": f"{name!r}: {why}"})
