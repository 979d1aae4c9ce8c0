"""The plan at its margin, against plans made anew one step away by trying all whole amounts."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocsim.model.arrays import integers
from allocsim.model.curve import CurveSet
from allocsim.model.plan import Fact
from allocsim.optimise.allocate import allocate
from allocsim.optimise.compile.rows import rows
from allocsim.optimise.concave.nest import nest
from allocsim.optimise.concave.refine import NoneFits
from allocsim.optimise.explain.held import held_by
from allocsim.optimise.explain.margin import margin, planner
from allocsim.optimise.explain.prices import prices
from allocsim.optimise.explain.ranges import price_ranges
from allocsim.optimise.explain.to_gain import to_gain
from allocsim.optimise.explain.unallocated import unallocated_by, without
from allocsim.optimise.limits import Rows
from allocsim.optimise.sweep import at_total
from optimise_worlds import brute_force, curve_set, portfolio, scenario

FAMILIES = ["saturating", "log", "power"]


def world(seed: int, *, crossing: bool = False) -> tuple[CurveSet, Rows]:
    """Return three lines under a rule for two of them, bounds and a reserve; with ``crossing``, sets that cross too."""
    rng = np.random.default_rng(seed)
    family = [str(f) for f in rng.choice(FAMILIES, 3)]
    curves = curve_set(family, rng.uniform(5, 20, 3), rng.uniform(4, 30, 3), rng.uniform(0.3, 0.95, 3))
    kind = str(rng.choice(["floor", "ceiling", "fix"]))
    rules: list[dict[str, Any]] = [
        {"name": "by group", "kind": kind, "amount": int(rng.integers(2, 7)), "where": {"group": "A"}}
    ]
    if crossing:
        rules.append({"name": "across", "kind": "ceiling", "amount": int(rng.integers(4, 9)), "where": {"other": "B"}})
    columns = {
        "group": ["A", "A", "B"],
        "other": ["A", "B", "B"],
        "max": [8.0, float(rng.integers(2, 9)), 9.0],
        "min": [0.0, float(rng.integers(0, 3)), 0.0],
    }
    return curves, rows(scenario(columns, rules=rules, total=float(rng.integers(5, 15)), reserve=2), None)


def facts(curves: CurveSet, limits: Rows) -> tuple[Fact, ...]:
    found = allocate(curves, limits)
    worth, held = prices(curves, limits, found.steps), held_by(curves, limits, found)
    return to_gain(
        curves, limits, found.steps, multipliers=found.multipliers, worth=worth, held=held, nested=nest(curves, limits)
    )


def at_level(limits: Rows, number: int, level: int) -> Rows:
    """Return the limits with one sum at another level."""
    if number == 0:
        return at_total(limits, level + limits.reserve)
    sums = [replace(s, level=level) if n == number else s for n, s in enumerate(limits.sums)]
    return replace(limits, sums=tuple(sums))


def least_gaining(curves: CurveSet, limits: Rows, line: int, number: int, now: int) -> int | None:
    """Return the least level at which some best plan gives a line more than ``now``, by trying all amounts."""
    for level in range(limits.sums[number].level, 40):
        if any(x[line] > now for x in brute_force(curves, at_level(limits, number, level))[1]):
            return level
    return None


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_the_number_at_which_a_line_gains_is_what_trying_every_number_finds(seed: int) -> None:
    curves, limits = world(seed)
    try:
        steps = allocate(curves, limits).steps
    except NoneFits:
        return
    for line, fact in enumerate(facts(curves, limits)):
        told, now = dict(fact.values), int(steps[line])
        if fact.code == "gain.margin" and "total" in told:
            least = least_gaining(curves, limits, line, 0, now)
            assert least is not None
            assert told["total"] == least + limits.reserve
            assert told["delta"] == told["total"] - limits.total
        elif fact.code == "gain.margin" and "rules" not in told:
            assert least_gaining(curves, limits, line, 0, now) is None
        elif fact.code == "gain.first":
            assert least_gaining(curves, limits, line, 0, now) == limits.available + 1
        elif fact.code == "gain.even":
            assert least_gaining(curves, limits, line, 0, now) == limits.available
        elif fact.code == "gain.sum" and "next" in told:
            enough = at_total(limits, max(limits.total, int(told.get("total", 0))))
            assert least_gaining(curves, enough, line, 1, now) == told["next"]
            assert "total" not in told or least_gaining(curves, limits, line, 1, now) is None


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_a_line_at_its_number_gains_and_costs_what_planning_anew_shows(seed: int, crossing: bool) -> None:
    curves, limits = world(seed, crossing=crossing)
    best, plans = brute_force(curves, limits)
    if not plans:
        return
    for line, fact in enumerate(facts(curves, limits)):
        told = dict(fact.values)
        if fact.code != "gain.rule" or " / " in str(told["rules"]):
            continue
        one = [
            replace(e, high=e.high + (e.project == line)) if e.high[e.project == line].any() else e for e in limits.each
        ]
        raised = replace(limits, each=tuple(one), hi=limits.hi + (np.arange(3) == line))
        anew = brute_force(curves, raised)[0]
        gain = float(told["m"]) - float(told["elsewhere"]) if "elsewhere" in told else 0.0
        if allocate(curves, limits).method != "milp":
            assert max(0.0, gain) == pytest.approx(anew - best, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_ranges_are_what_trying_every_number_finds(seed: int, crossing: bool) -> None:
    curves, limits = world(seed, crossing=crossing)
    try:
        found = allocate(curves, limits)
    except NoneFits:
        return
    worth = prices(curves, limits, found.steps)
    numbers = {limits.name(s.source): n for n, s in enumerate(limits.sums)}
    for told in price_ranges(curves, limits, worth, nested=nest(curves, limits)):
        is_reserve = told.rule == "budget.reserve"
        number = 0 if is_reserve else numbers[told.rule]
        best = [brute_force(curves, at_level(limits, number, level))[0] for level in range(32)]
        if is_reserve:
            best = best[limits.total :: -1]
        price = [b - a if np.isfinite(a) and np.isfinite(b) else np.inf for a, b in itertools.pairwise(best)]
        here = limits.reserve if is_reserve else limits.sums[number].level
        near = [abs(p - price[here]) <= 0.1 * abs(price[here]) + 1e-10 for p in price]
        low = high = here
        while low > 0 and near[low - 1]:
            low -= 1
        while high + 1 < len(price) and near[high + 1]:
            high += 1
        shift = limits.reserve if number == 0 and not is_reserve else 0
        assert (told.low, told.high) == (low + shift, high + shift)


def test_the_range_of_one_logarithm_is_its_closed_form() -> None:
    """f = v log(1 + x / s): one step brings about v / (s + n + 1/2), so s + n + 1/2 runs from / 1.1 to / 0.9."""
    curves = curve_set("log", [500.0], [40.0])
    limits = rows(scenario({"last_budget": [1000.0]}, total=100_000), None)
    (told,) = price_ranges(
        curves, limits, prices(curves, limits, allocate(curves, limits).steps), nested=nest(curves, limits)
    )
    assert told.low == pytest.approx(100_040.5 / 1.1 - 40.5, abs=1.5)
    assert told.high == pytest.approx(100_040.5 / 0.9 - 40.5, abs=1.5)


def test_the_budget_of_plans_ends_the_search() -> None:
    curves, limits = world(3, crossing=True)
    assert nest(curves, limits) is None
    worth = prices(curves, limits, allocate(curves, limits).steps)
    assert price_ranges(curves, limits, worth, nested=None, plans=0) == ()
    assert len(price_ranges(curves, limits, worth, nested=None, plans=4)) == 2
    assert {r.rule for r in price_ranges(curves, limits, worth, nested=None, plans=4)} == {
        "budget.total",
        "budget.reserve",
    }


@pytest.mark.parametrize("seed", range(4))
def test_prices_alone_plan_what_linear_programs_plan(seed: int) -> None:
    rng = np.random.default_rng(seed)
    last, curves = portfolio(rng, 40, FAMILIES)
    department = [f"D{d}" for d in rng.integers(0, 4, 40)]
    sector = [f"S{int(name[1:]) // 2}" for name in department]
    rules = [
        {"name": "caps", "kind": "ceiling", "of": "last_budget", "times": 1.02, "by": "department"},
        {"name": "keeps", "kind": "floor", "of": "last_budget", "times": 1.01, "where": {"sector": "S1"}},
        {"name": "change", "kind": "change", "change": [-0.3, 0.4]},
    ]
    columns = {"last_budget": last, "department": department, "sector": sector}
    limits = rows(scenario(columns, rules=rules, total=float(np.round(last.sum()))), None)
    nested = nest(curves, limits)
    assert nested is not None
    found = allocate(curves, limits)
    best = float(curves.benefit(nested.best(limits.available).astype(float)).sum())
    assert best == pytest.approx(found.certificate.benefit, rel=1e-12)
    number = next(n for n, s in enumerate(limits.sums) if n and s.slack(found.steps) == 0)
    price = float(found.multipliers[number])
    assert abs(price) > 0
    at_price = nested.at_price(number, price, limits.available)
    assert at_price is not None
    assert abs(at_price - limits.sums[number].level) <= 40


def test_a_little_more_and_a_little_less_money() -> None:
    rng = np.random.default_rng(1)
    last, curves = portfolio(rng, 12, FAMILIES)
    made = scenario({"last_budget": last}, rules=[{"name": "c", "kind": "change", "change": [-0.2, 0.2]}],
                    total=float(np.round(last.sum())))  # fmt: skip
    limits = rows(made, None)
    found = allocate(curves, limits)
    told = margin(made, None, curves, rows=limits, steps=found.steps, again=planner(curves, nest(curves, limits)))
    change = round(0.01 * limits.total)
    more, less, step = (allocate(curves, at_total(limits, limits.total + by)) for by in (change, -change, 1))
    assert told.more == pytest.approx(more.certificate.benefit - found.certificate.benefit)
    assert told.less == pytest.approx(found.certificate.benefit - less.certificate.benefit)
    assert told.next_unit is not None
    assert told.next_unit.id == limits.id[int((step.steps - found.steps).argmax())]
    assert told.next_unit.benefit == pytest.approx(step.certificate.benefit - found.certificate.benefit, rel=1e-6)
    assert told.next_unit.benefit == pytest.approx(prices(curves, limits, found.steps).of_sum(0)[0])
    assert told.unallocated_by == ()


def test_shares_of_the_total_move_with_it() -> None:
    """Half of all money is for the first line at most, so 2 more of 100 bring it one more."""
    half = {"name": "half", "kind": "share", "share": [0.0, 0.5], "where": {"id": "P1"}}
    made = scenario({"last_budget": [1.0, 1.0]}, rules=[half], total=100)
    curves = curve_set(
        "piecewise", [1.0, 1.0], [1.0, 1.0], points=[((0.0, 0.0), (500.0, 1000.0)), ((0.0, 0.0), (500.0, 500.0))]
    )
    limits = rows(made, None)
    found = allocate(curves, limits)
    assert found.steps.tolist() == [50, 50]
    told = margin(made, None, curves, rows=limits, steps=found.steps, again=planner(curves, nest(curves, limits)))
    assert told.more == pytest.approx(1.0)
    assert told.less == pytest.approx(2.0)
    assert told.next_unit is not None
    assert (told.next_unit.id, told.next_unit.benefit) == ("P2", pytest.approx(1.0))


def test_money_that_no_rule_lets_out() -> None:
    """60 of 100 are left; the cap of two lines keeps 10, the ceilings of a third line 40 alone and 50 at most."""
    curves = curve_set("log", [9.0, 9.0, 9.0], [5.0, 5.0, 5.0])
    rules = [
        {"name": "pair", "kind": "ceiling", "amount": 20, "where": {"group": "A"}},
        {"name": "third", "kind": "ceiling", "amount": 20, "scope": "each", "where": {"group": "B"}},
    ]
    made = scenario({"group": ["A", "A", "B"], "max": [15.0, 15.0, 60.0]}, rules=rules, total=100)
    limits = rows(made, None)
    steps = allocate(curves, limits).steps
    assert steps.sum() == 40
    told = {each.rule: each.keeps for each in unallocated_by(limits, steps, planner(curves, None))}
    assert told == {"third": 40, "pair": 10}
    assert list(told) == ["third", "pair"]


def test_rules_that_only_together_keep_money_in_are_named_without_an_amount() -> None:
    curves = curve_set("log", [9.0], [5.0])
    rules = [{"name": "cap", "kind": "ceiling", "amount": 20, "scope": "each"}]
    limits = rows(scenario({"max": [20.0]}, rules=rules, total=100), None)
    steps = allocate(curves, limits).steps
    told = unallocated_by(limits, steps, planner(curves, None))
    assert [(each.rule, each.keeps) for each in told] == [("cap", None), ("projects.max", None)]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_what_a_rule_keeps_is_what_goes_out_without_it(seed: int) -> None:
    curves, limits = world(seed, crossing=True)
    limits = at_total(limits, 40)
    if not brute_force(curves, limits)[1]:
        return
    steps = allocate(curves, limits).steps
    told = {each.rule: each.keeps for each in unallocated_by(limits, steps, planner(curves, None))}
    assert told
    for source, name in ((s, limits.name(s)) for s in range(len(limits.sources)) if limits.name(s) != "budget.total"):
        out = int(allocate(curves, without(limits, source)).steps.sum()) - int(steps.sum())
        assert (told.get(name) or 0) == min(max(out, 0), limits.available - int(steps.sum()))


def code(curves: CurveSet, limits: Rows) -> list[str]:
    return [fact.code for fact in facts(curves, limits)]


def test_no_money() -> None:
    curves = curve_set("log", [9.0, 8.0], [5.0, 5.0])
    made = scenario({"last_budget": [1.0, 1.0]}, total=0)
    limits = rows(made, None)
    steps = allocate(curves, limits).steps
    assert code(curves, limits) == ["gain.first", "gain.merit"]
    told = margin(made, None, curves, rows=limits, steps=steps, again=planner(curves, nest(curves, limits)))
    assert (told.less, told.next_unit.id if told.next_unit else None) == (None, "P1")
    assert price_ranges(curves, limits, prices(curves, limits, steps), nested=nest(curves, limits))[0].low == 0


def test_all_fixed() -> None:
    curves = curve_set("log", [9.0, 8.0], [5.0, 5.0])
    made = scenario(
        {"last_budget": [4.0, 6.0]},
        rules=[{"name": "f", "kind": "fix", "scope": "each", "of": "last_budget"}],
        total=10,
    )
    limits = rows(made, None)
    found = facts(curves, limits)
    assert [fact.code for fact in found] == ["gain.rule", "gain.rule"]
    assert dict(found[0].values)["next"] == 5
    assert "elsewhere" not in dict(found[0].values)
    told = margin(made, None, curves, rows=limits, steps=allocate(curves, limits).steps, again=planner(curves, None))
    assert (told.more, told.less, told.next_unit) == (0.0, None, None)


def test_one_line() -> None:
    curves = curve_set("log", [9.0], [5.0])
    limits = rows(scenario({"last_budget": [4.0]}, total=10), None)
    assert code(curves, limits) == ["gain.first"]


def test_flat_curves() -> None:
    flat = ((0.0, 0.0), (5.0, 5.0))
    curves = curve_set("piecewise", [1.0, 1.0], [1.0, 1.0], points=[flat, flat])
    scarce = rows(scenario({"last_budget": [4.0, 4.0]}, total=7), None)
    assert set(code(curves, scarce)) <= {"gain.even", "gain.nothing"}
    plenty = rows(scenario({"last_budget": [4.0, 4.0]}, total=20), None)
    assert code(curves, plenty) == ["gain.nothing", "gain.nothing"]


def test_a_floor_above_its_worth_wants_a_better_line() -> None:
    curves = curve_set("log", [90.0, 1.0], [5.0, 5.0])
    limits = rows(scenario({"min": [0.0, 5.0]}, total=10), None)
    fact = facts(curves, limits)[1]
    assert fact.code == "gain.floor"
    told = dict(fact.values)
    assert float(told["m"]) * float(told["times"]) == pytest.approx(float(told["price"]))
    better = curve_set("log", [90.0, 1.0 * float(told["times"]) * 1.01], [5.0, 5.0])
    assert allocate(better, limits).steps[1] == 6
    worse = curve_set("log", [90.0, 1.0 * float(told["times"]) * 0.99], [5.0, 5.0])
    assert allocate(worse, limits).steps[1] == 5


def test_a_line_out_of_the_money_gains_once_its_worth_is_that_many_times() -> None:
    curves = curve_set("log", [90.0, 5.0], [5.0, 5.0])
    limits = rows(scenario({"last_budget": [4.0, 4.0]}, total=10), None)
    fact = facts(curves, limits)[1]
    assert fact.code == "gain.merit"
    times = float(dict(fact.values)["times"])
    for factor, steps in ((1.001, 1), (0.999, 0)):
        other = curve_set("log", [90.0, 5.0 * times * factor], [5.0, 5.0])
        assert allocate(other, limits).steps[1] == steps


def chosen(rules: list[dict[str, Any]], columns: dict[str, Any], curves: CurveSet, steps: list[int]) -> list[Fact]:
    """Return the facts of amounts that rules with holes and counts leave: bounds at the choices, holes beside them."""
    limits = rows(scenario(columns, rules=rules, total=float(sum(steps))), None)
    amounts = integers(steps)
    price = prices(curves, replace(limits, parts=(), choices=()), amounts)
    found = to_gain(
        curves, limits, amounts, multipliers=np.zeros(len(limits.sums)), worth=price, held=(-1,) * 3, nested=None
    )
    return list(found)


def test_a_hole_is_told_with_what_lies_beyond_it() -> None:
    curves = curve_set("log", [90.0, 50.0, 40.0], [5.0, 9.0, 5.0])
    rules = [{"name": "start", "kind": "minimum_viable", "where": {"id": "P3"}, "amount": 8}]
    fact = chosen(rules, {"last_budget": [1.0, 1.0, 1.0]}, curves, [23, 7, 0])[2]
    assert fact.code == "gain.hole"
    told = dict(fact.values)
    assert (told["name"], told["amount"]) == ("start", 8)
    assert told["m"] == pytest.approx(40 * np.log1p(8 / 5) / 8)


def test_a_count_is_told_where_the_line_would_be_worth_it() -> None:
    rules = [{"name": "one", "kind": "exclusive", "where": {"id": ["P2", "P3"]}}]
    columns = {"last_budget": [1.0, 1.0, 1.0]}
    worth = curve_set("log", [90.0, 50.0, 40.0], [5.0, 9.0, 5.0])
    assert chosen(rules, columns, worth, [23, 7, 0])[2].code == "gain.count"
    poor = curve_set("log", [90.0, 50.0, 4.0], [5.0, 9.0, 5.0])
    assert chosen(rules, columns, poor, [23, 7, 0])[2].code == "gain.merit"


def test_an_s_shaped_curve_wants_its_money_at_once() -> None:
    curves = curve_set(["log", "log", "hill"], [90.0, 50.0, 9.0], [5.0, 9.0, 12.0], [0.5, 0.5, 3.0])
    fact = chosen([], {"last_budget": [1.0, 1.0, 1.0]}, curves, [17, 3, 0])[2]
    assert fact.code == "gain.bend"
    told = dict(fact.values)
    means = [float(curves.benefit(np.array([0.0, 0.0, float(x)]))[2]) / x for x in range(1, 21)]
    assert told["amount"] == 1 + int(np.argmax(means))
    assert told["m"] == pytest.approx(max(means))
