"""The layer needs Keras, NumPy and one backend."""

import os
import subprocess
import sys
from pathlib import Path

from .alone import ABSENT
from .support import BACKEND

BLOCKING = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
from alone import main
main()
"""


def test_nothing_else_is_imported() -> None:
    """With the runner's packages and the other backends gone it wraps, initializes, trains, saves and loads."""
    others = {"tensorflow", "jax", "torch"} - {BACKEND}
    code = BLOCKING.format(blocked=sorted({*ABSENT, *others}))
    root = Path(__file__).parents[2]
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(Path(__file__).parent)])}
    run = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    assert f"the layer alone: {BACKEND}" in run.stdout
