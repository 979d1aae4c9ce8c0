"""Re-optimising: the rest-of-year solver against scipy and against every whole plan, and the policy built on it."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from allocsim.model.arrays import booleans, floats, integers
from allocsim.model.curve import CurveSet
from allocsim.policies.reoptimise import Reoptimise
from allocsim.policies.rest_of_year import RestOfYear, Row, objective, plan_rest
from policy_worlds import brief, row, saturating, seen

FAMILIES = ("saturating", "log", "power", "hill")


def _problem(seed: int, lanes: int = 1, lines: int = 5, family: str = "saturating", **changes: Any) -> RestOfYear:
    rng = np.random.default_rng(seed)
    shape = rng.uniform(0.3, 0.8, lines) if family in ("power", "hill") else np.full(lines, np.nan)
    usual = rng.uniform(20, 80, (lanes, lines))
    plain = RestOfYear(
        curves=CurveSet(
            family=(family,) * lines,
            value=floats(rng.uniform(80, 200, lines)),
            scale=floats(rng.uniform(40, 120, lines)),
            shape=floats(shape),
            points=(None,) * lines,
        ),
        earned=rng.uniform(5, 60, (lanes, lines)),
        worth=rng.uniform(0.7, 1.0, (lanes, lines)),
        usual=usual,
        low=usual * rng.uniform(0.2, 0.9, (lanes, lines)),
        high=usual * rng.uniform(1.1, 2.0, (lanes, lines)),
        spare=rng.uniform(0, 30, lanes),
        worth_of_spare=0.3,
        dead_band=0.01,
        price=0.6,
    )
    return replace(plain, **changes)


def _by_scipy(problem: RestOfYear) -> float:
    """Return the most that can be gained in the first lane: gifts and takings apart, so that the problem is smooth."""
    lines = problem.usual.shape[1]
    usual = problem.usual[0]

    def loss(z: np.ndarray) -> float:
        take, give = z[:lines], z[lines : 2 * lines]
        reached = problem.earned[0] + problem.worth[0] * (usual + take - give)
        before = problem.earned[0] + problem.worth[0] * usual
        gain = (problem.curves.benefit(reached) - problem.curves.benefit(before)).sum()
        return -float(gain - problem.dead_band * z.sum() - problem.worth_of_spare * z[-1])

    rows = [{"type": "eq", "fun": lambda z: z[:lines].sum() - z[lines:].sum()}]
    for rule in problem.rows:
        change = lambda z, m=rule.members: (z[:lines] - z[lines : 2 * lines])[m].sum()  # noqa: E731
        if np.isfinite(rule.least[0]):
            rows.append({"type": "ineq", "fun": lambda z, c=change, b=rule.least[0]: c(z) - b})
        if np.isfinite(rule.most[0]):
            rows.append({"type": "ineq", "fun": lambda z, c=change, b=rule.most[0]: b - c(z)})
    bounds = [(0, h) for h in problem.high[0] - usual] + [(0, g) for g in usual - problem.low[0]]
    bounds.append((0, problem.spare[0]))
    start = np.zeros(2 * lines + 1)
    found = optimize.minimize(
        loss, start, bounds=bounds, constraints=rows, method="SLSQP", options={"maxiter": 500, "ftol": 1e-12}
    )
    assert found.success, found.message
    return -float(found.fun)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("seed", range(4))
def test_solver_matches_scipy(family: str, seed: int) -> None:
    problem = _problem(seed, family=family)
    change = plan_rest(problem) - problem.usual
    assert change.sum() <= problem.spare[0] + 1e-6
    assert objective(problem, change)[0] == pytest.approx(_by_scipy(problem), abs=2e-5)


@pytest.mark.parametrize("seed", range(6))
def test_solver_matches_scipy_under_nested_and_disjoint_rows(seed: int) -> None:
    nine = np.arange(6)
    rows = (
        Row(members=booleans(nine < 4), least=floats([-4.0]), most=floats([6.0])),
        Row(members=booleans(nine < 2), least=floats([-1.0]), most=floats([np.inf])),
        Row(members=booleans(nine >= 4), least=floats([-np.inf]), most=floats([2.0])),
    )
    problem = _problem(seed + 50, lines=6, rows=rows)
    change = plan_rest(problem) - problem.usual
    for rule in rows:
        assert rule.least[0] - 1e-6 <= change[0, rule.members].sum() <= rule.most[0] + 1e-6
    assert objective(problem, change)[0] == pytest.approx(_by_scipy(problem), abs=2e-5)


def test_solver_against_every_whole_plan() -> None:
    problem = replace(
        _problem(7, lines=3),
        usual=np.array([[6.0, 5.0, 4.0]]),
        low=np.array([[1.0, 2.0, 0.0]]),
        high=np.array([[9.0, 9.0, 8.0]]),
        earned=np.array([[3.0, 2.0, 1.0]]),
        curves=saturating([30.0, 9.0, 14.0], [8.0, 9.0, 5.0]),
        spare=np.array([3.0]),
        worth_of_spare=0.2,
    )
    ranges = [range(int(a), int(b) + 1) for a, b in zip(problem.low[0], problem.high[0], strict=True)]
    whole = np.array([y for y in itertools.product(*ranges) if 0 <= sum(y) - 15 <= 3], dtype=np.float64)
    many = replace(
        problem,
        **{k: np.repeat(getattr(problem, k), len(whole), axis=0) for k in ("earned", "worth", "usual", "low", "high")},
        spare=np.repeat(problem.spare, len(whole)),
    )
    best = objective(many, whole - problem.usual).max()
    solved = objective(problem, plan_rest(problem) - problem.usual)[0]
    assert best <= solved + 1e-9
    assert solved - best < 0.05 * solved


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(FAMILIES))
def test_lanes_are_solved_alone_and_nothing_feasible_is_better(seed: int, family: str) -> None:
    problem = _problem(seed, lanes=3, family=family)
    found = plan_rest(problem)
    assert (found >= problem.low - 1e-9).all()
    assert (found <= problem.high + 1e-9).all()
    change = found - problem.usual
    reached = objective(problem, change)
    assert (reached >= -1e-9).all()
    rng = np.random.default_rng(seed)
    for _ in range(20):
        giver, taker = rng.permutation(5)[:2]
        nudge = np.zeros_like(change)
        size = np.minimum((found - problem.low)[:, giver], (problem.high - found)[:, taker]) * 0.05
        nudge[:, giver], nudge[:, taker] = -size, size
        assert (objective(problem, change + nudge) <= reached + 1e-7).all()
    one = replace(
        problem, **{k: getattr(problem, k)[1:2] for k in ("earned", "worth", "usual", "low", "high", "spare")}
    )
    assert np.array_equal(plan_rest(one)[0], found[1])


def _optimal(value: list[float], scale: list[float], price: float) -> list[int]:
    curves = saturating(value, scale)
    return [int(x) for x in curves.spending_at(np.full(len(value), price))]


def _planned(**changes: Any) -> Any:
    value, scale = [3000.0, 2500.0, 4000.0, 1500.0], [1500.0, 2000.0, 1200.0, 900.0]
    planned = _optimal(value, scale, 0.8)
    return brief(planned, curves=saturating(value, scale), price=0.8, **changes)


def _act(policy: Reoptimise, told: Any, what: Any) -> Any:
    return policy.act(told, what, policy.begin(told, len(what.reserve)))


def test_nothing_is_planned_where_money_is_worth_nothing() -> None:
    told = replace(_planned(), price=0.0)
    assert _act(Reoptimise(), told, seen(told, pace=[[1.0, 0.1, 1.0, 1.0]])) is None


@pytest.mark.parametrize("trust", [0.0, 0.5, 1.0])
def test_nothing_known_nothing_moved(trust: float) -> None:
    told = _planned()
    for day in told.checkpoints:
        assert _act(Reoptimise(trust=trust), told, seen(told, day=day)) is None


def test_nothing_moves_where_a_rule_holds_a_line_off_the_citys_price() -> None:
    value, scale = [3000.0, 2500.0, 4000.0, 1500.0], [1500.0, 2000.0, 1200.0, 900.0]
    planned = [*_optimal(value[:2], scale[:2], 0.5), *_optimal(value[2:], scale[2:], 0.8)]
    floor = row(">=", [0, 1], sum(planned[:2]), 4)
    told = brief(planned, curves=saturating(value, scale), price=0.8, rows=(floor,))
    assert _act(Reoptimise(), told, seen(told)) is None
    free = replace(told, rows=())
    assert _act(Reoptimise(), free, seen(free)).give[0, :2].sum() > 0


def test_money_that_cannot_be_paid_goes_where_it_can() -> None:
    told = _planned()
    what = seen(told, day=181, pace=[[1.0, 0.1, 1.0, 1.0]])
    moves = _act(Reoptimise(), told, what)
    assert moves.give[0, 1] > 0
    assert moves.give[0, [0, 2, 3]].sum() == 0
    assert moves.give.sum() == moves.take.sum()
    assert _act(Reoptimise(trust=0.0), told, what) is None


def test_a_line_whose_money_works_less_well_gets_more_once_well_supplied() -> None:
    value, scale = [3000.0, 3000.0], [500.0, 500.0]
    planned = _optimal(value, scale, 0.8)
    told = brief(planned, curves=saturating(value, scale), price=0.8, weekly_limit=integers([90, 90]), harm=0.5)
    moves = _act(Reoptimise(), told, seen(told, day=90, pace=[[0.8, 1.0]]))
    assert planned[0] > 500
    assert moves.take[0, 0] > 0


def test_verified_slack_is_used_where_it_is_worth_more_than_kept() -> None:
    told = _planned(flow=booleans([True, True, True, False]), entitlement=booleans([False, False, False, True]))
    what = seen(told, slack=[[0, 0, 0, 60]])
    what = replace(what, committed=np.where(told.entitlement, told.planned - 60, what.committed))
    moves = _act(Reoptimise(), told, what)
    assert moves.give[0, :3].sum() == 0
    assert 58 <= moves.give[0, 3] <= 60  # takings are whole steps, so a step a taker may stay behind
    assert moves.take[0, :3].sum() == moves.give[0, 3]
    held = replace(told, rows=(row(">=", [3], int(told.planned[3]) - 20, 4),))
    assert _act(Reoptimise(), held, what).give[0, 3] <= 20
    kept = replace(told, unspent_worth=1.0)
    assert _act(Reoptimise(), kept, what) is None


def test_earned_follows_payments_at_the_pace_expected() -> None:
    told = _planned(usual_pace=floats(np.full((52, 4), 0.9)))
    policy = Reoptimise(trust=0.5)
    state = policy.begin(told, 1)
    first = seen(told, day=90, pace=[[1.0, 0.7, 1.0, 1.0]])
    policy.act(told, first, state)
    worked = 1 - 0.3 * (1 - (0.5 * first.pace + 0.5 * 0.9))
    assert state.earned == pytest.approx(first.paid * worked)
    second = seen(told, day=181)
    policy.act(told, second, state)
    assert state.earned == pytest.approx(first.paid * worked + (second.paid - first.paid) * (1 - 0.3 * 0.05))


def test_moves_keep_rows_bounds_and_commitments_in_many_lanes() -> None:
    rng = np.random.default_rng(11)
    lines, lanes = 12, 64
    value, scale = rng.uniform(1000, 4000, lines), rng.uniform(500, 2000, lines)
    planned = np.maximum(saturating(list(value), list(scale)).spending_at(np.full(lines, 0.7)), 100).astype(np.int64)
    rows = (
        row(">=", [0, 1, 2, 3], int(planned[:4].sum()), lines),
        row("<=", [4, 5, 6], int(planned[4:7].sum()) + 20, lines),
        row(">=", [3, 4, 7], int(planned[[3, 4, 7]].sum()) - 30, lines),
    )
    told = brief(
        planned.tolist(),
        curves=saturating(list(value), list(scale)),
        price=0.7,
        rows=rows,
        low=integers(planned * 0.9),
        high=integers(planned * 1.2),
    )
    one = seen(told, day=181)
    wide = {k: np.repeat(getattr(one, k), lanes, axis=0) for k in ("authorised", "committed", "paid", "slack")}
    what = seen(told, day=181, pace=rng.uniform(0.05, 1.2, (lanes, lines)), reserve=np.zeros(lanes), **wide)
    moves = _act(Reoptimise(), told, what)
    assert (moves.give.sum(axis=1) == moves.take.sum(axis=1)).all()
    assert (moves.give <= what.authorised - what.committed).all()
    after = what.authorised - moves.give + moves.take
    assert (after >= told.low).all()
    assert (after <= told.high).all()
    for rule in rows:
        total = after[:, rule.members].sum(axis=1)
        assert ((total >= rule.level) if rule.sense == ">=" else (total <= rule.level)).all()
    assert (moves.give.sum(axis=1) > 0).mean() > 0.5
