"""Write recurrent.npz: passes of torch.nn.RNN, LSTM and GRU in float64, for machines without PyTorch.

Run from the project's folder: ``python -m tests.golden.make_recurrent``.
"""

from __future__ import annotations

import numpy as np
import torch

from tests.kernels.problems import CELLS, Passes, Problem
from tests.kernels.test_recurrence_torch import GOLDEN, KINDS, torch_passes


def main() -> None:
    arrays = {}
    for name, kind in KINDS.items():
        problem = Problem(CELLS[name], T=4, D=2, B=3, H=3)
        given = dict(zip(("weight_input", "weight_hidden", "bias"), problem.weights, strict=True))
        given |= {field: getattr(problem, field) for field in ("x", "state", "d_out", "d_last")}
        passes = torch_passes(torch, problem, kind)
        given |= {f"expected_{field}": array for field, array in zip(Passes._fields, passes, strict=True)}
        arrays |= {f"{name}_{field}": array for field, array in given.items()}
    np.savez_compressed(GOLDEN, **arrays)


if __name__ == "__main__":
    main()
