"""Public data sets are taken from the folder, else downloaded by address and checksum, and are what they should be."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rnnforecast import LinearForecaster
from rnnforecast.datasets import (
    fetch_etth1,
    fetch_jena_climate,
    fetch_m4,
    fetch_nab,
    fetch_stock,
    get_data_home,
    sources,
)

JENA = ["p (mbar)", "T (degC)", "Tpot (K)", "Tdew (degC)", "rh (%)", "VPmax (mbar)", "VPact (mbar)", "VPdef (mbar)"]
JENA += ["sh (g/kg)", "H2OC (mmol/mol)", "rho (g/m**3)", "wv (m/s)", "max. wv (m/s)", "wd (deg)"]
WINDOWS = {
    "realKnownCause/nyc_taxi.csv": [["2020-01-01 01:00:00.000000", "2020-01-01 02:00:00.000000"]],
    "artificialNoAnomaly/art_noisy.csv": [],
}
TAXI = "timestamp,value\n" + "".join(f"2020-01-01 0{hour}:00:00,{hour}\n" for hour in range(5))
FILES = [
    sources.ETTH1,
    *sources.STOCKS.values(),
    *sources.M4["weekly"],
    sources.NAB_WINDOWS,
    sources.nab_series("realKnownCause/nyc_taxi.csv"),
    sources.nab_series("realKnownCause/ambient_temperature_system_failure.csv"),
    sources.nab_series("artificialWithAnomaly/art_daily_flatmiddle.csv"),
]


def put(folder: Path, name: str, text: str) -> None:
    """Place a file by hand."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")


def hours(start: str, n_rows: int, freq: str = "h") -> pd.DatetimeIndex:
    return pd.date_range(start, periods=n_rows, freq=freq)


@pytest.fixture(autouse=True)
def download(monkeypatch):
    """Stand in for the download, and for the network: return what was asked for."""
    asked = []

    def note(address, path, *, sha256, check, verbose):
        asked.append((address, path, sha256))
        raise OSError("no network in tests")

    monkeypatch.setattr(sources, "download", note)
    return asked


@pytest.mark.parametrize(
    ("fetch", "argument", "file"),
    [
        (fetch_etth1, (), sources.ETTH1),
        (fetch_jena_climate, (), sources.JENA),
        (fetch_stock, ("MSFT",), sources.STOCKS["MSFT"]),
        (fetch_m4, ("hourly",), sources.M4["hourly"][0]),
        (fetch_nab, ("nyc_taxi",), sources.NAB_WINDOWS),
    ],
)
def test_what_is_missing_is_downloaded_or_named(tmp_path, download, fetch, argument, file):
    path = tmp_path / "data" / file.path
    with pytest.raises(FileNotFoundError, match=rf"{re.escape(str(path))} is not there; download_if_missing=True"):
        fetch(*argument, data_home=tmp_path / "data", download_if_missing=False)
    assert not list(tmp_path.iterdir())
    with pytest.raises(OSError, match="no network"):
        fetch(*argument, data_home=tmp_path / "data")
    assert download == [(file.address, path, file.sha256)]


def test_addresses_are_secure_and_checksums_are_some():
    files = [*FILES, sources.JENA, *(file for both in sources.M4.values() for file in both)]
    assert all(file.address.startswith("https://") for file in files)
    assert all(re.fullmatch("[0-9a-f]{64}", str(file.sha256)) for file in files)
    assert len({file.sha256 for file in files}) == len({file.path for file in files})


@pytest.mark.parametrize("file", FILES, ids=lambda file: Path(file.path).name)
def test_real_files_have_the_checksum_of_their_address(file):
    places = [get_data_home() / name for name in (file.path, file.elsewhere) if name]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        pytest.skip(f"{file.path} is not in the data folder")
    assert hashlib.sha256(path.read_bytes()).hexdigest() == file.sha256


def test_etth1_is_hours_of_seven_columns(tmp_path):
    columns = ["HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT"]
    table = pd.DataFrame(1.5, hours("2016-07-01", 17420), columns).rename_axis("date")
    put(tmp_path, "electricity/ETTh1.csv", table.to_csv())
    found = fetch_etth1(data_home=tmp_path)
    assert found.shape == (17420, 7)
    assert found.index.freqstr == "h"
    put(tmp_path, "electricity/ETTh1.csv", table[:-1].to_csv())
    with pytest.raises(ValueError, match=r"ETTh1\.csv is not what was published: expected 17420 rows .*, got 17419"):
        fetch_etth1(data_home=tmp_path)
    put(tmp_path, "electricity/ETTh1.csv", table.drop(columns="OT").to_csv())
    with pytest.raises(ValueError, match=r"expected columns HUFL, .*, OT, got HUFL, .*, LULL; remove it"):
        fetch_etth1(data_home=tmp_path)


