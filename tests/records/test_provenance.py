"""Where a run comes from: the commit of wncompare's own code, whatever folder it runs in."""

import subprocess
from pathlib import Path

import pytest

from wncompare.records import provenance


def repository(folder: Path) -> str:
    """A git repository with one committed file; its commit."""
    (folder / "tracked").mkdir(parents=True)
    (folder / "tracked/file.py").write_text("")
    for arguments in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "a"],
    ):
        subprocess.run(["git", *arguments], cwd=folder, check=True)
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_the_commit_is_that_of_the_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder whose files a checkout has gives that commit; one that merely lies in a checkout, as an environment with
    an installed wncompare may, gives none, and so does the working folder."""
    commit = repository(tmp_path)
    (tmp_path / "untracked").mkdir()
    monkeypatch.chdir(tmp_path)
    assert provenance.git(tmp_path / "tracked") == {"commit": commit, "dirty": False}
    (tmp_path / "tracked/file.py").write_text("changed")
    assert provenance.git(tmp_path / "tracked") == {"commit": commit, "dirty": True}
    assert provenance.git(tmp_path / "untracked") is None
    assert provenance.environment()["git"] != provenance.git(tmp_path / "tracked")
