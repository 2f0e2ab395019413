"""Mixed precision: which layers compute in bfloat16, what stays in float32, and that runs repeat and go on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from wncompare import config as configs
from wncompare.data import Dataset, Split
from wncompare.errors import ConfigError, ModelError
from wncompare.layers import WeightNormalization
from wncompare.nn import arms, precision
from wncompare.nn.export import export_run
from wncompare.nn.layers.structure import descendants
from wncompare.nn.runs.trainers import program_key
from wncompare.records import DatasetRecord
from wncompare.run.plan import plan, untried

from . import forms, test_training_runs
from .test_training_runs import identity
from .trained import BATCH, CLASSES, SIZE, assert_identical, run, train, without_seconds

MIXED = "mixed_bfloat16"
LOSSES = {"classes": "categorical_crossentropy", "numbers": "mean_squared_error", "inputs": "own"}


def data_of(form: forms.Form) -> Dataset:
    """Random data of a form."""
    x, rng = forms.examples(form), np.random.default_rng(1)
    x = (255 * x).astype(np.uint8) if form.input.kind == "image" else x
    classes = [str(number) for number in range(4)] if form.target.kind == "classes" else []
    y = rng.integers(0, 4, len(x)) if classes else rng.random((len(x), *form.output), np.float32)
    split = Split(x, x if form.target.kind == "inputs" else y)
    return Dataset("random", "random", split, split, tuple(classes))


def arm(
    network: tuple[str, dict[str, Any], forms.Form] | Callable[[], keras.Model],
    variant: str = "regular",
    *,
    mixed: bool = True,
    vary: Any = None,
) -> keras.Model:
    """One arm of a network of the catalog or, of pictures, of one's own."""
    own = callable(network)
    name, options, form = ("lenet", {}, forms.PICTURES) if callable(network) else network
    chosen = configs.from_data(
        {
            "name": "precision",
            "dataset": {"name": "digits"},
            "model": {"name": name, **{key: value for key, value in options.items() if key != "embedding"}},
            "variants": [{"name": variant}],
            "training": {"loss": LOSSES[form.target.kind], **({"precision": MIXED} if mixed else {})},
            "init_batch": 16,
            "seeds": [0],
        },
        "test",
    )
    dataset = data_of(form)
    return arms.build(chosen, variant, 0, dataset, dataset.train, network if own else None, vary)  # type: ignore[arg-type]


def policies(model: keras.Model) -> dict[str, str]:
    """The policy of each layer that computes, by its name."""
    passing = (keras.Model, layers.InputLayer)
    return {layer.name: layer.dtype_policy.name for layer in descendants(model) if not isinstance(layer, passing)}


def in_float32(model: keras.Model) -> set[str]:
    """The names of the layers that compute in float32."""
    return {name for name, policy in policies(model).items() if policy == "float32"}


VAE = ("vae", {"units": (7,), "latent": 2}, forms.AGAIN)
RESNET, LSTM = ("resnet8", {}, forms.PICTURES), ("lstm", {"units": (5, 3)}, forms.ROWS)
TCN = ("tcn", {"filters": 4, "kernel_size": 3, "dropout": 0.2, "blocks": 2}, forms.SERIES)


@pytest.mark.parametrize(
    ("network", "precise"),
    [
        (RESNET, {"classes"}),
        (LSTM, {"classes"}),
        (("gru", {"units": (5,)}, forms.SERIES), {"numbers"}),
        (TCN, {"numbers"}),
        (("mlp", {"units": (5,)}, forms.ROWS), {"classes"}),
        (VAE, {"sample", "logits", "shape", "likelihood"}),
    ],
)
def test_all_but_the_ends_of_a_network_compute_in_bfloat16(network: Any, precise: set[str]) -> None:
    """Output layers with what follows them and the two parts of a bound stay in float32, and so does every variable."""
    model = arm(network)
    assert in_float32(model) == precise
    assert set(policies(model).values()) == {"float32", MIXED}
    assert {variable.dtype for variable in model.trainable_variables} == {"float32"}