@pytest.mark.parametrize(
    "text", ["", "<html>\n<p>Log in, please</p>\n", "date,OT\nyesterday,1\n", "date,OT\n2020-01-01,high\n"]
)
def test_a_file_that_is_no_such_table_is_named_with_the_remedy(tmp_path, text):
    put(tmp_path, "electricity/ETTh1.csv", text)
    with pytest.raises(ValueError, match=r"ETTh1\.csv is not what was published: .*; remove it to have it downloaded"):
        fetch_etth1(data_home=tmp_path)


@pytest.fixture(scope="module")
def jena():
    """Return rows as published: one day and some hours twice and out of order, five holes, one broken anemometer."""
    index = hours("2009-01-01 00:10", 420768, "10min")
    holes = [("2009-10-08 09:50", 2), ("2013-05-16 09:00", 1), ("2014-07-30 08:10", 1)]
    holes += [("2014-09-24 17:10", 95), ("2016-10-25 10:40", 445)]
    there = index.difference(pd.DatetimeIndex(np.concatenate([hours(start, n, "10min") for start, n in holes])))
    again = [hours("2010-07-01 00:10", 144, "10min"), hours("2014-03-20 11:00", 183, "10min")]
    order = there
    for block in again:
        after = order.get_loc(block[-1]) + 1
        order = order[:after].append(block).append(order[after:])
    table = pd.DataFrame(1, order.strftime("%d.%m.%Y %H:%M:%S").rename("Date Time"), JENA)
    table.iloc[7, table.columns.get_loc("wv (m/s)")] = -9999
    return table


def test_jena_is_regular_and_what_was_not_measured_is_missing(tmp_path, jena):
    (tmp_path / "weather").mkdir()
    with zipfile.ZipFile(tmp_path / "weather/jena_climate_2009_2016.csv.zip", "w") as archive:
        archive.writestr("jena_climate_2009_2016.csv", jena.to_csv())
    found = fetch_jena_climate(data_home=tmp_path)
    assert len(jena) == 420551
    assert found.shape == (420768, 14)
    assert found.index.freqstr == "10min"
    missing = found.isna().sum()
    assert missing.pop("wv (m/s)") == 545
    assert set(missing) == {544}
    put(tmp_path, "weather/jena_climate_2009_2016.csv.zip", "no archive")
    with pytest.raises(ValueError, match=r"csv\.zip is not what was published: File is not a zip file; remove it"):
        fetch_jena_climate(data_home=tmp_path)


def m4(folder: Path, n_series: int = 414, horizon: int = 48, first: str = "H1") -> None:
    """Write a competition of series of 60, 61, 62, 60, ... known values, which count on from step to step."""
    names = [first, *(f"H{number}" for number in range(2, n_series + 1))]
    lengths = 60 + np.arange(n_series) % 3
    steps = np.arange(62 + horizon)
    known = np.where(steps[:62] < lengths[:, None], steps[:62], np.nan)
    held_back = (lengths[:, None] + steps[:horizon]).astype(float)
    for values, part in ((known, "train"), (held_back, "test")):
        table = pd.DataFrame(
            values, pd.Index(names, name="V1"), [f"V{number + 2}" for number in range(values.shape[1])]
        )
        put(folder, f"m4/Hourly-{part}.csv", table.to_csv())


def test_m4_is_a_panel_and_what_was_held_back_has_the_index_of_a_forecast(tmp_path):
    m4(tmp_path)
    known, held_back = fetch_m4("hourly", data_home=tmp_path)
    assert known.index.names == held_back.index.names == ["series", "step"]
    # The values were written as the number of their step.
    assert (known == known.index.get_level_values("step")).all()
    assert (held_back == held_back.index.get_level_values("step")).all()
    assert known.groupby("series").size()[["H1", "H2", "H3", "H414"]].to_list() == [60, 61, 62, 62]
    few = ["H1", "H10", "H2", "H9"]
    forecast = LinearForecaster(horizon=48, lookback=4).fit(known.loc[few]).forecast()
    assert forecast.index.equals(held_back.loc[few].index)


@pytest.mark.parametrize("fault", [{"n_series": 413}, {"horizon": 47}, {"first": "H2"}])
def test_m4_with_other_series_is_refused(tmp_path, fault):
    m4(tmp_path, **fault)
    with pytest.raises(ValueError, match=r"Hourly-test\.csv is not what was published: expected 414 series and 48 val"):
        fetch_m4("hourly", data_home=tmp_path)


@pytest.mark.parametrize("frequency", ["Hourly", "minutely", None, ["weekly"]])
def test_m4_of_no_such_frequency_is_refused(frequency, download):
    with pytest.raises(ValueError, match=r"frequency must be one of 'yearly', 'quarterly', .* 'hourly', got"):
        fetch_m4(frequency)
    assert download == []


@pytest.mark.parametrize("place", ["anomaly/nab/realKnownCause/nyc_taxi.csv", "anomaly/nyc_taxi.csv"])
def test_nab_rows_within_the_windows_are_labelled(tmp_path, place):
    put(tmp_path, "anomaly/combined_windows.json", json.dumps(WINDOWS))
    put(tmp_path, place, TAXI)
    found = fetch_nab("nyc_taxi", data_home=tmp_path)
    assert found["value"].to_list() == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert found["anomaly"].to_list() == [0, 1, 1, 0, 0]
    assert found.index.freqstr == "h"


