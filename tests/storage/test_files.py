"""Files are whole or not there, and JSON is strict."""

import json
import math
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
