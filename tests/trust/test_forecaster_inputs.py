"""Bad and unusual inputs: each gets its plain equivalent's answer, or one sentence that names place and remedy."""

from __future__ import annotations

import warnings
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from rnnforecast import LinearForecaster, NaiveForecaster, RNNForecaster
from tests.estimators.mirror import Mirror

QUICK = RNNForecaster(hidden_layer_sizes=(4,), n_estimators=1, max_iter=2, random_state=0)
FORECASTERS = [Mirror(), NaiveForecaster(), LinearForecaster(), QUICK]

N = 60
VALUES = np.round(20.0 + 5.0 * np.sin(2 * np.pi * np.arange(N) / 7) + np.random.default_rng(0).normal(size=N))
DAYS = pd.date_range("2024-01-01", periods=N, freq="D")
HOURS = pd.date_range("2024-01-01", periods=N, freq="h")
X = pd.DataFrame({"a": np.arange(N) % 5, "b": np.arange(N) / 10.0}, index=DAYS)
Y = pd.Series(VALUES, index=DAYS, name="y")


@pytest.fixture(params=FORECASTERS, ids=repr)
def forecaster(request):
    return clone(request.param)


class Tensor:
    """What other libraries call a tensor."""

    def __init__(self, values, *, readable=True):
        self.values, self.readable = values, readable

    def __array__(self, dtype=None, copy=None):
        if not self.readable:
            raise TypeError("can't convert a device tensor to numpy")
        return np.array(self.values, dtype=dtype)


def replaced(data, rows, value=np.nan):
    """Return a copy with other values in some rows."""
    data = data.astype(float)
    data.iloc[rows] = value
    return data


# Containers and dtypes that are as good as an array

EQUIVALENT = {
    "list": VALUES.tolist(),
    "tuple": tuple(VALUES),
    "range-like": pd.Index(VALUES),
    "read-only": np.require(VALUES.copy(), requirements=["O"]),
    "negative stride": VALUES[::-1].copy()[::-1],
    "not contiguous": np.column_stack([VALUES, VALUES])[:, 0],
    "big-endian": VALUES.astype(">f8"),
    "float16": VALUES.astype(np.float16),
    "int8": VALUES.astype(np.int8),
    "uint64": VALUES.astype(np.uint64),
    "object": VALUES.astype(object),
    "decimals": [Decimal(int(value)) for value in VALUES],
    "fractions": [Fraction(int(value)) for value in VALUES],
    "nullable integers": pd.Series(VALUES.astype(int), dtype="Int64"),
    "nullable floats": pd.Series(VALUES, dtype="Float64"),
    "sparse column": pd.Series(VALUES, dtype=pd.SparseDtype(float)),
    "masked, nothing masked": np.ma.MaskedArray(VALUES),
    "tensor": Tensor(VALUES),
}
EQUIVALENT["read-only"].flags.writeable = False


@pytest.mark.parametrize("data", EQUIVALENT.values(), ids=EQUIVALENT)
def test_whatever_holds_the_same_numbers_gets_the_same_forecast(forecaster, data):
    expected = forecaster.fit(VALUES).forecast(5).to_numpy()
    np.testing.assert_array_equal(clone(forecaster).fit(data).forecast(5).to_numpy(), expected)


def test_truth_values_count_as_zero_and_one(forecaster):
    truths = VALUES.mean() < VALUES
    expected = forecaster.fit(truths.astype(float)).forecast(3)
    pd.testing.assert_series_equal(clone(forecaster).fit(truths).forecast(3), expected)
    nullable = pd.Series(truths, dtype="boolean")
    np.testing.assert_array_equal(clone(forecaster).fit(nullable).forecast(3), expected)


def test_counts_are_forecast_as_floats(forecaster):
    assert forecaster.fit(Y.astype(int)).forecast().dtype == np.float64


# Data that are no series of numbers: what comes to fit, and what it answers

