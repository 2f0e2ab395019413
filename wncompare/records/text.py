"""A record's text."""

from pathlib import Path

from wncompare.errors import RecordsError, UnreadableError
from wncompare.files import open_plain

MAX_RECORD_BYTES = 64 << 20


def read_text(file: Path) -> str:
    """The text of a file that may be anyone's.

    Raises:
        UnreadableError: it is not a plain file, or the disk or its permissions do not give it.
        RecordsError: it is too large, or not text.
    """
    try:
        with open_plain(file) as handle:
            content = handle.read(MAX_RECORD_BYTES + 1)
        if len(content) > MAX_RECORD_BYTES:
            raise RecordsError(f"{file}: larger than {MAX_RECORD_BYTES:,} bytes: not a record of wncompare's")
        return content.decode("utf-8")
    except OSError as error:
        raise UnreadableError(f"{file}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise RecordsError(f"{file}: not UTF-8: delete the run's folder and run again") from None
