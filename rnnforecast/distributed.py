"""One network for more series than one machine holds: a fit over partitions of a panel, here or on a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial
from itertools import compress
from typing import Any

from rnnforecast.estimators._learning import learn
from rnnforecast.estimators._parameters import check_parameters, checked_number
from rnnforecast.estimators._partitions import Columns, Panel, survey
from rnnforecast.estimators._rounds import Partition, Plan, TrainInRounds
from rnnforecast.estimators._threads import one_blas_thread
from rnnforecast.estimators.forecaster import RNNForecaster
from rnnforecast.training.rounds import Ask, Objects

__all__ = ["fit"]

_NEEDED: dict[str, tuple[tuple[Any, ...], str]] = {
    "blend": ((None,), "closed-form models are not learnt from partitions"),
    "solver": (("adamw", "adam", "sgd", "rmsprop"), "a reservoir learns from one series"),
    "forking_sequences": ((False,), "carried states are those of one series"),
    "missing": (("error",), "windows are counted without looking into them"),
    "decoder": (("direct", "parallel", "recursive"), "scheduled sampling is not known to the partitions"),
    "static_covariates": ((None, (), []), "categories would have to be gathered first"),
}


def fit(
    forecaster: RNNForecaster,
    partitions: Any,
    *,
    id: Hashable,
    time: Hashable,
    target: Any,
    local_steps: int | None = None,
) -> RNNForecaster:
    """Fit one global network to a panel that lies in partitions, none of which is moved.

    Parameters
    ----------
    forecaster : RNNForecaster
        With ``blend=None``: the network alone is learnt.
    partitions : Dask DataFrame, or list of delayed frames, futures or pandas DataFrames
        Long tables, a row for each series and time, each with all rows of its series; empty ones do not matter. Dask's
        are computed by the workers of the current client; pandas tables are learnt from in this process.
    id, time, target : column labels
        As in `rnnforecast.from_long`; other columns are covariates.
    local_steps : int, optional
        By default all partitions compute each update together, and the result is that of a fit in one place, but for
        rounding, and for what is drawn at random: dropout masks, and the order of windows after a first pass. With a
        number, each partition makes so many updates of its own, with a fresh solver, before the weights are averaged
        (McMahan et al., 2017; Stich, 2019): so many times fewer messages, and as each partition makes as many updates
        as one place would, the network sees more windows. Results depend on how the panel is cut, and on nothing else.

    Returns
    -------
    RNNForecaster
        The forecaster, fitted. Of the data it keeps a sample of about a hundred series: it sets seasons, lookback,
        transform and scales of covariates, and the skill, intervals and forecasts without a `history` are those of the
        sample. Any other series is forecast with ``forecast(history=...)``. With `local_steps`, ``n_iter_`` and
        ``loss_curve_`` count rounds.

    Raises
    ------
    InvalidParameterError, TypeError, ValueError
        Parameters that need all data in one place; a series that lies in several partitions; and as from
        `RNNForecaster.fit`.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from rnnforecast import RNNForecaster, distributed
    >>> def part(*shops):
    ...     days = pd.DataFrame({"day": range(60), "sold": 10.0 * (np.arange(60) % 7) + np.arange(60) % 2})
    ...     return pd.concat([days.assign(shop=shop) for shop in shops])
    >>> forecaster = RNNForecaster(7, blend=None, n_estimators=1, max_iter=20, random_state=0)
    >>> fitted = distributed.fit(forecaster, [part("a", "b"), part("c")], id="shop", time="day", target="sold")
    >>> fitted.forecast(2).loc["c"].round(-1).to_list()
    [40.0, 50.0]
    """
    _check(forecaster, local_steps)
    return _fit(forecaster, _tables(partitions), Columns(id, time, target), local_steps)


def _fit(forecaster: Any, tables: _Here | _OnDask, columns: Columns, local_steps: int | None) -> RNNForecaster:
    """Look at the tables, decide on a sample of their series, and train on all."""
    # Without what an earlier fit has left, and without those who watch
    parameters = type(forecaster)(**forecaster.get_params(deep=False)).set_params(callback=None)
    surveys = tables.map(partial(survey, parameters, columns))
    tables = tables.those([one is not None for one in surveys])
    panel = Panel([one for one in surveys if one is not None])
    sample = columns.read(forecaster, *tables.map(partial(columns.pick, panel.ids[panel.sample()])))
    train = TrainInRounds(tables.settle, panel, columns, local_steps)
    return forecaster._fit_series(sample, lambda series: learn(forecaster, series, train))


def _check(forecaster: Any, local_steps: Any) -> None:
    """Refuse what cannot be learnt in partitions, before any work."""
    if not isinstance(forecaster, RNNForecaster):
        raise TypeError(f"distributed.fit needs an RNNForecaster, got {type(forecaster).__name__}")
    check_parameters(forecaster)
    for name, (allowed, why) in _NEEDED.items():
        value = getattr(forecaster, name)
        if value not in allowed:
            raise ValueError(
                f"distributed.fit needs {name}={' or '.join(map(repr, allowed))}, got {value!r}: {why}; set it, or fit "
                "in one place"
            )
    if local_steps is not None:
        checked_number(local_steps, "local_steps")


def _tables(partitions: Any) -> _Here | _OnDask:
    """Return what computes with the partitions where they are."""
    listed = partitions.to_delayed() if hasattr(partitions, "to_delayed") else partitions
    if isinstance(listed, list | tuple) and len(listed):
        if all(hasattr(type(one), "iloc") for one in listed):
            return _Here(list(listed))
        if all(hasattr(one, "key") for one in listed):
            return _OnDask.of(list(listed))
    raise TypeError(
        "partitions must be a Dask DataFrame, or a list of delayed frames, of futures or of pandas DataFrames, got "
        f"{partitions!r:.80}; cut a table by its series"
    )


@dataclass(frozen=True)
class _Here:
    """Tables in this process."""

    tables: list[Any]

    def map(self, function: Callable[[Any], Any]) -> list[Any]:
        """Return what a function makes of each table."""
        return [function(table) for table in self.tables]

    def those(self, kept: list[bool]) -> _Here:
        """Return some of the tables."""
        return _Here(list(compress(self.tables, kept)))

    def settle(self, plan: Plan) -> Ask:
        """Prepare each table for rounds of training."""
        return Objects([Partition(plan, table) for table in self.tables])


@dataclass(frozen=True)
class _OnDask:
    """Tables that are, or will be, on the workers of a cluster.

    Nothing is laid down there that could not be computed again: after the loss of a worker, Dask makes its tables and
    what was made of them elsewhere, and asks again what had no answer.
    """

    client: Any
    tables: list[Any]  # futures

    @classmethod
    def of(cls, tables: list[Any]) -> _OnDask:
        """Return tables that the workers of the current client compute."""
        from distributed import get_client

        try:
            client = get_client()
        except ValueError as error:
            raise ValueError("partitions of Dask need a client: make one first, distributed.Client()") from error
        return cls(client, client.compute(tables))

    def map(self, function: Callable[[Any], Any]) -> list[Any]:
        """Return what a function makes of each table."""
        return self.client.gather(self._submit(function, self.tables))

    def those(self, kept: list[bool]) -> _OnDask:
        """Return some of the tables."""
        return _OnDask(self.client, list(compress(self.tables, kept)))

    def settle(self, plan: Plan) -> Ask:
        """Prepare each table for rounds of training."""
        places = self._submit(partial(Partition, plan), self.tables)

        def ask(method: str, arguments: dict[int, tuple[Any, ...]]) -> dict[int, Any]:
            questions = [
                self.client.submit(_answer, places[place], method, given, pure=False)
                for place, given in arguments.items()
            ]
            return dict(zip(arguments, self.client.gather(questions), strict=True))

        return ask

    def _submit(self, function: Callable[[Any], Any], tables: list[Any]) -> list[Any]:
        return [self.client.submit(function, table, pure=False) for table in tables]


def _answer(place: Any, method: str, arguments: tuple[Any, ...]) -> Any:
    with one_blas_thread():
        return getattr(place, method)(*arguments)
