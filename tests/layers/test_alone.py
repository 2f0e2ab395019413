"""The layer needs Keras, NumPy and one backend."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .alone import ABSENT
from .support import BACKEND

BLOCKING = """
import sys
sys.modules.update(dict.fromkeys({blocked!r}))  # importing them fails
from alone import main
main()
"""


@pytest.mark.slow
def test_nothing_else_is_imported() -> None:
    """With the runner's packages and the other backends gone it wraps, initializes, trains, saves and loads."""
    others = {"tensorflow", "jax", "torch"} - {BACKEND}
    code = BLOCKING.format(blocked=sorted({*ABSENT, *others}))
    root = Path(__file__).parents[2]
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(Path(__file__).parent)])}
    run = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    assert f"the layer alone: {BACKEND}" in run.stdout
