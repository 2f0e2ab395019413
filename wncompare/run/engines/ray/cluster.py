"""Ray's cluster: joined or started, and what it lacks."""

import os
import secrets
import socket
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import wncompare
from wncompare.errors import EngineError

PATIENCE_SECONDS = 10.0


def imported() -> Any:
    """Ray, imported now.

    Raises:
        EngineError: it is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_worker_niceness", "0")  # Ray's 15 would have runs starve beside whatever else goes on
    try:
        import ray
    except ImportError:
        raise EngineError("the Ray engine needs Ray, which is not installed: pip install ray") from None
    return ray


@contextmanager
def cluster(ray: Any, address: str | None, *, cpus: int) -> Iterator[None]:
    """A connection to the cluster, which ends with the block; without an address to one of that many CPUs, made for it.

    In a process that is connected already that connection is taken and left as it is.
    """
    if ray.is_initialized():
        yield
        return
    address = address or os.environ.get("RAY_ADDRESS") or "local"
    try:
        ray._private.worker._worker_logs_enabled = False  # what it says of lost nodes would be on stdout, among results
        with _token_of_its_own() if address == "local" else nullcontext():
            _connect(ray, address, cpus)
            yield
    finally:
        ray.shutdown()
        ray._private.worker._worker_logs_enabled = True


def _connect(ray: Any, address: str, cpus: int) -> None:
    if address.startswith("ray://"):
        raise EngineError(
            f"--address {address}: Ray Client streams no results: run on a node of the cluster, with --address auto"
        )
    local = {"num_cpus": cpus, "include_dashboard": False} if address == "local" else {}
    try:
        _knock(address)
        if _refuses_token(ray, address):
            raise EngineError(_TOKEN.format(address=address))
        # Ray has its workers import from the driver's working folder, where anything may lie
        with chdir("/"):
            ray.init(
                address=address,
                runtime_env={"py_modules": [str(Path(wncompare.__file__).parent)]},
                logging_level="ERROR",
                log_to_driver=False,
                **local,
            )
    except EngineError:
        raise
    except ray.exceptions.AuthenticationError:
        raise EngineError(_TOKEN.format(address=address)) from None
    except Exception as error:  # Ray raises a RuntimeError, a ConnectionError, a ValueError or an error of its own
        raise EngineError(
            f"no Ray cluster to be had at {address} ({one_line(error)}): start one with ray start --head, or join one "
            "with ray start --address=HOST:6379 on this machine, and name it: --address HOST:6379"
        ) from None


def _knock(address: str) -> None:
    """Fail at once where nothing answers; Ray takes two minutes for that."""
    host, colon, port = address.rpartition(":")
    if colon and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=PATIENCE_SECONDS).close()


_TOKEN = (
    "the Ray cluster at {address} asks for a token (InvalidAuthToken), and this machine has none or another one: copy "
    "~/.ray/auth_token from the cluster's head to this home, or set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN"
)


def _refuses_token(ray: Any, address: str) -> bool:
    """Whether the cluster's head answers, and refuses what this machine has: Ray says so twenty times, a line a second.

    A token in the home is shown only to a cluster that asks for one: a process that has shown it takes no answers from
    nodes that have none. What this asks of Ray is its own affair; a version that lacks it speaks for itself.
    """
    if address == "local":
        return False
    try:
        from ray._private.authentication.authentication_token_setup import maybe_enable_token_auth_if_token_available

        if not _is_refused(ray, address):
            return False
        maybe_enable_token_auth_if_token_available(warn_if_disabled=False)
        return _is_refused(ray, address)
    except Exception:
        return False


def _is_refused(ray: Any, address: str) -> bool:
    from ray._private.services import canonicalize_bootstrap_address

    try:
        with _silent():
            ray._raylet.GcsClient(address=canonicalize_bootstrap_address(address))
    except ray.exceptions.AuthenticationError:
        return True
    return False


@contextmanager
def _silent() -> Iterator[None]:
    """Keep what Ray's C++ has to say from standard error, for a moment."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


@contextmanager
def _token_of_its_own() -> Iterator[None]:
    """A token for the cluster that is being made, of which Ray would else leave one in the home for every later one."""
    if os.environ.keys() & {"RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"}:
        yield
        return
    os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    try:
        yield
    finally:
        del os.environ["RAY_AUTH_TOKEN"]


def shortage(ray: Any, needs: Mapping[str, float]) -> str:
    """Why nothing starts, as text: no node is large enough, or all are busy; empty where there is room."""
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    free = ray.available_resources()
    if not any(_holds(node, needs) for node in nodes):
        most = {kind: max((node.get(kind, 0) for node in nodes), default=0) for kind in needs}
        return f"no node of the Ray cluster has {_listed(needs)}, the most is {_listed(most)}: waiting for a larger one"
    if not _holds(free, needs):
        left = {kind: free.get(kind, 0) for kind in needs}
        return f"the Ray cluster is busy: waiting for {_listed(needs)}, {_listed(left)} are free"
    return ""


def _holds(resources: Mapping[str, float], needs: Mapping[str, float]) -> bool:
    return all(resources.get(kind, 0) >= amount for kind, amount in needs.items())


def _listed(resources: Mapping[str, float]) -> str:
    return ", ".join(f"{amount:g} {kind}" for kind, amount in resources.items())


def one_line(error: BaseException) -> str:
    """An error's kind and message, in one line that is not endless."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:500]
