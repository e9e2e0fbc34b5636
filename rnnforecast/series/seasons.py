"""Season lengths that a frequency suggests."""

from __future__ import annotations

import pandas as pd
from pandas.tseries.offsets import BaseOffset, Day, Tick, Week

from rnnforecast.series.clock import Clock
from rnnforecast.series.frequency import is_session, span_of


def season_candidates(clock: Clock) -> tuple[int, ...] | None:
    """Return the season lengths worth testing at this frequency, shortest first.

    Returns
    -------
    lengths : tuple of int, or None
        Empty for a frequency without usual seasons; None without a time index.
    """
    step = clock.step
    if not isinstance(step, BaseOffset):
        return None
    if is_session(step):
        return (5,) if step.n == 1 else ()
    if isinstance(step, Day):
        return (7,) if step.n == 1 else ()
    if isinstance(step, Week):
        return (52,) if step.n == 1 else ()
    if isinstance(step, Tick):
        return _seasons_of_span(span_of(step))
    months = _months_in(step)
    return (12 // months,) if months < 12 and 12 % months == 0 else ()


def _seasons_of_span(span: pd.Timedelta) -> tuple[int, ...]:
    """Rows per day and per week, for steps of a minute to half a day that divide the day."""
    day = pd.Timedelta(days=1)
    if span < pd.Timedelta(minutes=1) or span >= day or day % span != pd.Timedelta(0):
        return ()
    return (day // span, 7 * (day // span))


def _months_in(step: BaseOffset) -> int:
    """Return the months of a monthly, quarterly or yearly offset; 12 for any other calendar."""
    prefix = step.freqstr.lstrip("0123456789").split("-")[0].removeprefix("B")
    return step.n * {"MS": 1, "ME": 1, "QS": 3, "QE": 3}.get(prefix, 12)
