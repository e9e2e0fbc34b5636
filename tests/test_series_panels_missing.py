"""Panels with holes: each series is read, filled, cut and continued as it would be alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from rnnforecast.series import read, read_more
from rnnforecast.series.gaps import carried, interpolate

HOURS = pd.date_range("2024-01-01", periods=60, freq="h")
POLICIES = ["mask", "interpolate"]


def holed(seed: int, n: int = 60) -> pd.DataFrame:
    """Columns with holes, of which the second starts late and the first ends early."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(n, 2)), HOURS[:n], ["a", "b"])
    frame = frame.mask(rng.random(frame.shape) < 0.2)
    frame.iloc[0, 0] = 1.0
    frame.iloc[: 2 + seed, 1] = frame.iloc[-2 - seed :, 0] = np.nan
    return frame


PARTS = {"x": holed(0), "y": holed(1, 33), "z": holed(2)}


@pytest.mark.parametrize("missing", POLICIES)
def test_each_series_of_a_panel_is_read_as_alone(missing: str) -> None:
    panel = read(pd.concat(PARTS), missing=missing)
    for k, part in enumerate(PARTS.values()):
        alone, rows = read(part, missing=missing), slice(panel.spans.starts[k], panel.spans.stops[k])
        np.testing.assert_array_equal(panel.target[rows], alone.target)
        assert panel.observed is not None
        assert alone.observed is not None
        np.testing.assert_array_equal(panel.observed[rows], alone.observed)
        assert panel.n_before[k] == alone.n_before[0]


@pytest.mark.parametrize("fill", [carried, interpolate])
def test_series_one_after_the_other_are_filled_as_each_alone(fill: Any) -> None:
    values = [part.to_numpy().copy() for part in PARTS.values()]
    starts = np.array([0, 60, 93])
    together = fill(np.concatenate(values), ["a", "b"], "y", starts)
    np.testing.assert_array_equal(together, np.concatenate([fill(part, ["a", "b"], "y") for part in values]))
    values[1][:, 1] = np.nan
    with pytest.raises(ValueError, match="every value in column 'b' is missing in a series"):
        fill(np.concatenate(values), ["a", "b"], "y", starts)


def test_what_was_observed_goes_with_the_rows() -> None:
    panel = read(pd.concat(PARTS), missing="mask")
    assert panel.observed is not None
    head = panel.head(np.array([10, 4, 20]))
    spaced = panel.spaced(5, 3)
    assert head.observed is not None
    assert spaced.observed is not None
    starts = panel.spans.starts
    expected = [panel.observed[begin : begin + n] for begin, n in zip(starts, [10, 4, 20], strict=True)]
    np.testing.assert_array_equal(head.observed, np.concatenate(expected))
    np.testing.assert_array_equal(spaced.observed[spaced.spans.inside()], panel.observed)
    np.testing.assert_array_equal(
        spaced.observed[spaced.spans.starts[1] - 5 : spaced.spans.starts[1]], np.tile(panel.observed[starts[1]], (5, 1))
    )


@pytest.mark.parametrize("missing", POLICIES)
@pytest.mark.parametrize("cut", [12, 20, 31])
def test_reading_on_equals_reading_the_whole_wherever_it_is_cut(missing: str, cut: int) -> None:
    whole = pd.concat(PARTS)
    whole.loc[(slice(None), HOURS[0]), :] = 1.0  # both columns begin with the series
    panel = read(whole, missing=missing)
    head = whole.groupby(level=0).head(cut)
    more = read_more(read(head, missing=missing), whole.drop(head.index).sort_index(level=1))
    np.testing.assert_array_equal(more.target, panel.target)
    np.testing.assert_array_equal(more.observed, panel.observed)  # type: ignore[arg-type]


def test_sentinels_of_a_panel_are_missing_values_and_the_input_is_left_alone() -> None:
    whole = pd.concat(PARTS)
    coded = whole.fillna(-999.0)
    before = coded.copy()
    series = read(coded, missing="mask", missing_values=-999)
    np.testing.assert_array_equal(series.target, read(whole, missing="mask").target)
    pd.testing.assert_frame_equal(coded, before)


def test_past_covariates_that_a_series_lacks_are_named_with_it() -> None:
    whole = pd.concat(PARTS)
    X = pd.DataFrame({"price": 1.0}, index=whole.index)
    X.loc["y"] = np.nan
    with pytest.raises(ValueError, match="every value in column 'price' is missing in the series 'y'"):
        read(X, whole, past_covariates=["price"], missing="mask")


def test_known_covariates_with_holes_are_named_by_series_and_time() -> None:
    whole = pd.concat(PARTS)
    X = pd.DataFrame({"price": 1.0}, index=whole.index)
    X.loc[("y", HOURS[3]), "price"] = np.nan
    with pytest.raises(ValueError, match="it lacks 1 of 153 values, first at row 2024-01-01 03:00:00 of series 'y'"):
        read(X, whole, missing="mask")
    X = X.fillna(1.0)
    later = pd.concat({"x": pd.DataFrame({"a": 1.0, "b": 2.0}, pd.date_range(HOURS[-1], periods=4, freq="h")[1:])})
    X_new = pd.DataFrame({"price": [1.0, np.nan, 1.0]}, index=later.index)
    with pytest.raises(ValueError, match=r"X_new must hold .* row 2024-01-03 13:00:00 of series 'x'"):
        read_more(read(X, whole, missing="mask"), later, X_new)
