"""Make the bundled data sets: ``python datasets/generate.py`` writes the three CSV files beside this script.

Nothing here was ever measured: the files imitate what a weather station, a stock exchange and a machine send, with the
dependencies that make forecasting them worth while (or, for the stock, not). The bytes are reproducible: only uniform
and normal numbers are drawn, from one seed per file, and values are rounded long before the last bit matters.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import numpy as np
import pandas as pd

HOURS_PER_YEAR = 8766.0


def relax(drive: np.ndarray, hours: float) -> np.ndarray:
    """First-order response (N,) to `drive` (N,) that moves 1/hours of the way in each row."""
    out = np.empty_like(drive)
    state = drive[0]
    for row, value in enumerate(drive):
        state += (value - state) / hours
        out[row] = state
    return out


def red_noise(rng: np.random.Generator, n: int, hours: float, smooth: float = 1.0) -> np.ndarray:
    """Autoregressive noise (n,) of unit variance with memory `hours`; `smooth` > 1 also takes the roughness out."""
    noise = relax(relax(rng.standard_normal(n), hours), smooth)
    return (noise - noise.mean()) / noise.std()


def bump(lag: np.ndarray, before: float, after: float) -> np.ndarray:
    """One at lag 0, falling like a Gaussian of width `before` on the left and `after` on the right."""
    return np.exp(-((lag / np.where(lag < 0, before, after)) ** 2))


# ---------------------------------------------------------------------------------------------------- weather


def passages(rng: np.random.Generator, hours: np.ndarray) -> list[tuple[float, float]]:
    """Hours and strengths of the cold fronts that pass: irregular, four days apart in the mean, stronger in winter."""
    fronts: list[tuple[float, float]] = []
    hour = float(hours[0])
    while True:
        hour += 40.0 - 55.0 * np.log(1.0 - rng.random())
        if hour > hours[-1]:
            return fronts
        winter = np.cos(2 * np.pi * (hour / HOURS_PER_YEAR - 0.04))
        fronts.append((hour, (1.0 + 0.3 * winter) * np.exp(0.3 * rng.standard_normal())))


def weather(seed: int = 20) -> pd.DataFrame:
    """Two years of hourly observations at a mid-latitude station, with the holes a real logger leaves.

    A front announces itself by falling pressure and thickening cloud a day ahead, brings wind and then cold air that
    lasts for two days. Sun warms and clear nights cool the ground: the daily swing depends on season and cloud.
    """
    rng = np.random.default_rng(seed)
    spin_up = 30 * 24  # rows before the first stamp, so that no state starts artificially
    n = spin_up + 730 * 24
    first_stamp = pd.Timestamp("2021-07-01")
    hours = np.arange(n) - spin_up + 181 * 24  # since the first of January
    season = np.cos(2 * np.pi * (hours / HOURS_PER_YEAR - 0.55))  # 1 in July, -1 in January

    pressure = 1016.0 + 6.0 * red_noise(rng, n, 60.0, 12.0)
    air_mass = 2.6 * red_noise(rng, n, 70.0, 8.0)
    cloudiness = -0.2 - 0.35 * season + 1.3 * red_noise(rng, n, 10.0) - 0.11 * (pressure - 1016.0)
    gustiness = 0.35 * red_noise(rng, n, 7.0)
    for hour, strength in passages(rng, hours):
        lag = hours - hour
        cold = np.where(lag < 0, 0.0, (1 - np.exp(-np.maximum(lag, 0) / 3.0)) * np.exp(-np.maximum(lag, 0) / 55.0))
        pressure -= 10.0 * strength * bump(lag, 24.0, 13.0)
        air_mass += strength * (2.0 * bump(lag + 7, 14.0, 6.0) - 5.0 * cold)
        cloudiness += 3.0 * strength * bump(lag + 6, 13.0, 9.0)
        gustiness += 0.6 * strength * bump(lag, 10.0, 8.0)
    cloud = 1.0 / (1.0 + np.exp(-cloudiness))

    declination = 0.409 * np.sin(2 * np.pi * (hours / HOURS_PER_YEAR - 0.22))
    latitude, hour_angle = 0.84, 2 * np.pi * (hours % 24 - 12) / 24
    elevation = np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.cos(hour_angle)
    sun = np.maximum(elevation, 0.0)

    ground = 9.5 + 6.0 * season + air_mass
    heating = 3.8 * sun * (1.0 - 0.7 * cloud) - 1.0 * (1.0 - 0.8 * cloud)
    temperature = relax(ground + 7.0 * heating, 7.0) + 0.35 * red_noise(rng, n, 3.0)

    dryness = np.exp(0.35 * red_noise(rng, n, 30.0)) * (7.5 - 5.5 * relax(cloud, 6.0))
    dew_point = np.minimum(relax(ground, 12.0) - dryness, temperature - 0.3)
    humidity = 100.0 * np.exp(17.6 * dew_point / (243.0 + dew_point) - 17.6 * temperature / (243.0 + temperature))

    tide = 0.5 * np.cos(4 * np.pi * (hours - 10) / 24)
    wind = 2.6 * np.exp(gustiness + 0.45 * sun + 0.1 * rng.standard_normal(n))
    frame = pd.DataFrame(
        {
            "temperature_c": (temperature + 0.1 * rng.standard_normal(n)).round(1) + 0.0,  # + 0.0 makes -0.0 plain
            "pressure_hpa": (pressure + tide + 0.1 * rng.standard_normal(n)).round(1),
            "humidity_pct": np.clip(humidity + rng.standard_normal(n), 5.0, 100.0).round().astype(int),
            "wind_m_s": wind.round(1),
            "cloud_pct": (100.0 * cloud).round().astype(int),
        },
        index=pd.date_range(first_stamp - pd.Timedelta(hours=spin_up), periods=n, freq="h", name="time"),
    )
    return frame.iloc[spin_up:].drop(frame.index[holes(rng, spin_up, n)])


def holes(rng: np.random.Generator, first: int, end: int) -> np.ndarray:
    """Row numbers the logger lost: fifteen stretches of 1 to 30 hours, none in the first week or the last month."""
    lengths = (1, 1, 1, 1, 2, 2, 3, 3, 4, 5, 6, 9, 14, 22, 30)
    room = (end - 30 * 24) - (first + 7 * 24)
    slot = room // len(lengths)  # one hole per slot, so that they never touch
    order = np.argsort(rng.random(len(lengths)))
    starts = first + 7 * 24 + slot * np.arange(len(lengths)) + (rng.random(len(lengths)) * (slot - 60)).astype(int)
    return np.concatenate([np.arange(start, start + lengths[k]) for start, k in zip(starts, order, strict=True)])


# ------------------------------------------------------------------------------------------------------ stock


def trading_days(first: str, last: str) -> pd.DatetimeIndex:
    """Weekdays without New Year, Good Friday, Easter Monday, May Day, Christmas and Boxing Day."""
    days = pd.bdate_range(first, last, name="date")
    fixed = [(1, 1), (5, 1), (12, 25), (12, 26)]
    closed = {pd.Timestamp(year, month, day) for year in days.year.unique() for month, day in fixed}
    for year in days.year.unique():
        easter = pd.Timestamp(year, 1, 1) + pd.offsets.Easter()
        closed |= {easter - pd.Timedelta(days=2), easter + pd.Timedelta(days=1)}
    return days[~days.isin(list(closed))]


def stock(seed: int = 21) -> pd.DataFrame:
    """Twelve years of daily prices whose returns cannot be forecast, while their size can.

    The price is a martingale: an asymmetric GARCH(1, 1) variance (bad news raises it more) times Student-t shocks,
    drawn as an overnight jump and 78 five-minute steps, whose extremes are the day's high and low.
    """
    rng = np.random.default_rng(seed)
    days = trading_days("2010-01-04", "2021-12-30")
    n, steps = len(days), 78
    long_run = 0.017**2
    variance, close = long_run, 40.0
    mood = red_noise(rng, n, 15.0)  # what drives volume beside volatility
    rows = np.empty((n, 5))
    for day in range(n):
        # Student-t with 8 degrees of freedom, unit variance: a normal over the root of a mean of squares.
        spread = np.sqrt(variance * (6.0 / 8.0) / np.mean(rng.standard_normal(8) ** 2))
        spread = min(spread, 0.05)  # an exchange stops trading before that
        overnight = np.sqrt(0.25) * spread * rng.standard_normal() - 0.125 * spread**2
        within = np.sqrt(0.75 / steps) * spread * rng.standard_normal(steps) - 0.375 * spread**2 / steps
        opening = close * np.exp(overnight)
        path = opening * np.exp(np.cumsum(within))
        change = np.log(path[-1] / close)
        close = path[-1]
        busy = 0.9 * np.log(variance / long_run) / 2 + 10.0 * abs(change) + 0.28 * mood[day]
        volume = 4.0e6 * np.exp(busy + 0.15 * rng.standard_normal() + 0.3 * day / n)
        rows[day] = opening, max(opening, path.max()), min(opening, path.min()), close, volume
        shock = change**2 * (1.4 if change < 0 else 0.6)
        variance = 0.02 * long_run + 0.09 * shock + 0.89 * variance
    frame = pd.DataFrame(rows[:, :4].round(2), index=days, columns=["open", "high", "low", "close"])
    return frame.assign(volume=(rows[:, 4] / 100.0).round().astype(int) * 100)


# ----------------------------------------------------------------------------------------------------- sensor

# (kind, column or None for the machine itself, first minute, minutes): what was done to the machine or its sensors.
FAULTS = (
    ("spike", "temperature_c", 8_430, 3),
    ("level shift", "vibration_mm_s", 9_215, 90),
    ("faster cycle", None, 10_020, 240),
    ("flat line", "temperature_c", 10_960, 75),
    ("spike", "vibration_mm_s", 11_705, 2),
    ("drift", "temperature_c", 12_240, 300),
    ("level shift", "load_pct", 13_370, 60),
    ("spike", "temperature_c", 14_150, 1),
    ("flat line", "vibration_mm_s", 14_690, 50),
    ("faster cycle", None, 15_480, 120),
    ("spike", "vibration_mm_s", 16_340, 4),
    ("drift", "vibration_mm_s", 17_010, 240),
    ("flat line", "load_pct", 18_120, 90),
    ("level shift", "temperature_c", 18_905, 120),
)


def sensor(seed: int = 3) -> pd.DataFrame:
    """Two weeks of a machine at one-minute steps: load in 60-minute cycles, temperature and vibration that follow it.

    The first 40 % are healthy; `anomaly` is 1 during the fourteen events of `FAULTS` in the rest.
    """
    rng = np.random.default_rng(seed)
    n = 14 * 24 * 60
    minutes = np.arange(n)
    anomaly = np.zeros(n, dtype=int)
    pace = np.ones(n)
    for kind, _, first, length in FAULTS:
        anomaly[first : first + length] = 1
        if kind == "faster cycle":
            pace[first : first + length] = 1.5  # a whole number of cycles, so the phase closes again behind it
    phase = 2 * np.pi * np.cumsum(pace) / 60.0
    cycle = np.tanh(3.0 * np.sin(phase) + 0.8 * np.sin(2 * phase))  # up, hold, down, idle
    shift = np.where((minutes // 60) % 24 < 6, 0.75, 1.0)  # less work at night
    load = 48.0 + 30.0 * relax(shift, 20.0) * cycle + 1.2 * red_noise(rng, n, 5.0)
    room = 21.0 + 2.0 * np.sin(2 * np.pi * (minutes / 1440.0 - 0.35)) + 0.5 * red_noise(rng, n, 400.0, 30.0)
    temperature = room + relax(0.45 * load, 25.0) + 0.12 * rng.standard_normal(n)
    vibration = (0.6 + 0.00035 * load**2) * np.exp(0.06 * red_noise(rng, n, 2.0)) + 0.03 * rng.standard_normal(n)
    columns = {"load_pct": load, "temperature_c": temperature, "vibration_mm_s": vibration}
    for kind, column, first, length in FAULTS:
        if column is not None:
            break_sensor(kind, columns[column][first : first + length], columns[column].std())
    frame = pd.DataFrame(columns, index=pd.date_range("2023-03-06", periods=n, freq="min", name="time"))
    return frame.round({"load_pct": 1, "temperature_c": 1, "vibration_mm_s": 2}).assign(anomaly=anomaly)


def break_sensor(kind: str, values: np.ndarray, scale: float) -> None:
    """Change the readings `values` (a view of the column) as the fault says; `scale` is the column's deviation."""
    if kind == "spike":
        values += 4.0 * scale
    elif kind == "level shift":
        values += 1.2 * scale
    elif kind == "drift":
        values += np.linspace(0.0, 2.0 * scale, len(values))
    elif kind == "flat line":
        values[:] = values[0]


DATA_SETS = {"weather.csv": weather, "stock.csv": stock, "sensor.csv": sensor}


def csv(frame: pd.DataFrame) -> bytes:
    """Return the file's bytes: a header, ISO stamps without zone, shortest decimals, Unix line ends everywhere."""
    stamps = "%Y-%m-%d" if frame.index.name == "date" else "%Y-%m-%d %H:%M"
    return frame.to_csv(date_format=stamps, lineterminator="\n").encode()


def main() -> int:
    """Write the files and print their SHA-256 checksums, as the README lists them."""
    for name, make in DATA_SETS.items():
        content = csv(make())
        Path(__file__).with_name(name).write_bytes(content)
        print(f"{hashlib.sha256(content).hexdigest()}  {name}  ({len(content):,} bytes)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
