"""Plans with choices and with risk: what is proven, and how long it takes, each row printed."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter

import numpy as np
import pytest

from allocsim.model.arrays import floats, integers
from allocsim.model.curve import CurveSet
from allocsim.optimise.allocate import allocate
from allocsim.optimise.plan import plan
from bench.plan_worlds import stated
from optimise_worlds import curve_set
from test_optimise_choose import all_or_nothing, best_knapsack, limits, s_shaped

pytestmark = pytest.mark.bench
DRAWS = 1000


@pytest.mark.parametrize("seed", range(5))
def test_fifty_s_curves_are_within_a_ten_thousandth_of_their_bound(seed: int) -> None:
    curves = s_shaped(50, seed)
    rows = limits(50, 120_000)
    begun = perf_counter()
    found = allocate(curves, rows).certificate
    print(f"\nS-curves, N = 50, seed {seed}: gap {found.gap:.1e} in {perf_counter() - begun:.2f} s")
    assert found.gap <= 1e-4


@pytest.mark.parametrize("seed", range(5))
def test_a_hundred_projects_all_or_nothing_are_proven(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cost, value = rng.integers(100, 2000, 100), rng.integers(1, 2000, 100)
    total = int(0.4 * cost.sum())
    curves = curve_set("linear", value.astype(float), cost.astype(float))
    begun = perf_counter()
    found = allocate(curves, limits(100, total, parts=[all_or_nothing(integers(cost))]))
    print(f"\nknapsack, N = 100, seed {seed}: gap {found.certificate.gap:.1e} in {perf_counter() - begun:.2f} s")
    assert found.certificate.objective == pytest.approx(best_knapsack(integers(value), integers(cost), total))
    assert found.certificate.closed


@pytest.mark.parametrize(
    "wanted",
    [
        {"risk_aversion": 0.5},
        {"risk_aversion": 1.0},
        {"risk_aversion": 0.5, "measure": "improvement"},
        {"risk_aversion": 1.0, "measure": "improvement"},
        {"uncertainty_budget": 20.0},
    ],
    ids=str,
)
def test_risk_takes_at_most_thirty_plans(wanted: dict[str, object]) -> None:
    """200 lines under departments, districts and changes; 1,000 draws of their curves."""
    world, seen, fitted = stated(200, 10)
    rng = np.random.default_rng(3)
    expected = fitted.expected
    drawn = CurveSet(
        family=expected.family,
        value=floats(expected.value * rng.lognormal(0.0, 0.3, (DRAWS, 200))),
        scale=floats(expected.scale * rng.lognormal(0.0, 0.3, (DRAWS, 200))),
        shape=floats(np.tile(expected.shape, (DRAWS, 1))),
        points=expected.points,
    )
    fitted = replace(fitted, draws=drawn)
    averse = world.replace(**{f"objective.{key}": value for key, value in wanted.items()})
    begun = perf_counter()
    for _ in range(3):
        plan(world, seen, fitted)
    neutral = (perf_counter() - begun) / 3
    begun = perf_counter()
    found = plan(averse, seen, fitted)
    taken = perf_counter() - begun
    print(f"\n{wanted}: {taken / neutral:.1f} plans of {neutral:.2f} s, gap {found.gap:.1e}")
    assert found.gap <= 1e-6
    assert taken <= 30 * neutral
