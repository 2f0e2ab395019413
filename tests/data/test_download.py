"""Downloads against a server on loopback: resumed, verified, guarded."""

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from wncompare import data
from wncompare.data.files import published
from wncompare.data.files.download import UnreachableError, download
from wncompare.data.files.published import File, Layout, Published
from wncompare.errors import DatasetError

CONTENT = np.random.default_rng(0).bytes(1_000_000)


@dataclass
class Server:
    """What the server serves and how; `asked` are the Range headers it got."""

    content: bytes = CONTENT
    ranges: bool = True
    break_off: int | None = None  # bytes after which each answer ends
    announce: bool = True  # Content-Length
    status: int = 200
    asked: list[str | None] = field(default_factory=list)
    url: str = ""


class Handler(BaseHTTPRequestHandler):
    """Answers as its server says."""

    def do_GET(self) -> None:
        """Sends the content, or what is asked of it."""
        served: Server = self.server.served  # type: ignore[attr-defined]
        asked = self.headers["Range"]
        served.asked.append(asked)
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and served.ranges else 0
        if start >= len(served.content):
            self.send_error(416)
            return
        body = served.content[start:]
        self.send_response(206 if start else served.status)
        self.send_header(
            "Content-Encoding", "x-gzip"
        )  # as some servers say of a .tar.gz; the bytes are wanted as they are
        if served.announce:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: served.break_off])

    def log_message(self, *_: object) -> None:
        """Keeps quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    """A running server; what it does can be changed."""
    served = Server()
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.served = served  # type: ignore[attr-defined]
        served.url = f"http://127.0.0.1:{running.server_port}"
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield served
        running.shutdown()
        thread.join()


@pytest.fixture
def file(server: Server) -> File:
    """The file that it publishes."""
    return File("sub/file.bin", f"{server.url}/file.bin", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


def left(folder: Path) -> list[str]:
    """What is in the folder, lock files apart."""
    return sorted(path.name for path in (folder / "sub").iterdir() if path.suffix != ".lock")


def test_download(file: File, server: Server, tmp_path: Path) -> None:
    """The bytes arrive as they are, progress ends at the size, and a second call asks nothing."""
    seen: list[tuple[str, int, int]] = []
    path = download(file, tmp_path, progress=lambda *step: seen.append(step))
    assert path.read_bytes() == CONTENT
    assert seen[-1] == ("sub/file.bin", len(CONTENT), len(CONTENT))
    assert download(file, tmp_path) == path
    assert server.asked == [None]
    assert left(tmp_path) == ["file.bin"]


def test_resume(file: File, server: Server, tmp_path: Path) -> None:
    """What a killed download left is gone on with, not fetched again."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "file.bin.part").write_bytes(CONTENT[:400_000])
    assert download(file, tmp_path).read_bytes() == CONTENT
    assert server.asked == ["bytes=400000-"]


def test_no_ranges(file: File, server: Server, tmp_path: Path) -> None:
    """A server that ignores ranges sends all again, and all replaces what was there."""
    server.ranges = False
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "file.bin.part").write_bytes(b"x" * 400_000)
    assert download(file, tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("announce", [True, False])
def test_broken_off(file: File, server: Server, tmp_path: Path, announce: bool) -> None:
    """A transfer that breaks off, announced length or not, is gone on with while bytes still arrive."""
    server.break_off, server.announce = 300_000, announce
    assert download(file, tmp_path).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=300000-", "bytes=600000-", "bytes=900000-"]


def test_broken_off_for_good(file: File, server: Server, tmp_path: Path) -> None:
    """Without ranges a transfer that always breaks off ends in an error, its bytes kept as .part, not as the file."""
    server.ranges, server.break_off = False, 300_000
    with pytest.raises(UnreachableError, match="the transfer broke off"):
        download(file, tmp_path)
    assert left(tmp_path) == ["file.bin.part"]


def test_wrong_bytes(file: File, server: Server, tmp_path: Path) -> None:
    """Bytes with another checksum are deleted and the error gives both checksums; so are more bytes than published."""
    for content in (CONTENT[::-1], CONTENT + b"more", CONTENT * 3):
        server.content = content
        with pytest.raises(DatasetError, match=f"gave SHA-256 [0-9a-f]{{64}}, not {file.sha256}: deleted"):
            download(file, tmp_path)
        assert left(tmp_path) == []


def test_foreign_part(file: File, server: Server, tmp_path: Path) -> None:
    """A leftover that the server cannot go on with is deleted, so that the next call starts over."""
    server.content = CONTENT[:1000]
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "file.bin.part").write_bytes(b"x" * 2000)
    with pytest.raises(UnreachableError, match="HTTP status 416"):
        download(file, tmp_path)
    server.content = CONTENT
    assert download(file, tmp_path).read_bytes() == CONTENT


def test_status(file: File, server: Server, tmp_path: Path) -> None:
    """An error page is not taken for the file."""
    server.status = 404
    with pytest.raises(UnreachableError, match="HTTP status 404"):
        download(file, tmp_path)
    assert left(tmp_path) == []


def test_no_connection(file: File, tmp_path: Path) -> None:
    """Where nothing listens the reason is two words."""
    with pytest.raises(UnreachableError, match=r"^no connection$"):
        download(replace(file, url="http://127.0.0.1:9/file.bin"), tmp_path)


def test_concurrent(file: File, server: Server, tmp_path: Path) -> None:
    """Four that want the same file at once make one request and all get it."""
    threads = [threading.Thread(target=download, args=(file, tmp_path)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.asked == [None]
    assert (tmp_path / file.name).read_bytes() == CONTENT


def test_unwritable(file: File, tmp_path: Path) -> None:
    """A folder that cannot be made is named, with the remedy."""
    (tmp_path / "sub").write_text("in the way")
    with pytest.raises(DatasetError, match=r"file\.bin cannot be written .*--data-dir"):
        download(file, tmp_path)


def test_an_empty_file_is_no_download(file: File, tmp_path: Path) -> None:
    """A file without bytes, as a full disk leaves it, is downloaded in its place."""
    (tmp_path / "sub").mkdir()
    (tmp_path / file.name).touch()
    assert download(file, tmp_path).read_bytes() == CONTENT


def test_fetch(file: File, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`fetch` downloads to the first data folder, and then finds the file there; `listing` shows it."""
    known = Published((file,), (Layout(("",), ((file.name,),)),))
    monkeypatch.setitem(published.PUBLISHED, "cifar10", known)
    assert data.fetch("cifar10", tmp_path) == tmp_path / "sub" / "file.bin"
    assert data.fetch("cifar10", tmp_path) == tmp_path / "sub" / "file.bin"
    listed = {entry.name: entry.path for entry in data.listing(tmp_path)}
    assert listed["cifar10"] == tmp_path / "sub" / "file.bin"
    assert listed["digits"] is None


def test_fetch_into_a_folder(file: File, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that has the file's name is named, and nothing is looked for in it."""
    monkeypatch.setitem(published.PUBLISHED, "cifar10", Published((file,), (Layout(("",), ((file.name,),)),)))
    (tmp_path / file.name / "more").mkdir(parents=True)
    with pytest.raises(DatasetError, match="is no plain file"):
        data.fetch("cifar10", tmp_path)
