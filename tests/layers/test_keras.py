"""The layer behaves in Keras as the layer it wraps: masks, states, wrappers, training, saving, copying."""

import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

from wncompare.layers import WeightNormalization, WeightStandardization, initialize_from_data, weight_normalize

from .support import BACKEND, CASES, Case, gradients, named, randomize, value


def plain(layer: keras.layers.Layer) -> WeightNormalization:
    """Wrapped without data-dependent initialization."""
    return WeightNormalization(layer, data_init=False)


def classifier(*body: keras.layers.Layer, shape: tuple[int, ...] = (5,)) -> keras.Sequential:
    """A small model around some layers."""
    return keras.Sequential([keras.Input(shape), *body, layers.Dense(3, activation="softmax")])


# Masks and states -----------------------------------------------------------------------------------------------------


def test_masks_pass_through(rng: np.random.Generator) -> None:
    """A mask from Embedding reaches the wrapped LSTM and the layers after it, as without the wrapper."""
    tokens = np.array([[1, 2, 0, 0], [3, 1, 2, 0]])
    embedding = plain(layers.Embedding(5, 4, mask_zero=True))
    lstm = plain(layers.LSTM(3, return_sequences=True))
    last = plain(layers.GRU(2))
    inputs = keras.Input((4,), dtype="int32")
    model = keras.Model(inputs, last(lstm(embedding(inputs))))
    x = embedding.layer(tokens)
    mask = tokens != 0
    expected = last.layer(lstm.layer(x, mask=mask), mask=mask)
    np.testing.assert_allclose(value(model(tokens)), value(expected), rtol=1e-5, atol=1e-6)
    explicit = lstm(ops.convert_to_tensor(value(x).astype("float32")), mask=mask)
    np.testing.assert_allclose(value(explicit), value(lstm.layer(x, mask=mask)), rtol=1e-5, atol=1e-6)


def test_initial_and_returned_states_pass_through(rng: np.random.Generator) -> None:
    """`initial_state` goes in and the final states come out, called on arrays and in a functional model."""
    x, h, c = (rng.normal(size=shape).astype("float32") for shape in ((2, 3, 5), (2, 4), (2, 4)))
    lstm = plain(layers.LSTM(4, return_state=True))
    outputs = lstm(x, initial_state=[ops.convert_to_tensor(h), ops.convert_to_tensor(c)])
    expected = lstm.layer(x, initial_state=[ops.convert_to_tensor(h), ops.convert_to_tensor(c)])
    for actual, reference in zip(outputs, expected, strict=True):
        np.testing.assert_allclose(value(actual), value(reference), rtol=1e-5, atol=1e-6)
    inputs = [keras.Input((3, 5)), keras.Input((4,)), keras.Input((4,))]
    model = keras.Model(inputs, lstm(inputs[0], initial_state=inputs[1:]))
    np.testing.assert_allclose(value(model([x, h, c])[2]), value(expected[2]), rtol=1e-5, atol=1e-6)


def test_a_stateful_rnn_keeps_its_state(rng: np.random.Generator) -> None:
    """A stateful layer goes on where it stopped, and `reset_state` starts it again."""
    x = rng.normal(size=(2, 6, 5)).astype("float32")
    whole = plain(layers.GRU(4))
    expected = value(whole(x))
    halves = plain(layers.GRU(4, stateful=True))
    halves.build((2, 3, 5))
    halves.set_weights(whole.get_weights())
    for _ in range(2):
        halves(x[:, :3])
        np.testing.assert_allclose(value(halves(x[:, 3:])), expected, rtol=1e-5, atol=1e-6)
        halves.reset_state()
    assert halves.stateful


@pytest.mark.skipif(BACKEND != "jax", reason="stateless_call is JAX's way of training")
def test_stateless_gradients_with_bias_dropout_and_state() -> None:
    """Under `stateless_call` and `jax.grad` every trainable variable gets a gradient, and dropout's state moves on."""
    import jax

    rnn = layers.LSTM(4, dropout=0.5, stateful=True, bias_initializer="random_normal")
    model = keras.Sequential(
        [keras.Input((3, 5), batch_size=2), plain(rnn), layers.Dropout(0.5), plain(layers.Dense(3))]
    )
    x = np.ones((2, 3, 5), "float32")
    trainable = [v.value for v in model.trainable_variables]
    state = [v.value for v in model.non_trainable_variables]

    def loss(trainable: list[Any]) -> Any:
        outputs, new_state = model.stateless_call(trainable, state, x, training=True)
        return ops.sum(ops.square(outputs - 1)), new_state

    found, new_state = jax.jit(jax.grad(loss, has_aux=True))(trainable)
    for variable, gradient in zip(model.trainable_variables, found, strict=True):
        assert np.abs(value(gradient)).max() > 0, variable.path
    assert any((value(old) != value(new)).any() for old, new in zip(state, new_state, strict=True))
    scaled = loss([2 * v for v in trainable])[0]
    assert abs(float(scaled) - float(loss(trainable)[0])) > 1e-3


