"""Models that a config can name."""

from typing import Annotated

from pydantic import Field

from wncompare.catalog.registry import Catalog, Entry, Options, PathText, Size

Probe = dict[str, Annotated[tuple[float, ...], Field(strict=False, max_length=100)]]
"""By Keras backend, a few numbers that a network computes at a fixed seed on fixed inputs."""


Architecture = Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="SHA-256 of the model's configuration")]


class MlpOptions(Options):
    """Options of `mlp`."""

    units: Annotated[tuple[Size, ...], Field(strict=False, min_length=1, max_length=20)] = (128, 64)


class FileOptions(Options):
    """Options of a model from a file: its architecture is used, freshly initialized for each seed.

    Frozen weights, and what layers such as Normalization have adapted to data, are kept.
    """

    file: Annotated[PathText, Field(description="a .keras file, loaded in Keras's safe mode")]


class FunctionOptions(Options):
    """Options of a model that a Python function builds; `wncompare.compare` writes them."""

    architecture: Architecture
    probe: Annotated[Probe | None, Field(description="what it computes on a fixed input, by Keras backend")] = None


MODELS = Catalog(
    "model",
    Entry("lenet", "LeNet-style ConvNet: two convolutions, three dense layers", "wncompare.nn.models:lenet"),
    Entry("mlp", "dense layers with ReLU", "wncompare.nn.models:mlp", MlpOptions),
    Entry("file", "your own network: model: {file: my.keras}", "wncompare.nn.models:from_file", FileOptions),
    Entry("function", "your own network, given to wncompare.compare", "wncompare.nn.models:absent", FunctionOptions),
)
