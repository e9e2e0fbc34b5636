"""Find the seasons of a series from the autocorrelation of its first difference.

The level's autocorrelation is useless on drifting data; the difference's is not, once its outliers are clipped. Only
numpy is used.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

_CLIPPED = (0.01, 0.99)  # quantiles: one spike would otherwise outweigh a season
_MENU_HEIGHT = 0.1
_MENU_DEVIATIONS = 2.5  # standard deviations of an autocorrelation of white noise, 1 / sqrt(pairs)
_NEIGHBOURS = 2
_MULTIPLE_GAIN = 0.02  # a multiple of a season repeats it; it is a season of its own only if it is clearly stronger
_PEAK_HEIGHT = 0.12
_PEAK_DEVIATIONS = 3.5
_PEAK_SHARE = 0.8
_LONGEST_PEAK = 3000
_NEWEST = 500_000  # rows; more say nothing new about a season and ask for much memory


def find_seasons(
    y: ArrayLike, candidates: Sequence[int] | None = None, observed: NDArray[np.bool_] | None = None
) -> tuple[int, ...]:
    """Find the season lengths of one or several series.

    Parameters
    ----------
    y : array-like of shape (N,) or (N, K)
        Finite values. Of several columns, the seasons found in at least half of them are returned.
    candidates : sequence of int or None
        Season lengths the time axis makes possible (24 and 168 for hourly data); only these are looked for. None: the
        time axis is unknown, and at most one season is looked for among all lags up to a third of the series.
    observed : ndarray of the shape of y, bool, optional
        False where a value is a guess, which says nothing of a season.

    Returns
    -------
    tuple of int
        Season lengths in ascending order, each at least 2; empty when there is none.
    """
    values = np.asarray(y, dtype=np.float64)[-_NEWEST:]
    if values.ndim == 1:
        values = values[:, None]
    known = None if observed is None else np.reshape(observed, (len(observed), -1))[-_NEWEST:]
    found = [_seasons_of_column(y, candidates, None if known is None else known[:, k]) for k, y in enumerate(values.T)]
    every = sorted({season for seasons in found for season in seasons})
    return tuple(season for season in every if 2 * sum(season in seasons for seasons in found) >= len(found))


def difference_autocorrelation(
    y: NDArray[np.float64], n_lags: int, observed: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """Unbiased autocorrelation of the clipped first difference.

    Parameters
    ----------
    y : ndarray of shape (N,)
        One series, N >= 2.
    n_lags : int
        Largest lag, below N - 1.
    observed : ndarray of shape (N,), bool, optional
        False where a value is a guess: its differences do not count.

    Returns
    -------
    ndarray of shape (n_lags + 1,)
        Element k belongs to lag k; all zero for a series whose difference does not vary.
    """
    difference = np.diff(y)
    known = None if observed is None else observed[1:] & observed[:-1]
    counted = difference if known is None else difference[known]
    scale = np.abs(counted).max(initial=0.0)
    if scale == 0:
        return np.zeros(n_lags + 1)
    counted = counted / scale  # squares of huge or tiny values stay in range
    clipped = np.clip(counted, *np.quantile(counted, _CLIPPED))
    if np.ptp(clipped) == 0:
        clipped = counted  # fewer than 1 % of the steps differ at all: they are the series
    centred = clipped - clipped.mean()
    pairs = len(difference) - np.arange(n_lags + 1)
    if known is not None:
        spread = np.zeros(len(difference))
        spread[known] = centred
        centred, pairs = spread, np.maximum(np.rint(lagged_products(known.astype(np.float64), n_lags)), 1)
    covariance = lagged_products(centred, n_lags) / pairs
    # A straight line has a difference of nothing but rounding errors, whose correlations mean nothing.
    rounding = np.finfo(np.float64).eps * np.abs(y).max() / scale
    if covariance[0] <= (8 * rounding) ** 2:
        return np.zeros(n_lags + 1)
    return covariance / covariance[0]


def lagged_products(values: NDArray[np.float64], n_lags: int) -> NDArray[np.float64]:
    """Sums of the products of values and those k rows before.

    Parameters
    ----------
    values : ndarray of shape (N,)
        Centred, if the sums shall be those of an autocovariance.
    n_lags : int
        Largest lag.

    Returns
    -------
    ndarray of shape (n_lags + 1,)
        Element k belongs to lag k.
    """
    size = 1 << int(len(values) + n_lags).bit_length()  # zero padding: no lag wraps around
    spectrum = np.fft.rfft(values, size)
    return np.fft.irfft(spectrum * spectrum.conj(), size)[: n_lags + 1]


def _seasons_of_column(
    y: NDArray[np.float64], candidates: Sequence[int] | None, observed: NDArray[np.bool_] | None
) -> tuple[int, ...]:
    if candidates is None:
        return _highest_peak(y, observed)
    return _from_menu(y, sorted({int(season) for season in candidates if season > 1}), observed)


def _from_menu(y: NDArray[np.float64], candidates: list[int], observed: NDArray[np.bool_] | None) -> tuple[int, ...]:
    n = len(y) - 1
    possible = [season for season in candidates if 2 * season <= n and season + _NEIGHBOURS < n]
    if not possible:
        return ()
    correlation = difference_autocorrelation(y, max(possible) + _NEIGHBOURS, observed)
    seasons: list[int] = []
    for season in possible:
        height = correlation[season]
        nearby = correlation[max(1, season - _NEIGHBOURS) : season + _NEIGHBOURS + 1]
        if height <= max(_MENU_HEIGHT, _MENU_DEVIATIONS / np.sqrt(n - season)) or height < nearby.max():
            continue
        if any(season % other == 0 and height <= correlation[other] + _MULTIPLE_GAIN for other in seasons):
            continue
        seasons.append(season)
    return tuple(seasons)


def _highest_peak(y: NDArray[np.float64], observed: NDArray[np.bool_] | None) -> tuple[int, ...]:
    """Return the smallest lag whose peak is nearly the highest and repeats at twice the lag.

    The repetition is what noise lacks: the difference of white noise alone passes the height in half of all series of
    500.
    """
    n = len(y) - 1
    longest = min(n // 3, _LONGEST_PEAK)
    if longest < 2:
        return ()
    correlation = difference_autocorrelation(y, 2 * longest, observed)
    lags = np.arange(2, longest + 1)
    heights = correlation[lags]
    is_peak = (heights > correlation[lags - 1]) & (heights >= correlation[lags + 1])
    if not is_peak.any():
        return ()
    floor = np.maximum(_PEAK_HEIGHT, _PEAK_DEVIATIONS / np.sqrt(n - lags))
    tall = is_peak & (heights > floor) & (heights >= _PEAK_SHARE * heights[is_peak].max())
    repeats = correlation[2 * lags] > np.maximum(_MENU_HEIGHT, _MENU_DEVIATIONS / np.sqrt(n - 2 * lags))
    seasons = lags[tall & repeats]
    return (int(seasons[0]),) if len(seasons) else ()
