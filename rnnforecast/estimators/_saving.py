"""What all estimators do to be kept: written to files without code, and pickled with a note of the release."""

from __future__ import annotations

import os
import warnings
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from rnnforecast import __version__

_NOTE = "_rnnforecast_version"


class InconsistentVersionWarning(UserWarning):
    """A model was pickled by another release, whose attributes may be other ones."""


class Saved(BaseEstimator):
    """Base of all estimators."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted estimator to a file that holds no code; `rnnforecast.load` reads it.

        Parameters
        ----------
        path : path
            In a folder that exists. A file that is there is replaced in one step.

        Raises
        ------
        NotFittedError
            Nothing has been learnt yet.
        TypeError
            A parameter, named in the sentence, that a file without code cannot hold.
        OSError
            The file cannot be written.
        """
        check_is_fitted(self)
        from rnnforecast.persistence import save  # knows all estimators

        save(self, path)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), _NOTE: __version__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        pickled_by = state.pop(_NOTE, "an unknown release")
        if pickled_by != __version__:
            warnings.warn(
                f"this {type(self).__name__} was pickled by rnnforecast {pickled_by} and is read by {__version__}: it "
                "may fail or forecast otherwise; fit it again, or keep models with save, which newer releases read",
                InconsistentVersionWarning,
                stacklevel=2,
            )
        super().__setstate__(state)
