from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, minimize

from allocsim.model.arrays import floats, integers
from allocsim.optimise.allocate import allocate
from allocsim.optimise.choice.menu import plain
from allocsim.optimise.compile.rows import rows
from allocsim.optimise.proof.certify import Broken, bounds, certify, primal, sound
from optimise_worlds import brute_force, curve_set, portfolio, scenario
from test_optimise_allocate import FAMILIES, tiny


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_any_multipliers_prove_a_bound(seed: int, other: int) -> None:
    curves, limits = tiny(seed)
    best_benefit, plans = brute_force(curves, limits)
    if not plans:
        return
    wild = np.random.default_rng(other).normal(0, 3, len(limits.sums))
    shown = certify(curves, limits, steps=plans[0], multipliers=floats(wild))
    assert shown.bound >= best_benefit
    assert shown.bound - shown.rounding_loss >= best_benefit * (1 - 1e-12)
    assert shown.rounding_loss >= 0
    assert shown.gap >= -1e-12


def test_weak_multipliers_give_a_weak_bound_and_no_certificate() -> None:
    last, curves = portfolio(np.random.default_rng(3), 30, FAMILIES)
    limits = rows(scenario({"last_budget": last}, total=float(last.sum())), None)
    found = allocate(curves, limits)
    assert found.certificate.closed
    for wrong in (0.0, 0.5, 2.0, np.nan, -1.0):
        weak = certify(curves, limits, steps=found.steps, multipliers=floats(found.multipliers * wrong))
        assert weak.bound > found.certificate.bound
        assert not weak.closed


def test_a_worse_plan_is_not_certified() -> None:
    last, curves = portfolio(np.random.default_rng(4), 30, FAMILIES)
    limits = rows(scenario({"last_budget": last}, total=float(last.sum())), None)
    found = allocate(curves, limits)
    moved = found.steps.copy()
    least, most = int(moved.argmin()), int(moved.argmax())
    taken = moved[most] // 2
    moved[least], moved[most] = moved[least] + taken, moved[most] - taken
    worse = certify(curves, limits, steps=moved, multipliers=found.multipliers)
    assert worse.bound == found.certificate.bound
    assert worse.gap > 1e-6
    assert not worse.closed


def test_the_bound_meets_the_smooth_optimum() -> None:
    """At the best multipliers D equals the optimum with money not whole, found here by a general-purpose optimiser."""
    curves = curve_set(["saturating", "log", "hill"], [9.0, 4.0, 7.0], [400.0, 300.0, 500.0], [0.5, 0.5, 0.8])
    limits = rows(scenario({"min": [1.0, 1.0, 1.0], "max": [900.0, 900.0, 900.0]}, total=1000), None)
    found = allocate(curves, limits)
    smooth = minimize(
        lambda x: -curves.benefit(x).sum(),
        x0=np.full(3, 300.0),
        jac=lambda x: -curves.slope(x),
        bounds=Bounds(np.ones(3), np.full(3, 900.0)),
        constraints=LinearConstraint(np.ones(3), -np.inf, 1000.0),
        method="SLSQP",
        options={"ftol": 1e-15},
    )
    assert found.certificate.bound == pytest.approx(-smooth.fun, rel=1e-6)
    assert found.certificate.bound >= -smooth.fun * (1 - 1e-12)
    assert found.certificate.rounding_loss < 1e-6 * found.certificate.benefit


def test_a_corner_is_bounded_exactly() -> None:
    corners = ((0.0, 0.0), (5.5, 11.0), (20.0, 12.0))
    curves = curve_set("piecewise", [12.0], [1.0], points=[corners])
    limits = rows(scenario({"min": [0.0]}, total=30), None)
    smooth, coarse, error = bounds(
        curves, plain(limits.lo, integers([30])), limits.sums, floats([0.5]), counting=floats([])
    )
    assert smooth == pytest.approx(30 * 0.5 + 11.0 - 2.75, rel=1e-15)
    assert coarse == pytest.approx(30 * 0.5 + 11.0 + 0.5 / 14.5 - 3.0, rel=1e-12)
    assert 0 < error < 1e-12


def test_negative_and_zero_multipliers_take_all_a_line_may_have() -> None:
    curves = curve_set("log", [2.0, 3.0], [4.0, 5.0])
    floor = [{"name": "floor", "kind": "floor", "amount": 3, "where": {"id": "P1"}}]
    limits = rows(scenario({"max": [6.0, 7.0]}, rules=floor, total=99), None)
    smooth, coarse, _ = bounds(
        curves, plain(limits.lo, limits.hi), limits.sums, floats([0.0, -1.0]), counting=floats([])
    )
    everything = float(curves.benefit(np.array([6.0, 7.0])).sum())
    assert smooth == pytest.approx(everything + 6 - 3, rel=1e-14)
    assert coarse == pytest.approx(smooth, rel=1e-14)


def test_signs_that_prove_nothing_count_as_zero() -> None:
    rules = [
        {"name": "floor", "kind": "floor", "amount": 3},
        {"name": "fix", "kind": "fix", "amount": 3},
        {"name": "ceiling", "kind": "ceiling", "amount": 3},
    ]
    limits = rows(scenario({"max": [6.0, 7.0]}, rules=rules, total=99), None)
    assert sound(floats([-1, 1, -1, -1]), limits.sums).tolist() == [0, 0, -1, 0]
    assert sound(floats([1, -1, 1, np.inf]), limits.sums).tolist() == [1, -1, 1, 0]


@pytest.mark.parametrize(
    ("steps", "word"),
    [
        ([4, 4, 4], "budget.total"),
        ([1, 4, 0], "low"),
        ([2, 6, 0], "projects.max"),
        ([2, 0, 0], "some"),
        ([3, -1, 2], "below zero"),
    ],
)
def test_broken_limits_are_named(steps: list[int], word: str) -> None:
    rules = [
        {"name": "low", "kind": "floor", "scope": "each", "amount": 2, "where": {"id": "P1"}},
        {"name": "some", "kind": "floor", "amount": 2, "where": {"id": ["P2", "P3"]}},
    ]
    limits = rows(scenario({"max": [9.0, 5.0, 9.0]}, rules=rules, total=12, reserve=1), None)
    primal(limits, integers([2, 5, 2]))
    with pytest.raises(Broken, match=word):
        primal(limits, integers(steps))
    with pytest.raises(Broken, match="whole"):
        primal(limits, np.array([2.0, 5.0, 2.0]))  # type: ignore[arg-type]


def test_a_compiled_bound_that_lies_does_not_hide_a_broken_rule() -> None:
    """The check goes back to each limit as stated: bounds edited by hand change nothing."""
    limits = rows(scenario({"max": [4.0, 5.0]}, total=12), None)
    with pytest.raises(Broken, match=r"projects\.max"):
        certify(curve_set("log", [1.0, 1.0], [1.0, 1.0]), limits, steps=integers([5, 5]), multipliers=floats([0.1]))
