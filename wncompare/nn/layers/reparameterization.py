"""What weight normalization and weight standardization share: a layer that runs with a kernel computed from v and g."""

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, NamedTuple, Self

import keras
import numpy as np
from keras import ops

from wncompare.nn.keras_private import (
    adopt_remat,
    full_precision,
    layer_tree,
    remat_names,
    substituted,
    without_remat,
)

from ._fold import gain_shape, norm
from ._guards import check_plain, guard, refusal, release
from ._kernels import CELLS, Kernel, OutputAxes, find_kernels


class Norms(NamedTuple):
    """Per output channel of one kernel, as arrays of the same shape: ‖v‖ and g."""

    v: np.ndarray
    g: np.ndarray


def _forwarded(name: str) -> property:
    """A property of the wrapped layer, so that the wrapper can stand inside `Bidirectional` and `RNN`."""

    def read(self: "Reparameterization") -> Any:
        return getattr(self.layer, name)

    def write(self: "Reparameterization", value: Any) -> None:
        setattr(self.layer, name, value)

    return property(read, write, doc=f"`{name}` of the wrapped layer.")


class Reparameterization(keras.layers.Wrapper):
    """Runs the wrapped layer with kernels w(v, g), where v is the layer's own variable and g one gain an output.

    A subclass says how: `_fold(v, g, output_axes)` is w and `_gain(v, output_axes)` the first g. The wrapped layer
    keeps its variables; for the length of a call it finds tensors in their place.
    """

    go_backwards = _forwarded("go_backwards")
    return_sequences = _forwarded("return_sequences")
    return_state = _forwarded("return_state")
    stateful = _forwarded("stateful")
    zero_output_for_mask = _forwarded("zero_output_for_mask")
    state_size = _forwarded("state_size")
    output_size = _forwarded("output_size")
    states = _forwarded("states")
    get_initial_state = _forwarded("get_initial_state")
    reset_state = _forwarded("reset_state")
    reset_states = _forwarded("reset_states")

    def __init__(self, layer: keras.layers.Layer, *, output_axes: OutputAxes | None = None, **kwargs: Any) -> None:
        _check(type(self).__name__, layer, output_axes)
        kwargs.setdefault("dtype", layer.dtype_policy)
        kwargs.setdefault("trainable", layer.trainable)
        super().__init__(layer, **kwargs)
        self.output_axes = output_axes
        adopt_remat(self, layer)
        guard(self.kernels)
        self.supports_masking = layer.supports_masking

    def _fold(self, v: Any, g: Any, output_axes: tuple[int, ...]) -> Any:
        raise NotImplementedError

    def _gain(self, v: Any, output_axes: tuple[int, ...]) -> Any:
        raise NotImplementedError

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        """The wrapped layer's kernels."""
        return find_kernels(self.layer, self.output_axes)

    @property
    def v(self) -> dict[str, Any]:
        """The direction of each kernel: the wrapped layer's own variable, by the kernel's name."""
        return {kernel.name: kernel.variable for kernel in self.kernels}

    @property
    def g(self) -> dict[str, Any]:
        """The gain of each kernel, one an output: a variable, by the kernel's name."""
        return {kernel.name: getattr(self, f"{kernel.name}_g") for kernel in self.kernels}

    def build(self, input_shape: Any) -> None:
        """Builds the wrapped layer, unless it is, and adds the gains."""
        super().build(input_shape)
        check_plain(type(self).__name__, self.kernels)
        for kernel in self.kernels:
            setattr(self, f"{kernel.name}_g", self._add_gain(kernel))

    def _add_gain(self, kernel: Kernel) -> Any:
        with full_precision():
            return self.add_weight(
                name=f"{kernel.name}_g",
                shape=gain_shape(kernel.variable.shape, kernel.output_axes),
                dtype=kernel.owner.variable_dtype,
                initializer=lambda shape, dtype: ops.cast(self._first_gain(kernel), dtype),
            )

    def _first_gain(self, kernel: Kernel) -> Any:
        return self._gain(_tensor(kernel.variable), kernel.output_axes)

    def folded(self) -> dict[str, Any]:
        """The kernels that the wrapped layer computes with, by name, as tensors that pass gradients on to v and g.

        They are float32 (float64 for a float64 layer), whatever the compute dtype, and have the shapes of v.
        """
        with full_precision():
            return {
                kernel.name: self._fold(_tensor(kernel.variable), _tensor(gain), kernel.output_axes)
                for kernel, gain in zip(self.kernels, self.g.values(), strict=True)
            }

    def call(self, inputs: Any, *args: Any, training: bool | None = None, mask: Any = None, **kwargs: Any) -> Any:
        """What the wrapped layer computes with the folded kernels; its further arguments are passed on."""
        if training is not None:
            kwargs["training"] = training
        if mask is not None and "mask" in self.layer.call_signature_parameters:
            kwargs["mask"] = mask
        with ExitStack() as stack:
            stack.enter_context(without_remat(layer_tree(self.layer)))
            for kernel, value in zip(self.kernels, self.folded().values(), strict=True):
                value = ops.cast(value, kernel.owner.compute_dtype)
                stack.enter_context(substituted(kernel.owner, **{kernel.slot: value}))
            return self.layer(inputs, *args, **kwargs)

    @property
    def waiting(self) -> bool:
        """Whether a batch will still set variables: never, unless a subclass says so."""
        return False

    def rematerialized_call(self, layer_call: Any, *args: Any, **kwargs: Any) -> Any:
        """As a whole or not at all: the wrapper is computed again in the backward pass, never the layer inside alone,
        nor its activation.

        It gets its variables' values of before the call, as an optimizer may have changed one when the backward pass
        reads it (TensorFlow without XLA promises no order). Calls with an effect besides their output keep what they
        computed: a layer that waits for data, RNNs with dropout or state, activity regularizers; and layers of one's
        own, whose effects are not known.
        """
        if self.waiting or self._has_effects():
            return layer_call
        # Flags are closed over: JAX would take them for tensors.
        flags = {name: value for name, value in kwargs.items() if value is None or isinstance(value, bool)}
        tensors = {name: value for name, value in kwargs.items() if name not in flags}
        with full_precision():
            values = [ops.copy(variable.value) for variable in self.trainable_variables]
            fixed = [(variable, variable.value) for variable in self.non_trainable_variables]

        def pure(values: list[Any], *args: Any, **tensors: Any) -> Any:
            with keras.StatelessScope([*zip(self.trainable_variables, values, strict=True), *fixed]):
                return layer_call(*args, **tensors, **flags)

        if self.layer.name in remat_names(self):
            chosen = keras.remat(pure)
        else:
            chosen = super().rematerialized_call(pure, *args, **tensors)
        return lambda *args, **kwargs: chosen(
            values, *args, **{name: x for name, x in kwargs.items() if name not in flags}
        )

    def _has_effects(self) -> bool:
        names = ("dropout", "recurrent_dropout", "stateful", "activity_regularizer")
        return any(
            not type(layer).__module__.startswith("keras.") or any(getattr(layer, name, None) for name in names)
            for layer in layer_tree(self.layer)
        )

    def quantize(self, mode: Any = None, type_check: bool = True, config: Any = None) -> None:
        """Refuses.

        Raises:
            ValueError: always, with the way to a quantized layer.
        """
        raise refusal("quantize", self.layer)

    def enable_lora(self, *args: Any, **kwargs: Any) -> None:
        """Refuses.

        Raises:
            ValueError: always, with the way to a layer with LoRA.
        """
        raise refusal("enable LoRA in", self.layer)

    def norms(self) -> dict[str, Norms]:
        """‖v‖ and g of each kernel, by name, as NumPy arrays with one entry an output."""
        with full_precision():
            return {
                kernel.name: Norms(
                    ops.convert_to_numpy(norm(_tensor(kernel.variable), kernel.output_axes)),
                    ops.convert_to_numpy(_tensor(gain)),
                )
                for kernel, gain in zip(self.kernels, self.g.values(), strict=True)
            }

    def reset_gains(self) -> None:
        """Sets each g to what it starts with for the present v: for weight normalization ‖v‖, so that w = v."""
        with full_precision():
            for kernel, gain in zip(self.kernels, self.g.values(), strict=True):
                gain.assign(self._first_gain(kernel))

    def remove(self) -> keras.layers.Layer:
        """The plain layer, with the folded kernels written into its variables; it computes what the wrapper did."""
        for kernel, value in zip(self.kernels, self.folded().values(), strict=True):
            kernel.variable.assign(value)
        self.reset_gains()
        release(self.kernels)
        return self.layer

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """The wrapped layer's."""
        return self.layer.compute_output_shape(*args, **kwargs)

    def compute_output_spec(
        self, inputs: Any, *args: Any, training: bool | None = None, mask: Any = None, **kwargs: Any
    ) -> Any:
        """The wrapped layer's."""
        if mask is not None and "mask" in self.layer.call_signature_parameters:
            kwargs["mask"] = mask
        return self.layer.compute_output_spec(inputs, *args, **kwargs)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """The wrapped layer's."""
        return self.layer.compute_mask(inputs, previous_mask)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "output_axes": _plain(self.output_axes)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Self:
        """The inverse of `get_config`."""
        config = dict(config)
        if "go_backwards" in config:  # written by `Bidirectional` to make its backward layer
            inner = dict(config["layer"])
            inner["config"] = {**inner["config"], "go_backwards": config.pop("go_backwards")}
            config["layer"] = inner
        return super().from_config(config, custom_objects)


