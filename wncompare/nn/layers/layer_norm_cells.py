"""Recurrent cells that normalize their summed inputs, for `keras.layers.RNN`: Ba, Kiros & Hinton (2016).

arXiv 1607.06450. LN(z; α) = α ⊙ (z − μ) / √(σ² + ε) has the moments of one example at one step, over all entries of z,
in float32 under mixed precision. Each cell is one of Keras's, with its arguments, kernels, biases and states, and gains
α of its own that start at 1.

Shifts that the paper adds up are one here, Keras's bias, which stands for β₁ + β₂ + b of eq. 20 and for the βs of
eq. 26–27: the functions are the same, and no shift is trained three times as fast. With `use_bias=False` they are 0.
"""

from typing import Any

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="wncompare")
class LayerNormSimpleRNNCell(layers.SimpleRNNCell):
    """hₜ = tanh(LN(Wₓxₜ + Wₕhₜ₋₁; α) + b), eq. 4.

    Args:
        units: how many, 2 or more.
        epsilon: added to the variance.
        **kwargs: as for `keras.layers.SimpleRNNCell`.

    Raises:
        ValueError: for a single unit, which less its mean is 0 whatever it is.
    """

    def __init__(self, units: int, *, epsilon: float = 1e-3, **kwargs: Any) -> None:
        kwargs.pop("implementation", None)
        refuse_single(units)
        super().__init__(units, **kwargs)
        self.epsilon = epsilon
        self.norm = _norm(self, "norm")

    def build(self, input_shape: Any) -> None:
        """Adds Keras's weights and α."""
        super().build(input_shape)
        self.norm.build((None, self.units))

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, Any]:
        """One step: the output and the new states."""
        (state,) = keras.tree.flatten(states)
        given, recurrent = _masks(self, inputs, state, training)
        summed = _product(inputs, self.kernel, given) + _product(state, self.recurrent_kernel, recurrent)
        state = self.activation(_shifted(self.norm(summed), self.bias))
        return state, [state] if keras.tree.is_nested(states) else state

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "epsilon": self.epsilon}


@keras.saving.register_keras_serializable(package="wncompare")
class LayerNormLSTMCell(layers.LSTMCell):
    """The LSTM of eq. 20–22, whose state goes on as it is and comes out normalized.

    (fₜ, iₜ, oₜ, gₜ) = LN(Wₕhₜ₋₁; α₁) + LN(Wₓxₜ; α₂) + b, each over the 4u entries of all gates together;
    cₜ = σ(fₜ) ⊙ cₜ₋₁ + σ(iₜ) ⊙ tanh(gₜ);
    hₜ = σ(oₜ) ⊙ tanh(LN(cₜ; α₃) + β₃), over u entries.

    b starts as Keras's does, at 1 for the forget gate; β₃ at 0. 10u more weights than an LSTM of u units.

    Args:
        units: how many, 2 or more.
        epsilon: added to each variance.
        **kwargs: as for `keras.layers.LSTMCell`.

    Raises:
        ValueError: for a single unit, which less its mean is 0 whatever it is.
    """

    def __init__(self, units: int, *, epsilon: float = 1e-3, **kwargs: Any) -> None:
        refuse_single(units)
        super().__init__(units, **kwargs)
        self.epsilon = epsilon
        self.recurrent_norm = _norm(self, "recurrent_norm")
        self.input_norm = _norm(self, "input_norm")
        self.state_norm = _norm(self, "state_norm", center=True)

    def build(self, input_shape: Any) -> None:
        """Adds Keras's weights, α₁ to α₃ and β₃."""
        super().build(input_shape)
        for norm, size in ((self.recurrent_norm, 4), (self.input_norm, 4), (self.state_norm, 1)):
            norm.build((None, size * self.units))

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:
        """One step: the output and the new states."""
        output, carry = states
        given, recurrent = _masks(self, inputs, output, training)
        summed = self.recurrent_norm(_product(output, self.recurrent_kernel, recurrent))
        summed = summed + self.input_norm(_product(inputs, self.kernel, given))
        i, f, g, o = ops.split(_shifted(summed, self.bias), 4, axis=-1)  # Keras's order
        carry = self.recurrent_activation(f) * carry + self.recurrent_activation(i) * self.activation(g)
        output = self.recurrent_activation(o) * self.activation(self.state_norm(carry))
        return output, [output, carry]

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "epsilon": self.epsilon, "implementation": self.implementation}


