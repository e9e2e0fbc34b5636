"""Find the faults of a machine as they happen, and New York's unusual days in the number of taxi rides.

Uses the bundled sensor, and the taxi rides if RNNFORECAST_DATA names a folder with anomaly/nyc_taxi.csv (Numenta
Anomaly Benchmark).
"""

import importlib.util
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd

from rnnforecast import RNNAnomalyDetector, load_sensor
from rnnforecast.plotting import AnomalyDisplay

SHOWN = ["start", "end", "severity", "column", "direction", "expected", "observed"]

# The first 40 % of the sensor's rows hold no fault: they are what is ordinary.
sensor = load_sensor()
X, fault = sensor.drop(columns="anomaly"), sensor["anomaly"] == 1
known, new = X[: int(0.4 * len(X))], X[int(0.4 * len(X)) :]
detector = RNNAnomalyDetector(random_state=0).fit(known)

found = detector.detect(new, min_gap=60)  # alarms within an hour belong together
print(f"{len(new)} minutes, {len(found)} intervals")
print(found[SHOWN].to_string(float_format="%.1f"))

# Nothing above has seen the labels. A fault is found by an interval that overlaps it or the hour after it.
times = fault[fault].index.to_series()
faults = times.groupby((times.diff() > pd.Timedelta("1min")).cumsum()).agg(["first", "last"])
faults = pd.IntervalIndex.from_arrays(faults["first"], faults["last"] + pd.Timedelta("1h"), closed="both")
alarms = pd.IntervalIndex.from_arrays(found["start"], found["end"], closed="both")
overlaps = np.array([faults.overlaps(alarm) for alarm in alarms]).reshape(-1, len(faults))
print(f"{overlaps.any(axis=0).sum()} of {len(faults)} faults found, {(~overlaps.any(axis=1)).sum()} false alarms")

worst = found["peak"][found["severity"].idxmax()]
shares = detector.explain(new.loc[:worst]).iloc[-1]
print(f"Score at {worst}: {shares.sum():.1f} = {' + '.join(f'{part:.1f} {name}' for name, part in shares.items())}")

# The same as the machine sends its rows: each costs the same, however many came before.
seconds = []
for stamp, row in zip(new.index, new.to_numpy(), strict=True):
    began = time.perf_counter()
    judgement = detector.update(row)
    seconds.append(time.perf_counter() - began)
    if judgement.score > 6.0:  # one ordinary minute in a million
        print(f"Row by row, {1e6 * np.median(seconds):.0f} µs each: stopped at {stamp}")
        break
print(pd.DataFrame({"expected": judgement.expected, "observed": row}, index=new.columns).round(1))

if importlib.util.find_spec("matplotlib"):
    truth = fault[new.index]
    display = AnomalyDisplay.from_estimator(detector, new, intervals=found, truth=truth, column="temperature_c")
    display.figure_.savefig("sensor_anomalies.png", dpi=150)

path = Path(os.environ.get("RNNFORECAST_DATA", "")) / "anomaly" / "nyc_taxi.csv"
if path.is_file():
    rides = pd.read_csv(path, index_col="timestamp", parse_dates=True)["value"].rename("rides")
    known, new = rides[: len(rides) // 3], rides[len(rides) // 3 :]
    detector = RNNAnomalyDetector(random_state=0).fit(known)
    # What happened: the marathon of 2 November, Thanksgiving, Christmas, New Year, the blizzard of 27 January.
    found = detector.detect(new, min_gap=48)  # half hours
    print(found[SHOWN].to_string(float_format="%.1f"))
    if importlib.util.find_spec("matplotlib"):
        AnomalyDisplay.from_estimator(detector, new, intervals=found).figure_.savefig("taxi_anomalies.png", dpi=150)

# What next: 13_streaming.py keeps the detector's state over a restart.