VARIANTS = ["weight_norm", "batch_norm", "mean_only_batch_norm", "layer_norm", "weight_standardization"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_arms_of_a_network_compute_alike(variant: str) -> None:
    """What a variant puts in the place of a layer computes as that does: norm and activation after the output layer."""
    for network in (own, VAE):
        regular, varied = arm(network), arm(network, variant)
        kept = {name for name in in_float32(varied) if not name.endswith(("_norm", "_activation"))}
        assert kept == in_float32(regular)
        assert {name.rsplit("_", 1)[0] for name in in_float32(varied) - kept} <= kept


@pytest.mark.parametrize("variant", ["regular", "weight_norm", "weight_norm_mean_only_batch_norm"])
def test_a_run_starts_from_what_the_run_in_float32_starts_from(variant: str) -> None:
    """Initial kernels and initialization from data are the same to the bit, whatever the precision."""
    mixed, plain = arm(own, variant), arm(own, variant, mixed=False)
    for one, other in zip(mixed.variables, plain.variables, strict=True):
        np.testing.assert_array_equal(one, other)


def small(policy: str | None = None, last: str | None = None, *, convolves: bool = True) -> keras.Sequential:
    """A small network with what Keras offers between."""
    keras.utils.set_random_seed(0)
    first = [
        layers.Conv2D(8, 3, activation="relu", dtype=policy),
        layers.BatchNormalization(dtype=policy),
        layers.MaxPooling2D(2, dtype=policy),
    ]
    model = keras.Sequential(
        [
            keras.Input(SIZE),
            *(first if convolves else ()),
            layers.Flatten(dtype=policy),
            layers.Dense(8, activation="relu", dtype=policy),
            layers.Dense(CLASSES, activation="softmax", dtype=last),
        ]
    )
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    return model


@pytest.mark.parametrize("convolves", [True, pytest.param(False, marks=pytest.mark.slow)])  # XLA compiles for seconds
def test_a_mixed_model_is_the_one_that_keras_builds_mixed(convolves: bool) -> None:
    """Two epochs are those of layers made with Keras's own policy, bit for bit, without XLA and compiled by it."""
    mixed, stock = small(convolves=convolves), small(MIXED, "float32", convolves=convolves)
    precision.mix(mixed, np.zeros((1, *SIZE), "float32"))
    assert without_seconds(run(mixed)) == without_seconds(run(stock))
    assert_identical(mixed, stock)


def test_losses_are_of_unrounded_outputs() -> None:
    """Probabilities have float32's digits, so that no two classes tie by rounding and the loss is that of NumPy."""
    model = small()
    precision.mix(model, np.zeros((1, *SIZE), "float32"))
    found = np.asarray(model(train.x[:BATCH] / np.float32(255)))
    assert found.dtype == np.float32
    assert (np.asarray(keras.ops.cast(keras.ops.cast(found, "bfloat16"), "float32")) != found).mean() > 0.9
    one_hot = np.eye(CLASSES, dtype=np.float32)[train.y[:BATCH]]
    stock = model.evaluate(train.x[:BATCH] / np.float32(255), one_hot, verbose=0, return_dict=True)
    expected = -np.log((found.astype(np.float64) * one_hot).sum(axis=-1)).mean()
    assert stock["loss"] == pytest.approx(expected, rel=1e-5)


def test_kernels_are_made_of_v_and_g_in_float32() -> None:
    """The gradient at v stands at right angles to v (paper section 2.1, eq. 3) to float32's digits.

    Were v and g rounded to bfloat16 first, it would to some 3 digits only.
    """
    layer = WeightNormalization(layers.Dense(32), data_init=False)
    model = keras.Sequential([keras.Input((64,)), layer, layers.Dense(1)])
    precision.mix(model, np.zeros((1, 64), "float32"))
    rng = np.random.default_rng(0)
    x = rng.normal(size=(16, 64)).astype("float32")
    v = layer.layer.kernel
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.cast(layer(x), tf.float32) ** 2)
    gradient = np.asarray(tape.gradient(loss, v.value), np.float64)
    direction = np.asarray(v, np.float64)
    along = (gradient * direction).sum(axis=0) / np.linalg.norm(gradient, axis=0) / np.linalg.norm(direction, axis=0)
    assert abs(along).max() < 1e-5


class Penalty(layers.Layer):
    """A layer of one's own that adds a loss, and has a matrix."""

    def build(self, shape: Any) -> None:
        """Adds the matrix."""
        self.matrix = self.add_weight(shape=(shape[-1], shape[-1]), name="matrix")

    def call(self, x: Any) -> Any:
        """The product with the matrix, whose mean square is a loss."""
        y = keras.ops.matmul(x, self.matrix)
        self.add_loss(keras.ops.mean(y**2))
        return y


def own() -> keras.Model:
    """A network of one's own with a preprocessing layer, a submodel, a frozen layer and one that adds a loss."""
    source = keras.Input((8, 8, 3))
    x = layers.Rescaling(2.0, offset=-1.0, name="to_signs")(source)
    inner = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(4, 3, name="conv"), layers.Flatten()], name="inner")
    x = layers.Dense(6, trainable=False, name="frozen")(inner(x))
    x = layers.Dense(6, activity_regularizer="l2", name="regularized")(Penalty(name="penalty")(x))
    x = layers.Dense(4, name="logits")(layers.Dropout(0.1)(x))
    return keras.Model(source, layers.Activation("softmax", name="classes")(x), name="own")


