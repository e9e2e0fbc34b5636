"""The speed benchmark's arithmetic, and its command on tiny sizes; how fast anything is, is not asked here."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tests.benchmarks import accuracy, breakdown, fits, layers, rivals, speed, timing
from tests.benchmarks.table import Bar, Options, Row, Size

TINY = Options(n_rounds=2, cells=("gru",), sizes=(Size(4, 3, 2, 5),), rivals=frozenset(), seconds=0.0, product_size=8)


@pytest.fixture(autouse=True)
def _portable(monkeypatch):
    monkeypatch.setenv("RNNFORECAST_PORTABLE", "1")  # nothing to compile but the optimizer


@pytest.fixture
def clock(monkeypatch):
    """A clock that only moves when told: ``clock.work(seconds)`` is a function that takes so long."""
    now = [0.0]

    def work(seconds, result=None):
        def call():
            now[0] += seconds
            return result

        return call

    fake = SimpleNamespace(perf_counter=lambda: now[0], sleep=lambda seconds: None)
    monkeypatch.setattr(timing, "time", fake)
    monkeypatch.setattr(breakdown, "time", fake)
    return SimpleNamespace(work=work)


@pytest.fixture
def task(rng):
    index = pd.date_range("2024-01-01", periods=60, freq="h")
    values = np.sin(np.arange(60) / 3.0)[:, None] * [1.0, 2.0] + 0.1 * rng.standard_normal((60, 2))
    table = pd.DataFrame(values, index, columns=["a", "b"])
    return rivals.Task(table, joint=False, lookback=4, horizon=2, n_units=3, batch_size=16)


def stepper(cell, size, n_threads=1):
    return layers.Stepper(cell, *layers.batch(size, np.random.default_rng(1)), size.H, n_threads)


def test_sides_take_turns_and_each_comes_first_in_its_round(clock):
    called: list[str] = []
    sides = [timing.Side(name, 1, partial(called.append, name)) for name in "abc"]
    timing.compare(sides, 3, seconds=0.0)
    warm_up, rounds = called[:6], called[6:]
    assert warm_up == list("aabbcc")
    assert rounds == list("abcbcacab")


def test_a_round_holds_the_median_of_as_many_calls_as_fit_into_its_time(clock):
    sides = [timing.Side("short", 1, clock.work(0.25)), timing.Side("long", 1, clock.work(4.0))]
    times = timing.compare(sides, 2, seconds=1.0)
    assert times["short", 1].tolist() == [0.25, 0.25]
    assert times["long", 1].tolist() == [4.0, 4.0]


def test_a_number_of_threads_that_is_hopeless_is_not_timed_again_unless_told(clock):
    sides = [
        timing.Side("a", 1, clock.work(1.0)),
        timing.Side("a", 2, clock.work(1.6)),
        timing.Side("b", 1, clock.work(9.0)),
    ]
    assert set(timing.compare(sides, 1)) == {("a", 1), ("b", 1)}
    assert set(timing.compare(sides, 1, drop=False)) == {("a", 1), ("a", 2), ("b", 1)}
    assert timing.best(timing.compare(sides, 1, drop=False), "a") == ("a", 1)


def test_ratios_are_taken_round_by_round():
    # A machine that halves its speed in the second round changes no ratio.
    ratio = timing.Ratio.of(np.array([2.0, 4.0, 9.0]), np.array([1.0, 2.0, 3.0]))
    assert (ratio.median, ratio.minimum, ratio.maximum) == (2.0, 2.0, 3.0)
    assert timing.geometric_mean([2.0, 8.0]) == pytest.approx(4.0)


def test_a_bar_is_met_on_its_side_of_the_limit_and_never_by_nan():
    assert Bar("ratio", 3.5, 3.5).met
    assert not Bar("ratio", 3.4, 3.5).met
    assert Bar("seconds", 0.2, 0.3, at_least=False).met
    assert not Bar("seconds", 0.4, 0.3, at_least=False).met
    assert not Bar("ratio", float("nan"), 3.5).met


@pytest.mark.parametrize(("cell", "expected"), [("rnn", 10.0), ("lstm", 40.0), ("gru", 30.0)])
def test_operations_are_two_for_each_weight_step_and_pass(cell, expected):
    # All sizes are 1. Forward and the weights' gradient take every weight, backward those of the hidden state.
    assert layers.n_operations(cell, Size(1, 1, 1, 1)) == expected


def test_a_step_returns_the_loss_of_the_forecasts_before_it_and_lowers_it():
    one = stepper("lstm", Size(8, 4, 2, 5))
    before = one.infer()
    losses = [one.step() for _ in range(20)]
    # float32 sums of 8 terms in another order
    assert losses[0] == pytest.approx(np.mean((before - one.given.y[0]) ** 2), rel=1e-6)
    assert losses[-1] < losses[0]


def test_two_threads_take_the_same_step_as_one():
    size = Size(70, 3, 2, 4)
    with stepper("gru", size, 1) as one, stepper("gru", size, 2) as two:
        for _ in range(3):
            assert one.step() == two.step()
    np.testing.assert_array_equal(one.parameters, two.parameters)


@pytest.mark.parametrize("cell", sorted(rivals.TORCH_LAYERS))
def test_torch_computes_the_same_forecasts_and_loss(cell):
    torch, reason = rivals.load("torch")
    if torch is None:
        pytest.skip(reason)
    ours = stepper(cell, Size(6, 5, 2, 4))
    theirs = rivals.TorchLayer(torch, cell, ours.given.x, ours.given.y, ours.views)
    # float32 over five steps
    np.testing.assert_allclose(ours.infer(), theirs.infer().numpy()[:, 0], atol=2e-6)
    assert ours.step() == pytest.approx(float(theirs.step()), rel=1e-5)


@pytest.mark.parametrize("joint", [False, True])
def test_a_torch_loop_learns_the_same_task(task, joint):
    torch, reason = rivals.load("torch")
    if torch is None:
        pytest.skip(reason)
    task = replace(task, joint=joint)
    assert rivals.torch_fit(torch, replace(task, n_epochs=8)) < rivals.torch_fit(torch, task)


@pytest.mark.parametrize("joint", [False, True])
def test_both_sides_of_a_fit_make_the_same_number_of_updates(task, joint):
    task = replace(task, joint=joint, n_epochs=2)
    fitted = fits.forecaster(task).fit(task.table)
    assert fitted.ensemble_.histories[0].n_steps == task.n_steps
    assert len(fitted.loss_curve_) == task.n_epochs


def test_a_fit_is_measured_without_any_rival(task):
    row = Row("fit")
    fits.fit_line(row, task, TINY)
    (line,) = row.lines
    assert line["ms"] > 0.0
    assert line["n_steps"] == 7  # 110 windows of two columns, 16 at a time
    assert row.bars == []


def test_a_ledger_counts_every_second_once(clock):
    ledger = breakdown.Ledger()
    inner, own = ledger.timed("inner", clock.work(2.0, "result")), clock.work(1.0)
    outer = ledger.timed("outer", lambda: (own(), inner())[1])
    assert outer() == "result"
    assert outer() == "result"
    assert ledger.seconds == {"inner": 4.0, "outer": 2.0}


def test_the_clocks_are_taken_off_again_and_change_no_step():
    size = Size(8, 3, 2, 4)
    plain, watched, ledger = stepper("lstm", size), stepper("lstm", size), breakdown.Ledger()
    with ExitStack() as stack:
        step = breakdown.instrument(ledger, watched, stack)
        assert [step() for _ in range(3)] == [plain.step() for _ in range(3)]
    spent = dict(ledger.seconds)
    assert {"packing", "head", "loss", "optimizer"} < set(spent)
    assert watched.step() == plain.step()
    assert ledger.seconds == spent


def test_the_command_measures_and_writes_what_it_measured(tmp_path, capsys):
    file = tmp_path / "speed.json"
    command = "--quick --rows step,inference,jobs --cells gru --sizes 4x3x2x5,64x2x1x64 --rivals none --json"
    assert speed.main([*command.split(), str(file)]) == 0
    record = json.loads(file.read_text())
    assert record["host"]["numpy"] == np.__version__
    assert [row["name"] for row in record["rows"]] == ["step", "inference", "jobs"]
    step, inference, jobs = (row["lines"] for row in record["rows"])
    assert [(line["B"], line["H"]) for line in step] == [(4, 5), (64, 64)]
    assert all(line["share"] > 0.0 and line["ms"] > 0.0 for line in step)
    assert all(line["threads"] == 1 for line in inference if line["B"] < 64)
    assert [line["B"] for line in jobs] in ([64], [])  # one processor cannot run two threads
    assert "gru" in capsys.readouterr().out


def test_the_command_prints_where_a_step_goes(tmp_path):
    file = tmp_path / "profile.json"
    command = "--profile --quick --cells rnn --sizes 4x3x2x5 --json"
    assert speed.main([*command.split(), str(file)]) == 0
    (line,) = json.loads(file.read_text())["rows"][0]["lines"]
    assert {"packing", "head", "loss", "clip", "optimizer"} < set(line["us"])
    assert min(line["us"].values()) >= 0.0


def test_the_command_refuses_unknown_rows(capsys):
    with pytest.raises(SystemExit):
        speed.main(["--rows", "step,steps"])
    assert "got steps" in capsys.readouterr().err


def test_quick_options_give_way_to_what_is_asked():
    asked = speed.parser().parse_args(["--quick", "--rounds", "7", "--rivals", "torch"])
    chosen = speed.choose(asked)
    assert (chosen.n_rounds, chosen.rivals) == (7, {"torch"})
    assert chosen.product_size == speed.QUICK.product_size
    assert speed.choose(speed.parser().parse_args([])) == Options()


def test_the_verdict_counts_wins_among_series_with_skill_to_gain():
    def row(naive, linear, ours):
        return {"last value": naive + 1.0, "seasonal naive": naive, "linear": linear, "rnnforecast": ours}

    rows = [row(1.0, 0.8, 0.7), row(1.0, 0.8, 0.9), row(1.0, 1.0, 1.0), row(1.0, 1.0, 1.1), row(1.0, 1.2, 0.9)]
    total = accuracy.verdict(rows)
    assert (total["series"], total["worth"], total["wins"], total["lost"]) == (5, 3, 2, 1)
    assert total["worst"] == pytest.approx(0.9 / 0.8)
    assert total["to naive"] == pytest.approx((0.7 * 0.9 * 1.1 * 0.9) ** 0.2)


def test_a_case_is_chosen_by_the_beginning_of_its_name():
    assert accuracy.chosen(["airline"]) == ["airline 12", "airline 24"]
    assert accuracy.chosen(["protocol"]) == []
    assert len(accuracy.chosen([])) >= 50
