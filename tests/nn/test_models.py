"""The regular models: their layers, their parameters, and a model file as untrusted input."""

import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from wncompare.catalog.models import FileOptions, MlpOptions
from wncompare.catalog.registry import Options
from wncompare.config import from_data
from wncompare.data.form import image_form
from wncompare.errors import ModelError
from wncompare.layers import WeightNormalization
from wncompare.nn import models
from wncompare.records.identity import differences, model_identity

from ..conftest import TINY


def test_lenet_is_the_tutorial_s_network() -> None:
    """The layers by kind and shape, and 62,006 parameters on CIFAR-10."""
    model = models.lenet(Options(), form=image_form((32, 32, 3), 10))
    assert isinstance(model, keras.Sequential)
    assert [(type(layer).__name__, layer.output.shape[1:]) for layer in model.layers] == [
        ("Conv2D", (28, 28, 6)),
        ("MaxPooling2D", (14, 14, 6)),
        ("Conv2D", (10, 10, 16)),
        ("MaxPooling2D", (5, 5, 16)),
        ("Flatten", (400,)),
        ("Dense", (120,)),
        ("Dense", (84,)),
        ("Dense", (10,)),
    ]
    assert model.count_params() == 62_006
    assert [layer.activation.__name__ for layer in model.layers if hasattr(layer, "activation")] == [
        *["relu"] * 4,
        "softmax",
    ]


def test_lenet_refuses_images_that_it_uses_up() -> None:
    """Below 16 × 16 nothing would be left after the second pooling."""
    assert models.lenet(Options(), form=image_form((16, 16, 1), 2)).layers[3].output.shape == (None, 1, 1, 16)
    with pytest.raises(ModelError, match="images of 15 × 40: expected at least 16 × 16; use the model mlp"):
        models.lenet(Options(), form=image_form((15, 40, 1), 2))


def test_mlp_has_the_units_asked_for() -> None:
    """Hidden layers as in the options, and a softmax over the classes."""
    model = models.mlp(MlpOptions(units=(7, 5)), form=image_form((4, 4, 2), 3))
    assert [layer.units for layer in model.layers if isinstance(layer, keras.layers.Dense)] == [7, 5, 3]
    np.testing.assert_allclose(model(np.ones((2, 4, 4, 2))).numpy().sum(axis=1), 1, rtol=1e-6)


def weights(seed: int) -> list[np.ndarray]:
    """The initial weights of the tiny config's model."""
    choice = from_data(TINY, "tiny").model
    keras.utils.set_random_seed(seed)
    return models.build(choice, form=image_form((16, 16, 1), 3)).get_weights()


def test_a_seed_decides_the_initial_weights() -> None:
    """The same seed gives the same weights, bit for bit; another seed gives others."""
    for first, second in zip(weights(1), weights(1), strict=True):
        np.testing.assert_array_equal(first, second)
    assert any((first != second).any() for first, second in zip(weights(1), weights(2), strict=True))


def save(model: keras.Model, folder: Path) -> FileOptions:
    """Options that name the model's file."""
    model.save(folder / "my.keras")
    return FileOptions(file=str(folder / "my.keras"))


def network(*layers: keras.layers.Layer) -> keras.Sequential:
    """A user's own network for 4 × 4 grey images and 3 classes."""
    return keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(), *layers, keras.layers.Dense(3)])


def test_a_model_file_gives_its_architecture_freshly_initialized(tmp_path: Path) -> None:
    """The layers are the file's, the weights are not: they come from the seed."""
    own = network(keras.layers.Dense(5, activation="tanh"))
    options = save(own, tmp_path)
    keras.utils.set_random_seed(0)
    model = models.from_file(options, form=image_form((4, 4, 1), 3))
    assert [layer.get_config() for layer in model.layers] == [layer.get_config() for layer in own.layers]
    assert (model.layers[1].kernel.numpy() != own.layers[1].kernel.numpy()).any()


def test_a_model_file_that_does_not_fit_the_data_is_refused(tmp_path: Path) -> None:
    """Shapes that differ from the dataset's are named, both of them."""
    options = save(network(), tmp_path)
    with pytest.raises(ModelError, match=r"maps \(None, 4, 4, 1\) to \(None, 3\): expected \(None, 8, 8, 1\) to"):
        models.from_file(options, form=image_form((8, 8, 1), 3))


