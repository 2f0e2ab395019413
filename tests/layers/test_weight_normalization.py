"""The layer computes w = g · v / ‖v‖ for every kernel-bearing Keras layer, and trains g, v and the bias."""

from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers, ops

from wncompare.layers import WeightNormalization
from wncompare.nn.layers._fold import norm, weight_norm

from .support import (
    BACKEND,
    CASES,
    Case,
    folded64,
    gradients,
    gradients64,
    named,
    norm64,
    randomize,
    value,
)

each_layer = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def wrap(case: Case, inputs: Any, **kwargs: Any) -> WeightNormalization:
    """The case's layer, wrapped and built without data-dependent initialization."""
    layer = WeightNormalization(case.make(), data_init=False, **kwargs)
    layer(inputs)
    return layer


@each_layer
def test_wrapping_changes_nothing_until_training(case: Case, rng: np.random.Generator) -> None:
    """With data_init=False g is ‖v‖, so the output is that of the plain layer with the same variables."""
    inputs = case.inputs(rng)
    layer = wrap(case, inputs)
    np.testing.assert_allclose(value(layer(inputs)), value(layer.layer(inputs)), rtol=2e-5, atol=2e-6)
    for name, norms in layer.norms().items():
        np.testing.assert_allclose(norms.g, norms.v, rtol=1e-6)
        np.testing.assert_allclose(
            norms.v, norm64(value(layer.v[name]), case.axes[name]).reshape(norms.v.shape), rtol=1e-6
        )


@each_layer
def test_the_kernel_is_g_times_the_direction_of_v(case: Case, rng: np.random.Generator) -> None:
    """Eq. 2, against float64, with one gain an output; the plain layer with that kernel gives the same output."""
    inputs = case.inputs(rng)
    layer = wrap(case, inputs)
    randomize(layer.trainable_variables, rng)
    folded, before = layer.folded(), value(layer(inputs))
    assert set(folded) == set(case.axes)
    for name, axes in case.axes.items():
        expected = folded64(value(layer.v[name]), value(layer.g[name]), axes)
        np.testing.assert_allclose(value(folded[name]), expected, rtol=1e-5, atol=1e-6)
        assert tuple(layer.g[name].shape) == tuple(layer.v[name].shape[axis] for axis in axes)
    plain = layer.remove()
    np.testing.assert_allclose(value(plain(inputs)), before, rtol=2e-5, atol=2e-6)
    np.testing.assert_allclose(value(layer(inputs)), before, rtol=2e-5, atol=2e-6)


