"""The recurrent part of a forecaster: networks over a scaled series, from several seeds, their forecasts averaged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from rnnforecast.estimators._training import Settings, descend, each, usable
from rnnforecast.kernels.losses import LOSSES
from rnnforecast.network.compose import at_once
from rnnforecast.network.heads import Head
from rnnforecast.network.network import Network
from rnnforecast.network.objective import WindowObjective, forecast
from rnnforecast.network.seq2seq import Seq2Seq
from rnnforecast.network.windows import Frame, Windows
from rnnforecast.scaling import Identity, Log, Scaler, fit_scaler
from rnnforecast.series import Series
from rnnforecast.training.loop import History

ORIGINS_AT_ONCE = 1024  # bounds the memory of a backtest
VALIDATION_WINDOWS = 250  # enough to rank weights; more only costs time


def scaled(values: np.ndarray, scaler: Scaler, dtype: Any, what: str) -> np.ndarray:
    """Return values (..., C) on the network's scale and of its dtype.

    Raises
    ------
    ValueError
        If a value is too large for the dtype, so that forecasts would be no numbers.
    """
    with np.errstate(over="ignore"):
        result = np.ascontiguousarray(scaler.transform(values), dtype)
    if not np.isfinite(result).all():
        raise ValueError(
            f"{what} holds a value of size {np.abs(values).max():.3g}, too large for {np.dtype(dtype)} on the scale of "
            'the rows learnt from; check it, or fit with dtype="float64"'
        )
    return result


@dataclass(frozen=True)
class Scales:
    """The way from original units to the network's and back, learnt on training rows only."""

    transform: Identity | Log
    target: Scaler
    known: Scaler
    past: Scaler

    @classmethod
    def fit(
        cls,
        target: np.ndarray,
        known: np.ndarray,
        past: np.ndarray,
        *,
        transform: Identity | Log,
        kind: str | None,
        counts: bool = False,
    ) -> Scales:
        """Learn from training rows (N, K), (N, F), (N, P); counts stay counts."""
        scaler = fit_scaler(transform.forward(target), None if counts else kind)
        return cls(transform, scaler, fit_scaler(known, kind), fit_scaler(past, kind))

    def frame(self, target: np.ndarray, known: np.ndarray, past: np.ndarray, dtype: Any) -> Frame:
        """Scaled rows for the network.

        Raises
        ------
        ValueError
            If a value is too large for the dtype.
        """
        return Frame(
            scaled(self.transform.forward(target), self.target, dtype, "the target"),
            scaled(known, self.known, dtype, "a covariate"),
            scaled(past, self.past, dtype, "a past covariate"),
        )

    def restore(self, values: np.ndarray) -> np.ndarray:
        """Return forecasts (..., K) in original units."""
        return self.transform.inverse(self.target.inverse(values.astype(np.float64)))

    def restore_parameters(self, values: np.ndarray, head: Head) -> np.ndarray:
        """Return parameters (..., K, P) of distributions of the transformed target."""
        ways = {"location": self.target.inverse, "scale": lambda scale: scale * self.target.scale}
        parts = np.moveaxis(values, -1, 0)
        return np.stack([ways.get(kind, np.asarray)(part) for kind, part in zip(head.kinds, parts, strict=True)], -1)


