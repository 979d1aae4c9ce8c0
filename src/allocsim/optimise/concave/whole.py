"""Whole steps: where sets of lines cross, a small whole-number program around the solution instead of rounding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from allocsim.errors import AllocsimError, Text
from allocsim.model.arrays import FloatArray, IntArray, booleans, floats, integers
from allocsim.model.blend import Columns
from allocsim.optimise.concave.refine import WHOLE, NoneFits, keeps
from allocsim.optimise.grid import up
from allocsim.optimise.limits import Sum
from allocsim.optimise.program.problem import Pieces, state
from allocsim.optimise.program.solve import Status, solve
from allocsim.optimise.proof.certify import ROUNDING

WIDEST = 512
"""Steps either side beyond which no whole amounts are sought."""
TOLERANCE = 1e-9
"""Share of what the steps bring that the solver's tolerances may hide."""
FEW, NEAR = 128, 1e-7
"""Single steps up to which the best whole amounts are sought, and the share of the benefit that the search may leave
where there are more: a tenth of what counts as proven. Weighted limits leave very many amounts that are all but equal;
by measurement, 60 lines under one of them take 0.1 s so, and 20 s to the last digit."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chosen:
    """What a whole-number program chose.

    Attributes
    ----------
    steps
        Amounts (p,) [steps]; None where none were found.
    status
        Of the solver.
    most
        What no whole amounts within the same bounds exceed, as far as the solver's tree has proven it [benefit].
    """

    steps: IntArray | None
    status: Status
    most: float


def is_whole(spending: FloatArray) -> bool:
    """Tell whether all amounts are whole numbers of steps."""
    return bool((np.abs(spending - np.rint(spending)) < WHOLE).all())


def whole(
    curves: Columns, lo: IntArray, hi: IntArray, sums: Sequence[Sum], *, spending: FloatArray
) -> tuple[IntArray, bool]:
    """Return whole amounts (p,) near ``spending``, and whether a whole-number program was needed.

    Two families of sets, each nested in itself, give whole vertices (their rows are totally unimodular). Sets that
    cross otherwise may not: then single steps around the solution are chosen by a whole-number program, first within
    two steps of it, then ever wider, so that every limit holds exactly. Nothing is rounded.

    Parameters
    ----------
    curves
        Concave curves in steps, parameters (p,).
    lo, hi
        Bounds (p,) [steps].
    sums
        Limits of sums.
    spending
        The solution of the linear program (p,) [steps].

    Raises
    ------
    NoneFits
        If no whole amounts keep all limits.
    AllocsimError
        If the search stopped at its limit before it found any.

    References
    ----------
    Edmonds, J. (1970), Submodular functions, matroids, and certain polyhedra.
    """
    if is_whole(spending):
        return integers(np.rint(spending)), False
    reach, stopped = 2, False
    while True:
        low = np.maximum(lo, np.floor(spending).astype(np.int64) - reach)
        high = np.minimum(hi, np.ceil(spending).astype(np.int64) + reach)
        many = int((high - low).sum()) > FEW
        found = chosen(curves, low, high, sums, gap=NEAR * abs(math.fsum(curves.benefit(spending))) if many else 0.0)
        if found.steps is not None:
            return found.steps, True
        stopped |= found.status == "limit"
        if ((low == lo).all() and (high == hi).all()) or reach > WIDEST:
            if stopped:
                raise AllocsimError(Text("HiGHS stopped before it found a plan", "HiGHS 中止，未找到可行方案"))
            raise NoneFits
        reach *= 4


def chosen(curves: Columns, low: IntArray, high: IntArray, sums: Sequence[Sum], *, gap: float = 0.0) -> Chosen:
    """Return the best whole amounts between ``low`` and ``high`` (p,), by single steps that each have their own slope.

    The search may end ``gap`` [benefit] short of the best. One that ends at its limit of nodes gives the best it found:
    the certificate tells how good it is.
    """
    count = int((high - low).max())
    width = np.stack([(low + s < high).astype(np.int64) for s in range(count)], axis=1)
    slope = np.stack([up(curves, np.minimum(low + s, high)) for s in range(count)], axis=1)
    unit = float(np.median(slope[:, 0])) or float(slope.max()) or 1.0
    pieces = Pieces(start=low, width=integers(width), slope=floats(np.where(width > 0, slope / unit, 0.0)))
    solution = solve(state(pieces, sums, whole=True, unit=unit), {"mip_abs_gap": max(1e-9, gap / unit)})
    start = curves.benefit(low.astype(np.float64))
    rounding = TOLERANCE * unit * math.fsum((pieces.slope * width).ravel()) + ROUNDING * math.fsum(np.abs(start))
    most = math.fsum(start) - solution.least * unit + rounding
    if solution.status == "infeasible" or solution.values.size < width.size:
        return Chosen(steps=None, status=solution.status, most=most)
    taken = booleans(solution.values[: width.size] > 0.5).reshape(width.shape) & (width > 0)
    found = integers(low + taken.sum(axis=1))
    return Chosen(steps=found if keeps(sums, found) else None, status=solution.status, most=most)
