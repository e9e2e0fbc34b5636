"""Networks that learn from every step of the series: an epoch costs as many steps as there are rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.utils._param_validation import InvalidParameterError

from rnnforecast.estimators._architecture import Architecture, cells, sizes
from rnnforecast.estimators._ensemble import Ensemble, in_blocks
from rnnforecast.estimators._frames import Scales
from rnnforecast.estimators._recipe import Recipe
from rnnforecast.estimators._training import Settings, Trained, descend, each, usable
from rnnforecast.estimators._watching import Watch
from rnnforecast.kernels.losses import LOSSES
from rnnforecast.network.compose import Chain, at_once
from rnnforecast.network.decoders import head
from rnnforecast.network.dropout import Dropout
from rnnforecast.network.forking import Forking, FrameReader
from rnnforecast.network.layer import Layer
from rnnforecast.network.objective import in_threads
from rnnforecast.network.recurrent import Recurrent
from rnnforecast.network.sequences import SequenceNetwork
from rnnforecast.network.streams import StreamObjective, mean_loss
from rnnforecast.network.windows import Frame
from rnnforecast.series import Series
from rnnforecast.training.loop import Report

STREAMS = 64  # at most; a minibatch is the next piece of each
UPDATES = 500  # of an automatic training
SHORTEST_PIECE = 32


@dataclass(frozen=True)
class ForkedEnsemble(Ensemble):
    """Trained networks whose every state answers for the horizon after it."""

    network: SequenceNetwork  # type: ignore[assignment]
    windows: Forking  # type: ignore[assignment]

    def _member(self, prepared: Any, frame: Frame, origins: np.ndarray, horizon: int, n_threads: int) -> np.ndarray:
        """Forecast (n, horizon, K) in the frame's units: read `lookback` steps from a state of zeros, then answer."""
        forking = self.windows

        def batch(frame: Frame, origin: np.ndarray, column: np.ndarray) -> np.ndarray:
            x = forking.inputs(frame, origin - forking.lookback, column, forking.lookback)
            work = self.network.encoder.work(len(x), len(origin), self.network.dtype, training=False)
            hidden = self.network.encoder.forward(prepared[0], x, work)[-1:]
            head = self.network.head.work(1, len(origin), self.network.dtype, training=False)
            out = self.network.head.forward(prepared[1], hidden, head)
            out = out + forking.reference(frame, origin - 1, column, 1)
            return out.reshape(forking.horizon, forking.n_targets, len(origin))

        def once(frame: Frame, origin: np.ndarray, column: np.ndarray) -> np.ndarray:
            size = at_once(self.network.encoder.products(forking.lookback), len(origin))

            def part(start: int) -> np.ndarray:
                return batch(frame, origin[start : start + size], column[start : start + size])

            return np.concatenate(in_threads(part, range(0, len(origin), size), n_threads), axis=2)

        reach, n_groups = max(forking.lookback, forking.base or 0) + 1, forking.n_columns // forking.n_targets
        return in_blocks(once, frame, origins, horizon, forking.horizon, reach, n_groups)


def check_forked(forecaster: Any) -> None:
    """Refuse what cannot learn from every step, before any work."""
    if not forecaster.forking_sequences:
        return
    wanted: dict[str, tuple[Any, ...]] = {
        **{"decoder": ("direct",), "segment_length": ("auto", None, 1), "window_norm": ("auto", "last")},
        **dict.fromkeys(("highway", "conv_filters", "zoneout"), (0,)),
        **dict.fromkeys(("bidirectional", "layer_norm", "residual", "variational_dropout"), (False,)),
        **dict.fromkeys(("attention", "skip_period"), (None,)),
    }
    for name, allowed in wanted.items():
        if (value := getattr(forecaster, name)) not in allowed:
            raise InvalidParameterError(
                f"forking_sequences=True answers at every step from that step's state and cannot be combined with "
                f"{name}={value!r}: use {name}={allowed[0]!r} or forking_sequences=False"
            )


