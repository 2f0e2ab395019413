"""What a run's result depends on, as plain data: its fingerprint, and how two of them differ."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from wncompare.errors import ModelError
from wncompare.storage.files import open_plain, strict

_LONGEST = 20


def fingerprint(identity: Mapping[str, Any]) -> str:
    """SHA-256 of what a run's result depends on, in hexadecimal."""
    return hashlib.sha256(json.dumps(strict(identity), sort_keys=True).encode()).hexdigest()


def model_identity(model: Mapping[str, Any]) -> dict[str, Any]:
    """What a resolved config's model is known by: one from a file by its bytes, not by its place.

    Raises:
        ModelError: the file cannot be read.
    """
    if model["name"] != "file":
        return dict(model)
    try:
        with open_plain(Path(model["file"])) as file:
            content = file.read()
    except OSError as error:
        raise ModelError(f"model {model['file']}: cannot be read ({error.strerror}): name a .keras file") from None
    return {"name": "file", "sha256": hashlib.sha256(content).hexdigest()}


def differences(found: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """How the two differ: "training.batch_size: 32 there, 64 asked for"; empty where they are equal."""
    return ", ".join(_differences(found, asked, ""))


def _differences(found: Any, asked: Any, path: str) -> Iterator[str]:
    if isinstance(found, Mapping) and isinstance(asked, Mapping):
        for key in {**found, **asked}:
            yield from _differences(found.get(key), asked.get(key), f"{path}.{key}" if path else key)
    elif found != asked:
        yield f"{path}: {_short(found)} there, {_short(asked)} asked for"


def _short(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= _LONGEST else f"{text[:12]}…"