def test_a_model_file_cannot_execute_code(tmp_path: Path) -> None:
    """A Lambda layer, which carries Python code, is refused by Keras's safe mode, and nothing of it has run."""
    marker = tmp_path / "executed"
    path = str(marker)
    options = save(network(keras.layers.Lambda(lambda x: (open(path, "w").close(), x)[1])), tmp_path)  # noqa: PTH123
    marker.unlink(missing_ok=True)
    with pytest.raises(ModelError, match=r"safe mode refuses it: it has a Lambda.* wncompare\.compare$") as caught:
        models.from_file(options, form=image_form((4, 4, 1), 3))
    assert "\n" not in str(caught.value)
    assert "safe_mode" not in str(caught.value)
    assert not marker.exists()


@pytest.mark.parametrize("content", [b"", b"not a model", b"PK\x03\x04 truncated"])
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    """Empty, foreign and truncated files get one line."""
    file = tmp_path / "my.keras"
    file.write_bytes(content)
    with pytest.raises(ModelError, match=r"not a \.keras file"):
        models.from_file(FileOptions(file=str(file)), form=image_form((4, 4, 1), 3))


def test_an_archive_that_holds_no_model_is_refused(tmp_path: Path) -> None:
    """A zip without a model in it is refused with Keras's reason on one line."""
    file = tmp_path / "my.keras"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("config.json", '{"module": "os", "class_name": "system", "config": {}}')
        archive.writestr("metadata.json", "{}")
    with pytest.raises(ModelError, match="safe mode refuses it"):
        models.from_file(FileOptions(file=str(file)), form=image_form((4, 4, 1), 3))


class Own(keras.layers.Layer):
    """A layer whose code is in no file."""

    def call(self, inputs: Any) -> Any:
        """The inputs."""
        return inputs


def test_a_file_with_a_layer_of_one_s_own_is_refused_with_the_way_that_there_is(tmp_path: Path) -> None:
    """Its code is not in the file, and the remedy is one that wncompare has."""
    options = save(network(Own()), tmp_path)
    with pytest.raises(ModelError, match=r"it has Own, whose code is not in the file.* wncompare\.compare$"):
        models.from_file(options, form=image_form((4, 4, 1), 3))


def test_a_subclassed_model_is_refused() -> None:
    """No variant can be made of a model whose structure is in its code."""

    class Subclassed(keras.Model):
        """As many write them."""

    with pytest.raises(ModelError, match="a Subclassed that does not know its inputs"):
        models.checked(Subclassed(), "build_model", form=image_form((4, 4, 1), 3))


def adapted(*more: keras.layers.Layer) -> keras.Sequential:
    """A network that begins with an adapted layer, here inside a submodel."""
    normalization = keras.layers.Normalization()
    normalization.adapt(np.random.default_rng(0).normal(0.3, 0.1, (40, 4, 4, 1)))
    first = keras.Sequential([keras.Input((4, 4, 1)), normalization])
    return keras.Sequential([keras.Input((4, 4, 1)), first, keras.layers.Flatten(), *more, keras.layers.Dense(3)])


def test_what_a_file_s_layers_have_adapted_is_kept(tmp_path: Path) -> None:
    """Weights are drawn anew, also moving averages; what was adapted to data computes as in the file."""
    own = adapted(keras.layers.BatchNormalization())
    own.layers[2].moving_mean.assign(own.layers[2].moving_mean + 5)
    images = np.random.default_rng(1).random((6, 4, 4, 1)).astype("float32")
    model = models.from_file(save(own, tmp_path), form=image_form((4, 4, 1), 3))
    np.testing.assert_allclose(model.layers[0](images).numpy(), own.layers[0](images).numpy(), rtol=1e-6)
    assert (model.layers[-1].kernel.numpy() != own.layers[-1].kernel.numpy()).any()
    np.testing.assert_array_equal(model.layers[2].moving_mean.numpy(), 0)


