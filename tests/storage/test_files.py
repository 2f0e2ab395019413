"""Files are whole or not there, and JSON is strict."""

import errno
import json
import math
import os
import socket
import stat
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from wncompare.storage import files


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk is full, the old content stays and no temporary file is left."""
    file = tmp_path / "run.json"
    files.write_bytes(file, b"old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        files.write_bytes(file, b"new")
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_json_is_strict(tmp_path: Path) -> None:
    """NaN and the infinities are written as text that float() reads back; the file is JSON to any reader."""
    files.write_json(tmp_path / "a.json", {"a": math.nan, "b": [math.inf, -math.inf, 1.5], "c": (1, None, "x")})

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    data = json.loads((tmp_path / "a.json").read_text(), parse_constant=refuse)
    assert data == {"a": "nan", "b": ["inf", "-inf", 1.5], "c": [1, None, "x"]}
    assert float(data["b"][1]) == -math.inf


def test_csv_keeps_every_bit_of_a_float(tmp_path: Path) -> None:
    """A float that is written and read back is the same float."""
    value = 0.1 + 0.2
    files.write_csv(tmp_path / "a.csv", ("epoch", "loss"), [{"epoch": 1, "loss": value}])
    header, row = (tmp_path / "a.csv").read_text().splitlines()
    assert header == "epoch,loss"
    assert float(row.split(",")[1]) == value


def test_a_new_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    """A written file can be read by whom the umask lets read, as one that `open` makes."""
    for mask in (0o022, 0o077, 0o002):
        before = os.umask(mask)
        try:
            files.write_bytes(tmp_path / "ours", b"")
            (tmp_path / "plain").touch()
        finally:
            os.umask(before)
        modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("ours", "plain")]
        assert modes == [0o666 & ~mask] * 2
        (tmp_path / "plain").unlink()


def test_writing_never_sets_the_umask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The umask is the whole process's: a writer that set it even for a moment would change other threads' files."""

    def refuse(mask: int) -> int:
        raise AssertionError(f"the umask was set to {mask:o}")

    monkeypatch.setattr("os.umask", refuse)
    files.write_bytes(tmp_path / "a", b"")
    files.write_json(tmp_path / "a.json", {})


def test_a_thread_that_makes_files_meanwhile_gets_its_own_permissions(tmp_path: Path) -> None:
    """While one thread writes, the files of another are never open to everybody."""
    before, modes, writing = os.umask(0o077), set(), threading.Event()

    def others() -> None:
        while not writing.is_set():
            with tempfile.TemporaryDirectory(dir=tmp_path) as folder:
                file = Path(folder) / "other"
                file.touch()
                modes.add(stat.S_IMODE(file.stat().st_mode))

    thread = threading.Thread(target=others)
    try:
        thread.start()
        for _ in range(300):
            files.write_bytes(tmp_path / "a", b"x")
    finally:
        writing.set()
        thread.join()
        os.umask(before)
    assert modes == {0o600}


def test_a_file_is_on_the_disk_before_its_name_and_the_name_before_the_return(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order that survives a power cut: sync the content, rename, sync the folder."""
    order: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def synced(handle: int) -> None:
        order.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "content")
        fsync(handle)

    def renamed(path: Path, target: Path) -> Path:
        order.append("rename")
        return replace(path, target)

    monkeypatch.setattr("os.fsync", synced)
    monkeypatch.setattr(Path, "replace", renamed)
    files.write_bytes(tmp_path / "run.json", b"{}")
    assert order == ["content", "rename", "folder"]


def test_a_folder_that_cannot_be_synced_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some network file systems answer EINVAL to the sync of a folder; the file is written all the same."""
    fsync = os.fsync

    def network(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        fsync(handle)

    monkeypatch.setattr("os.fsync", network)
    files.write_bytes(tmp_path / "a", b"x")
    assert (tmp_path / "a").read_bytes() == b"x"


def make_pipe(file: Path) -> None:
    """A pipe without a writer: whoever opens it plainly waits for ever."""
    os.mkfifo(file)


def make_link(file: Path) -> None:
    """A link to nothing."""
    file.symlink_to(file.parent / "nothing")


def make_socket(file: Path) -> None:
    """A socket that nobody listens at."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(file))  # a socket's path is short


@pytest.mark.parametrize("make", [make_pipe, make_link, make_socket])
def test_what_is_no_file_is_replaced_unopened(make: Callable[[Path], None], tmp_path: Path) -> None:
    """A pipe, a dangling link or a socket in a file's place makes no writer wait, and the file is whole afterwards."""
    file = tmp_path / "summary.json"
    make(file)
    files.write_bytes(file, b"new")
    assert file.is_file()
    assert not file.is_symlink()
    assert file.read_bytes() == b"new"
    assert not (tmp_path / "nothing").exists()


def test_a_device_or_a_folder_is_refused(tmp_path: Path) -> None:
    """`--output /dev/null` must not put a file into /dev, whoever may; a folder stays; both say what would help."""
    (tmp_path / "null").symlink_to("/dev/null")
    (tmp_path / "folder").mkdir()
    for file, words in (("null", "a device, not a plain file: name a plain file"), ("folder", "move it away")):
        with pytest.raises(OSError) as caught:  # noqa: PT011 - the words are checked below
            files.write_bytes(tmp_path / file, b"x")
        assert files.explain(caught.value).startswith(f"{tmp_path / file}: ")
        assert words in files.explain(caught.value)
    assert {file.name for file in tmp_path.iterdir()} == {"null", "folder"}


@pytest.mark.parametrize("make", [make_pipe, make_link, make_socket, Path.mkdir])
def test_reading_what_is_no_file_never_waits(make: Callable[[Path], None], tmp_path: Path) -> None:
    """`open_plain` of a pipe, a link to nothing, a socket or a folder is an error at once."""
    make(tmp_path / "it")
    with pytest.raises(OSError):  # noqa: PT011 - which one is the system's affair
        files.open_plain(tmp_path / "it").close()