@each_layer
def test_gradients_of_g_v_and_bias(case: Case, rng: np.random.Generator) -> None:
    """Eq. 3, against float64: from the plain layer's gradient of w follow those of g and v; the bias's is the same."""
    inputs = case.inputs(rng)
    layer = wrap(case, inputs)
    randomize(layer.trainable_variables, rng)
    v, g = ({name: value(x) for name, x in values.items()} for values in (layer.v, layer.g))
    paths = {name: (layer.v[name].path, layer.g[name].path) for name in v}
    actual = gradients(layer, inputs)
    plain = gradients(layer.remove(), inputs)
    for name, axes in case.axes.items():
        of_gain, of_direction = gradients64(v[name], g[name], plain.pop(paths[name][0]), axes)
        scale = max(np.abs(of_direction).max(), np.abs(of_gain).max())
        np.testing.assert_allclose(actual.pop(paths[name][1]), of_gain, rtol=1e-3, atol=1e-4 * scale)
        np.testing.assert_allclose(actual.pop(paths[name][0]), of_direction, rtol=1e-3, atol=1e-4 * scale)
    assert actual.keys() == plain.keys()
    for path, expected in plain.items():
        np.testing.assert_allclose(actual[path], expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("case", named("dense", "conv2d"), ids=lambda case: case.name)
def test_agrees_with_torch(case: Case, rng: np.random.Generator) -> None:
    """Kernel, output and the gradients of g, v and bias equal those of torch.nn.utils.parametrizations.weight_norm."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    inputs = case.inputs(rng)
    layer = wrap(case, inputs)
    randomize(layer.trainable_variables, rng)
    ours = {"g": layer.g["kernel"], "v": layer.v["kernel"], "bias": layer.layer.bias}

    plain = torch.nn.Linear(5, 4) if case.name == "dense" else torch.nn.Conv2d(2, 4, 3)
    module = torch.nn.utils.parametrizations.weight_norm(plain.double())
    weight = module.parametrizations.weight
    theirs = {"g": weight.original0, "v": weight.original1, "bias": module.bias}
    for name, variable in ours.items():
        theirs[name].data = torch.tensor(_outputs_first(value(variable)).reshape(theirs[name].shape))
    x = torch.tensor(np.moveaxis(inputs, -1, 1).astype("float64"))
    outputs = (torch.tanh if case.name == "dense" else torch.relu)(module(x)).movedim(1, -1)
    (outputs * torch.cos(torch.arange(outputs.numel()).double()).reshape(outputs.shape)).sum().backward()

    kernel = _outputs_first(value(layer.folded()["kernel"]))
    np.testing.assert_allclose(kernel, module.weight.detach().numpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(value(layer(inputs)), outputs.detach().numpy(), rtol=1e-4, atol=1e-5)
    found = gradients(layer, inputs)
    for name, variable in ours.items():
        expected = theirs[name].grad.numpy()
        actual = _outputs_first(found[variable.path]).reshape(expected.shape)
        np.testing.assert_allclose(actual, expected, rtol=1e-3, atol=1e-4, err_msg=name)


def _outputs_first(array: np.ndarray) -> np.ndarray:
    """Keras's axes (rows, columns, inputs, outputs) as torch's (outputs, inputs, rows, columns)."""
    return array.transpose(3, 2, 0, 1) if array.ndim == 4 else array.T


def test_only_gains_are_added(rng: np.random.Generator) -> None:
    """v is the layer's own variable and no copy is kept: one gain an output is all that is new."""
    inputs = rng.normal(size=(3, 5)).astype("float32")
    for data_init, state in ((False, 0), (True, 1)):
        layer = WeightNormalization(layers.Dense(4), data_init)
        layer(inputs)
        assert layer.v["kernel"] is layer.layer.kernel
        assert layer.count_params() == 5 * 4 + 4 + 4 + state
        assert sum(int(np.prod(v.shape)) for v in layer.trainable_variables) == 5 * 4 + 4 + 4


@each_layer
def test_no_tensor_is_left_in_the_wrapped_layer(case: Case, rng: np.random.Generator) -> None:
    """After calls, tracing and a failed call the wrapped layer is the same object with the same attributes."""
    inputs = case.inputs(rng)
    layer = wrap(case, inputs)
    inner, owners = layer.layer, [kernel.owner for kernel in layer.kernels]
    variables = [id(variable) for variable in inner.variables]
    attributes = [dict(vars(owner)) for owner in owners]
    gradients(layer, inputs)
    model = keras.Sequential([keras.Input(case.shape), layer])
    model.jit_compile = False  # it is tracing that leaves tensors, and XLA would take twice as long
    model.predict(inputs, verbose=0)
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever the layer says to a wrong rank
        layer(np.zeros((2,), "float32"), training=True, no_such_argument=1)
    assert layer.layer is inner
    assert [id(variable) for variable in inner.variables] == variables
    for owner, before in zip(owners, attributes, strict=True):
        for kernel in layer.kernels:
            if kernel.owner is owner:
                assert vars(owner)[kernel.slot] is before[kernel.slot]
        assert not [name for name, x in vars(owner).items() if name not in before and ops.is_tensor(x)]


@given(
    exponents=st.lists(st.floats(-37, 37), min_size=3, max_size=3),
    gain=st.floats(0.01, 100),
    seed=st.integers(0, 99),
)
@settings(deadline=None, max_examples=40, database=None)
def test_any_scale_of_v_gives_the_same_kernel(exponents: list[float], gain: float, seed: int) -> None:
    """w does not depend on ‖v‖ from 1e-29 to 1e37, where its square is not a float32, and is finite below."""
    direction = np.random.default_rng(seed).normal(size=(4, 3)).clip(-3, 3) + 4
    scale = 10.0 ** np.asarray(exponents)
    v = (direction * scale).astype("float32")
    actual = value(weight_norm(ops.convert_to_tensor(v), ops.full((3,), gain), (1,)))
    assert np.isfinite(actual).all()
    live = scale > 1e-29
    expected = folded64(v.astype("float64"), np.full(3, gain), (1,))
    np.testing.assert_allclose(actual[:, live], expected[:, live], rtol=1e-5)


@pytest.mark.parametrize("scale", [0.0, 1e-45, 1e-38, 1e-29, 1e-20, 1e-5, 1e20, 1e37])
@pytest.mark.parametrize("gain", ["norm", "one"])
def test_no_nan_or_infinity(scale: float, gain: str, rng: np.random.Generator) -> None:
    """Value and gradients are finite where v is zero, tiny or huge, also for one output among others."""
    inputs = (rng.normal(size=(3, 5)) * (1e-20 if scale > 1e15 else 1)).astype("float32")
    layer = WeightNormalization(layers.Dense(3), data_init=False)
    layer.build((None, 5))
    v = rng.normal(size=(5, 3))
    v[:, 1] *= scale
    layer.v["kernel"].assign(v.astype("float32"))
    layer.reset_gains() if gain == "norm" else layer.g["kernel"].assign(np.ones(3))
    assert np.isfinite(value(layer(inputs))).all()
    for gradient in gradients(layer, inputs).values():
        assert np.isfinite(gradient).all()
    if scale == 0:
        assert (value(layer.folded()["kernel"])[:, 1] == 0).all()


def test_norm_of_huge_and_zero_kernels() -> None:
    """‖v‖ is exact where the square overflows, and 0 where v is 0."""
    v = np.array([[3e30, 0], [4e30, 0]], "float32")
    np.testing.assert_allclose(value(norm(ops.convert_to_tensor(v), (1,))), [5e30, 0], rtol=1e-6)


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("case", named("dense", "conv2d", "gru", "embedding"), ids=lambda case: case.name)
def test_mixed_precision_takes_norms_in_float32(case: Case, dtype: str, rng: np.random.Generator) -> None:
    """Under a mixed policy the kernel is folded in float32, then cast; v = 300 would overflow float16 when squared."""
    inner = case.make()
    layer = WeightNormalization(type(inner).from_config({**inner.get_config(), "dtype": dtype}), data_init=False)
    inputs = case.inputs(rng)
    model = keras.Sequential([keras.Input(case.shape, dtype=inputs.dtype.name), layer])
    for name in layer.v:
        layer.v[name].assign(np.full(layer.v[name].shape, 300.0))
        layer.g[name].assign(np.ones(layer.g[name].shape))
    assert layer.compute_dtype == dtype.removeprefix("mixed_")
    for name, folded in layer.folded().items():
        assert keras.backend.standardize_dtype(folded.dtype) == "float32"
        np.testing.assert_allclose(
            value(folded), folded64(value(layer.v[name]), value(layer.g[name]), case.axes[name]), rtol=1e-6
        )
    outputs = model(inputs)
    assert keras.backend.standardize_dtype(outputs.dtype) == dtype.removeprefix("mixed_")
    assert np.isfinite(value(outputs)).all()
    for gradient in gradients(model, inputs).values():
        assert np.isfinite(gradient).all()


def test_float64_stays_float64(rng: np.random.Generator) -> None:
    """A float64 layer is folded in float64."""
    if BACKEND == "jax":
        pytest.skip("JAX has no float64 unless it is enabled for the whole process")
    layer = WeightNormalization(layers.Dense(4, dtype="float64"), data_init=False)
    layer(rng.normal(size=(3, 5)))
    randomize(layer.trainable_variables, rng)
    expected = folded64(value(layer.v["kernel"]), value(layer.g["kernel"]), (1,))
    np.testing.assert_allclose(value(layer.folded()["kernel"]), expected, rtol=1e-14)


def test_output_axes_can_be_overridden(rng: np.random.Generator) -> None:
    """An explicit choice replaces the layer type's: here each word vector of an embedding has its own gain."""
    layer = WeightNormalization(layers.Embedding(5, 4), data_init=False, output_axes=0)
    layer(np.zeros((2, 3), "int32"))
    assert tuple(layer.g["embeddings"].shape) == (5,)
    copy = WeightNormalization.from_config(layer.get_config())
    assert [kernel.output_axes for kernel in copy.kernels] == [(0,)]
    lstm = WeightNormalization(layers.LSTM(4), output_axes={"kernel": 0})
    lstm.build((None, 3, 5))
    assert {name: tuple(g.shape) for name, g in lstm.g.items()} == {"kernel": (5,), "recurrent_kernel": (16,)}


def test_a_layer_of_ones_own(rng: np.random.Generator) -> None:
    """A layer of an unknown type works once its kernels' output axes are named."""

    class Own(keras.layers.Layer):
        def build(self, shape: Any) -> None:
            self.kernel = self.add_weight(shape=(6, shape[-1]), name="kernel")

        def call(self, inputs: Any) -> Any:
            return ops.matmul(inputs, ops.transpose(self.kernel))

    with pytest.raises(ValueError, match="no kernel that is known"):
        WeightNormalization(Own())
    layer = WeightNormalization(Own(), output_axes={"kernel": 0})
    inputs = rng.normal(size=(3, 5)).astype("float32")
    np.testing.assert_allclose(value(layer(inputs)), value(layer.layer(inputs)), rtol=1e-5, atol=1e-6)
    assert tuple(layer.g["kernel"].shape) == (6,)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: WeightNormalization("dense"), "wraps a Keras layer. Received: 'dense' of type str"),
        (lambda: WeightNormalization(layers.ReLU(name="r")), "cannot wrap layer 'r' of type ReLU: it has no kernel"),
        (
            lambda: WeightNormalization(layers.MultiHeadAttention(2, 2, name="a")),
            "its kernels belong to layers inside it",
        ),
        (lambda: WeightNormalization(WeightNormalization(layers.Dense(1))), "it is reparameterized already"),
        (lambda: WeightNormalization(keras.Sequential([layers.Dense(1)])), "use weight_normalize"),
        (lambda: WeightNormalization(layers.Dense(1), "yes"), "Invalid data_init='yes': expected True, False or 'tfa'"),
        (lambda: WeightNormalization(layers.LSTMCell(1, dropout=0.5)), r"Wrap the recurrent layer instead"),
        (lambda: WeightNormalization(layers.Dense(1), output_axes={"w": 0}), r"has \['kernel'\]; use these names"),
        (lambda: WeightNormalization(layers.Dense(1), output_axes=(0, 1)).build((None, 2)), "Invalid output_axes"),
        (lambda: WeightNormalization(layers.Dense(1), output_axes=2).build((None, 2)), "Invalid output_axes"),
    ],
)
def test_what_cannot_be_wrapped_is_refused(make: Any, message: str) -> None:
    """Each refusal names the value, what was expected and the remedy."""
    with pytest.raises(ValueError, match=message):
        make()


