from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from allocsim.model.arrays import booleans, floats, integers
from allocsim.model.curve import Curves, CurveSet
from allocsim.model.plan import Plan, RulesConflict
from allocsim.model.scenario import Scenario
from allocsim.optimise.allocate import allocate
from allocsim.optimise.compile.rows import rows
from allocsim.optimise.explain.held import held_by, reach
from allocsim.optimise.explain.last_year import better_than_last_year, scaled_last, wrong_cut
from allocsim.optimise.plan import plan
from allocsim.optimise.program.solve import Solution, Solver
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


def test_cuts_of_choice_and_cuts_of_a_rule_are_told_apart(made: Plan) -> None:
    codes = [[fact.code for fact in reason.estimates] for reason in made.reasons]
    assert codes[1] == ["est.margin", "est.forced"], "the department's cap presses the works"
    assert codes[3] == ["est.margin", "est.regret", "est.weak"]
    assert codes[5] == [], "no record speaks of zero spending"
    assert np.isnan(made.wrong_cut_probability[5])
    assert dict(made.reasons[1].estimates[1].values) == {"q": made.wrong_cut_probability[1]}


def test_a_fixed_entitlement_that_falls_is_no_wrong_cut() -> None:
    rules = [{"name": "due", "kind": "fix", "scope": "each", "amount": 30, "where": {"id": "P1"}}]
    world = scenario({"last_budget": [50.0, 30.0]}, rules=rules, total=80)
    made = plan(world, evidence([80.0, 80.0]), curves(curve_set("log", [9.0, 9.0], [9.0, 9.0])))
    assert np.isnan(made.wrong_cut_probability).all()
    assert [fact.code for fact in made.reasons[0].estimates] == ["est.margin"]
    assert made.reasons[0].verb == "reduce"


def test_a_share_that_presses_is_a_ceiling_and_one_that_props_a_floor() -> None:
    rules = [
        {"name": "most", "kind": "share", "share": [0.0, 0.2], "where": {"id": "P1"}},
        {"name": "least", "kind": "share", "share": [0.3, 1.0], "where": {"id": "P2"}},
    ]
    fitted = curves(curve_set("log", [90.0, 1.0, 9.0], [9.0, 9.0, 9.0]))
    made = plan(scenario({"last_budget": [50.0, 40.0, 10.0]}, rules=rules, total=100), evidence([80.0] * 3), fitted)
    assert made.held_by[:2] == ("most", "least")
    assert [reason.rule.code for reason in made.reasons[:2] if reason.rule] == ["rule.ceiling", "rule.floor"]
    assert [reason.estimates[1].code for reason in made.reasons[:2]] == ["est.forced", "est.regret"]
    assert (made.wrong_cut_probability[:2] == [1.0, 0.0]).all()


def test_a_new_line_at_its_own_most_names_the_document_for_new_lines() -> None:
    rules = [
        {"name": "all", "kind": "ceiling", "amount": 99, "basis": "letter"},
        {"name": "new lines", "kind": "share", "share": [0.0, 0.5], "where": {"class": "new"}, "basis": "appraisal"},
    ]
    columns = {"last_budget": [40.0, np.nan, 30.0], "max": [np.nan, 12.0, 20.0], "class": ["old", "new", "old"]}
    fitted = curves(curve_set("log", [9.0, 90.0, 90.0], [9.0, 9.0, 9.0]))
    made = plan(scenario(columns, rules=rules, total=60), evidence([80.0, np.nan, 80.0]), fitted)
    assert made.held_by[1:] == ("projects.max", "projects.max")
    assert made.reasons[1].rule is not None
    assert made.reasons[1].rule.code == "rule.new"
    assert dict(made.reasons[1].rule.values) == {"name": "new lines", "amount": 12.0}
    assert made.reasons[1].basis == "appraisal"
    assert made.reasons[2].rule is not None
    assert (made.reasons[2].rule.code, made.reasons[2].basis, made.reasons[2].verb) == ("rule.bounds", "", "reduce")
    unruled = plan(scenario(columns, total=60), evidence([80.0, np.nan, 80.0]), fitted)
    assert unruled.reasons[1].rule is not None
    assert (unruled.reasons[1].rule.code, unruled.reasons[1].basis) == ("rule.new", "")


def test_standard_and_quantity_are_told_where_a_rule_asks_for_their_product() -> None:
    rule = {"name": "keeps", "kind": "floor", "scope": "each", "of": "due", "where": {"class": "must"}}
    columns = {
        "last_budget": [20.0] * 3,
        "class": ["must", "must", "other"],
        "due": [30.0, 30.0, 30.0],
        "standard": [0.1, 1000.0, 0.1],
        "quantity": [300.0, 300.0, 300.0],
    }
    fitted = curves(curve_set("log", [9.0] * 3, [9.0] * 3))
    made = plan(scenario(columns, rules=[rule], total=90), evidence([80.0] * 3), fitted)
    told = [[dict(fact.values) for fact in reason.facts if fact.code == "fact.need"] for reason in made.reasons]
    assert told == [[{"standard": 0.1, "quantity": 300.0, "amount": 30.0}], [], []]


