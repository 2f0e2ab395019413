"""When a run stops, told from its history, against Keras's own callback."""

from types import SimpleNamespace
from typing import Any

import keras
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wncompare.config import EarlyStopping, StopAt, Training
from wncompare.nn.runs.ending import Ending, ending_of, stopped

NUMBERS = st.sampled_from([0.1, 0.2, 0.25, 0.3, 0.4, 0.5])
METRICS = ("val_loss", "val_accuracy", "val_auc", "val_mean_absolute_error")
NAN = st.just(float("nan"))


def first_stop(training: Training, values: list[float]) -> int | None:
    """After how many epochs a run with these values of every metric stops."""
    history = [dict.fromkeys(METRICS, value) for value in values]
    return next((epoch for epoch in range(1, len(values) + 1) if stopped(training, history[:epoch])), None)


def keras_stop(rule: EarlyStopping, values: list[float]) -> int | None:
    """The same by `keras.callbacks.EarlyStopping`."""
    callback = keras.callbacks.EarlyStopping(
        rule.metric,
        rule.min_delta,
        rule.patience,
        mode="min" if rule.metric in ("val_loss", "val_mean_absolute_error") else "max",
    )
    model = SimpleNamespace(stop_training=False)
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, value in enumerate(values):
        callback.on_epoch_end(epoch, {rule.metric: value})
        if model.stop_training:
            return epoch + 1
    return None


@settings(deadline=None)
@given(
    first=NUMBERS,
    others=st.lists(NUMBERS | NAN, max_size=12),
    metric=st.sampled_from(METRICS),
    patience=st.integers(1, 4),
    min_delta=st.sampled_from([0.0, 0.07]),
)
def test_early_stopping_is_keras_s(
    first: float, others: list[float], metric: Any, patience: int, min_delta: float
) -> None:
    """For any history that starts with a number, the run stops after the epoch after which Keras's callback stops."""
    values = [first, *others]
    rule = EarlyStopping(metric=metric, patience=patience, min_delta=min_delta)
    training = Training(metrics=["auc", "mae"], early_stopping=rule)
    assert first_stop(training, values) == keras_stop(rule, values)


@pytest.mark.parametrize(
    ("metric", "value", "epoch"),
    [
        ("val_accuracy", 0.5, 2),
        ("val_accuracy", 0.6, 4),
        ("val_auc", 0.5, 2),
        ("val_loss", 0.45, 1),
        ("val_loss", 0.1, None),
        ("val_mean_absolute_error", 0.4, 3),
    ],
)
def test_a_run_stops_where_it_reaches_its_target(metric: Any, value: float, epoch: int | None) -> None:
    """An accuracy or a score stops it from its value on up, a loss or an error from its value on down."""
    training = Training(metrics=["auc", "mae"], stop_at=StopAt(metric=metric, value=value))
    assert first_stop(training, [0.45, 0.5, 0.4, 0.6]) == epoch


def test_nan_is_no_rise() -> None:
    """Epochs without a number count as waiting, at the start too, where Keras's callback would wait for ever."""
    rule = Training(early_stopping=EarlyStopping(patience=2))
    assert first_stop(rule, [float("nan"), 0.5, float("nan"), float("nan")]) == 4
    assert first_stop(rule, [float("nan"), float("nan")]) == 2


def test_the_reason_is_a_sentence_and_the_history_may_be_text() -> None:
    """Rows that were read back from a file are text; the reason names rule, metric and number."""
    rows = [{"val_loss": "1.0", "val_accuracy": "0.5"}, {"val_loss": "1.5", "val_accuracy": "0.75"}]
    patience, target = EarlyStopping(patience=1), StopAt(value=0.75)
    assert stopped(Training(early_stopping=patience), rows) == "early_stopping: val_loss did not fall for 1 epoch"
    assert stopped(Training(stop_at=target), rows) == "stop_at: val_accuracy reached 0.75"
    assert stopped(Training(stop_at=target), rows[:1]) is None
    assert stopped(Training(), rows) is None
    assert stopped(Training(early_stopping=patience, stop_at=target), []) is None


def test_a_run_ends_by_its_history_alone() -> None:
    """Before its first epoch it goes on whatever its weights are; a loss or a weight that is not finite is divergence,
    before any rule; a rule's reason comes with the end, and the last epoch has none."""
    training = Training(epochs=2, stop_at=StopAt(value=0.75))
    low, high = ({"loss": "1.0", "val_accuracy": value} for value in (0.5, 0.8))
    assert ending_of(training, [], finite=False) is None
    assert ending_of(training, [low], finite=True) is None
    assert ending_of(training, [low], finite=False) == Ending("diverged")
    for loss in ("nan", "inf", float("-inf")):
        assert ending_of(training, [{**high, "loss": loss}], finite=True) == Ending("diverged")
    assert ending_of(training, [high], finite=True) == Ending("finished", "stop_at: val_accuracy reached 0.75")
    assert ending_of(training, [low, low], finite=True) == Ending("finished")
