"""What other libraries do with the same task: bare torch loops, and the forecasters a user might pick instead.

Other libraries are imported when asked for, never with this module.
"""

from __future__ import annotations

import importlib
import logging
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tests.benchmarks.layers import LEARNING_RATE, LIMIT_NORM
from tests.benchmarks.timing import Side

TORCH_LAYERS = {"rnn": "RNN", "lstm": "LSTM", "gru": "GRU"}


def load(name: str) -> tuple[Any, str]:
    """Import a rival; return None and the reason if it cannot be."""
    if name == "keras":
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of other libraries, about other libraries
            return importlib.import_module(name), ""
    except ImportError as missing:
        return None, f"{name} cannot be imported ({missing})"


def torch_sides(torch: Any, n_threads: tuple[int, ...], call: Callable[[], Any]) -> list[Side]:
    """Return a side for each number of torch's threads."""
    return [Side("torch", n, call, enter=lambda n=n: torch.set_num_threads(n)) for n in n_threads]


class TorchLayer:
    """A recurrent layer of torch.nn with an affine head on its last state: the counterpart of `layers.Stepper`.

    Parameters
    ----------
    torch : module
    cell : {"rnn", "lstm", "gru"}
    x : (T, D, B)
    y : (1, B)
    views : dict of ndarray
        Weights of the other side, which are taken over.
    """

    def __init__(self, torch: Any, cell: str, x: np.ndarray, y: np.ndarray, views: dict[str, np.ndarray]):
        self.torch = torch
        n_units = views["encoder.0.weight_hidden"].shape[1]
        self.layer = getattr(torch.nn, TORCH_LAYERS[cell])(x.shape[1], n_units)
        self.head = torch.nn.Linear(n_units, 1)
        bias = views["encoder.0.bias"]
        # The GRU's candidate has a bias for each of its two products, the other gates have one; torch always has two.
        n_shared = 2 * n_units if cell == "gru" else len(bias)
        n_input = len(self.layer.bias_ih_l0)
        taken = {
            self.layer.weight_ih_l0: views["encoder.0.weight_input"],
            self.layer.weight_hh_l0: views["encoder.0.weight_hidden"],
            self.layer.bias_ih_l0: bias[:n_input],
            self.layer.bias_hh_l0: np.concatenate([np.zeros(n_shared, bias.dtype), bias[n_input:]]),
            self.head.weight: views["decoder.head.0.weight"],
            self.head.bias: views["decoder.head.0.bias"],
        }
        with torch.no_grad():
            for parameter, values in taken.items():
                parameter.copy_(torch.from_numpy(values))
        self.parameters = list(taken)
        self.optimizer = torch.optim.Adam(self.parameters, lr=LEARNING_RATE)
        self.x = torch.from_numpy(np.ascontiguousarray(x.transpose(0, 2, 1)))
        self.y = torch.from_numpy(np.ascontiguousarray(y.T))

    def forward(self) -> Any:
        """Forecasts (B, 1)."""
        return self.head(self.layer(self.x)[0][-1])

    def step(self) -> Any:
        """Forward, backward, clip by norm, Adam; return the mean loss before, a tensor."""
        self.optimizer.zero_grad()
        loss = self.torch.nn.functional.mse_loss(self.forward(), self.y)
        loss.backward()
        self.torch.nn.utils.clip_grad_norm_(self.parameters, LIMIT_NORM)
        self.optimizer.step()
        return loss.detach()

    def infer(self) -> Any:
        """Forecasts (B, 1), without what a gradient would need."""
        with self.torch.inference_mode():
            return self.forward()