def design_forked(forecaster: Any, series: Series, recipe: Recipe) -> Architecture:
    """Build the network of a forecaster's parameters for `series`.

    Raises
    ------
    ValueError
        It is a panel.
    """
    if series.ids is not None:
        raise ValueError(
            "forking_sequences=True carries the states of one series, but the data are a panel of them: fit with "
            "forking_sequences=False"
        )
    K, dtype = series.target.shape[1], np.dtype(forecaster.dtype)
    lookback = recipe.lookback if forecaster.lookback == "auto" else forecaster.lookback
    lookback = max(1, min(lookback, series.n_rows - forecaster.horizon))
    forking = Forking(
        lookback=lookback,
        horizon=forecaster.horizon,
        n_targets=K if forecaster.channels == "joint" else 1,
        n_columns=K,
        n_known=series.known.shape[1],
        n_past=series.past.shape[1] * (1 if series.masked is None else 3),
        base=recipe.base,
        marked=series.masked is not None,
    )
    hidden = sizes("hidden_layer_sizes", forecaster.hidden_layer_sizes)
    layers: list[Layer] = []
    width = forking.n_inputs
    for cell, n_units in zip(cells(forecaster.cell, forecaster.activation, len(hidden)), hidden, strict=True):
        layers.append(Recurrent(cell, width, n_units, dtype))
        if forecaster.dropout:
            layers.append(Dropout(n_units, forecaster.dropout))
        width = n_units
    answer = head(width, sizes("head_layer_sizes", forecaster.head_layer_sizes, at_least=0), forking.n_outputs)
    return Architecture(SequenceNetwork(Chain(layers), answer, None, dtype), forking)


def train_forked(
    network: SequenceNetwork,
    forking: Forking,
    scales: Scales,
    series: Series,
    ahead: Series | None,
    settings: Settings,
    seeds: list[int],
    watch: Watch,
    *,
    starts: list[np.ndarray] | None = None,
    stops: list[int] | None = None,
) -> ForkedEnsemble:
    """Train a network for each seed by truncated backpropagation through time with carried states.

    The parameters are those of `rnnforecast.estimators._ensemble.train_ensemble`.
    """
    bptt_steps = settings.bptt_steps or max(SHORTEST_PIECE, forking.lookback // 2)
    frame = scales.frame_of(series, network.dtype)
    changes = np.diff(frame.target, axis=0).std(axis=0, dtype=np.float64)
    forking = replace(forking, change_scale=float(changes.mean()) or 1.0)
    n_groups = forking.n_columns // forking.n_targets
    first, stop = max((forking.base or 0) - 1, 0), series.n_rows - forking.horizon
    wanted = STREAMS if settings.batch_size == "auto" else int(settings.batch_size)
    n_segments = int(np.clip((stop - first) // (2 * bptt_steps), 1, max(1, wanted // n_groups)))
    reader, validation, n_unscored = FrameReader(frame, forking, first, stop, n_segments), None, 0
    if ahead is not None:
        later = scales.frame_of(ahead, network.dtype)
        begin = max(series.n_rows - 1 - forking.lookback, 0)
        n_unscored = series.n_rows - 1 - begin  # their horizons reach into rows that are learnt from
        validation = FrameReader(later, forking, begin, ahead.n_rows - forking.horizon, 1)

    def loss(out: np.ndarray, target: np.ndarray, d_out: np.ndarray) -> float:
        """Loss of a step: the mean over what it forecasts; a value that was not observed costs nothing."""
        if frame.observed is not None:
            target = np.where(np.isnan(target), out, target)
        total = LOSSES[settings.loss](out, target, d_out) / forking.n_outputs
        d_out /= forking.n_outputs
        return total

    def member(seed: int, start: np.ndarray | None, stop_at: int | None, report: Report | None) -> Trained:
        rng = np.random.default_rng(seed)
        drawn, earlier = network.initial(rng), usable(start, network.layout, network.dtype)
        weights = drawn if earlier is None else earlier
        objective = StreamObjective(network, reader, bptt_steps, loss)
        n_pieces = len(objective.pieces)
        n_epochs = -(-UPDATES // n_pieces) if settings.max_iter == "auto" else int(settings.max_iter)

        def validate() -> float:
            assert validation is not None
            return mean_loss(network, network.prepare(weights), validation, bptt_steps, loss, n_unscored)

        history = descend(
            objective,
            weights,
            network.layout,
            settings,
            rng,
            rows=objective.rows,
            batch_size=reader.n_streams,
            n_steps=n_epochs * n_pieces,
            shuffle=False,
            size_of_shard=at_once(
                network.encoder.products(bptt_steps) + network.head.products(bptt_steps), reader.n_streams
            ),
            validate=None if validation is None else validate,
            stop_at=stop_at,
            report=report,
        )
        return weights, history

    members = each(member, seeds, watch, starts, stops)
    return ForkedEnsemble(network, forking, scales, [w for w, _ in members], [h for _, h in members])
