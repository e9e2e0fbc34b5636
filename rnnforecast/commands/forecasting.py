"""The commands ``forecast`` and ``backtest``."""

from __future__ import annotations

import argparse
import ast
import sys
import warnings
from typing import Any

import numpy as np
import pandas as pd

import rnnforecast
from rnnforecast.commands.arguments import (
    character,
    check_files,
    number_between,
    output_file,
    picture_file,
    whole_number,
)
from rnnforecast.commands.keeping import add_keeping, keep, loaded
from rnnforecast.commands.tables import DataError, listed, name_of, numeric_columns, pick, read_table, write_table
from rnnforecast.series.labels import label_text, names_text

MODELS = {"rnn": "RNNForecaster", "linear": "LinearForecaster", "naive": "NaiveForecaster"}
_PER_CENT = number_between(0, 100)
_OWN_OPTIONS = {
    "horizon": "--horizon",
    "missing": "--missing",
    "freq": "--freq",
    "past_covariates": "--past",
    "random_state": "--seed",
}


def add_forecast(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``forecast``."""
    add_input(parser)
    _add_model(parser)
    add_keeping(parser)
    parser.add_argument("--future", metavar="FILE", help="known covariates of the steps ahead, if not in the same file")
    parser.add_argument(
        "--level", type=_PER_CENT, nargs="+", default=[], metavar="P", help="intervals, in per cent: 80 95"
    )
    parser.add_argument(
        "--out", type=output_file, default="-", metavar="FILE", help="CSV of the forecast (default: standard output)"
    )
    parser.add_argument("--plot", type=picture_file, metavar="PNG", help="draw the forecast")


def add_backtest(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``backtest``."""
    add_input(parser)
    _add_model(parser)
    parser.add_argument(
        "--windows", type=whole_number(1), default=5, metavar="N", help="origins (default: %(default)s)"
    )
    parser.add_argument(
        "--step", type=whole_number(1), metavar="ROWS", help="rows between origins (default: the horizon)"
    )
    parser.add_argument("--refit", action="store_true", help="learn anew before every window")
    parser.add_argument(
        "--level", type=_PER_CENT, nargs="+", default=[], metavar="P", help="intervals, in per cent: 80 95"
    )
    parser.add_argument("--out", type=output_file, metavar="FILE", help="CSV of all forecasts beside the truth")
    parser.add_argument("--plot", type=picture_file, metavar="PNG", help="draw the errors")


def add_input(parser: argparse.ArgumentParser) -> None:
    """Declare where data come from."""
    parser.add_argument("file", help="CSV or Parquet file, or - for CSV from standard input")
    parser.add_argument("--time", metavar="COLUMN", help="time stamps (default: the first column of dates)")
    parser.add_argument("--target", nargs="+", metavar="COLUMN", help="what it is about (default: the only numbers)")
    parser.add_argument(
        "--separator", type=character, metavar="CHAR", help="between columns (default: as the file shows)"
    )
    parser.add_argument("--decimal", choices=[".", ","], help="decimal sign (default: as the file shows)")
    parser.add_argument(
        "--date-format",
        metavar="FORM",
        help="such as %%d.%%m.%%Y, or s or ms for numbers counted since 1970 (default: as the file shows)",
    )
    parser.add_argument(
        "--encoding", default="utf-8", metavar="NAME", help="of the text, such as latin-1 (default: %(default)s)"
    )


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--horizon", type=whole_number(1), metavar="STEPS", help="steps ahead")
    parser.add_argument("--id", metavar="COLUMN", help="names the series of each row, if the file holds several")
    parser.add_argument("--known", nargs="+", default=[], metavar="COLUMN", help="covariates known in advance")
    parser.add_argument("--past", nargs="+", default=[], metavar="COLUMN", help="covariates known up to the present")
    parser.add_argument("--freq", help="step of the time stamps, such as h or D, if they do not show it")
    parser.add_argument("--missing", choices=["error", "interpolate", "mask"], default="error", help="what holes mean")
    parser.add_argument("--model", choices=list(MODELS), default="rnn", help="(default: %(default)s)")
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help="other parameters of the model")
    parser.add_argument("--seed", type=whole_number(0), default=0, help="of everything random (default: %(default)s)")


