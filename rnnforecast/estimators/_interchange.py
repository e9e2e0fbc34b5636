"""Networks of fitted estimators in the forms of others: PyTorch's weights, ONNX graphs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from rnnforecast import __version__
from rnnforecast.estimators._onnx_forecaster import forecaster_model
from rnnforecast.estimators._onnx_sequences import sequence_model
from rnnforecast.estimators._parameters import checked_number
from rnnforecast.interchange.state_dict import from_state_dict, state_dict


class Interchange:
    """Methods of an estimator with networks, ``network_`` and their weights ``coefs_``."""

    network_: Any
    coefs_: list[np.ndarray]

    def to_torch_state_dict(self, member: int = 0) -> dict[str, np.ndarray]:
        """Return the weights of a network by the names, shapes and gate order of PyTorch, which is not needed for it.

        ``weight_ih_l0``, ``weight_hh_l0``, ``bias_ih_l0``, ``bias_hh_l0`` and so on, with ``_reverse`` where there are
        two directions, are one `torch.nn.LSTM`, `GRU` or `RNN` over all layers. ``head.weight`` and ``head.bias`` are a
        `torch.nn.Linear` on its last state, followed, in a forecaster, by what is known of the horizon; with
        ``head_layer_sizes`` a `torch.nn.Sequential` of linear layers and rectifiers, ``head.0``, ``head.2``, ... Before
        the recurrence there may be ``convolution``, a `torch.nn.Conv1d` that is padded on the left and rectified, and
        ``segment``, a `torch.nn.Linear` on the joined steps of a segment, rectified; after it ``norm``, a
        `torch.nn.LayerNorm`, and ``highway``, a `torch.nn.Linear` on the newest values. ``decoder="parallel"`` adds
        ``decoder.weight_ih_l0`` and so on, a module of one layer and step, ``position``, a `torch.nn.Embedding`, and
        ``context``, a `torch.nn.Linear` without bias, whose sum is its input. Scaling is no part of the weights.

        Parameters
        ----------
        member : int, default=0
            Which of several networks (``n_estimators``).

        Returns
        -------
        dict of str to ndarray
            Copies, of the network's dtype.

        Raises
        ------
        ValueError
            If a part of the network has no twin in PyTorch: other cells, layers of different cells or sizes, attention
            and the like.

        Examples
        --------
        >>> import numpy as np
        >>> from rnnforecast import RNNRegressor
        >>> X = np.random.default_rng(0).normal(size=(20, 5))
        >>> state = RNNRegressor(cell="lstm", hidden_layer_sizes=4, max_iter=1).fit(X, X[:, 0]).to_torch_state_dict()
        >>> {name: array.shape for name, array in state.items()}  # doctest: +NORMALIZE_WHITESPACE
        {'weight_ih_l0': (16, 1), 'weight_hh_l0': (16, 4), 'bias_ih_l0': (16,), 'bias_hh_l0': (16,),
         'head.weight': (1, 4), 'head.bias': (1,)}

        With PyTorch, ``lstm.load_state_dict({name: torch.as_tensor(array) for name, array in state.items() if "." not
        in name})`` gives `torch.nn.LSTM` these weights.
        """
        return state_dict(self._network(), self.coefs_[self._number(member)])

    def from_torch_state_dict(self, state: Mapping[str, Any], member: int = 0) -> Any:
        """Take over the weights of a network, as `to_torch_state_dict` names them.

        Only the weights change. What `fit` found with the earlier ones stays: loss curves, the blend with closed-form
        models, the errors that intervals are calibrated on.

        Parameters
        ----------
        state : mapping of str to array or tensor
            ``module.state_dict()``, with tensors in main memory. The two biases of a gate are added.
        member : int, default=0
            Which of several networks (``n_estimators``).

        Returns
        -------
        self
            The estimator. When the weights are refused, it stays as it was.

        Raises
        ------
        TypeError, ValueError
            Other names or shapes than the network's, or what is no finite number.
        """
        network, member = self._network(), self._number(member)
        coefs = list(self.coefs_)
        coefs[member] = from_state_dict(network, state)
        self.__dict__ |= self._changed_by(coefs)
        return self

    def _network(self) -> Any:
        """Return the architecture of the networks."""
        check_is_fitted(self)
        if not hasattr(self.network_, "layout"):
            raise ValueError(
                'solver="ridge" of a forecaster has reservoirs and readouts, which are no weights of a module of '
                "PyTorch; fit with another solver to exchange weights"
            )
        return self.network_

    def _number(self, member: int) -> int:
        """Check which network is meant."""
        return checked_number(member, "member", maximum=len(self.coefs_) - 1, minimum=0)

    def _changed_by(self, coefs: list[np.ndarray]) -> dict[str, Any]:
        """Return the attributes that hold other weights."""
        return {"coefs_": coefs}


class ForecastInterchange(Interchange):
    """Interchange of a forecaster with networks, ``ensemble_``, and perhaps closed-form models, ``linear_``."""

    ensemble_: Any

    def to_onnx(self, path: Any = None, *, optional_inputs: bool = False, dtype: str = "float32") -> Any:
        """Return the forecast as an ONNX graph, and write it to a file.

        The graph computes ``forecast(history=...)`` for the next `horizon` steps: transform and scale of the target,
        all networks and their mean, the closed-form models, the blend, and the way back to the target's units. It needs
        the `onnx` package here, and where it runs nothing but an ONNX runtime (opset 17).

        ========================== =============================== =================================================
        input                      shape                           holds
        ========================== =============================== =================================================
        y                          (batch, rows, targets)          histories in the units of `fit`, the newest row
                                                                   last: any number of rows, none missing. Networks
                                                                   and linear models read the newest ones, an echo
                                                                   state network all.
        known                      (batch, rows + horizon or       covariates known in the future, if there are any,
                                   more, F)                        in the order of X, the calendar's last
        past                       (batch, rows, P)                past covariates, if there are any
        series                     (batch,)                        of a panel the number of each series, int64, in the
                                                                   order of ``cutoff_``: it has its own scale, and the
                                                                   static covariates of `fit`
        initial_h_l0, ...          (networks x directions,         with `optional_inputs`: states of each recurrent
                                   batch, units)                   layer before the first step, zero by default; c
                                                                   is an LSTM's memory. One for each target if the
                                                                   targets are forecast one by one.
        ========================== =============================== =================================================

        The outputs are ``forecast`` (batch, horizon, targets) and, with `optional_inputs`, ``last_h_l0`` and so on, the
        states after the last step of the window. "rnn", "lstm" and "gru" are the operators RNN-14, LSTM-14 and GRU-14;
        other cells are loops (Scan-16) over their own arithmetic, as all are with ``dtype="float64"`` in `fit`.

        Parameters
        ----------
        path : path-like, optional
            File to be written.
        optional_inputs : bool, default=False
            Also take states and return them, where the networks are part of the forecast. ONNX Runtime then remarks
            that it cannot optimise these inputs away.
        dtype : {"float32", "float64"}, default="float32"
            Of inputs and outputs; what is not a network is computed in float64 in any case. Levels that are large
            beside their changes need "float64".

        Returns
        -------
        onnx.ModelProto
            The graph.

        Raises
        ------
        ImportError
            If onnx is not installed.
        ValueError
            If the forecaster was fitted with other decoders than "direct" and "parallel", ``skip_period``,
            ``forking_sequences=True`` or ``missing="mask"``.

        Examples
        --------
        Where there is a runtime, such as onnxruntime, and nothing else::

            forecaster.to_onnx("load.onnx")
            session = onnxruntime.InferenceSession("load.onnx")
            (ahead,) = session.run(None, {"y": load.to_numpy(np.float32).reshape(1, -1, 1)})
        """
        check_is_fitted(self)
        return _written(forecaster_model(self, _interface(dtype), optional_inputs), path)

    def _changed_by(self, coefs: list[np.ndarray]) -> dict[str, Any]:
        return {"coefs_": coefs, "ensemble_": replace(self.ensemble_, weights=coefs)}


class SequenceInterchange(Interchange):
    """Interchange of an estimator of sequences."""

    def to_onnx(self, path: Any = None, *, optional_inputs: bool = False, dtype: str = "float32") -> Any:
        """Return the prediction as an ONNX graph, and write it to a file.

        The graph scales the sequences, runs the network, and answers as `predict` does; of a classifier with
        probabilities too. It needs the `onnx` package here, and where it runs nothing but an ONNX runtime (opset 17).

        ========================== =============================== =================================================
        input                      shape                           holds
        ========================== =============================== =================================================
        X                          (batch, steps, features), or    sequences in the units of `fit`
                                   (batch, steps) as in `fit`
        lengths                    (batch,)                        with `optional_inputs`: steps of each sequence,
                                                                   int64, where they are padded at the end
        initial_h_l0, ...          (directions, batch, units)      with `optional_inputs`: states of each recurrent
                                                                   layer before the first step, zero by default; c
                                                                   is an LSTM's memory
        ========================== =============================== =================================================

        The outputs are ``y``, or ``label`` and ``probabilities`` in the order of ``classes_``, shaped as `predict` and
        `predict_proba` return them, and, with `optional_inputs`, ``last_h_l0`` and so on, the states after the last
        step: a sequence can be read piece by piece. "rnn", "lstm" and "gru" are the operators RNN-14, LSTM-14 and
        GRU-14; other cells are loops (Scan-16) over their own arithmetic, as all are with ``dtype="float64"`` in `fit`.

        Parameters
        ----------
        path : path-like, optional
            File to be written.
        optional_inputs : bool, default=False
            Also take lengths and states, and return states. ONNX Runtime then remarks that it cannot optimise these
            inputs away.
        dtype : {"float32", "float64"}, default="float32"
            Of the inputs X and the outputs y or probabilities; scaling is computed in float64 in any case.

        Returns
        -------
        onnx.ModelProto
            The graph.

        Raises
        ------
        ImportError
            If onnx is not installed.
        ValueError
            If an activation of an own cell is no ONNX operator.

        Examples
        --------
        Where there is a runtime, such as onnxruntime, and nothing else::

            regressor.to_onnx("regressor.onnx")
            session = onnxruntime.InferenceSession("regressor.onnx")
            (y,) = session.run(None, {"X": X.astype(np.float32)})
        """
        check_is_fitted(self)
        return _written(sequence_model(self, _interface(dtype), optional_inputs), path)


def _interface(dtype: Any) -> np.dtype:
    """Check the dtype of a graph's inputs and outputs."""
    if dtype not in ("float32", "float64"):
        raise ValueError(f'dtype must be "float32" or "float64", got {dtype!r}')
    return np.dtype(dtype)


def _written(model: Any, path: Any) -> Any:
    """Sign a graph, write it to a file if there is to be one, and return it."""
    model.producer_version = __version__
    if path is not None:
        Path(path).write_bytes(model.SerializeToString())
    return model
