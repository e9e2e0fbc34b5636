"""Exponential averages of errors, carried from row to row."""

from __future__ import annotations

import math

from rnnforecast.kernels._jit import kernel


@kernel
def exponential_averages(errors, rates, counts, averages, out):
    """Average errors over several spans at once; a span begins as the plain mean of what it has seen.

    Legend: **N** rows, **K** columns, **S** spans.

    errors : (N, K)
        NaN is passed over: it changes no average.
    rates : (S,)
        Weight of the newest error, in (0, 1].
    counts : (K,), updated
        Errors seen, as a floating number.
    averages : (S, K), updated
    out : (N, K)
        Mean over the spans; NaN where the error is.
    """
    n_spans = rates.size
    for n in range(errors.shape[0]):
        for k in range(errors.shape[1]):
            error = errors[n, k]
            if math.isnan(error):
                out[n, k] = error
                continue
            counts[k] += 1.0
            first, total = 1.0 / counts[k], 0.0
            for s in range(n_spans):
                averages[s, k] += max(rates[s], first) * (error - averages[s, k])
                total += averages[s, k]
            out[n, k] = total / n_spans
