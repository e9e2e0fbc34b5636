"""Public data sets: taken from the data folder, or downloaded into it once."""

from __future__ import annotations

import json
from difflib import get_close_matches
from functools import partial
from pathlib import Path

import pandas as pd

from rnnforecast.datasets.published import benchmark, competition, etth1, jena, read, stock
from rnnforecast.datasets.sources import ETTH1, JENA, M4, M4_SHAPES, NAB_WINDOWS, STOCKS, Folder, nab_series


def fetch_etth1(*, data_home: Folder = None, download_if_missing: bool = True, verbose: bool = True) -> pd.DataFrame:
    """Return two years of hourly loads and the oil temperature of an electricity transformer.

    Parameters
    ----------
    data_home : str, path or None, default=None
        Folder of real data; None is that of `get_data_home`.
    download_if_missing : bool, default=True
        Whether to download the file (2.6 MB) if the folder does not hold it.
    verbose : bool, default=True
        Whether a download reports on stderr.

    Returns
    -------
    pandas.DataFrame
        17,420 hours from July 2016 on without holes, with columns ``HUFL``, ``HULL``, ``MUFL``, ``MULL``, ``LUFL``,
        ``LULL`` (loads) and ``OT`` (oil temperature, °C).

    Raises
    ------
    OSError
        If the file is neither there nor can be downloaded.
    ValueError
        If the file that is there holds something else.

    Notes
    -----
    Of the repository ``zhouhaoyi/ETDataset``, CC BY-ND 4.0 (Zhou et al., 2021, "Informer").

    Examples
    --------
    >>> from rnnforecast.datasets import fetch_etth1
    >>> frame = fetch_etth1()  # doctest: +SKIP
    """
    path = ETTH1.fetch(data_home, download_if_missing, verbose)
    return read(etth1, path)


def fetch_jena_climate(
    *, data_home: Folder = None, download_if_missing: bool = True, verbose: bool = True
) -> pd.DataFrame:
    """Return eight years of weather in Jena, a row for every ten minutes.

    Parameters
    ----------
    data_home : str, path or None, default=None
        Folder of real data; None is that of `get_data_home`.
    download_if_missing : bool, default=True
        Whether to download the file (14 MB) if the folder does not hold it.
    verbose : bool, default=True
        Whether a download reports on stderr.

    Returns
    -------
    pandas.DataFrame
        420,768 rows from January 2009 to December 2016, stamps without zone, with 14 columns named as in the file:
        ``T (degC)``, ``p (mbar)``, ``rh (%)``, ``wv (m/s)`` and others. The 327 rows that the file has twice are there
        once; the 544 it lacks, and wind speeds of -9999, are NaN.

    Raises
    ------
    OSError
        If the file is neither there nor can be downloaded.
    ValueError
        If the file that is there holds something else.

    Notes
    -----
    Measured by the Max Planck Institute for Biogeochemistry, Jena; the archive is that of the Keras tutorials.

    Examples
    --------
    >>> from rnnforecast.datasets import fetch_jena_climate
    >>> frame = fetch_jena_climate()  # doctest: +SKIP
    """
    path = JENA.fetch(data_home, download_if_missing, verbose)
    return read(jena, path)


def fetch_m4(
    frequency: str, *, data_home: Folder = None, download_if_missing: bool = True, verbose: bool = True
) -> tuple[pd.Series, pd.Series]:
    """Return the series of one frequency of the M4 competition, and what was held back.

    Parameters
    ----------
    frequency : {"yearly", "quarterly", "monthly", "weekly", "daily", "hourly"}
        Of 23,000, 24,000, 48,000, 359, 4,227 and 414 series.
    data_home : str, path or None, default=None
        Folder of real data; None is that of `get_data_home`.
    download_if_missing : bool, default=True
        Whether to download the two files (some MB, for daily and monthly series about a hundred) if the folder does not
        hold them.
    verbose : bool, default=True
        Whether downloads report on stderr.

    Returns
    -------
    known, held_back : pandas.Series
        Panels under a MultiIndex of series and step. Steps are counted from 0, since the start dates of the competition
        are partly impossible; those held back (6, 8, 18, 13, 14 or 48 of each series) go on where the known ones end,
        and have the index that ``forecast()`` returns.

    Raises
    ------
    OSError
        If the files are neither there nor can be downloaded.
    ValueError
        If there is no such frequency, or the files that are there hold something else.

    Notes
    -----
    Of the repository ``Mcompetitions/M4-methods`` (Makridakis et al., 2020, "The M4 Competition").

    Examples
    --------
    >>> from rnnforecast.datasets import fetch_m4
    >>> known, held_back = fetch_m4("weekly")  # doctest: +SKIP
    """
    if frequency not in tuple(M4_SHAPES):
        raise ValueError(f"frequency must be one of {', '.join(map(repr, M4_SHAPES))}, got {frequency!r}")
    paths = [file.fetch(data_home, download_if_missing, verbose) for file in M4[frequency]]
    n_series, horizon = M4_SHAPES[frequency]
    return read(partial(competition, n_series=n_series, horizon=horizon), *paths)


