"""The log of looks, looks.json: what the verdict said whenever a run of the experiment ended, and over which seeds.

It is written by `wncompare run` alone, which adds to it and takes nothing away.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from wncompare.records.layout import LOOKS_FILE
from wncompare.records.schema import SCHEMA_VERSION, LookRecord, Record
from wncompare.records.validated import read_validated
from wncompare.storage.files import json_text, write_json
from wncompare.storage.locks import folder_lock


class LooksRecord(Record):
    """What looks.json holds."""

    schema_version: Literal[1] = SCHEMA_VERSION
    looks: tuple[LookRecord, ...] = ()


def read_looks(folder: Path) -> tuple[LookRecord, ...]:
    """The looks that have been logged, in their order; none where there is no log, as in folders of earlier versions.

    Raises:
        RecordsError: the log is damaged.
    """
    file = folder / LOOKS_FILE
    if not file.exists():
        return ()
    return read_validated(file, LooksRecord, "put back a copy, or delete it: earlier looks are then unknown").looks


def log_looks(folder: Path, looks: Iterable[LookRecord]) -> None:
    """Add looks to the log, but for those that it has already: another command may have taken the same."""
    with folder_lock(folder):
        logged = read_looks(folder)
        known = {_content(look) for look in logged}
        new = tuple(look for look in looks if _content(look) not in known)
        if new:
            write_json(folder / LOOKS_FILE, LooksRecord(looks=logged + new).model_dump())


def _content(look: LookRecord) -> str:
    """What a look says, as text, whenever it was taken; NaN is a value like others."""
    data = json.loads(json_text(look.model_dump(exclude={"at"})))
    return json.dumps(data, sort_keys=True)
