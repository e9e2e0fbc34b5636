"""The bundled data are what their description says, byte for byte, and real data are read or refused in words."""

from __future__ import annotations

import hashlib
import os
import re
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from rnnforecast import datasets
from rnnforecast.datasets import get_data_home, load_sensor, load_stock, load_weather, loading

FOLDER = Path(__file__).resolve().parents[2] / "datasets"
NAMES = ("weather.csv", "stock.csv", "sensor.csv")


@pytest.fixture(scope="module")
def generate():
    """Return the names of the script that made the files."""
    return SimpleNamespace(**runpy.run_path(str(FOLDER / "generate.py"), run_name="generate"))


def times(frame):
    """Return the index, which must be one of times."""
    assert isinstance(frame.index, pd.DatetimeIndex)
    return frame.index


def needs(name):
    """Skip where the real file is not at hand."""
    folder = os.environ.get(datasets.FOLDER_VARIABLE)
    present = folder is not None and (Path(folder) / name).is_file()
    return pytest.mark.skipif(not present, reason=f"{datasets.FOLDER_VARIABLE} names no folder with {name}")


@pytest.mark.parametrize("name", NAMES)
def test_files_have_the_checksums_of_the_readme(name):
    listed = dict(re.findall(r"\| `(\w+\.csv)` \|.*\| `([0-9a-f]{64})` \|", (FOLDER / "README.md").read_text("utf-8")))
    assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == listed[name]


@pytest.mark.parametrize("name", NAMES)
def test_the_script_makes_the_files(name, generate):
    # Frames, not bytes: another libm may round the last bit, and with it a last digit, differently.
    made = generate.DATA_SETS[name]()
    file = pd.read_csv(FOLDER / name, index_col=0, parse_dates=[0])
    assert made.index.equals(file.index)
    pd.testing.assert_frame_equal(made, file, check_freq=False, check_index_type=False, rtol=0, atol=0.11)


def test_the_files_are_small_enough_for_a_repository():
    assert sum((FOLDER / name).stat().st_size for name in NAMES) < 1_500_000


def test_weather_is_two_years_of_hours_with_fifteen_holes():
    weather = load_weather()
    assert str(times(weather).tz) == "UTC"
    assert weather.index[0] == pd.Timestamp("2021-07-01", tz="UTC")
    assert weather.index[-1] == pd.Timestamp("2023-06-30 23:00", tz="UTC")
    steps = weather.index.to_series().diff().dropna().dt.total_seconds() / 3600
    assert (steps > 1).sum() == 15
    assert len(weather) + int((steps - 1).sum()) == 730 * 24
    assert steps.max() == 31
    assert not weather.isna().any().any()
    assert weather.attrs["source"] == "bundled weather.csv (generated)"


def test_weather_stays_within_what_a_station_can_report():
    weather = load_weather()
    assert weather["humidity_pct"].between(0, 100).all()
    assert weather["cloud_pct"].between(0, 100).all()
    assert weather["pressure_hpa"].between(960, 1050).all()
    assert weather["wind_m_s"].between(0, 40).all()
    assert weather["temperature_c"].between(-30, 40).all()


def test_weather_warms_by_day_and_more_so_in_summer_and_under_a_clear_sky():
    weather = load_weather()
    days = weather.groupby(times(weather).floor("D"))
    swing = (days["temperature_c"].max() - days["temperature_c"].min())[days.size() == 24]
    cloud = days["cloud_pct"].mean()[swing.index]
    month = times(swing).month
    assert swing[month.isin([6, 7, 8])].mean() > 1.5 * swing[month.isin([12, 1])].mean()
    assert swing[cloud < 30].mean() > 1.3 * swing[cloud > 70].mean()


def test_weather_cools_in_the_two_days_after_pressure_fell():
    weather = load_weather().asfreq("h").interpolate()
    fall = weather["pressure_hpa"].diff(12)
    change = weather["temperature_c"].rolling(24).mean().diff(24).shift(-36)  # around tomorrow noon against today
    assert fall.corr(change) > 0.3


def test_stock_is_ordered_and_steps_over_weekends_and_holidays():
    stock = load_stock()
    assert stock.columns.to_list() == ["open", "high", "low", "close", "volume"]
    assert (stock["low"] <= stock[["open", "close"]].min(axis=1)).all()
    assert (stock["high"] >= stock[["open", "close"]].max(axis=1)).all()
    assert (stock[["low", "volume"]] > 0).all().all()
    assert stock.index.is_monotonic_increasing
    assert stock.index.is_unique
    assert (times(stock).day_of_week < 5).all()
    missing = pd.bdate_range(stock.index[0], stock.index[-1]).difference(times(stock))
    assert {"2015-12-25", "2016-03-25", "2016-03-28"} <= set(missing.strftime("%Y-%m-%d"))
    assert 45 <= len(missing) <= 72  # six holidays a year for twelve years, some of them on a weekend


def test_stock_returns_are_unpredictable_while_their_size_is_not():
    returns = np.log(load_stock()["close"]).diff().dropna()
    size = returns.abs()
    # Under independence a correlation has deviation 1 / sqrt(3072) = .018; volatility clusters about double it.
    assert all(abs(returns.autocorr(lag)) < 0.09 for lag in range(1, 11))
    assert np.mean([size.autocorr(lag) for lag in range(1, 11)]) > 0.1
    assert returns.kurt() > 2
    assert np.log(load_stock()["volume"]).corr(size) > 0.3


