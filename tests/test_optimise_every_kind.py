"""Plans under random mixtures of every kind of rule, hard and soft, against all whole amounts there are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocsim.model.arrays import integers
from allocsim.model.curve import CurveSet
from allocsim.optimise.allocate import allocate
from allocsim.optimise.compile.rows import rows
from allocsim.optimise.concave.refine import NoneFits
from allocsim.optimise.effort import Effort
from allocsim.optimise.limits import Rows
from allocsim.optimise.proof.certify import objective, primal
from optimise_worlds import curve_set
from test_optimise_kinds import CASES, EVERY, kept_by_rows, usable, world

SOFT = ("limit", "floor", "change")


def _curves(rng: np.random.Generator) -> CurveSet:
    """Return three curves; now and then one of them is an S."""
    families = rng.choice(["saturating", "log", "power", "hill"], 3).tolist()
    shape = np.where(rng.random(3) < 0.3, rng.uniform(1.5, 3, 3), rng.uniform(0.3, 0.9, 3))
    shape = np.where(np.array(families) == "hill", shape, rng.uniform(0.3, 0.9, 3))
    return curve_set(families, rng.uniform(1, 10, 3), rng.uniform(0.5, 5, 3), shape)


def _limits(rng: np.random.Generator) -> Rows | None:
    free = [kind for kind in CASES if kind != "by_factors"]
    kinds = rng.choice(free, rng.integers(1, 5), replace=False).tolist()
    if rng.random() < 0.15:
        kinds = ["by_factors", *(kind for kind in kinds if kind in SOFT)]
    made = world(rng, kinds)
    for kind in kinds:
        if kind in SOFT and rng.random() < 0.4:
            penalty = round(float(rng.uniform(0.1, 3)) / made.step.size, 3) + 0.001
            made = made.replace(**{f"rule.{kind}.hard": False, f"rule.{kind}.penalty": penalty})
    return usable(made)


def _best(curves: CurveSet, limits: Rows) -> float | None:
    kept = [objective(curves, limits.sums, integers(x)) for x in EVERY if kept_by_rows(limits, x)]
    return max(kept, default=None)


@settings(max_examples=120, deadline=None)
@given(st.integers(0, 10**6))
def test_a_plan_is_the_best_of_all_whole_amounts(seed: int) -> None:
    rng = np.random.default_rng(seed)
    limits, curves = _limits(rng), _curves(rng)
    if limits is None or (limits.pots and (curves.bend > 0).any()):
        return
    best = _best(curves, limits)
    try:
        found = allocate(curves, limits)
    except NoneFits:
        assert best is None
        return
    assert best is not None
    primal(limits, found.steps)
    value = objective(curves, limits.sums, found.steps)
    assert found.certificate.objective == pytest.approx(value, rel=1e-12, abs=1e-12)
    assert found.certificate.bound >= best - 1e-9 * abs(best)
    proven = found.certificate.bound - found.certificate.rounding_loss
    assert proven >= best - 1e-9 * abs(best), "what is proven of whole amounts holds for the best of them"
    if found.certificate.closed:
        assert value >= best - 2e-6 * max(abs(best), found.certificate.bound)
    else:
        assert value >= best - 0.05 * abs(best) - 1e-9


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_methods_agree(seed: int) -> None:
    """Linear programs, whole-number programs and whatever comes first agree where all of them may be used."""
    rng = np.random.default_rng(seed)
    made = world(rng, ["floor", "change"])
    limits = rows(made, None)
    curves = curve_set(
        rng.choice(["saturating", "log", "power"], 3).tolist(), rng.uniform(1, 10, 3), rng.uniform(1, 5, 3)
    )
    values = []
    for method in ("auto", "lp", "milp"):
        try:
            values.append(allocate(curves, limits, Effort(method=method)).certificate.objective)
        except NoneFits:
            values.append(float("-inf"))
    assert values == pytest.approx([values[0]] * 3, rel=1e-9)