REFUSED_TARGETS = {
    "none": (None, TypeError, "got None"),
    "scalar": (3.0, TypeError, "sequence or an array of numbers, got float"),
    "string": ("123", TypeError, "got str"),
    "dict": ({"a": VALUES}, TypeError, "got dict"),
    "set": ({1.0, 2.0, 3.0}, TypeError, "got set"),
    "generator": ((value for value in VALUES), TypeError, "got generator"),
    "empty list": ([], ValueError, r"0 sample\(s\)"),
    "empty array": (np.empty(0), ValueError, r"0 sample\(s\)"),
    "empty series": (pd.Series([], dtype=float), ValueError, r"0 sample\(s\)"),
    "empty frame": (pd.DataFrame(), ValueError, r"0 sample\(s\)"),
    "dict elements": ([{"a": 1}] * N, TypeError, "'dict' at row 0"),
    "numeric strings": (["1", "2", "3"] * 20, ValueError, "string '1' at row 0.*pd.to_numeric"),
    "decimal comma": ([1.0, 2.0, "1,5", 4.0] * 5, ValueError, "string '1,5' at row 2"),
    "categories": (pd.Series(pd.Categorical(VALUES)), ValueError, "got categories"),
    "complex": (VALUES + 1j, ValueError, "Complex data not supported"),
    "dates": (DAYS.to_series(), TypeError, "got dates or durations"),
    "durations": ((DAYS - DAYS[0]).to_numpy(), TypeError, "got dates or durations"),
    "sparse": (scipy.sparse.csr_array(VALUES[:, None]), TypeError, "Sparse data was passed"),
    "matrix": (np.matrix(VALUES), TypeError, "np.matrix is not supported"),
    "structured": (np.zeros(N, dtype=[("a", float)]), TypeError, "structured array"),
    "0-d": (np.array(3.0), TypeError, "sequence or an array of numbers"),
    "3-d": (np.zeros((N, 2, 2)), ValueError, "dim 3"),
    "4-d": (np.zeros((N, 2, 2, 2)), ValueError, "dim 4"),
    "ragged": ([[1.0], [1.0, 2.0]] * 10, ValueError, "equal length, got lengths 1, 2"),
    "tensor elsewhere": (Tensor(VALUES, readable=False), TypeError, "cannot be read as an array"),
    "2-d array": (VALUES[:, None], ValueError, "requires y to be passed, but the target y is None"),
    "masked": (np.ma.MaskedArray(VALUES, mask=VALUES > 24), ValueError, "NaN"),
    "missing integers": (pd.Series([1, 2, None, 4] * 9, dtype="Int64"), ValueError, "NaN.*missing="),
    "a mix of missing": (pd.Series([1.0, pd.NA, None, pd.NaT, np.nan, 2.0] * 5, dtype=object), ValueError, "NaN"),
    "one NaN": (replaced(Y, [17]), ValueError, r"NaN.*2024-01-18.*missing=.interpolate"),
    "all NaN": (replaced(Y, slice(None)), ValueError, "NaN"),
    "NaN at the start": (replaced(Y, [0, 1]), ValueError, "NaN"),
    "NaN at the end": (replaced(Y, [N - 1]), ValueError, "NaN"),
    "infinity": (replaced(Y, 5, np.inf), ValueError, "infinity.*2024-01-06"),
    "minus infinity": (replaced(Y, 5, -np.inf), ValueError, "infinity"),
    "repeated columns": (pd.DataFrame(np.ones((N, 2)), index=DAYS, columns=["a", "a"]), ValueError, "a more than once"),
    "no columns": (pd.DataFrame(index=DAYS), ValueError, "the target y is None"),
    "unsorted": (Y.iloc[::-1], ValueError, "must be sorted.*sort_index"),
    "repeated labels": (pd.concat([Y, Y[-3:]]).sort_index(), ValueError, r"repeats 3 labels \(first: 2024-02-27, 2024"),
    "holes": (Y.drop(DAYS[[10, 11]]), ValueError, "2024-01-11.*missing="),
    "two stamps": (pd.Series([1.0, 2.0], index=pd.to_datetime(["2024-01-01", "2024-01-02"])), ValueError, "pass freq="),
    "no common step": (pd.Series(1.0, index=DAYS + pd.to_timedelta(np.arange(N) ** 2, "min")), ValueError, "freq="),
    "hour that comes twice": (
        pd.Series(1.0, index=pd.date_range("2024-10-26", periods=N, freq="h", tz="Europe/Berlin").tz_localize(None)),
        ValueError,
        "tz_localize",
    ),
    "strings as labels": (pd.Series(VALUES, index=DAYS.strftime("%d.%m.%Y")), ValueError, "pd.to_datetime"),
    "NaT as label": (pd.Series(VALUES, index=DAYS.insert(3, pd.NaT).delete(4)), ValueError, "NaT"),
    "floats as labels": (pd.Series(VALUES, index=np.arange(N) / 10), ValueError, "got floats"),
    "three levels": (
        pd.Series(VALUES, index=pd.MultiIndex.from_product([["a", "b"], ["c"], DAYS[:30]])),
        ValueError,
        "must have two levels",
    ),
    "30th of each month": (
        pd.Series(VALUES[:5], index=pd.to_datetime([f"2023-0{month}-30" for month in range(3, 8)])),
        ValueError,
        "freq=",
    ),
    "beyond float64's reach": (Y * 1e305, ValueError, "too large"),
}


