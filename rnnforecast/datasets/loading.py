"""The bundled data sets as pandas frames, and two real ones of files in the data folder; nothing is downloaded."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from rnnforecast.datasets.folder import FOLDER_VARIABLE, get_data_home

# What the data folder may hold, and where the public originals are.
_NYC_FILE = "weather/nyc_hourly_2013.csv"
_NYC_ORIGIN = "table `weather` of tidyverse/nycflights13"
_STOCK_ORIGIN = "bokeh/bokeh_sampledata, also any daily file with columns Date, Open, High, Low, Close, Volume"


def load_weather(station: str | None = None) -> pd.DataFrame:
    """Return hourly weather: two invented years, or the real 2013 of a New York airport.

    Parameters
    ----------
    station : {"EWR", "JFK", "LGA"} or None, default=None
        None gives the bundled station. A name reads ``weather/nyc_hourly_2013.csv`` in the folder of `get_data_home`.

    Returns
    -------
    pandas.DataFrame
        One row per hour, indexed by time (UTC). Hours the station did not report are absent: 104 in 15 holes in the
        bundled data. Bundled columns: ``temperature_c``, ``pressure_hpa``, ``humidity_pct``, ``wind_m_s``,
        ``cloud_pct``. Real columns, as in the file: ``temp`` and ``dewp`` (°F), ``humid`` (%), ``wind_dir`` (degrees),
        ``wind_speed`` and ``wind_gust`` (mph), ``precip`` (inches), ``pressure`` (hPa), ``visib`` (miles), NaN where a
        value is missing.
        ``attrs["source"]`` says which data these are.

    Raises
    ------
    ValueError
        If a station is asked for and the file is not there or does not hold it.

    Examples
    --------
    >>> from rnnforecast import load_weather
    >>> load_weather().shape
    (17416, 5)
    """
    if station is None:
        weather = _bundled("weather.csv", index="time").tz_localize("UTC")
        return _labelled(weather, "bundled weather.csv (generated)")
    panel = pd.read_csv(_own(_NYC_FILE, origin=_NYC_ORIGIN), index_col="time_hour", parse_dates=["time_hour"])
    stations = sorted(panel["origin"].unique())
    if station not in stations:
        raise ValueError(f"station must be one of {stations} or None, got {station!r}")
    weather = panel[panel["origin"] == station].drop(columns=["origin", "year", "month", "day", "hour"])
    return _labelled(weather.astype(float), f"{station} of {_NYC_FILE}")


def load_stock(symbol: str | None = None) -> pd.DataFrame:
    """Return daily prices and volume of a share: twelve invented years, or a real file.

    Parameters
    ----------
    symbol : str or None, default=None
        None gives the bundled share. A symbol such as ``"AAPL"`` reads ``stock/AAPL.csv`` in the folder of
        `get_data_home`, where `fetch_stock` puts it, or you any other.

    Returns
    -------
    pandas.DataFrame
        One row per trading day (holidays are absent), indexed by date, with columns ``open``, ``high``, ``low``,
        ``close`` (currency units) and ``volume`` (shares); real files may add ``adj_close``, corrected for splits and
        dividends, which is the one to forecast. ``attrs["source"]`` says which data these are.

    Raises
    ------
    ValueError
        If a symbol is asked for and its file is not there.

    Examples
    --------
    >>> from rnnforecast import load_stock
    >>> load_stock().columns.to_list()
    ['open', 'high', 'low', 'close', 'volume']
    """
    if symbol is None:
        return _labelled(_bundled("stock.csv", index="date"), "bundled stock.csv (generated)")
    if not isinstance(symbol, str) or not symbol.isalnum():  # a symbol is a file name: no way out of the folder
        raise ValueError(f"symbol must be letters and digits, got {symbol!r}")
    name = f"stock/{symbol}.csv"
    return _labelled(prices(_own(name, origin=_STOCK_ORIGIN)), name)


def load_sensor() -> pd.DataFrame:
    """Return two weeks of an invented machine, one row per minute, with labelled faults.

    Returns
    -------
    pandas.DataFrame
        20,160 rows without holes, indexed by time, with columns ``load_pct``, ``temperature_c``, ``vibration_mm_s`` and
        ``anomaly`` (1 during a fault, else 0). The first 40 % hold no fault.

    Examples
    --------
    >>> from rnnforecast import load_sensor
    >>> load_sensor().columns.to_list()
    ['load_pct', 'temperature_c', 'vibration_mm_s', 'anomaly']
    """
    return _labelled(_bundled("sensor.csv", index="time").asfreq("min"), "bundled sensor.csv (generated)")


def prices(path: Path) -> pd.DataFrame:
    """Return the rows of a file of daily prices, with column names as in the bundled one."""
    stock = pd.read_csv(path)
    if "Date" not in stock:
        raise ValueError(f"{path} should hold a column Date, but holds {', '.join(map(str, stock.columns))}")
    stock = stock.set_index(pd.to_datetime(stock.pop("Date")))
    return stock.rename(columns=lambda name: name.lower().replace(" ", "_")).rename_axis(index="date")


def _bundled(name: str, *, index: str) -> pd.DataFrame:
    """Read a file of ``datasets/``, which an installed package holds as ``_bundled``, a checkout beside the package."""
    package = Path(__file__).parent.parent
    for folder in (package / "_bundled", package.parent / "datasets"):
        if (folder / name).is_file():
            return pd.read_csv(folder / name, index_col=index, parse_dates=[index])
    raise FileNotFoundError(f"the bundled file {name} is missing from this installation of rnnforecast; reinstall it")


def _own(name: str, *, origin: str) -> Path:
    """Return the path of a file in the data folder, or say in one sentence what is missing."""
    path = get_data_home() / name
    if not path.is_file():
        raise ValueError(
            f"the data folder {get_data_home()} holds no file {name} ({origin}); put it there, name another folder in"
            f" the environment variable {FOLDER_VARIABLE}, or leave the argument out for the bundled data"
        )
    return path


def _labelled(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    frame.attrs["source"] = source
    return frame