@dataclass(frozen=True)
class Samples:
    """Windows of a frame: the network's training or validation set."""

    frame: Frame
    origins: np.ndarray
    columns: np.ndarray

    @classmethod
    def all(cls, frame: Frame, origins: np.ndarray, n_columns: int) -> Samples:
        """Every origin with each of `n_columns` columns, columns outermost."""
        columns = np.repeat(np.arange(n_columns, dtype=np.int64), len(origins))
        return cls(frame, np.tile(origins.astype(np.int64), n_columns), columns)

    @classmethod
    def drawn(
        cls, frame: Frame, first: int, stop: int, n_columns: int, count: int, rng: np.random.Generator
    ) -> Samples:
        """Every origin from `first` to ``stop - 1`` with each column; of more than `count`, so many at random.

        A training that ends within its first epoch needs no list of windows that it never reads.
        """
        n_origins = stop - first
        total = n_origins * n_columns
        picked = rng.integers(total, size=count) if count < total else np.arange(total)
        return cls(frame, first + picked % n_origins, picked // n_origins)

    def thinned(self, count: int) -> Samples:
        """About `count` of them, evenly spaced."""
        stride = max(1, len(self.origins) // count)
        return Samples(self.frame, self.origins[::stride], self.columns[::stride])


def train_member(
    network: Network,
    windows: Windows,
    frame: Frame,
    validation: Samples | None,
    settings: Settings,
    seed: int,
    start: np.ndarray | None = None,
    stop_at: int | None = None,
    report: Callable[..., None] | None = None,
) -> tuple[np.ndarray, History]:
    """Train one network; return its weights (best on `validation`, else the last) and how it went.

    Parameters
    ----------
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
    first, stop, n_columns = (
        windows.lookback,
        len(frame.target) - windows.horizon + 1,
        windows.n_columns // windows.n_targets,
    )
    batch_size, n_steps = settings.steps((stop - first) * n_columns)
    training = Samples.drawn(frame, first, stop, n_columns, n_steps * batch_size, rng)
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
        size_of_shard=at_once(network.encoder.products(windows.n_steps)),
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
    *,
    starts: list[np.ndarray] | None = None,
    stops: list[int] | None = None,
    report: Callable[..., None] | None = None,
) -> Ensemble:
    """Train a network for each seed.

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
    n_columns = windows.n_columns // windows.n_targets
    frame = scales.frame(series.target, series.known, series.past, network.dtype)
    validation = None
    if ahead is not None:
        later = scales.frame(ahead.target, ahead.known, ahead.past, network.dtype)
        origins = np.arange(series.n_rows, ahead.n_rows - windows.horizon + 1)
        validation = Samples.all(later, origins, n_columns).thinned(VALIDATION_WINDOWS)
    members = [
        train_member(network, windows, frame, validation, settings, seed, start, stop, report)
        for seed, start, stop in each(seeds, starts, stops)
    ]
    return Ensemble(network, windows, scales, [w for w, _ in members], [h for _, h in members])


@dataclass(frozen=True)
class Ensemble:
    """Trained networks of one architecture over one scaling; forecasts are their mean."""

    network: Network
    windows: Windows
    scales: Scales
    weights: list[np.ndarray]
    histories: list[History] = field(repr=False)

    def forecast(
        self,
        target: np.ndarray,
        known: np.ndarray,
        past: np.ndarray,
        origins: np.ndarray,
        horizon: int,
        n_threads: int = 1,
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
        """
        head = self.head
        if head is None:
            return self.scales.restore(self._mean(target, known, past, origins, horizon, n_threads))
        parameters = self.parameters(target, known, past, origins, horizon, n_threads)
        return self.scales.transform.inverse(parameters[..., head.point])

    def parameters(
        self,
        target: np.ndarray,
        known: np.ndarray,
        past: np.ndarray,
        origins: np.ndarray,
        horizon: int,
        n_threads: int = 1,
    ) -> np.ndarray:
        """Forecast the parameters (n, horizon, K, P) of the transformed target's distributions, members averaged.

        Arguments are those of `forecast`.
        """
        assert self.head is not None
        mean = self._mean(target, known, past, origins, horizon, n_threads)
        split = mean.reshape(*mean.shape[:2], target.shape[1], -1)
        return self.scales.restore_parameters(split, self.head)

    @property
    def head(self) -> Head | None:
        """The distribution that is forecast; None for the value itself."""
        return getattr(self.windows, "head", None)

    def _mean(
        self,
        target: np.ndarray,
        known: np.ndarray,
        past: np.ndarray,
        origins: np.ndarray,
        horizon: int,
        n_threads: int,
    ) -> np.ndarray:
        """Forecast (n, horizon, K P) in the networks' units."""
        frame = self.scales.frame(target, known, past, self.network.dtype)
        n_parameters = 1 if self.head is None else self.head.n_parameters
        total = np.zeros((len(origins), horizon, target.shape[1] * n_parameters))
        for weights in self.weights:
            prepared = self.network.prepare(weights)
            for start in range(0, len(origins), ORIGINS_AT_ONCE):
                part = slice(start, start + ORIGINS_AT_ONCE)
                total[part] += self._member(prepared, frame, origins[part], horizon, n_threads)
        return total / len(self.weights)

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
        future = np.ascontiguousarray(frame.known[rows].transpose(0, 2, 1))
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
    return Frame(frame.target[seen], frame.known[known], frame.past[seen])
