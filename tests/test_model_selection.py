"""The rolling-origin splitter."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score

from rnnforecast.model_selection import RollingOriginSplit


def splits(splitter, X, y=None):
    return [(train.tolist(), test.tolist()) for train, test in splitter.split(X, y)]


def test_an_expanding_split_by_hand():
    assert splits(RollingOriginSplit(2, 2), range(7)) == [([0, 1, 2], [3, 4]), ([0, 1, 2, 3, 4], [5, 6])]


def test_a_sliding_split_with_gap_and_step_by_hand():
    splitter = RollingOriginSplit(horizon=2, n_windows=3, step=1, gap=1, window=2)
    assert splits(splitter, range(8)) == [([1, 2], [4, 5]), ([2, 3], [5, 6]), ([3, 4], [6, 7])]


@pytest.mark.parametrize("seed", range(20))
def test_every_split_trains_before_it_tests_and_the_last_ends_at_the_end(seed):
    rng = np.random.default_rng(seed)
    horizon, n_windows, step = rng.integers(1, 5, 3)
    gap = int(rng.integers(0, 4))
    window = rng.choice([None, int(rng.integers(1, 6))])
    n = horizon + (n_windows - 1) * step + gap + (window or 1) + int(rng.integers(0, 10))
    splitter = RollingOriginSplit(horizon, n_windows, step, gap, window)
    blocks = list(splitter.split(np.zeros(n)))
    assert len(blocks) == splitter.get_n_splits() == n_windows
    for train, test in blocks:
        assert test[0] - train[-1] == gap + 1
        assert len(test) == horizon
        assert len(train) == (window or test[0] - gap)
    starts = [test[0] for _, test in blocks]
    assert np.all(np.diff(starts) == step)
    assert blocks[-1][1][-1] == n - 1


def test_the_smallest_number_of_rows_is_enough_and_one_less_is_named():
    splitter = RollingOriginSplit(horizon=3, n_windows=2, gap=1, window=4)
    assert len(splits(splitter, np.zeros(11))) == 2
    with pytest.raises(ValueError, match=r"horizon=3.* needs at least 11 time steps, got 10; lower n_windows"):
        splits(splitter, np.zeros(10))
    with pytest.raises(ValueError, match="got 0"):
        splits(splitter, [])


def test_a_panel_is_cut_in_time_whatever_the_order_of_its_rows():
    days = pd.date_range("2024-01-01", periods=6)
    rows = [("a", day) for day in days] + [("b", day) for day in days[2:]]
    panel = pd.DataFrame({"x": 0.0}, index=pd.MultiIndex.from_tuples(rows)).sample(frac=1, random_state=0)
    ((train, test),) = RollingOriginSplit(horizon=2, n_windows=1).split(panel)
    times = panel.index.get_level_values(-1)
    assert set(times[train]) == set(days[:4])
    assert sorted(times[test]) == [days[4]] * 2 + [days[5]] * 2
    assert len(train) + len(test) == len(panel)
    np.testing.assert_array_equal(next(RollingOriginSplit(2, 1).split(None, panel["x"]))[1], test)


def test_series_of_a_panel_are_tested_once_they_have_rows_to_train_on():
    rows = [("a", step) for step in range(6)] + [("b", step) for step in range(3, 6)]
    index = pd.MultiIndex.from_tuples(rows)
    found = [(train.tolist(), test.tolist()) for train, test in RollingOriginSplit(1, 3).split(pd.Series(0.0, index))]
    assert found == [([0, 1, 2], [3]), ([0, 1, 2, 3, 6], [4, 7]), ([0, 1, 2, 3, 4, 6, 7], [5, 8])]


def test_a_panel_is_not_cut_between_its_series():
    index = pd.MultiIndex.from_product([pd.date_range("2024-01-01", periods=9), [1, 2]])
    with pytest.raises(ValueError, match=r"levels series and time, got dates and integers.*X\.swaplevel\(\)"):
        splits(RollingOriginSplit(1, 1), pd.Series(0.0, index))


def test_rows_out_of_time_order_are_refused():
    backwards = pd.Series(0.0, index=pd.date_range("2024-01-01", periods=9)[::-1])
    with pytest.raises(ValueError, match=r"time order.*sort_index"):
        splits(RollingOriginSplit(1, 2), backwards)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"horizon": 0}, "horizon must be an integer of at least 1, got 0"),
        ({"n_windows": 1.5}, "n_windows must be an integer of at least 1, got 1.5"),
        ({"step": -1}, "step must be an integer of at least 1, got -1"),
        ({"gap": -1}, "gap must be an integer of at least 0, got -1"),
        ({"window": True}, "window must be an integer of at least 1, got True"),
    ],
)
def test_parameters_out_of_range_are_named(parameters, message):
    with pytest.raises(ValueError, match=message):
        splits(RollingOriginSplit(**parameters), np.zeros(50))


def test_a_split_of_nothing_is_refused():
    with pytest.raises(TypeError, match="needs X or y with one row per time step, got None"):
        splits(RollingOriginSplit(1), None)


def test_works_as_cv_of_scikit_learn():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.standard_normal((40, 2)), columns=["a", "b"])
    y = X @ [1.0, 2.0]
    splitter = RollingOriginSplit(horizon=4, n_windows=3)
    by_hand = [clone(Ridge()).fit(X.iloc[a], y.iloc[a]).score(X.iloc[b], y.iloc[b]) for a, b in splitter.split(X)]
    np.testing.assert_array_equal(cross_val_score(Ridge(), X, y, cv=splitter), by_hand)
    search = GridSearchCV(Ridge(), {"alpha": [100.0, 0.01]}, cv=splitter).fit(X, y)
    assert search.best_params_ == {"alpha": 0.01}
    assert search.n_splits_ == 3


def test_repr_shows_the_parameters():
    assert repr(RollingOriginSplit(24)) == "RollingOriginSplit(gap=0, horizon=24, n_windows=5, step=None, window=None)"
