from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from allocsim.errors import UsageError
from allocsim.model.arrays import FloatArray, IntArray, booleans, floats, integers
from allocsim.model.curve import Curves, CurveSet
from allocsim.model.settings import ObjectiveSettings
from allocsim.optimise.allocate import Allocation, allocate
from allocsim.optimise.compile.rows import rows
from allocsim.optimise.concave.refine import NoneFits
from allocsim.optimise.effort import ANY, Effort
from allocsim.optimise.grid import in_steps
from allocsim.optimise.limits import Rows
from allocsim.optimise.proof.certify import certify
from allocsim.optimise.risk.adversary import Tail, worst_weights
from allocsim.optimise.risk.risk import Weighed, cvar, low_curves, risk, weigh
from allocsim.optimise.risk.sharpen import sharpen
from optimise_worlds import curve_set, curves, scenario

FAMILIES = ("saturating", "log", "power", "hill")


def drawn(
    rng: np.random.Generator, lines: int, draws: int, *, spread: float = 0.4, family: str = "saturating"
) -> Curves:
    """Return expected curves and draws around them, the first line's value with a share common to all."""
    value, scale = rng.uniform(20, 60, lines), rng.uniform(10, 80, lines)
    shape = np.full(lines, 0.5)
    noise = rng.standard_normal((3, draws, lines))
    return curves(
        curve_set(family, value, scale, shape),
        CurveSet(
            family=(family,) * lines,
            value=floats(value * np.exp(0.5 * spread * noise[0])),
            scale=floats(scale * np.exp(spread * noise[1])),
            shape=floats(np.clip(shape + 0.1 * noise[2], 0.2, 0.9)),
            points=(None,) * lines,
        ),
        reference=floats(np.full(lines, 30.0)),
    )


def limits(lines: int, total: float, *, last: list[float] | None = None, step: float = 1, **columns: Any) -> Rows:
    given_last = {"last_budget": last if last is not None else [total / lines] * lines}
    rules = columns.pop("rules", ())
    return rows(scenario({**given_last, **columns}, rules=rules, total=total, step=step), None)


def planned(
    made: Curves, held: Rows, objective: ObjectiveSettings, effort: Effort = ANY
) -> tuple[Weighed, Allocation, float]:
    """Return the blend, its plan, and the certified gap of the plan as one that weighs risk."""
    weighed = weigh(made, held, objective)
    found = allocate(in_steps(weighed.columns, held.step), held, effort)
    proven = found.certificate.bound - found.certificate.rounding_loss - weighed.offset
    return weighed, found, (proven - weighed.value(found.steps)) / abs(found.certificate.bound)


def by_hand(made: Curves, held: Rows, steps: IntArray, objective: ObjectiveSettings) -> float:
    """Return what is maximised, from its definition: sorted draws, or every set of lines that may fall."""
    money = floats(steps * held.step.size)
    if objective.uncertainty_budget:
        lost = made.expected.benefit(money) - low_curves(made, held).benefit(money)
        whole, part = divmod(objective.uncertainty_budget, 1.0)
        dearest = [*sorted((max(0.0, each) for each in lost.tolist()), reverse=True), 0.0]
        counted = dearest[: int(whole)] + [part * each for each in dearest[int(whole) : int(whole) + 1]]
        return math.fsum(made.expected.benefit(money)) - math.fsum(counted)
    brought = made.draws.benefit(money).sum(axis=1)
    if objective.measure == "improvement":
        last = np.nan_to_num(held.last)
        before = floats(last / last.sum() * held.available * held.step.size)
        brought = brought - made.draws.benefit(before).sum(axis=1)
    worst = np.sort(brought)
    tail = (1 - objective.cvar_level) * len(worst)
    whole_draws = int(tail + 1e-9)
    part_draw = (tail - whole_draws) * worst[min(whole_draws, len(worst) - 1)] if tail > whole_draws else 0.0
    of_tail = (worst[:whole_draws].sum() + part_draw) / tail if tail >= 1 else worst[0]
    return float((1 - objective.risk_aversion) * brought.mean() + objective.risk_aversion * of_tail)


