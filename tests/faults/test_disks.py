"""A full disk, a limit on file size, a read-only folder, a folder that is removed under way."""

import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wncompare import records

from .support import assert_undisturbed, needs_proc, run, running, wait_for

pytestmark = [pytest.mark.slow, needs_proc]

ONE_SEED = ("--set", "seeds=[0]")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """A function that mounts a tmpfs with these options, or mounts it anew; skips where that is not allowed."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = False

    def mount(options: str) -> Path:
        nonlocal mounted
        remount = "remount," if mounted else ""
        command = ["mount", "-t", "tmpfs", "-o", remount + options, "tmpfs", str(place)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            pytest.skip("there is no mount command")
        if done.returncode and not mounted:
            pytest.skip(f"a tmpfs cannot be mounted here: {done.stderr.strip()}")
        assert done.returncode == 0, done.stderr
        mounted = True
        return place

    yield mount
    if mounted:
        subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_damages_nothing(small_disk: Callable[[str], Path], config_file: Path, reference: Path) -> None:
    """Runs fail with the remedy and nothing is half written; with room, the same command ends bit for bit alike."""
    folder = small_disk("size=48k") / "full"
    full = run(config_file, folder, *ONE_SEED)
    assert full.returncode in (1, 3)
    assert "No space left on device: free some, then run again: finished epochs are safe" in full.stderr
    assert "Traceback" not in full.stderr
    assert not list(folder.rglob(".*.tmp-*"))
    records.read(folder)  # whatever is there reads
    small_disk("size=50m")
    assert run(config_file, folder, *ONE_SEED).returncode == 0
    assert_undisturbed(folder, reference)


def test_a_limit_on_the_size_of_files_damages_nothing(config_file: Path, reference: Path, tmp_path: Path) -> None:
    """A resume point that is larger than the process may write fails its run with the file's name; then as above."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (16_000, 16_000))

    limited = run(config_file, tmp_path / "limited", *ONE_SEED, preexec_fn=limit)
    assert limited.returncode == 3
    errors = {one.record.error for one in records.read(tmp_path / "limited").runs}
    assert {error.partition(": ")[2] for error in errors if error} == {
        "File too large: raise the limit (ulimit -f), then run again: finished epochs are safe"
    }
    assert all("checkpoint.npz" in error for error in errors if error)
    assert run(config_file, tmp_path / "limited", *ONE_SEED).returncode == 0
    assert_undisturbed(tmp_path / "limited", reference)


def test_a_read_only_folder_is_named(small_disk: Callable[[str], Path], config_file: Path) -> None:
    """One line with the folder and what to do, and exit code 2."""
    place = small_disk("size=1m")
    small_disk("ro")
    refused = run(config_file, place / "results")
    assert refused.returncode == 2
    assert refused.stderr == (
        f"wncompare: error: {place}: Read-only file system: name a folder that can be written to\n"
    )


def test_a_file_in_the_folder_s_place_is_named(config_file: Path, tmp_path: Path) -> None:
    """A results folder below a file: one line, exit code 2."""
    (tmp_path / "file").write_text("mine")
    refused = run(config_file, tmp_path / "file" / "results")
    assert refused.returncode == 2
    assert "Not a directory: a file is where a folder is expected: name another folder\n" in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_that_is_removed_under_way_is_missed(config_file: Path, tmp_path: Path) -> None:
    """The command ends with exit code 2 and says what happened; no half of a run is left in the old place."""
    folder = tmp_path / "removed"
    long = (*ONE_SEED, "--set", "training.epochs=2000")
    with running(config_file, folder, *long) as process:
        wait_for(process, ": epoch 5/")
        os.rename(folder, tmp_path / "elsewhere")  # noqa: PTH104
        said = process.communicate(timeout=300)[1]
    assert process.returncode == 2
    assert f"{folder}: was removed while its runs were training: run again, from the start\n" in said
    assert "Traceback" not in said
    assert not list(folder.rglob("*.json"))
