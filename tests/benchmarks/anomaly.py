"""Anomaly detection beside a linear reference: ``python -m tests.benchmarks.anomaly [detector ...] [--json FILE]``.

For every detector, causal (a row's score knows no later row) and offline: mean VUS-PR over the series of
`tests.benchmarks.anomaly_sets`, its mean for each source and the mean of those, the difference to the reference with a
bootstrap interval (95 %, the series being drawn), and seconds of a fit and its scores. VUS-PR takes its largest buffer
from `buffer_length`; rows without a score count as the least suspicious.

Detectors that raise alarms by themselves are also shown as their users meet them, with the default threshold: F1 of the
intervals that they report (all series of a source together), flagged rows far from any label in units of the promised
rate, flagged rows among the 300 after a label ends, where it was noticed, intervals on series without an anomaly, and
the NAB score, with an alarm at the peak of each interval. Where training rows are constant, a detector that says so
promises no rate, and the series does not count. For NAB's score a detector learns from the probation of each file
alone; "best" is the benchmark's own protocol, which flags every row above the one threshold that is best for all files.

A detector is a function ``(train, values, mode, seed) -> Scored``; add one to `DETECTORS` to compare it.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import rnnforecast
from rnnforecast.detection import OnlineNovelty
from rnnforecast.metrics import buffer_length, event_precision_recall, nab_score, vus_pr
from tests.benchmarks.anomaly_sets import CLEAN, Labelled, load

MODES = ("causal", "offline")
USUAL_RATE = 0.01  # of false alarms that the detector of this library promises
FEWEST_CLEAN_ROWS = 1000  # below, a rate of one in a hundred cannot be told from its double
NAB_PROFILES = ("standard", "reward_low_FP", "reward_low_FN")
NAB_PROBATION = 0.15
SERIES = ("events", "alarms after")  # of a judged run, what is no single number


@dataclass(frozen=True)
class Scored:
    """What a detector says of n rows.

    Parameters
    ----------
    score : (n,)
        Higher is worse; NaN where there is none.
    seconds : float
        Of learning and scoring.
    alarms : (n,) bool or None
        Rows beyond the detector's own threshold, if it has one.
    false_alarm_rate : float or None
        Share of normal rows that it promises to flag at most; None where it could learn nothing to promise it by.
    intervals : (m, 3) int or None
        First row, last row and peak of what it reports to people; None: every run of alarms.
    """

    score: np.ndarray
    seconds: float
    alarms: np.ndarray | None = None
    false_alarm_rate: float | None = None
    intervals: np.ndarray | None = None

    def inside(self) -> np.ndarray | None:
        """(n,) rows of intervals, or alarms where there are none."""
        if self.intervals is None:
            return self.alarms
        flags = np.zeros(len(self.score), bool)
        for first, last, _ in self.intervals:
            flags[first : last + 1] = True
        return flags

    def raised(self) -> np.ndarray | None:
        """(n,) rows at which an interval is reported: its peak; or alarms where there are no intervals."""
        if self.intervals is None:
            return self.alarms
        return np.isin(np.arange(len(self.score)), self.intervals[:, 2])


def moving_mean(values: np.ndarray, length: int, *, centred: bool) -> np.ndarray:
    """Mean of `length` rows around each row, or up to it; of those that there are, at the ends."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    first = np.arange(len(values)) - (length // 2 if centred else length - 1)
    stop = np.minimum(first + length, len(values))
    first = np.maximum(first, 0)
    return (total[stop] - total[first]) / (stop - first)


def linear_reference(train: np.ndarray, values: np.ndarray, mode: str, seed: int) -> Scored:
    """Size of the error of an AR(32) by least squares, in training deviations, under a mean of 100 steps."""
    start, order = time.perf_counter(), 32
    center, scale = train.mean(), train.std() or 1.0
    scaled = (values - center) / scale

    def design(rows: np.ndarray) -> np.ndarray:
        lags = np.lib.stride_tricks.sliding_window_view(rows, order)[:-1]
        return np.column_stack([lags, np.ones(len(lags))])

    known = (train - center) / scale
    weights = np.linalg.lstsq(design(known), known[order:], rcond=None)[0]
    deviation = max(float((known[order:] - design(known) @ weights).std()), 1e-3)
    error = np.zeros(len(values))
    error[order:] = np.abs(scaled[order:] - design(scaled) @ weights) / deviation
    return Scored(moving_mean(error, 100, centred=mode == "offline"), time.perf_counter() - start)


def recurrent(train: np.ndarray, values: np.ndarray, mode: str, seed: int) -> Scored:
    """The detector of this library, with default parameters."""
    start = time.perf_counter()
    detector = rnnforecast.RNNAnomalyDetector(mode=mode, random_state=seed).fit(train[:, None])
    score = -np.asarray(detector.score_samples(values[:, None]), float)
    seconds = time.perf_counter() - start
    alarms = np.asarray(detector.predict(values[:, None])) == -1
    intervals = detector.detect(values[:, None])[["start", "end", "peak"]].to_numpy(int)
    rate = None if detector.untrainable_ else USUAL_RATE
    return Scored(score, seconds, alarms, rate, intervals)


