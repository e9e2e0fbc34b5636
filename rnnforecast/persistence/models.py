"""Estimators to files and back."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from rnnforecast.persistence.files import ModelFileError, read, write
from rnnforecast.persistence.forms import Form
from rnnforecast.persistence.tree import Packer, Unpacker


def save(estimator: Any, path: str | os.PathLike[str]) -> None:
    """Write a fitted estimator to a file that holds no code; `load` reads it.

    Parameters
    ----------
    estimator : estimator of this package
        Fitted.
    path : path
        In a folder that exists. A file that is there is replaced in one step.

    Raises
    ------
    TypeError
        An estimator of another class, or with a parameter that a file without code cannot hold: a cell, estimator or
        random state of your own.
    OSError
        The file cannot be written.
    """
    forms, name = _estimators(), type(estimator).__name__
    if type(estimator) not in forms:
        raise TypeError(
            f"save keeps {', '.join(sorted(kind.__name__ for kind in forms))}, got {name}: "
            "pickle it instead, if whoever reads it trusts you"
        )
    packer = Packer(_forms())
    tree = packer.pack(estimator, name)
    _built(tree, packer.arrays)  # what could not be loaded is not written
    write(path, tree, packer.arrays)


def load(path: str | os.PathLike[str]) -> Any:
    """Read an estimator from a file that its `save` has written.

    Nothing that the file says is executed, so a file of unknown origin can do no harm; what it forecasts may still be
    wrong.

    Parameters
    ----------
    path : path

    Returns
    -------
    estimator
        That forecasts, predicts or scores as the saved one did, to the last bit on the same machine and libraries.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ModelFileError
        It is no model file, not all of one, changed, from a newer release, or describes what is no model.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> import rnnforecast
    >>> model = rnnforecast.LinearForecaster(horizon=3).fit(np.arange(50.0))
    >>> path = os.path.join(tempfile.mkdtemp(), "model.rnn")
    >>> model.save(path)
    >>> rnnforecast.load(path).forecast().equals(model.forecast())
    True
    """
    tree, arrays = read(path)
    try:
        estimator = _built(tree, arrays)
    except Exception as error:  # whatever it is, pandas' own errors among them: the tree is none that save writes
        raise ModelFileError(f"{os.fspath(path)!r} describes no model: {error}; save the model again") from error
    if type(estimator) not in _estimators():
        raise ModelFileError(f"{os.fspath(path)!r} holds no estimator, but a {type(estimator).__name__}")
    return estimator


def _built(tree: Any, arrays: Any) -> Any:
    return Unpacker({form.name: form for form in _forms().values()}, arrays).unpack(tree)


@cache
def _forms() -> dict[type, Form]:
    """Return the forms of all records, by class."""
    # Imported when needed: they know all estimators, and these know `save`.
    from rnnforecast.persistence.records.data import DATA
    from rnnforecast.persistence.records.detectors import DETECTORS
    from rnnforecast.persistence.records.learners import LEARNERS
    from rnnforecast.persistence.records.models import MODELS
    from rnnforecast.persistence.records.networks import NETWORKS

    forms = (*DATA, *NETWORKS, *MODELS, *DETECTORS, *LEARNERS)
    return {form.kind: form for form in forms} | _estimators()


@cache
def _estimators() -> dict[type, Form]:
    """Return the forms of the estimators, by class."""
    from rnnforecast.persistence.records.estimators import ESTIMATORS
    from rnnforecast.persistence.records.forecasters import FORECASTERS

    return {form.kind: form for form in (*ESTIMATORS, *FORECASTERS)}