def test_regularizers_act_on_v_and_constraints_too(rng: np.random.Generator) -> None:
    """The kernel's regularizer and constraint belong to v, which is the layer's variable; the bias keeps its own."""
    dense = layers.Dense(4, kernel_regularizer=keras.regularizers.L2(0.1), kernel_constraint="non_neg")
    layer = WeightNormalization(dense, data_init=False)
    layer(rng.normal(size=(3, 5)).astype("float32"))
    layer.g["kernel"].assign(np.full(4, 9.0))
    assert len(layer.losses) == 1
    np.testing.assert_allclose(value(layer.losses[0]), 0.1 * (value(dense.kernel) ** 2).sum(), rtol=1e-5)
    assert layer.v["kernel"].constraint is not None
    assert layer.g["kernel"].constraint is None
    assert layer.g["kernel"].regularizer is None


def test_activity_regularizer_is_applied_once(rng: np.random.Generator) -> None:
    """The wrapped layer's activity regularizer sees the normalized output, once, as Keras's own layer for it does."""
    layer = WeightNormalization(layers.Dense(4, activity_regularizer=keras.regularizers.L1(0.1)), data_init=False)
    outputs = layer(rng.normal(size=(3, 5)).astype("float32"))
    assert len(layer.losses) == 1
    stock = layers.ActivityRegularization(l1=0.1)
    stock(outputs)
    np.testing.assert_allclose(value(layer.losses[0]), value(stock.losses[0]), rtol=1e-5)


def test_trainable_covers_g_v_and_bias() -> None:
    """A frozen layer stays frozen when it is wrapped, and freezing the wrapper freezes g, v and the bias together."""
    layer = WeightNormalization(layers.Dense(4, trainable=False), data_init=False)
    layer.build((None, 5))
    assert layer.trainable_variables == []
    layer.trainable = True
    assert [variable.name for variable in layer.trainable_variables] == ["kernel_g", "kernel", "bias"]
    layer.trainable = False
    assert layer.trainable_variables == []
