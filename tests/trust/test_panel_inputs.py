"""What is no panel is refused by every forecaster, by name of the series, row and remedy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from tests.trust.cases import DAYS
from tests.trust.doors import FORECASTERS


def panel(names, start=0, stop=30):
    """Days `start` to `stop` of some series."""
    rows = pd.MultiIndex.from_product([names, DAYS[start:stop]], names=["shop", "day"])
    return pd.Series(10 + np.random.default_rng(0).normal(size=len(rows)), rows, name="sold")


GOOD, LATER = panel(["a", "b"]), panel(["a", "b"], 30, 32)
SHOPS, TIMES = (GOOD.index.get_level_values(k) for k in (0, 1))


def labelled(shops=SHOPS, times=TIMES):
    return GOOD.set_axis(pd.MultiIndex.from_arrays([shops, times], names=["shop", "day"]))


NO_PANELS = {
    "repeated": (
        pd.concat([GOOD, GOOD[:2]]),
        r"repeats 2 labels of series and time \(first: 2024-01-01.* 'a'.*groupby",
    ),
    "a name is missing": (panel(["a", None]), "NaN for the name of the series in 30 rows .first: row 30.; drop"),
    "a name is missing in the level": (pd.concat([GOOD.loc["a"], GOOD.loc["b"]], keys=[None, "b"]), "NaN for the name"),
    "a time is missing": (
        labelled(times=TIMES.where(np.arange(60) != 5)),
        r"NaN for the time in 1 rows \(first: row 5",
    ),
    "names of several kinds": (panel(["a", 1]), "all strings, or all numbers.* got int and str; convert"),
    "one row": (pd.concat([panel(["a"]), panel(["b"], 0, 1)]), r"needs at least \d+ rows of each series .* of 'b'"),
    "levels swapped": (GOOD.swaplevel(), r"the levels series and time, got dates and strings; .*swaplevel\(\)"),
    "times as strings": (
        labelled(times=TIMES.astype(str)),
        "second level .* got strings; convert it with pd.to_datetime",
    ),
    "three levels": (pd.concat({"x": GOOD}), "must have two levels, series and time, got 3"),
    "a hole": (GOOD.drop(GOOD.index[5]), "1 rows are missing within the series 'a'.*2024-01-06.*missing="),
    "shuffled": (GOOD.sample(frac=1.0, random_state=0), r"must be in time order, but .* of series '.'.*sort_index"),
    "NaN": (GOOD.where(GOOD.index != GOOD.index[5]), "NaN: 1 of 60 values, first at row 2024-01-06.* 'a'.*missing="),
    "infinity": (GOOD.where(GOOD.index != GOOD.index[5], np.inf), "infinity.* first at row 2024-01-06.* 'a'"),
}


@pytest.fixture(params=FORECASTERS.values(), ids=FORECASTERS)
def forecaster(request):
    return clone(request.param)


@pytest.mark.parametrize(("data", "message"), NO_PANELS.values(), ids=NO_PANELS)
def test_what_is_no_panel_is_refused(forecaster, data, message):
    for attempt in (forecaster.fit, forecaster.backtest):
        if attempt == forecaster.backtest and "at least" in message:
            continue  # its sentence speaks of windows
        with pytest.raises(ValueError, match=f"(?s){message}") as caught:
            attempt(data)
        assert type(caught.value) is ValueError
    assert not hasattr(forecaster, "cutoff_")


NOT_ITS_ROWS = {
    "unseen": (panel(["z"], 30, 32), "series that were not in the data of fit: 'z'"),
    "many unseen": (panel(list("pqrstuv"), 30, 32), r"not in the data of fit: 'p', 'q', 'r', 's', 't', \.\.\."),
    "no name": (LATER.loc["a"], r"must have a MultiIndex \(series, time\)"),
    "no labels": ([1.0, 2.0], r"must have a MultiIndex \(series, time\)"),
    "a name is missing": (panel(["a", None], 30, 32), "NaN for the name of the series in 2 rows"),
    "repeated": (pd.concat([LATER, LATER]), "repeats 4 labels of series and time"),
}


@pytest.mark.parametrize(("data", "message"), NOT_ITS_ROWS.values(), ids=NOT_ITS_ROWS)
def test_rows_that_are_not_those_of_the_panel_are_refused(forecaster, data, message):
    fitted = forecaster.fit(GOOD)
    before = fitted.forecast()
    for attempt in (fitted.update, fitted.predict, fitted.predict_quantiles, fitted.score):
        with pytest.raises(ValueError, match=message):
            attempt(data)
    pd.testing.assert_series_equal(fitted.forecast(), before)


def test_rows_after_a_gap_are_no_continuation(forecaster):
    with pytest.raises(ValueError, match="'a' goes on at 2024-01-31, got 2024-02-01"):
        forecaster.fit(GOOD).update(panel(["a"], 31, 32))


def test_covariates_are_needed_of_every_series_and_step(forecaster):
    fitted = forecaster.fit(pd.DataFrame({"c": np.arange(60) % 7.0}, GOOD.index), GOOD)
    ahead = pd.DataFrame({"c": 1.0}, LATER.index)
    assert len(fitted.forecast(2, ahead)) == 4
    for X, h, message in (
        (ahead.loc[["a"]], 2, "2 of them are missing .2024-01-31 00:00:00 of series 'b'"),
        (ahead, 3, "2 of them are missing .2024-02-02 00:00:00 of series 'a'"),
        (None, 2, "4 of them are missing"),
        (ahead.assign(d=1.0), 2, "unseen at fit time:\n- d"),
        (ahead.rename(columns={"c": "d"}), 2, "yet now missing:\n- c"),
        (ahead.assign(c=[1.0, np.nan, 1.0, 1.0]), 2, "NaN: 1 of 4 values, first at row 2024-02-01"),
    ):
        with pytest.raises(ValueError, match=message):
            fitted.forecast(h, X)
