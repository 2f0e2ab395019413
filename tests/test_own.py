"""The programs of docs/own.md, run as they stand."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from wncompare import records

TEXT = Path(__file__).parents[1].joinpath("docs/own.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"### (.*?)\n.*?```python\n(.*?)```", TEXT, re.DOTALL)


def test_there_are_three_of_about_ten_lines() -> None:
    """Numbers as targets, a sequence, a change of one's own; imports and empty lines are not counted."""
    assert [title for title, _ in PROGRAMS] == ["Numbers as targets", "A sequence", "A change of your own"]
    for _, program in PROGRAMS:
        lines = [line for line in program.splitlines() if line and not line.startswith(("import", "from"))]
        assert len(lines) <= 11


@pytest.mark.slow
@pytest.mark.parametrize(("title", "program"), PROGRAMS, ids=[title for title, _ in PROGRAMS])
def test_it_runs_and_ends_with_a_verdict(title: str, program: str, tmp_path: Path) -> None:
    """Every run finishes, and what is printed is the verdict of all pairs."""
    (tmp_path / "program.py").write_text(program, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "program.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"6 pairs", done.stdout)
    (folder,) = records.find(tmp_path / "results")
    assert {run.record.status for run in records.read(folder).runs} == {"finished"}
    assert "validation loss" in done.stdout if title == "Numbers as targets" else "validation accuracy" in done.stdout
