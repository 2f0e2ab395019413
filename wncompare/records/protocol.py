"""What is decided before the first run where seeds are trained until all is settled."""

from typing import Any

from wncompare.config import Config
from wncompare.records.identity import fingerprint

_DECIDING = ("seeds", "smallest_difference", "headline", "validation")


def protocol_of(config: Config) -> dict[str, Any] | None:
    """What a verdict with `until` rests on beside the runs, as plain data; None with a list of seeds.

    The seeds, each contrast's weights by variant, the difference that matters, the headline and where it is taken.
    """
    if config.until is None:
        return None
    resolved = config.dump()
    return {
        **{key: resolved[key] for key in _DECIDING if key in resolved},
        "contrasts": {contrast.name: contrast.weighted() for contrast in config.compared()},
        "epochs": config.training.epochs,
    }


def protocol_fingerprint(config: Config) -> str | None:
    """Its SHA-256 in hexadecimal; None with a list of seeds."""
    protocol = protocol_of(config)
    return None if protocol is None else fingerprint(protocol)
