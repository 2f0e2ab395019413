"""Figures drawn by several processes: the same files, whoever draws them and whatever becomes of a helper."""

import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from wncompare.errors import RecordsError
from wncompare.records import Experiment
from wncompare.render.drawing import Drawing
from wncompare.render.figures import files


def contents(written: list[Path]) -> dict[str, bytes]:
    """What is in each file."""
    return {file.name: file.read_bytes() for file in written}


def test_a_helper_draws_the_same(experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A helper draws all figures but the one that this process is at, and each file is what this process would draw."""
    with Drawing(helpers=0) as alone:
        expected = contents(alone.draw(experiment, "svg", tmp_path / "alone"))
    here = []

    def last(make: Any, file: Path, format: str) -> None:
        here.append(file.name)
        until = time.monotonic() + 120
        while time.monotonic() < until and len(list(file.parent.glob("*.svg"))) < len(expected) - 1:
            time.sleep(0.05)
        save(make, file, format)

    save = files.save
    monkeypatch.setattr(files, "save", last)
    with Drawing(helpers=1) as drawing:
        drawing.prepare()
        drawing.prepare()
        found = contents(drawing.draw(experiment, "svg", tmp_path / "plots"))
    assert len(here) == 1
    assert list(found) == list(expected)
    assert found == expected


def test_a_helper_that_dies_is_done_without(experiment: Experiment, tmp_path: Path) -> None:
    """Where helpers are killed, this process draws what they left."""
    with Drawing(helpers=2) as drawing:
        drawing.prepare()
        for helper in drawing._helpers:
            helper._worker.kill()
        written = drawing.draw(experiment, "png", tmp_path)
        assert all(file.stat().st_size for file in written)


def test_without_room_for_helpers_this_process_draws(experiment: Experiment, tmp_path: Path) -> None:
    """Where what helpers take cannot be written, nor their folder be made, every figure is drawn nevertheless."""
    with Drawing(helpers=1) as drawing:
        drawing.prepare()
        shutil.rmtree(drawing._folder.name)
        assert all(file.stat().st_size for file in drawing.draw(experiment, "svg", tmp_path / "one"))
    with pytest.MonkeyPatch.context() as patch, Drawing(helpers=1) as drawing:
        patch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
        drawing.prepare()
        assert not drawing._helpers
        assert all(file.stat().st_size for file in drawing.draw(experiment, "svg", tmp_path / "two"))


def test_no_helper_outlives_the_block(experiment: Experiment, tmp_path: Path) -> None:
    """At the end of the block the helpers and their folder are gone, also where nothing was drawn."""
    with Drawing(helpers=1) as drawing:
        drawing.prepare()
        (helper,), folder = drawing._helpers, Path(drawing._folder.name)
    assert not helper._worker.is_alive
    assert not helper.is_alive()
    assert not folder.exists()
    drawing.prepare()  # a thread may come late
    assert len(drawing._helpers) == 1


def test_what_cannot_be_written_is_said(experiment: Experiment, tmp_path: Path) -> None:
    """A file that cannot be written raises here, whoever tried; nothing finished is a reason."""
    (tmp_path / "plots").write_text("a file")
    with Drawing(helpers=0) as drawing:
        with pytest.raises(OSError, match="plots"):
            drawing.draw(experiment, "png", tmp_path / "plots")
        with pytest.raises(RecordsError, match="no run has finished"):
            drawing.draw(Experiment(experiment.folder, experiment.config, ()), "png", tmp_path)
