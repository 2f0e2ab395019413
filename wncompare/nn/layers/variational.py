"""The two layers that make an autoencoder variational; their losses are the parts of the bound, in nats an example."""

from math import log, pi
from typing import Any, Literal

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="wncompare")
class GaussianSample(keras.layers.Layer):
    """A sample z = μ + σ ε, ε ~ N(0, 1), of what (n, 2L) statistics describe: μ and log σ², L of each.

    Kingma & Welling (2013), arXiv 1312.6114, eq. 4; its loss is KL(N(μ, σ²) ‖ N(0, 1)) = ½ Σ (μ² + σ² − log σ² − 1)
    (appendix B), averaged over the batch. It samples in training and in inference.

    Args:
        seed: of the noise; by default from Keras's random state.
        **kwargs: `name`, `dtype` and so on.
    """

    def __init__(self, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self.noise = keras.random.SeedGenerator(seed)

    def call(self, inputs: Any) -> Any:
        """One sample an example, (n, L)."""
        mean, log_variance = ops.split(inputs, 2, axis=-1)
        divergence = ops.sum(ops.square(mean) + ops.exp(log_variance) - log_variance - 1, axis=-1) / 2
        self.add_loss(ops.mean(divergence))
        noise = keras.random.normal(ops.shape(mean), dtype=mean.dtype, seed=self.noise)
        return mean + ops.exp(log_variance / 2) * noise

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Half as many numbers."""
        return (*input_shape[:-1], input_shape[-1] // 2)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "seed": self.seed}


@keras.saving.register_keras_serializable(package="wncompare")
class Likelihood(keras.layers.Layer):
    """What a decoder gives for x: called on [its last numbers a, x], it gives E[x | a]; its loss is −log p(x | a).

    Summed over the numbers of an example and averaged over the batch.

    - "bernoulli": p(x | a) = s^x (1 − s)^(1 − x) with s = sigmoid(a), which is given; x from 0 to 1 counts as a
      probability.
    - "gaussian": variance 1, so ½ (x − a)² + ½ log 2π a number; a is given.

    Args:
        kind: "bernoulli" or "gaussian".
        **kwargs: `name`, `dtype` and so on.
    """

    def __init__(self, kind: Literal["bernoulli", "gaussian"], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind = kind

    @property
    def activation(self) -> str:
        """From a to E[x | a], by Keras's name."""
        return "sigmoid" if self.kind == "bernoulli" else "linear"

    def call(self, inputs: Any) -> Any:
        """E[x | a]."""
        given, x = inputs
        self.add_loss(ops.sum(self._surprise(given, x)) / ops.cast(ops.shape(x)[0], given.dtype))
        return ops.sigmoid(given) if self.kind == "bernoulli" else given

    def _surprise(self, given: Any, x: Any) -> Any:
        if self.kind == "bernoulli":
            return ops.softplus(given) - x * given
        return (ops.square(x - given) + log(2 * pi)) / 2

    def compute_output_shape(self, input_shape: Any) -> Any:
        """That of a."""
        return input_shape[0]

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "kind": self.kind}
