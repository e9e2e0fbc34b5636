"""Rows as steps in time: any labels that do not go back, and nothing else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from rnnforecast.series import read_steps


def test_labels_may_be_irregular_and_repeat():
    index = pd.DatetimeIndex(["2024-01-01", "2024-01-03", "2024-01-03", "2024-02-01"])
    steps = read_steps(pd.Series([1.0, 2.0, np.nan, 4.0], index=index))
    np.testing.assert_array_equal(steps.table.values[:, 0], [1.0, 2.0, np.nan, 4.0])
    pd.testing.assert_index_equal(steps.index, index)


def test_arrays_are_numbered():
    steps = read_steps(np.ones((3, 2)))
    pd.testing.assert_index_equal(steps.index, pd.RangeIndex(3))
    assert not steps.follow(-1)  # numbers of rows say nothing of when they were


def test_labels_tell_whether_rows_follow():
    series = pd.Series([1.0, 2.0], index=pd.date_range("2024-01-02", periods=2))
    assert read_steps(series).follow(pd.Timestamp("2024-01-01"))
    assert not read_steps(series).follow(pd.Timestamp("2024-01-02"))
    assert not read_steps(series).follow(3)
    assert not read_steps(series).follow(None)


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (pd.Series([1.0, 2.0, 3.0], index=[0, 2, 1]), ValueError, "order of time, but 1 comes after 2.*sort_index"),
        (pd.Series([1.0, 2.0], index=["a", "b"]), ValueError, "not time stamps"),
        (pd.Series([1.0, np.inf]), ValueError, "infinity"),
        (pd.DataFrame(index=range(3)), ValueError, "at least one column"),
        (np.ones(3), ValueError, "Reshape your data"),
        (pd.Series(["1", "2"]), ValueError, "string"),
    ],
)
def test_what_is_no_table_in_the_order_of_time_is_refused(X, error, message):
    with pytest.raises(error, match=message):
        read_steps(X)


def test_the_input_is_left_alone():
    series = pd.Series([1.0, 2.0])
    read_steps(series).table.values[0, 0] = 9.0
    assert series[0] == 1.0
