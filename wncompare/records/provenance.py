"""Where a result comes from: versions, machine and git state, as plain data for the records."""

import os
import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from wncompare import __version__
from wncompare.records import numerics
from wncompare.records.machine import available_cores

_PACKAGES = ("tensorflow", "tensorflow-cpu", "keras", "numpy", "scipy", "matplotlib", "h5py")


def environment(variables: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Versions, machine, git state and numerical environment of a process with these variables (default: this one)."""
    versioned = {"wncompare": __version__, "python": platform.python_version(), **versions()}
    numerical = numerics.recorded(os.environ if variables is None else variables)
    return {**versioned, **machine(), "numerics": numerical, "git": git()}


def joined(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """The environment of a run that went on in another one: where the two differ, the list of the values there were."""
    both = {**before, **now}
    for key in before.keys() & now.keys():
        values = before[key] if isinstance(before[key], list) else [before[key]]
        values = values if now[key] in values else [*values, now[key]]
        both[key] = values if len(values) > 1 else values[0]
    return both


def versions() -> dict[str, str]:
    """The version of each installed package that results depend on."""
    found = {package: _version(package) for package in _PACKAGES}
    return {package: installed for package, installed in found.items() if installed}


def machine() -> dict[str, Any]:
    """The operating system and the processor, and how many cores this process may use."""
    return {"platform": platform.platform(), "processor": _processor(), "cores": available_cores()}


def git(folder: Path = Path(__file__).parent) -> dict[str, Any] | None:
    """The commit of the checkout that has the files of `folder` (default: wncompare's own), None where none has."""
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None or not _git(folder, "ls-files", "."):
        return None
    return {"commit": commit, "dirty": bool(_git(folder, "status", "--porcelain", "--untracked-files=no"))}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