# Inside other layers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda: layers.TimeDistributed(plain(layers.Dense(4))), (3, 5)),
        (lambda: layers.Bidirectional(plain(layers.LSTM(4, return_sequences=True))), (3, 5)),
        (lambda: layers.RNN(plain(layers.GRUCell(4))), (3, 5)),
        (lambda: layers.RNN([plain(layers.LSTMCell(4)), layers.LSTMCell(3)]), (3, 5)),
    ],
    ids=["TimeDistributed", "Bidirectional", "RNN", "StackedRNNCells"],
)
def test_inside_other_wrappers(make: Any, shape: tuple[int, ...], rng: np.random.Generator, tmp_path: Path) -> None:
    """By hand the layer also stands inside Keras's wrappers: it trains there, and is saved with them."""
    model = classifier(make(), layers.Flatten(), shape=shape)
    x = rng.normal(size=(4, *shape)).astype("float32")
    for path, gradient in gradients(model, x).items():
        assert np.abs(gradient).max() > 0, path
    file = tmp_path / "model.keras"
    model.save(file)
    np.testing.assert_allclose(value(keras.models.load_model(file)(x)), value(model(x)), rtol=1e-5, atol=1e-6)


def test_bidirectional_runs_backwards_inside(rng: np.random.Generator) -> None:
    """Bidirectional(WeightNormalization(rnn)) computes what WeightNormalization(Bidirectional(rnn)) does."""
    x = rng.normal(size=(2, 3, 5)).astype("float32")
    inside = layers.Bidirectional(plain(layers.GRU(4)))
    inside(x)
    outside = plain(layers.Bidirectional(layers.GRU(4)))
    outside(x)
    for way in ("forward", "backward"):
        source = getattr(inside, f"{way}_layer")
        for name in ("kernel", "recurrent_kernel"):
            outside.v[f"{way}_{name}"].assign(ops.copy(source.v[name].value))
            outside.g[f"{way}_{name}"].assign(ops.copy(source.g[name].value))
    assert inside.backward_layer.go_backwards
    np.testing.assert_allclose(value(inside(x)), value(outside(x)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("inside", [True, False])
def test_sequences_of_unknown_length(inside: bool, rng: np.random.Generator) -> None:
    """One model takes batches of any length, wrapped inside `Bidirectional` or around it, and trains on them."""
    gru = layers.GRU(4, return_sequences=True)
    both = layers.Bidirectional(plain(gru)) if inside else plain(layers.Bidirectional(gru))
    model = keras.Sequential([keras.Input((None, 5)), both, plain(layers.LSTM(3)), layers.Dense(1)])
    model.compile("sgd", "mse")
    for length in (2, 7):
        x = rng.normal(size=(4, length, 5)).astype("float32")
        model.train_on_batch(x, np.zeros((4, 1)))
        half = np.concatenate([model.predict(x[:2], verbose=0), model.predict(x[2:], verbose=0)])
        np.testing.assert_allclose(value(model(x)), half, rtol=1e-4, atol=1e-5)


def test_inside_a_while_loop(rng: np.random.Generator) -> None:
    """Called by `ops.while_loop` the layer computes what it does in Python's loop."""
    layer = plain(layers.Dense(5, activation="tanh"))
    x = ops.convert_to_tensor(rng.normal(size=(3, 5)).astype("float32"))
    layer(x)
    expected = layer(layer(layer(x)))
    _, found = ops.while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, layer(x)), (0, x))
    np.testing.assert_allclose(value(found), value(expected), rtol=1e-5, atol=1e-6)
    assert isinstance(layer.v["kernel"], keras.Variable)


@pytest.mark.parametrize(
    ("make", "shape", "wrong"),
    [
        (lambda: layers.Dense(4), (2, 5), (2, 6)),
        (lambda: layers.Conv2D(4, 2), (2, 5, 5, 3), (2, 5, 3)),
        (lambda: layers.LSTM(4), (2, 3, 5), (2, 5)),
    ],
)
def test_a_wrong_shape_is_refused_as_without_the_wrapper(make: Any, shape: Any, wrong: Any) -> None:
    """The wrapped layer's `input_spec` is checked: the message is Keras's own, and names the wrapped layer."""
    layer = plain(make())
    layer(np.ones(shape, "float32"))
    with pytest.raises(ValueError, match=f"{layer.layer.name}.*incompatible|incompatible.*{layer.layer.name}"):
        layer(np.ones(wrong, "float32"))