def widened(model: keras.Model) -> keras.Model:
    """A variant of one's own, with a layer more that is made without a word about precision."""
    x = layers.Dense(5, name="more")(model.get_layer("regularized").output)
    logits = layers.Activation("softmax", name="classes")(layers.Dense(4, name="logits")(x))
    return keras.Model(model.input, logits, name="widened")


def test_networks_and_variants_of_one_s_own_compute_mixed() -> None:
    """Submodels, layers and variants of one's own are as Keras's; what adds a loss or prepares inputs is float32."""
    precise = {"to_signs", "penalty", "logits", "classes"}
    assert in_float32(arm(own)) == precise
    varied = arm(own, vary=widened)
    assert in_float32(varied) == precise
    assert policies(varied)["more"] == MIXED


def test_the_policies_of_a_file_are_rewritten(tmp_path: Path) -> None:
    """A file's layers say what they compute in: all float32 or all mixed becomes the precision's."""
    expected = in_float32(arm(lambda: small_of_pictures(None)))
    file = tmp_path / "all.keras"
    small_of_pictures(MIXED).save(file)
    assert in_float32(arm(lambda: keras.models.load_model(file))) == expected == {"last"}


def small_of_pictures(policy: str | None) -> keras.Sequential:
    """A network all of whose layers have one policy."""
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(4, 3, name="conv", dtype=policy),
            layers.Flatten(dtype=policy),
            layers.Dense(4, "softmax", name="last", dtype=policy),
        ]
    )


@pytest.mark.parametrize("policy", ["mixed_float16", "float64", "bfloat16"])
def test_another_policy_is_refused(policy: str) -> None:
    """What somebody has chosen for a layer is not overruled without a word."""
    with pytest.raises(ModelError, match=f"layer conv of model .* has the dtype policy {policy}: expected float32"):
        arm(lambda: small_of_pictures(policy))


def test_a_network_of_an_output_layer_alone_is_refused() -> None:
    """It would be called mixed and compute in float32."""

    def linear() -> keras.Model:
        return keras.Sequential([keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(4, "softmax")], name="linear")

    with pytest.raises(ModelError, match=r"model linear has no weights before its output layers.*: expected float32"):
        arm(linear)


def test_a_mixed_run_goes_on_to_the_bit_and_is_exported(tmp_path: Path) -> None:
    """Killed after an epoch and taken up again it ends as the run that nothing disturbed; the export predicts as it."""
    training = {**test_training_runs.TRAINING, "epochs": 2, "precision": MIXED, "early_stopping": None}
    whole = test_training_runs.perform(tmp_path / "whole", training)
    test_training_runs.killed(tmp_path / "half", after=1, training=training)
    again = test_training_runs.perform(tmp_path / "half", training)
    assert again.record.status == whole.record.status == "finished"
    assert test_training_runs.exact(again) == test_training_runs.exact(whole)
    folder = tmp_path / "whole/batch_norm/seed-0"
    trained = keras.models.load_model(folder / "model.keras")
    export_run(folder, tmp_path / "plain.keras")
    images = np.random.default_rng(0).random((4, 16, 16, 1), np.float32)
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "plain.keras")(images), trained(images))


def test_float32_is_the_precision_of_runs_that_say_nothing() -> None:
    """Spelled out it is the same run as before it could be said; mixed it is another, and another network to try."""
    plain = identity(test_training_runs.TRAINING)
    mixed = identity({**test_training_runs.TRAINING, "precision": MIXED})
    assert identity({**test_training_runs.TRAINING, "precision": "float32"}) == plain
    assert "precision" not in plain["training"]
    assert mixed == {**plain, "training": {**plain["training"], "precision": MIXED}}
    assert program_key(mixed) != program_key(plain)


def test_precisions_can_be_the_points_of_a_grid(tmp_path: Path) -> None:
    """Each is a setting of its own, tried before it trains; at float32 it is the run without the grid."""
    settings = {**test_training_runs.SETTINGS, "training": test_training_runs.TRAINING}
    chosen = configs.from_data({**settings, "grid": {"training.precision": ["float32", MIXED]}}, "test")
    record = DatasetRecord(name="synthetic", label="synthetic", digest="0" * 64, official=None)
    plain, mixed = plan(chosen, tmp_path, record)
    assert plain.name.endswith("precision=float32/seed-0")
    assert plain.record.identity == identity(test_training_runs.TRAINING)
    assert mixed.record.identity == identity({**test_training_runs.TRAINING, "precision": MIXED})
    assert untried((plain, mixed), overwrite=False) == [plain, mixed]


@pytest.mark.parametrize("precision", ["mixed_float16", "float16", "bfloat16", 16])
def test_another_precision_is_refused_with_those_there_are(precision: object) -> None:
    """float16 would need its losses scaled, and weights in bfloat16 would lose small steps."""
    with pytest.raises(ConfigError, match=r"training\.precision: .*: expected 'float32' or 'mixed_bfloat16'"):
        identity({"precision": precision})
