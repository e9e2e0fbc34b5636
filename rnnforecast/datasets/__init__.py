"""Series to try things on: bundled ones, files of your own, and public data, which are downloaded when asked for.

`load_weather`, `load_stock` and `load_sensor` read what is bundled, or with an argument a file of the data folder, and
never download. `fetch_etth1`, `fetch_jena_climate`, `fetch_m4`, `fetch_nab` and `fetch_stock` look into the data folder
first and otherwise download into it. That folder is the argument ``data_home``, else the environment variable
``RNNFORECAST_DATA``, else ``rnnforecast_data`` in the home directory; `get_data_home` says which.
"""

from rnnforecast.datasets.fetching import fetch_etth1, fetch_jena_climate, fetch_m4, fetch_nab, fetch_stock
from rnnforecast.datasets.folder import FOLDER_VARIABLE, get_data_home
from rnnforecast.datasets.loading import load_sensor, load_stock, load_weather

__all__ = [
    "FOLDER_VARIABLE",
    "fetch_etth1",
    "fetch_jena_climate",
    "fetch_m4",
    "fetch_nab",
    "fetch_stock",
    "get_data_home",
    "load_sensor",
    "load_stock",
    "load_weather",
]
