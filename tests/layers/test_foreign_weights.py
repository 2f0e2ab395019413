"""Weights of torch's and TensorFlow Addons' weight norm, into wrapped layers of the same shapes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from wncompare.layers import WeightNormalization, load_weight_norm

from .support import folded64, value

torch: Any = pytest.importorskip("torch", reason="torch is not installed")
PAIRS: dict[str, tuple[Callable[[], Any], Callable[[], keras.layers.Layer], tuple[int, ...], int]] = {
    "linear": (lambda: torch.nn.Linear(5, 4), lambda: layers.Dense(4), (5,), 0),
    "no_bias": (lambda: torch.nn.Linear(5, 4, bias=False), lambda: layers.Dense(4, use_bias=False), (5,), 0),
    "einsum": (lambda: torch.nn.Linear(5, 4), lambda: layers.EinsumDense("ab,bc->ac", 4, bias_axes="c"), (5,), 0),
    "conv1d": (lambda: torch.nn.Conv1d(3, 4, 2), lambda: layers.Conv1D(4, 2), (6, 3), 0),
    "conv2d": (lambda: torch.nn.Conv2d(3, 4, (2, 3)), lambda: layers.Conv2D(4, (2, 3)), (6, 5, 3), 0),
    "grouped": (lambda: torch.nn.Conv1d(4, 6, 2, groups=2), lambda: layers.Conv1D(6, 2, groups=2), (6, 4), 0),
    "conv3d": (lambda: torch.nn.Conv3d(2, 3, (1, 2, 3)), lambda: layers.Conv3D(3, (1, 2, 3)), (4, 4, 4, 2), 0),
    "transpose1d": (lambda: torch.nn.ConvTranspose1d(3, 4, 2), lambda: layers.Conv1DTranspose(4, 2), (6, 3), 1),
    "transpose2d": (
        lambda: torch.nn.ConvTranspose2d(3, 4, (2, 3), stride=2),
        lambda: layers.Conv2DTranspose(4, (2, 3), strides=2),
        (4, 5, 3),
        1,
    ),
    "depthwise1d": (
        lambda: torch.nn.Conv1d(3, 6, 2, groups=3),
        lambda: layers.DepthwiseConv1D(2, depth_multiplier=2),
        (6, 3),
        0,
    ),
    "depthwise2d": (
        lambda: torch.nn.Conv2d(3, 3, (2, 3), groups=3),
        lambda: layers.DepthwiseConv2D((2, 3)),
        (5, 5, 3),
        0,
    ),
    "in_time": (lambda: torch.nn.Linear(5, 4), lambda: layers.TimeDistributed(layers.Dense(4)), (3, 5), 0),
}
NORMS = {"old": torch.nn.utils.weight_norm, "new": torch.nn.utils.parametrizations.weight_norm}


def normalized(module: Any, dim: int, style: str) -> Any:
    """torch's module, weight-normalized, with gains that are not ‖v‖."""
    module = NORMS[style](module, dim=dim)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape))
    return module


@pytest.mark.filterwarnings("ignore:.*weight_norm.* is deprecated")
@pytest.mark.parametrize("style", NORMS)
@pytest.mark.parametrize("name", PAIRS)
def test_torch_modules(name: str, style: str, rng: np.random.Generator) -> None:
    """The wrapped layer computes what torch's module does, whose state dict it was given, as tensors or arrays."""
    torch.manual_seed(7)
    make_theirs, make_ours, shape, dim = PAIRS[name]
    module, layer = normalized(make_theirs(), dim, style), WeightNormalization(make_ours())
    x = rng.normal(size=(2, *shape)).astype("float32")
    layer.build((2, *shape))
    state = module.state_dict() if style == "new" else {k: v.numpy() for k, v in module.state_dict().items()}
    load_weight_norm(layer, state)
    last = name in ("linear", "no_bias", "einsum", "in_time")
    theirs = module(torch.tensor(x)) if last else module(torch.tensor(x).movedim(-1, 1)).movedim(1, -1)
    np.testing.assert_allclose(value(layer(x)), theirs.detach().numpy(), rtol=1e-4, atol=1e-5)
    assert not layer.waiting


def test_embeddings() -> None:
    """torch's `dim=1` is what an Embedding has here, `dim=0`, its default, what it has with `output_axes=0`."""
    tokens = np.array([[1, 2, 0]])
    for dim, axes in ((1, None), (0, 0)):
        module = normalized(torch.nn.Embedding(5, 4), dim, "new")
        layer = WeightNormalization(layers.Embedding(5, 4), output_axes=axes)
        layer.build((1, 3))
        load_weight_norm(layer, module.state_dict())
        np.testing.assert_allclose(value(layer(tokens)), module(torch.tensor(tokens)).detach().numpy(), rtol=1e-5)