def run_forecast(options: argparse.Namespace, parser: argparse.ArgumentParser, say: Any) -> None:
    """Fit a model, forecast, and write what was asked for."""
    kept = _kept(options, parser)
    _check(options, parser)
    table, targets = _read(options, say)
    y, X, ahead = _split(table, targets, options)
    extra: dict[str, Any] = {"level": options.level} if options.level else {}
    if kept is None:
        model = _model(options, parser)
        _fit(model, X, y)
        keep(model, options, say)
    else:
        model = kept
        extra["history"] = y if X is None else (X, y)
    future = _future(options, ahead, say)
    forecast = model.forecast(options.horizon, future, **extra)
    say(_skill(model))
    write_table(forecast, options.out)
    if options.plot:
        _draw(y, forecast, targets, type(model).__name__, options.plot, say)


def run_backtest(options: argparse.Namespace, parser: argparse.ArgumentParser, say: Any) -> None:
    """Backtest a model and print its report."""
    _check(options, parser)
    table, targets = _read(options, say)
    y, X, _ = _split(table, targets, options)
    model = _model(options, parser)
    extra: dict[str, Any] = {"level": options.level} if options.level else {}
    data = (y,) if X is None else (X, y)
    backtest = model.backtest(*data, n_windows=options.windows, step=options.step, refit=options.refit, **extra)
    print(backtest, file=sys.stderr if options.out == "-" else sys.stdout)
    if options.out:
        write_table(backtest.forecasts, options.out)
    if options.plot:
        from rnnforecast.plotting import BacktestDisplay

        BacktestDisplay.from_backtest(backtest, column=targets[0]).figure_.savefig(options.plot, dpi=150)
        say(f"the picture is {options.plot}{_only(targets)}")


