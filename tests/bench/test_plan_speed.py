"""What plans cost: every figure a ratio of two times, or a size, measured within one run."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from json import loads
from pathlib import Path
from time import process_time

import highspy
import numpy as np
import pytest
from scipy.optimize import OptimizeResult, minimize

from allocsim.model.arrays import FloatArray, floats, integers
from allocsim.model.curve import CurveSet
from allocsim.optimise.allocate import allocate
from allocsim.optimise.compile.rows import rows as compiled
from allocsim.optimise.concave.convex import Allocation
from allocsim.optimise.concave.dual import Cap, split
from allocsim.optimise.concave.refine import around, refine
from allocsim.optimise.concave.whole import whole
from allocsim.optimise.effort import Effort
from allocsim.optimise.grid import in_steps
from allocsim.optimise.limits import Rows
from allocsim.optimise.plan import plan
from allocsim.optimise.program.problem import state
from allocsim.optimise.program.solve import OPTIONS, Arrays, arrays
from allocsim.optimise.sweep import Sweep, at_total
from bench.plan_worlds import FAMILIES, city, single, stated

pytestmark = pytest.mark.bench
LP = Effort(method="lp")
GIB = 2**30


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Times:
    """Processor times of two ways, taken turn by turn (n,) [s]."""

    ours: FloatArray
    other: FloatArray

    @property
    def ratio(self) -> float:
        """How often the other's time goes into ours: the middle one of the turns."""
        return float(np.median(self.ours / self.other))

    def __str__(self) -> str:
        return f"{1e3 * np.median(self.ours):.1f} ms against {1e3 * np.median(self.other):.1f} ms"


def times(ours: Callable[[], object], other: Callable[[], object], *, turns: int = 5, repeated: int = 1) -> Times:
    """Return the times of two ways; ours is done several times a turn where it is too short for the clock."""
    found = []
    for _ in range(turns):
        begun = process_time()
        for _ in range(repeated):
            ours()
        between = process_time()
        other()
        found.append(((between - begun) / repeated, process_time() - between))
    return Times(ours=floats([a for a, _ in found]), other=floats([b for _, b in found]))


def alone(work: str) -> str:
    """Run lines of Python in a process of their own, on one thread, and return what they print."""
    path = [str(Path(__file__).resolve().parents[1]), *sys.path]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\nsys.path[:0] = {path!r}\n{work}"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
    )
    return done.stdout.strip()


def last_program(curves: CurveSet, rows: Rows, found: Allocation) -> Arrays:
    """Return the linear program that the refinement ends with: single steps around the plan."""
    pieces = around(curves, found.steps, rows.lo, rows.hi, integers(np.ones(len(rows.id))))
    unit = float(np.abs(found.multipliers).max())
    return arrays(state(replace(pieces, slope=floats(pieces.slope / unit)), rows.sums, unit=unit))


def bare(given: Arrays) -> highspy.Highs:
    """Hand a program to HiGHS with the options of plans, and nothing more."""
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = len(given.cost), len(given.row_lower)
    model.col_cost_, model.col_lower_, model.col_upper_ = given.cost, given.lower, given.upper
    model.row_lower_, model.row_upper_ = given.row_lower, given.row_upper
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_, model.a_matrix_.index_ = given.first.astype(np.int32), given.index.astype(np.int32)
    model.a_matrix_.value_ = given.entry
    solver = highspy.Highs()
    for name, value in OPTIONS.items():
        solver.setOptionValue(name, value)
    solver.passModel(model)
    solver.run()
    return solver


