"""What is wrong with data is said before a run trains on them, recorded, and said again with the results."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from wncompare import config as configs
from wncompare import records
from wncompare.analysis.summary import summarize
from wncompare.config import Config
from wncompare.errors import RecordsError
from wncompare.run import execute as experiment
from wncompare.tasks import Event, Notice


def test_they_are_said_before_training(tmp_path: Path, tiny: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """Images that were cast after they were divided by 255 give a notice, and the plan's record of the data has it."""
    x = np.ones((6, 16, 16, 1), np.uint8)
    np.savez(tmp_path / "dark.npz", x_train=x, y_train=np.arange(6) % 3, x_test=x, y_test=np.arange(6) % 3)
    planned: list[records.DatasetRecord] = []

    def plan(config: Config, folder: Path, dataset: records.DatasetRecord, device: str) -> None:
        planned.append(dataset)
        raise RecordsError("planned")

    monkeypatch.setattr(experiment, "plan", plan)
    monkeypatch.setattr(experiment, "untrained", lambda config, folder: 0)
    dataset = {"name": "npz", "path": str(tmp_path / "dark.npz")}
    heard: list[Event] = []
    with pytest.raises(RecordsError, match="planned"):
        experiment.execute(
            configs.from_data({**tiny.dump(), "dataset": dataset}, "dark"), tmp_path / "out", listen=heard.append
        )
    messages = [event.message for event in heard if isinstance(event, Notice)]
    assert messages == list(planned[0].caveats)
    assert [message.split(":")[0] for message in messages] == [
        "The training images are nearly black",
        "The test images are nearly black",
    ]


def test_they_stand_with_the_results(tiny: Config, write_records: Callable[..., Path]) -> None:
    """A summary has the caveats of the data that its runs were trained on, each once; records without them are read."""
    folder = write_records(tiny, lambda variant, seed, epoch: 0.5 + epoch / 100)
    before = summarize(records.read(folder)).caveats
    for run in records.read(folder).runs:
        dataset = run.record.dataset.model_copy(update={"caveats": ("The images are dark.",)})
        records.write_run(run.folder, run.record.model_copy(update={"dataset": dataset}))
    after = summarize(records.read(folder)).caveats
    assert set(after) - set(before) == {"The images are dark."}
    assert len(after) == len(before) + 1
