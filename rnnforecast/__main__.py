"""The command line: ``rnnforecast`` or ``python -m rnnforecast`` with one of its commands."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import rnnforecast
from rnnforecast.commands.arguments import output_file
from rnnforecast.commands.demo import run_demo
from rnnforecast.commands.detecting import add_detect, run_detect
from rnnforecast.commands.forecasting import add_backtest, add_forecast, run_backtest, run_forecast
from rnnforecast.commands.machine import run_info, run_warmup
from rnnforecast.commands.wording import in_options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str, default=None
        What follows ``python -m rnnforecast``; the process' own if None.

    Returns
    -------
    int
        The exit status: 0 when done, 1 for data or files that cannot be used, in one sentence on standard error. Wrong
        usage leaves the process with status 2.
    """
    parser = argparse.ArgumentParser(prog="rnnforecast", description=rnnforecast.__doc__.partition("\n")[0])
    parser.add_argument("--version", action="version", version=f"rnnforecast {rnnforecast.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    forecast = commands.add_parser("forecast", help="forecast the columns of a file")
    add_forecast(forecast)
    backtest = commands.add_parser("backtest", help="forecast the end of a file from several origins, and compare")
    add_backtest(backtest)
    detect = commands.add_parser("detect", help="find anomalies in the columns of a file")
    add_detect(detect)
    demo = commands.add_parser("demo", help="forecast the bundled weather beside two references, and draw it")
    demo.add_argument("--out", type=output_file, default="forecast.png", help="the picture (default: %(default)s)")
    commands.add_parser("warmup", help="compile what the default forecaster uses, so that the first fit need not")
    commands.add_parser("info", help="print versions, processor, threads and cache folder")
    options = parser.parse_args(arguments)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _say_warning
            _run(options, commands.choices[options.command])
        print(end="", flush=True)  # here, where a reader that has gone or a full disk can still be told
    except BrokenPipeError:  # the reader of standard output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ValueError, TypeError, OSError, ImportError, MemoryError) as error:
        _say(f"error: {in_options(str(error))}")
        return 1
    except KeyboardInterrupt:
        _say("interrupted")
        return 130
    return 0


def _run(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Run the command that was asked for; its parser refuses options that do not go together."""
    if options.command == "forecast":
        run_forecast(options, parser, _say)
    elif options.command == "backtest":
        run_backtest(options, parser, _say)
    elif options.command == "detect":
        run_detect(options, parser, _say)
    elif options.command == "demo":
        run_demo(Path(options.out))
    elif options.command == "warmup":
        run_warmup()
    else:
        run_info()


def _say(sentence: str) -> None:
    """Write a remark where it does not mix with results."""
    print(f"rnnforecast: {sentence}", file=sys.stderr)


def _say_warning(
    message: Warning | str, category: Any, filename: Any, lineno: Any, file: Any = None, line: Any = None
) -> None:
    """Write a warning as a remark, without the line of code that it comes from."""
    _say(f"warning: {in_options(str(message))}")


if __name__ == "__main__":
    sys.exit(main())
