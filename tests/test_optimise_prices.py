from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocsim.model.arrays import integers
from allocsim.model.curve import CurveSet
from allocsim.model.plan import RuleReport
from allocsim.optimise.allocate import allocate
from allocsim.optimise.compile.rows import rows, tightest
from allocsim.optimise.concave.refine import NoneFits
from allocsim.optimise.explain.prices import prices
from allocsim.optimise.explain.reports import reports
from allocsim.optimise.limits import Each, Rows
from optimise_worlds import curve_set, portfolio, scenario
from test_optimise_allocate import FAMILIES


def world(seed: int) -> tuple[CurveSet, Rows]:
    """Return twelve lines under nested sums, floors, a fix and bounds that often meet each other."""
    rng = np.random.default_rng(seed)
    last, curves = portfolio(rng, 12, FAMILIES)
    ids = [f"P{i + 1}" for i in range(12)]
    rules: list[dict[str, object]] = [
        {"name": "change", "kind": "change", "change": [-0.25, 0.3]},
        {"name": "caps", "kind": "ceiling", "of": "last_budget", "times": 1.03, "by": "department"},
        {"name": "some", "kind": "floor", "amount": float(np.round(1.02 * last[:5].sum())), "where": {"id": ids[:5]}},
        {"name": "two", "kind": "fix", "amount": float(np.round(last[5:7].sum())), "where": {"id": ids[5:7]}},
        {
            "name": "cut",
            "kind": "ceiling",
            "scope": "each",
            "of": "last_budget",
            "times": 0.9,
            "where": {"id": ids[7:9]},
        },
        {"name": "due", "kind": "fix", "scope": "each", "of": "last_budget", "where": {"id": ids[9]}},
        {
            "name": "least",
            "kind": "floor",
            "scope": "each",
            "of": "last_budget",
            "times": 1.1,
            "where": {"id": ids[10]},
        },
    ]
    chosen = [rule for rule in rules if rng.random() < 0.7]
    columns = {"last_budget": last, "department": [f"D{d}" for d in rng.integers(0, 3, 12)]}
    return curves, rows(
        scenario(columns, rules=chosen, total=float(np.round(rng.uniform(0.97, 1.06) * last.sum()))), None
    )


def moved(limits: Rows, report: RuleReport, by: int) -> Rows | None:
    """Return the limits with one report's number moved by a step; None for the reserve, which is the total's twin."""
    source = [s.name for s in limits.sources].index(report.name)
    if limits.sources[source].standing == "reserve":
        return None
    sums = list(limits.sums)
    for number, limit in enumerate(sums):
        if (
            limit.source == source
            and limit.label == report.row
            and (limit.sense == report.sense or report.sense == "fix")
        ):
            sums[number] = replace(limit, level=limit.level + by)
            if number == 0:
                return _compiled(limits, list(limits.each), sums, total=limits.total + by)
            return _compiled(limits, list(limits.each), sums)
    each = [
        _moved_line(limit, limits.id.index(report.row), report.sense, by) if limit.source == source else limit
        for limit in limits.each
    ]
    return _compiled(limits, each, sums)


def _moved_line(limit: Each, line: int, sense: str, by: int) -> Each:
    here = (limit.project == line) * by
    low = limit.low + here if sense in ("floor", "fix") else limit.low
    high = limit.high + here if sense in ("ceiling", "fix") else limit.high
    return replace(limit, low=integers(low), high=integers(high))


def _compiled(limits: Rows, each: list[Each], sums: list, total: int | None = None) -> Rows:
    money = limits.total if total is None else total
    lo, hi, lo_by, hi_by = tightest(each, len(limits.id), money - limits.reserve + 1)
    return replace(limits, each=tuple(each), sums=tuple(sums), lo=lo, hi=hi, lo_by=lo_by, hi_by=hi_by, total=money)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10**6))
def test_prices_are_what_solving_again_one_step_away_gives(seed: int) -> None:
    curves, limits = world(seed)
    try:
        found = allocate(curves, limits)
    except NoneFits:
        return
    if found.method == "milp":
        return
    told = reports(limits, found.steps, prices(curves, limits, found.steps))
    base = found.certificate.benefit
    for report in told:
        lines_together = report.row == "" and any(limits.name(e.source) == report.name for e in limits.each)
        for by, price in ((1, report.price_up), (-1, report.price_down)):
            changed = None if lines_together else moved(limits, report, by)
            if changed is None:
                continue
            try:
                again = allocate(curves, changed)
            except NoneFits:
                assert price is None, (report, by)
                continue
            assert price is not None, (report, by)
            assert again.certificate.benefit - base == pytest.approx(price, abs=2e-9 * base), (report, by)


def test_total_and_reserve_are_two_sides_of_one_price() -> None:
    curves = curve_set("saturating", [9.0, 8.0], [30.0, 40.0])
    limits = rows(scenario({"min": [0.0, 0.0]}, total=50, reserve=10), None)
    found = allocate(curves, limits)
    total, reserve = reports(limits, found.steps, prices(curves, limits, found.steps))[:2]
    assert (total.level, total.activity, reserve.level) == (50, 50, 10)
    assert total.price_up == reserve.price_down
    assert total.price_down == reserve.price_up
    assert total.price_up == pytest.approx(max(curves.rise(found.steps.astype(float), 1.0)), rel=1e-9)
    assert total.price_up + total.price_down <= 0


