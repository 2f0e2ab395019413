"""The one numerical environment in which everything is computed, whatever a person's shell and keras.json say.

A variable of TensorFlow, Keras, XLA or of the libraries below them may change the last digits of a result, or all of
them; so whole prefixes of names are put aside, not a list that the next version outgrows.
"""

from collections.abc import Mapping
from typing import Any

KERAS: dict[str, Any] = {
    "backend": "tensorflow",
    "floatx": "float32",
    "epsilon": 1e-7,
    "image_data_format": "channels_last",
}
"""What Keras's own settings are, as in a keras.json."""

_DECIDING = (
    "ATEN_",
    "BLIS_",
    "CUBLAS_",
    "CUDNN_",
    "DNNL_",
    "EIGEN_",
    "GLIBC_",
    "GOMP_",
    "GOTO_",
    "JAX_",
    "KERAS_",
    "KMP_",
    "MKL_",
    "NPY_",
    "NUMEXPR_",
    "NVIDIA_TF32_",
    "OMP_",
    "ONEDNN_",
    "OPENBLAS_",
    "TENSORFLOW_",
    "TF2_",
    "TFRT_",
    "TF_",
    "TORCH_",
    "VECLIB_",
    "XLA_",
    "ZENDNN_",
)
_HARMLESS = ("KERAS_HOME", "TF_CPP_", "TF_FORCE_GPU_ALLOW_GROWTH", "TF_GPU_ALLOCATOR")
"""Where files lie, what is logged, how memory is taken."""
_KNOWN = ("KERAS_BACKEND", "TF_XLA_FLAGS", "TF2_BEHAVIOR")
"""What the record has already; where a worker keeps compiled programs; what TensorFlow sets as it is imported."""


def without(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables but for those that decide about numbers."""
    return {name: value for name, value in variables.items() if not name.startswith(_DECIDING) or _is_harmless(name)}


def fixed(threads: int) -> dict[str, str]:
    """What takes their place in a process of that many threads, and keeps its log quiet."""
    return {
        "KERAS_BACKEND": KERAS["backend"],
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_NUM_INTRAOP_THREADS": str(threads),
        "TF_NUM_INTEROP_THREADS": "1",
        "OMP_NUM_THREADS": str(threads),
        "XLA_FLAGS": "",
        "TF_XLA_FLAGS": "",
    }


def recorded(variables: Mapping[str, str]) -> dict[str, Any]:
    """What a record says of a process with these variables: Keras's settings, and what decides about numbers."""
    deciding = (name for name in sorted(variables) if name.startswith(_DECIDING) and not _is_harmless(name))
    return {**KERAS, **{name: variables[name] for name in deciding if variables[name] and name not in _KNOWN}}


def _is_harmless(name: str) -> bool:
    return name.startswith(_HARMLESS)