def novelty(train: np.ndarray, values: np.ndarray, mode: str, seed: int) -> Scored:
    """The scores of this library that need no network and no training, causal in either mode."""
    start = time.perf_counter()
    score = OnlineNovelty.from_probation(train).extend(values)
    return Scored(score, time.perf_counter() - start)


REFERENCE = "AR(32) + 100-step mean"
DETECTORS: dict[str, Callable[[np.ndarray, np.ndarray, str, int], Scored]] = {
    REFERENCE: linear_reference,
    "online novelty": novelty,
    "rnnforecast": recurrent,
}
DRAWN_AT_RANDOM = {"rnnforecast"}  # run with several seeds


def lowest_where_missing(score: np.ndarray) -> np.ndarray:
    """Scores with rows without one as the least suspicious."""
    return np.where(np.isnan(score), np.nanmin(score, initial=np.inf) if (~np.isnan(score)).any() else 0.0, score)


def attempt(name: str, case: Labelled, n_train: int, mode: str, seed: int) -> tuple[Scored, str]:
    """Score one series with one detector; if it fails, the score says nothing, and why is told."""
    try:
        return DETECTORS[name](case.values[:n_train], case.values, mode, seed), ""
    except Exception as error:
        nothing = Scored(np.zeros(len(case.values)), float("nan"))
        return nothing, f"{type(error).__name__}: {error}"


def run(name: str, case: Labelled, mode: str, seed: int) -> dict[str, Any]:
    """Score one series with one detector and judge it."""
    row: dict[str, Any] = {"detector": name, "source": case.source, "series": case.name, "mode": mode, "seed": seed}
    found, error = attempt(name, case, case.n_train, mode, seed)
    if error:
        row["error"] = error
    row["seconds"] = found.seconds
    if case.source != CLEAN:
        score = lowest_where_missing(found.score)
        row["vus_pr"] = vus_pr(case.labels, score, max_buffer=buffer_length(case.values))
    if found.alarms is not None:
        row["events"] = found.inside()
        clean = case.rows_far_from_labels()
        if clean.sum() >= FEWEST_CLEAN_ROWS and found.false_alarm_rate:
            row["false alarms"] = float(found.alarms[clean].mean()) / found.false_alarm_rate
        row["alarms after"] = alarms_after_labels(case, found.alarms)
    return row


def alarms_after_labels(case: Labelled, alarms: np.ndarray, distance: int = 300) -> list[int]:
    """Count the flagged rows of the `distance` after each label in which some row was flagged, and no other follows."""
    edges = np.flatnonzero(np.diff(case.labels.astype(int), prepend=0, append=0)).reshape(-1, 2)
    return [
        int(alarms[stop : stop + distance].sum())
        for start, stop in edges
        if start >= case.n_train
        and stop + distance <= len(alarms)
        and alarms[start:stop].any()
        and not case.labels[stop : stop + distance].any()
    ]


