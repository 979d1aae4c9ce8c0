from __future__ import annotations

import numpy as np
import pytest

from allocsim.model.arrays import booleans, floats, integers
from allocsim.model.curve import Curves, CurveSet
from allocsim.model.plan import Plan, RulesConflict
from allocsim.model.scenario import Scenario
from allocsim.optimise.allocate import allocate
from allocsim.optimise.held import held_by, reach
from allocsim.optimise.last_year import better_than_last_year, scaled_last, wrong_cut
from allocsim.optimise.plan import plan
from allocsim.optimise.rows import rows
from optimise_worlds import curve_set, curves, evidence, portfolio, scenario, table


def drawn(base: CurveSet, factors: list[list[float]]) -> CurveSet:
    """Return draws whose values are the curve's own times a factor a line."""
    value = np.array(factors) * base.value
    return CurveSet(
        family=base.family,
        value=floats(value),
        scale=floats(np.broadcast_to(base.scale, value.shape)),
        shape=floats(np.broadcast_to(base.shape, value.shape)),
        points=base.points,
    )


def city() -> tuple[Scenario, Curves]:
    columns = {
        "name": ["school", "works", "park", "road", "new", "old policy", "relief"],
        "department": ["A", "A", "B", "B", "C", "C", "C"],
        "class": ["must", "contract", "general", "general", "new", "general", "一次性"],
        "last_budget": [100.0, 80.0, 60.0, 60.0, np.nan, 20.0, 10.0],
        "requested": [110.0, 90.0, 70.0, 70.0, 30.0, 25.0, 15.0],
        "committed": [0.0, 50.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        "carryover": [0.0, 0.0, 5.0, 0.0, 0.0, 0.0, 0.0],
        "standard": [2.0, np.nan, np.nan, np.nan, np.nan, np.nan, np.nan],
        "quantity": [55.0, np.nan, np.nan, np.nan, np.nan, np.nan, np.nan],
        "expires": [np.nan, np.nan, np.nan, np.nan, np.nan, 2026.0, np.nan],
        "sector": ["s"] * 7,
    }
    each = {"kind": "ceiling", "scope": "each"}
    must = {"kind": "floor", "scope": "each", "where": {"class": "must"}, "basis": "law"}
    rules = [
        {"name": "pupils first", "amount": 110, **must},
        {"name": "by grade", "kind": "grade", "cut": {"medium": 0.9, "poor": 0.5}, "basis": "decree"},
        {"name": "slow", **each, "of": "last_budget", "where": {"executed": {"below": 0.5}}},
        {"name": "expired", **each, "amount": 0, "where": {"expires": {"below": 2027}}},
        {"name": "first money", **each, "amount": 12, "where": {"class": "new"}},
        {"name": "caps", "kind": "ceiling", "amount": 185, "where": {"department": "A"}},
    ]
    world = scenario(columns, rules=rules, total=350, reserve=10)
    records = {
        "project": ["P1", "P3", "P4", "P2"],
        "year": [2026.0] * 4,
        "budget": [100.0, 60.0, 60.0, 80.0],
        "spent": [80.0, 24.0, 48.0, 60.0],
        "through": [8.0] * 4,
    }
    world = Scenario(**{**_fields(world), "records": table("records", records)})
    scale = [150.0, 90.0, 60.0, 50.0, 20.0, 20.0, 8.0]
    base = curve_set("saturating", [400.0, 300.0, 200.0, 30.0, 80.0, 90.0, 30.0], scale)
    fitted = curves(
        base,
        drawn(base, [[1.0] * 7, [1.1, 0.9, 1.2, 0.8, 1.0, 1.0, 1.0], [0.9, 1.1, 0.8, 1.9, 1.0, 1.0, 1.0]]),
        own_evidence=floats([0.9, 0.8, 0.7, 0.1, 0.5, 0.5, 0.5]),
        flags=((), (), (), ("borrowed",), (), (), ()),
        spent_least=floats([90.0, 70.0, 50.0, 55.0, np.nan, 10.0, 5.0]),
        spent_most=floats([110.0, 80.0, 60.0, 60.0, np.nan, 20.0, 12.0]),
        alternative=curve_set("saturating", base.value, base.scale * 2),
    )
    return world, fitted


def _fields(world: Scenario) -> dict[str, object]:
    return {name: getattr(world, name) for name in Scenario.__dataclass_fields__}


@pytest.fixture(scope="module")
def made() -> Plan:
    world, fitted = city()
    return plan(world, evidence([92.0, 85.0, 86.0, 84.0, np.nan, 75.0, 82.0]), fitted)


def test_money_in_is_money_out(made: Plan) -> None:
    assert made.status == "optimal"
    assert made.total == 350
    assert made.total == made.reserve + made.unallocated + made.amount.sum()
    assert made.gap <= 1e-12
    assert made.bound >= made.benefit.sum()
    assert made.rigid == 160, "110 for the school and 50 by contract"
    assert (made.low <= made.amount).all()
    assert (made.amount <= made.high).all()


def test_every_line_is_held_by_what_holds_it(made: Plan) -> None:
    assert made.held_by == ("pupils first", "caps", "slow", "", "first money", "expired", "")
    free = [3, 6]
    assert made.marginal[free] == pytest.approx(made.price, rel=0.05)
    assert (made.marginal[[2, 4, 5]] > made.price).all()


def test_reasons_are_facts_rule_and_estimate(made: Plan) -> None:
    verbs = [reason.verb for reason in made.reasons]
    assert verbs == ["increase", "reduce", "keep", "evaluate_first", "increase", "drop", "one_off"]
    rules = [None if reason.rule is None else reason.rule.code for reason in made.reasons]
    assert rules == ["rule.must", "rule.ceiling", "rule.exec", None, "rule.new", "rule.expired", None]
    assert made.reasons[0].basis == "law"
    first = {fact.code: dict(fact.values) for fact in made.reasons[0].facts}
    assert first["fact.score"] == {"year": 2025, "score": 92, "grade": "excellent", "self": 97, "gap": 5}
    assert first["fact.exec"] == {"rate": 0.8, "month": 8, "peer": 0.75}
    assert first["fact.need"] == {"standard": 2, "quantity": 55, "amount": 110}
    park = {fact.code: dict(fact.values) for fact in made.reasons[2].facts}
    assert park["fact.carry"] == {"carry": 5}
    assert dict(made.reasons[2].rule.values)["t"] == 0.5
    assert [fact.code for fact in made.reasons[4].facts] == ["fact.unscored", "fact.new"]
    told = {fact.code: dict(fact.values) for fact in made.reasons[3].estimates}
    assert told["est.weak"] == {"e": 0.1}
    assert told["est.regret"]["q"] == made.wrong_cut_probability[3]
    assert told["est.margin"]["price"] == made.price


def test_a_ceiling_tells_what_more_room_is_worth(made: Plan) -> None:
    eased = dict(made.reasons[1].rule.values)["price"]
    report = next(rule for rule in made.rules if rule.name == "caps")
    assert eased == report.price_up
    assert report.price_up == pytest.approx(made.marginal[1] - made.price, rel=0.02)


def test_flags_of_the_planned_amount_are_added(made: Plan) -> None:
    assert made.flags[6] == ("extrapolated",)
    assert made.flags[3] == ("borrowed",)
    assert made.flags[0] == ()


def test_saturated_is_an_elasticity_at_the_plan() -> None:
    world = scenario({"min": [0.0, 0.0]}, total=200)
    made = plan(world, evidence([80.0, 80.0]), curves(curve_set("saturating", [9.0, 9.0], [4.0, 200.0])))
    u = made.amount[0] / 4
    assert u / np.expm1(u) < 0.05
    assert ["saturated" in flags for flags in made.flags] == [True, False]


def test_a_grade_cut_is_told_with_its_grade() -> None:
    rules = [{"name": "by grade", "kind": "grade", "cut": {"poor": 0.5}, "basis": "decree"}]
    world = scenario({"last_budget": [100.0, 100.0]}, rules=rules, total=150)
    made = plan(world, evidence([50.0, 85.0]), curves(curve_set("log", [9.0, 5.0], [4.0, 9.0])))
    assert made.held_by[0] == "by grade"
    assert made.reasons[0].rule.code == "rule.grade"
    assert dict(made.reasons[0].rule.values) == {"name": "by grade", "grade": "poor", "cut": 0.5}
    assert (made.reasons[0].verb, made.reasons[0].basis) == ("reduce", "decree")


def test_fixed_floored_and_own_limits_have_clauses_of_their_own() -> None:
    rules = [
        {"name": "by standard", "kind": "fix", "scope": "each", "amount": 40, "where": {"id": "P1"}},
        {"name": "keeps", "kind": "floor", "scope": "each", "of": "last_budget", "where": {"id": "P2"}},
        {"name": "band", "kind": "change", "change": [-0.2, 0.2], "where": {"id": "P3"}},
    ]
    columns = {
        "last_budget": [50.0, 30.0, 100.0, 9.0, 0.0, 50.0],
        "max": [np.nan, np.nan, np.nan, 4.0, np.nan, np.nan],
        "committed": [0.0, 0.0, 0.0, 0.0, 7.0, 0.0],
    }
    fitted = curves(curve_set("saturating", [90.0, 1.0, 1.0, 90.0, 1.0, 90.0], [40.0, 40.0, 90.0, 40.0, 40.0, 40.0]))
    made = plan(scenario(columns, rules=rules, total=220), evidence([85.0] * 6), fitted)
    codes = [reason.rule.code if reason.rule else None for reason in made.reasons]
    assert codes == ["rule.fix", "rule.floor", "rule.floor", "rule.bounds", "rule.must", None]
    assert made.held_by == ("by standard", "keeps", "band", "projects.max", "projects.committed", "")
    assert dict(made.reasons[2].rule.values)["price"] > 0


def test_rules_that_cannot_hold_end_the_plan() -> None:
    world = scenario({"min": [30.0, 50.0]}, total=70)
    with pytest.raises(RulesConflict) as caught:
        plan(world, evidence([80.0, 80.0]), curves(curve_set("log", [1.0, 1.0], [1.0, 1.0])))
    assert {rule.name for rule in caught.value.conflict.rules} == {"budget.total", "projects.min P1", "projects.min P2"}


def test_the_gain_over_last_year_by_hand() -> None:
    """Two lines, three draws: each draw's gain is that of its own curves at the same two splits."""
    base = curve_set("linear", [2.0, 1.0], [1.0, 1.0])
    draws = drawn(base, [[1.0, 1.0], [0.4, 1.0], [1.0, 3.0]])
    other = curve_set("linear", [1.0, 3.0], [1.0, 1.0])
    fitted = curves(base, draws, own_evidence=floats([0.8, 0.2]), alternative=other)
    band = [{"name": "band", "kind": "change", "change": [-0.5, 0.5]}]
    limits = rows(scenario({"last_budget": [30.0, 30.0]}, rules=band, total=40), None)
    steps = allocate(base, limits).steps
    assert steps.tolist() == [25, 15]
    before = scaled_last(limits, 40)
    assert before is not None
    assert before.tolist() == [20, 20]
    told = better_than_last_year(fitted, limits, steps)
    assert told is not None
    assert (told.benefit, told.last_benefit) == (5.0, 60.0)
    assert told.probability == pytest.approx(1 / 3), "gains of 5, -1 and -5"
    assert (told.low, told.high) == tuple(np.quantile([5.0, -1.0, -5.0], [0.05, 0.95]))
    assert told.own_evidence == pytest.approx((10 * 0.8 + 5 * 0.2) / 15)
    assert told.same_way == 0.0


def test_nothing_last_year_is_nothing_to_compare_with() -> None:
    base = curve_set("log", [2.0, 1.0], [1.0, 1.0])
    limits = rows(scenario({"last_budget": [np.nan, 0.0]}, total=40), None)
    assert better_than_last_year(curves(base), limits, allocate(base, limits).steps) is None


def test_a_plan_equal_to_last_year_moves_nothing() -> None:
    base = curve_set("linear", [1.0, 1.0], [1.0, 1.0])
    limits = rows(scenario({"last_budget": [20.0, 20.0]}, total=40), None)
    told = better_than_last_year(curves(base, alternative=base), limits, allocate(base, limits).steps)
    assert told is not None
    assert (told.benefit, told.probability, told.own_evidence, told.same_way) == (0.0, 0.0, 0.0, 1.0)


def test_a_wrong_cut_is_one_that_would_have_brought_more_where_it_was() -> None:
    base = curve_set("linear", [1.0, 1.0, 1.0], [1.0, 1.0, 1.0])
    draws = drawn(base, [[1.0, 2.0, 1.0], [3.0, 2.0, 1.0], [2.5, 2.0, 9.0], [2.0, 2.0, 2.0]])
    limits = rows(scenario({"last_budget": [20.0, 20.0, 20.0]}, total=60), None)
    found = wrong_cut(curves(base, draws), limits, integers([15, 26, 19]))
    assert found[0] == 0.5
    assert np.isnan(found[1])
    assert found[2] == 0.25
    lean = wrong_cut(curves(base, draws), limits, integers([15, 20, 15]))
    assert lean[0] == 0.25, "with nothing raised the cuts are compared with each other"
    assert lean[2] == 0.25
    assert np.isnan(wrong_cut(curves(base, draws), limits, integers([20, 20, 20]))).all()


def test_reach_is_what_bounds_and_nested_sums_allow() -> None:
    rules = [
        {"name": "cap", "kind": "ceiling", "amount": 20, "where": {"id": ["P1", "P2"]}},
        {"name": "least", "kind": "floor", "amount": 30, "where": {"id": ["P3", "P4"]}},
    ]
    limits = rows(scenario({"min": [5.0, 0.0, 0.0, 0.0], "max": [50.0, 50.0, 50.0, 12.0]}, rules=rules, total=55), None)
    low, high = reach(limits)
    assert high.tolist() == [20, 15, 50, 12]
    assert low.tolist() == [5, 0, 18, 0]


def test_a_line_worth_no_money_is_held_by_nothing() -> None:
    base = curve_set("log", [9.0, 1.0], [1.0, 900.0])
    limits = rows(scenario({"max": [30.0, 30.0]}, total=20), None)
    found = allocate(base, limits)
    assert found.steps.tolist() == [20, 0]
    assert held_by(base, limits, found) == (-1, -1)


def test_benefit_units_and_money_units_scale_the_whole_plan() -> None:
    rng = np.random.default_rng(8)
    last, base = portfolio(rng, 20)
    rules = [{"name": "change", "kind": "change", "change": [-0.2, 0.25]}]
    plain = plan(
        scenario({"last_budget": last}, rules=rules, total=float(last.sum())), evidence([80.0] * 20), curves(base)
    )
    large = plan(
        scenario({"last_budget": last * 1e6}, rules=rules, step=1e6, total=float(last.sum()) * 1e6),
        evidence([80.0] * 20),
        curves(curve_set("saturating", base.value * 1e-6, base.scale * 1e6)),
    )
    assert large.steps.tolist() == plain.steps.tolist()
    assert large.price == pytest.approx(plain.price * 1e-12, rel=1e-9)
    assert large.held_by == plain.held_by
    for ours, theirs in zip(plain.rules, large.rules, strict=True):
        assert theirs.level == pytest.approx(ours.level * 1e6)
        assert (theirs.price_up is None) == (ours.price_up is None)
    assert large.better_than_last_year is not None
    assert plain.better_than_last_year is not None
    assert large.better_than_last_year.probability == plain.better_than_last_year.probability


def test_given_curves_are_never_too_weak_to_cut() -> None:
    base, seen = curve_set("log", [3.0, 9.0], [9.0, 9.0]), evidence([80.0, 80.0])
    world, weak = scenario({"last_budget": [20.0, 20.0]}, total=40), floats([0.0, 0.0])
    fitted = plan(world, seen, curves(base, own_evidence=weak))
    given = plan(world, seen, curves(base, own_evidence=weak, given=booleans([True, True])))
    assert (fitted.reasons[0].verb, given.reasons[0].verb) == ("evaluate_first", "reduce")
