"""The command ``detect``."""

from __future__ import annotations

import argparse
from typing import Any

import pandas as pd

import rnnforecast
from rnnforecast.commands.forecasting import add_input, targets_of
from rnnforecast.commands.tables import DataError, numeric_columns, pick, read_table, write_table


def add_detect(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``detect``."""
    add_input(parser)
    parser.add_argument("--train-until", metavar="STAMP", help="learn from the rows up to here (default: half of them)")
    parser.add_argument("--mode", choices=["causal", "offline"], default="causal", help="may a score look ahead?")
    parser.add_argument("--rate", type=float, metavar="P", help="false alarms a row of normal data may raise")
    parser.add_argument("--seed", type=int, default=0, help="of everything random (default: %(default)s)")
    parser.add_argument("--out", default="-", metavar="FILE", help="CSV of the intervals (default: standard output)")
    parser.add_argument("--scores", metavar="FILE", help="CSV of the score of every row")
    parser.add_argument("--plot", metavar="PNG", help="draw series, score and intervals")


def run_detect(options: argparse.Namespace, say: Any) -> None:
    """Fit a detector and write the intervals it finds."""
    table = read_table(
        options.file,
        options.time,
        separator=options.separator,
        decimal=options.decimal,
        date_format=options.date_format,
        say=say,
    )
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
        say(f"the picture is {options.plot}")


def _training(X: pd.DataFrame, until: str | None, say: Any) -> pd.DataFrame:
    """Return the rows to learn what is ordinary from: what is learnt from is hardly found."""
    if until is None:
        half = X.iloc[: len(X) // 2]
        if len(half):
            say(f"learnt from the first half of the rows, up to {half.index[-1]}; choose with --train-until")
        return half
    try:
        rows = X.loc[: type(X.index[0])(until)]
    except (ValueError, TypeError) as error:
        raise DataError(f"--train-until must be a time stamp like {X.index[0]}, got {until!r}") from error
    if len(rows) == 0:
        raise DataError(f"no row lies before --train-until {until}; the first is {X.index[0]}")
    return rows