OBJECTIVES = [
    ObjectiveSettings(risk_aversion=1.0),
    ObjectiveSettings(risk_aversion=0.5, cvar_level=0.75),
    ObjectiveSettings(risk_aversion=0.3, measure="improvement"),
    ObjectiveSettings(risk_aversion=1.0, measure="improvement", cvar_level=0.6),
    ObjectiveSettings(uncertainty_budget=1.0),
    ObjectiveSettings(uncertainty_budget=1.5),
]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(OBJECTIVES), st.sampled_from(FAMILIES))
def test_no_whole_amounts_beat_the_bound_and_the_last_steps_are_the_best(
    seed: int, objective: ObjectiveSettings, family: str
) -> None:
    rng = np.random.default_rng(seed)
    made = drawn(rng, 3, 25, family=family)
    held = limits(3, 60.0, last=rng.integers(5, 40, 3).astype(float).tolist(), max=[40.0, 50.0, 45.0])
    weighed, found, gap = planned(made, held, objective)
    grid = [integers(x) for x in itertools.product(range(61), range(61), range(61)) if sum(x) == 60]
    values = [weighed.value(x) for x in grid if (x <= held.hi).all()]
    best = max(values)
    mine = weighed.value(found.steps)
    assert mine == pytest.approx(by_hand(made, held, found.steps, objective), rel=1e-11, abs=1e-9)
    assert found.certificate.bound - weighed.offset >= best
    assert found.certificate.bound - found.certificate.rounding_loss - weighed.offset >= best - 1e-12 * abs(best)
    assert gap >= -1e-14
    sharp = sharpen(weighed, held, steps=found.steps, multipliers=found.multipliers)
    assert sharp.value == weighed.value(sharp.steps) >= mine
    assert sharp.most >= best >= sharp.value
    assert sharp.most - sharp.value <= 5e-7 * abs(found.certificate.bound)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_fine_money_closes_the_gap(objective: ObjectiveSettings) -> None:
    made = drawn(np.random.default_rng(4), 8, 60)
    rules = [
        {"name": "three", "kind": "ceiling", "amount": 90, "where": {"id": ["P1", "P2", "P3"]}},
        {"name": "floor", "kind": "floor", "amount": 60, "where": {"id": ["P3", "P4"]}},
    ]
    held = limits(8, 240.0, last=[10.0, 50, 20, 30, 40, 30, 20, 40], step=0.001, rules=rules)
    weighed, found, gap = planned(made, held, objective)
    assert gap <= 2e-6
    sharp = sharpen(weighed, held, steps=found.steps, multipliers=found.multipliers)
    assert sharp.most - sharp.value <= 5e-7 * abs(found.certificate.bound)
    assert weighed.value(found.steps) >= by_hand(made, held, integers(np.rint(weighed.spending)), objective) * (
        1 - 1e-6
    )
    assert risk(made, held, found.steps, objective).objective == weighed.value(found.steps)


@pytest.mark.parametrize("g", [0.4, 1.0])
def test_the_plan_is_that_of_another_solver(g: float) -> None:
    lines, draws, level, total = 4, 16, 0.75, 120.0
    made = drawn(np.random.default_rng(8), lines, draws)
    tail = (1 - level) * draws

    def minus(z: FloatArray) -> float:
        benefit = made.draws.benefit(floats(z[:lines])).sum(axis=1)
        return -float((1 - g) * benefit.mean() + g * (z[lines] - z[lines + 1 :].sum() / tail))

    def short(z: FloatArray) -> FloatArray:
        return floats(z[lines + 1 :] - z[lines] + made.draws.benefit(floats(z[:lines])).sum(axis=1))

    start = np.concatenate([np.full(lines, total / lines), [50.0], np.full(draws, 60.0)])
    peer = minimize(
        minus,
        start,
        method="SLSQP",
        bounds=[(0, None)] * lines + [(None, None)] + [(0, None)] * draws,
        constraints=[
            {"type": "ineq", "fun": short},
            {"type": "ineq", "fun": lambda z: total - z[:lines].sum()},
        ],
        options={"maxiter": 500, "ftol": 1e-12},
    )
    held = limits(lines, total, step=0.001)
    weighed, found, _ = planned(made, held, ObjectiveSettings(risk_aversion=g, cvar_level=level))
    assert peer.success
    assert weighed.value(found.steps) == pytest.approx(-peer.fun, rel=1e-6)
    assert floats(found.steps * 0.001) == pytest.approx(peer.x[:lines], abs=0.05)


