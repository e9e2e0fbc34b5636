"""The command ``detect``."""

from __future__ import annotations

import argparse
from typing import Any

import pandas as pd

import rnnforecast
from rnnforecast.commands.arguments import check_files, number_between, output_file, picture_file, whole_number
from rnnforecast.commands.forecasting import add_input, read_input, targets_of
from rnnforecast.commands.tables import DataError, numeric_columns, pick, write_table


def add_detect(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``detect``."""
    add_input(parser)
    parser.add_argument("--train-until", metavar="STAMP", help="learn from the rows up to here (default: half of them)")
    parser.add_argument("--mode", choices=["causal", "offline"], default="causal", help="may a score look ahead?")
    parser.add_argument(
        "--rate", type=number_between(0, 1), metavar="P", help="false alarms a row of normal data may raise"
    )
    parser.add_argument("--seed", type=whole_number(0), default=0, help="of everything random (default: %(default)s)")
    parser.add_argument(
        "--out", type=output_file, default="-", metavar="FILE", help="CSV of the intervals (default: standard output)"
    )
    parser.add_argument("--scores", type=output_file, metavar="FILE", help="CSV of the score of every row")
    parser.add_argument("--plot", type=picture_file, metavar="PNG", help="draw series, score and intervals")


def run_detect(options: argparse.Namespace, parser: argparse.ArgumentParser, say: Any) -> None:
    """Fit a detector and write the intervals it finds."""
    check_files(options, parser)
    table = read_input(options, options.file, say)
    targets = options.target or numeric_columns(table) or targets_of(table, None, [], options.file)
    X = pick(table, targets, options.file)
    parameters = {"mode": options.mode, "random_state": options.seed}
    if options.rate is not None:
        parameters["false_alarm_rate"] = options.rate
    detector = rnnforecast.RNNAnomalyDetector(**parameters).fit(_training(X, options.train_until, say))
    found = detector.detect(X)
    say(f"{len(found)} {'interval' if len(found) == 1 else 'intervals'} in {len(X)} rows")
    write_table(found.set_index("start"), options.out)
    if options.scores:
        write_table(detector.anomaly_score(X), options.scores)
    if options.plot:
        from rnnforecast.plotting import AnomalyDisplay

        AnomalyDisplay.from_estimator(detector, X, column=targets[0]).figure_.savefig(options.plot, dpi=150)
        say(f"the picture is {options.plot}" + ("" if len(targets) == 1 else f", of {targets[0]} alone"))


def _training(X: pd.DataFrame, until: str | None, say: Any) -> pd.DataFrame:
    """Return the rows to learn what is ordinary from: what is learnt from is hardly found."""
    if until is None:
        half = X.iloc[: -(-len(X) // 2)]
        say(f"learnt from the first half of the rows, up to {half.index[-1]}; choose with --train-until")
        return half
    rows = X.loc[: _stamp(until, X.index)]
    if len(rows) == 0:
        raise DataError(f"no row lies before --train-until {until}; the first is {X.index[0]}")
    return rows


def _stamp(word: str, index: pd.Index) -> Any:
    """Read a word as a label of an index: the order of day and month is not guessed, its time zone is that of it."""
    try:
        if not isinstance(index, pd.DatetimeIndex):
            return type(index[0])(word)
        stamp = pd.to_datetime(word, format="ISO8601")
        return stamp.tz_localize(index.tz) if stamp.tz is None else stamp.tz_convert(index.tz)
    except (ValueError, TypeError) as error:
        raise DataError(f"--train-until must be a time stamp like {index[0]}, got {word!r}") from error
