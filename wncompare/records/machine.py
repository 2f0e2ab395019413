"""What of this machine the process may use: processors and memory, as the kernel and the control groups bound them.

And what the processors can do.

Each function takes the `root` of the file system to read /proc and /sys from. Control groups (version 1 and 2) nest: a
group is bound by its own limits and by those of all groups around it.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_ROOT = Path("/")

BFLOAT16 = ("amx_bf16", "avx512_bf16", "bf16")
"""Of Intel from 2023 on, of AMD from 2022 on, of ARM."""


def available_cores(root: Path = _ROOT) -> int:
    """How many processor cores this process may keep busy, at least one: of a quota of 2.5 two."""
    quotas = (int(quota) for quota in _quotas(root))
    return max(1, min([_affinity(), *_cpusets(root), *quotas]))


def available_memory(root: Path = _ROOT) -> int | None:
    """Bytes of main memory that this process can still take: the system's or its groups'; None where unknown.

    The file cache, which the kernel would give up, counts as available.
    """
    return min([*_system_memory(root), *_group_memory(root)], default=None)


def bfloat16(root: Path = _ROOT) -> str | None:
    """The instructions that this processor multiplies bfloat16 with, as the kernel names them; None where unknown."""
    known = set(_text(root / "proc/cpuinfo").split())
    return next((name for name in BFLOAT16 if name in known), None)


def _affinity() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _quotas(root: Path) -> Iterator[float]:
    """The processors' time that each group may take, in processors."""
    for group in _groups(root, "cpu"):
        quota, _, period = _text(group / "cpu.max").strip().partition(" ")
        if not quota:
            quota, period = (_text(group / f"cpu.cfs_{name}_us").strip() for name in ("quota", "period"))
        if quota.isdecimal() and period.isdecimal() and int(period):
            yield int(quota) / int(period)


def _cpusets(root: Path) -> Iterator[int]:
    """How many processors each group may run on."""
    for group in _groups(root, "cpuset"):
        for name in ("cpuset.cpus.effective", "cpuset.effective_cpus", "cpuset.cpus"):
            spans = re.findall(r"(\d+)(?:-(\d+))?", _text(group / name))
            if spans:
                yield sum(int(last or first) - int(first) + 1 for first, last in spans)
                break


def _system_memory(root: Path) -> Iterator[int]:
    match = re.search(r"^MemAvailable:\s+(\d+) kB", _text(root / "proc/meminfo"), re.MULTILINE)
    if match:
        yield int(match[1]) * 1024


def _group_memory(root: Path) -> Iterator[int]:
    """What each group that is limited still allows."""
    for group in _groups(root, "memory"):
        used = _number(group, "memory.current", "memory.usage_in_bytes")
        limits = (_number(group, name) for name in ("memory.max", "memory.high", "memory.limit_in_bytes"))
        statistics = _text(group / "memory.stat")
        cache = re.search(r"^total_inactive_file (\d+)$", statistics, re.MULTILINE)
        cache = cache or re.search(r"^inactive_file (\d+)$", statistics, re.MULTILINE)
        for limit in limits:
            if limit is not None and used is not None:
                yield max(0, limit - used + (int(cache[1]) if cache else 0))


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """The folders of this process's group and of all around it, in each hierarchy that may have the controller."""
    own = _own_groups(root)
    for kind, top, mount in _mounts(root):
        names = kind.split(",")
        if controller not in names and "cgroup2" not in names:
            continue
        path = own.get("" if "cgroup2" in names else controller, "/")
        inside = PurePosixPath(path).relative_to(top) if PurePosixPath(path).is_relative_to(top) else PurePosixPath()
        inside = PurePosixPath() if ".." in inside.parts else inside
        for part in (inside, *inside.parents):
            yield root / mount.lstrip("/") / part


def _own_groups(root: Path) -> dict[str, str]:
    """This process's group by controller; version 2 has one for all, here by the name ""."""
    lines = (line.split(":", 2) for line in _text(root / "proc/self/cgroup").splitlines())
    return {name: line[2] for line in lines if len(line) == 3 for name in line[1].split(",")}


def _mounts(root: Path) -> Iterator[tuple[str, str, str]]:
    """Where control groups are to be seen: "cgroup2" or the controllers, the group at the top, the folder."""
    for line in _text(root / "proc/self/mountinfo").splitlines():
        fields, _, system = (part.split() for part in line.partition(" - "))
        if len(fields) > 4 and len(system) > 2 and system[0] in ("cgroup", "cgroup2"):
            yield "cgroup2" if system[0] == "cgroup2" else system[2], fields[3], fields[4]


def _number(group: Path, *names: str) -> int | None:
    texts = (_text(group / name).strip() for name in names)
    return next((int(text) for text in texts if text.isdecimal()), None)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