def test_without_aversion_the_plan_is_that_of_the_mean_curves() -> None:
    made = drawn(np.random.default_rng(2), 5, 30)
    held = limits(5, 200.0, step=0.01)
    weighed, found, _ = planned(made, held, ObjectiveSettings(risk_aversion=1e-12))
    tail = Tail(draws=made.draws, given=booleans(np.zeros(5)), less=floats(np.zeros(30)), aversion=0.0, level=0.9)
    mean, _ = tail.blend(floats(np.full(30, 1 / 30)))
    plain = allocate(in_steps(mean, held.step), held)
    assert np.abs(found.steps - plain.steps).max() <= 1
    assert weighed.value(found.steps) == pytest.approx(plain.certificate.benefit, rel=1e-9)


def test_with_one_draw_the_plan_is_that_of_the_draw() -> None:
    made = drawn(np.random.default_rng(3), 5, 1)
    held = limits(5, 200.0)
    weighed, found, _ = planned(made, held, ObjectiveSettings(risk_aversion=1.0))
    alone = CurveSet(
        family=made.draws.family,
        value=floats(made.draws.value[0]),
        scale=floats(made.draws.scale[0]),
        shape=floats(made.draws.shape[0]),
        points=made.draws.points,
    )
    assert np.array_equal(found.steps, allocate(in_steps(alone, held.step), held).steps)
    assert weighed.offset == 0.0


def test_cvar_is_the_mean_of_the_worst() -> None:
    brought = floats([5.0, 1.0, 3.0, 2.0, 4.0, 9.0, 8.0, 7.0, 6.0, 10.0])
    assert cvar(brought, 0.8) == pytest.approx(1.5)
    assert cvar(brought, 0.75) == pytest.approx((1 + 2 + 0.5 * 3) / 2.5)
    assert cvar(brought, 0.95) == 1.0
    assert worst_weights(brought, 0.8).sum() == pytest.approx(1.0, abs=1e-15)


def test_one_line_gets_all_and_its_cvar_has_a_closed_form() -> None:
    draws = 20
    value = floats(np.arange(1.0, draws + 1)[:, None])
    made = curves(
        curve_set("saturating", [10.5], [50.0]),
        CurveSet(
            family=("saturating",),
            value=value,
            scale=floats(np.full((draws, 1), 50.0)),
            shape=floats(np.full((draws, 1), np.nan)),
            points=(None,),
        ),
    )
    held = limits(1, 100.0)
    weighed, found, gap = planned(made, held, ObjectiveSettings(risk_aversion=1.0))
    assert found.steps.tolist() == [100]
    assert weighed.value(found.steps) == pytest.approx(1.5 * (1 - math.exp(-2.0)), rel=1e-12)
    assert abs(gap) <= 1e-13


def test_aversion_raises_cvar_and_lowers_the_mean() -> None:
    made = drawn(np.random.default_rng(6), 10, 200, spread=0.8)
    held = limits(10, 300.0, step=0.01)
    told = []
    for g in (0.0, 0.25, 0.5, 1.0):
        objective = ObjectiveSettings(risk_aversion=max(g, 1e-9))
        _, found, _ = planned(made, held, objective)
        told.append(risk(made, held, found.steps, objective))
    tails, means = [each.cvar_benefit for each in told], [each.mean for each in told]
    assert tails == sorted(tails)
    assert means == sorted(means, reverse=True)
    assert tails[-1] > tails[0] * 1.001


def test_no_uncertainty_budget_is_the_expected_plan() -> None:
    made = drawn(np.random.default_rng(7), 6, 40)
    held = limits(6, 200.0, step=0.01)
    assert ObjectiveSettings(uncertainty_budget=0.0).is_neutral
    expected = allocate(in_steps(made.expected, held.step), held)
    weighed, found, _ = planned(made, held, ObjectiveSettings(uncertainty_budget=1e-12))
    assert np.abs(found.steps - expected.steps).max() <= 1
    assert weighed.value(found.steps) == pytest.approx(expected.certificate.benefit, rel=1e-9)


