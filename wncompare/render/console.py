"""Consoles that keep to what a person or a pipe asks for."""

import os
from typing import Any

from rich.console import Console

_PLAIN_TERMINALS = ("dumb", "unknown")


def console(**options: Any) -> Console:
    """A rich console that writes no escape sequence at all, bold and cursor movements included, where none is wanted.

    None is wanted with NO_COLOR (https://no-color.org), on a terminal without them (TERM=dumb) and in a pipe or file.
    """
    if is_plain():
        options |= {"force_terminal": False, "color_system": None}
    return Console(**options)


def is_plain() -> bool:
    """Whether the environment asks for plain text."""
    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM", "").lower() in _PLAIN_TERMINALS
