"""Models that a config can name."""

from typing import Annotated, Literal

from pydantic import Field

from wncompare.catalog.registry import Catalog, Entry, Options, PathText, Size

Probe = dict[str, Annotated[tuple[float, ...], Field(strict=False, max_length=100)]]
"""By Keras backend, a few numbers that a network computes at a fixed seed on fixed inputs."""


Pools = Annotated[
    Literal["plain", "normalized"], Field(description="what is before its pools, where convolutions are lowered")
]
"""Convolutions as they are, or one of them with a normalization or standardized kernels."""

Units = Annotated[tuple[Size, ...], Field(strict=False, min_length=1, max_length=20)]
Architecture = Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="SHA-256 of the model's configuration")]


class MlpOptions(Options):
    """Options of `mlp`."""

    units: Units = (128, 64)


class SequenceOptions(Options):
    """What models of sequences have in common."""

    embedding: Annotated[Size, Field(description="numbers that stand for a token, where the inputs are tokens")] = 64


class RecurrentOptions(SequenceOptions):
    """Options of `lstm` and `gru`."""

    units: Annotated[Units, Field(description="of each layer")] = (128,)


class TcnOptions(SequenceOptions):
    """Options of `tcn`."""

    filters: Annotated[Size, Field(description="channels of every convolution")] = 24
    kernel_size: Annotated[int, Field(ge=2, le=1000)] = 8
    blocks: Annotated[int, Field(ge=1, le=20, description="by default as few as see the whole sequence")] | None = None
    dropout: Annotated[float, Field(ge=0, lt=1, description="of whole channels, after each convolution")] = 0.0


class VaeOptions(Options):
    """Options of `vae`."""

    network: Annotated[Literal["mlp", "conv"], Field(description="of the encoder and, mirrored, the decoder")] = "mlp"
    units: Annotated[Units, Field(description="of the encoder's layers, where it is an mlp")] = (500,)
    latent: Annotated[Size, Field(description="numbers in a code")] = 20


class FileOptions(Options):
    """Options of a model from a file: its architecture is used, freshly initialized for each seed.

    Frozen weights, and what layers such as Normalization have adapted to data, are kept.
    """

    file: Annotated[PathText, Field(description="a .keras file, loaded in Keras's safe mode")]


class FunctionOptions(Options):
    """Options of a model that a Python function builds; `wncompare.compare` writes them."""

    architecture: Architecture
    probe: Annotated[Probe | None, Field(description="what it computes on a fixed input, by Keras backend")] = None
    pools: Pools | None = None
    recurrent: Annotated[Literal[True] | None, Field(description="whether it has a SimpleRNN, LSTM or GRU")] = None


MODELS = Catalog(
    "model",
    Entry("lenet", "LeNet-style ConvNet: two convolutions, three dense layers", "wncompare.nn.models:lenet"),
    Entry("mlp", "dense layers with ReLU", "wncompare.nn.models:mlp", MlpOptions),
    Entry("resnet8", "ResNet-8 (He et al. 2015)", "wncompare.nn.models.residual:resnet8"),
    Entry("lstm", "LSTM layers on a sequence", "wncompare.nn.models.sequences:lstm", RecurrentOptions),
    Entry("gru", "GRU layers on a sequence", "wncompare.nn.models.sequences:gru", RecurrentOptions),
    Entry("tcn", "temporal convolutional network (Bai et al. 2018)", "wncompare.nn.models.sequences:tcn", TcnOptions),
    Entry("vae", "variational autoencoder (Kingma & Welling 2013)", "wncompare.nn.models.vae:vae", VaeOptions),
    Entry("file", "your own network: model: {file: my.keras}", "wncompare.nn.models:from_file", FileOptions),
    Entry("function", "your own network, given to wncompare.compare", "wncompare.nn.models:absent", FunctionOptions),
)