@pytest.mark.parametrize(("target", "kind", "message"), REFUSED_TARGETS.values(), ids=REFUSED_TARGETS)
def test_a_target_that_is_no_series_is_refused(forecaster, target, kind, message):
    with pytest.raises(kind, match=message) as caught:
        forecaster.fit(target)
    assert type(caught.value) is kind
    with pytest.raises(NotFittedError):
        forecaster.forecast()


REFUSED_PAIRS = {
    "1-d X": (X["a"].to_numpy(), Y, "Reshape your data"),
    "3-d X": (np.zeros((N, 2, 2)), Y, "dim 3"),
    "no features": (np.empty((N, 0)), VALUES, r"0 feature\(s\)"),
    "lengths": (X[:-1], VALUES, r"inconsistent numbers of samples: \[59, 60\]"),
    "indexes": (X, Y.set_axis(DAYS + pd.Timedelta(days=1)), "must have the same index, but row 0"),
    "NaN in X": (replaced(X, 4), Y, r"X contains NaN.*2024-01-05"),
    "infinity in X": (replaced(X, 4, np.inf), Y, "X contains infinity"),
    "categories in X": (X.assign(a=pd.Categorical(X["a"])), Y, "column 'a'.* must hold numbers, got categories"),
    "strings in X": (X.assign(a="yes"), Y, "got the string 'yes'"),
    "repeated columns in X": (X.set_axis(["a", "a"], axis=1), Y, "a more than once"),
    "empty y": (X, Y.to_frame()[[]], "at least one column"),
}


@pytest.mark.parametrize(("features", "target", "message"), REFUSED_PAIRS.values(), ids=REFUSED_PAIRS)
def test_features_that_do_not_belong_to_the_target_are_refused(forecaster, features, target, message):
    with pytest.raises(ValueError, match=message):
        forecaster.fit(features, target)


def test_precision_that_is_lost_is_said(forecaster):
    with pytest.warns(UserWarning, match="beyond 2\\*\\*53"):
        forecaster.fit(np.arange(N) + 2**60)


# Values that are extreme and still a series