def test_a_file_s_frozen_weights_are_kept(tmp_path: Path) -> None:
    """A frozen layer, alone or in a frozen submodel, stays as in the file, and frozen; the others are drawn anew."""
    base = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Conv2D(2, 3), keras.layers.BatchNormalization()])
    base.layers[1].moving_mean.assign(base.layers[1].moving_mean + 5)
    base.trainable = False
    frozen = keras.layers.Dense(5, trainable=False)
    own = keras.Sequential([keras.Input((4, 4, 1)), base, keras.layers.Flatten(), frozen, keras.layers.Dense(3)])
    choice = save(own, tmp_path)
    model = models.from_file(choice, form=image_form((4, 4, 1), 3))
    images = np.random.default_rng(1).random((6, 4, 4, 1)).astype("float32")
    np.testing.assert_array_equal(model.layers[0](images).numpy(), base(images).numpy())
    np.testing.assert_array_equal(model.layers[2].kernel.numpy(), frozen.kernel.numpy())
    assert [variable.shape for variable in model.trainable_variables] == [(5, 3), (3,)]
    assert (model.layers[-1].kernel.numpy() != own.layers[-1].kernel.numpy()).any()
    identity = model_identity({"name": "file", **choice.model_dump()})
    assert identity["frozen"] == "kept"
    before = {"model": {key: value for key, value in identity.items() if key != "frozen"}}
    assert "drew the weights of the file's frozen layers anew" in differences(before, {"model": identity})


def test_a_wrapped_layer_that_is_frozen_keeps_its_gains(tmp_path: Path) -> None:
    """Where only the layer inside is frozen, v and g are both the file's: what it computes stays."""
    frozen = WeightNormalization(keras.layers.Conv2D(2, 2), data_init=False)
    own = keras.Sequential([keras.Input((4, 4, 1)), frozen, keras.layers.Flatten(), keras.layers.Dense(3)])
    frozen.layer.trainable = False
    model = models.from_file(save(own, tmp_path), form=image_form((4, 4, 1), 3))
    images = np.random.default_rng(1).random((6, 4, 4, 1)).astype("float32")
    np.testing.assert_array_equal(model.layers[0](images).numpy(), frozen(images).numpy())


def test_a_run_that_lost_what_was_adapted_differs_and_the_reason_is_said(tmp_path: Path) -> None:
    """Only files with adapted layers have the key, so that all other runs of files go on as they were."""
    plain = {"name": "file", **save(network(), tmp_path).model_dump()}
    assert set(model_identity(plain)) == {"name", "sha256"}
    own = {"name": "file", **save(adapted(), tmp_path).model_dump()}
    identity = model_identity(own)
    assert identity["adapted"] == "kept"
    before = {"model": {key: value for key, value in identity.items() if key != "adapted"}}
    assert "without what the file's layers have adapted to data" in differences(before, {"model": identity})
    constants = keras.layers.Normalization(mean=0.3, variance=0.1)
    given = keras.Sequential([keras.Input((4, 4, 1)), constants, keras.layers.Flatten(), keras.layers.Dense(3)])
    assert "adapted" not in model_identity({"name": "file", **save(given, tmp_path).model_dump()})
    (tmp_path / "none.keras").write_bytes(b"PK no archive")
    assert "adapted" not in model_identity({"name": "file", "file": str(tmp_path / "none.keras")})


@pytest.mark.parametrize("dtype", ["uint8", "int32", "bool"])
def test_a_model_of_whole_numbers_is_refused(dtype: str) -> None:
    """Keras would cast images in [0, 1] to 0 or 1."""
    inputs = keras.Input((4, 4, 1), dtype=dtype)
    outputs = keras.layers.Dense(3)(keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(inputs)))
    with pytest.raises(ModelError, match=f"takes {dtype}, to which images scaled .*remove what scales them"):
        models.checked(keras.Model(inputs, outputs), "build_model", form=image_form((4, 4, 1), 3))


def test_a_model_with_named_outputs_is_refused() -> None:
    """There is one loss, of one tensor."""
    inputs = keras.Input((4, 4, 1))
    outputs = {"y": keras.layers.Dense(3)(keras.layers.Flatten()(inputs))}
    with pytest.raises(ModelError, match="gives a dictionary of outputs: end it with the one tensor"):
        models.checked(keras.Model(inputs, outputs), "build_model", form=image_form((4, 4, 1), 3))
