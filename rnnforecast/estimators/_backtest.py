"""The record of a backtest: forecasts beside the truth and seasonal naive, and the errors they add up to."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnnforecast.metrics import coverage, crps_quantiles, interval_score

_NAIVE = "seasonal naive"


@dataclass(frozen=True, eq=False)
class Backtest:
    """Forecasts from several origins, the truth, and seasonal naive for the same rows.

    ``print(backtest)`` shows `table` and says so in words when the forecaster is no better than seasonal naive.

    Attributes
    ----------
    forecasts : DataFrame
        One line per origin, step and target column, on the forecast labels: ``cutoff`` (last label the forecast knew),
        ``step`` (from 1), ``target`` (only with several target columns), ``actual`` (NaN where the data had a hole),
        ``forecast`` and ``seasonal_naive``; with levels, ``lo-80``, ``hi-80`` and so on.
    model : str
        Name of the forecaster's class.
    season_length : int
        Period of the seasonal naive reference; 1 is the last value.
    scales : Series
        Mean absolute difference at `season_length` over the rows before the first window, by target, for MASE.
    horizon, n_windows : int
        Steps per window and number of windows.
    no_skill : bool
        True when the forecaster itself reports that it found no skill.
    levels : tuple of float
        Nominal coverages of the intervals in per cent.
    """

    forecasts: pd.DataFrame
    model: str
    season_length: int
    scales: pd.Series
    horizon: int
    n_windows: int
    no_skill: bool
    levels: tuple[float, ...] = ()

    def table(self) -> pd.DataFrame:
        """Errors over all windows and steps.

        Returns
        -------
        DataFrame
            One row for the forecaster and one for seasonal naive (per target, if there are several), columns ``MAE``,
            ``RMSE``, ``MASE`` (Hyndman and Koehler, 2006) and ``skill``, which is 1 - MAE / MAE of seasonal naive. With
            levels, ``coverage-80`` in per cent and ``score-80`` (interval score) and so on, and ``CRPS``, from the ends
            of all intervals and the forecast as their median.
        """
        tables = {name: self._errors(rows, self.scales[name]) for name, rows in self._by_target().items()}
        if len(tables) == 1:
            return next(iter(tables.values()))
        return pd.concat(tables, names=["target", "model"])

    def by_step(self) -> pd.DataFrame:
        """Mean absolute error of each step ahead.

        Returns
        -------
        DataFrame
            One row per step (and target, if there are several), columns ``forecast``, ``seasonal_naive`` and ``skill``.
        """
        return self._grouped("step")

    def by_cutoff(self) -> pd.DataFrame:
        """Mean absolute error of each window.

        Returns
        -------
        DataFrame
            One row per cutoff (and target, if there are several), columns ``forecast``, ``seasonal_naive``, ``skill``.
        """
        return self._grouped("cutoff")

    def __str__(self) -> str:
        return "\n".join(
            [self._title(), self.table().to_string(float_format="{:.4g}".format, na_rep=""), *self._verdict()]
        )

    __repr__ = __str__

    def _repr_html_(self) -> str:
        verdict = "".join(f"<p><strong>{escape(sentence)}</strong></p>" for sentence in self._verdict())
        return f"<p>{escape(self._title())}</p>{self.table().to_html(float_format='{:.4g}'.format, na_rep='')}{verdict}"

    def _title(self) -> str:
        windows = "1 window" if self.n_windows == 1 else f"{self.n_windows} windows"
        steps = "1 step" if self.horizon == 1 else f"{self.horizon} steps"
        season = "no season: the last value" if self.season_length == 1 else f"season of {self.season_length} rows"
        return f"Backtest of {self.model}: {windows} of {steps}; {_NAIVE}: {season}."

    def _verdict(self) -> list[str]:
        skill = self.table().loc[lambda table: table.index.get_level_values(-1) == self.model, "skill"]
        if not (skill > 0).any():
            return [f"No skill over {_NAIVE} was found: on these windows {self.model} is not the better forecast."]
        if self.no_skill:
            return [f"No skill over {_NAIVE} was found: {self.model} found none on its own validation rows."]
        return []

    def _by_target(self) -> dict[Any, pd.DataFrame]:
        if "target" not in self.forecasts.columns:
            return {self.scales.index[0]: self.forecasts}
        return {name: self.forecasts[self.forecasts["target"] == name] for name in self.scales.index}

    def _errors(self, rows: pd.DataFrame, scale: float) -> pd.DataFrame:
        lines = {}
        for name, column in ((self.model, "forecast"), (_NAIVE, "seasonal_naive")):
            error = rows[column] - rows["actual"]
            mean_absolute = error.abs().mean()
            lines[name] = {
                "MAE": mean_absolute,
                "RMSE": float(np.sqrt((error**2).mean())),
                "MASE": mean_absolute / scale if scale > 0 else np.nan,
            }
        table = pd.DataFrame.from_dict(lines, orient="index").rename_axis("model")
        table["skill"] = skill(table["MAE"], table.loc[_NAIVE, "MAE"])
        for name, value in self._interval_measures(rows[rows["actual"].notna()]).items():
            table[name] = [value, np.nan]  # seasonal naive comes without intervals
        return table

    def _interval_measures(self, rows: pd.DataFrame) -> dict[str, float]:
        if not self.levels or rows.empty:
            return {}
        measures, quantiles, probabilities = {}, [rows["forecast"]], [0.5]
        for level in self.levels:
            ends = rows[f"lo-{level:g}"], rows[f"hi-{level:g}"]
            measures[f"coverage-{level:g}"] = 100.0 * coverage(rows["actual"], *ends)
            measures[f"score-{level:g}"] = interval_score(rows["actual"], *ends, level=level)
            quantiles += ends
            probabilities += [(100.0 - level) / 200.0, (100.0 + level) / 200.0]
        measures["CRPS"] = crps_quantiles(rows["actual"], np.column_stack(quantiles), probabilities)
        return measures

    def _grouped(self, key: str) -> pd.DataFrame:
        keys = ["target", key] if "target" in self.forecasts.columns else [key]
        columns = ["forecast", "seasonal_naive"]
        absolute = self.forecasts[columns].sub(self.forecasts["actual"], axis=0).abs()
        table = absolute.groupby([self.forecasts[name] for name in keys], sort=False).mean()
        table["skill"] = skill(table["forecast"], table["seasonal_naive"])
        return table


def skill(error: Any, reference: Any) -> NDArray[np.float64]:
    """Return 1 - error / reference; of two perfect forecasts neither has skill over the other, so 0 / 0 gives 0.

    Parameters
    ----------
    error, reference : array-like of shape (n,) or scalar
        Non-negative mean errors.

    Returns
    -------
    ndarray of shape (n,)
        At most 1; minus infinity where only the reference is perfect.
    """
    error, reference = np.broadcast_arrays(np.asarray(error, float), np.asarray(reference, float))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((error == 0) & (reference == 0), 0.0, 1.0 - error / reference)
