"""Pots split by a formula: the split itself, plans against brute force, and sums that hold some lines of a pot only."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocsim.model.arrays import integers
from allocsim.model.curve import CurveSet
from allocsim.optimise.allocate import allocate
from allocsim.optimise.compile.rows import rows
from allocsim.optimise.concave.refine import NoneFits
from allocsim.optimise.explain.prices import prices
from allocsim.optimise.explain.reports import reports
from allocsim.optimise.limits import Pot, Rows
from allocsim.optimise.pot.pots import apportion, pool
from allocsim.optimise.proof.certify import Broken, objective, primal
from optimise_worlds import curve_set, scenario


def _best(curves: CurveSet, limits: Rows, most: int) -> float | None:
    """Return the best objective over all whole amounts that keep the limits, every pot split by the formula."""
    in_pot = {line for pot in limits.pots for line in pot.members.tolist()}
    alone = [line for line in range(len(limits.id)) if line not in in_pot]
    best = None
    for sizes in itertools.product(range(most + 1), repeat=len(limits.pots) + len(alone)):
        x = np.zeros(len(limits.id), dtype=np.int64)
        for pot, size in zip(limits.pots, sizes[: len(limits.pots)], strict=True):
            x[pot.members] = apportion(pot, size)
        x[alone] = sizes[len(limits.pots) :]
        try:
            primal(limits, x)
        except Broken:
            continue
        value = objective(curves, limits.sums, x)
        best = value if best is None else max(best, value)
    return best


@given(key=st.lists(st.integers(1, 50), min_size=1, max_size=8), money=st.integers(0, 10**6))
def test_a_split_is_whole_and_within_a_step_of_its_share(key: list[int], money: int) -> None:
    pot = Pot(source=0, label="", members=integers(range(len(key))), key=integers(key))
    found = apportion(pot, money)
    assert int(found.sum()) == money
    for given_, part in zip(found.tolist(), key, strict=True):
        assert math.floor(money * part / sum(key)) <= given_ <= math.ceil(money * part / sum(key))


def _world(seed: int) -> tuple[CurveSet, Rows]:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(4, 6))
    need = rng.integers(1, 6, count).tolist()
    district = rng.choice(["R1", "R2"], count).tolist()
    rules = [
        {"name": "pot", "kind": "by_factors", "factors": {"need": 1.0}, "where": {"id": ["P1", "P2", "P3"]}},
        {"name": "R1", "kind": "ceiling", "amount": float(rng.integers(6, 14)), "where": {"district": "R1"}},
    ]  # fmt: skip
    columns = {
        "need": [float(n) for n in need],
        "district": [*district[:-1], "R1"],
        "max": [float(rng.integers(4, 9))] * count,
    }
    total = int(rng.integers(8, 14))
    limits = rows(scenario(columns, rules=rules, total=total), None)
    families = rng.choice(["saturating", "log", "power"], count).tolist()
    curves = curve_set(families, rng.uniform(5, 20, count), rng.uniform(2, 9, count), rng.uniform(0.3, 0.8, count))
    return curves, limits


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_a_plan_with_a_pot_is_the_best_or_says_how_far_it_may_be(seed: int) -> None:
    curves, limits = _world(seed)
    best = _best(curves, limits, limits.available)
    try:
        found = allocate(curves, limits)
    except NoneFits:
        assert best is None
        return
    assert best is not None
    primal(limits, found.steps)
    value = objective(curves, limits.sums, found.steps)
    assert found.certificate.objective == pytest.approx(value, rel=1e-12)
    assert value <= best * (1 + 1e-12)
    assert found.certificate.bound >= value
    assert value >= best - found.certificate.gap * abs(found.certificate.bound) - 1e-9 * abs(best)
    assert value >= best * 0.97


def test_pots_of_fine_steps_reach_the_gap() -> None:
    need = [3.0, 5.0, 2.0, 7.0, 1.0, 4.0]
    rules = [{"name": "pot", "kind": "by_factors", "factors": {"need": 1.0}, "where": {"id": ["P1", "P2", "P3", "P4"]}}]
    limits = rows(scenario({"need": need}, rules=rules, total=1_000_000), None)
    curves = curve_set("saturating", [9e5, 8e5, 7e5, 6e5, 5e5, 4e5], [3e5, 2e5, 4e5, 3e5, 2e5, 5e5])
    found = allocate(curves, limits)
    assert found.certificate.closed
    parts = found.steps[:4] / found.steps[:4].sum()
    assert parts == pytest.approx(np.array(need[:4]) / sum(need[:4]), abs=1e-5)
    worth = prices(curves, found.held, found.steps, pooled=found.pooled)
    told = {report.name: report for report in reports(found.held, found.steps, worth)}
    more = allocate(curves, rows(scenario({"need": need}, rules=rules, total=1_001_000), None))
    rise = (more.certificate.objective - found.certificate.objective) / 1000
    assert told["budget.total"].price_up == pytest.approx(rise, rel=2e-3)
    assert told["pot"].level == float(found.steps[:4].sum())
    assert told["pot"].sense == "fix"


def test_order_of_the_table_decides_nothing() -> None:
    need = [3.0, 3.0, 3.0, 7.0]
    rules = [{"name": "pot", "kind": "by_factors", "factors": {"need": 1.0}, "where": {"need": 3.0}}]
    found = []
    for order in itertools.permutations(range(4)):
        columns = {"id": [f"P{i + 1}" for i in order], "need": [need[i] for i in order]}
        limits = rows(scenario(columns, rules=rules, total=101), None)
        curves = curve_set("log", [[9.0, 9.0, 9.0, 8.0][i] for i in order], [[7.0, 7.0, 7.0, 9.0][i] for i in order])
        steps = dict(zip(limits.id, allocate(curves, limits).steps.tolist(), strict=True))
        found.append(steps)
    assert all(each == found[0] for each in found)


def test_a_sum_that_cuts_through_a_pot_keeps_its_level() -> None:
    """A floor of one line of a pot drives the whole pot; the bound is that of the problem without the extra room."""
    columns = {"need": [1.0, 2.0, 4.0, 1.0], "district": ["R1", "R1", "R2", "R2"]}
    rules = [
        {"name": "pot", "kind": "by_factors", "factors": {"need": 1.0}, "where": {"id": ["P1", "P2", "P3"]}},
        {"name": "R1", "kind": "floor", "amount": 50.0, "where": {"district": "R1"}},
    ]
    limits = rows(scenario(columns, rules=rules, total=200), None)
    curves = curve_set("log", [1.0, 1.0, 1.0, 50.0], [5.0, 5.0, 5.0, 5.0])
    found = allocate(curves, limits)
    assert int(found.steps[:2].sum()) in (50, 51)
    assert pool(curves, limits).rows.sums[1].weight is not None
    best = -math.inf
    for size in range(201):
        x = integers([*apportion(limits.pots[0], size), 200 - size])
        if x[:2].sum() >= 50:
            best = max(best, objective(curves, limits.sums, x))
    assert found.certificate.objective == pytest.approx(best, rel=1e-12)
    assert found.certificate.bound >= best


def _tight(seed: int, room: float = 0.0) -> tuple[CurveSet, Rows]:
    """A pot of some lines, and a limit of staff over most lines that cuts through it."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(6, 10))
    need = rng.integers(1, 30, count).astype(float).tolist()
    staff = rng.integers(1, 6, count).astype(float).tolist()
    pot = [f"P{i + 1}" for i in range(int(rng.integers(2, 5)))]
    inside = [f"P{i + 1}" for i in rng.choice(count, count - 2, replace=False)]
    total = float(rng.integers(200, 900))
    rules = [
        {"name": "pot", "kind": "by_factors", "factors": {"need": 1.0}, "where": {"id": pot}},
        {"name": "staff", "kind": "limit", "column": "staff", "where": {"id": inside},
         "amount": round(total * float(rng.uniform(0.9, 1.6))) + room},
    ]  # fmt: skip
    most = [float(v) for v in rng.integers(20, 400, count)]
    families = rng.choice(["saturating", "log", "power"], count).tolist()
    curves = curve_set(families, rng.uniform(50, 200, count), rng.uniform(20, 90, count), rng.uniform(0.3, 0.8, count))
    return curves, rows(scenario({"need": need, "staff": staff, "max": most}, rules=rules, total=total), None)


@pytest.mark.parametrize("seed", [2, 8, 16, 22, 23, 25])
def test_a_pot_that_whole_steps_keep_off_its_best_size_does_not_price_what_it_shares(seed: int) -> None:
    """The price of the limit is what solving again a few units away gives, whatever the pot's last steps ask."""
    curves, limits = _tight(seed)
    found = allocate(curves, limits)
    price_up, price_down = prices(curves, found.held, found.steps, pooled=found.pooled).of_sum(1)
    assert price_up is not None
    assert price_down is not None
    grain, by = limits.sums[1].grain, 12
    there = [allocate(*_tight(seed, by * way)).certificate.objective - found.certificate.objective for way in (1, -1)]
    assert there[0] > 0
    assert price_up / grain == pytest.approx(there[0] / by, rel=0.06)
    assert price_down / grain == pytest.approx(there[1] / by, rel=0.06)
