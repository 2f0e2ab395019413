"""Data-dependent initialization of a whole model, layer after layer."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import keras

from wncompare.nn.keras_private import children, is_symbolic, layer_tree, substituted, without_remat

from ._affine import affine_of
from .mean_only_batch_normalization import MeanOnlyBatchNormalization
from .reparameterization import Reparameterization
from .weight_normalization import WeightNormalization, first_values

Initializer = Callable[[Any], None]


def initialize_from_data(model: keras.Model, batch: Any, *, epsilon: float = 1e-6) -> None:
    """Sets scales and biases so that each pre-activation has mean 0 and variance 1 on a batch.

    Salimans & Kingma (2016), arXiv 1602.07868, eq. 5–6: with t = v·x/‖v‖, g = 1/σ[t] and b = −μ[t]/σ[t], over the batch
    and all positions, each layer on what the layers before it give once they are initialized. Call it once, before
    training, on some hundred inputs; the model runs in inference mode.

    - In a model with `WeightNormalization` layers it is these that are set, each as its `data_init` says (False: not at
      all). The other layers keep their values, except that `MeanOnlyBatchNormalization` takes the batch's mean.
    - In a model without any, the kernel of each plain Dense, EinsumDense, Conv, ConvTranspose and DepthwiseConv layer,
      alone or in `TimeDistributed`, becomes g·v/‖v‖: the same function as the weight-normalized model's.
    - A layer that is frozen, as a whole or in part, that the model does not call or calls more than once, and layers
      inside Keras's own composites such as attention keep their values; so do outputs whose σ is not above `epsilon`
      (relative to |μ| where that is above 1; a `WeightNormalization` layer has an epsilon of its own). Without a bias
      only the scale is set.

    Args:
        model: a built model, of any kind.
        batch: the model's input, as an array or whatever the model takes.
        epsilon: for plain layers, the standard deviation that counts as zero.

    Raises:
        ValueError: where a layer is called inside a traced function, in which a batch has no values.
    """
    initializers = _initializers(model, epsilon)
    used = _count_calls(model, batch, list(initializers))
    trained = {id(variable) for variable in model.trainable_variables}
    with ExitStack() as stack:
        stack.enter_context(without_remat(layer_tree(model)))
        for layer, initialize in initializers.items():
            if used[layer] == 1 and trained.issuperset(map(id, _set_from_data(layer))):
                stack.enter_context(substituted(layer, call=_initializing(layer, initialize)))
        model(batch, training=False)
    for layer in _walk(model):
        if isinstance(layer, WeightNormalization):
            layer.finish_initialization()


def _initializers(model: keras.Model, epsilon: float) -> dict[keras.layers.Layer, Initializer]:
    layers = list(_walk(model))
    if any(isinstance(layer, WeightNormalization) for layer in layers):
        chosen = [layer for layer in layers if isinstance(layer, WeightNormalization | MeanOnlyBatchNormalization)]
    else:
        chosen = [layer for layer in layers if isinstance(layer, MeanOnlyBatchNormalization) or affine_of(layer)]
    return {layer: _initializer(layer, epsilon) for layer in chosen if layer.trainable}


def _set_from_data(layer: keras.layers.Layer) -> list[Any]:
    if isinstance(layer, WeightNormalization):
        return layer.set_from_data
    if isinstance(layer, MeanOnlyBatchNormalization):
        return [layer.beta]
    affine = affine_of(layer)
    assert affine is not None
    return [variable for variable in (affine.kernel.variable, affine.bias) if variable is not None]


def _initializer(layer: keras.layers.Layer, epsilon: float) -> Initializer:
    if isinstance(layer, WeightNormalization | MeanOnlyBatchNormalization):
        return layer.initialize_from_batch
    return lambda inputs: first_values(layer, inputs, epsilon)


def _walk(layer: keras.layers.Layer) -> Iterator[keras.layers.Layer]:
    """The layers of a model and of what is inside it, but not the inside of layers that are handled as one."""
    seen: set[int] = set()
    pending = children(layer)
    while pending:
        layer = pending.pop(0)
        if id(layer) not in seen:
            seen.add(id(layer))
            yield layer
            pending = (children(layer) if _is_open(layer) else []) + pending


def _is_open(layer: keras.layers.Layer) -> bool:
    foreign = not type(layer).__module__.startswith("keras.")
    return isinstance(layer, keras.Model) or (foreign and not isinstance(layer, Reparameterization))


def _count_calls(model: keras.Model, batch: Any, layers: list[keras.layers.Layer]) -> Counter[keras.layers.Layer]:
    calls: Counter[keras.layers.Layer] = Counter()

    def counting(layer: keras.layers.Layer) -> Callable[..., Any]:
        call = type(layer).call

        def counted(*args: Any, **kwargs: Any) -> Any:
            calls[layer] += not is_symbolic()  # Keras builds an unbuilt model by a symbolic call
            return call(layer, *args, **kwargs)

        return counted

    with ExitStack() as stack:
        stack.enter_context(without_remat(layer_tree(model)))
        for layer in layers:
            stack.enter_context(substituted(layer, call=counting(layer)))
        model(batch, training=False)
    return calls


def _initializing(layer: keras.layers.Layer, initialize: Initializer) -> Callable[..., Any]:
    call = type(layer).call

    def initialized(inputs: Any, *args: Any, **kwargs: Any) -> Any:
        with substituted(layer, call=lambda *args, **kwargs: call(layer, *args, **kwargs)):  # for `initialize` to use
            initialize(inputs)
        return call(layer, inputs, *args, **kwargs)

    return initialized