def test_the_gap_to_the_self_score_is_that_of_the_scores_shown() -> None:
    seen = evidence([82.38, 85.0, 90.0])
    seen = replace(seen, reading=floats([[92.31], [85.04], [89.0]]))
    fitted = curves(curve_set("log", [9.0] * 3, [9.0] * 3))
    made = plan(scenario({"last_budget": [20.0] * 3}, total=60), seen, fitted)
    first, second, third = (dict(reason.facts[0].values) for reason in made.reasons)
    assert (first["self"], first["gap"]) == (92.31, 10.0), "82.3 and 92.3 are shown, and 9.93 lies between"
    assert "gap" not in second, "85.0 and 85.0"
    assert "gap" not in third


def test_the_reserve_rests_on_the_law_of_its_currency() -> None:
    basis = {}
    for currency in ("CNY", "USD"):
        world = scenario({"last_budget": [20.0]}, total=30, reserve=2, currency=currency)
        made = plan(world, evidence([80.0]), curves(curve_set("log", [9.0], [9.0])))
        basis[currency] = next(rule.basis for rule in made.rules if rule.name == "budget.reserve")
    assert basis == {"CNY": "预算法第四十条", "USD": ""}


def test_a_rule_line_by_line_says_how_many_lines_it_covers(made: Plan) -> None:
    covered = {(rule.name, rule.row): rule.covered for rule in made.rules}
    assert covered["slow", ""] == 1
    assert covered["projects.committed", ""] == 1
    assert covered["budget.total", ""] == covered["caps", ""] == 1
    rules = [{"name": "band", "kind": "change", "change": [-0.1, 0.1]}]
    world = scenario({"last_budget": [20.0, 30.0, np.nan]}, rules=rules, total=60)
    told = plan(world, evidence([80.0] * 3), curves(curve_set("log", [9.0] * 3, [9.0] * 3))).rules
    assert {(rule.sense, rule.covered) for rule in told if rule.name == "band" and not rule.row} == {
        ("floor", 2),
        ("ceiling", 2),
    }
    assert {rule.covered for rule in told if rule.row} == {1}


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


@pytest.mark.parametrize("step", [1.0, 0.5])
def test_a_wrong_cut_loses_more_than_the_money_is_worth_in_that_draw(step: float) -> None:
    """Slopes by hand. P2 and P3 are free: the price of 2 follows the mean of their slopes, 2, 2, 4 and 2 in the draws.

    P1's cut of 5 is worth 10, 10, 20 and 10 and loses 5, 15, 15 and 12.5; P3's cut of 2 is worth 4, 4, 8 and 4 and
    loses 4, 2, 8 and 6. P4 is fixed and P5 dropped.
    """
    rules = [
        {"name": "cap", "kind": "ceiling", "scope": "each", "amount": 15, "where": {"id": "P1"}},
        {"name": "due", "kind": "fix", "scope": "each", "amount": 10, "where": {"id": "P4"}},
    ]
    base = curve_set("linear", [1.0, 2.0, 2.0, 1.0, 1.0], [1.0] * 5)
    factors = [[1, 1, 1, 1, 1], [3, 1.5, 0.5, 9, 9], [3, 2, 2, 9, 9], [2.5, 0.5, 1.5, 9, 9]]
    fitted = curves(base, drawn(base, factors))
    limits = rows(scenario({"last_budget": [20.0] * 5}, rules=rules, step=step, total=100), None)
    steps = integers(np.array([15.0, 26.0, 18.0, 10.0, 0.0]) / step)
    found = wrong_cut(fitted, limits, steps, price=2.0, held=(0, -1, -1, 1, -1))
    np.testing.assert_array_equal(found, [0.5, np.nan, 0.25, np.nan, np.nan])
    plain = wrong_cut(fitted, limits, steps, price=2.0, held=(0, 0, 0, 1, 0))
    np.testing.assert_array_equal(plain, [0.75, np.nan, 0.5, np.nan, np.nan])
    unmoved = wrong_cut(fitted, limits, integers(np.full(5, 20.0) / step), price=2.0, held=(-1,) * 5)
    assert np.isnan(unmoved).all()


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


def test_a_solver_that_stops_leaves_a_valid_plan_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """The refinement ends after its first round: the plan keeps all limits, tells its gap and is not called optimal."""
    columns = {"last_budget": [900.0, 700.0, 800.0], "class": ["a", "a", "b"]}
    rules = [{"name": "least", "kind": "floor", "amount": 1900, "where": {"class": "a"}}]
    world = scenario(columns, rules=rules, total=2400)
    fitted = curves(curve_set(["log", "hill", "saturating"], [90.0, 900.0, 500.0], [90.0, 300.0, 700.0]))
    through = plan(world, evidence([80.0] * 3), fitted)
    assert (through.status, through.rounds > 2) == ("optimal", True)
    runs = iter(range(1, 100))

    class Stopping(Solver):
        def run(self) -> Solution:
            solution = super().run()
            return replace(solution, status="limit") if next(runs) > 1 else solution

    monkeypatch.setattr("allocsim.optimise.concave.refine.Solver", Stopping)
    stopped = plan(world, evidence([80.0] * 3), fitted)
    assert stopped.status == "limit"
    assert stopped.gap > 1e-6
    assert stopped.total == 2400
    assert stopped.amount[:2].sum() >= 1900
    assert stopped.benefit.sum() < through.benefit.sum()
    assert stopped.bound >= through.benefit.sum()
    assert stopped.bound_by == "dual"
