"""Records of the data: the axis of time, series and panels, their scales and transforms."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pandas.tseries.offsets import BaseOffset

from rnnforecast.persistence.forms import Form
from rnnforecast.persistence.kinds import (
    COUNT,
    FLAG,
    LABEL,
    MOST,
    NOTHING,
    NUMBER,
    POSITIVE,
    SIZE,
    TEXT,
    array,
    choice,
    double,
    fits,
    listed,
    one,
    row,
    some,
)
from rnnforecast.scaling import Scaler
from rnnforecast.series import Clock, Series
from rnnforecast.series.spans import Spans
from rnnforecast.transforms import Transform
from rnnforecast.transforms.pointwise import BoxCox, Identity, Log

ROWS = array("i", 1, low=0)
POINTWISE = one(Identity, Log, BoxCox)


def _scaler(scaler: Scaler) -> None:
    fits(scaler.origin.shape == scaler.offset.shape == scaler.scale.shape, "the parts of a scaler differ in shape")
    fits(bool((scaler.scale > 0).all()), "the scale of a scaler is not positive")


def _boxcox(boxcox: BoxCox) -> None:
    fits(boxcox.power.shape == boxcox.unit.shape, "powers and units differ in number")
    fits(bool(((boxcox.power >= 0) & (boxcox.power <= 1) & (boxcox.unit > 0)).all()), "powers or units out of range")


def _clock(clock: Clock) -> None:
    labels, step = clock.labels, clock.step
    if isinstance(step, int):
        fits(isinstance(labels, pd.RangeIndex) and labels.step == step > 0, "steps of numbers must be those of labels")
        return
    fits(isinstance(labels, pd.DatetimeIndex | pd.PeriodIndex) and len(labels) > 0, "labels must be dates or periods")
    fits(not labels.hasnans and labels.is_monotonic_increasing and labels.is_unique, "labels must be in order")
    fits(step.n > 0, "the step of a clock must be positive")


def _spans(spans: Spans) -> None:
    fits(
        len(spans.starts) == len(spans.lengths) == len(spans.first) == len(spans.members) > 0,
        "the spans of series differ in number",
    )
    fits(bool(((spans.lengths > 0) & (spans.lengths < MOST)).all()), "a series has no rows")
    fits(
        np.array_equal(spans.starts, np.cumsum(spans.lengths) - spans.lengths),
        "series must follow each other",
    )
    fits(spans.before == 0 and bool((spans.members < len(spans)).all()), "the series of a model are none of it")


def _series(series: Series) -> None:
    n, K = series.target.shape
    P, S, clock = series.past.shape[1], len(series.spans), series.clock
    fits(len(series.known) == len(series.past) == n == series.n_rows, "target and covariates differ in rows")
    fits(series.spans.ends.max() == len(clock), "the clock does not end with the last series")
    fits(len(series.target_names) == K > 0 and len(series.past_names) == P, "columns and their names differ in number")
    fits(len(series.known_names) == series.known.shape[1], "covariates and their names differ in number")
    fits(not series.one_dimensional or K == 1, "one column has several")
    fits(series.observed is None or series.observed.shape == (n, K + P), "what was observed has another shape")
    fits((series.observed is None) == (series.missing == "error"), "missing values are of no use")
    fits(len(series.n_before) == S and (S == 1 or series.ids is not None), "a panel has no names")
    fits(S == 1 or not clock.positional, "a panel has no labels")
    fits(series.ids is None or (len(series.ids) == S and series.ids.is_unique), "the names of series are not their own")
    fits(
        series.static is None or (series.ids is not None and series.static.index.equals(series.ids)),
        "static covariates are of other series",
    )
    fits(all(0 <= k < series.n_features for k in series.past_positions), "a past covariate is no column")
    fits(series.feature_names is None or len(series.feature_names) == series.n_features, "columns lack names")
    if series.ids is None:
        fits(len(clock) == n and series.spans.first[0] == 0, "the clock counts other rows")


DATA = (
    Form(Scaler, {"origin": double((1, 2)), "offset": double((1, 2)), "scale": double((1, 2))}, law=_scaler),
    Form(Identity, {}),
    Form(Log, {"floor": NOTHING | POSITIVE}),
    Form(BoxCox, {"power": double(1), "unit": double(1)}, law=_boxcox),
    Form(Transform, {"pointwise": POINTWISE, "lags": row(SIZE)}),
    Form(
        Clock,
        {
            "labels": some(pd.RangeIndex, pd.DatetimeIndex, pd.PeriodIndex),
            "step": some(BaseOffset) | SIZE,
            "positional": FLAG,
        },
        law=_clock,
    ),
    Form(
        Spans,
        {"starts": ROWS, "lengths": ROWS, "first": ROWS, "members": array("i", 1, low=-1), "before": COUNT},
        law=_spans,
    ),
    Form(
        Series,
        {
            "clock": one(Clock),
            "target": double(2),
            "known": double(2),
            "past": double(2),
            "target_names": listed(LABEL),
            "known_names": listed(TEXT),
            "past_names": listed(TEXT),
            "one_dimensional": FLAG,
            "feature_names": NOTHING | listed(TEXT),
            "n_features": COUNT,
            "target_is_x": FLAG,
            "spans": one(Spans),
            "past_positions": row(COUNT),
            "calendar": row(choice("minute_of_hour", "hour", "weekday", "month", "day_of_year")),
            "missing": choice("error", "mask", "interpolate"),
            "missing_values": row(NUMBER),
            "observed": NOTHING | array("b", 2),
            "n_before": array("i", 1),
            "ids": NOTHING | some(pd.Index),
            "static": NOTHING | one(pd.DataFrame),
        },
        law=_series,
    ),
)