def test_a_budget_of_all_lines_is_the_plan_of_the_worse_curves() -> None:
    made = drawn(np.random.default_rng(9), 6, 40)
    held = limits(6, 200.0, step=0.01)
    low = low_curves(made, held)
    amounts = floats(np.linspace(1.0, 200.0, 50)[:, None])
    assert (low.benefit(amounts) <= made.expected.benefit(amounts)).all(), "else the adversary would not choose them"
    found = planned(made, held, ObjectiveSettings(uncertainty_budget=6.0))[1]
    assert np.array_equal(found.steps, allocate(in_steps(low, held.step), held).steps)
    more = planned(made, held, ObjectiveSettings(uncertainty_budget=60.0))[1]
    assert np.array_equal(found.steps, more.steps)


def test_the_low_curve_is_at_the_5_per_cent_point_of_the_draws() -> None:
    made = drawn(np.random.default_rng(10), 3, 40)
    low = low_curves(made, limits(3, 100.0))
    benefit = np.sort(made.draws.benefit(floats(np.full(3, 30.0))), axis=0)
    assert low.benefit(floats(np.full(3, 30.0))) == pytest.approx(benefit[1], rel=1e-15)


def test_a_low_curve_above_the_expected_one_costs_nothing() -> None:
    made = curves(
        curve_set("saturating", [10.0, 10.0], [20.0, 20.0]),
        CurveSet(
            family=("saturating",) * 2,
            value=floats([[15.0, 6.0]] * 3),
            scale=floats([[20.0, 20.0]] * 3),
            shape=floats(np.full((3, 2), np.nan)),
            points=(None, None),
        ),
    )
    held = limits(2, 50.0)
    weighed = weigh(made, held, ObjectiveSettings(uncertainty_budget=2.0))
    at = integers([20, 30])
    expected = made.expected.benefit(floats([20.0, 30.0]))
    low = low_curves(made, held).benefit(floats([20.0, 30.0]))
    assert weighed.value(at) == pytest.approx(float(expected[0] + low[1]), rel=1e-14)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(OBJECTIVES))
def test_any_weights_and_multipliers_prove_a_bound(seed: int, objective: ObjectiveSettings) -> None:
    rng = np.random.default_rng(seed)
    made, held = drawn(rng, 4, 20), limits(4, 100.0, last=[10.0, 20.0, 30.0, 40.0])
    weighed = weigh(made, held, objective)
    adversary = weighed.adversary
    anywhere = floats(rng.dirichlet(np.ones(4)) * 100)
    wrong = adversary.answer(anywhere).choice
    blend, offset = adversary.blend(floats(0.3 * wrong + 0.7 * adversary.answer(floats(np.full(4, 25.0))).choice))
    some = integers(np.floor(rng.dirichlet(np.ones(4)) * 100))
    proof = certify(in_steps(blend, held.step), held, steps=some, multipliers=floats(rng.uniform(0, 1, 1)))
    assert proof.bound - offset >= weighed.value(some)
    own = in_steps(weighed.columns, held.step)
    assert float(own.benefit(some.astype(float)).sum()) - weighed.offset >= weighed.value(some) - 1e-9
    best = allocate(own, held)
    assert proof.bound - offset >= weighed.value(best.steps)


@pytest.mark.parametrize("measure", ["benefit", "improvement"])
def test_the_less_the_records_say_the_less_the_plan_moves(measure: str) -> None:
    moved = []
    last = [10.0, 70, 30, 50, 20, 60, 40, 20]
    for spread in (0.05, 0.2, 0.4, 0.8):
        made = drawn(np.random.default_rng(12), 8, 300, spread=spread)
        held = limits(8, 300.0, last=last, step=0.01)
        objective = ObjectiveSettings.model_validate({"risk_aversion": 1.0, "measure": measure})
        steps = planned(made, held, objective)[1].steps
        moved.append(float(np.abs(steps * 0.01 - np.array(last)).sum()) / 2)
    if measure == "improvement":
        assert moved == sorted(moved, reverse=True)
        assert moved[-1] < 0.6 * moved[0]
    else:
        assert moved != sorted(moved, reverse=True), "spread alone holds nothing back: last year's split is not safe"


