"""One row of a detector that reads on, and the sums by which errors become scores.

Legend: **N** rows, **C** columns, the first **K** of them targets, **H** units, **L** lags, **S** forecasts of each
row, **A** the most steps ahead, **D** = H + 1 + L.
"""

from __future__ import annotations

import math

from rnnforecast.kernels._jit import FASTMATH, kernel

SUMS = FASTMATH | {"reassoc"}  # sums over units and lags are vectorised


@kernel
def take_row(row, back, ahead, deviation, limit, recent, pending, x, errors):
    """Compare a row with what was forecast of it, and make it the newest of those the next forecasts read.

    row : (C,)
        NaN is missing.
    back : (C,)
        How many rows before a missing value the one lies that takes its place; at most L - 1.
    ahead : (S,)
    deviation : (K, S)
    limit : float
        At which values in `x` are cut.
    recent : (L, C), updated
        The newest last.
    pending : (A, K, S)
        Forecasts from the rows before, the newest last; NaN is not to be judged.
    x : (1, 1 + C - K, K)
        Inputs of the recurrent layer: for each target its own value, then the other columns.
    errors : (K, S)
        In units of `deviation`.
    """
    n_targets, n_lags = deviation.shape[0], recent.shape[0]
    for k in range(n_targets):
        for s in range(ahead.size):
            errors[k, s] = (row[k] - pending[pending.shape[0] - ahead[s], k, s]) / deviation[k, s]
    for lag in range(n_lags - 1):
        recent[lag] = recent[lag + 1]
    for c in range(row.size):
        value = row[c]
        if math.isnan(value):
            value = recent[n_lags - 1 - back[c], c]
        recent[n_lags - 1, c] = value
        value = min(max(value, -limit), limit)
        if c < n_targets:
            x[0, 0, c] = value
        else:
            for k in range(n_targets):
                x[0, 1 + c - n_targets, k] = value


@kernel(fastmath=SUMS)
def forecast_row(row, states, recent, weights, pending, forecasts):
    """Forecast from the newest row.

    row : (C,)
        Where a target is missing, its forecasts are not to be judged.
    states : (H, K)
    recent : (L, C)
    weights : (K, S, D)
        Of states, one, and lags, the newest last.
    pending : (A, K, S), updated
    forecasts : (K, S)
    """
    n_units, last = states.shape[0], pending.shape[0] - 1
    for a in range(last):
        pending[a] = pending[a + 1]
    for k in range(weights.shape[0]):
        for s in range(weights.shape[1]):
            own = weights[k, s]
            total = own[n_units]
            for h in range(n_units):
                total += own[h] * states[h, k]
            for lag in range(recent.shape[0]):
                total += own[n_units + 1 + lag] * recent[lag, k]
            forecasts[k, s] = total
            pending[last, k, s] = math.nan if math.isnan(row[k]) else total


@kernel
def error_sizes(errors, whitening, cap, power, out):
    """Make one number of the errors of each target, NaN where it has none.

    errors : (N, K, S)
    whitening : (K, S, S) or (0, S, S)
        Empty: the mean of the absolute errors that are known. Else the root mean square of ``errors @ whitening``.
    cap, power : float
        What a number is cut at, and the power it is then raised to.
    out : (N, K)
    """
    n_forecasts = errors.shape[2]
    for n in range(errors.shape[0]):
        for k in range(errors.shape[1]):
            total, count = 0.0, 0
            if whitening.shape[0] == 0:
                for s in range(n_forecasts):
                    if not math.isnan(errors[n, k, s]):
                        total += abs(errors[n, k, s])
                        count += 1
                size = total / count if count > 0 else math.nan
            else:
                for s in range(n_forecasts):
                    white = 0.0
                    for other in range(n_forecasts):
                        white += errors[n, k, other] * whitening[k, other, s]
                    total += white * white
                size = math.sqrt(total / n_forecasts)
            out[n, k] = size if math.isnan(size) else min(size, cap) ** power


@kernel
def combine_targets(smoothed, weights, score, shares):
    """Average the numbers of the targets that are known.

    smoothed : (N, K)
    weights : (K,)
        Of the targets, not negative, some positive.
    score : (N,)
        NaN where no target with a weight is known.
    shares : (N, K)
        Of each target in the score; they add up to 1, and are NaN where it is.
    """
    n_targets = weights.size
    for n in range(score.size):
        total, weight, whole = 0.0, 0.0, 0.0
        for k in range(n_targets):
            whole += weights[k]
            if not math.isnan(smoothed[n, k]):
                total += weights[k] * smoothed[n, k]
                weight += weights[k]
        score[n] = total / weight if weight > 0.0 else math.nan
        for k in range(n_targets):
            if not weight > 0.0:
                shares[n, k] = math.nan
            elif not total > 0.0:
                shares[n, k] = weights[k] / whole
            elif math.isnan(smoothed[n, k]):
                shares[n, k] = 0.0
            else:
                shares[n, k] = weights[k] * smoothed[n, k] / total