def fetch_nab(
    name: str, *, data_home: Folder = None, download_if_missing: bool = True, verbose: bool = True
) -> pd.DataFrame:
    """Return a series of the Numenta anomaly benchmark with its labels.

    Parameters
    ----------
    name : str
        One of 58 files, without folder and suffix: ``"nyc_taxi"``, ``"machine_temperature_system_failure"``, ...
    data_home : str, path or None, default=None
        Folder of real data; None is that of `get_data_home`.
    download_if_missing : bool, default=True
        Whether to download the file (up to 1 MB) and the labels if the folder does not hold them.
    verbose : bool, default=True
        Whether downloads report on stderr.

    Returns
    -------
    pandas.DataFrame
        Rows as published, some with repeated or disordered time stamps, with a frequency where they are regular.
        Columns ``value`` and ``anomaly`` (1 within the windows of the benchmark, else 0).

    Raises
    ------
    OSError
        If the files are neither there nor can be downloaded.
    ValueError
        If there is no such series, or the files that are there hold something else.

    Notes
    -----
    Of the repository ``numenta/NAB``, MIT (Lavin and Ahmad, 2015, "Evaluating real-time anomaly detection algorithms").

    Examples
    --------
    >>> from rnnforecast.datasets import fetch_nab
    >>> frame = fetch_nab("nyc_taxi")  # doctest: +SKIP
    """
    path = NAB_WINDOWS.fetch(data_home, download_if_missing, verbose)
    windows = read(lambda path: json.loads(path.read_text(encoding="utf-8")), path)
    keys = {Path(key).stem: key for key in windows}
    if name not in tuple(keys):
        near = get_close_matches(str(name), keys) or ["nyc_taxi", "machine_temperature_system_failure"]
        raise ValueError(f"name must be one of those in {path}, such as {' or '.join(map(repr, near))}, got {name!r}")
    within = partial(benchmark, windows=windows[keys[name]])
    path = nab_series(keys[name]).fetch(data_home, download_if_missing, verbose, check=within)
    return read(within, path)


def fetch_stock(
    symbol: str = "AAPL", *, data_home: Folder = None, download_if_missing: bool = True, verbose: bool = True
) -> pd.DataFrame:
    """Return thirteen years of daily prices and volume of a share.

    Parameters
    ----------
    symbol : {"AAPL", "MSFT"}, default="AAPL"
    data_home : str, path or None, default=None
        Folder of real data; None is that of `get_data_home`.
    download_if_missing : bool, default=True
        Whether to download the file (0.2 MB) if the folder does not hold it.
    verbose : bool, default=True
        Whether a download reports on stderr.

    Returns
    -------
    pandas.DataFrame
        3,270 trading days from March 2000 to March 2013; holidays are absent. Columns ``open``, ``high``, ``low``,
        ``close`` (US dollars), ``volume`` (shares) and ``adj_close``, corrected for splits and dividends, which is the
        one to forecast.

    Raises
    ------
    OSError
        If the file is neither there nor can be downloaded.
    ValueError
        If there is no such symbol, or the file that is there holds something else; `load_stock` reads any.

    Notes
    -----
    Of the samples of Bokeh, BSD-3-Clause.

    Examples
    --------
    >>> from rnnforecast.datasets import fetch_stock
    >>> frame = fetch_stock("AAPL")  # doctest: +SKIP
    """
    if symbol not in tuple(STOCKS):
        raise ValueError(f"symbol must be one of {', '.join(map(repr, STOCKS))}, got {symbol!r}")
    path = STOCKS[symbol].fetch(data_home, download_if_missing, verbose)
    return read(stock, path)