def test_nab_rows_stay_as_published_also_repeated_and_disordered_ones(tmp_path):
    put(tmp_path, "anomaly/combined_windows.json", json.dumps(WINDOWS))
    stamps = ["2020-01-01 00:00:00", "2020-01-01 02:00:00", "2020-01-01 02:00:00", "2020-01-01 01:00:00"]
    put(tmp_path, "anomaly/nyc_taxi.csv", "timestamp,value\r\n" + "".join(f"{stamp},1\r\n" for stamp in stamps))
    found = fetch_nab("nyc_taxi", data_home=tmp_path)
    assert found.index.astype(str).to_list() == stamps
    assert found["anomaly"].to_list() == [0, 1, 1, 1]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (TAXI[:-66], "expected rows around the label from 2020-01-01 01:00:00"),
        (TAXI.replace("value", "number"), "expected finite numbers in a column value"),
        (TAXI + "2020-01-01 05:00:00,\n", "expected finite numbers in a column value"),
        ("timestamp,value\n", "expected finite numbers in a column value"),
    ],
)
def test_nab_of_other_content_is_refused(tmp_path, text, reason):
    put(tmp_path, "anomaly/combined_windows.json", json.dumps(WINDOWS))
    put(tmp_path, "anomaly/nyc_taxi.csv", text)
    with pytest.raises(ValueError, match=rf"nyc_taxi\.csv is not what was published: {reason}"):
        fetch_nab("nyc_taxi", data_home=tmp_path)


def test_nab_names_are_those_of_the_labels(tmp_path, download):
    put(tmp_path, "anomaly/combined_windows.json", json.dumps(WINDOWS))
    with pytest.raises(
        ValueError, match=r"one of those in .*combined_windows\.json, such as 'nyc_taxi', got 'nyc_tax'"
    ):
        fetch_nab("nyc_tax", data_home=tmp_path)
    assert download == []
    with pytest.raises(OSError, match="no network"):
        fetch_nab("art_noisy", data_home=tmp_path)
    assert download[0][0].endswith("/data/artificialNoAnomaly/art_noisy.csv")
    assert download[0][1:] == (tmp_path / "anomaly/nab/artificialNoAnomaly/art_noisy.csv", None)
    put(tmp_path, "anomaly/combined_windows.json", "{")
    with pytest.raises(ValueError, match=r"combined_windows\.json is not what was published: "):
        fetch_nab("nyc_taxi", data_home=tmp_path)


def test_stock_is_trading_days_with_the_column_names_of_the_bundled_one(tmp_path, download):
    index = pd.bdate_range("2000-03-01", "2013-03-01", name="Date")
    index = index[:-1].delete(np.arange(1, len(index) - 3270 + 1)).append(index[-1:])
    columns = ["Open", "High", "Low", "Close", "Volume", "Adj Close"]
    put(tmp_path, "stock/AAPL.csv", pd.DataFrame(1.0, index, columns).to_csv())
    found = fetch_stock("AAPL", data_home=tmp_path)
    assert found.columns.to_list() == ["open", "high", "low", "close", "volume", "adj_close"]
    assert found.index.name == "date"
    put(tmp_path, "stock/AAPL.csv", pd.DataFrame(1.0, index[:9], columns).to_csv())
    with pytest.raises(ValueError, match="expected 3270 rows from 2000-03-01 to 2013-03-01, got 9 from 2000-03-01"):
        fetch_stock("AAPL", data_home=tmp_path)
    with pytest.raises(ValueError, match="symbol must be one of 'AAPL', 'MSFT', got 'GOOG'"):
        fetch_stock("GOOG")
    assert download == []


@pytest.mark.parametrize(
    ("fetch", "argument", "n_rows", "freq"),
    [
        (fetch_etth1, (), 17420, "h"),
        (fetch_stock, (), 3270, None),
        (fetch_nab, ("nyc_taxi",), 10320, "30min"),
        (fetch_nab, ("exchange-2_cpc_results",), 1624, None),
    ],
)
def test_real_data_are_read(fetch, argument, n_rows, freq):
    try:
        found = fetch(*argument, download_if_missing=False)
    except FileNotFoundError as missing:
        pytest.skip(str(missing))
    assert len(found) == n_rows
    assert found.index.freqstr == freq if freq else found.index.freq is None
    assert np.isfinite(found.to_numpy()).all()


def test_real_m4_has_its_shape():
    try:
        known, held_back = fetch_m4("weekly", download_if_missing=False)
    except FileNotFoundError as missing:
        pytest.skip(str(missing))
    lengths = known.groupby("series").size()
    assert (len(lengths), lengths.min(), lengths.max()) == (359, 80, 2597)
    assert (held_back.groupby("series").size() == 13).all()
