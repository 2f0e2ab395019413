"""Tasks and events as the lines of JSON in which they cross a process."""

import math
import os
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wncompare import records
from wncompare.config import Config
from wncompare.data import Shared
from wncompare.records.identity import fingerprint
from wncompare.tasks import (
    CostTask,
    Event,
    Progress,
    SpeedTask,
    Task,
    TrainTask,
    decode_event,
    decode_task,
    encode_event,
    encode_task,
)

ODD = Path(os.fsdecode(b"/results/\xff"))


def record() -> records.RunRecord:
    """A record that holds every kind of JSON."""
    identity: dict[str, Any] = {"seed": 1, "options": {"rate": 0.1, "size": [3, 3], "bias": None, "on": True}}
    dataset = records.DatasetRecord(name="digits", label="digits", digest="0", official=None)
    return records.RunRecord(
        variant="regular",
        seed=1,
        status="running",
        fingerprint=fingerprint(identity),
        identity=identity,
        epochs=2,
        dataset=dataset,
    )


SHARED = Shared(str(ODD), "0", "digits", "Digits", ("zero", "one"), None, ("a", "b"), (("b", 3),), standardize=True)
TASKS: dict[str, Callable[[Config], Task]] = {
    "train": lambda config: TrainTask(
        name="regular/seed-1",
        folder=ODD,
        config=config,
        record=record(),
        data_dir=ODD,
        shared=SHARED,
        build_model=bytes(range(256)),
        wait=True,
    ),
    "plain": lambda config: TrainTask(name="regular/seed-1", folder=ODD, config=config, record=record()),
    "cost": lambda config: CostTask(name="a", folder=ODD, config=config, variant="regular", device="gpu", steps=3),
    "speed": lambda config: SpeedTask(
        name="a", folder=ODD, config=config, device="cpu", steps=3, repeats=2, data_dir=ODD, shared=SHARED
    ),
}


@pytest.mark.parametrize("kind", TASKS)
def test_a_task_crosses_as_it_is(tiny: Config, kind: str) -> None:
    """One line, whatever bytes a path or a pickled function has; read back it is equal, typed things among it."""
    task = TASKS[kind](tiny)
    line = encode_task(task)
    assert line.isascii()
    assert line.count("\n") == 1
    assert decode_task(line) == task


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "str": st.text(st.characters(blacklist_categories=[])),
    "int": st.integers(),
    "int | None": st.none() | st.integers(),
    "float": st.floats(allow_nan=False),
    "Status": st.sampled_from(get_args(records.Status)),
    "dict[str, float]": st.dictionaries(st.text(), st.floats(allow_nan=False)),
    "dict[str, str]": st.dictionaries(st.text(), st.text()),
    "dict[str, dict[str, typing.Any]]": st.dictionaries(st.text(), st.dictionaries(st.text(), st.integers())),
    "dict[str, list[float]]": st.dictionaries(st.text(), st.lists(st.floats(allow_nan=False))),
}


def events(kind: Any) -> st.SearchStrategy[Event]:
    """Events of one kind with any values; a field of a type that is not above is an error."""
    names = {"Literal['running', 'interrupted', 'finished', 'failed', 'diverged']": "Status"}
    spelled = {
        field.name: getattr(field.type, "__name__", str(field.type))
        if not get_args(field.type)
        else names.get(str(field.type).replace("typing.", ""), str(field.type))
        for field in fields(kind)
    }
    return st.builds(kind, **{name: VALUES[spelling] for name, spelling in spelled.items()})


@given(st.one_of([events(kind) for kind in get_args(Event)]))
def test_every_event_crosses_as_it_is(event: Event) -> None:
    """Every kind of the union, with any text and any number, is one line and equal when it is read back."""
    line = encode_event(event)
    assert line.count("\n") == 1
    assert decode_event(line) == event


def test_a_diverged_loss_crosses() -> None:
    """NaN and infinities, which strict JSON lacks, stay what they are."""
    event = decode_event(encode_event(Progress("a", 1, 2, {"loss": math.nan, "val_loss": math.inf})))
    assert isinstance(event, Progress)
    assert math.isnan(event.logs["loss"])
    assert event.logs["val_loss"] == math.inf
