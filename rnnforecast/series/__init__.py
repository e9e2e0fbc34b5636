"""The only door between pandas and the arrays of the package.

`read` turns what a user calls a time series into a `Series` of float64 arrays on a `Clock`; `read_future` and
`read_more` place later rows on the same clock; `to_pandas` goes back. Whatever is wrong with the input is said here,
once, before any work.

Axes: N rows (time steps), K targets, F covariates known in the future, P covariates known up to the forecast origin.
"""

from rnnforecast.series.calendar import calendar_features
from rnnforecast.series.clock import Clock
from rnnforecast.series.continuation import read_future, read_more
from rnnforecast.series.frequency import infer_frequency
from rnnforecast.series.panels import from_long
from rnnforecast.series.reading import read
from rnnforecast.series.record import Series, to_pandas
from rnnforecast.series.seasons import season_candidates
from rnnforecast.series.steps import Steps, read_row, read_steps
from rnnforecast.series.tables import index_of

__all__ = [
    "Clock",
    "Series",
    "Steps",
    "calendar_features",
    "from_long",
    "index_of",
    "infer_frequency",
    "read",
    "read_future",
    "read_more",
    "read_row",
    "read_steps",
    "season_candidates",
    "to_pandas",
]
