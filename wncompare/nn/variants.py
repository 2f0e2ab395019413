"""The arms of a comparison: functions from a freshly built regular model to a variant of it.

Each takes the regular model, options and the initialization batch, and returns a built model with the same inputs,
outputs, layer names and initial kernels. It uses the regular model up: layers that stay as they are, whatever a user
has written or adapted in them, are taken over (`regular` returns the model itself). Sequential models stay Sequential,
submodels are treated like the model. What a variant does not name stays as it is, and so does a layer that is frozen,
as a whole or in part: no training would make up for a bias that was dropped or a kernel that was centred.

Normalization sits between the affine map and its activation: a fused activation becomes an `Activation` layer of its
own, `<name>_activation`, behind the normalization, `<name>_norm`. The normalized layers are Dense, Conv, ConvTranspose,
DepthwiseConv, SeparableConv and EinsumDense with one output axis, the last; not Embedding, attention or what is inside
`TimeDistributed`; of recurrent layers SimpleRNN, LSTM and GRU, by `layer_norm` alone. Their bias is dropped where the
normalization brings its own. A model that is recurrent but for its output layers is refused by what would leave the
recurrence alone.

"Paper" is Salimans & Kingma (2016), arXiv 1602.07868. It normalizes every layer, the output layer too, as its code
shows (github.com/openai/weightnorm, lasagne/train.py); so do the variants that come from it.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

import keras
import numpy as np
from keras import layers

from wncompare.errors import ModelError
from wncompare.nn.layers import (
    MeanOnlyBatchNormalization,
    Reparameterization,
    WeightNormalization,
    WeightStandardization,
    initialize_from_data,
    layer_normalized,
)
from wncompare.nn.layers.rebuild import Replace, Replacement, rebuild
from wncompare.nn.layers.structure import channel_axis, descendants, has_kernels, is_frozen, output_layers
from wncompare.nn.layers.weight_normalize import altered, wrapped

Variant = Callable[[keras.Model, Any, np.ndarray], keras.Model]
MakeLayer = Callable[[keras.layers.Layer, int], keras.layers.Layer]


def _variant(function: Variant) -> Variant:
    """A variant for which a model that the layers refuse is a `ModelError`."""

    @wraps(function)
    def checked(model: keras.Model, options: Any, batch: np.ndarray) -> keras.Model:
        try:
            return function(model, options, batch)
        except ValueError as error:
            raise ModelError(f"Variant {function.__name__}: {error}") from error

    return checked


@_variant
def regular(model: keras.Model, options: Any, batch: np.ndarray) -> keras.Model:
    """The model itself; with `data_init`, kernels and biases set from the batch, paper eq. 5–6, not reparameterized.

    Options: `data_init` (bool).
    """
    if options.data_init:
        initialize_from_data(model, batch)
    return model


@_variant
def weight_norm(model: keras.Model, options: Any, batch: np.ndarray) -> keras.Model:
    """Every kernel as w = g · v / ‖v‖, paper eq. 2. Biases and activations stay; the output layer takes part.

    Options: `data_init`: True (paper eq. 5–6), False (g = ‖v‖: the regular model's function) or "tfa" (the values that
    the layer of TensorFlow Addons gave).
    """

    def replace(layer: keras.layers.Layer) -> Replacement | None:
        return _wrapped(layer, WeightNormalization, data_init=options.data_init) if has_kernels(layer) else None

    new = _changed(model, replace)
    if options.data_init:
        initialize_from_data(new, batch)
    return new


@_variant
def batch_norm(model: keras.Model, options: Any, batch: np.ndarray) -> keras.Model:
    """y = γ (x − μ) / √(σ² + ε) + β with the batch's moments: `keras.layers.BatchNormalization`.

    Ioffe & Szegedy (2015), arXiv 1502.03167. Before the activation of every layer, the output layer too, as in the
    paper's code, unless `outputs` is False; the bias is dropped for β. Not in a recurrence, where each step would need
    moments of its own (Cooijmans et al. 2016, arXiv 1603.09025).

    Options: `momentum` (of the moving moments), `epsilon`, `outputs`.
    """

    def make(layer: keras.layers.Layer, axis: int) -> keras.layers.Layer:
        return layers.BatchNormalization(
            axis=axis, momentum=options.momentum, epsilon=options.epsilon, **_as_norm_of(layer)
        )

    return _batch_normalized(model, make, options)


@_variant
def mean_only_batch_norm(model: keras.Model, options: Any, batch: np.ndarray) -> keras.Model:
    """y = x − μ + β with the batch's mean, paper section 4, on regular kernels.

    Before the activation of every layer, the output layer too unless `outputs` is False; the bias is dropped for β.

    Options: `momentum` (of the moving mean), `outputs`.
    """
    return _batch_normalized(model, _mean_only(options.momentum), options)


@_variant
def weight_norm_mean_only_batch_norm(model: keras.Model, options: Any, batch: np.ndarray) -> keras.Model:
    """Weight normalization and mean-only batch normalization, paper section 4: its best on CIFAR-10.

    t = w·x with w = g · v / ‖v‖, y = t − μ[t] + β, then the activation, in every layer, the output layer too; the bias
    is dropped for β. With `data_init` g = 1/σ[t] on the batch, and the moving mean starts at the batch's. Kernels that
    no activation follows directly, as in recurrent layers and Embedding, are weight-normalized alone, as are output
    layers where `outputs` is False.

    Options: `momentum` (of the moving mean), `data_init` (True, False or "tfa"; True if absent), `outputs`.
    """
    data_init = getattr(options, "data_init", True)
    spared = _spared(model, options)

    def replace(layer: keras.layers.Layer) -> Replacement | None:
        if channel_axis(layer) is not None and layer not in spared:
            return _normalized(layer, _mean_only(options.momentum), data_init)
        return _wrapped(layer, WeightNormalization, data_init=data_init) if has_kernels(layer) else None

    new = _changed(model, replace)
    if data_init:
        initialize_from_data(new, batch)
    return new


@_variant
def layer_norm(model: keras.Model, options: Any, batch: np.ndarray) -> keras.Model:
    """y = γ (x − μ) / √(σ² + ε) + β with the moments of one example.

    Ba et al. (2016), arXiv 1607.06450. After a convolution over positions and channels together, γ and β by channel:
    `keras.layers.GroupNormalization` with one group; else, and after a causal convolution, whose later positions are
    not to be seen, over the last axis: `keras.layers.LayerNormalization`. Before
    the activation of every layer but the output layers, whose logits it would hold at one scale; the bias is dropped
    for β. In SimpleRNN, LSTM and GRU each step's summed inputs are normalized, eq. 4 and 20–28 (`LayerNormLSTMCell`).

    Options: `epsilon`.
    """
    outputs = output_layers(model)

    def make(layer: keras.layers.Layer, axis: int) -> keras.layers.Layer:
        if hasattr(layer, "kernel_size") and layer.padding != "causal":
            return layers.GroupNormalization(groups=1, axis=axis, epsilon=options.epsilon, **_as_norm_of(layer))
        return layers.LayerNormalization(axis=axis, epsilon=options.epsilon, **_as_norm_of(layer))

    def replace(layer: keras.layers.Layer) -> Replacement | None:
        inside = layer_normalized(layer, options.epsilon)
        return inside or (None if layer in outputs else _normalized(layer, make))

    return _changed(model, replace)


@_variant
def weight_standardization(model: keras.Model, options: Any, batch: np.ndarray) -> keras.Model:
    """Kernels as w = g · (v − μ) / √(N (σ² + ε)), with the moments of the N entries that feed one output.

    Qiao et al. (2019), arXiv 1903.10520, with the 1/√N and the gain g of Brock et al. (2021), arXiv 2101.08692, in
    place of the normalization layer that the former needs behind it. g starts so that w = v − μ. In every normalized
    layer but the output layers, as in both papers; biases and activations stay.

    Options: `epsilon`.
    """
    _refuse_recurrent(model)
    outputs = output_layers(model)

    def replace(layer: keras.layers.Layer) -> Replacement | None:
        if layer in outputs or channel_axis(layer) is None:
            return None
        return _wrapped(layer, WeightStandardization, epsilon=options.epsilon)

    return _changed(model, replace)


@_variant
def function(model: keras.Model, options: Any, batch: np.ndarray) -> keras.Model:
    """Nothing: a function of one's own is not kept in records; `wncompare.nn.own_variant` applies it.

    It has whatever source its author has; no paper's.

    Options: `function`, `architecture`, `probe`, written by `wncompare.compare`.

    Raises:
        ModelError: always, with the way to the function.
    """
    raise ModelError("variant function: the function is not in the config: call wncompare.compare with it again")


def _changed(model: keras.Model, replace: Replace) -> keras.Model:
    changed: list[str] = []

    def counted(layer: keras.layers.Layer) -> Replacement | None:
        replacement = None if is_frozen(layer) else replace(layer)
        changed.extend([layer.name] if replacement else [])
        return replacement

    new = rebuild(model, counted, copy=False)
    if not changed:
        raise ValueError(
            f"model '{model.name}' has no layer that it applies to; expected Dense or Conv layers that are trained, "
            "or for layer_norm SimpleRNN, LSTM or GRU."
        )
    return new


def _batch_normalized(model: keras.Model, make: MakeLayer, options: Any) -> keras.Model:
    """The model with what `make` gives before each activation, but of layers that are spared."""
    _refuse_recurrent(model)
    spared = _spared(model, options)
    return _changed(model, lambda layer: None if layer in spared else _normalized(layer, make))


def _spared(model: keras.Model, options: Any) -> set[keras.layers.Layer]:
    """The layers that have no normalization of their own: the output layers where `outputs` is False."""
    return output_layers(model) if options.outputs is False else set()


def _refuse_recurrent(model: keras.Model) -> None:
    """Refuse a model that is recurrent but for its output layers: nearly all of its weights would stay as they are."""
    trained = [layer for layer in descendants(model) if not is_frozen(layer)]
    recurrent = [layer.name for layer in trained if isinstance(layer, layers.RNN | layers.Bidirectional)]
    hidden = {layer for layer in trained if channel_axis(layer) is not None} - output_layers(model)
    if recurrent and not hidden:
        raise ValueError(
            f"model '{model.name}': its weights are in recurrent layers, {recurrent}, inside which it does not "
            "normalize, and only output layers would change; expected another variant, such as weight_norm."
        )


def _wrapped(layer: keras.layers.Layer, wrapper: type[Reparameterization], **options: Any) -> Replacement:
    return wrapped(layer, wrapper, copy=False, **options)


def _mean_only(momentum: float) -> MakeLayer:
    return lambda layer, axis: MeanOnlyBatchNormalization(axis=axis, momentum=momentum, **_as_norm_of(layer))


def _as_norm_of(layer: keras.layers.Layer) -> dict[str, Any]:
    return {"name": f"{layer.name}_norm", "dtype": layer.dtype_policy}


def _normalized(layer: keras.layers.Layer, make: MakeLayer, data_init: bool | str | None = None) -> Replacement | None:
    """The layer without bias and activation, weight-normalized unless `data_init` is None; then norm and activation."""
    axis = channel_axis(layer)
    if axis is None:
        return None
    first = _bare(layer, data_init)
    rest = [make(layer, axis)]
    if layer.activation is not keras.activations.linear:
        rest.append(layers.Activation(layer.activation, name=f"{layer.name}_activation", dtype=layer.dtype_policy))
    rest[-1].activity_regularizer = layer.activity_regularizer
    return Replacement((*first.layers, *rest), first.fill)


def _bare(layer: keras.layers.Layer, data_init: Any) -> Replacement:
    bias = {"bias_axes": None} if isinstance(layer, layers.EinsumDense) else {"use_bias": False}
    changes = {"activation": None, "activity_regularizer": None, **bias}
    if data_init is not None:
        return wrapped(layer, WeightNormalization, changes=changes, data_init=data_init)
    return altered(layer, **changes)
