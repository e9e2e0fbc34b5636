"""What may come in that is no data: each case says what a door must want to refuse it, and with which sentence."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scipy.sparse


@dataclass(frozen=True)
class Rows:
    """The data that a door would take: values (n,), their labels, and the columns in which they are repeated."""

    values: np.ndarray
    index: pd.Index
    columns: list[str] | None = None

    def hold(self, values: Any = None, index: Any = None) -> pd.Series | pd.DataFrame:
        """Return good data, or what they would be with other values or labels."""
        values, index = self.values if values is None else values, self.index if index is None else index
        if self.columns is None:
            return pd.Series(values, index=index, name="y")
        return pd.DataFrame(dict.fromkeys(self.columns, values), index=index)

    def put(self, rows: Any, value: float) -> pd.Series | pd.DataFrame:
        """Return the data with another value in some rows."""
        values = self.values.astype(float)
        values[rows] = value
        return self.hold(values)

    def array(self) -> np.ndarray:
        return self.hold().to_numpy()


class Case(NamedTuple):
    """`breaks` names what a door may want: it refuses the data if it wants any of it."""

    make: Callable[[Rows], Any]
    breaks: set[str]
    error: type[Exception] | tuple[type[Exception], ...]
    message: str


class Elsewhere:
    """A tensor on another device."""

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        raise TypeError("can't convert a device tensor to numpy")


def objects(rows: Rows, value: Any) -> pd.Series | pd.DataFrame:
    """Put one object among the numbers."""
    values = rows.values.astype(object)
    values[len(values) // 2] = value
    return rows.hold(values)


def huge(rows: Rows) -> np.ndarray:
    """Put an integer among the numbers that no float can hold; as an array, for not every pandas holds it."""
    values = rows.array().astype(object)
    values.flat[-1] = 10**400
    return values


NUMBERS, SYMBOLS, LABELS = {"numbers"}, {"symbols"}, {"classes"}
ANYTHING = NUMBERS | SYMBOLS | LABELS

CONTAINERS = {
    "none": Case(lambda rows: None, {"something"}, TypeError, "got None"),
    "a number": Case(lambda rows: 3.0, {"many"} | SYMBOLS | LABELS, TypeError, "got float"),
    "a string": Case(lambda rows: "123", NUMBERS | LABELS, TypeError, "got str"),
    "a dict": Case(lambda rows: {"a": rows.values}, ANYTHING, TypeError, "got dict|'ndarray' at row 0"),
    "a set": Case(lambda rows: {1.0, 2.0}, ANYTHING, TypeError, "got set"),
    "a generator": Case(lambda rows: (v for v in rows.values), ANYTHING, TypeError, "got generator"),
    "0-d": Case(lambda rows: np.array(3.0), {"many"} | LABELS, TypeError, "got ndarray|scalar array"),
    "an empty list": Case(lambda rows: [], NUMBERS, ValueError, r"0 sample\(s\)|inconsistent|X has shape \(0,\)"),
    "an empty array": Case(lambda rows: np.empty((0, 5)), NUMBERS, ValueError, r"0 sample\(s\)|inconsistent"),
    "an empty frame": Case(lambda rows: pd.DataFrame(), NUMBERS, ValueError, r"0 sample\(s\)|inconsistent|got 0"),
    "an empty text": Case(lambda rows: [], SYMBOLS, ValueError, "is empty: a text must hold at least one symbol"),
    "no columns": Case(lambda rows: np.empty((len(rows.values), 0)), NUMBERS, ValueError, r"0 feature|y must hold num"),
    "dict elements": Case(lambda rows: [{"a": 1}] * len(rows.values), NUMBERS, TypeError, "'dict'.* at row 0"),
    "list elements": Case(lambda rows: objects(rows, [1]), NUMBERS, (TypeError, ValueError), "'list'|unequal length"),
    "numeric strings": Case(
        lambda rows: rows.hold(rows.values.astype(str)), NUMBERS, ValueError, "string .*to_numeric"
    ),
    "a decimal comma": Case(lambda rows: objects(rows, "1,5"), NUMBERS, ValueError, "string '1,5'.*decimal="),
    "bytes": Case(lambda rows: objects(rows, b"1"), NUMBERS, ValueError, "string b'1'"),
    "categories": Case(lambda rows: rows.hold(pd.Categorical(rows.values)), NUMBERS, ValueError, "got categories"),
    "complex": Case(lambda rows: rows.hold(rows.values + 1j), NUMBERS | LABELS, ValueError, "Complex data not support"),
    "dates": Case(lambda rows: rows.hold(DAYS[: len(rows.values)]), NUMBERS, TypeError, "got dates or durations"),
    "durations": Case(
        lambda rows: rows.hold(DAYS[: len(rows.values)] - DAYS[0]), NUMBERS, TypeError, "got dates or durations"
    ),
    "date objects": Case(
        lambda rows: objects(rows, datetime.date(2024, 1, 1)), NUMBERS, TypeError, "got dates or durations"
    ),
    "sparse": Case(
        lambda rows: scipy.sparse.csr_array(np.ones((len(rows.values), 5))), NUMBERS | LABELS, TypeError, "Sparse data"
    ),
    "a matrix": Case(
        lambda rows: np.ones((len(rows.values), 5)).view(np.matrix), NUMBERS, TypeError, "np.matrix is not supported"
    ),
    "structured": Case(
        lambda rows: np.zeros(len(rows.values), [("a", float)]), NUMBERS, TypeError, "got a structured array"
    ),
    "four axes": Case(lambda rows: np.zeros((len(rows.values), 2, 2, 2)), NUMBERS, ValueError, "dim 4|axes"),
    "a tensor elsewhere": Case(lambda rows: Elsewhere(), NUMBERS | SYMBOLS, TypeError, "cannot be read as an array"),
    "repeated columns": Case(
        lambda rows: pd.DataFrame(np.ones((len(rows.values), 2)), rows.index, ["a", "a"]),
        NUMBERS,
        ValueError,
        "a more than once|names unseen at fit time",
    ),
    "a table of symbols": Case(lambda rows: np.zeros((3, 2)), SYMBOLS, ValueError, "must be a 1-D array of symbols"),
}

DAYS = pd.date_range("2024-01-01", periods=80, freq="D")

VALUES = {
    "one NaN": Case(
        lambda rows: rows.put(len(rows.values) // 2, np.nan),
        {"values", "symbols", "classes"},
        ValueError,
        r"NaN: (1|2|5) |symbol \(nan\)|not learnt: nan",
    ),
    "all NaN": Case(
        lambda rows: rows.put(slice(None), np.nan), {"values", "some", "symbols", "classes"}, ValueError, "NaN|nan"
    ),
    "masked": Case(
        lambda rows: np.ma.MaskedArray(rows.array(), mask=rows.array() >= np.median(rows.values)),
        {"values", "symbols", "classes"},
        ValueError,
        r"NaN|\(masked\)|2D array",
    ),
    "missing integers": Case(
        lambda rows: rows.hold(pd.array([None, *range(len(rows.values) - 1)], dtype="Int64")),
        {"values", "symbols", "classes"},
        ValueError,
        "NaN|symbol \\(|not learnt: ",
    ),
    "a mix of missing": Case(
        lambda rows: rows.hold(np.resize(np.array([pd.NA, None, pd.NaT, np.nan, 1.0], object), len(rows.values))),
        {"values", "symbols", "classes"},
        ValueError,
        "NaN|symbol \\(|not learnt: ",
    ),
    "infinity": Case(
        lambda rows: rows.put(len(rows.values) // 2, np.inf), {"numbers", "classes"}, ValueError, "infinity"
    ),
    "minus infinity": Case(
        lambda rows: rows.put(len(rows.values) // 2, -np.inf), {"numbers", "classes"}, ValueError, "infinity"
    ),
    "beyond float64's reach": Case(
        lambda rows: rows.put(len(rows.values) // 2, 1e305), NUMBERS, ValueError, r"beyond 1e\+300"
    ),
    "a huge integer": Case(huge, NUMBERS, ValueError, "infinity|2D array"),
}


def relabelled(change: Callable[[pd.DatetimeIndex], Any]) -> Callable[[Rows], Any]:
    return lambda rows: rows.hold(index=change(rows.index))


AXIS, ORDER, REGULAR, SAME = {"axis"}, {"axis", "order"}, {"regular"}, {"same"}

TIMES = {
    "backwards": Case(
        relabelled(lambda i: i[::-1]), ORDER, ValueError, "must be (sorted|in the order of time).*sort_in"
    ),
    "repeated": Case(relabelled(lambda i: i[[0, 0, *range(2, len(i))]]), AXIS, ValueError, r"repeats 1 labels \(first"),
    "NaT": Case(relabelled(lambda i: i.insert(3, pd.NaT).delete(4)), ORDER, ValueError, "NaT at row 3"),
    "strings": Case(relabelled(lambda i: i.strftime("%d.%m.%Y")), ORDER, ValueError, "pd.to_datetime"),
    "mixed time zones": Case(
        relabelled(lambda i: pd.Index([i[0].tz_localize("UTC"), *i[1:].tz_localize("Asia/Tokyo")], dtype=object)),
        ORDER,
        ValueError,
        "utc=True",
    ),
    "date objects": Case(relabelled(lambda i: pd.Index(i.date)), ORDER, ValueError, "date objects, not time stamps"),
    "floats": Case(relabelled(lambda i: pd.Index(np.arange(len(i)) / 10)), AXIS, ValueError, "got floats"),
    "durations": Case(relabelled(lambda i: i - i[0]), AXIS, ValueError, "got timedelta64"),
    "three levels": Case(
        relabelled(lambda i: pd.MultiIndex.from_product([["a"], ["b"], i])), ORDER, ValueError, "MultiIndex"
    ),
    "a hole": Case(
        relabelled(lambda i: i[: len(i) // 2].append(i[len(i) // 2 :] + pd.Timedelta(days=2))),
        REGULAR,
        ValueError,
        "holes: 2 of .*missing=",
    ),
    "no common step": Case(
        relabelled(lambda i: i + pd.to_timedelta(np.arange(len(i)) ** 2, "min")),
        REGULAR,
        ValueError,
        "not regular|not on the time axis",
    ),
    "another time zone": Case(relabelled(lambda i: i.tz_localize("UTC")), SAME, ValueError, "time zone"),
    "another grid": Case(relabelled(lambda i: i + pd.Timedelta(hours=5)), SAME, ValueError, "not on the time axis"),
}

CASES = CONTAINERS | VALUES | {f"labels: {name}": case for name, case in TIMES.items()}

# Values that are extreme and still data.
EXTREME = {
    "jump": lambda values: np.repeat([1.0, 100.0], len(values) // 2),
    "tiny variance on a huge mean": lambda values: 1e9 + 1e-6 * values,
    "1e298": lambda values: values * 1e298,
    "subnormal": lambda values: values * 1e-311,
    "one outlier": lambda values: np.where(np.arange(len(values)) == 30, 1e18, values),
    "sentinel": lambda values: np.where(np.arange(len(values)) == 30, -999.0, values),
}
