"""What a run's result depends on, as plain data: its fingerprint, and how two of them differ."""

import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from itertools import zip_longest
from math import inf
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from wncompare.errors import ModelError
from wncompare.storage.files import open_plain, strict

_LONGEST = 20
_MAX_CONFIG_BYTES = 1 << 26
_ROUNDING, _ZERO = 1e-3, 1e-5

UNIDENTIFYING = frozenset({"probe", "pools", "recurrent"})
"""Options that say of a function what its architecture says too, or numbers that a processor rounds."""

_REASONS = {
    "model.adapted": "that run trained without what the file's layers have adapted to data: its results are wrong",
    "model.frozen": "that run drew the weights of the file's frozen layers anew: its results are wrong",
    "variant.recurrences": "that run left its recurrent layers as they are",
    "variant.path": "that run left its convolutions to TensorFlow's own kernels, which round otherwise",
}
"""Why a run is refused that has no such key: what it then was is not what is asked for."""


def fingerprint(identity: Mapping[str, Any]) -> str:
    """SHA-256 of what a run's result depends on, in hexadecimal."""
    return hashlib.sha256(json.dumps(strict(identity), sort_keys=True).encode()).hexdigest()


def model_identity(model: Mapping[str, Any]) -> dict[str, Any]:
    """What a resolved config's model is known by: one from a file by its bytes, not by its place.

    `adapted` says that what the file's layers have adapted to data is kept, `frozen` that the weights of its frozen
    layers are. Runs without that key lost it.

    Raises:
        ModelError: the file cannot be read.
    """
    if model["name"] != "file":
        return {key: value for key, value in model.items() if key not in UNIDENTIFYING}
    try:
        with open_plain(Path(model["file"])) as file:
            content = file.read()
    except OSError as error:
        raise ModelError(f"model {model['file']}: cannot be read ({error.strerror}): name a .keras file") from None
    return {"name": "file", "sha256": hashlib.sha256(content).hexdigest(), **_kept(content)}


def _kept(content: bytes) -> dict[str, str]:
    """What of a .keras file is kept where its weights are drawn anew: what was adapted, and what is frozen."""
    try:
        with ZipFile(BytesIO(content)) as archive:
            assets = any(name.startswith("assets/") and not name.endswith("/") for name in archive.namelist())
    except BadZipFile:
        return {}  # no model: what loads it will say so
    layers = list(configurations(keras_config(BytesIO(content))))
    adapted = assets or any(name == "Normalization" and layer.get("mean") is None for name, layer in layers)
    frozen = any(layer.get("trainable") is False for _, layer in layers)
    return {key: "kept" for key, holds in (("adapted", adapted), ("frozen", frozen)) if holds}


def keras_config(file: Path | BytesIO) -> Any:
    """The configuration in a .keras file, None where there is none: anyone may have written it."""
    try:
        with ZipFile(file) as archive:
            if archive.getinfo("config.json").file_size > _MAX_CONFIG_BYTES:
                return None
            return json.loads(archive.read("config.json"))
    except (BadZipFile, zlib.error, KeyError, ValueError, OSError, RuntimeError):
        return None


def configurations(value: Any) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    """The class's name and the configuration of everything in a Keras config."""
    if isinstance(value, dict):
        if isinstance(value.get("config"), dict):
            yield value.get("class_name"), value["config"]
        value = list(value.values())
    for item in value if isinstance(value, list) else ():
        yield from configurations(item)


def differences(recorded: Mapping[str, Any], planned: Mapping[str, Any]) -> str:
    """How the two differ: "training.batch_size: 32 there, 64 asked for"; empty where they are equal."""
    return ", ".join(_differences(recorded, planned, ""))


def _differences(recorded: Any, planned: Any, path: str) -> Iterator[str]:
    if isinstance(recorded, Mapping) and isinstance(planned, Mapping):
        for key in {**recorded, **planned}:
            yield from _differences(recorded.get(key), planned.get(key), f"{path}.{key}" if path else key)
    elif recorded != planned:
        why = f" ({_REASONS[path]})" if path in _REASONS and recorded is None else ""
        yield f"{path}: {_short(recorded)} there, {_short(planned)} asked for{why}"


Probe = Mapping[str, Sequence[float]]
"""What a network computes on fixed inputs, by the Keras backend that computed it."""


def farthest(one: Probe | None, other: Probe | None) -> float:
    """How far two probes are apart where they differ by more than rounding does on another processor; else 0.

    Probes of different backends, which draw other initial weights, say nothing about each other.
    """
    one, other = one or {}, other or {}
    both = one.keys() & other.keys()
    pairs = [pair for backend in both for pair in zip_longest(one[backend], other[backend], fillvalue=inf)]
    return max((abs(a - b) for a, b in pairs if abs(a - b) > _ROUNDING * max(abs(a), abs(b)) + _ZERO), default=0.0)


def _short(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= _LONGEST else f"{text[:12]}…"