def _tensor(variable: Any) -> Any:
    """The variable's value, in float32 where it is stored in half precision."""
    value = variable.value
    return value if keras.backend.standardize_dtype(value.dtype) == "float64" else ops.cast(value, "float32")


def _plain(axes: OutputAxes | None) -> Any:
    if isinstance(axes, Mapping):
        return {name: _plain(value) for name, value in axes.items()}
    return axes if axes is None or isinstance(axes, int) else list(axes)


def _check(wrapper: str, layer: Any, output_axes: OutputAxes | None) -> None:
    if not isinstance(layer, keras.layers.Layer):
        raise ValueError(f"{wrapper} wraps a Keras layer. Received: {layer!r} of type {type(layer).__name__}.")
    owners = {id(kernel.owner): kernel.owner for kernel in find_kernels(layer, output_axes)}
    if not owners or isinstance(layer, Reparameterization | keras.Model):
        raise ValueError(f"{wrapper} cannot wrap layer '{layer.name}' of type {type(layer).__name__}: {_reason(layer)}")
    check_plain(wrapper, find_kernels(layer, output_axes))
    is_cell = isinstance(layer, (*CELLS, keras.layers.StackedRNNCells))
    if is_cell and any(cell.dropout or cell.recurrent_dropout for cell in owners.values()):
        raise ValueError(
            f"{wrapper} cannot wrap the RNN cell '{layer.name}' of type {type(layer).__name__} with dropout, whose "
            f"mask belongs to the whole sequence. Wrap the recurrent layer instead: {wrapper}(RNN(cell))."
        )


def _reason(layer: keras.layers.Layer) -> str:
    if isinstance(layer, Reparameterization):
        return "it is reparameterized already; wrap the plain layer."
    if isinstance(layer, keras.Model):
        return "it is a model; use weight_normalize(model)."
    if isinstance(layer, keras.layers.MultiHeadAttention | keras.layers.GroupQueryAttention):
        return "its kernels belong to layers inside it; build attention from EinsumDense layers and wrap those."
    return (
        "it has no kernel that is known. Expected Dense, EinsumDense, Conv, ConvTranspose, DepthwiseConv, "
        "SeparableConv, Embedding or a recurrent layer; for a layer of your own, name its kernels: "
        "output_axes={'kernel': -1}."
    )
