"""What stands in a config's place where there are scores alone."""

from typing import Any

from wncompare.config.choices import Named, Variant
from wncompare.config.experiment import Config
from wncompare.config.training import Training


class ScoresConfig(Config):
    """The variants, seeds and settings of scores that something else produced; all else is unknown.

    It is made by `of`, not read: no catalog knows its variants.
    """

    @classmethod
    def of(
        cls, name: str, *, variants: tuple[Variant, ...], seeds: tuple[int, ...], grid: dict[str, tuple[Any, ...]]
    ) -> "ScoresConfig":
        """That of these variants, the reference first."""
        return cls.model_construct(
            name=name,
            dataset=Named(name="unknown data"),
            model=Named(name="unknown model"),
            training=Training(),
            variants=variants,
            seeds=seeds,
            grid=grid,
        )

    def dump(self) -> dict[str, Any]:
        """What is known of it, as plain JSON data."""
        variants = [{"id": variant.id, "label": variant.label} for variant in self.variants]
        grid = {key: list(values) for key, values in self.grid.items()}
        return {"name": self.name, "variants": variants, "grid": grid, "seeds": list(self.all_seeds)}