EXTREME = {
    "constant": np.full(N, 7.0),
    "zeros": np.zeros(N),
    "jump": np.repeat([1.0, 100.0], N // 2),
    "tiny variance on a huge mean": 1e9 + 1e-6 * VALUES,
    "1e300": VALUES * 1e298,
    "beyond float32": VALUES * 1e38,
    "subnormal": VALUES * 1e-311,
    "one outlier": np.where(np.arange(N) == 30, 1e18, VALUES),
    "sentinel": np.where(np.arange(N) == 30, -999.0, VALUES),
}


@pytest.mark.parametrize("values", EXTREME.values(), ids=EXTREME)
def test_extreme_values_are_forecast_finitely_and_silently(forecaster, values):
    series = pd.Series(values, index=DAYS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted = forecaster.set_params(horizon=3).fit(series)
        assert np.isfinite(fitted.forecast(10)).all()
        assert np.isfinite(fitted.predict(series)).all()


@pytest.mark.parametrize("level", [0.0, 7.0, -1e-300, 1e12])
def test_a_constant_is_forecast_as_itself(forecaster, level):
    np.testing.assert_array_equal(forecaster.fit(pd.Series(level, index=DAYS)).forecast(4), np.full(4, level))


# Lengths and horizons


def test_one_row_is_too_few_or_enough(forecaster):
    one = pd.Series([3.0], index=DAYS[:1].copy())
    try:
        fitted = forecaster.set_params(freq="D").fit(one)
    except ValueError as error:
        assert "at least" in str(error) and "got 1" in str(error)  # noqa: PT017, PT018 - either is right
    else:
        assert fitted.forecast().to_list() == [3.0]


def test_a_series_too_short_says_how_many_rows_are_needed():
    with pytest.raises(ValueError, match="needs at least 44 rows to learn from, got 30"):
        LinearForecaster(14, lookback=30).fit(Y[:30])


@pytest.mark.parametrize("horizon", [0, -1, 2.0, True, np.True_, "24", None, 10**7, np.nan])
def test_a_horizon_is_a_positive_integer(forecaster, horizon):
    with pytest.raises(ValueError, match="'horizon' parameter of") as caught:
        forecaster.set_params(horizon=horizon).fit(Y)
    assert type(caught.value).__name__ == "InvalidParameterError"


@pytest.mark.parametrize("h", [0, -3, 2.5, True, "3", 10**7])
def test_so_is_the_number_of_steps(forecaster, h):
    fitted = forecaster.fit(Y)
    with pytest.raises(ValueError, match="h must be an integer from 1 to 1000000"):
        fitted.forecast(h)


def test_a_row_a_thousand_years_ahead_is_refused():
    fitted = Mirror().fit(pd.Series(VALUES, index=HOURS.as_unit("s")))
    with pytest.raises(ValueError, match="not reach further than 1000000 steps ahead"):
        fitted.predict(pd.Series([0.0], index=pd.DatetimeIndex(np.array(["3024-01-01"], "M8[s]"))))


def test_numpy_integers_are_integers(forecaster):
    assert len(forecaster.set_params(horizon=np.int64(4)).fit(Y).forecast()) == 4


def test_parameters_are_judged_by_fit_and_before_the_data(forecaster):
    wrong = type(forecaster)(missing="guess")
    with pytest.raises(ValueError, match="'missing' parameter of"):
        wrong.fit(None)


# Labels


@pytest.mark.parametrize("unit", ["s", "us", "ns"])
def test_the_resolution_of_labels_does_not_matter(forecaster, unit):
    expected = forecaster.fit(Y).forecast(3)
    forecast = clone(forecaster).fit(Y.set_axis(DAYS.as_unit(unit))).forecast(3)
    np.testing.assert_array_equal(forecast.to_numpy(), expected.to_numpy())
    assert list(forecast.index) == list(expected.index)


def test_a_frequency_that_disagrees_is_refused(forecaster):
    with pytest.raises(ValueError, match="freq"):
        forecaster.set_params(freq="W-SUN").fit(Y)
    with pytest.raises(ValueError, match="freq='ME'"):
        forecaster.set_params(freq="M").fit(Y)


def test_another_time_zone_or_grid_is_refused_in_predict(forecaster):
    fitted = forecaster.fit(Y.tz_localize("UTC"))
    with pytest.raises(ValueError, match=r"time zone UTC.* None.*tz_localize"):
        fitted.predict(Y)
    with pytest.raises(ValueError, match=r"2024-01-01 12:00.* is not on the time axis"):
        fitted.predict(Y.tz_localize("UTC").shift(freq="12h"))


def test_rows_in_disorder_are_refused_in_predict(forecaster):
    with pytest.raises(ValueError, match="must be sorted"):
        forecaster.fit(Y[:50]).predict(Y[50:][::-1])


def test_year_3000_is_a_year(forecaster):
    late = pd.Series(VALUES, index=pd.date_range("2999-12-01", periods=N, freq="D", unit="s"))
    assert forecaster.fit(late).forecast().index[0] == pd.Timestamp("3000-01-30")


# Columns and rows given to predict and forecast


def test_columns_other_than_those_of_fit_are_refused(forecaster):
    fitted = forecaster.fit(X[:50], Y[:50])
    for method in (fitted.predict, lambda ahead: fitted.forecast(X=ahead)):
        with pytest.raises(ValueError, match=r"c"):
            method(X[50:].rename(columns={"b": "c"}))
        with pytest.raises(ValueError, match=r"X has 1 features, but \w+ is expecting 2 features"):
            method(X[50:][["a"]].to_numpy())
        with pytest.raises(ValueError, match="NaN"):
            method(replaced(X[50:], 2))
    np.testing.assert_array_equal(fitted.predict(X[50:][["b", "a"]]), fitted.predict(X[50:]))
    with pytest.raises(ValueError, match=r"a, b of all 12 steps.* 2 of them are missing \(2024-03-01, 2024-03-02\)"):
        fitted.forecast(12, X[50:])
    with pytest.raises(ValueError, match="Reshape your data"):
        fitted.predict(X["a"].to_numpy())


def test_nothing_is_answered_before_fit(forecaster):
    for method in (forecaster.predict, forecaster.update, forecaster.score):
        with pytest.raises(NotFittedError):
            method(Y)
    with pytest.raises(NotFittedError):
        forecaster.forecast()


def test_update_refuses_what_fit_refuses(forecaster):
    fitted = forecaster.fit(Y[:50])
    with pytest.raises(ValueError, match="NaN"):
        fitted.update(replaced(Y[50:], 5))
    with pytest.raises(ValueError, match="X_new must be None"):
        fitted.update(Y[50:], X[50:])
    with pytest.raises(ValueError, match="must continue the series at 2024-02-20"):
        fitted.update(Y[45:])
    assert fitted.cutoff_ == DAYS[49]


def test_holes_are_filled_when_asked_for(forecaster):
    holed = Y.drop(DAYS[[10, 11, 40]])
    fitted = forecaster.set_params(missing="interpolate").fit(holed)
    whole = holed.reindex(DAYS).interpolate()
    pd.testing.assert_series_equal(fitted.forecast(4), clone(forecaster).fit(whole).forecast(4))


def test_values_that_have_no_logarithm_are_refused_when_one_is_asked_for():
    with pytest.raises(ValueError, match="positive"):
        LinearForecaster(target_transform="log").fit(Y - 25.0)
