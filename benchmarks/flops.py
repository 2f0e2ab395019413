"""Floating-point operations of one training step of LeNet, a multiplication and an addition counted as two.

Matrix products and convolutions alone: what else a step does is memory traffic more than arithmetic. A product's
backward pass is two more of its size, one for the kernel's gradient and one for the input's; the first layer needs no
gradient of its input.
"""

from dataclasses import dataclass

POOL = 2


@dataclass(frozen=True)
class Product:
    """One layer as a matrix product for one image: `rows` outputs of `columns` channels, each from `depth` inputs."""

    name: str
    rows: int
    depth: int
    columns: int
    first: bool = False

    @property
    def forward(self) -> int:
        """Operations of the forward pass."""
        return 2 * self.rows * self.depth * self.columns

    @property
    def step(self) -> int:
        """Operations of the forward and the backward pass."""
        return self.forward * (2 if self.first else 3)


@dataclass(frozen=True)
class Conv:
    """A k × k convolution, valid, stride 1, and the 2 × 2 pooling behind it, over side × side images."""

    name: str
    side: int
    channels: int
    outputs: int
    kernel: int = 5
    first: bool = False

    @property
    def useful(self) -> Product:
        """The convolution as it is defined: a product for each position."""
        positions = (self.side - self.kernel + 1) ** 2
        return Product(self.name, positions, self.kernel**2 * self.channels, self.outputs, self.first)

    @property
    def lowered(self) -> Product:
        """As `wncompare.nn.training.lowering` executes it: a product for each pooling window, four outputs wide.

        A window's (k + 1)² patch holds all four positions; what one of them does not reach is multiplied by zero.
        """
        windows = ((self.side - self.kernel + 1) // POOL) ** 2
        return Product(self.name, windows, (self.kernel + 1) ** 2 * self.channels, POOL**2 * self.outputs, self.first)


CONVOLUTIONS = (Conv("conv_1", 32, 3, 6, first=True), Conv("conv_2", 14, 6, 16))
DENSE = (Product("dense_1", 1, 400, 120), Product("dense_2", 1, 120, 84), Product("classes", 1, 84, 10))


def useful(batch: int) -> int:
    """Operations that one step of LeNet on 32 × 32 × 3 images needs, as its layers are defined."""
    return batch * sum(product.step for product in (*(conv.useful for conv in CONVOLUTIONS), *DENSE))


def executed(batch: int) -> int:
    """Operations that the lowered step executes: 1.44 times as many in the convolutions."""
    return batch * sum(product.step for product in (*(conv.lowered for conv in CONVOLUTIONS), *DENSE))
