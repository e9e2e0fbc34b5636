"""Who watches a fit: the user's callback, ``verbose``, and scikit-learn's callbacks where it has them (from 1.9 on)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from rnnforecast.training.progress import Progress

try:
    from sklearn.callback import CallbackSupportMixin
    from sklearn.callback._callback_support import callback_management_context
except ImportError:  # scikit-learn before 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Nothing that could be supported."""


__all__ = ["CONSTRAINTS", "CallbackSupportMixin", "Watch", "watched"]

CONSTRAINTS: dict[str, Any] = {"verbose": ["verbose"], "callback": [callable, None]}
SILENCE = 1.0  # seconds between two lines of verbose=1, but for the last of a training


class Watch:
    """Tells those who watch a fit how far it is, and notes when one of them wants it to end.

    For scikit-learn's callbacks a fit is a task with a subtask for each training, which has one for each report.

    Parameters
    ----------
    estimator : estimator
        Its ``callback`` is read, its ``verbose`` if it has one, and what `watched` left for scikit-learn's callbacks.
    n_members : int, default=1
        Networks of one round.
    n_rounds : int, default=1
        2 where all learn again from all rows.
    X, y : optional
        What scikit-learn's callbacks are shown as training data.

    Attributes
    ----------
    stopped : bool
        Whether no more trainings shall begin.
    unfinished : bool
        Whether the round was stopped before its end.
    refit : bool
        To be set when the second round begins.
    """

    def __init__(self, estimator: Any, n_members: int = 1, n_rounds: int = 1, X: Any = None, y: Any = None) -> None:
        self.stopped = self.unfinished = self.refit = False
        self._estimator, self._n_members, self._data = estimator, n_members, {"X": X, "y": y}
        self._began = self._printed = time.perf_counter()
        self._verbose = int(getattr(estimator, "verbose", False))
        self._context: Any = vars(estimator).get("_callback_fit_ctx")
        if self._context is not None:
            self._context.max_subtasks = n_members * n_rounds
            self._context.call_on_fit_task_begin(estimator=estimator, **self._data)

    def report(
        self, member: int = 1, attributes: Callable[[], dict[str, Any]] | None = None
    ) -> Callable[[Progress], bool] | None:
        """Return what the training of a network shall report to; None if nobody watches.

        Parameters
        ----------
        member : int, default=1
        attributes : callable, optional
            Returns what would be learned attributes if the fit ended now.
        """
        estimator = self._estimator
        if not (self._verbose or estimator.callback or getattr(estimator, "_skl_callbacks", None)):
            return None
        tasks = _Tasks(self._context, estimator, self._data | {"reconstruction_attributes": attributes})

        def hear(progress: Progress) -> bool:
            seconds = time.perf_counter() - self._began
            said = replace(progress, member=member, n_members=self._n_members, refit=self.refit, seconds=seconds)
            self._print(said)
            answer = None if estimator.callback is None else estimator.callback(said)
            asked = isinstance(answer, bool | np.bool_) and bool(answer)  # not the truth of any odd thing returned
            if tasks.report(said) or asked:
                self.stopped, self.unfinished = True, not (said.done and member == self._n_members)
            return self.stopped

        return hear

    def _print(self, progress: Progress) -> None:
        """Print a line if it is time for one."""
        now = time.perf_counter()
        if self._verbose > 1 or (self._verbose and (progress.done or now - self._printed > SILENCE)):
            self._printed = now
            print(progress)  # noqa: T201 - verbose asks for it


class _Tasks:
    """A training and its reports as tasks of scikit-learn's callbacks; nothing without these."""

    def __init__(self, fit: Any, estimator: Any, told: dict[str, Any]) -> None:
        self._fit, self._estimator, self._told = fit, estimator, told
        self._training: Any = None

    def report(self, progress: Progress) -> bool:
        """Tell of a report, which begins and ends its task; return whether the training shall end."""
        if self._fit is None:
            return False
        data = {name: self._told[name] for name in ("X", "y")}
        if self._training is None:  # now it is known how many reports there will be
            name = "network on all rows" if progress.refit else "network"
            self._training = self._fit.subcontext(name, max_subtasks=progress.n_reports)
            self._training.call_on_fit_task_begin(estimator=self._estimator, **data)
        task = self._training.subcontext("report").call_on_fit_task_begin(estimator=self._estimator, **data)
        stop = task.call_on_fit_task_end(estimator=self._estimator, **self._told)
        if progress.done or stop:
            self._training.call_on_fit_task_end(estimator=self._estimator, **data)
        return stop


@contextmanager
def watched(estimator: Any, X: Any = None, y: Any = None) -> Iterator[None]:
    """Let scikit-learn's callbacks watch what is done within, which makes a `Watch`.

    Not a decorator: its frames would come between a warning and the line of the user's that it is about.

    Parameters
    ----------
    estimator : estimator
        Nothing happens if it has no `CallbackSupportMixin`.
    X, y : optional
        What the callbacks are shown at the end.
    """
    if not hasattr(estimator, "_init_callback_context"):
        yield
        return
    with callback_management_context(estimator):
        context = estimator._init_callback_context(max_subtasks=None)
        yield
        context.call_on_fit_task_end(estimator=estimator, X=X, y=y, reconstruction_attributes={})
