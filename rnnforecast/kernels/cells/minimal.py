"""MinGRU and minLSTM (Feng et al., 2024, "Were RNNs all we needed?"): gates that see the input only."""

from __future__ import annotations

from typing import Any

from rnnforecast.kernels.activations import linear, sigmoid
from rnnforecast.kernels.cells import Cell, Gate

SMALLEST = 1e-30  # of a sum of gates, lest two that are shut give 0 / 0


def gru(gates: Any, hidden: Any, memory: Any) -> tuple[Any, Any]:
    """H = (1 - z) h + z n."""
    update, new = gates
    return hidden + update * (new - hidden), ()


def lstm(gates: Any, hidden: Any, memory: Any) -> tuple[Any, Any]:
    """H = (f h + i n) / (f + i)."""
    forget, input_, new = gates
    return (forget * hidden + input_ * new) / (forget + input_ + SMALLEST), ()


# Gates that cannot see the state do well to keep about three quarters of it at the start, as the LSTM here does.
MINGRU = Cell("mingru", (Gate("update", sigmoid, takes="x", bias=-1.0), Gate("new", linear, takes="x")), gru)
MINLSTM = Cell(
    "minlstm",
    (
        Gate("forget", sigmoid, takes="x", bias=1.0),
        Gate("input", sigmoid, takes="x", bias=-1.0),
        Gate("new", linear, takes="x"),
    ),
    lstm,
)