# Training -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_fit_trains_g_v_and_bias(dtype: str, rng: np.random.Generator) -> None:
    """`fit` changes every variable and lowers the loss, in every precision."""
    x = rng.normal(size=(32, 8, 8, 2)).astype("float32")
    y = (x.mean((1, 2, 3)) > 0).astype("int32")
    body = [layers.Conv2D(4, 3, activation="relu", dtype=dtype), layers.Flatten(), layers.Dense(2, dtype=dtype)]
    model = keras.Sequential(
        [keras.Input((8, 8, 2)), plain(body[0]), body[1], plain(body[2]), layers.Softmax(dtype="float32")]
    )
    before = [value(v) for v in model.trainable_variables]
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    losses = model.fit(x, y, batch_size=16, epochs=4, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    for variable, old in zip(model.trainable_variables, before, strict=True):
        assert np.abs(value(variable) - old).max() > 0, variable.path


# Saving and copying ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("wrapper", [WeightNormalization, WeightStandardization])
def test_saved_models_come_back(case: Case, wrapper: Any, rng: np.random.Generator, tmp_path: Path) -> None:
    """A `.keras` file and a configuration with weights restore every variable, and so the output."""
    inputs = case.inputs(rng)
    dtype = "int32" if case.integers else "float32"
    model = keras.Sequential([keras.Input(case.shape, dtype=dtype), wrapper(case.make(), name="w")])
    randomize(model.trainable_variables, rng)
    expected = value(model(inputs, training=False))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(value(loaded(inputs)), expected, rtol=1e-5, atol=1e-6)
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    np.testing.assert_allclose(value(clone(inputs, training=False)), expected, rtol=1e-5, atol=1e-6)
    assert [v.name for v in loaded.weights] == [v.name for v in model.weights]


def test_weights_files_and_copies(rng: np.random.Generator, tmp_path: Path) -> None:
    """`.weights.h5`, `copy.deepcopy` and `from_config` keep the layer's options, values and initialized state."""
    x = rng.normal(size=(32, 5)).astype("float32")
    model = classifier(WeightNormalization(layers.Dense(4, name="d"), "tfa", epsilon=1e-3, name="w"))
    initialize_from_data(model, x)
    expected = value(model(x))
    model.save_weights(tmp_path / "m.weights.h5")
    other = classifier(WeightNormalization(layers.Dense(4, name="d"), "tfa", epsilon=1e-3, name="w"))
    other.load_weights(tmp_path / "m.weights.h5")
    deep = copy.deepcopy(model)
    for restored in (other, deep):
        np.testing.assert_allclose(value(restored(x)), expected, rtol=1e-5, atol=1e-6)
        assert not restored.get_layer("w").waiting
    wrapper = deep.get_layer("w")
    assert (wrapper.data_init, wrapper.epsilon, wrapper.layer.units, wrapper.output_axes) == ("tfa", 1e-3, 4, None)
    wrapper.g["kernel"].assign(np.zeros(4))
    np.testing.assert_allclose(value(model(x)), expected, rtol=1e-6)


def test_a_restored_layer_counts_as_initialized(rng: np.random.Generator, tmp_path: Path) -> None:
    """Loading never lets the next batch change g: what was saved is what is computed."""
    x = rng.normal(size=(8, 5)).astype("float32")
    model = classifier(WeightNormalization(layers.Dense(4), name="w"))
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(value(loaded(x)), value(model(x, training=False)), rtol=1e-5, atol=1e-6)
    assert not loaded.get_layer("w").waiting


def test_optimizer_state_is_saved(rng: np.random.Generator, tmp_path: Path) -> None:
    """A compiled model goes on training from its file exactly as it would have without the pause."""
    x, y = rng.normal(size=(16, 5)).astype("float32"), rng.integers(0, 3, 16)
    model = classifier(plain(layers.Dense(4)))
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=2, shuffle=False, verbose=0)
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    for trained in (model, loaded):
        trained.fit(x, y, epochs=2, shuffle=False, verbose=0)
    for one, two in zip(model.weights, loaded.weights, strict=True):
        np.testing.assert_allclose(value(one), value(two), rtol=1e-6)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="SavedModel is TensorFlow's format")
