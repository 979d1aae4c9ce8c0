"""A change of unit changes nothing but the unit: money and benefit by powers of ten, cents of a very large total."""

from __future__ import annotations

import numpy as np
import pytest

from allocsim.model.arrays import FloatArray, floats
from allocsim.model.curve import CurveSet
from allocsim.optimise.allocate import allocate
from allocsim.optimise.compile.rows import rows
from allocsim.optimise.concave.convex import Allocation
from allocsim.optimise.grid import in_steps
from allocsim.optimise.limits import Rows
from allocsim.optimise.proof.certify import primal
from optimise_worlds import scenario

LINES = 60
FAMILIES = ("saturating", "log", "power", "hill")


def _times(values: FloatArray | float, power: int) -> FloatArray:
    """Return values x 10^power; dividing by a whole power of ten keeps short decimals short."""
    return floats(np.asarray(values) * 10.0**power if power >= 0 else np.asarray(values) / 10.0**-power)


def _city(seed: int, *, money: int = 0, benefit: int = 0, step: float = 1.0) -> tuple[CurveSet, Rows]:
    """Return a city of nine departments and thirteen districts that cross them, its units in powers of ten."""
    rng = np.random.default_rng(seed)
    last = np.round(rng.lognormal(4, 1, LINES)) * 10
    value, scale = last * rng.uniform(0.5, 1.5, LINES), np.round(last * rng.uniform(0.3, 2, LINES), 2)
    shape = rng.uniform(0.3, 0.9, LINES)
    rules = [
        {"name": "change", "kind": "change", "change": [-0.3, 0.4]},
        {"name": "departments", "kind": "ceiling", "by": "department", "of": "last_budget", "times": 1.1},
        {"name": "districts", "kind": "floor", "by": "district", "of": "last_budget", "times": 0.9},
    ]
    columns = {
        "department": [f"D{i % 9}" for i in range(LINES)],
        "district": [f"R{(i * 7) % 13}" for i in range(LINES)],
        "last_budget": _times(last, money).tolist(),
    }
    total = float(_times(round(last.sum() * 1.02), money))
    limits = rows(scenario(columns, rules=rules, step=float(_times(step, money)), total=total), None)
    curves = CurveSet(
        family=tuple(FAMILIES[i % 4] for i in range(LINES)),
        value=_times(floats(value), benefit),
        scale=_times(floats(scale), money),
        shape=floats(shape),
        points=(None,) * LINES,
    )
    return in_steps(curves, limits.step), limits


def _plan(seed: int, *, money: int = 0, benefit: int = 0, step: float = 1.0) -> tuple[Allocation, Rows]:
    curves, limits = _city(seed, money=money, benefit=benefit, step=step)
    return allocate(curves, limits), limits


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("power", [-6, -3, 3, 6, 9])
def test_money_in_another_unit_gives_the_same_plan(seed: int, power: int) -> None:
    plain, _ = _plan(seed)
    other, _ = _plan(seed, money=power)
    assert np.array_equal(other.steps, plain.steps)
    assert other.certificate.benefit == pytest.approx(plain.certificate.benefit, rel=1e-12)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("power", [-6, -3, 3, 6])
def test_benefit_in_another_unit_gives_the_same_plan(seed: int, power: int) -> None:
    plain, _ = _plan(seed)
    other, _ = _plan(seed, benefit=power)
    assert np.array_equal(other.steps, plain.steps)
    assert other.certificate.closed


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_cents_of_a_total_of_a_million_million(seed: int) -> None:
    """Rules and the total hold to the last of 1e14 steps, and the gap is proven."""
    found, limits = _plan(seed, money=7, step=1e-9)
    assert limits.step.size == pytest.approx(0.01)
    assert limits.total > 4e13
    primal(limits, found.steps)
    assert found.certificate.closed
    assert int(found.steps.sum()) + limits.reserve <= limits.total
