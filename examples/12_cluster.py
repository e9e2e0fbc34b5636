"""Give a cluster what takes long: a grid search, a model for each of many series, one network for many partitions.

Here it is a cluster of two processes on this machine; ``Client("tcp://scheduler:8786")`` is one of many machines.
"""

import time
from itertools import chain

import numpy as np
import pandas as pd
from joblib import parallel_config
from sklearn.model_selection import GridSearchCV

from rnnforecast import ForecasterPerSeries, LinearForecaster, RNNForecaster, RollingOriginSplit, distributed, from_long

try:
    import dask
    from distributed import Client, LocalCluster
except ImportError:
    dask = None

COLUMNS = {"id": "shop", "time": "day", "target": "sold"}


def shops(first: int, last: int) -> pd.DataFrame:
    """A partition: the sales of some shops, in practice read from a file of their own."""
    days = pd.date_range("2024-01-01", periods=180)
    parts = []
    for shop in range(first, last):
        noise = np.random.default_rng(shop).normal(size=len(days))
        sold = (shop + 10) * (20 + 5 * np.sin(2 * np.pi * np.arange(len(days)) / 7) + noise)
        parts.append(pd.DataFrame({"shop": shop, "day": days, "sold": sold}))
    return pd.concat(parts)


def main() -> None:
    """Run all three on a cluster of two processes."""
    if dask is None:
        print('This example needs Dask: python -m pip install "distributed>=2024.1"')
        return
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster) as client,
    ):
        X, y = from_long(shops(0, 10), **COLUMNS)

        start = time.perf_counter()
        splits = list(RollingOriginSplit(horizon=7, n_windows=2).split(X, y))
        network = RNNForecaster(horizon=7, blend=None, n_estimators=1, max_iter=2, refit=False, random_state=0)
        search = GridSearchCV(
            network,
            {"cell": ["lstm", "gru"], "hidden_layer_sizes": [16, 32]},
            cv=splits,
            scoring="neg_mean_absolute_error",
        )
        # Every worker is given the data and the splits, and keeps its copy: none that dies takes them with it.
        client.amm.stop()
        with parallel_config(backend="dask", scatter=[X, y, *chain.from_iterable(splits)]):
            search.fit(X, y)
        print(f"best of {len(search.cv_results_['params'])} networks in {time.perf_counter() - start:.1f} s:")
        print(search.best_params_)

        start = time.perf_counter()
        with parallel_config(backend="dask"):
            each = ForecasterPerSeries(LinearForecaster(horizon=7)).fit(y)
        print(f"a model for each of {len(each.forecasters_)} shops in {time.perf_counter() - start:.1f} s:")
        print(each.forecast().unstack(level=0).iloc[:, :5].round(0))

        start = time.perf_counter()
        partitions = [dask.delayed(shops)(5 * k, 5 * k + 5) for k in range(4)]  # or a Dask DataFrame
        distributed.fit(network, partitions, **COLUMNS, local_steps=8)
        print(f"one network for four partitions in {time.perf_counter() - start:.1f} s, skill {network.skill_:.2f}:")
        print(network.forecast(history=y).unstack(level=0).iloc[:, :5].round(0))


if __name__ == "__main__":  # the cluster's processes read this file, too
    main()
