"""A cap on inequality stated pair by pair: one linear program has all rankings of the groups in it, and proves a bound.

    sum over pairs d < e of |w_e X_d - w_d X_e|  <=  c W X

With the difference of each pair as apart - nearer, both zero or more, this is linear. Its multipliers are worth a
single cut: for any numbers l_de between -1 and 1 a plan under the cap keeps

    sum over pairs of l_de (w_e X_d - w_d X_e)  <=  c W X,

and those of the best solution make the bound under this one inequality that under the cap.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from allocsim.errors import AllocsimError, Text
from allocsim.model.arrays import FloatArray, IntArray, floats, integers
from allocsim.model.blend import Columns
from allocsim.optimise.concave.refine import FAR, WHOLE, WIDE, NoneFits, around, beside_of, keeps, start, window
from allocsim.optimise.concave.whole import TOLERANCE, Chosen
from allocsim.optimise.effort import Effort
from allocsim.optimise.even.pairs import Whole, cut_of, stated
from allocsim.optimise.even.rankings import capped
from allocsim.optimise.grid import up
from allocsim.optimise.limits import Rows, Sum
from allocsim.optimise.program.problem import Pieces
from allocsim.optimise.program.solve import Solver, solve
from allocsim.optimise.proof.certify import ROUNDING

MOST_GROUPS = 64
"""Groups up to which pairs are stated: two thousand rows."""
ROUNDS = 40
NODES = 500
"""Nodes of one search for whole amounts, at most."""
MARGIN = 1e-6
"""Steps by which whole amounts must keep the cap, for the solver's tolerances."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Paired:
    """The solution of the linear program.

    Attributes
    ----------
    spending
        Of each line (p,) [steps].
    multipliers
        Of each limit of a sum, then of the cut [benefit per step or grain].
    cut
        The one inequality that the cap amounts to here.
    rounds
        Programs solved.
    """

    spending: FloatArray
    multipliers: FloatArray
    cut: Sum
    rounds: int


