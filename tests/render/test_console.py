"""On a terminal that wants plain text, and in a pipe, no command writes an escape sequence."""

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from wncompare.config import Config

PROGRAM = """
import sys
from pathlib import Path
from rich.text import Text
from wncompare import records
from wncompare.analysis.summary import summarize
from wncompare.cli.report import rendered
from wncompare.render import terminal
from wncompare.render.progress import progress, stderr
print(rendered(terminal.render(summarize(records.read(Path(sys.argv[1]))))))
stderr().print(Text("bold", style="bold red"))
with progress(epochs=2):
    pass
"""


def seen(folder: Path, **environment: str) -> str:
    """What a terminal gets of a report, a bold message and the progress."""
    screen, terminal = pty.openpty()
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "TERM")}
    command = [sys.executable, "-c", PROGRAM, str(folder)]
    process = subprocess.Popen(command, stdout=terminal, stderr=terminal, env=kept | environment)
    os.close(terminal)
    text = b""
    try:
        while part := os.read(screen, 4096):
            text += part
    except OSError:  # the other end is closed
        pass
    os.close(screen)
    assert process.wait() == 0, text
    return text.decode()


@pytest.mark.parametrize("plain", [{"NO_COLOR": "1"}, {"NO_COLOR": "1", "FORCE_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_escape_sequence_where_plain_text_is_wanted(
    plain: dict[str, str], write_records: Callable[..., Path], tiny: Config
) -> None:
    """With NO_COLOR or on a dumb terminal nothing is bold, coloured or moved; without, a terminal gets both."""
    folder = write_records(tiny, lambda variant, seed, epoch: 0.5 + 0.01 * epoch)
    assert "\x1b" not in seen(folder, **{"TERM": "xterm-256color"} | plain)


def test_an_ordinary_terminal_gets_bold(write_records: Callable[..., Path], tiny: Config) -> None:
    """An ordinary terminal gets escape sequences; an empty NO_COLOR is none (https://no-color.org)."""
    folder = write_records(tiny, lambda variant, seed, epoch: 0.5 + 0.01 * epoch)
    assert "\x1b[1" in seen(folder, TERM="xterm-256color", NO_COLOR="")
