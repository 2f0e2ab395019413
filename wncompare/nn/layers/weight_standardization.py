"""Weight standardization, with a gain."""

from typing import Any

import keras

from ._fold import standard_gain, weight_standard
from ._kernels import OutputAxes
from .reparameterization import Reparameterization


@keras.saving.register_keras_serializable(package="wncompare")
class WeightStandardization(Reparameterization):
    """Scaled weight standardization: the kernels become w = g · (v − μ) / √(N (σ² + ε)).

    μ and σ² are mean and variance of the N entries of v that belong to one output. Qiao et al. (2019), arXiv
    1903.10520, divide by √(σ² + ε) and let a normalization layer set the scale; Brock et al. (2021), arXiv 2101.08692,
    add the 1/√N and the trained gain g that make it work without one. g starts so that w = v − μ.

    Args:
        layer: the layer to wrap; as for `WeightNormalization`.
        output_axes: which axes of the kernels are outputs, to override what the layer's type says.
        epsilon: added to the variance.
        **kwargs: `name`, `dtype`, `trainable` and so on; `dtype` and `trainable` are the wrapped layer's by default.

    Raises:
        ValueError: for a layer without a known kernel, or impossible `output_axes`.
    """

    def __init__(
        self,
        layer: keras.layers.Layer,
        *,
        output_axes: OutputAxes | None = None,
        epsilon: float = 1e-5,
        **kwargs: Any,
    ) -> None:
        super().__init__(layer, output_axes=output_axes, **kwargs)
        self.epsilon = epsilon

    def _fold(self, v: Any, g: Any, output_axes: tuple[int, ...]) -> Any:
        return weight_standard(v, g, output_axes, self.epsilon)

    def _gain(self, v: Any, output_axes: tuple[int, ...]) -> Any:
        return standard_gain(v, output_axes, self.epsilon)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "epsilon": self.epsilon}