def test_order_of_lines_and_rules_decides_nothing() -> None:
    made = drawn(np.random.default_rng(13), 6, 50)
    last = [10.0, 50, 20, 30, 40, 30]
    rules = [
        {"name": "a", "kind": "ceiling", "amount": 70, "where": {"id": ["P1", "P2", "P3"]}},
        {"name": "b", "kind": "floor", "amount": 60, "where": {"id": ["P3", "P4"]}},
    ]
    objective = ObjectiveSettings(risk_aversion=0.7, measure="improvement")
    held = limits(6, 180.0, last=last, rules=rules)
    there = planned(made, held, objective)[1].steps
    turn = np.array([3, 5, 0, 1, 4, 2])
    turned = curves(
        made.expected.subset(integers(turn)), made.draws.subset(integers(turn)), id=[f"P{i + 1}" for i in turn]
    )
    columns = {"id": [f"P{i + 1}" for i in turn], "last_budget": [last[i] for i in turn]}
    other = rows(scenario(columns, rules=rules[::-1], total=180.0), None)
    assert np.array_equal(planned(turned, other, objective)[1].steps, there[turn])


def test_money_counted_otherwise_gives_the_same_plan() -> None:
    objective = ObjectiveSettings(risk_aversion=0.7)
    found = []
    for money in (1e-6, 1.0, 1e9):
        made = drawn(np.random.default_rng(14), 5, 50)
        scaled = curves(made.expected.scaled(1 / money), made.draws.scaled(1 / money))
        held = limits(5, 150.0 * money, last=[30.0 * money] * 5, step=0.01 * money)
        found.append(planned(scaled, held, objective)[1].steps)
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[1], found[2])


@pytest.mark.parametrize("objective", [OBJECTIVES[2], OBJECTIVES[5]])
def test_cents_of_a_trillion(objective: ObjectiveSettings) -> None:
    made = drawn(np.random.default_rng(22), 6, 50)
    huge = curves(made.expected.scaled(1e-10), made.draws.scaled(1e-10), reference=floats(np.full(6, 3e11)))
    rules = [{"name": "two", "kind": "ceiling", "amount": 3e11, "where": {"id": ["P1", "P2"]}}]
    held = limits(6, 1e12, last=[1e11, 2e11, 3e11, 2e11, 1e11, 1e11], step=0.01, rules=rules)
    _, found, gap = planned(huge, held, objective)
    assert held.available == 10**14
    assert int(found.steps.sum()) == held.available
    assert abs(gap) <= 1e-7


def test_given_curves_are_certain() -> None:
    rng = np.random.default_rng(15)
    value, scale = rng.uniform(20, 60, 3), rng.uniform(10, 80, 3)
    draws = 40
    values = np.repeat(value[None], draws, axis=0)
    values[:, 0] *= np.exp(0.5 * rng.standard_normal(draws))
    corners = ((0.0, 0.0), (40.0, 30.0), (90.0, 50.0))
    made = curves(
        curve_set(["saturating", "saturating", "piecewise"], value, scale, points=[None, None, corners]),
        CurveSet(
            family=("saturating", "saturating", "piecewise"),
            value=floats(values),
            scale=floats(np.repeat(scale[None], draws, axis=0)),
            shape=floats(np.full((draws, 3), np.nan)),
            points=(None, None, corners),
        ),
        given=booleans([False, True, True]),
    )
    held = limits(3, 120.0, step=0.1)
    weighed, found, gap = planned(made, held, ObjectiveSettings(risk_aversion=0.5))
    assert np.bincount(weighed.columns.of).tolist() == [draws, 1, 1]
    assert weighed.columns.points[2] == corners
    assert gap <= 1e-6
    assert found.certificate.closed