@pytest.mark.parametrize("departments", [10, 100])
@pytest.mark.parametrize("lines", [1_000, 10_000])
def test_a_certified_plan_takes_at_most_six_bare_runs(lines: int, departments: int) -> None:
    """Stating, solving, refining, settling and certifying, against HiGHS on the arrays of the last program alone."""
    curves, rows = city(lines, departments)
    found = allocate(curves, rows)
    program = last_program(curves, rows, found)
    solved = bare(program)
    assert found.method == "lp"
    assert found.certificate.closed
    taken = solved.getSolution().col_value[: lines * (len(program.cost) // lines)]
    spent = rows.lo + np.array(taken).reshape(lines, -1).sum(axis=1)
    assert np.allclose(curves.benefit(spent).sum(), found.certificate.benefit, rtol=1e-12)
    took = times(lambda: allocate(curves, rows), lambda: bare(program))
    print(f"\nplan, {lines} lines, {departments} departments, {found.rounds} rounds: {took}: {took.ratio:.2f} times")
    assert took.ratio <= 6


@pytest.mark.parametrize("departments", [10, 100])
def test_prices_alone_are_twenty_times_faster_than_programs(departments: int) -> None:
    curves, rows = city(10_000, departments, floors=False, districts=0)
    caps = [Cap(members=limit.members, level=limit.level) for limit in rows.sums]

    def programs() -> None:
        spending = refine(curves, rows.lo, rows.hi, rows.sums).spending
        whole(curves, rows.lo, rows.hi, rows.sums, spending=spending)

    by_programs = allocate(curves, rows, LP)
    steps = split(curves, rows.lo, rows.hi, caps).steps
    benefit, certificate = curves.benefit(steps.astype(np.float64)).sum(), by_programs.certificate
    assert by_programs.method == "lp"
    assert abs(benefit - certificate.benefit) <= max(certificate.gap, 1e-15) * certificate.bound
    took = times(lambda: split(curves, rows.lo, rows.hi, caps), programs, repeated=3)
    print(f"\nprices alone, 10000 lines, {departments} departments: {took}: {1 / took.ratio:.1f} times faster")
    assert 1 / took.ratio >= 20


def slsqp(curves: CurveSet, total: float) -> OptimizeResult:
    """Split money as marketing-mix tools do: SLSQP to 1e-9 from the equal split, with the gradient."""
    count = len(curves.family)
    least = 1e-12 * total  # a power curve has no gradient at nothing
    return minimize(
        lambda x: (-curves.benefit(x).sum(), -curves.slope(np.maximum(x, least))),
        np.full(count, total / count),
        jac=True,
        method="SLSQP",
        bounds=[(0.0, total)] * count,
        constraints=[{"type": "eq", "fun": lambda x: x.sum() - total, "jac": np.ones_like}],
        options={"ftol": 1e-9, "maxiter": 1000},
    )


def gain(benefit: float, best: float, equal: float) -> float:
    """Return the share of what any plan can gain over the equal split."""
    return (benefit - equal) / (best - equal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One budget split both ways: gains, whether SLSQP says that it ended well, and how many times faster plans are."""

    gain: float
    slsqp_gain: float
    success: bool
    faster: float


def told(curves: CurveSet, rows: Rows) -> Told:
    """Split one budget both ways and print it.

    Plans are made in hundredths, so that whole steps cost next to nothing; gains are measured against the bound.
    """
    total, plain, count = rows.total / 100, curves.scaled(100.0), len(rows.id)
    found, other = allocate(curves, rows).certificate, slsqp(plain, total)
    equal = float(plain.benefit(np.full(count, total / count)).sum())
    ours, theirs = (gain(benefit, found.bound, equal) for benefit in (found.benefit, -other.fun))
    took = times(lambda: allocate(curves, rows), lambda: slsqp(plain, total), turns=7, repeated=5)
    print(
        f"one budget, {count} lines of {', '.join(sorted(set(curves.family)))}, total {total:g}: gain {ours:.6f}, "
        f"SLSQP {theirs:.6f} ({other.message}, {other.nit} rounds); {took}: {1 / took.ratio:.0f} times faster"
    )
    assert found.closed
    assert found.benefit >= -other.fun * (1 - 1e-12)
    return Told(gain=ours, slsqp_gain=theirs, success=bool(other.success), faster=1 / took.ratio)


ONE_BUDGET = """
from dataclasses import asdict
from json import dumps
from bench.plan_worlds import single
from bench.test_plan_speed import told
print(dumps(asdict(told(*single(100, families={families!r}, money={money})))))
"""


def one_budget(families: Sequence[str], money: float) -> Told:
    """Split one budget both ways in a process of its own, where linear algebra may not spin on several threads.

    SLSQP solves small systems: with two threads it takes up to ten times as long, and the ratio would flatter plans.
    """
    line, figures = alone(ONE_BUDGET.format(families=tuple(families), money=money)).splitlines()
    print(f"\n{line}")
    return Told(**loads(figures))


@pytest.mark.parametrize("families", [("saturating", "log", "hill"), FAMILIES], ids=["without power", "with power"])
def test_one_budget_takes_a_hundredth_of_slsqp(families: tuple[str, ...]) -> None:
    """Without power curves SLSQP ends by itself; with them it stops at its limit of rounds."""
    found = one_budget(families, 100)
    assert round(found.gain, 6) == 1
    assert found.success == ("power" not in families)
    assert found.faster >= 100


def test_one_budget_in_small_money_is_the_same_plan_where_slsqp_stays_at_its_start() -> None:
    found = one_budget(FAMILIES, 100 * 1e6)
    assert round(found.gain, 6) == 1
    assert found.success
    assert found.slsqp_gain < 0.01


@pytest.mark.parametrize("money", [1.0, 1e6])
def test_one_budget_of_a_thousand_lines_is_solved(money: float) -> None:
    curves, rows = single(1_000, money=100 * money)
    equal = float(curves.benefit(np.full(1_000, rows.total / 1_000)).sum())
    begun = process_time()
    found = allocate(curves, rows).certificate
    spent = process_time() - begun
    ours = gain(found.benefit, found.bound, equal)
    print(f"\none budget, 1000 lines, money x {money:g}: gain {ours:.6f} in {1e3 * spent:.1f} ms")
    assert found.closed
    assert round(ours, 6) == 1


def test_fifty_totals_take_at_most_ten_plans() -> None:
    """A plan as it is handed over, with its prices and reasons; the lines also tell of allocations alone."""
    world, scores, fitted = stated(1_000, 10)
    rows = compiled(world, scores)
    whole_steps = in_steps(fitted.expected, rows.step)
    totals = np.linspace(0.98 * rows.total, 1.05 * rows.total, 50).astype(np.int64).tolist()

    def frontier() -> list[Allocation]:
        sweep = Sweep(whole_steps)
        return [sweep.at(at_total(rows, total)) for total in totals]

    alone = [allocate(whole_steps, at_total(rows, total)).certificate for total in totals[::10]]
    for swept, single_plan in zip(frontier()[::10], alone, strict=True):
        assert swept.certificate.closed
        assert np.isclose(swept.certificate.benefit, single_plan.benefit, rtol=1e-12, atol=0)
    took = times(frontier, lambda: plan(world, scores, fitted))
    bare_of_reasons = times(frontier, lambda: allocate(whole_steps, rows), turns=3)
    print(
        f"\nfrontier of 50 totals, 1000 lines: {took}: {took.ratio:.1f} plans, or "
        f"{bare_of_reasons.ratio:.1f} allocations without prices and reasons"
    )
    assert took.ratio <= 10


FIFTY_THOUSAND = """
from resource import RUSAGE_SELF, getrusage
from allocsim.optimise.allocate import allocate
from bench.plan_worlds import city
found = allocate(*city(50_000, 100, floors={crossing}, districts={districts}))
assert found.certificate.closed
print(found.method, found.certificate.gap, getrusage(RUSAGE_SELF).ru_maxrss * 1024)
"""


@pytest.mark.parametrize("crossing", [False, True], ids=["nested", "crossing"])
def test_fifty_thousand_lines_fit_in_four_gibibytes(crossing: bool) -> None:
    method, gap, held = alone(FIFTY_THOUSAND.format(crossing=crossing, districts=38 * crossing)).split()
    print(f"\n50000 lines, 100 departments: by {method}, gap {gap}, {int(held) / GIB:.2f} GiB")
    assert int(held) < 4 * GIB