def bootstrap(differences: np.ndarray, n_draws: int = 4000) -> tuple[float, float]:
    """Ends of the 95 % interval of the mean of paired differences, the pairs being drawn with replacement."""
    rng = np.random.default_rng(0)
    means = differences[rng.integers(len(differences), size=(n_draws, len(differences)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def accuracy(rows: pd.DataFrame, mode: str) -> pd.DataFrame:
    """Mean VUS-PR of every detector, in all and by source, and its difference to the reference."""
    rows = rows[(rows["mode"] == mode) & (rows["source"] != CLEAN)]
    each = rows.groupby(["detector", "source", "series"])["vus_pr"].mean()
    by_source = each.groupby(["detector", "source"]).mean().unstack()
    table = pd.DataFrame({"mean": each.groupby("detector").mean(), "by source": by_source.mean(axis=1)}).join(by_source)
    for name in table.index:
        if name == REFERENCE or REFERENCE not in table.index:
            continue
        difference = (each[name] - each[REFERENCE]).dropna()
        low, high = bootstrap(difference.to_numpy())
        table.loc[name, ["gain", "low", "high"]] = difference.mean(), low, high
    return table.join(rows.groupby("detector")["seconds"].mean())


def event_f1(rows: list[dict[str, Any]], cases: dict[tuple[str, str], Labelled]) -> dict[str, float]:
    """F1 of the events of each source, those of all its series (and seeds) counted together."""
    labels, alarms = defaultdict(list), defaultdict(list)
    for row in rows:
        if row["source"] != CLEAN and "events" in row:
            case = cases[row["source"], row["series"]]
            late = slice(case.n_train, None) if case.source != "TODS" else slice(None)
            # A row between two series keeps their events apart.
            labels[case.source] += [case.labels[late], [False]]
            alarms[case.source] += [row["events"][late], [False]]
    return {
        source: event_precision_recall(np.concatenate(labels[source]), np.concatenate(alarms[source])).f1
        for source in labels
    }


def false_alarms(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Realised by nominal rate of flagged rows, and events reported on a series without an anomaly."""
    ratios = np.array([row["false alarms"] for row in rows if "false alarms" in row])
    runs = [
        int((np.diff(row["events"].astype(int), prepend=0) == 1).sum())
        for row in rows
        if row["source"] == CLEAN and "events" in row
    ]
    after = [n for row in rows for n in row.get("alarms after", [])]
    if not len(ratios):
        return {}
    return {
        "median realised / nominal": float(np.median(ratios)),
        "share within a factor of 2": float(((ratios >= 0.5) & (ratios <= 2)).mean()),
        "series": len(ratios),
        "rows flagged after a label": float(np.mean(after)) if after else float("nan"),
        "events on a series without one": float(np.mean(runs)) if runs else float("nan"),
    }


def nab_scores(name: str, cases: list[Labelled]) -> dict[str, float]:
    """NAB scores, causal, each file's probation being learnt from; with the default and with the best threshold."""
    scores, alarms, windows = {}, {}, {}
    for case in cases:
        n_probation = int(NAB_PROBATION * min(len(case.values), 5000))
        found, _ = attempt(name, case, n_probation, "causal", 0)
        scores[case.name] = pd.Series(lowest_where_missing(found.score), case.index)
        windows[case.name] = case.windows
        if found.alarms is not None:
            alarms[case.name] = pd.Series(found.raised(), case.index)
    pooled = np.concatenate([score.to_numpy()[int(NAB_PROBATION * len(score)) :] for score in scores.values()])
    thresholds = np.append(np.quantile(pooled, 1 - np.geomspace(1e-4, 0.2, 60)), np.inf)
    result = {}
    for profile in NAB_PROFILES:
        if alarms:
            result[profile] = nab_score(alarms, windows, profile=profile)
        result[f"{profile}, best"] = max(
            nab_score({key: score > threshold for key, score in scores.items()}, windows, profile=profile)
            for threshold in thresholds
        )
    return result


def report(rows: list[dict[str, Any]], cases: list[Labelled], names: list[str], modes: list[str]) -> dict[str, Any]:
    """Print the tables and return their numbers."""
    record: dict[str, Any] = {}
    plain = pd.DataFrame([{key: value for key, value in row.items() if key not in SERIES} for row in rows])
    by_name = {(case.source, case.name): case for case in cases}
    for mode in modes:
        table = accuracy(plain, mode)
        print(f"\nVUS-PR, {mode}\n{table.to_string(float_format='{:.3f}'.format, na_rep='')}")
        record[f"VUS-PR {mode}"] = table.to_dict("index")
        for name in names:
            own = [row for row in rows if row["detector"] == name and row["mode"] == mode]
            free = {"event F1": event_f1(own, by_name), "false alarms": false_alarms(own)}
            if any(free.values()):
                print(f"{name}, {mode}, default threshold: " + json.dumps(rounded(free)))
                record[f"{name} {mode}"] = free
    nab_cases = [case for case in cases if case.index is not None]
    if any(case.windows for case in nab_cases):
        print("\nNAB score, causal")
        for name in names:
            record[f"{name} NAB"] = nab_scores(name, nab_cases)
            print(f"{name}: {json.dumps(rounded(record[f'{name} NAB']))}")
    for row in rows:
        if "error" in row and row["seed"] == 0:
            print(f"failed: {row['detector']} on {row['source']} {row['series']}, {row['mode']}: {row['error']}")
    return record


def rounded(values: Any) -> Any:
    """Numbers with three digits behind the point."""
    if isinstance(values, dict):
        return {key: rounded(value) for key, value in values.items()}
    return round(values, 3)


def parser() -> argparse.ArgumentParser:
    """Options of the command."""
    result = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    result.add_argument("detectors", nargs="*", help=f"of {list(DETECTORS)}; all by default")
    result.add_argument("--modes", nargs="*", default=list(MODES), choices=MODES)
    result.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    result.add_argument("--sources", nargs="*", help="NASA, NAB, NAB long, TODS, NAB without anomalies; all by default")
    result.add_argument("--json", type=Path)
    return result


def main(arguments: list[str] | None = None) -> None:
    """Run what is asked for and print the tables."""
    options = parser().parse_args(arguments)
    cases = [case for case in load() if not options.sources or case.source in options.sources]
    if not cases:
        raise SystemExit("no series to score")
    names = options.detectors or [name for name in DETECTORS if name != "rnnforecast" or has_detector()]
    rows = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # training rows without any variation are among the series
        for name in names:
            for case in cases:
                for mode in options.modes:
                    seeds = options.seeds if name in DRAWN_AT_RANDOM else [0]
                    rows += [run(name, case, mode, seed) for seed in seeds]
        record = report(rows, cases, names, options.modes)
    if options.json:
        kept = [{key: value for key, value in row.items() if key not in SERIES} for row in rows]
        options.json.write_text(json.dumps({"summary": record, "rows": kept}, indent=1))


def has_detector() -> bool:
    """Whether this version of the library has its detector."""
    return hasattr(rnnforecast, "RNNAnomalyDetector")


if __name__ == "__main__":
    main()
