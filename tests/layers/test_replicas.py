"""Where several replicas train: each would start from a batch of its own, so a layer that waits for data is refused."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .support import BACKEND

START = """
import keras, numpy as np
from keras import layers
from wncompare.layers import WeightNormalization, initialize_from_data
keras.utils.set_random_seed(7)
rng = np.random.default_rng(7)
x, y = rng.normal(size=(32, 5)).astype("float32") + 1, rng.normal(size=(32, 2)).astype("float32")

def make(start=True):
    body = [layers.Dense(4, activation="tanh"), layers.Dense(2)]
    model = keras.Sequential([keras.Input((5,)), *(WeightNormalization(layer) for layer in body)])
    rng = np.random.default_rng(3)
    for variable in model.trainable_variables:
        variable.assign(rng.normal(size=variable.shape))
    if start:
        initialize_from_data(model, x)
    model.compile(keras.optimizers.SGD(0.1), "mse")
    return model

def trained(model):
    model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0)
    return [np.array(keras.ops.convert_to_numpy(v.value)) for v in model.trainable_variables]

def refuses(function, message):
    try:
        function()
    except ValueError as error:
        assert message in str(error), error
    else:
        raise AssertionError("not refused")

def agree(one, two):
    for a, b in zip(one, two, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
"""

MIRRORED = """
import tensorflow as tf
device = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(device, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
with strategy.scope():
    model, waiting = make(), make(start=False)
before = [v.numpy() for v in waiting.trainable_variables]
refuses(lambda: waiting.fit(x, y, batch_size=16, verbose=0), "initialize_from_data(model, batch)")
refuses(lambda: strategy.run(lambda: waiting(x, training=True)), "initialize_from_data(model, batch)")
agree(before, [v.numpy() for v in waiting.trainable_variables])
agree(trained(model), trained(make()))
for variable in model.trainable_variables:
    one, two = [v.numpy() for v in variable.value.values]
    np.testing.assert_array_equal(one, two)
initialize_from_data(waiting, x)
agree(trained(waiting), trained(make()))
one = tf.distribute.OneDeviceStrategy("CPU:0")
with one.scope():
    alone = make(start=False)
alone.fit(x, y, batch_size=32, epochs=1, verbose=0)
assert not alone.layers[0].waiting
with strategy.scope():
    lstm = keras.Sequential([keras.Input((3, 5)), WeightNormalization(layers.LSTM(4, dropout=0.5)), layers.Dense(2)])
    lstm.compile("sgd", "mse")
lstm.fit(np.ones((32, 3, 5)), y, batch_size=16, verbose=0)
wrapper = lstm.layers[0]
assert isinstance(wrapper.v["kernel"], keras.Variable)
for variable in lstm.trainable_variables:
    one, two = [v.numpy() for v in variable.value.values]
    np.testing.assert_array_equal(one, two)
"""

DATA_PARALLEL = """
import jax
assert len(jax.devices()) == 2
expected = trained(make())
keras.distribution.set_distribution(keras.distribution.DataParallel())
refuses(lambda: make(start=False).fit(x, y, batch_size=16, verbose=0), "initialize_from_data(model, batch)")
agree(trained(make()), expected)
"""

PROCESSES = """
import sys, torch
torch.distributed.init_process_group("gloo", init_method="file://" + sys.argv[1], rank=int(sys.argv[2]), world_size=2)
waiting = make(start=False)
refuses(lambda: waiting(x), "initialize_from_data(model, batch)")
initialize_from_data(waiting, x)
parallel = torch.nn.parallel.DistributedDataParallel(waiting)
parallel(torch.tensor(x[int(sys.argv[2])::2])).square().mean().backward()
gradients = [v.value.grad for v in waiting.trainable_variables]
for gradient in gradients:
    other = gradient.clone()
    torch.distributed.broadcast(other, 0)
    assert torch.equal(other, gradient)
torch.distributed.barrier()
torch.distributed.destroy_process_group()  # its threads would abort a process that ends before they do
"""


def started(code: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """A process of its own: logical devices are set before a backend starts."""
    command = [sys.executable, "-c", START + code, *arguments]
    variables = {**os.environ, **environment}
    return subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finished(*processes: subprocess.Popen[str]) -> None:
    """All have to succeed."""
    for process in processes:
        output, _ = process.communicate(timeout=240)
        assert process.returncode == 0, output[-3000:]


@pytest.mark.slow
@pytest.mark.skipif(BACKEND != "tensorflow", reason="TensorFlow's strategies")
def test_mirrored_strategy() -> None:
    """A waiting layer is refused and unchanged; an initialized one trains as on one device, its replicas alike."""
    finished(started(MIRRORED))


@pytest.mark.skipif(BACKEND != "jax", reason="Keras distributes on JAX")
def test_data_parallel_on_jax() -> None:
    """A waiting layer is refused; an initialized one trains on two devices as on one."""
    finished(started(DATA_PARALLEL, XLA_FLAGS="--xla_force_host_platform_device_count=2"))


@pytest.mark.skipif(BACKEND != "torch", reason="torch's process groups")
def test_distributed_data_parallel_on_torch(tmp_path: Path) -> None:
    """In a group of two processes a waiting layer is refused; an initialized one gets the same gradients in both."""
    finished(*(started(PROCESSES, str(tmp_path / "group"), rank) for rank in "01"))
