"""The weight-normalization layer."""

from typing import Any

import keras
from keras import ops

from wncompare.nn.keras_private import eager_value, entry_layer, is_stateless, is_symbolic

from ._affine import Affine, DataInit, affine_of, initial_values
from ._fold import norm, weight_norm
from ._kernels import OutputAxes, find_kernels
from ._replicas import is_replica
from .reparameterization import Reparameterization


@keras.saving.register_keras_serializable(package="wncompare")
class WeightNormalization(Reparameterization):
    """Weight normalization: the wrapped layer's kernels become w = g · v / ‖v‖.

    Salimans & Kingma (2016), arXiv 1602.07868, eq. 2. ‖v‖ runs over all axes but the output's, so each output has its
    own direction v (the wrapped layer's variable: no copy) and its own gain g, both trained. Where v is zero, so is w.

    Args:
        layer: the layer to wrap: Dense, EinsumDense, Conv, ConvTranspose, DepthwiseConv, SeparableConv, Embedding,
            SimpleRNN, LSTM, GRU, ConvLSTM, their cells, or Bidirectional, TimeDistributed or RNN around these.
        data_init: how g and the bias start. False: g = ‖v‖, so wrapping changes nothing until training does. True:
            from a batch, so that each pre-activation starts with mean 0 and variance 1 (eq. 5–6). "tfa": from a batch,
            with the values that the layer of TensorFlow Addons gave. From a batch means `initialize_from_data`, else
            the first eager call, else the first batch of `fit` (TensorFlow, torch; JAX raises). It is for affine
            layers; the others, and layers that one forward pass uses twice, start with g = ‖v‖ whatever is asked. What
            is frozen, as a whole or in part, keeps its values and goes on waiting.
        output_axes: which axes of the kernels are outputs, where the layer's type does not say it or says it
            differently from what is wanted: axes, or a mapping from kernel names to axes.
        epsilon: a standard deviation not above it (relative to the mean, if that is above 1) counts as zero in
            `data_init=True`; such an output keeps g = ‖v‖ and its bias.
        **kwargs: `name`, `dtype`, `trainable` and so on; `dtype` and `trainable` are the wrapped layer's by default.

    The wrapped layer's regularizers and constraints act on v, as it is v that is its variable; `trainable` acts on v,
    g and bias together. Norms are taken in float32 under mixed precision.

    Raises:
        ValueError: for a layer without a known kernel, an unknown `data_init` or impossible `output_axes`.

    Example:
        >>> model = keras.Sequential([keras.Input((8,)), WeightNormalization(keras.layers.Dense(4))])
        >>> initialize_from_data(model, first_batch)
    """

    def __init__(
        self,
        layer: keras.layers.Layer,
        data_init: DataInit = True,
        *,
        output_axes: OutputAxes | None = None,
        epsilon: float = 1e-6,
        **kwargs: Any,
    ) -> None:
        if data_init not in (True, False, "tfa"):
            raise ValueError(f"Invalid data_init={data_init!r}: expected True, False or 'tfa'.")
        super().__init__(layer, output_axes=output_axes, **kwargs)
        self.data_init = data_init
        self.epsilon = epsilon
        self._waiting = bool(data_init) and self.affine is not None

    @property
    def affine(self) -> Affine | None:
        """The wrapped layer as an affine map, which data-dependent initialization needs; None if it is not one."""
        return affine_of(self.layer) if self.kernels == find_kernels(self.layer) else None

    def _fold(self, v: Any, g: Any, output_axes: tuple[int, ...]) -> Any:
        return weight_norm(v, g, output_axes)

    def _gain(self, v: Any, output_axes: tuple[int, ...]) -> Any:
        return norm(v, output_axes)

    def build(self, input_shape: Any) -> None:
        """Builds the wrapped layer, unless it is, with g = ‖v‖."""
        super().build(input_shape)
        if self._waiting:
            self.initialized = self.add_weight(name="initialized", dtype="bool", initializer="zeros", trainable=False)

    @property
    def waiting(self) -> bool:
        """Whether g and the bias still wait for a batch to start from."""
        if self._waiting and self.built and eager_value(self.initialized):  # by `set_weights` or inside a step
            self._waiting = False
        return self._waiting

    def finish_initialization(self) -> None:
        """Takes g and the bias as they are: no batch will change them but by training."""
        if self._waiting:
            self.initialized.assign(True)
            self._waiting = False

    def initialize_from_batch(self, inputs: Any) -> None:
        """Sets g and the bias from a batch of this layer's inputs, eq. 5–6; see `data_init`."""
        affine = self.affine
        if self.data_init and affine is not None:
            self._assign(affine, *initial_values(affine, inputs, data_init=self.data_init, epsilon=self.epsilon))
        self.finish_initialization()

    def _assign(self, affine: Affine, gain: Any, bias: Any) -> None:
        self.g[affine.kernel.name].assign(gain)
        if bias is not None:
            affine.bias.assign(bias)

    @property
    def set_from_data(self) -> list[Any]:
        """The variables that a batch gives values or a meaning: g, v and the bias; none if it is no affine map."""
        affine = self.affine
        if affine is None or not self.data_init:
            return []
        bias = [] if affine.bias is None else [affine.bias]
        return [self.g[affine.kernel.name], affine.kernel.variable, *bias]

    def _is_frozen(self) -> bool:
        if not (self.trainable and self.layer.trainable):
            return True
        trained = {id(variable) for variable in (entry_layer() or self).trainable_variables}
        return any(id(variable) not in trained for variable in self.set_from_data)

    def call(self, inputs: Any, *args: Any, training: bool | None = None, mask: Any = None, **kwargs: Any) -> Any:
        """What the wrapped layer computes with the folded kernels; its further arguments are passed on."""
        if self.waiting and training is not False and not is_symbolic() and not self._is_frozen():
            self._meet_first_batch(inputs, training)
        return super().call(inputs, *args, training=training, mask=mask, **kwargs)

    def _meet_first_batch(self, inputs: Any, training: bool | None) -> None:
        if is_replica():
            raise ValueError(
                f"WeightNormalization '{self.name}' has data_init={self.data_init!r} and has seen no data, and each "
                "replica would set g and the bias from its own part of the first batch. Call "
                "wncompare.layers.initialize_from_data(model, batch) before training; or use data_init=False."
            )
        if eager_value(inputs) is not None and not is_stateless():
            self.initialize_from_batch(inputs)
        elif training and keras.backend.backend() == "tensorflow" and not is_stateless():
            ops.cond(self.initialized.value, lambda: True, lambda: self._initialize_in_graph(inputs))
        elif training:
            raise ValueError(
                f"WeightNormalization '{self.name}' has data_init={self.data_init!r} and has seen no data, and this "
                "training step cannot set g and the bias from its first batch. Build the model anew (Keras empties a "
                "model whose JAX step fails) and call wncompare.layers.initialize_from_data(model, batch) before "
                "training; or use data_init=False."
            )

    def _initialize_in_graph(self, inputs: Any) -> bool:
        affine = self.affine
        assert affine is not None
        values = initial_values(affine, inputs, data_init=self.data_init, epsilon=self.epsilon, eager=False)
        self._assign(affine, *values)
        self.initialized.assign(True)
        return True

    def load_own_variables(self, store: Any) -> None:
        """Restores g, with whichever `data_init` it was saved; a restored layer counts as initialized.

        How a layer starts says nothing about values that are there: the flag that `data_init` adds is passed over.
        """
        gains = list(self.g.values()) if self.built else []
        if gains and len(store.keys()) in (len(gains), len(gains) + 1):
            for index, gain in enumerate(gains):
                gain.assign(store[str(index)])
        else:
            super().load_own_variables(store)  # says what does not fit
        self.finish_initialization()

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "data_init": self.data_init, "epsilon": self.epsilon}


def first_values(layer: keras.layers.Layer, inputs: Any, epsilon: float) -> None:
    """Gives a plain affine layer the kernel g·v/‖v‖ and the bias that `WeightNormalization` would start with."""
    affine = affine_of(layer)
    assert affine is not None
    gain, bias = initial_values(affine, inputs, data_init=True, epsilon=epsilon)
    kernel = affine.kernel
    v = ops.cast(kernel.variable.value, "float32")
    kernel.variable.assign(weight_norm(v, ops.cast(gain, "float32"), kernel.output_axes))
    if bias is not None:
        affine.bias.assign(bias)
