"""Random data of the kinds that people have, well and badly formed, for hypothesis to draw from."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import strategies as st

FREQUENCIES = ("h", "D", "15min", "MS", "ME", "W", "B", "QS", "YS", "s")
ODD = (np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-310, 1e39, -1e200, 1e308, 5e-324)
DTYPES = ("f8", "f4", "f2", "i8", "i1", "u8", "?", ">f8", "O")


@st.composite
def values(draw, n_rows, n_columns=None):
    """Numbers (n_rows,) or (n_rows, n_columns) of some dtype and memory layout, now and then odd ones among them."""
    shape = (n_rows,) if n_columns is None else (n_rows, n_columns)
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    kind = draw(st.sampled_from(("noise", "walk", "season", "constant", "counts")))
    steps = rng.normal(size=shape)
    table = {
        "noise": lambda: steps,
        "walk": lambda: steps.cumsum(axis=0),
        "season": lambda: (
            10 + np.sin(np.arange(n_rows) * 2 * np.pi / 12).reshape(-1, *[1] * (len(shape) - 1)) + 0.1 * steps
        ),
        "constant": lambda: np.full(shape, 3.0),
        "counts": lambda: rng.poisson(3, size=shape).astype(float),
    }[kind]()
    table = table * draw(st.sampled_from((1.0, 1e-6, 1e6, 1e-150, 1e30, 0.0))) + draw(st.sampled_from((0.0, 1.0, 1e9)))
    for _ in range(draw(st.sampled_from((0, 0, 0, 1, 3)))):
        if table.size:
            table.flat[draw(st.integers(0, table.size - 1))] = draw(st.sampled_from(ODD))
    dtype = draw(st.sampled_from(DTYPES)) if draw(st.booleans()) else "f8"
    with np.errstate(all="ignore"):
        table = table.astype(dtype)
    layout = draw(st.sampled_from(("C", "F", "reversed", "strided", "read-only")))
    if layout == "F":
        table = np.asfortranarray(table)
    elif layout == "reversed":
        table = table[::-1]
    elif layout == "strided":
        table = np.repeat(table, 2, axis=0)[::2]
    elif layout == "read-only":
        table.flags.writeable = False
    return table


@st.composite
def indexes(draw, n_rows):
    """Row labels: mostly a regular time axis, sometimes one with a fault."""
    kind = draw(st.sampled_from(("dates", "dates", "dates", "zone", "periods", "range", "integers", "words", "floats")))
    if kind in ("dates", "zone"):
        zone = draw(st.sampled_from(("UTC", "Europe/Berlin", "Asia/Kolkata"))) if kind == "zone" else None
        start = draw(st.sampled_from(("2000-02-28", "2024-03-30", "2024-10-26", "1969-12-31", "2100-01-31")))
        index = pd.date_range(start, periods=n_rows, freq=draw(st.sampled_from(FREQUENCIES)), tz=zone)
        index = index.as_unit(draw(st.sampled_from(("s", "us", "ns"))))
    elif kind == "periods":
        index = pd.period_range("2020-01", periods=n_rows, freq=draw(st.sampled_from(("M", "D", "h", "Q"))))
    elif kind == "range":
        step = draw(st.sampled_from((1, 2, -1)))
        index = pd.RangeIndex(0, step * n_rows, step)
    elif kind == "integers":
        index = pd.Index(np.arange(n_rows) * draw(st.integers(1, 3)) + draw(st.integers(-3, 3)))
    elif kind == "words":
        index = pd.Index([f"row {k}" for k in range(n_rows)])
    else:
        index = pd.Index(np.arange(n_rows) / 2)
    fault = draw(
        st.sampled_from(("none", "none", "none", "none", "shuffled", "repeated", "hole", "missing", "reversed"))
    )
    order = np.arange(n_rows)
    if fault == "shuffled":
        order = np.random.default_rng(draw(st.integers(0, 99))).permutation(n_rows)
    elif fault == "repeated" and n_rows > 1:
        order[-1] = order[0]
    elif fault == "reversed":
        order = order[::-1]
    elif fault == "hole" and n_rows > 4:
        order = order + (order > n_rows // 2) * 2
        order = np.minimum(order, n_rows - 1)
    index = index[order]
    if fault == "missing" and isinstance(index, pd.DatetimeIndex) and n_rows > 2:
        labels = index.to_series().reset_index(drop=True)
        labels.iloc[n_rows // 2] = pd.NaT
        index = pd.DatetimeIndex(labels)
    return index


@st.composite
def tables(draw, least=0, most=80, n_columns=None):
    """An array, list, Series or frame of some rows."""
    n_rows = draw(st.integers(least, most))
    if n_columns is None:
        n_columns = draw(st.sampled_from((None, None, 1, 2)))
    array = draw(values(n_rows, n_columns))
    form = draw(st.sampled_from(("pandas", "pandas", "pandas", "array", "list")))
    if form == "array":
        return array
    if form == "list":
        return array.tolist()
    index = draw(indexes(n_rows))
    if n_columns is None:
        return pd.Series(array, index=index, name=draw(st.sampled_from((None, "load", 3))))
    names = draw(st.sampled_from((list(range(n_columns)), [f"c{k}" for k in range(n_columns)], ["same"] * n_columns)))
    return pd.DataFrame(array, index=index, columns=names)


@st.composite
def panels(draw):
    """Rows of some series under a MultiIndex (series, time), or something near it."""
    names = draw(st.sampled_from((["a", "b"], ["a", "b", "c"], [1, 2], ["only"], ["a", 1], [None, "b"])))
    n_columns = draw(st.sampled_from((None, None, 2)))
    parts, index = [], draw(indexes(40))
    for _ in names:
        start, n_rows = draw(st.integers(0, 8)), draw(st.integers(1, 30))
        values_ = draw(values(n_rows, n_columns))
        values_ = values_.astype(values_.dtype.newbyteorder("="))  # pandas cannot take rows of another one
        rows = index[start : start + n_rows]
        parts.append(pd.DataFrame(values_, rows) if n_columns else pd.Series(values_, rows, name="load"))
    panel = pd.concat(parts, keys=names)
    order = draw(st.sampled_from(("as it is", "as it is", "by time", "shuffled", "levels swapped")))
    if order == "by time":
        panel = panel.iloc[np.argsort(np.concatenate([np.arange(len(part)) for part in parts]), kind="stable")]
    elif order == "shuffled":
        panel = panel.sample(frac=1.0, random_state=draw(st.integers(0, 99)))
    elif order == "levels swapped":
        panel = panel.swaplevel()
    return panel


@st.composite
def sequences(draw, n):
    """Data of n sequences: a table, an array of three axes, or a list of unequal ones."""
    form = draw(st.sampled_from(("table", "frame", "stacked", "listed", "frames")))
    n_features = draw(st.integers(1, 3))
    if form in ("table", "frame"):
        table = draw(values(n, n_features))
        return pd.DataFrame(table) if form == "frame" else table
    if form == "stacked":
        return draw(values(n * 4, n_features)).reshape(n, 4, n_features)
    items = [draw(values(draw(st.integers(0 if k == 3 else 1, 6)), n_features)) for k in range(n)]
    return [pd.DataFrame(item, columns=list("abc"[:n_features])) for item in items] if form == "frames" else items
