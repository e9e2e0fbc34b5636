"""The folder that holds real data: files placed there by hand, and downloads."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER_VARIABLE = "RNNFORECAST_DATA"
_DEFAULT = "~/rnnforecast_data"


def get_data_home(data_home: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder of real data; it need not exist yet.

    Parameters
    ----------
    data_home : str, path or None, default=None
        None takes the environment variable ``RNNFORECAST_DATA``, or without it ``~/rnnforecast_data``.

    Returns
    -------
    pathlib.Path

    Examples
    --------
    >>> from rnnforecast.datasets import get_data_home
    >>> get_data_home("data").name
    'data'
    """
    # An empty variable counts as none: Path("") would be whatever folder the program happens to run in.
    return Path(data_home or os.environ.get(FOLDER_VARIABLE) or _DEFAULT).expanduser()