@dataclass(frozen=True)
class Task:
    """A whole fit: every window of a table, an affine head on the last state of an LSTM, all steps of the horizon.

    Parameters
    ----------
    table : DataFrame of shape (N, K)
    lookback, horizon, n_units, batch_size, n_epochs : int
    joint : bool
        Whether a window holds all columns or one.
    """

    table: pd.DataFrame
    joint: bool
    lookback: int = 168
    horizon: int = 24
    n_units: int = 64
    batch_size: int = 128
    n_epochs: int = 1

    @property
    def n_origins(self) -> int:
        """Windows of a column."""
        return len(self.table) - self.lookback - self.horizon + 1

    @property
    def n_samples(self) -> int:
        """Windows of an epoch."""
        return self.n_origins * (1 if self.joint else self.table.shape[1])

    @property
    def n_steps(self) -> int:
        """Updates of the whole fit."""
        return self.n_epochs * -(-self.n_samples // self.batch_size)


def torch_fit(torch: Any, task: Task) -> float:
    """Train a plain torch loop; return the mean loss of the last epoch."""
    torch.manual_seed(0)
    K, L, H = task.table.shape[1], task.lookback, task.horizon
    values = task.table.to_numpy(np.float64)
    data = torch.from_numpy(((values - values.mean(0)) / values.std(0)).astype(np.float32))
    n_inputs, n_which, n_outputs = (K, 0, H * K) if task.joint else (1, K, H)
    layer = torch.nn.LSTM(n_inputs, task.n_units)
    head = torch.nn.Linear(task.n_units + n_which, n_outputs)
    parameters = [*layer.parameters(), *head.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=LEARNING_RATE)
    back, ahead, which = torch.arange(L)[:, None], torch.arange(L, L + H)[:, None], torch.eye(K)
    loss_of_epoch = float("nan")
    for _ in range(task.n_epochs):
        losses = []
        for samples in torch.randperm(task.n_samples).tensor_split(task.n_steps // task.n_epochs):
            if task.joint:
                x, y = data[samples + back], data[samples + ahead]
            else:
                first, column = samples % task.n_origins, samples // task.n_origins
                x, y = data[first + back, column][..., None], data[first + ahead, column][..., None]
            last = x[-1]
            hidden = layer(x - last)[0][-1]
            if not task.joint:
                hidden = torch.cat([hidden, which[column]], 1)
            target = (y - last).permute(1, 0, 2).reshape(len(samples), n_outputs)
            loss = torch.nn.functional.mse_loss(head(hidden), target)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, LIMIT_NORM)
            optimizer.step()
            losses.append(loss.detach())
        loss_of_epoch = float(torch.stack(losses).mean())
    return loss_of_epoch


def neuralforecast_fit(library: Any, task: Task) -> None:
    """Train neuralforecast's LSTM for as many updates of as many windows of single columns."""
    from neuralforecast.losses.pytorch import MSE
    from neuralforecast.models import LSTM

    for name in ("pytorch_lightning", "lightning", "lightning.pytorch", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    table = task.table
    long = pd.DataFrame(
        {
            "unique_id": np.repeat(table.columns.to_numpy(str), len(table)),
            "ds": np.tile(table.index.to_numpy(), table.shape[1]),
            "y": table.to_numpy(np.float32).T.ravel(),
        }
    )
    model = LSTM(
        h=task.horizon,
        input_size=task.lookback,
        encoder_n_layers=1,
        encoder_hidden_size=task.n_units,
        decoder_hidden_size=task.n_units,
        decoder_layers=1,
        loss=MSE(),
        max_steps=task.n_steps,
        learning_rate=LEARNING_RATE,
        batch_size=table.shape[1],  # series of a batch: all of them, as in the other sides
        windows_batch_size=task.batch_size,
        scaler_type="standard",
        val_check_steps=task.n_steps,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        library.NeuralForecast(models=[model], freq=str(pd.infer_freq(table.index))).fit(df=long)


def keras_fit(keras: Any, task: Task) -> None:
    """Train Keras's LSTM with `fit` on windows laid out beforehand, single columns; laying them out is timed too."""
    values = task.table.to_numpy(np.float64)
    scaled = ((values - values.mean(0)) / values.std(0)).astype(np.float32)
    length = task.lookback + task.horizon
    windows = np.lib.stride_tricks.sliding_window_view(scaled, length, axis=0).transpose(1, 0, 2).reshape(-1, length)
    windows = windows - windows[:, task.lookback - 1, None]
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.layers.Input((task.lookback, 1)), keras.layers.LSTM(task.n_units), keras.layers.Dense(task.horizon)]
    )
    model.compile(optimizer=keras.optimizers.Adam(LEARNING_RATE, global_clipnorm=LIMIT_NORM), loss="mse")
    past, future = windows[:, : task.lookback, None], windows[:, task.lookback :]
    model.fit(past, future, batch_size=task.batch_size, epochs=task.n_epochs, shuffle=True, verbose=0)
