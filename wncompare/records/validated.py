"""A JSON record read and checked."""

import json
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from wncompare.errors import RecordsError
from wncompare.records.schema import SCHEMA_VERSION, Record
from wncompare.records.tables import read_text

R = TypeVar("R", bound="Record")


def read_validated(file: Path, kind: type[R], remedy: str = "delete the run's folder and run again") -> R:
    """The record in a file.

    Raises:
        RecordsError: it is damaged, foreign or of another schema version; the message names the file and the remedy.
    """
    try:
        data = json.loads(read_text(file))
    except (ValueError, RecursionError) as error:
        raise RecordsError(f"{file}: damaged JSON ({error}): {remedy}") from None
    version = data.get("schema_version") if isinstance(data, dict) else None
    if version != SCHEMA_VERSION:
        raise RecordsError(f"{file}: schema version {version!r}: this wncompare reads version {SCHEMA_VERSION}")
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = "".join(f"{part}: " for part in first["loc"])
        raise RecordsError(f"{file}: {where}{first['msg']}: {remedy}") from None
