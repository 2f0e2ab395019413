"""What the process may use, read from a file system as the kernel shows it: both versions of control groups, nested."""

import os
from pathlib import Path
from typing import Any

import pytest

from wncompare.records.machine import available_cores, available_memory, bfloat16
from wncompare.run import engines

V2 = "29 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n"
V1 = (
    "31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
    "32 30 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "33 30 0:29 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
)
OWN_V1 = "7:memory:/box/inner\n6:cpu,cpuacct:/box/inner\n5:cpuset:/box\n1:name=systemd:/init\n"
CPU, MEMORY = "sys/fs/cgroup/cpu,cpuacct", "sys/fs/cgroup/memory"


@pytest.fixture(autouse=True)
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process may run on 64 cores."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(64)), raising=False)


def machine(root: Path, files: dict[str, str]) -> Path:
    """A file system with these files."""
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return root


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        pytest.param({}, 64, id="nothing to read"),
        pytest.param({"sys/fs/cgroup/box/inner/cpu.max": "200000 100000\n"}, 2, id="own limit"),
        pytest.param({"sys/fs/cgroup/box/cpu.max": "250000 100000\n"}, 2, id="limit of the group around it"),
        pytest.param({"sys/fs/cgroup/cpu.max": "50000 100000\n"}, 1, id="less than one, at the top"),
        pytest.param({"sys/fs/cgroup/box/cpu.max": "max 100000\n"}, 64, id="no limit"),
        pytest.param(
            {"sys/fs/cgroup/box/cpu.max": "300000 100000\n", "sys/fs/cgroup/box/inner/cpu.max": "800000 100000\n"},
            3,
            id="the least counts",
        ),
        pytest.param({"sys/fs/cgroup/box/cpuset.cpus.effective": "0-3,8,10-11\n"}, 7, id="cpuset"),
        pytest.param({"sys/fs/cgroup/box/cpu.max": "nonsense"}, 64, id="nonsense"),
    ],
)
def test_cores_of_version_2(tmp_path: Path, files: dict[str, str], cores: int) -> None:
    """A quota of the process's group or of any around it bounds the 64 cores, rounded down, one at least."""
    own = {"proc/self/mountinfo": V2, "proc/self/cgroup": "0::/box/inner\n"}
    assert available_cores(machine(tmp_path, {**own, **files})) == cores


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        pytest.param(
            {f"{CPU}/box/inner/cpu.cfs_quota_us": "200000", f"{CPU}/box/inner/cpu.cfs_period_us": "100000"},
            2,
            id="own limit",
        ),
        pytest.param({f"{CPU}/cpu.cfs_quota_us": "150000", f"{CPU}/cpu.cfs_period_us": "50000"}, 3, id="at the top"),
        pytest.param({f"{CPU}/box/cpu.cfs_quota_us": "-1", f"{CPU}/box/cpu.cfs_period_us": "1000"}, 64, id="no limit"),
        pytest.param({"sys/fs/cgroup/cpuset/box/cpuset.cpus": "4-7"}, 4, id="cpuset"),
    ],
)
def test_cores_of_version_1(tmp_path: Path, files: dict[str, str], cores: int) -> None:
    """The same where each controller has a hierarchy of its own."""
    own = {"proc/self/mountinfo": V1, "proc/self/cgroup": OWN_V1}
    assert available_cores(machine(tmp_path, {**own, **files})) == cores


@pytest.mark.parametrize("top", ["/docker/1234", "/"])
def test_a_container_sees_its_own_group_at_the_top(tmp_path: Path, top: str) -> None:
    """Where /proc speaks of a group by its place on the host, and only that group is mounted, its limits are found."""
    mounts = V1.replace("0:27 /", f"0:27 {top}")
    files = {f"{CPU}/cpu.cfs_quota_us": "200000", f"{CPU}/cpu.cfs_period_us": "100000"}
    own = {"proc/self/mountinfo": mounts, "proc/self/cgroup": "6:cpu,cpuacct:/docker/1234\n"}
    assert available_cores(machine(tmp_path, {**own, **files})) == 2


SYSTEM = "MemTotal:  9000000 kB\nMemAvailable:   5000 kB\n"


def test_memory_is_the_least_of_the_system_s_and_every_group_s(tmp_path: Path) -> None:
    """The group's limit less what it uses, the file cache not counted; without a limit it has no say."""
    box = "sys/fs/cgroup/box"
    files = {
        "proc/meminfo": SYSTEM,
        "proc/self/mountinfo": V2,
        "proc/self/cgroup": "0::/box/inner\n",
        f"{box}/memory.max": "4000000\n",
        f"{box}/memory.current": "1000000\n",
        f"{box}/memory.stat": "anon 5\ninactive_file 500000\n",
        f"{box}/inner/memory.max": "max\n",
        f"{box}/inner/memory.current": "900000\n",
    }
    assert available_memory(machine(tmp_path, files)) == 3_500_000
    assert available_memory(machine(tmp_path, {f"{box}/memory.max": "max\n"})) == 5000 * 1024
    assert available_memory(machine(tmp_path, {f"{box}/inner/memory.max": "100\n"})) == 0
    assert available_memory(tmp_path / "nothing") is None


def test_memory_of_version_1(tmp_path: Path) -> None:
    """Its limit is a huge number where there is none; the cache is that of all groups inside."""
    files = {
        "proc/meminfo": SYSTEM,
        "proc/self/mountinfo": V1,
        "proc/self/cgroup": OWN_V1,
        f"{MEMORY}/memory.limit_in_bytes": str(2**63 - 4096),
        f"{MEMORY}/memory.usage_in_bytes": "7",
        f"{MEMORY}/box/inner/memory.limit_in_bytes": "3000000",
        f"{MEMORY}/box/inner/memory.usage_in_bytes": "2500000",
        f"{MEMORY}/box/inner/memory.stat": "inactive_file 1\ntotal_inactive_file 250000\n",
    }
    assert available_memory(machine(tmp_path, files)) == 750_000


@pytest.mark.parametrize(
    ("cores", "memory", "threads", "workers"),
    [(64, 2_000_000_000, 1, 2), (2, 64_000_000_000, 1, 2), (8, None, 3, 2), (1, 1000, 1, 1), (2, None, 4, 1)],
)
def test_workers_are_as_many_as_cores_and_memory_hold(
    monkeypatch: pytest.MonkeyPatch, cores: int, memory: int | None, threads: int, workers: int
) -> None:
    """A worker takes its threads' cores and 0.7 GB; one is started in any case."""
    answers: dict[str, Any] = {"available_cores": cores, "available_memory": memory}
    for name, answer in answers.items():
        monkeypatch.setattr(engines, name, lambda answer=answer: answer)
    assert engines.default_workers(threads) == workers


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("flags\t\t: fpu avx512f avx512_bf16 avx512_fp16", "avx512_bf16"),
        ("flags\t\t: avx512_bf16 amx_bf16 amx_tile", "amx_bf16"),
        ("Features\t: fp asimd bf16 i8mm", "bf16"),
        ("flags\t\t: fpu avx2 avx512f", None),
        ("", None),
    ],
)
def test_what_multiplies_bfloat16_is_named_as_the_kernel_names_it(tmp_path: Path, line: str, found: str | None) -> None:
    """Intel's tiles, AVX-512's products, ARM's; of a processor that says nothing of the kind none is known."""
    assert bfloat16(machine(tmp_path, {"proc/cpuinfo": f"processor\t: 0\n{line}\n"})) == found
    assert bfloat16(tmp_path / "nothing") is None
