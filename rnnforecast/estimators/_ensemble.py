"""The recurrent part of a forecaster: networks over a scaled series, from several seeds, their forecasts averaged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from rnnforecast.estimators._frames import Scales
from rnnforecast.estimators._samples import Samples, judged
from rnnforecast.estimators._training import Settings, Trained, descend, each, usable
from rnnforecast.estimators._watching import Watch
from rnnforecast.kernels.losses import LOSSES
from rnnforecast.network.compose import at_once
from rnnforecast.network.heads import Head
from rnnforecast.network.network import Network
from rnnforecast.network.objective import WindowObjective, forecast
from rnnforecast.network.seq2seq import Seq2Seq
from rnnforecast.network.windows import Frame, Windows
from rnnforecast.series import Series
from rnnforecast.series.spans import Origins, Spans
from rnnforecast.training.loop import History, Report

ORIGINS_AT_ONCE = 1024  # bounds the memory of a backtest
VALIDATION_WINDOWS = 250  # enough to rank weights; more only costs time
MOST_VALIDATION_WINDOWS = 1000


def train_member(
    network: Network,
    windows: Windows,
    frame: Frame,
    origins: Origins,
    validation: Samples | None,
    settings: Settings,
    seed: int,
    start: np.ndarray | None = None,
    stop_at: int | None = None,
    report: Report | None = None,
) -> Trained:
    """Train one network; return its weights (best on `validation`, else the last) and how it went.

    Parameters
    ----------
    origins : Origins
        Of the windows to be learnt from.
    start : ndarray, optional
        Weights to start from, if they have the network's size; drawn from `seed` by default.
    stop_at : int, optional
        Follow the schedule of the whole training but stop after so many updates.
    """
    rng = np.random.default_rng(seed)
    drawn = network.initial(rng)
    earlier = usable(start, network.layout, network.dtype)
    weights = drawn if earlier is None else earlier
    loss = LOSSES[settings.loss] if windows.head is None else windows.head.loss
    numbers = judged(frame, windows, origins)
    if not len(numbers):
        raise ValueError(
            f"no window of {windows.lookback} rows ends with an observed value and has one within the horizon of "
            f"{windows.horizon} after it; give more data, or a shorter lookback"
        )
    batch_size, n_steps = settings.steps(len(numbers), len(origins.first))
    # A training that ends within its first epoch needs no list of windows that it never reads.
    count, total = n_steps * batch_size, len(numbers)
    picked = rng.integers(total, size=count) if count < total else np.arange(total)
    training = Samples.numbered(frame, origins, picked if isinstance(numbers, range) else numbers[picked])
    objective = WindowObjective(
        network, windows, training.frame, training.origins, training.columns, loss, settings.teacher_forcing
    )
    validate = None
    if validation is not None:
        held_out = WindowObjective(network, windows, validation.frame, validation.origins, validation.columns, loss)
        rows = np.arange(len(validation.origins))

        def validate() -> float:
            held_out.prepare(weights)
            return held_out.mean_loss(rows)

    history = descend(
        objective,
        weights,
        network.layout,
        settings,
        rng,
        rows=np.arange(len(training.origins)),
        batch_size=batch_size,
        n_steps=n_steps,
        shuffle=settings.shuffle,
        size_of_shard=at_once(network.encoder.products(windows.n_steps), batch_size),
        validate=validate,
        stop_at=stop_at,
        progress=objective.advance,
        report=report,
    )
    return weights, history


def train_ensemble(
    network: Network,
    windows: Windows,
    scales: Scales,
    series: Series,
    ahead: Series | None,
    settings: Settings,
    seeds: list[int],
    watch: Watch,
    *,
    starts: list[np.ndarray] | None = None,
    stops: list[int] | None = None,
) -> Ensemble:
    """Train a network for each seed, unless those who watch want no more.

    Parameters
    ----------
    series : Series
        Learnt from.
    ahead : Series or None
        The same series going on: its further rows choose the weights.
    starts : list of ndarray, optional
        Weights to start from, where they have the network's size.
    stops : list of int, optional
        Updates after which each training stops.
    """
    frame, spans = laid_out(series, scales, windows, network.dtype)
    origins, validation = spans.origins(windows.lookback, windows.horizon), None
    if ahead is not None:
        later, longer = laid_out(ahead, scales, windows, network.dtype)
        held_out = longer.origins_from(series.spans.lengths, windows.horizon)
        numbers = np.asarray(judged(later, windows, held_out))
        if len(numbers):
            validation = Samples.numbered(later, held_out, numbers).thinned(validation_windows(len(spans)))

    def member(seed: int, start: np.ndarray | None, stop_at: int | None, report: Report | None) -> Trained:
        return train_member(network, windows, frame, origins, validation, settings, seed, start, stop_at, report)

    members = each(member, seeds, watch, starts, stops)
    return Ensemble(network, windows, scales, [w for w, _ in members], [h for _, h in members])


def laid_out(series: Series, scales: Scales, windows: Any, dtype: Any) -> tuple[Frame, Spans]:
    """Return the scaled rows of a series or panel, room between its series, and where these are."""
    spaced = series.spaced(max(windows.lookback, windows.base or 0) + 1)
    return scales.frame_of(spaced, dtype), spaced.spans


def validation_windows(n_series: int) -> int:
    """Return how many windows held out are looked at: of a panel so many that most series have a say."""
    return int(np.clip(n_series, VALIDATION_WINDOWS, MOST_VALIDATION_WINDOWS))


@dataclass(frozen=True)
class Ensemble:
    """Trained networks of one architecture over one scaling; forecasts are their mean."""

    network: Network
    windows: Windows
    scales: Scales
    weights: list[np.ndarray]
    histories: list[History] = field(repr=False)

    @property
    def n_parameters(self) -> int:
        """Weights of a network."""
        return self.network.layout.size

    def forecast_series(self, series: Series, origins: np.ndarray, horizon: int, n_threads: int = 1) -> np.ndarray:
        """Forecast a series, or a panel with room between its series; see `forecast`."""
        about = (series.masked, series.spans, series.static)
        return self.forecast(*self.scales.rows(series), origins, horizon, n_threads, *about)

    def forecast(
        self,
        target: np.ndarray,
        known: np.ndarray,
        past: np.ndarray,
        origins: np.ndarray,
        horizon: int,
        n_threads: int = 1,
        masked: np.ndarray | None = None,
        spans: Spans | None = None,
        static: pd.DataFrame | None = None,
    ) -> np.ndarray:
        """Forecast (n, horizon, K) in original units from each origin.

        Parameters
        ----------
        target : (N, K), known : (N', F), past : (N, P)
            Rows in original units. Covariates of the horizon that are not given are taken as the last ones that are.
        origins : (n,)
        horizon : int
            Longer than trained: the network goes on from its own forecasts.
        n_threads : int
            The numbers are the same for any.
        masked : (N, K + P) bool, optional
            Which targets and past covariates were observed; all by default.
        spans : Spans, optional
            Which rows belong to which series of a panel, with room between them for the windows.
        static : DataFrame of S rows, optional
            Covariates of the series themselves.
        """
        parameters = self._parameters(target, known, past, origins, horizon, n_threads, masked, spans, static)
        point = 0 if self.head is None else self.head.point
        return self.scales.restore(parameters[..., point], target, origins, spans)

    def parameters_of_series(self, series: Series, origins: np.ndarray, horizon: int, n_threads: int = 1) -> np.ndarray:
        """Forecast the parameters (n, horizon, K, P) of the transformed target's distributions, members averaged.

        Arguments are those of `forecast_series`.
        """
        about = (series.masked, series.spans, series.static)
        return self._parameters(*self.scales.rows(series), origins, horizon, n_threads, *about)

    def _parameters(
        self,
        target: np.ndarray,
        known: np.ndarray,
        past: np.ndarray,
        origins: np.ndarray,
        horizon: int,
        n_threads: int,
        masked: np.ndarray | None,
        spans: Spans | None,
        static: pd.DataFrame | None,
    ) -> np.ndarray:
        """Return parameters (n, horizon, K, P); without a distribution the only one is the transformed forecast."""
        kinds = ("location",) if self.head is None else self.head.kinds
        frame = self.scales.frame(target, known, past, self.network.dtype, masked, spans, static)
        total = np.zeros((len(origins), horizon, target.shape[1] * len(kinds)))
        for weights in self.weights:
            prepared = self.network.prepare(weights)
            for start in range(0, len(origins), ORIGINS_AT_ONCE):
                part = slice(start, start + ORIGINS_AT_ONCE)
                total[part] += self._member(prepared, frame, origins[part], horizon, n_threads)
        mean = (total / len(self.weights)).reshape(len(origins), horizon, target.shape[1], len(kinds))
        return self.scales.unscaled(mean, kinds, target, origins, masked, spans)

    @property
    def head(self) -> Head | None:
        """The distribution that is forecast; None for the value itself."""
        return getattr(self.windows, "head", None)

    def _member(self, prepared: Any, frame: Frame, origins: np.ndarray, horizon: int, n_threads: int) -> np.ndarray:
        """Forecast (n, horizon, K P) of one network in the frame's units."""
        network, windows = self.network, self.windows
        if windows.recursive:
            return self._unroll(prepared, frame, origins, horizon)
        if isinstance(network.decoder, Seq2Seq):
            windows = replace(windows, horizon=horizon)
            network = network.over(windows)

        def once(frame: Frame, origin: np.ndarray, column: np.ndarray) -> np.ndarray:
            return forecast(network, prepared, windows, frame, origin, column, n_threads)

        reach, n_groups = max(windows.lookback, windows.base), windows.n_columns // windows.n_targets
        return in_blocks(once, frame, origins, horizon, windows.horizon, reach, n_groups, windows.head)

    def _unroll(self, prepared: Any, frame: Frame, origins: np.ndarray, horizon: int) -> np.ndarray:
        """Forecast step by step."""
        windows, K = self.windows, frame.target.shape[1]
        samples = Samples.all(frame, origins, K // windows.n_targets)
        read = windows.read(frame, samples.origins, samples.columns, windows.lookback)
        rows = np.clip(samples.origins + np.arange(1, horizon)[:, None], 0, len(frame.known) - 1)
        future = frame.known[rows].transpose(0, 2, 1)
        if windows.marked:  # its own forecasts are as good as observed, and of no age
            marks = np.repeat([1.0, 0.0], windows.n_targets).astype(frame.target.dtype)
            marks = np.broadcast_to(marks[:, None], (len(rows), len(marks), len(samples.origins)))
            future = np.concatenate([future, marks], axis=1)
        if frame.static is not None:
            static = frame.static[samples.origins - 1].T
            future = np.concatenate([future, np.broadcast_to(static, (len(rows), *static.shape))], axis=1)
        future = np.ascontiguousarray(future)
        out = self.network.unroll(prepared, read.past, future)
        return as_table(out / read.factor + read.center, len(origins), K)


def in_blocks(
    once: Callable[[Frame, np.ndarray, np.ndarray], np.ndarray],
    frame: Frame,
    origins: np.ndarray,
    horizon: int,
    trained: int,
    reach: int,
    n_groups: int,
    head: Head | None = None,
) -> np.ndarray:
    """Forecast (n, horizon, K P) in the frame's units, block by block of the `trained` horizon, each from the last one.

    Parameters
    ----------
    once : callable
        ``once(frame, origins, columns) -> (trained, J P, samples)``.
    reach : int
        Rows before an origin that are read.
    n_groups : int
        Times that each origin is forecast: K / J.
    head : Head, optional
        The distribution of which P parameters are forecast; a later block reads its point.
    """
    K = frame.target.shape[1]
    P, point = (1, 0) if head is None else (head.n_parameters, head.point)
    if horizon <= trained:
        samples = Samples.all(frame, origins, n_groups)
        return as_table(once(frame, samples.origins, samples.columns), len(origins), K * P)[:, :horizon]
    width = reach + -(-horizon // trained) * trained  # the last block reads whole horizons of covariates
    own = _own_rows(frame, origins, reach, width - reach)
    out = np.empty((len(origins), horizon, K * P), np.float64 if head else frame.target.dtype)
    firsts = np.arange(len(origins), dtype=np.int64) * width + reach
    table = own.target.reshape(len(origins), width, K)
    for done in range(0, horizon, trained):
        samples, stop = Samples.all(own, firsts + done, n_groups), min(horizon, done + trained)
        block = as_table(once(own, samples.origins, samples.columns), len(origins), K * P)
        out[:, done:stop] = block[:, : stop - done]
        table[:, reach + done : reach + stop] = out[:, done:stop, point::P]
    return out


def as_table(out: np.ndarray, n_origins: int, n_columns: int) -> np.ndarray:
    """Bring forecasts (h, J, samples), samples with columns outermost, into (n_origins, h, n_columns)."""
    h, J, _ = out.shape
    return out.reshape(h, J, n_columns // J, n_origins).transpose(3, 0, 2, 1).reshape(n_origins, h, n_columns)


def _own_rows(frame: Frame, origins: np.ndarray, reach: int, horizon: int) -> Frame:
    """Copy for each origin its rows ``origin - reach .. origin + horizon - 1``, one after the other.

    Values of the horizon are to be written over by forecasts; past covariates stay at their last known value.
    """
    steps = origins[:, None] + np.arange(-reach, horizon)
    seen = np.clip(np.minimum(steps, origins[:, None] - 1), 0, len(frame.target) - 1).ravel()
    known = np.clip(steps, 0, max(len(frame.known) - 1, 0)).ravel()
    ahead = (steps >= origins[:, None]).ravel()[:, None]
    return Frame(
        frame.target[seen],
        frame.known[known],
        frame.past[seen],
        None if frame.observed is None else np.where(ahead, 1, frame.observed[seen]).astype(frame.target.dtype),
        None if frame.age is None else np.where(ahead, 0, frame.age[seen]).astype(frame.target.dtype),
        None if frame.static is None else frame.static[np.repeat(origins - 1, steps.shape[1])],
    )