def test_saved_model_export(rng: np.random.Generator, tmp_path: Path) -> None:
    """`export` writes a SavedModel with equal outputs, before and after initialization."""
    import tensorflow as tf

    x = rng.normal(size=(8, 5)).astype("float32")
    model = classifier(WeightNormalization(layers.Dense(4)))
    for folder in ("before", "after"):
        model.export(tmp_path / folder, verbose=False)
        loaded = tf.saved_model.load(str(tmp_path / folder))
        np.testing.assert_allclose(value(loaded.serve(x)), value(model(x, training=False)), rtol=1e-5, atol=1e-6)
        initialize_from_data(model, x)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="SavedModel is TensorFlow's format")
@pytest.mark.parametrize("case", named("gru", "conv1d_transpose", "embedding"), ids=lambda case: case.name)
def test_saved_model_export_of_other_layers(case: Case, rng: np.random.Generator, tmp_path: Path) -> None:
    """Recurrent, transposed and embedding layers, too, export with equal outputs: no traced kernel is left in them."""
    import tensorflow as tf

    x = case.inputs(rng)
    model = keras.Sequential([keras.Input(case.shape, dtype=x.dtype.name), WeightNormalization(case.make(), False)])
    model.export(tmp_path / "model", verbose=False)
    loaded = tf.saved_model.load(str(tmp_path / "model"))
    np.testing.assert_allclose(value(loaded.serve(x)), value(model(x, training=False)), rtol=1e-5, atol=1e-6)


# TensorFlow's compiler ------------------------------------------------------------------------------------------------


@pytest.mark.skipif(BACKEND != "tensorflow", reason="XLA through tf.function")
@pytest.mark.parametrize("case", named("dense", "conv2d"), ids=lambda case: case.name)
def test_xla_gives_the_same_gradients_without_conditionals(case: Case, rng: np.random.Generator) -> None:
    """With jit_compile=True kernel and gradients agree with eager ones, and no condition is left in the graph."""
    import tensorflow as tf

    inputs = case.inputs(rng, 16)
    layer = WeightNormalization(case.make())
    layer(inputs)
    expected = gradients(layer, inputs)

    @tf.function(jit_compile=True)
    def step(x: Any) -> Any:
        with tf.GradientTape() as tape:
            first = layer(x, training=True)
            loss = tf.reduce_sum(first * np.cos(np.arange(np.prod(first.shape))).reshape(first.shape).astype("float32"))
        return tape.gradient(loss, [v.value for v in layer.trainable_variables])

    tensor = tf.constant(inputs)
    for variable, gradient in zip(layer.trainable_variables, step(tensor), strict=True):
        np.testing.assert_allclose(value(gradient), expected[variable.path], rtol=1e-3, atol=1e-4)
    operations = {operation.type for operation in step.get_concrete_function(tensor).graph.get_operations()}
    assert not operations & {"If", "StatelessIf", "Case", "While", "StatelessWhile"}

    @tf.function(jit_compile=True)
    def folded() -> Any:
        with tf.GradientTape() as tape:
            kernel = layer.folded()["kernel"]
        return kernel, tape.gradient(kernel, [layer.g["kernel"].value, layer.v["kernel"].value])

    kernel, (of_gain, of_direction) = folded()
    np.testing.assert_allclose(value(kernel), value(layer.folded()["kernel"]), rtol=1e-5, atol=1e-6)
    assert of_gain is not None
    assert of_direction is not None


# Importing ------------------------------------------------------------------------------------------------------------


def test_importing_the_layers_needs_keras_alone() -> None:
    """`wncompare.layers` loads no part of the runner, and no backend but the one that Keras loads itself."""
    code = (
        "import sys, keras; before = set(sys.modules); import wncompare.layers; new = set(sys.modules) - before; "
        "print(sorted(name for name in new if name.startswith('wncompare') or '.' not in name))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names = [name for name in eval(run.stdout.splitlines()[-1]) if name.partition(".")[0] == "wncompare"]
    allowed = ("wncompare", "wncompare.layers", "wncompare.nn", "wncompare.nn.keras_private")
    assert [name for name in names if name not in allowed and not name.startswith("wncompare.nn.layers")] == []
    assert not {"tensorflow", "jax", "torch", "pydantic", "click"} & set(eval(run.stdout.splitlines()[-1]))


def test_lenet_has_the_papers_parameters() -> None:
    """LeNet's 62,006 parameters become 62,242: one gain for each of its 6 + 16 + 120 + 84 + 10 outputs."""
    model = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Conv2D(6, 5, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(16, 5, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(120, activation="relu"),
            layers.Dense(84, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    assert model.count_params() == 62_006
    for data_init, state in ((False, 0), (True, 5)):
        new = weight_normalize(model, data_init)
        assert sum(int(np.prod(v.shape)) for v in new.trainable_variables) == 62_242
        assert sum(int(np.prod(v.shape)) for v in new.non_trainable_variables) == state
