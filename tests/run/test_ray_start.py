"""The recipe of docs/ray.md from nothing: two machines with empty homes, a cluster with a token, the smoke run."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import pytest

from wncompare import records

pytest.importorskip("ray", reason="needs Ray: pip install ray")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
TOKEN = {"RAY_AUTH_MODE": "token"}


def free_port() -> int:
    """A port below those that Ray takes for itself."""
    for port in range(6400, 9900):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port
    raise AssertionError("no port is free")


def shell(home: Path, *command: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """What a command does on a machine with that home, and with none of this process's variables."""
    environment = {"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(home), "PYTHONPATH": str(ROOT), **variables}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=200)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path, Path]]:
    """A cluster of a head that runs nothing and a node, as the document starts them; its address and the two homes."""
    head, node = (tmp_path_factory.mktemp(name) for name in ("head", "node"))
    place, address = mkdtemp(prefix="ray-", dir="/tmp"), f"127.0.0.1:{free_port()}"
    try:
        assert shell(head, "ray", "get-auth-token", "--generate", **TOKEN).returncode == 0
        port = address.partition(":")[2]
        options = [f"--port={port}", "--num-cpus=0", "--include-dashboard=false", f"--temp-dir={place}"]
        started = shell(head, "ray", "start", "--head", *options, **TOKEN)
        assert started.returncode == 0, started.stderr
        (node / ".ray").mkdir()
        (node / ".ray/auth_token").write_bytes((head / ".ray/auth_token").read_bytes())
        joined = shell(node, "ray", "start", f"--address={address}", "--num-cpus=2", **TOKEN)
        assert joined.returncode == 0, joined.stderr
        yield address, head, node
    finally:
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if place in (process / "cmdline").read_text():
                    os.kill(int(process.name), 9)
            except (OSError, ValueError):
                continue
        rmtree(place, ignore_errors=True)


def test_the_recipe_works_from_nothing(address: tuple[str, Path, Path], tmp_path: Path) -> None:
    """With the head's token in its home, `wncompare run` trains the smoke experiment on the cluster."""
    where, _, node = address
    folder = tmp_path / "smoke"
    run = ["run", str(ROOT / "configs/smoke.yaml"), "--output", str(folder), "--engine", "ray", "--address", where]
    done = shell(node, sys.executable, "-m", "wncompare", *run, "--quiet", **TOKEN)
    assert done.returncode == 0, done.stderr
    found = records.read(folder)
    assert {run.record.status for run in found.runs} == {"finished"}
    assert len(found.runs) == len(found.config.variants) * len(found.config.seeds)


@pytest.mark.parametrize("token", [None, "0" * 64], ids=["none", "another"])
def test_a_token_that_is_missing_is_named_on_one_line(
    address: tuple[str, Path, Path], tmp_path: Path, token: str | None
) -> None:
    """Without the cluster's token the command ends with 2 and one line that says where to take it from."""
    run = ["run", str(ROOT / "configs/smoke.yaml"), "--output", str(tmp_path / "smoke"), "--engine", "ray"]
    variables = {} if token is None else {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token}
    done = shell(tmp_path, sys.executable, "-m", "wncompare", *run, "--address", address[0], "--quiet", **variables)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert re.search(r"asks for a token \(InvalidAuthToken\).*copy ~/\.ray/auth_token", done.stderr)


def test_a_cluster_of_its_own_leaves_no_token(tmp_path: Path) -> None:
    """`--engine ray` without an address turns no later cluster of this home into one that asks for a token."""
    run = ["run", str(ROOT / "configs/smoke.yaml"), "--output", str(tmp_path / "smoke"), "--engine", "ray", "--quiet"]
    done = shell(tmp_path, sys.executable, "-m", "wncompare", *run, "--set", "seeds=[0]", "--set", "training.epochs=1")
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / ".ray").exists()
