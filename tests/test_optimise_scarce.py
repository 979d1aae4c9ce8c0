"""Where another rule than the total is the scarce thing: what a cut is weighed against, and what keeps money in."""

from __future__ import annotations

import numpy as np
import pytest

from allocsim.model.arrays import floats, integers
from allocsim.model.curve import CurveSet
from allocsim.optimise.allocate import allocate
from allocsim.optimise.compile.rows import rows
from allocsim.optimise.explain.last_year import worth_elsewhere, wrong_cut
from allocsim.optimise.explain.margin import planner
from allocsim.optimise.explain.prices import prices
from allocsim.optimise.explain.unallocated import unallocated_by
from optimise_worlds import curve_set, curves, scenario


def test_a_cut_under_a_ceiling_is_weighed_against_what_the_ceiling_is_worth() -> None:
    """All money there is cannot be spent: the staff of D1 is what is scarce, and money outside it is worth nothing."""
    rules = [{"name": "staff", "kind": "limit", "column": "staff", "amount": 60, "where": {"id": ["P1", "P2"]}}]
    columns = {"staff": [2.0, 1.0, 1.0], "last_budget": [30.0, 10.0, 10.0], "max": [60.0, 60.0, 8.0]}
    limits = rows(scenario(columns, rules=rules, total=500), None)
    expected = curve_set("log", [100.0, 100.0, 100.0], [20.0, 20.0, 20.0])
    found = allocate(expected, limits)
    assert found.steps.tolist() == [10, 40, 8]
    worth = prices(expected, found.held, found.steps)
    assert worth.of_sum(0) == (0.0, 0.0)
    elsewhere = worth_elsewhere(worth, found.held)
    staff = worth.least[1]
    assert elsewhere == pytest.approx([2 * staff, staff, 0.0])
    marginal = 100.0 / (20.0 + found.steps[:2])
    assert elsewhere[:2] == pytest.approx(marginal, rel=0.05)
    factors = np.array([0.5, 0.8, 1.0, 1.3, 2.0])[:, None]
    value = expected.value * np.concatenate([factors, np.ones((5, 2))], axis=1)
    drawn = CurveSet(
        family=expected.family,
        value=floats(value),
        scale=floats(np.ones((5, 3)) * expected.scale),
        shape=floats(np.ones((5, 3)) * expected.shape),
        points=expected.points,
    )
    fitted = curves(expected, drawn)
    held = integers([limits.sums[1].source, -1, -1])
    assert wrong_cut(fitted, limits, found.steps, price=0.0, held=held)[0] == 1.0
    lost = 100.0 * np.log(50.0 / 30.0) * factors[:, 0]
    told = wrong_cut(fitted, limits, found.steps, price=elsewhere, held=held)
    assert told[0] == pytest.approx((lost > 20 * elsewhere[0]).mean())
    assert 0.0 < told[0] < 1.0


def test_the_total_is_what_money_is_worth_where_nothing_else_is_scarce() -> None:
    limits = rows(scenario({"last_budget": [30.0, 10.0]}, total=40, step=0.5), None)
    expected = curve_set("log", [100.0, 80.0], [20.0, 30.0])
    found = allocate(expected, limits)
    worth = prices(expected, found.held, found.steps)
    assert worth_elsewhere(worth, found.held) == pytest.approx([(worth.of_sum(0)[0] or 0.0) / 0.5] * 2)


def test_a_ceiling_of_one_line_offers_nothing_elsewhere() -> None:
    rules = [{"name": "own", "kind": "ceiling", "amount": 5, "where": {"id": "P1"}}]
    limits = rows(scenario({"last_budget": [30.0, 10.0]}, rules=rules, total=40), None)
    expected = curve_set("log", [900.0, 80.0], [20.0, 30.0])
    found = allocate(expected, limits)
    worth = prices(expected, found.held, found.steps)
    assert worth.least[1] > 0
    assert worth_elsewhere(worth, found.held) == pytest.approx([worth.of_sum(0)[0]] * 2)


def test_a_limit_that_keeps_money_in_is_found_among_many_rules_that_do_not() -> None:
    """Seven start-up rules come first in the file; the last one, a limit in another unit, is what keeps money in."""
    lines = 8
    rules = [
        {"name": f"start {n}", "kind": "minimum_viable", "amount": 2, "where": {"id": f"P{n + 1}"}} for n in range(7)
    ]
    rules.append({"name": "staff", "kind": "limit", "column": "staff", "amount": 100})
    made = scenario({"staff": [3.0] * lines, "max": [20.0] * lines}, rules=rules, total=120)
    limits = rows(made, None)
    curve = curve_set("log", [9.0] * lines, [5.0] * lines)
    steps = allocate(curve, limits).steps
    assert steps.sum() == 33, "one grain of the limit is left, less than a step of any line"
    told = unallocated_by(limits, steps, planner(curve, None))
    assert [(each.rule, each.keeps) for each in told] == [("staff", 87.0)]
