"""Values come back from plain data as they were, kind by kind, and nothing else comes back."""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from rnnforecast.persistence.forms import Form
from rnnforecast.persistence.kinds import Kind, UnfitError
from rnnforecast.persistence.tree import Packer, Unpacker


@dataclass(frozen=True)
class Pair:
    left: object
    right: object


ANY = Kind("anything", lambda value: True)
PAIR = Form(Pair, {"left": ANY, "right": ANY})
HOUR = {"freq": "h", "periods": 5}


def there_and_back(value):
    packer = Packer({Pair: PAIR})
    tree = json.loads(json.dumps(packer.pack(value, "value"), allow_nan=False))
    return Unpacker({"Pair": PAIR}, packer.arrays).unpack(tree)


@pytest.mark.parametrize(
    "value",
    [None, True, 7, 2**70, 0.1, -0.0, "é", [1, [2]], (1, (None, "a")), {"a": 1, 2: (3,), None: []}, float("inf")],
    ids=repr,
)
def test_plain_values_come_back(value):
    back = there_and_back(value)
    assert back == value
    assert type(back) is type(value)
    assert repr(back) == repr(value)


def test_not_a_number_comes_back():
    assert np.isnan(there_and_back(float("nan")))


@pytest.mark.parametrize("dtype", ["f4", "f8", "i8", "u1", "?", ">f8", "f2"])
def test_arrays_come_back_with_their_kind(dtype):
    array = np.arange(6).reshape(2, 3).astype(dtype)
    back = there_and_back(array)
    assert back.dtype == array.dtype.newbyteorder("=")
    assert np.array_equal(back, array)
    assert back.flags.writeable


def test_arrays_of_words_and_objects_come_back():
    words = there_and_back(np.array(["a", "longer"]))
    assert words.dtype == np.dtype("<U6")
    assert list(words) == ["a", "longer"]
    mixed = there_and_back(np.array(["a", 1, (2, 3)], dtype=object))
    assert mixed.dtype == object
    assert list(mixed) == ["a", 1, (2, 3)]


def test_scalars_keep_their_type():
    back = there_and_back(np.float32(0.1))
    assert isinstance(back, np.float32)
    assert back == np.float32(0.1)


def test_records_come_back_with_their_fields():
    assert there_and_back(Pair((1, 2), Pair("a", None))) == Pair((1, 2), Pair("a", None))


def test_what_is_shared_is_shared_again_and_what_is_only_equal_is_not():
    array, pair = np.zeros(3), Pair(1, 2)
    back = there_and_back([array, array, np.zeros(3), pair, pair, Pair(1, 2)])
    assert back[0] is back[1]
    assert back[0] is not back[2]
    assert back[3] is back[4]
    assert back[3] is not back[5]


def test_equal_arrays_lie_in_the_file_once():
    packer = Packer({})
    packer.pack([np.zeros((50, 2)), np.zeros((50, 2)), np.zeros((2, 50))], "model")
    assert len(packer.arrays) == 2


def test_the_order_of_an_array_in_memory_comes_back():
    # A product adds in the order of memory: another one would change the last bits of forecasts.
    back = there_and_back([np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.arange(6.0).reshape(2, 3)])
    assert [array.flags.f_contiguous for array in back] == [True, False]


@pytest.mark.parametrize(
    "index",
    [
        pd.RangeIndex(3, 20, 4, name="row"),
        pd.date_range("2024", name="when", **HOUR),
        pd.date_range("2024-03-31", tz="Europe/Berlin", **HOUR),
        pd.date_range("2024-10-26", periods=4, freq="D", tz="America/New_York"),
        pd.date_range("2024", tz=datetime.timezone(datetime.timedelta(hours=5, minutes=30)), **HOUR),
        pd.date_range("2024", tz="UTC", **HOUR).as_unit("ns"),
        pd.date_range("2024", periods=5, freq="B"),
        pd.date_range("2024", periods=3, freq="W-WED"),
        pd.DatetimeIndex(["2024-01-02", "2024-01-03", "2024-01-08"]).as_unit("s"),
        pd.date_range("3000-01-01", periods=3, freq="YS", unit="s"),
        pd.period_range("2024Q1", periods=4, freq="Q-NOV", name="quarter"),
        pd.period_range("2024", periods=3, freq="2M"),
        pd.Index([1, 5, 9], name="n"),
        pd.Index(["a", "b"], name="id"),
        pd.Index(["a", 1, None], dtype=object),
        pd.CategoricalIndex(["a", "b", "a"], categories=["b", "a"], ordered=True, name="kind"),
    ],
    ids=lambda index: f"{type(index).__name__}-{getattr(index, 'freqstr', None)}-{getattr(index, 'tz', None)}",
)
def test_labels_come_back_with_zone_unit_and_frequency(index):
    back = there_and_back(index)
    assert type(back) is type(index)
    assert back.dtype == index.dtype
    assert back.equals(index)
    assert back.name == index.name
    if isinstance(index, pd.DatetimeIndex):
        assert back.freq == index.freq
        assert [str(label) for label in back] == [str(label) for label in index]


def test_tables_come_back_with_their_columns():
    frame = pd.DataFrame(
        {"kind": ["u", "v"], "size": [1.5, 2.0], "count": [1, 2], "open": [True, False]}, index=pd.Index(["a", "b"])
    )
    pd.testing.assert_frame_equal(there_and_back(frame), frame)


@pytest.mark.parametrize(
    "value",
    [
        pd.Timestamp("2024-01-01 01:02:03", tz="Asia/Tokyo"),
        pd.Period("2024-05", "M"),
        pd.offsets.BDay(),
        pd.offsets.Minute(15),
    ],
)
def test_stamps_periods_and_steps_come_back(value):
    assert there_and_back(value) == value


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (object(), "object"),
        (print, "builtin_function_or_method"),
        (np.random.RandomState(0), "RandomState"),
        (1j, "complex"),
        (np.array([1j]), "array of complex128"),
        (pd.offsets.CustomBusinessDay(holidays=["2024-01-01"]), "frequency"),
        ({1, 2}, "set"),
    ],
)
def test_what_a_file_cannot_hold_is_refused_by_name(value, kind):
    with pytest.raises(TypeError, match=kind):
        Packer({Pair: PAIR}).pack({"inside": [value]}, "model")


@pytest.mark.parametrize(
    "tree",
    [
        {},
        {"a": 1, "b": 2},
        {"eval": "1"},
        {"unpack": []},
        {"array": "9"},
        {"array": ["9"]},
        {"record": ["os", {}]},
        {"record": ["Pair", {"left": 1}]},
        {"record": ["Pair", {"left": 1, "right": 2, "more": 3}]},
        {"float": "0.5"},
        {"tuple": 3},
        {"map": [[1]]},
        {"map": [[[1], 2]]},
        {"index": {"map": [["kind", "dates"]]}},
        {"index": {"map": [["kind", "range"], ["name", None], ["range", [1, 2, 0]]]}},
        {"offset": "never"},
        {"again": 0},
        {"again": "__class__"},
        {"scalar": ["object", 1]},
        {"text": [10**9, ["a"]]},
        {"index": {"map": [["kind", "words"], ["name", None], ["values", []], ["dtype", "os.system"]]}},
    ],
    ids=str,
)
def test_trees_that_no_model_has_are_refused(tree):
    with pytest.raises((UnfitError, ValueError, TypeError, LookupError)):
        Unpacker({"Pair": PAIR}, {}).unpack(tree)