def test_sensor_is_regular_and_its_first_forty_per_cent_are_healthy():
    sensor = load_sensor()
    assert len(sensor) == 14 * 24 * 60
    assert times(sensor).freqstr == "min"
    assert set(sensor["anomaly"]) == {0, 1}
    assert sensor["anomaly"].iloc[: int(0.4 * len(sensor))].sum() == 0
    assert not sensor.isna().any().any()


def test_sensor_labels_are_the_listed_faults(generate):
    sensor = load_sensor()["anomaly"].to_numpy()
    starts = np.flatnonzero(np.diff(sensor, prepend=0) == 1)
    ends = np.flatnonzero(np.diff(sensor, append=0) == -1) + 1
    assert list(zip(starts, ends - starts, strict=True)) == [(first, length) for _, _, first, length in generate.FAULTS]
    assert {kind for kind, *_ in generate.FAULTS} == {"spike", "level shift", "drift", "flat line", "faster cycle"}


def test_a_loaded_frame_is_the_callers_own():
    stock = load_stock()
    stock["close"] = 0.0
    assert (load_stock()["close"] > 0).all()


def test_an_installed_package_reads_its_own_copy(tmp_path, monkeypatch):
    bundled = tmp_path / "rnnforecast" / "_bundled"
    bundled.mkdir(parents=True)
    (bundled / "stock.csv").write_text("date,open,high,low,close,volume\n2020-01-02,1,2,1,2,100\n", encoding="utf-8")
    monkeypatch.setattr(loading, "__file__", str(tmp_path / "rnnforecast" / "datasets" / "loading.py"))
    assert load_stock()["close"].to_list() == [2]
    with pytest.raises(FileNotFoundError, match=r"weather\.csv is missing from this installation"):
        load_weather()


def test_the_data_folder_is_the_argument_else_the_variable_else_one_at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))  # the same on Windows
    monkeypatch.setenv(datasets.FOLDER_VARIABLE, str(tmp_path / "named"))
    assert get_data_home(tmp_path / "given") == tmp_path / "given"
    assert get_data_home("~/given") == tmp_path / "home" / "given"
    assert get_data_home() == tmp_path / "named"
    monkeypatch.setenv(datasets.FOLDER_VARIABLE, "")
    assert get_data_home() == tmp_path / "home" / "rnnforecast_data"
    assert not list(tmp_path.iterdir())


def test_a_folder_without_the_file_is_named_with_the_remedies(tmp_path, monkeypatch):
    monkeypatch.setenv(datasets.FOLDER_VARIABLE, str(tmp_path))
    with pytest.raises(ValueError, match=rf"{re.escape(str(tmp_path))} holds no file stock/XYZ\.csv .* put it there"):
        load_stock("XYZ")
    with pytest.raises(ValueError, match="variable RNNFORECAST_DATA, or leave the argument out for the bundled data"):
        load_weather("JFK")


@pytest.mark.parametrize("symbol", ["../secret", "", "a/b", 5])
def test_a_symbol_leads_nowhere_else(symbol):
    with pytest.raises(ValueError, match="symbol must be letters and digits"):
        load_stock(symbol)


def test_real_columns_get_the_names_of_the_bundled_ones(tmp_path, monkeypatch):
    (tmp_path / "stock").mkdir()
    lines = "Date,Open,High,Low,Close,Volume,Adj Close\n2000-03-01,118.5,132.0,118.5,130.3,38478000,31.7\n"
    (tmp_path / "stock" / "AAPL.csv").write_text(lines, encoding="utf-8")
    monkeypatch.setenv(datasets.FOLDER_VARIABLE, str(tmp_path))
    stock = load_stock("AAPL")
    assert stock.columns.to_list() == ["open", "high", "low", "close", "volume", "adj_close"]
    assert stock.index.name == "date"
    assert stock.attrs["source"] == "stock/AAPL.csv"


def test_prices_without_dates_are_refused_with_the_columns_there_are(tmp_path, monkeypatch):
    (tmp_path / "stock").mkdir()
    (tmp_path / "stock" / "ABC.csv").write_text("day,close\n2000-03-01,1\n", encoding="utf-8")
    monkeypatch.setenv(datasets.FOLDER_VARIABLE, str(tmp_path))
    with pytest.raises(ValueError, match=r"ABC\.csv should hold a column Date, but holds day, close"):
        load_stock("ABC")


@needs("weather/nyc_hourly_2013.csv")
def test_a_real_station_keeps_its_holes():
    weather = load_weather("JFK")
    assert len(weather) == 8706
    assert str(times(weather).tz) == "UTC"
    assert weather.index.is_monotonic_increasing
    assert weather.index.is_unique
    assert (weather.dtypes == "float64").all()
    assert {"temp", "dewp", "humid", "wind_speed", "pressure", "visib"} <= set(weather.columns)
    with pytest.raises(ValueError, match=r"station must be one of \['EWR', 'JFK', 'LGA'\] or None, got 'SFO'"):
        load_weather("SFO")
