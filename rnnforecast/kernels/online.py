"""What changes with every row of a stream: a linear model that follows it, mean and deviation, the highest of late."""

from __future__ import annotations

import math

from rnnforecast.kernels._jit import kernel


@kernel
def recursive_least_squares(values, forgetting, clip, most, regressors, weights, inverse, gain, errors):
    """Forecast every row from those before it by least squares, and learn from it.

    Legend: **N** rows, **p** lags, **Q** = p + 1 regressors.

    values : (N,)
        NaN is passed over.
    forgetting : float
        Weight of an error one row older, in (0, 1].
    clip : float
        Larger errors count as this large when they are learnt from.
    most : float
        Nothing is forgotten while the trace of `inverse` is larger: without news it would grow for ever.
    regressors : (Q + 1,), updated
        The newest p values, the newest first; 1, the intercept; last the number of values seen.
    weights : (Q,), updated
    inverse : (Q, Q), updated
        Inverse of the weighted products of regressors.
    gain : (Q,), overwritten
    errors : (N,)
        Value - forecast; 0 while there are too few values for a forecast, NaN where the value is.
    """
    n_weights = weights.size
    n_lags = n_weights - 1
    for n in range(values.size):
        value = values[n]
        if math.isnan(value):
            errors[n] = value
            continue
        errors[n] = 0.0
        if regressors[n_weights] >= n_lags:
            expected = 0.0
            for i in range(n_weights):
                expected += weights[i] * regressors[i]
                total = 0.0
                for j in range(n_weights):
                    total += inverse[i, j] * regressors[j]
                gain[i] = total
            trace = 0.0
            for i in range(n_weights):
                trace += inverse[i, i]
            kept = forgetting if trace < most else 1.0
            scale = kept
            for i in range(n_weights):
                scale += regressors[i] * gain[i]
            errors[n] = value - expected
            learnt = min(max(errors[n], -clip), clip) / scale
            for i in range(n_weights):
                weights[i] += learnt * gain[i]
                for j in range(i + 1):
                    # Both halves get one number: rounding would slowly make the matrix unsymmetric, then indefinite.
                    updated = (inverse[i, j] - gain[i] * gain[j] / scale) / kept
                    inverse[i, j] = updated
                    inverse[j, i] = updated
        for i in range(n_lags - 1, 0, -1):
            regressors[i] = regressors[i - 1]
        regressors[0] = value
        regressors[n_weights] += 1.0


@kernel
def standardised(values, least, kept, moments, out):
    """Compare every row with mean and deviation of the rows before it.

    values : (N,)
        NaN is passed over.
    least : float
        Smallest deviation.
    kept : (W,), updated
        The newest values, in a ring.
    moments : (3,), updated
        Number of values seen, sum and sum of squares of those kept.
    out : (N,)
        (value - mean) / deviation; 0 for the first value, NaN where the value is.
    """
    width = kept.size
    for n in range(values.size):
        value = values[n]
        if math.isnan(value):
            out[n] = value
            continue
        seen = int(moments[0])
        place, count = seen % width, min(seen, width)
        out[n] = 0.0
        if count > 0:
            mean = moments[1] / count
            variance = moments[2] / count - mean * mean
            out[n] = (value - mean) / max(math.sqrt(max(variance, 0.0)), least)
        if seen >= width:
            moments[1] -= kept[place]
            moments[2] -= kept[place] * kept[place]
        kept[place] = value
        moments[1] += value
        moments[2] += value * value
        if place == width - 1:
            # Once a round, the sums are taken anew: what rounding left behind would only grow.
            moments[1] = moments[2] = 0.0
            for i in range(width):
                moments[1] += kept[i]
                moments[2] += kept[i] * kept[i]
        moments[0] += 1.0


@kernel
def new_highs(scores, recent, place, out):
    """Keep the scores that are higher than all of the last W, and set the others to 0.

    scores : (N,)
        Not negative; NaN is passed over, and stays.
    recent : (W,), updated
        The last W scores in a ring; 0 before the first.
    place : (1,) int64, updated
        Where the oldest lies.
    out : (N,)
    """
    for n in range(scores.size):
        score = scores[n]
        if math.isnan(score):
            out[n] = score
            continue
        highest = 0.0
        for i in range(recent.size):
            highest = max(highest, recent[i])
        out[n] = score if score > highest else 0.0
        recent[place[0]] = score
        place[0] = (place[0] + 1) % recent.size