def paired(curves: Columns, rows: Rows, effort: Effort) -> Paired:
    """Maximise the sum of benefits under bounds, limits of sums and the cap, money not whole.

    Pieces get finer around the solution as in any refinement, all in one program that is solved on from where it stood.

    Parameters
    ----------
    curves
        Concave curves in steps, parameters (p,).
    rows
        The limits, with a cap; holes, counts and pots are left aside.
    effort
        After its end the round at hand is the last.

    Raises
    ------
    NoneFits
        If no amounts keep all limits.
    AllocsimError
        If the solver stopped before it found any.
    """
    lo, hi, cap = rows.lo, rows.hi, capped(rows)
    begun = start(curves, lo, hi, rows.sums)
    x, low, high = begun.steps, lo, hi
    spacing = integers(np.maximum(1, x // 16))
    unit = float(begun.prices[0] or begun.prices.max() or up(curves, lo).max() or 1.0)
    solver: Solver | None = None
    for rounds in range(1, ROUNDS + 1):  # noqa: B007
        pieces = around(curves, x, low, high, spacing)
        scaled = Pieces(start=pieces.start, width=pieces.width, slope=floats(pieces.slope / unit))
        if solver is None:
            made = stated(scaled, rows.sums, cap, unit=unit)
            solver = Solver(made.program)
        solver.change(cost=-scaled.slope.ravel(), upper=pieces.width.astype(np.float64).ravel())
        solution = solver.run()
        is_part = bool((low > lo).any() or (high < hi).any())
        if solution.status == "infeasible" and is_part:
            solver, low, high, spacing = None, lo, hi, integers(8 * spacing)
            continue
        if solution.status == "infeasible":
            raise NoneFits
        if solution.status == "limit":
            raise AllocsimError(Text("HiGHS stopped before it found a plan", "HiGHS 中止，未找到可行方案"))
        taken = solution.values[: pieces.width.size].reshape(pieces.width.shape)
        spending = floats(pieces.start + taken.sum(axis=1))
        widest = beside_of(pieces, spending)
        if (widest <= 1).all() or effort.is_over:
            break
        x = integers(np.clip(np.rint(spending).astype(np.int64), lo, hi))
        spacing = integers(np.maximum(1, np.minimum(-(-widest // 8), 4 * spacing)))
        if is_part or (hi - lo).sum() > max(WIDE, FAR * spacing.sum()):
            solver = None
            low, high = window(x, lo, hi, spacing)
    duals = -solution.duals * unit
    held = [number for number, limit in enumerate(rows.sums) if limit.members.size]
    multipliers = np.zeros(len(rows.sums) + 1)
    multipliers[held] = duals[: len(held)] / [rows.sums[number].widest for number in held]
    found, multipliers[-1] = cut_of(cap, made.sign, duals[len(held) + len(cap.groups.label) :])
    return Paired(spending=spending, multipliers=floats(multipliers), cut=found, rounds=rounds)


def best_whole(
    curves: Columns, rows: Rows, bounds: tuple[IntArray, IntArray], *, gap: float, lines: bool = True
) -> Chosen:
    """Return the best whole amounts within bounds (p,) [steps] that keep all sums and the cap, and what none exceed.

    Parameters
    ----------
    curves
        Concave curves in steps, parameters (p,).
    rows
        The limits, with a cap.
    bounds
        Least and most of each line (p,) [steps]: all that lies between has slopes of its own, step by step.
    gap
        What the search may leave of the best [benefit].
    lines
        False where only what a group gets must be whole: then the amounts of lines that are not are given up or down
        to the nearest that keep all, so that what is proven holds for more than it finds.
    """
    low, high = bounds
    count = int((high - low).max(initial=0))
    width = np.stack([(low + s < high).astype(np.int64) for s in range(max(1, count))], axis=1)
    slope = np.stack([up(curves, np.minimum(low + s, high)) for s in range(max(1, count))], axis=1)
    unit = float(np.median(slope[:, 0])) or float(slope.max()) or 1.0
    pieces = Pieces(start=integers(low), width=integers(width), slope=floats(np.where(width > 0, slope / unit, 0.0)))
    begun = curves.benefit(low.astype(np.float64))
    rounding = TOLERANCE * unit * math.fsum((pieces.slope * width).ravel()) + ROUNDING * math.fsum(np.abs(begun))
    most, options = math.inf, {"mip_abs_gap": max(1e-9, gap / unit), "mip_max_nodes": NODES}
    for margin in (0.0, MARGIN):
        kind: Whole = "lines" if lines else "groups"
        program = stated(pieces, rows.sums, capped(rows), unit=unit, whole=kind, margin=margin).program
        solution = solve(program, options)
        most = min(most, math.fsum(begun) - solution.least * unit + rounding) if not margin else most
        if solution.status == "infeasible" or solution.values.size < width.size:
            return Chosen(steps=None, status=solution.status, most=most)
        taken = np.where(width > 0, solution.values[: width.size].reshape(width.shape), 0.0)
        spending = low + taken.sum(axis=1)
        if not lines:
            found = best_whole(curves, rows, around_fractions(rows, floats(spending)), gap=gap).steps
        else:
            found = integers(low + (taken > 0.5).sum(axis=1))
        if found is not None and keeps(rows.sums, found) and capped(rows).holds(found):
            return Chosen(steps=found, status=solution.status, most=most)
    return Chosen(steps=None, status="limit", most=most)


def around_fractions(rows: Rows, spending: FloatArray, reach: int = 0) -> tuple[IntArray, IntArray]:
    """Return least and most whole amounts beside those that are not whole, and ``reach`` steps further for all (p,)."""
    nearest = np.where(np.abs(spending - np.rint(spending)) < WHOLE, np.rint(spending), spending)
    low, high = np.floor(nearest).astype(np.int64) - reach, np.ceil(nearest).astype(np.int64) + reach
    return integers(np.clip(low, rows.lo, rows.hi)), integers(np.clip(high, rows.lo, rows.hi))
