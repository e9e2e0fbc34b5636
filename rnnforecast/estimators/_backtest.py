"""The record of a backtest: forecasts beside the truth and seasonal naive, and the errors they add up to."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnnforecast.metrics import diebold_mariano
from rnnforecast.metrics._distributions import interval_scores, pinball

_NAIVE = "seasonal naive"
_SIGNIFICANT = 0.05


@dataclass(frozen=True, eq=False)
class Backtest:
    """Forecasts from several origins, the truth, and seasonal naive for the same rows.

    ``print(backtest)`` shows `table` and says so in words when the forecaster is no better than seasonal naive.

    Attributes
    ----------
    forecasts : DataFrame
        One line per series, origin, step and target column, on the forecast labels, of a panel a MultiIndex (series,
        time): ``cutoff`` (last label the forecast knew), ``step`` (from 1), ``target`` (only with several target
        columns), ``actual`` (NaN where the data had a hole), ``forecast`` and ``seasonal_naive``; with levels,
        ``lo-80``, ``hi-80`` and so on.
    model : str
        Name of the forecaster's class.
    season_length : int
        Period of the seasonal naive reference; 1 is the last value.
    scales : Series or DataFrame
        Mean absolute difference at `season_length` over the rows before the first window, by target, for MASE; of a
        panel a row for each series.
    horizon, n_windows : int
        Steps per window and number of windows.
    no_skill : bool
        True when the forecaster itself reports that it found no skill.
    n_parameters : int or None
        Of the forecaster, if it counts them: of one network, where it averages several.
    fit_seconds : float
        Of learning, all refits together, and of calibrating intervals; a first fit on a machine also compiles.
    windows_per_second : float
        Speed of the forecasts.
    levels : tuple of float
        Nominal coverages of the intervals in per cent.
    """

    forecasts: pd.DataFrame
    model: str
    season_length: int
    scales: pd.Series | pd.DataFrame
    horizon: int
    n_windows: int
    no_skill: bool
    n_parameters: int | None
    fit_seconds: float
    windows_per_second: float
    levels: tuple[float, ...] = ()

    def table(self) -> pd.DataFrame:
        """Errors over all windows and steps.

        Returns
        -------
        DataFrame
            One row for the forecaster and one for seasonal naive (per target, if there are several), columns ``MAE``,
            ``RMSE``, ``MASE`` (Hyndman and Koehler, 2006) and ``skill``, which is 1 - MAE / MAE of seasonal naive. With
            levels, ``coverage-80`` in per cent and ``score-80`` (interval score) and so on, and ``CRPS``, from the ends
            of all intervals and the forecast as their median. Of a panel, ``MASE``, ``score-80`` and ``CRPS`` are means
            over the series, in units of `scales`, and the skill is that of the MASE: large series count no more than
            small ones.
        """
        tables = {name: self._errors(rows, name) for name, rows in self._by_target().items()}
        if len(tables) == 1:
            return next(iter(tables.values()))
        return pd.concat(tables, names=["target", "model"])

    def by_series(self) -> pd.DataFrame:
        """Errors of the forecaster for each series of a panel.

        Returns
        -------
        DataFrame
            One row per series (and target, if there are several), columns ``MAE``, ``RMSE``, ``MASE`` and ``skill``,
            which is 1 - MAE / MAE of seasonal naive; with levels those of `table`, in units of the series.

        Raises
        ------
        ValueError
            There was only one series.
        """
        if not self._is_panel:
            raise ValueError("by_series is for panels, rows under a MultiIndex (series, time), but this is one series")
        tables = {name: self._each_series(rows, name) for name, rows in self._by_target().items()}
        if len(tables) == 1:
            return next(iter(tables.values()))
        return pd.concat(tables, names=["target"]).swaplevel().reindex(self.scales.index, level=0)

    def by_step(self) -> pd.DataFrame:
        """Mean absolute error of each step ahead; of a panel in units of `scales`.

        Returns
        -------
        DataFrame
            One row per step (and target, if there are several), columns ``forecast``, ``seasonal_naive`` and ``skill``.
        """
        return self._grouped("step")

    def by_cutoff(self) -> pd.DataFrame:
        """Mean absolute error of each window; of a panel in units of `scales`.

        Returns
        -------
        DataFrame
            One row per cutoff (and target, if there are several), columns ``forecast``, ``seasonal_naive``, ``skill``.
        """
        return self._grouped("cutoff")

    def diebold_mariano(self) -> pd.DataFrame:
        """Test whether forecaster and seasonal naive are equally good (`rnnforecast.metrics.diebold_mariano`).

        What is compared is the error of each window as in `by_cutoff`. Windows that overlap are correlated, which the
        test allows for.

        Returns
        -------
        DataFrame
            One row per target, columns ``statistic`` (negative where the forecaster is better) and ``p_value``; NaN
            where the windows are too few to tell.
        """
        errors, tests = self.by_cutoff(), {}
        for name, rows in self._by_target().items():
            windows: Any = errors.xs(name, level="target") if "target" in rows.columns else errors
            tests[name] = _test_of_windows(windows, rows)
        return pd.DataFrame.from_dict(tests, orient="index", columns=["statistic", "p_value"]).rename_axis("target")

    def __str__(self) -> str:
        table = self.table().to_string(float_format="{:.4g}".format, na_rep="")
        return "\n".join([self._title(), table, *self._remarks()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        remarks = "".join(f"<p>{escape(sentence)}</p>" for sentence in self._remarks())
        return f"<p>{escape(self._title())}</p>{self.table().to_html(float_format='{:.4g}'.format, na_rep='')}{remarks}"

    def _title(self) -> str:
        windows = "1 window" if self.n_windows == 1 else f"{self.n_windows} windows"
        steps = "1 step" if self.horizon == 1 else f"{self.horizon} steps"
        season = "no season: the last value" if self.season_length == 1 else f"season of {self.season_length} rows"
        return f"Backtest of {self.model}: {windows} of {steps}; {_NAIVE}: {season}."

    def _remarks(self) -> list[str]:
        p_values = self.diebold_mariano()["p_value"].dropna()
        least, most = f"{p_values.min():.2g}", f"{p_values.max():.2g}"
        told = f"= {most}" if least == most else f"from {least} to {most}"
        test = f"Diebold-Mariano test against {_NAIVE}: p {told}."
        parameters = "" if self.n_parameters is None else f" {self.n_parameters:,} parameters"
        pace = f"forecast {self.windows_per_second:,.0f} windows a second"
        cost = f"Learnt{parameters} in {self.fit_seconds:.2g} s, {pace}."
        units = "Interval scores and CRPS are in units of each series' scale, as the MASE is."
        said = [units] * (self._is_panel and bool(self.levels)) + self._verdict(p_values)
        return [*said, *([test] if len(p_values) else []), cost]

    def _verdict(self, p_values: pd.Series) -> list[str]:
        skill = self.table().loc[lambda table: table.index.get_level_values(-1) == self.model, "skill"]
        if not (skill > 0).any():
            return [f"No skill over {_NAIVE} was found: on these windows {self.model} is not the better forecast."]
        if self.no_skill:
            return [f"No skill over {_NAIVE} was found: {self.model} found none on its own validation rows."]
        if p_values.empty:
            return [f"Too few windows to tell skill over {_NAIVE} from chance: ask for more."]
        n_alike = int((p_values >= _SIGNIFICANT).sum())
        where = "" if n_alike == len(p_values) else f" for {n_alike} of {len(p_values)} targets"
        return [f"The difference to {_NAIVE} is not significant{where}: it may be chance."] * (n_alike > 0)

    @property
    def _is_panel(self) -> bool:
        return isinstance(self.scales, pd.DataFrame)

    def _by_target(self) -> dict[Any, pd.DataFrame]:
        names = self.scales.columns if isinstance(self.scales, pd.DataFrame) else self.scales.index
        if "target" not in self.forecasts.columns:
            return {names[0]: self.forecasts}
        return {name: self.forecasts[self.forecasts["target"] == name] for name in names}

    def _errors(self, rows: pd.DataFrame, target: Any) -> pd.DataFrame:
        lines = {}
        for name, column in ((self.model, "forecast"), (_NAIVE, "seasonal_naive")):
            error = rows[column] - rows["actual"]
            lines[name] = {
                "MAE": error.abs().mean(),
                "RMSE": float(np.sqrt((error**2).mean())),
                "MASE": self._scaled(error.abs(), target).mean(),
            }
        table = pd.DataFrame.from_dict(lines, orient="index").rename_axis("model")
        compared = table["MASE" if self._is_panel else "MAE"]
        table["skill"] = skill(compared, compared.loc[_NAIVE])
        for measure, values in self._interval_measures(rows).items():
            scaled = self._is_panel and not str(measure).startswith("coverage")
            mean = self._scaled(values, target).mean() if scaled else values.mean()
            table[measure] = [mean, np.nan]  # seasonal naive comes without intervals
        return table

    def _each_series(self, rows: pd.DataFrame, target: Any) -> pd.DataFrame:
        error = rows[["forecast", "seasonal_naive"]].sub(rows["actual"], axis=0)
        absolute = error.abs().groupby(level=0, sort=False).mean()
        table = pd.DataFrame(
            {
                "MAE": absolute["forecast"],
                "RMSE": np.sqrt((error["forecast"] ** 2).groupby(level=0, sort=False).mean()),
                "MASE": self._scaled(error["forecast"].abs(), target),
            }
        )
        table["skill"] = skill(absolute["forecast"], absolute["seasonal_naive"])
        measures = self._interval_measures(rows)
        return table.join(measures.groupby(level=0, sort=False).mean()) if self.levels else table

    def _interval_measures(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return what is said of the intervals, for each row (n,) that has a truth; no columns without levels."""
        rows = rows[rows["actual"].notna()]
        truth, losses = rows["actual"].to_numpy(), pd.DataFrame(index=rows.index)
        quantiles = [(0.5, rows["forecast"].to_numpy())]
        for level in self.levels:
            low, high = (rows[f"{end}-{level:g}"].to_numpy() for end in ("lo", "hi"))
            losses[f"coverage-{level:g}"] = 100.0 * ((low <= truth) & (truth <= high))
            losses[f"score-{level:g}"] = interval_scores(truth, low, high, level)
            quantiles += [((100.0 - level) / 200.0, low), ((100.0 + level) / 200.0, high)]
        if self.levels:
            losses["CRPS"] = 2.0 * np.mean([pinball(truth, values, p) for p, values in quantiles], axis=0)
        return losses

    def _scaled(self, absolute: pd.Series, target: Any) -> pd.Series:
        """Return the mean of absolute errors (n,) over the scale of their series: one number, of a panel one each."""
        mean = absolute.groupby(level=0, sort=False).mean() if self._is_panel else pd.Series([absolute.mean()])
        scale = self.scales[target] if self._is_panel else pd.Series([self.scales[target]])
        return mean / scale.where(scale > 0)

    def _grouped(self, key: str) -> pd.DataFrame:
        rows = self.forecasts.sort_values(key, kind="stable")  # series of a panel may end at different times
        keys = ["target", key] if "target" in rows.columns else [key]
        columns = ["forecast", "seasonal_naive"]
        absolute = rows[columns].sub(rows["actual"], axis=0).abs()
        if isinstance(self.scales, pd.DataFrame):
            owner = self.scales.index.get_indexer(rows.index.get_level_values(0))
            target = self.scales.columns.get_indexer(pd.Index(rows["target"])) if "target" in keys else 0
            scale = self.scales.to_numpy()[owner, target]
            absolute = absolute.div(np.where(scale > 0, scale, np.nan), axis=0)
        table = absolute.groupby([rows[name] for name in keys], sort=False).mean()
        table["skill"] = skill(table["forecast"], table["seasonal_naive"])
        return table


def _test_of_windows(errors: pd.DataFrame, rows: pd.DataFrame) -> tuple[float, float]:
    """Return statistic and p-value for the errors of the windows of one target, whose forecasts are given, too."""
    windows = errors[["forecast", "seasonal_naive"]].dropna()
    n_overlapping = int(rows.index.value_counts().max())  # windows that forecast the same row
    if len(windows) <= n_overlapping:
        return np.nan, np.nan
    return diebold_mariano(windows["forecast"], windows["seasonal_naive"], horizon=n_overlapping)


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
