"""One numerical environment: what a person's keras.json and shell say reaches no worker, and the record tells."""

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.test_run import histories
from tests.conftest import TINY
from wncompare import records
from wncompare.records import Experiment, numerics
from wncompare.run.engines import worker_variables
from wncompare.run.engines.ray.place import place

HOSTILE_KERAS = {"floatx": "float16", "epsilon": 0.25, "backend": "jax", "image_data_format": "channels_first"}
HOSTILE = {
    "DNNL_MAX_CPU_ISA": "SSE41",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA",
    "KERAS_BACKEND": "jax",
    "KERAS_MAX_EPOCHS": "1",
    "OMP_NUM_THREADS": "3",
    "ONEDNN_DEFAULT_FPMATH_MODE": "BF16",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "TF_DETERMINISTIC_OPS": "1",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "TF_NUM_INTRAOP_THREADS": "2",
    "TF_XLA_FLAGS": "--tf_xla_auto_jit=2",
    "XLA_FLAGS": "--xla_cpu_enable_fast_math=true",
}


def trained(folder: Path, environment: dict[str, str], *options: str) -> Experiment:
    """The tiny experiment's first seed, trained by the command line in that environment."""
    file = folder.with_suffix(".yaml")
    file.write_text(yaml.safe_dump({**TINY, "seeds": [0]}), encoding="utf-8")
    command = [sys.executable, "-m", "wncompare", "run", str(file), "--output", str(folder), "--quiet", *options]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return records.read(folder)


def weights(found: Experiment) -> dict[str, dict[str, Any]]:
    """Every array of every resume point."""
    loaded = {}
    for run in found.runs:
        with np.load(run.folder / records.CHECKPOINT_FILE) as arrays:
            loaded[run.name] = {name: (arrays[name].dtype.str, arrays[name].tobytes()) for name in arrays.files}
    return loaded


def architectures(found: Experiment) -> list[str]:
    """The config inside every saved model; the numbers of its objects are addresses in memory."""
    found_there = []
    for run in found.runs:
        with zipfile.ZipFile(run.folder / records.MODEL_FILE) as file:
            found_there.append(re.sub(r'"shared_object_id": \d+', "", file.read("config.json").decode()))
    return found_there


@pytest.mark.slow
def test_a_hostile_environment_changes_no_bit(tmp_path: Path) -> None:
    """Seed 0 under a keras.json of float16, channels first and a dozen variables equals seed 0 under none."""
    clean = numerics.without(os.environ)
    hostile_home, clean_home = tmp_path / "hostile home", tmp_path / "clean home"
    for home in (hostile_home, clean_home):
        home.mkdir()
    (hostile_home / "keras.json").write_text(json.dumps(HOSTILE_KERAS))
    expected = trained(tmp_path / "clean", {**clean, "KERAS_HOME": str(clean_home)})
    found = trained(tmp_path / "hostile", {**os.environ, **HOSTILE, "KERAS_HOME": str(hostile_home)})
    assert histories(found) == histories(expected)
    assert weights(found) == weights(expected)
    assert architectures(found) == architectures(expected)
    assert "float16" not in "".join(architectures(found))
    recorded = [run.record.environment["numerics"] for run in [*found.runs, *expected.runs]]
    assert recorded == [
        {
            "backend": "tensorflow",
            "floatx": "float32",
            "epsilon": 1e-7,
            "image_data_format": "channels_last",
            "OMP_NUM_THREADS": "1",
            "TF_NUM_INTEROP_THREADS": "1",
            "TF_NUM_INTRAOP_THREADS": "1",
        }
    ] * len(recorded)


PREFIXES = st.sampled_from(["TF_", "ONEDNN_", "DNNL_", "XLA_", "KERAS_", "MKL_", "OMP_", "OPENBLAS_", "CUDNN_"])


@given(PREFIXES, st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ_", min_size=1), st.text())
def test_no_variable_of_the_libraries_passes(prefix: str, rest: str, value: str) -> None:
    """Whole prefixes are put aside, also names that no version has yet; what is harmless or foreign passes."""
    harmless = {"KERAS_HOME": "/home/me/.keras", "PATH": "/bin", "CUDA_VISIBLE_DEVICES": "1", "WNCOMPARE_DATA_DIR": "/"}
    left = numerics.without({prefix + rest: value, **harmless})
    assert left.items() - {(prefix + rest, value)} == harmless.items() - {(prefix + rest, value)}
    assert prefix + rest not in left or (prefix + rest).startswith(("KERAS_HOME", "TF_CPP_", "TF_FORCE", "TF_GPU_A"))


def test_ray_forwards_nothing_that_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A node gets wncompare's own variables and the fixed ones, whatever the driver's shell has."""
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("WNCOMPARE_KEEP_PROGRAMS", "0")
    variables = worker_variables(1, "cpu")
    with place(tmp_path, variables) as here:
        assert here.environment["WNCOMPARE_KEEP_PROGRAMS"] == "0"
        assert {name: here.environment[name] for name in variables} == variables
        assert not HOSTILE.keys() & here.environment.keys() - variables.keys()