@keras.saving.register_keras_serializable(package="wncompare")
class LayerNormGRUCell(layers.GRUCell):
    """The GRU of eq. 26–28: the gates normalized together, the candidate by itself.

    (zₜ, rₜ) = LN(Wₕhₜ₋₁; α₁) + LN(Wₓxₜ; α₂) + b, each over the 2u entries of both gates;
    ĥₜ = tanh(LN(Wxₜ; α₃) + b + σ(rₜ) ⊙ (LN(Uhₜ₋₁; α₄) + b')), over u entries;
    hₜ = σ(zₜ) ⊙ hₜ₋₁ + (1 − σ(zₜ)) ⊙ ĥₜ, Keras's zₜ, where the paper's has the opposite sign.

    With `reset_after=False` LN(U(σ(rₜ) ⊙ hₜ₋₁); α₄) takes the last summand's place, as Keras has it then. 6u more
    weights than a GRU of u units.

    Args:
        units: how many, 2 or more.
        epsilon: added to each variance.
        **kwargs: as for `keras.layers.GRUCell`.

    Raises:
        ValueError: for a single unit, which less its mean is 0 whatever it is.
    """

    def __init__(self, units: int, *, epsilon: float = 1e-3, **kwargs: Any) -> None:
        refuse_single(units)
        super().__init__(units, **kwargs)
        self.epsilon = epsilon
        self.recurrent_norm = _norm(self, "recurrent_norm")
        self.input_norm = _norm(self, "input_norm")
        self.input_candidate_norm = _norm(self, "input_candidate_norm")
        self.recurrent_candidate_norm = _norm(self, "recurrent_candidate_norm")

    def build(self, input_shape: Any) -> None:
        """Adds Keras's weights and α₁ to α₄."""
        super().build(input_shape)
        for norm in (self.recurrent_norm, self.input_norm):
            norm.build((None, 2 * self.units))
        for norm in (self.input_candidate_norm, self.recurrent_candidate_norm):
            norm.build((None, self.units))

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, Any]:
        """One step: the output and the new states."""
        (state,) = keras.tree.flatten(states)
        given, recurrent = _masks(self, inputs, state, training)
        for_gates, for_candidate = (None, None) if recurrent is None else (recurrent[:2], recurrent[2])
        gates_kernel, candidate_kernel = self._parts(self.recurrent_kernel)
        gates_bias, candidate_bias, inner_bias = self._biases()

        gates, candidate = self._parts(_product(inputs, self.kernel, given))
        gates = self.input_norm(gates) + self.recurrent_norm(_product(state, gates_kernel, for_gates))
        z, r = ops.split(self.recurrent_activation(gates + gates_bias), 2, axis=-1)

        kept = state if self.reset_after else r * state
        inner = self.recurrent_candidate_norm(_product(kept, candidate_kernel, for_candidate)) + inner_bias
        candidate = self.input_candidate_norm(candidate) + candidate_bias
        candidate = self.activation(candidate + (r * inner if self.reset_after else inner))
        state = z * state + (1 - z) * candidate
        return state, [state] if keras.tree.is_nested(states) else state

    def _parts(self, x: Any) -> list[Any]:
        """What belongs to the gates, and what to the candidate."""
        parts: list[Any] = ops.split(x, [2 * self.units], axis=-1)
        return parts

    def _biases(self) -> tuple[Any, Any, Any]:
        """Of the gates, of the candidate, and of its recurrent part."""
        if not self.use_bias:
            return 0.0, 0.0, 0.0
        gates, candidate = self._parts(ops.reshape(self.bias, (-1, 3 * self.units)))
        return ops.sum(gates, axis=0), candidate[0], candidate[1] if self.reset_after else 0.0

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "epsilon": self.epsilon, "implementation": self.implementation}


LAYER_NORM_CELLS = (LayerNormSimpleRNNCell, LayerNormLSTMCell, LayerNormGRUCell)


def refuse_single(units: int) -> None:
    """Refuse a cell in which all that is normalized is one number.

    Raises:
        ValueError: there is a single unit.
    """
    if units < 2:
        raise ValueError(
            f"Invalid units={units} for a layer-normalized cell: expected 2 or more, as one number less its mean is 0 "
            "whatever it is."
        )


class _LayerNorm(layers.LayerNormalization):
    """Keras's, over the last axis.

    Its sums are products with a vector: on a CPU XLA adds a row up one number after another, which took a quarter
    longer for an LSTM's whole step.
    """

    def call(self, inputs: Any) -> Any:
        x = ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
        average = ops.full((x.shape[-1], 1), 1 / x.shape[-1], dtype=x.dtype)
        x = x - ops.matmul(x, average)
        x = x * ops.rsqrt(ops.matmul(x * x, average) + self.epsilon) * self.gamma
        return ops.cast(x if self.beta is None else x + self.beta, self.compute_dtype)


def _norm(cell: layers.Layer, name: str, *, center: bool = False) -> layers.LayerNormalization:
    return _LayerNorm(epsilon=cell.epsilon, center=center, name=name, dtype=cell.dtype_policy, trainable=cell.trainable)


def _shifted(x: Any, bias: Any) -> Any:
    return x if bias is None else x + bias


def _masks(cell: Any, inputs: Any, state: Any, training: bool) -> tuple[Any, Any]:
    """The dropout masks of the inputs and of the state: one, or one for each gate; None without dropout."""
    given = cell.get_dropout_mask(inputs) if training and 0 < cell.dropout < 1 else None
    recurrent = cell.get_recurrent_dropout_mask(state) if training and 0 < cell.recurrent_dropout < 1 else None
    return given, recurrent


def _product(x: Any, kernel: Any, mask: Any) -> Any:
    """x·kernel under dropout, where there are several masks with one for each of as many parts of the kernel."""
    if not isinstance(mask, list | tuple):
        return ops.matmul(x if mask is None else x * mask, kernel)
    parts = ops.split(kernel, len(mask), axis=-1)
    return ops.concatenate([ops.matmul(x * each, part) for each, part in zip(mask, parts, strict=True)], axis=-1)