def network() -> tuple[Any, keras.Sequential]:
    """The same network in torch and here."""
    theirs = torch.nn.Sequential()
    theirs.add_module("first", normalized(torch.nn.Linear(5, 4), 0, "new"))
    theirs.add_module("act", torch.nn.Tanh())
    theirs.add_module("last", normalized(torch.nn.Linear(4, 2), 0, "new"))
    body = [WeightNormalization(layers.Dense(4, activation="tanh"), name="first")]
    inner = keras.Sequential([keras.Input((4,)), WeightNormalization(layers.Dense(2), name="end")], name="sub")
    return theirs, keras.Sequential([keras.Input((5,)), *body, inner])


@pytest.mark.parametrize("kind", ["state", "npz", "safetensors"])
def test_whole_models_and_files(kind: str, rng: np.random.Generator, tmp_path: Path) -> None:
    """A model takes a state dict by its layers' names, or as `names` says, from memory, .npz and .safetensors."""
    theirs, ours = network()
    state: Any = {name: tensor.numpy() for name, tensor in theirs.state_dict().items()}
    if kind == "npz":
        np.savez(tmp_path / "w.npz", **state)
        state = tmp_path / "w.npz"
    elif kind == "safetensors":
        state = safetensors(tmp_path / "w.safetensors", state)
    load_weight_norm(ours, state, names={"sub/end": "last"})
    x = rng.normal(size=(3, 5)).astype("float32")
    np.testing.assert_allclose(value(ours(x)), theirs(torch.tensor(x)).detach().numpy(), rtol=1e-4, atol=1e-5)


def safetensors(file: Path, arrays: dict[str, np.ndarray], **changes: Any) -> Path:
    """A file in the format's own words: header length, header, bytes."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    data = b""
    for name, array in arrays.items():
        end = len(data) + array.nbytes
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [len(data), end], **changes}
        data += array.tobytes()
    text = json.dumps(header).encode()
    file.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return file


@pytest.mark.parametrize(
    "changes",
    [{"dtype": "F99"}, {"shape": [9]}, {"shape": [-5, -4]}, {"data_offsets": [0, 10**9]}, {"data_offsets": [-4, 0]}],
)
def test_damaged_files_are_refused(changes: dict[str, Any], tmp_path: Path) -> None:
    """A header that does not fit its bytes is named on one line, and so are a cut file and a pickle."""
    layer = WeightNormalization(layers.Dense(4))
    layer.build((None, 5))
    file = safetensors(tmp_path / "w.safetensors", {"weight_v": np.zeros((4, 5), "float32")}, **changes)
    with pytest.raises(ValueError, match=r"w\.safetensors: damaged"):
        load_weight_norm(layer, file)
    for raw in (b"", b"\xff" * 20, (10).to_bytes(8, "little") + b"[" * 10):
        file.write_bytes(raw)
        with pytest.raises(ValueError, match=r"w\.safetensors: damaged"):
            load_weight_norm(layer, file)
    with pytest.raises(ValueError, match="a pickle can execute code"):
        load_weight_norm(layer, tmp_path / "w.pt")


def test_bfloat16_files(tmp_path: Path) -> None:
    """bfloat16 is read exactly: its 16 bits are float32's upper half."""
    from wncompare.nn.layers._array_files import read_arrays

    expected = torch.randn(3, 2).bfloat16()
    bits = expected.view(torch.int16).numpy()
    found = read_arrays(safetensors(tmp_path / "w.safetensors", {"x": bits}, dtype="BF16"))
    np.testing.assert_array_equal(found["x"], expected.float().numpy())


@pytest.mark.parametrize("make", [lambda: layers.Dense(4), lambda: layers.Conv1D(4, 2), lambda: layers.GRU(3)])
def test_tensorflow_addons(make: Any, rng: np.random.Generator) -> None:
    """g, kernel (or recurrent kernel) and bias by the old names; a kernel that was not normalized keeps its values."""
    layer = WeightNormalization(make(), name="weight_normalization")
    model = keras.Sequential([keras.Input((6, 3) if not isinstance(layer.layer, layers.Dense) else (3,)), layer])
    last = layer.kernels[-1].name
    arrays = {f"weight_normalization/x/{k}:0": rng.normal(size=v.shape).astype("float32") for k, v in layer.v.items()}
    owner = layer.kernels[0].owner
    arrays["weight_normalization/x/bias:0"] = rng.normal(size=owner.bias.shape).astype("float32")
    arrays["weight_normalization/g:0"] = rng.normal(size=layer.g[last].shape).astype("float32")
    arrays["weight_normalization/data_dep_init/kernel:0"] = np.zeros(1)
    load_weight_norm(model, arrays)
    v, g = arrays[f"weight_normalization/x/{last}:0"], arrays["weight_normalization/g:0"]
    found = {name: value(kernel) for name, kernel in layer.folded().items()}
    np.testing.assert_allclose(found[last], folded64(v, g, (-1,)), rtol=1e-5, atol=1e-6)
    if last == "recurrent_kernel":
        np.testing.assert_allclose(found["kernel"], arrays["weight_normalization/x/kernel:0"], rtol=1e-5)
    np.testing.assert_array_equal(value(owner.bias), arrays["weight_normalization/x/bias:0"])


