"""What reading CIFAR's batches takes from pickle's privates: this fails first when Python changes it."""

import io
import pickle
from types import FunctionType

import pytest

from wncompare.data.sources.cifar_batch import _Unpickler


def test_the_unpickler_is_pythons_own_and_asks_for_every_name() -> None:
    """`pickle._Unpickler` is the one written in Python, whose `load` and dispatch table are Python's, and it imports
    nothing that `find_class` does not give it."""
    assert issubclass(_Unpickler, pickle._Unpickler)
    assert isinstance(pickle._Unpickler.load, FunctionType)
    assert all(isinstance(function, FunctionType) for function in pickle._Unpickler.dispatch.values())
    assert pickle._Unpickler is not pickle.Unpickler
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(pickle.UnpicklingError, match="it asks for"):
            _Unpickler(io.BytesIO(pickle.dumps(io.BytesIO, protocol=protocol)), encoding="bytes").load()


def test_an_object_at_a_huge_index_takes_no_memory() -> None:
    """Ten bytes that put an object at index 2³¹ put it there alone: the memo is a dictionary."""
    unpickler = _Unpickler(io.BytesIO(b"\x80\x02Nr" + (2**31).to_bytes(4, "little") + b"."), encoding="bytes")
    assert unpickler.load() is None
    assert unpickler.memo == {2**31: None}