def test_what_is_told_of_a_plan() -> None:
    made = drawn(np.random.default_rng(16), 4, 40)
    held = limits(4, 100.0, last=[40.0, 10, 20, 30])
    steps = integers([25, 25, 25, 25])
    told = risk(made, held, steps, ObjectiveSettings(cvar_level=0.8))
    brought = made.draws.benefit(floats(np.full(4, 25.0))).sum(axis=1)
    before = made.draws.benefit(floats([40.0, 10, 20, 30])).sum(axis=1)
    assert told.mean == pytest.approx(brought.mean())
    assert told.cvar_benefit == pytest.approx(np.sort(brought)[:8].mean())
    assert told.cvar_improvement == pytest.approx(np.sort(brought - before)[:8].mean())
    assert told.probability == (brought > before).mean()
    assert told.objective == pytest.approx(made.expected.benefit(floats(np.full(4, 25.0))).sum())
    assert (told.level, told.draws, told.measure) == (0.8, 40, "benefit")
    nothing = risk(made, limits(4, 100.0, last=[0.0] * 4), steps, ObjectiveSettings())
    assert nothing.cvar_improvement is None
    assert nothing.probability is None


def test_lines_of_a_pot_are_weighed_together() -> None:
    made = drawn(np.random.default_rng(17), 4, 40)
    rules = [{"name": "pot", "kind": "by_factors", "where": {"id": ["P1", "P2"]}, "factors": {"people": 1.0}}]
    held = limits(4, 100.0, step=0.01, rules=rules, people=[30.0, 10.0, 1.0, 1.0])
    assert held.pots
    objective = ObjectiveSettings(risk_aversion=1.0)
    weighed, found, gap = planned(made, held, objective)
    assert gap <= 1e-6
    assert found.steps[0] == pytest.approx(3 * found.steps[1], abs=3)
    assert weighed.spending[0] == pytest.approx(3 * weighed.spending[1])


def test_s_curves_are_refused() -> None:
    bent = curve_set("hill", [10.0, 10.0], [20.0, 20.0], [0.8, 2.0])
    with pytest.raises(UsageError, match="P2") as refused:
        weigh(curves(bent), limits(2, 50.0), ObjectiveSettings(risk_aversion=0.5))
    assert "P2" in refused.value.message.zh


def test_improvement_needs_a_last_year() -> None:
    made = drawn(np.random.default_rng(18), 2, 5)
    with pytest.raises(UsageError, match="last_budget"):
        weigh(made, limits(2, 50.0, last=[0.0, 0.0]), ObjectiveSettings(risk_aversion=0.5, measure="improvement"))


def test_limits_that_cannot_hold_are_told() -> None:
    made = drawn(np.random.default_rng(19), 3, 5)
    rules = [
        {"name": "a", "kind": "floor", "amount": 40, "where": {"id": ["P1", "P2"]}},
        {"name": "b", "kind": "floor", "amount": 40, "where": {"id": ["P2", "P3"]}},
        {"name": "c", "kind": "ceiling", "amount": 5, "where": {"id": ["P2"]}},
    ]
    with pytest.raises(NoneFits):
        weigh(made, limits(3, 50.0, rules=rules), ObjectiveSettings(risk_aversion=0.5))


def test_soft_limits_are_weighed_against_their_penalty() -> None:
    made = drawn(np.random.default_rng(20), 4, 40)
    rules = [{"name": "wish", "kind": "floor", "amount": 60, "where": {"id": ["P1"]}, "hard": False, "penalty": 0.05}]
    held = limits(4, 100.0, step=0.0001, rules=rules)
    objective = ObjectiveSettings(risk_aversion=1.0)
    weighed, found, _ = planned(made, held, objective, Effort(method="lp"))
    lost = 0.05 * max(0.0, 60.0 - found.steps[0] * 0.0001)
    proven = found.certificate.bound - found.certificate.rounding_loss - weighed.offset
    assert 0 <= proven - (weighed.value(found.steps) - lost) <= 1e-6 * found.certificate.bound


def test_after_the_deadline_the_blend_at_hand_still_proves_a_bound() -> None:
    made = drawn(np.random.default_rng(21), 8, 60)
    held = limits(8, 240.0, step=0.01)
    objective = ObjectiveSettings(risk_aversion=1.0)
    hurried, full = weigh(made, held, objective, deadline=-math.inf), weigh(made, held, objective)
    assert hurried.rounds == 1 < full.rounds
    quick = allocate(in_steps(hurried.columns, held.step), held)
    best = allocate(in_steps(full.columns, held.step), held)
    assert quick.certificate.bound - hurried.offset >= full.value(best.steps) >= full.value(quick.steps)
