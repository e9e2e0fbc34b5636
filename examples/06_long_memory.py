"""What an Elman network forgets, and an LSTM or a GRU keeps: two tasks that ask for a long memory.

* Adding (Hochreiter and Schmidhuber, 1997): of 200 random numbers two are marked, one in each half; their sum is asked.
* Recall: five symbols, a hundred blank steps, then the five symbols are asked.

The reason is drawn as well: how large the gradient of the newest state is in the states before it.
"""

import importlib.util
from dataclasses import replace

import numpy as np
import pandas as pd

from rnnforecast.estimators.classifier import RNNClassifier
from rnnforecast.estimators.regressor import RNNRegressor
from rnnforecast.kernels.cells import named
from rnnforecast.network.compose import Chain
from rnnforecast.network.gradient_flow import gradient_flow
from rnnforecast.plotting import GradientFlowDisplay

N_STEPS, LAG, N_SYMBOLS, N_ASKED = 200, 100, 4, 5


def adding(n, seed):
    """Sequences (n, 200, 2) of numbers and marks, and the sums (n,) of the marked numbers."""
    rng, rows = np.random.default_rng(seed), np.arange(n)
    X = np.stack([rng.random((n, N_STEPS)), np.zeros((n, N_STEPS))], axis=2)
    first, second = rng.integers(N_STEPS // 2, size=n), rng.integers(N_STEPS // 2, N_STEPS, size=n)
    X[rows, first, 1] = X[rows, second, 1] = 1.0
    return X, X[rows, first, 0] + X[rows, second, 0]


def recall(n, seed):
    """Sequences (n, 105, 5), one column for each symbol and one for a blank, and the symbols (n, 5) they begin with."""
    symbols = np.random.default_rng(seed).integers(N_SYMBOLS, size=(n, N_ASKED))
    everything = np.concatenate([symbols, np.full((n, LAG), N_SYMBOLS)], axis=1)
    return np.eye(N_SYMBOLS + 1)[everything], symbols


def starting_open(cell, **bias):
    """Return a cell whose gates start with other biases: at sigmoid(4) = 0.98 a state lasts for some fifty steps."""
    cell = named(cell)
    return replace(cell, gates=tuple(replace(gate, bias=bias.get(gate.name, gate.bias)) for gate in cell.gates))


# A long memory is learnt sooner by gates that start by remembering, and by writing little (Tallec and Ollivier, 2018).
CELLS = {
    "Elman": named("rnn"),
    "LSTM": starting_open("lstm", forget=4.0, input=-4.0),
    "GRU": starting_open("gru", update=4.0),
}
common = {"batch_size": 64, "dropout": 0.0, "alpha": 0.0, "scale": None, "random_state": 0, "learning_rate_init": 0.01}

print(f"adding over {N_STEPS} steps: mean squared error; always answering 1 has 1/6 = 0.167")
flows = {}
for name, cell in CELLS.items():
    model = RNNRegressor(cell=cell, hidden_layer_sizes=(24,), max_iter=50, **common).fit(*adding(4000, seed=0))
    X, y = adding(500, seed=1)
    print(f"  {name:<6}{np.mean((model.predict(X) - y) ** 2):.4f}")
    # Backpropagation through time, step by step: norms by lag of a random direction of the newest state.
    network, rng = model.network_, np.random.default_rng(0)
    chain = Chain([network.encoder.layers[0].recurrent])
    steps = np.ascontiguousarray(X[:64].transpose(1, 2, 0), dtype=np.float32)
    for when, weights in (("at first", network.initial(rng)), ("learnt", model.coefs_[0])):
        direction = rng.standard_normal((24, 64)).astype(np.float32)
        flows[f"{name} {when}"] = gradient_flow(chain, network.prepare(weights)[0], steps, direction)[0]

print(f"recall of {N_ASKED} symbols after {LAG} steps: share that is right; guessing has {1 / N_SYMBOLS:.2f}")
for name, cell in CELLS.items():
    model = RNNClassifier(cell=cell, hidden_layer_sizes=(32,), max_iter=60, **common).fit(*recall(4000, seed=0))
    print(f"  {name:<6}{model.score(*recall(500, seed=1)):.3f}")

norms = pd.DataFrame(flows)
print("norm of the gradient by lag, over that at lag 0")
print((norms / norms.loc[0]).loc[[0, 10, 50, 100, 200]].map("{:.1e}".format).rename_axis("lag").T.to_string())
if importlib.util.find_spec("matplotlib"):
    GradientFlowDisplay.from_norms(norms).figure_.savefig("gradient_flow.png", dpi=150)

# What next: 16_own_cell.py writes a cell from scratch; 19_interpretation.py asks a forecaster the same.
