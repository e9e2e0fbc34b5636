"""What a backtest says besides errors: whether they differ by more than chance, and what they cost."""

import numpy as np
import pandas as pd
import pytest

from rnnforecast import LinearForecaster, NaiveForecaster
from rnnforecast.metrics import diebold_mariano
from tests.estimators.mirror import Mirror


@pytest.fixture
def noisy(rng):
    """A season that a regression averages over, where naive repeats the noise of one."""
    season = np.sin(2 * np.pi * np.arange(600) / 12)
    return pd.Series(season + 0.5 * rng.normal(size=600), pd.date_range("2000-01-01", periods=600, freq="D"), name="y")


def window_errors(backtest):
    """Mean absolute errors of forecast and seasonal naive, (n, 2)."""
    rows = backtest.forecasts
    each = [(rows[name] - rows["actual"]).abs() for name in ("forecast", "seasonal_naive")]
    return pd.concat(each, axis=1).groupby(rows["cutoff"]).mean().to_numpy().T


def test_windows_side_by_side_are_compared_as_independent(noisy):
    backtest = LinearForecaster(12).backtest(noisy, n_windows=20)
    statistic, p_value = diebold_mariano(*window_errors(backtest))
    assert backtest.diebold_mariano().loc["y"].to_list() == pytest.approx([statistic, p_value])
    assert statistic < 0


def test_windows_that_overlap_are_compared_as_correlated(noisy):
    backtest = LinearForecaster(12).backtest(noisy, n_windows=30, step=5)
    expected = diebold_mariano(*window_errors(backtest), horizon=3)  # a row is in up to three windows
    assert backtest.diebold_mariano().loc["y"].to_list() == pytest.approx(list(expected))


def test_each_target_is_compared_alone_and_holes_do_not_count(noisy):
    frame = pd.DataFrame({"a": noisy, "b": 100 * noisy.shift(3)}).iloc[3:]
    frame.iloc[-20:-4, 0] = np.nan
    backtest = LinearForecaster(4, missing="interpolate").backtest(frame, n_windows=10)
    table = backtest.diebold_mariano()
    assert list(table.index) == ["a", "b"]
    rows = backtest.forecasts.query("target == 'a'")
    assert rows["actual"].isna().sum() == 16
    each = [(rows[name] - rows["actual"]).abs() for name in ("forecast", "seasonal_naive")]
    means = pd.concat(each, axis=1).groupby(rows["cutoff"]).mean().dropna()
    assert len(means) == 6
    assert table.loc["a", "p_value"] == pytest.approx(diebold_mariano(*means.to_numpy().T).p_value)


def test_the_report_says_when_a_difference_may_be_chance(noisy):
    clear = LinearForecaster(12).backtest(noisy, n_windows=20)
    p_value = clear.diebold_mariano()["p_value"].item()
    assert p_value < 0.05
    assert f"Diebold-Mariano test against seasonal naive: p = {p_value:.2g}." in str(clear)
    assert "may be chance" not in str(clear)
    unclear = LinearForecaster(12).backtest(noisy[:200], n_windows=2)
    assert unclear.diebold_mariano()["p_value"].item() > 0.05
    assert unclear.table().loc["LinearForecaster", "skill"] > 0
    assert "The difference to seasonal naive is not significant: it may be chance." in str(unclear)
    assert "may be chance" in unclear._repr_html_()


def test_one_window_cannot_tell(noisy):
    backtest = LinearForecaster(12).backtest(noisy, n_windows=1)
    assert backtest.diebold_mariano().isna().all(axis=None)
    assert "Too few windows to tell skill over seasonal naive from chance" in str(backtest)
    assert "p =" not in str(backtest)


def test_a_forecast_that_is_the_reference_does_not_differ_from_it(noisy):
    backtest = NaiveForecaster(12).backtest(noisy, n_windows=5)
    assert backtest.diebold_mariano().loc["y"].to_list() == [0, 1]
    assert "No skill" in str(backtest)


def test_a_backtest_tells_what_it_cost(noisy):
    backtest = LinearForecaster(12).backtest(noisy, n_windows=3)
    fitted = LinearForecaster(12).fit(noisy[:-36])
    assert backtest.n_parameters == fitted.n_parameters_
    assert backtest.fit_seconds > 0
    assert backtest.windows_per_second > 0
    assert f"Learnt {fitted.n_parameters_:,} parameters in " in str(backtest)
    without = Mirror(12).backtest(noisy, n_windows=3)
    assert without.n_parameters is None
    assert "Learnt in " in str(without)


def test_series_of_a_panel_are_compared_in_their_own_units_and_in_order_of_time(noisy):
    def statistic(unit):
        panel = pd.concat({"long": noisy, "short": unit * noisy.iloc[5:-30]}, names=["id"])
        backtest = LinearForecaster(12).backtest(panel, n_windows=8)
        assert backtest.by_cutoff().index.is_monotonic_increasing
        return backtest.diebold_mariano()["statistic"].item()

    assert statistic(1e6) == pytest.approx(statistic(1.0), rel=1e-6)  # the fit itself rounds in other units