def dense_arrays(**changes: Any) -> dict[str, Any]:
    """What a torch Linear(5, 4) gives, changed; None leaves out."""
    arrays = {"weight_g": np.ones((4, 1)), "weight_v": np.ones((4, 5)), "bias": np.ones(4), **changes}
    return {name: array for name, array in arrays.items() if array is not None}


@pytest.mark.parametrize(
    ("make", "arrays", "message"),
    [
        (lambda: layers.Dense(4), dense_arrays(weight_v=None), r"Layer 'w': no array 'weight_v', of shape \(4, 5\)"),
        (lambda: layers.Dense(4), dense_arrays(weight_g=None), "no array 'weight_g'"),
        (lambda: layers.Dense(4), dense_arrays(bias=None), "no array 'bias'"),
        (lambda: layers.Dense(4, use_bias=False), dense_arrays(), "has no bias, but 'bias' is given"),
        (lambda: layers.Dense(4), dense_arrays(weight_v=np.ones((5, 4))), r"shape \(5, 4\): expected .* \(4, 5\)"),
        (lambda: layers.Dense(4), dense_arrays(weight_g=np.ones((1, 5))), r"weight_norm with dim=0"),
        (lambda: layers.Dense(4), dense_arrays(bias=np.array(["a"] * 4)), "expected numbers"),
        (lambda: layers.Dense(4), dense_arrays(weight_g=np.full((4, 1), np.nan)), "has values that are not finite"),
        (lambda: layers.Dense(4), [("weight_g", np.ones((4, 1)))], "Arrays by name are expected.* Received: list"),
        (lambda: layers.Dense(4), {}, "no array 'kernel'"),
        (lambda: layers.GRU(4), {"weight_hh_l0_g": 0, "weight_ih_l0": 0}, "torch's recurrent weights have other gates"),
        (
            lambda: layers.EinsumDense("ab,bcd->acd", (2, 2)),
            dense_arrays(),
            "torch has no layer laid out like EinsumDense",
        ),
    ],
)
def test_what_does_not_fit_is_refused(make: Any, arrays: dict[str, Any], message: str) -> None:
    """On one line, by name and shape, and nothing is changed."""
    layer = WeightNormalization(make(), name="w")
    layer.build((2, 5) if not isinstance(layer.layer, layers.GRU) else (2, 3, 5))
    before = layer.get_weights()
    with pytest.raises(ValueError, match=message) as caught:
        load_weight_norm(layer, arrays)
    assert "\n" not in str(caught.value)
    for old, new in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04junk", b"no archive"])
def test_a_damaged_archive_is_refused(content: bytes, tmp_path: Path) -> None:
    """By name, on one line."""
    file = tmp_path / "weights.npz"
    file.write_bytes(content)
    layer = WeightNormalization(layers.Dense(4))
    layer.build((2, 5))
    with pytest.raises(ValueError, match=r"weights\.npz: damaged, or no archive of plain arrays"):
        load_weight_norm(layer, file)


def test_models_name_what_is_missing_or_left_over() -> None:
    """A layer without arrays, an array without a layer, an unknown name and an unbuilt layer."""
    theirs, ours = network()
    state = theirs.state_dict()
    with pytest.raises(ValueError, match=r"No arrays are named after layer 'sub/end'.* names=\{'sub/end'"):
        load_weight_norm(ours, state)
    more = {**state, "third.weight_g": np.ones(1)}
    with pytest.raises(ValueError, match=r"No wrapped layer takes \['third.weight_g'\]"):
        load_weight_norm(ours, more, names={"sub/end": "last"})
    with pytest.raises(ValueError, match=r"has the weight-normalized layers \['first', 'sub/end'\]"):
        load_weight_norm(ours, state, names={"end": "last"})
    with pytest.raises(ValueError, match="is not built"):
        load_weight_norm(WeightNormalization(layers.Dense(4)), dense_arrays())
