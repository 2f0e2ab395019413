"""Downloads that resume: to a temporary file, checksum verified, then renamed."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from wncompare.data.files.published import File
from wncompare.data.source import Progress
from wncompare.errors import Argument, DatasetError

if TYPE_CHECKING:
    import requests

TIMEOUT = (10, 60)  # seconds to connect, and without a byte
PIECE = 2**18
PARTIAL_CONTENT = 206
RANGE_NOT_SATISFIABLE = 416


class UnreachableError(DatasetError):
    """A server that cannot be reached, or that stops before the end; the message is the short reason."""


def download(file: File, folder: Path, *, progress: Progress | None = None) -> Path:
    """`file` in `folder`, downloaded unless it is there; returns its path.

    The bytes go to `<name>.part`, which a later call goes on with (HTTP Range), and get their name once their SHA-256
    is the published one; wrong bytes are deleted. Processes that want the same file wait for the first. Raises
    UnreachableError without a connection, DatasetError for wrong bytes or a folder that cannot be written.
    """
    target = folder / file.name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{target}.lock"):
            if not _size(target):
                _fetch(file, target, progress or _silent)
    except OSError as error:
        problem = f"{target} cannot be written ({error.strerror}): choose a folder with "
        raise DatasetError(problem, Argument("data_dir")) from error
    return target


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _fetch(file: File, target: Path, progress: Progress) -> None:
    """Asks for what is missing as long as bytes arrive, then checks them."""
    part = target.with_name(f"{target.name}.part")
    while (have := _size(part)) < file.size:
        reason = _transfer(file, part, have, progress)
        if _size(part) <= have:
            raise UnreachableError(reason)
    found = sha256(part)
    if found != file.sha256:
        part.unlink()
        raise DatasetError(f"{file.url} gave SHA-256 {found}, not {file.sha256}: deleted, fetch it again")
    part.replace(target)


def _transfer(file: File, part: Path, have: int, progress: Progress) -> str:
    """Asks once for the bytes after the first `have`; returns why no more came."""
    import requests  # which takes its time: most that import this file download nothing
    from urllib3.exceptions import HTTPError

    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        with requests.get(file.url, headers=headers, stream=True, timeout=TIMEOUT) as response:
            if response.status_code == RANGE_NOT_SATISFIABLE:
                part.unlink()  # not a part of what the server has: start over next time
            response.raise_for_status()
            _write(response, file, part, progress)
    except requests.RequestException as error:
        return _reason(error)
    except HTTPError:
        pass
    return "the transfer broke off"


def _write(response: "requests.Response", file: File, part: Path, progress: Progress) -> None:
    """Adds the answer to `part`, from the start where the server ignores ranges, to no more than a byte too many."""
    with part.open("ab" if response.status_code == PARTIAL_CONTENT else "wb") as out:
        for piece in response.raw.stream(PIECE, decode_content=False):
            out.write(piece[: file.size + 1 - out.tell()])
            progress(file.name, out.tell(), file.size)
            if out.tell() > file.size:
                return


def _reason(error: "requests.RequestException") -> str:
    import requests

    if error.response is not None:
        return f"HTTP status {error.response.status_code}"
    return "timed out" if isinstance(error, requests.Timeout) else "no connection"


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _silent(name: str, done: int, total: int) -> None:
    pass
