"""Row labels, steps, stamps and small tables as plain values and arrays, and back.

Dates are kept as counts of their own unit since 1970 in UTC, so a zone and a resolution come back as they were whatever
pandas takes for its default.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset
from pandas.tseries.offsets import BaseOffset

from rnnforecast.persistence.kinds import described, fits

_UNITS = ("s", "ms", "us", "ns")
_WORDS = ("object", "str", "string", "bool", "boolean")  # dtypes of labels that are no dates and no plain numbers
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+\-]*(/[A-Za-z0-9_+\-]+)*")
_FREQUENCY = re.compile(r"-?[0-9]*[A-Za-z]+(-[A-Za-z0-9]+)?")
_PICKLE = "pickle the model instead, if whoever reads it trusts you"


def plain_index(index: pd.Index) -> dict[str, Any]:
    """Return an index as a dict of plain values and arrays.

    Raises
    ------
    TypeError
        Labels of a kind that no time axis has.
    """
    name = index.name
    if isinstance(index, pd.RangeIndex):
        return {"kind": "range", "name": name, "range": (index.start, index.stop, index.step)}
    if isinstance(index, pd.DatetimeIndex):
        counts = index.tz_convert(None) if index.tz is not None else index
        return {
            "kind": "dates",
            "name": name,
            "unit": index.unit,
            "counts": counts.to_numpy().astype(f"datetime64[{index.unit}]").view(np.int64).copy(),
            "zone": plain_zone(index.tz),
            "freq": None if index.freq is None else plain_offset(index.freq),
        }
    if isinstance(index, pd.PeriodIndex):
        return {"kind": "periods", "name": name, "counts": index.asi8.copy(), "freq": index.freqstr}
    if isinstance(index, pd.CategoricalIndex):
        return {
            "kind": "categories",
            "name": name,
            "categories": index.categories,
            "codes": index.codes.astype(np.int64),
            "ordered": bool(index.ordered),
        }
    if isinstance(index.dtype, np.dtype) and index.dtype.kind in "iuf":
        return {"kind": "numbers", "name": name, "values": index.to_numpy().copy()}
    if index.dtype in _WORDS and all(isinstance(value, str | int | float | bool | type(None)) for value in index):
        return {"kind": "words", "name": name, "values": list(index), "dtype": str(index.dtype)}
    raise TypeError(f"labels of type {index.dtype} ({index.inferred_type}) cannot be kept in a model file: {_PICKLE}")


def index_from(plain: dict[str, Any]) -> pd.Index:
    """Return the index that `plain_index` took apart."""
    return _INDEXES[plain["kind"]](plain).rename(plain["name"])


def _range_from(plain: dict[str, Any]) -> pd.Index:
    return pd.RangeIndex(*plain["range"])


def _dates_from(plain: dict[str, Any]) -> pd.Index:
    fits(plain["unit"] in _UNITS, f"{described(plain['unit'])} is no unit of time")
    dates = pd.DatetimeIndex(_counts(plain).view(f"datetime64[{plain['unit']}]"))
    zone = zone_from(plain["zone"])
    if zone is not None:
        dates = dates.tz_localize("UTC").tz_convert(zone)
    return dates if plain["freq"] is None else pd.DatetimeIndex(dates, freq=offset_from(plain["freq"]))


def _periods_from(plain: dict[str, Any]) -> pd.Index:
    return cast("Any", pd.PeriodIndex).from_ordinals(_counts(plain), freq=_frequency(plain["freq"]))


def _categories_from(plain: dict[str, Any]) -> pd.Index:
    codes = _counts({"counts": plain["codes"]})
    return pd.CategoricalIndex(pd.Categorical.from_codes(codes, plain["categories"], ordered=plain["ordered"] is True))


def _numbers_from(plain: dict[str, Any]) -> pd.Index:
    values = plain["values"]
    fits(isinstance(values, np.ndarray) and values.ndim == 1, "labels that are numbers are no row of them")
    return pd.Index(values)


def _words_from(plain: dict[str, Any]) -> pd.Index:
    fits(plain["dtype"] in _WORDS, f"{described(plain['dtype'])} is no type of labels")
    fits(type(plain["values"]) is list, "labels are no list")
    return pd.Index(plain["values"], dtype=plain["dtype"])


_INDEXES: dict[str, Callable[[dict[str, Any]], pd.Index]] = {
    "range": _range_from,
    "dates": _dates_from,
    "periods": _periods_from,
    "categories": _categories_from,
    "numbers": _numbers_from,
    "words": _words_from,
}


def _counts(plain: dict[str, Any]) -> np.ndarray:
    counts = plain["counts"]
    fits(
        isinstance(counts, np.ndarray) and counts.dtype == np.int64 and counts.ndim == 1, "labels are no row of counts"
    )
    return counts


def plain_offset(offset: BaseOffset) -> str:
    """Return the frequency string of a step.

    Raises
    ------
    TypeError
        A step that its own string does not bring back, such as one with a calendar of holidays.
    """
    try:
        same = offset_from(offset.freqstr) == offset
    except ValueError:
        same = False
    if not same:
        raise TypeError(f"the frequency {offset!r} cannot be kept in a model file: {_PICKLE}")
    return offset.freqstr


def offset_from(text: str) -> BaseOffset:
    """Return the step of a frequency string."""
    return to_offset(_frequency(text))


def _frequency(text: str) -> str:
    fits(isinstance(text, str) and _FREQUENCY.fullmatch(text) is not None, f"{described(text)} is no frequency")
    return text


def plain_stamp(stamp: pd.Timestamp) -> dict[str, Any]:
    """Return a time stamp as an index of one label."""
    return plain_index(pd.DatetimeIndex([stamp]).as_unit(stamp.unit))


def stamp_from(plain: dict[str, Any]) -> pd.Timestamp:
    """Return the stamp that `plain_stamp` took apart."""
    fits(plain["kind"] == "dates", "a stamp is no date")
    return cast("pd.Timestamp", index_from(plain)[0])


def plain_period(period: pd.Period) -> dict[str, Any]:
    """Return a period as an index of one label."""
    return plain_index(pd.PeriodIndex([period]))


def period_from(plain: dict[str, Any]) -> pd.Period:
    """Return the period that `plain_period` took apart."""
    fits(plain["kind"] == "periods", "a period is none")
    return cast("pd.Period", index_from(plain)[0])


def plain_zone(zone: datetime.tzinfo | None) -> str | int | None:
    """Return a zone's name, or the seconds of a fixed offset.

    Raises
    ------
    TypeError
        A zone of neither kind.
    """
    if zone is None:
        return None
    name = getattr(zone, "key", None) or getattr(zone, "zone", None)
    if isinstance(name, str):
        return name
    if zone is datetime.timezone.utc:
        return "UTC"
    fixed = zone.utcoffset(None)
    if fixed is None:
        raise TypeError(f"the time zone {zone!r} cannot be kept in a model file; name it, as in Europe/Berlin")
    return int(fixed.total_seconds())


def zone_from(plain: str | int | None) -> Any:
    """Return what pandas takes for the zone."""
    if type(plain) is int:
        fits(abs(plain) < 86_400, "a time zone is more than a day off")
        return datetime.timezone(datetime.timedelta(seconds=plain))
    known = plain is None or (isinstance(plain, str) and _ZONE.fullmatch(plain) is not None)
    fits(known and not str(plain).startswith("dateutil"), f"{described(plain)} is no time zone")
    return plain


def plain_frame(frame: pd.DataFrame) -> dict[str, Any]:
    """Return a table as its index and its columns, each of which could be an index."""
    return {"index": frame.index, "names": list(frame.columns), "columns": [pd.Index(c) for _, c in frame.items()]}


def frame_from(plain: dict[str, Any]) -> pd.DataFrame:
    """Return the table that `plain_frame` took apart."""
    index, names, columns = plain["index"], plain["names"], plain["columns"]
    fits(isinstance(index, pd.Index) and len(names) == len(set(names)) == len(columns), "a table is none")
    fits(all(isinstance(c, pd.Index) and len(c) == len(index) for c in columns), "columns are of unequal length")
    series = {name: pd.Series(column, index=index) for name, column in zip(names, columns, strict=True)}
    return pd.DataFrame(series, index=index)


CONVERTERS: tuple[tuple[type, str, Callable[[Any], Any], Callable[[Any], Any]], ...] = (
    (pd.DataFrame, "frame", plain_frame, frame_from),
    (pd.Index, "index", plain_index, index_from),
    (BaseOffset, "offset", plain_offset, offset_from),
    (pd.Timestamp, "stamp", plain_stamp, stamp_from),
    (pd.Period, "period", plain_period, period_from),
)