def test_prices_are_per_unit_of_money_not_of_steps() -> None:
    curves = curve_set("saturating", [9.0, 8.0], [3.0, 4.0])
    limits = rows(scenario({"min": [0.0, 0.0]}, step=10, total=50), None)
    found = allocate(curves, limits)
    worth = prices(curves, limits, found.steps)
    total = reports(limits, found.steps, worth)[0]
    assert total.price_up == pytest.approx(worth.of_sum(0)[0] / 10)


def test_what_cannot_be_moved_has_no_price() -> None:
    curves = curve_set("log", [1.0, 1.0], [1.0, 1.0])
    rules = [
        {"name": "floor", "kind": "floor", "amount": 8},
        {"name": "line", "kind": "ceiling", "scope": "each", "amount": 4, "where": {"id": "P1"}},
    ]
    limits = rows(scenario({"min": [4.0, 0.0]}, rules=rules, total=8), None)
    found = allocate(curves, limits)
    told = {(r.name, r.row): r for r in reports(limits, found.steps, prices(curves, limits, found.steps))}
    assert told["floor", ""].price_up is None
    assert told["budget.total", ""].price_down is None
    assert told["line", "P1"].price_down is None
    assert told["projects.min", "P1"].price_up is None


def test_slack_limits_are_worth_nothing() -> None:
    curves = curve_set("log", [1.0, 1.0], [1.0, 1.0])
    rules = [{"name": "loose", "kind": "ceiling", "amount": 7}]
    limits = rows(scenario({"max": [2.0, 3.0]}, rules=rules, total=10), None)
    found = allocate(curves, limits)
    told = {(r.name, r.row): r for r in reports(limits, found.steps, prices(curves, limits, found.steps))}
    assert (told["loose", ""].price_up, told["loose", ""].slack, told["loose", ""].binding) == (0.0, 2.0, False)
    assert (told["budget.total", ""].price_up, told["budget.total", ""].price_down) == (0.0, 0.0)
    most = told["projects.max", ""]
    assert most.price_up == pytest.approx(np.log1p(1 / 3) + np.log1p(1 / 4))
    assert most.price_down == pytest.approx(-np.log1p(1 / 2) - np.log1p(1 / 3))


def test_lines_moved_together_are_worth_what_solving_again_gives_when_steps_are_fine() -> None:
    """All numbers of a rule up by one step of many: the change of benefit meets the price to within curvature."""
    rng = np.random.default_rng(5)
    last, curves = portfolio(rng, 30)
    rules = [
        {"name": "cut", "kind": "ceiling", "scope": "each", "of": "last_budget", "times": 0.9, "where": {"half": "a"}}
    ]
    columns = {"last_budget": last, "half": ["a", "b"] * 15}
    limits = rows(scenario(columns, rules=rules, step=0.01, total=float(last.sum())), None)
    fine = curve_set("saturating", curves.value, curves.scale * 100)
    found = allocate(fine, limits)
    told = next(r for r in reports(limits, found.steps, prices(fine, limits, found.steps)) if r.name == "cut")
    for by, price in ((1, told.price_up), (-1, told.price_down)):
        each = [replace(e, high=integers(e.high + by)) for e in limits.each]
        again = allocate(fine, _compiled(limits, each, list(limits.sums)))
        change = again.certificate.benefit - found.certificate.benefit
        assert change / 0.01 == pytest.approx(price, rel=2e-3)


def test_prices_after_a_whole_number_repair_are_still_told() -> None:
    pairs = [
        {"name": "".join(pair), "kind": "ceiling", "amount": 1, "where": {"id": pair}}
        for pair in (["P1", "P2"], ["P2", "P3"], ["P1", "P3"])
    ]
    curves = curve_set("saturating", [5.0, 4.0, 3.0], [3.0, 3.0, 3.0])
    limits = rows(scenario({"last_budget": [1.0, 1.0, 1.0]}, rules=pairs, total=9), None)
    found = allocate(curves, limits)
    assert found.method == "milp"
    worth = prices(curves, limits, found.steps)
    assert np.isfinite(worth.least).all()


def test_a_fixed_amount_under_a_ceiling_of_the_same_height_may_fall_but_not_rise() -> None:
    rules = [
        {"name": "due", "kind": "fix", "scope": "each", "amount": 20.0, "where": {"id": "P1"}},
        {"name": "asked", "kind": "ceiling", "scope": "each", "of": "requested"},
    ]
    columns = {"requested": [20.0, 90.0]}
    limits = rows(scenario(columns, rules=rules, total=60.0), None)
    curves = curve_set("saturating", [10.0, 10.0], [30.0, 30.0])
    found = allocate(curves, limits)
    told = reports(limits, found.steps, prices(curves, limits, found.steps))
    due = next(report for report in told if report.name == "due" and report.row == "P1")
    assert due.price_up is None
    lower = [replace(limit, low=limit.low - 1, high=limit.high - 1) if limit.is_fix else limit for limit in limits.each]
    lo, hi, lo_by, hi_by = tightest(lower, 2, limits.available + 1)
    again = allocate(curves, replace(limits, each=tuple(lower), lo=lo, hi=hi, lo_by=lo_by, hi_by=hi_by))
    change = again.certificate.benefit - found.certificate.benefit
    assert due.price_down == pytest.approx(change, rel=1e-9)
