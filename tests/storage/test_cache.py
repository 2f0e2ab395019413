"""A user's cache, and users without a home directory."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from wncompare.config import Config
from wncompare.run.engines import worker_variables
from wncompare.storage import cache
from wncompare.storage.cache import homeless_environment, user_cache

HOMELESS = """
import pwd, sys
def without_entry(uid):
    raise KeyError(uid)
pwd.getpwuid = without_entry
from wncompare.cli import main
main()
"""


@pytest.mark.usefixtures("homeless")
def test_without_a_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no cache, unless one is named; HOME without a leading slash is no home."""
    assert user_cache() is None
    monkeypatch.setenv("HOME", "nowhere")
    assert user_cache() is None
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert user_cache() == tmp_path / "wncompare"


def test_with_an_older_platformdirs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The path below the working folder that it gives where there is no home is not taken."""
    monkeypatch.setattr(cache, "user_cache_path", lambda name: Path("~/.cache", name))
    assert user_cache() is None


def test_with_a_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache is below it, whether that can be written or not; TensorFlow may use it."""
    (tmp_path / "file").touch()
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    for home in (tmp_path, tmp_path / "file", tmp_path / "absent"):
        monkeypatch.setenv("HOME", str(home))
        found = user_cache()
        assert found is not None
        assert found.is_relative_to(home)
        assert homeless_environment() == {}
    assert "KERAS_HOME" not in worker_variables(1, "cpu")


@pytest.mark.usefixtures("homeless")
def test_keras_keeps_nothing_without_a_home() -> None:
    """Workers are told so, by a place for its settings where none can be."""
    assert worker_variables(1, "cpu")["KERAS_HOME"] == os.devnull


@pytest.mark.parametrize(
    "command", [pytest.param("check", marks=pytest.mark.slow), "data list", "plot", "report", "status"]
)
def test_commands_without_a_home(
    command: str, tmp_path: Path, tiny: Config, tiny_file: Path, write_records: Callable[..., Path]
) -> None:
    """They do their work, say nothing of it, and leave nothing in the working folder."""
    folder = write_records(tiny, lambda variant, seed, epoch: 0.5 + epoch / 100)
    arguments = {"check": [str(tiny_file)], "data list": []}.get(command, [str(folder)])
    here = tmp_path / "here"
    here.mkdir()
    kept = {name: value for name, value in os.environ.items() if name not in ("HOME", "XDG_CACHE_HOME", "MPLCONFIGDIR")}
    done = subprocess.run(
        [sys.executable, "-c", HOMELESS, *command.split(), *arguments],
        env={**kept, "PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=here,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert list(here.iterdir()) == []
