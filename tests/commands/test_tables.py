"""Files become frames as a careful reader would read them, or a sentence says why not."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest

from rnnforecast.__main__ import main
from rnnforecast.commands.tables import DataError, numeric_columns, pick, read_table, write_table

HOURS = pd.date_range("2024-01-30", periods=72, freq="h")


def written(tmp_path, text, name="data.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("form", "separator", "decimal"),
    [
        ("%Y-%m-%d %H:%M", ",", "."),
        ("%d.%m.%Y %H:%M", ";", ","),
        ("%m/%d/%Y %H:%M", "\t", "."),
        ("%d/%m/%Y %H:%M", "|", ","),
    ],
    ids=["iso", "german", "american", "british"],
)
def test_every_dialect_gives_the_same_table(tmp_path, form, separator, decimal):
    values = np.linspace(-1.5, 2.5, len(HOURS))
    frame = pd.DataFrame({"when": HOURS.strftime(form), "load": values})
    path = written(tmp_path, frame.to_csv(sep=separator, decimal=decimal, index=False))
    table = read_table(path, None)
    assert list(table.index) == list(HOURS)
    np.testing.assert_allclose(table["load"], values, rtol=1e-14)  # as exact as older pandas reads


def test_what_was_guessed_is_said(tmp_path):
    frame = pd.DataFrame({"when": HOURS.strftime("%d.%m.%Y %H:%M"), "load": np.arange(72) / 4})
    said = []
    read_table(written(tmp_path, frame.to_csv(sep=";", decimal=",", index=False)), None, say=said.append)
    assert said == [
        "columns are separated by ';'",
        "numbers are written with a decimal comma",
        "dates are read as %d.%m.%Y %H:%M: '30.01.2024 00:00' is 2024-01-30 00:00:00",
    ]


def test_a_day_and_month_that_could_be_either_are_not_guessed(tmp_path):
    path = written(tmp_path, "when,load\n01/02/2024,1\n02/02/2024,2\n03/02/2024,3\n")
    with pytest.raises(DataError, match=r"could be %d/%m/%Y as well as %m/%d/%Y; choose with --date-format"):
        read_table(path, "when")
    assert read_table(path, "when", date_format="%d/%m/%Y").index[0] == pd.Timestamp("2024-02-01")


def test_a_later_day_above_twelve_settles_the_order(tmp_path):
    path = written(tmp_path, "when,load\n01/12/2024,1\n01/13/2024,2\n")
    assert list(read_table(path, "when").index) == [pd.Timestamp("2024-01-12"), pd.Timestamp("2024-01-13")]


def test_offsets_that_change_with_the_season_become_utc(tmp_path):
    path = written(tmp_path, "when,load\n2024-03-31T01:30+01:00,1\n2024-03-31T03:30+02:00,2\n")
    index = read_table(path, None).index
    assert str(index.tz) == "UTC"
    assert index[1] - index[0] == pd.Timedelta("1h")


def test_rows_out_of_order_are_sorted_and_that_is_said(tmp_path):
    said = []
    table = read_table(written(tmp_path, "when,load\n2024-01-02,2\n2024-01-01,1\n"), None, say=said.append)
    assert list(table["load"]) == [1, 2]
    assert said == ["the rows were not in the order of time and have been sorted"]


def test_a_panel_is_indexed_by_series_and_time(tmp_path):
    table = read_table(written(tmp_path, "shop,when,sold\nb,2024-01-01,1\na,2024-01-01,2\n"), "when", series="shop")
    assert table.index.names == ["shop", "when"]
    assert list(table["sold"]) == [2, 1]


def test_names_of_series_stay_as_they_are_written(tmp_path):
    path = written(tmp_path, "shop,when,sold\n007,2024-01-01,1\n1e3,2024-01-01,2\n")
    assert list(read_table(path, "when", series="shop").index.get_level_values(0)) == ["007", "1e3"]


def test_names_of_series_must_be_there_and_are_no_time_stamps(tmp_path):
    path = written(tmp_path, "shop,when,sold\na,2024-01-01,1\n,2024-01-01,2\n")
    with pytest.raises(DataError, match="column 'shop' names no series in line 3"):
        read_table(path, "when", series="shop")
    with pytest.raises(DataError, match="'when' cannot name both series and time stamps"):
        read_table(path, None, series="when")


def test_parquet_may_be_indexed_by_series_and_time(tmp_path):
    pytest.importorskip("pyarrow", reason="Parquet needs pyarrow")
    days = pd.date_range("2024-01-01", periods=2, name="day")
    frame = pd.DataFrame({"sold": np.arange(4.0)}, index=pd.MultiIndex.from_product([["a", "b"], days]))
    frame.rename_axis(["shop", "day"]).to_parquet(tmp_path / "panel.parquet")
    table = read_table(str(tmp_path / "panel.parquet"), None, series="shop")
    assert list(table["sold"]) == [0, 1, 2, 3]
    assert table.index.names == ["shop", "day"]


def test_numbered_rows_need_no_dates(tmp_path):
    table = read_table(written(tmp_path, "step,load\n0,1.5\n1,2.5\n"), "step")
    assert list(table.index) == [0, 1]


def test_standard_input_is_read_and_standard_output_written(monkeypatch, capsys):
    text = "\ufeffwhen,load\n2024-01-01,1\n2024-01-02,2\n"  # the mark with which some programs begin a file
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    write_table(read_table("-", None), "-")
    assert capsys.readouterr().out == "when,load\n2024-01-01,1\n2024-01-02,2\n"


def test_parquet_keeps_its_own_index(tmp_path):
    pytest.importorskip("pyarrow", reason="Parquet needs pyarrow")
    frame = pd.DataFrame({"load": np.arange(3.0)}, index=pd.date_range("2024", periods=3, freq="D", name="day"))
    frame.to_parquet(tmp_path / "data.parquet")
    table = read_table(str(tmp_path / "data.parquet"), None)
    assert list(table.index) == list(frame.index)
    assert list(table["load"]) == [0, 1, 2]


@pytest.mark.parametrize(
    ("text", "arguments", "message"),
    [
        ("", {}, "is empty"),
        ("when,load\n", {}, "has no rows"),
        ("a,b\n1.5,2\n", {}, "no column of .* holds dates; name the one of the time stamps with --time"),
        ("when,load\n2024-01-01,1\n", {"time": "day"}, "has no column 'day'; it has when, load"),
        ("when,load\n2024-01-01,1\n,2\n", {"time": "when"}, "has no time stamp in line 3"),
        ("when,load\n2024-01-01,1\n2024-13-01,2\n", {}, "'2024-13-01' in line 3, column 'when', is no date"),
        ("when,load\nyesterday,1\n", {"time": "when"}, "'yesterday' in column 'when' is no date"),
        ("when,load\n1.5,1\n", {"time": "when"}, "holds numbers like .*, not dates"),
        ('when,load\n2024-01-01,"1\n', {}, "is no table"),
        ("when,load\n2024-01-01T00:00Z,1\n2024-01-01T01:00,2\n", {}, "'2024-01-01T01:00' in line 3, .* from UTC"),
        ("when,load,load\n2024-01-01,1,2\n", {}, "has several columns with the name 'load'"),
        ("2024-01-01,1\n2024-01-02,2\n", {}, "has no names of columns: its first line begins with '2024-01-01'"),
        ("when,load\n2024-01-01,1\n2024-01-01,2\n", {}, "several rows for 2024-01-01"),
    ],
)
def test_files_that_are_no_table_are_refused_with_the_place(tmp_path, text, arguments, message):
    with pytest.raises(DataError, match=message):
        read_table(written(tmp_path, text), arguments.get("time"))


def test_a_missing_or_binary_file_is_refused(tmp_path):
    with pytest.raises(DataError, match="there is no file"):
        read_table(str(tmp_path / "nothing.csv"), None)
    (tmp_path / "image.csv").write_bytes(bytes(range(256)))
    with pytest.raises(DataError, match="cannot be read as text"):
        read_table(str(tmp_path / "image.csv"), None)


def test_words_among_numbers_are_named_with_their_line(tmp_path):
    table = read_table(written(tmp_path, "when,load\n2024-01-02,n/k\n2024-01-01,1\n"), None)
    assert numeric_columns(table) == []
    with pytest.raises(DataError, match=r"'n/k' at 2024-01-02.*, column 'load', is no number"):
        pick(table, ["load"], "data.csv")


def test_parquet_whose_index_has_no_name_or_is_that_of_a_panel_is_read(tmp_path):
    pytest.importorskip("pyarrow", reason="Parquet needs pyarrow")
    frame = pd.DataFrame({"load": np.arange(3.0)}, index=pd.date_range("2024", periods=3, freq="D"))
    frame.to_parquet(tmp_path / "data.PARQUET")
    table = read_table(str(tmp_path / "data.PARQUET"), None)
    assert list(table.index) == list(frame.index)
    assert table.index.name == "time"
    pd.concat({"b": frame, "a": frame}, names=["shop", "day"]).to_parquet(tmp_path / "panel.parquet")
    panel = read_table(str(tmp_path / "panel.parquet"), None, series="shop")
    assert panel.index.names == ["shop", "day"]
    assert list(panel["load"]) == [0, 1, 2, 0, 1, 2]


@pytest.mark.parametrize(
    "text",
    [
        "day,load\n2024-01-30,1,\n2024-01-31,2,\n",
        "load\n2024-01-30,1\n2024-01-31,2\n",
        ",load\n2024-01-30,1\n2024-01-31,2\n",
        "day, load \n 2024-01-30, 1\n 2024-01-31, 2\n",
        'day, "load"\n"2024-01-30", "1"\n"2024-01-31", "2"\n',
        "day,load\r\n2024-01-30,1\r\n2024-01-31,2\r\n\r\n",
        "day,load\r2024-01-30,1\r2024-01-31,2\r",
        "day,load\n30-01-2024,1\n31-01-2024,2\n",
    ],
    ids=["separator at the end", "nameless rows", "no name", "blanks", "quotes", "CRLF", "CR", "dashes"],
)
def test_habits_of_other_programs_change_no_number(tmp_path, text):
    table = read_table(written(tmp_path, text), None)
    assert list(table.index) == [pd.Timestamp("2024-01-30"), pd.Timestamp("2024-01-31")]
    assert list(table.columns) == ["load"]
    assert list(table["load"]) == [1, 2]


def test_commas_in_quoted_numbers_are_decimal_unless_they_may_part_thousands(tmp_path):
    decimal = read_table(written(tmp_path, 'when,load\n2024-01-30,"1,5"\n2024-01-31,"12,25"\n'), None)
    assert list(decimal["load"]) == [1.5, 12.25]
    thousands = read_table(written(tmp_path, 'when,load\n2024-01-30,"1,500"\n2024-01-31,"12,250"\n'), None)
    with pytest.raises(DataError, match=r"'1,500' at 2024-01-30.* is no number"):
        pick(thousands, ["load"], "data.csv")


@pytest.mark.parametrize(
    ("words", "form"),
    [
        (("20240130", "20240131"), "%Y%m%d"),
        (("1706572800", "1706659200"), "s"),
        (("1706572800000", "1706659200000"), "ms"),
    ],
)
def test_dates_written_as_numbers_are_read_in_the_form_that_is_given(tmp_path, words, form):
    path = written(tmp_path, f"shop,when,load\nx,{words[0]},1\nx,{words[1]},2\n")
    table = read_table(path, "when", date_format=form)
    assert list(table.index) == [pd.Timestamp("2024-01-30"), pd.Timestamp("2024-01-31")]


def test_a_given_form_finds_the_column_that_has_it(tmp_path):
    path = written(tmp_path, "shop,when,load\nx,30.01.24,1\nx,31.01.24,2\n")
    assert read_table(path, None, date_format="%d.%m.%y").index.name == "when"


def test_text_is_read_in_the_encoding_that_is_given(tmp_path):
    (tmp_path / "data.csv").write_bytes("when,Größe\n2024-01-30,1\n".encode("latin-1"))
    path = str(tmp_path / "data.csv")
    with pytest.raises(DataError, match="cannot be read as text in utf-8; name what it is written in with --encoding"):
        read_table(path, None)
    assert list(read_table(path, None, encoding="latin-1").columns) == ["Größe"]
    with pytest.raises(DataError, match="there is no encoding 'latin-0'"):
        read_table(path, None, encoding="latin-0")


def test_a_column_names_series_or_time_and_every_row_has_one(tmp_path):
    path = written(tmp_path, "shop,when,load\na,2024-01-30,1\n,2024-01-31,2\n")
    with pytest.raises(DataError, match="'when' cannot name both series and time stamps"):
        read_table(path, "when", series="when")
    with pytest.raises(DataError, match="'shop' names no series in line 3"):
        read_table(path, "when", series="shop")


@pytest.mark.parametrize("header", [",when,load", "when,load"], ids=["written by pandas", "written by R"])
def test_row_numbers_without_a_name_are_no_values(tmp_path, header):
    table = read_table(written(tmp_path, f"{header}\n0,2024-01-30,1.5\n1,2024-01-31,2.5\n"), None)
    assert table.index.name == "when"
    assert numeric_columns(table) == ["load"]


@pytest.mark.parametrize("word", ["---", "1.002,51"])
@pytest.mark.parametrize("command", [["forecast", "--horizon", "3"], ["detect"]], ids=["forecast", "detect"])
def test_the_only_column_is_meant_even_where_a_word_in_it_is_no_number(tmp_path, capsys, command, word):
    rows = [f"2024-01-{day:02};{word if day == 5 else day}" for day in range(1, 31)]
    path = written(tmp_path, "\n".join(["day;load", *rows]))
    assert main([command[0], str(path), *command[1:]]) == 1
    said = capsys.readouterr().err
    assert f"'{word}' at 2024-01-05" in said
    assert "column 'load', is no number" in said