def _check(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Refuse options that do not go together."""
    if options.horizon is None:
        parser.error("--horizon is required")
    check_files(options, parser)
    if getattr(options, "future", None) and not options.known:
        parser.error("--future holds covariates known in advance: name them with --known")
    named = [*(options.target or []), *options.known, *options.past, *filter(None, [options.id, options.time])]
    if twice := [name for name in dict.fromkeys(named) if named.count(name) > 1]:
        parser.error(f"a column is one of --target, --known, --past, --id and --time, but {twice[0]!r} is named twice")


def read_input(options: argparse.Namespace, source: str, say: Any) -> pd.DataFrame:
    """Return a file as a table, as the options of `add_input` say it is written."""
    return read_table(
        source,
        options.time,
        separator=options.separator,
        decimal=options.decimal,
        date_format=options.date_format,
        encoding=options.encoding,
        series=getattr(options, "id", None),
        say=say,
    )


def _read(options: argparse.Namespace, say: Any) -> tuple[pd.DataFrame, list[str]]:
    """Return the table and the names of its targets."""
    table = read_input(options, options.file, say)
    return table, targets_of(table, options.target, [*options.known, *options.past], options.file)


def targets_of(table: pd.DataFrame, asked: list[str] | None, others: list[str], source: str) -> list[str]:
    """Return the asked columns, or the only numeric one, or the only one.

    Raises
    ------
    DataError
        There are none or several, and none was named.
    """
    if asked:
        return asked
    numeric = [name for name in numeric_columns(table) if name not in others]
    if not numeric and len(left := [str(name) for name in table.columns if name not in others]) == 1:
        return left  # whoever reads it names the word that is no number
    if len(numeric) != 1:
        found = f"{len(numeric)} columns of numbers ({listed(numeric)})" if numeric else "no column of numbers"
        raise DataError(f"{name_of(source)} has {found}; name what it is about with --target")
    return numeric


def _split(
    table: pd.DataFrame, targets: list[str], options: argparse.Namespace
) -> tuple[Any, pd.DataFrame | None, pd.DataFrame | None]:
    """Return target, covariates and the covariates of rows at the end that have no target yet."""
    y = pick(table, targets, options.file)
    covariates = [*options.known, *options.past]
    X = pick(table, covariates, options.file) if covariates else None
    seen = y.notna().any(axis=1)
    if not seen.any():
        raise DataError(f"{name_of(options.file)} has no value of {listed(targets)}")
    backwards = seen.astype(int)[::-1]
    seen_later = (backwards if options.id is None else backwards.groupby(level=0)).cummax()[::-1]
    ahead = seen_later.to_numpy() == 0
    if options.id is not None:
        empty = table.index[ahead].unique(0).difference(table.index[~ahead].unique(0))
        if len(empty):
            raise DataError(
                f"{name_of(options.file)} has no value of {listed(targets)} for the series {names_text(empty)}; "
                "delete them"
            )
    future = X[ahead] if X is not None and ahead.any() else None
    y, X = y[~ahead], None if X is None else X[~ahead]
    return (y[targets[0]] if len(targets) == 1 else y), X, future


def _future(options: argparse.Namespace, ahead: pd.DataFrame | None, say: Any) -> pd.DataFrame | None:
    """Return the covariates of the steps ahead: from a file of their own, or from the end of the data."""
    if options.future is None:
        return ahead
    X = pick(read_input(options, options.future, say), options.known, options.future)
    is_hole = X.isna().any(axis=1).to_numpy()
    if options.missing == "error" and is_hole.any():
        place = label_text(X.index, is_hole.nonzero()[0])
        raise DataError(
            f"{name_of(options.future)} does not hold all of {listed(options.known)} at {place}; fill them in"
        )
    for name in options.past:
        X[name] = float("nan")
    return X


def _model(options: argparse.Namespace, parser: argparse.ArgumentParser) -> Any:
    """Return the estimator that the arguments describe."""
    kind = getattr(rnnforecast, MODELS[options.model])
    parameters: dict[str, Any] = {"horizon": options.horizon, "missing": options.missing, "freq": options.freq}
    if options.past:
        parameters["past_covariates"] = options.past
    known = kind._get_param_names()
    if "random_state" in known:
        parameters["random_state"] = options.seed
    for setting in options.set:
        name, sign, word = setting.partition("=")
        if not sign or name not in known:
            parser.error(f"--set takes NAME=VALUE with a parameter of {MODELS[options.model]}, got {setting!r}")
        if name in _OWN_OPTIONS:
            parser.error(
                f"--set takes parameters that have no option of their own, got {setting!r}: use {_OWN_OPTIONS[name]}"
            )
        parameters[name] = _value(word)
    return kind(**parameters)


def _kept(options: argparse.Namespace, parser: argparse.ArgumentParser) -> Any:
    """Return the forecaster of ``--load``, if any; the columns are then those that it was fitted with."""
    model = loaded(options, parser, "forecast", ("model", "set", "seed", "missing", "freq", "known", "past"))
    if model is None:
        return None
    inner = getattr(model, "forecaster", model)  # of `ForecasterPerSeries`
    names = model._history.target_names
    options.horizon = options.horizon or model.horizon
    options.missing, options.past = inner.missing, list(inner.past_covariates or [])
    options.known = [name for name in getattr(model, "feature_names_in_", []) if name not in options.past]
    if options.target is None and all(isinstance(name, str) for name in names):
        options.target = names
    return model


def _value(word: str) -> Any:
    """Read a Python literal; what is none is a string."""
    try:
        return ast.literal_eval(word)
    except (ValueError, SyntaxError):
        return word


def _fit(model: Any, X: pd.DataFrame | None, y: Any) -> None:
    if X is None:
        model.fit(y)
    else:
        model.fit(X, y)


def _skill(model: Any) -> str:
    """Say in a sentence what a fitted model is worth, where it knows."""
    name = type(model).__name__
    if getattr(model, "no_skill_", False):
        return f"{name} found no skill over a naive forecast: do not expect the forecast to be better than one"
    if not np.isfinite(getattr(model, "skill_", np.nan)):
        return f"{name} made the forecast"
    return f"{name}: on rows held out its error was {100 * model.skill_:.0f} % below that of a naive forecast"


def _draw(y: Any, forecast: Any, targets: list[str], name: str, out: str, say: Any) -> None:
    from rnnforecast.plotting import ForecastDisplay, PanelDisplay

    kind: Any = PanelDisplay if isinstance(y.index, pd.MultiIndex) else ForecastDisplay
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        display = kind.from_predictions(y, forecast, column=targets[0], name=name)
        display.figure_.savefig(out, dpi=150)
    if kind is PanelDisplay and len(display.displays) < y.index.levshape[0]:
        say(f"the picture shows {len(display.displays)} of {y.index.levshape[0]} series")
    say(f"the picture is {out}{_only(targets)}")


def _only(targets: list[str]) -> str:
    """Say what a picture of one target leaves out."""
    return "" if len(targets) == 1 else f", of {targets[0]} alone"
