"""Forecast and judge rows as they arrive, one at a time, without reading the history again.

You will see two ways to forecast, the comfortable one (``update`` and ``forecast``, in pandas) and the fast one
(``stream()``, in arrays), and the anomaly detector's ``update``, whose memory is kept over a restart. Uses the bundled
weather and sensor.
"""

import pickle
import time

import numpy as np

from rnnforecast import RNNAnomalyDetector, RNNForecaster, load_sensor, load_weather

temperature = load_weather()["temperature_c"].iloc[-1600:].asfreq("h").interpolate()
known, arriving = temperature[:-100], temperature[-100:]

# forking_sequences carries one recurrent state along the whole series, so a new row costs one step of the recurrence.
forecaster = RNNForecaster(
    horizon=24, forking_sequences=True, committee=False, n_estimators=1, max_iter=10, random_state=0
).fit(known)
print(forecaster)

# In pandas: update() moves the cutoff, and forecast() goes on from there. Nothing is learnt again.
began = time.perf_counter()
forecaster.update(arriving[:1])
ahead = forecaster.forecast()
print(f"\nupdate and forecast: {1e3 * (time.perf_counter() - began):.1f} ms, from {ahead.index[0]}")

# In arrays: a stream is a copy that goes its own way from the forecaster's cutoff. Its time stamps are yours to keep.
stream, seconds, errors = forecaster.stream(), [], []
for step, value in enumerate(arriving[1:-1].to_numpy(), start=1):
    began = time.perf_counter()
    next_hours = stream.update(value).forecast()
    seconds.append(time.perf_counter() - began)
    errors.append(abs(next_hours[0] - arriving.iloc[step + 1]))
print(f"stream: {1e6 * np.median(seconds):.0f} µs for a row and its forecast")
print(
    f"one hour ahead it was wrong by {np.mean(errors):.2f} °C, the last value by {arriving.diff().abs().mean():.2f} °C"
)

# The same rows in one piece give the same forecast: the state that was carried is the state of the whole series.
whole = forecaster.update(arriving[1:-1]).forecast().to_numpy()
print(f"largest difference between the stream and pandas: {np.abs(whole - next_hours).max():.1e} °C")

# A detector judges each row against what it expected, and does not learn from rows that it flags. In these hours the
# machine has a fault, whose minutes are flagged one after the other; detect() would make one interval of them.
sensor = load_sensor().drop(columns="anomaly")
detector = RNNAnomalyDetector(random_state=0).fit(sensor[:8000])
rows = sensor[8000:9500]
alarms = [stamp for stamp, row in rows[:1000].iterrows() if detector.update(row).is_anomaly]
print(f"\n{len(alarms)} of 1000 minutes flagged" + (f", the first at {alarms[0]}" if alarms else ""))

# get_state() is all that the stream remembers. Another process goes on from it as if nothing had happened.
kept = pickle.dumps(detector.get_state())
without_a_break = [detector.update(row).score for _, row in rows[1000:].iterrows()]
detector.set_state(pickle.loads(kept))  # your own bytes: never unpickle somebody else's
after_a_restart = [detector.update(row).score for _, row in rows[1000:].iterrows()]
print(f"state of {len(kept) / 1024:.0f} kB; scores after the restart are equal: {without_a_break == after_a_restart}")

# What next: 09_anomalies.py reads what an alarm means, 10_intervals.py how sure a forecast is.
