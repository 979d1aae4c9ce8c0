"""Whole steps: where sets of lines cross, a small whole-number program around the solution instead of rounding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from allocsim.model.arrays import FloatArray, IntArray, booleans, floats, integers
from allocsim.model.curve import CurveSet
from allocsim.optimise.grid import up
from allocsim.optimise.limits import Sum
from allocsim.optimise.problem import Pieces, state
from allocsim.optimise.refine import WHOLE, NoneFits
from allocsim.optimise.solve import solve

WIDEST = 512
"""Steps either side beyond which no whole amounts are sought."""


def is_whole(spending: FloatArray) -> bool:
    """Tell whether all amounts are whole numbers of steps."""
    return bool((np.abs(spending - np.rint(spending)) < WHOLE).all())


def whole(
    curves: CurveSet, lo: IntArray, hi: IntArray, sums: Sequence[Sum], *, spending: FloatArray
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

    References
    ----------
    Edmonds, J. (1970), Submodular functions, matroids, and certain polyhedra.
    """
    if is_whole(spending):
        return integers(np.rint(spending)), False
    reach = 2
    while True:
        low = np.maximum(lo, np.floor(spending).astype(np.int64) - reach)
        high = np.minimum(hi, np.ceil(spending).astype(np.int64) + reach)
        found = _chosen(curves, low, high, sums)
        if found is not None:
            return found, True
        if ((low == lo).all() and (high == hi).all()) or reach > WIDEST:
            raise NoneFits
        reach *= 4


def _chosen(curves: CurveSet, low: IntArray, high: IntArray, sums: Sequence[Sum]) -> IntArray | None:
    """Return the best whole amounts between ``low`` and ``high`` (p,), or None where there are none.

    A search that ends at its limit of nodes gives the best it found: the certificate tells how good it is.
    """
    count = int((high - low).max())
    width = np.stack([(low + s < high).astype(np.int64) for s in range(count)], axis=1)
    slope = np.stack([up(curves, np.minimum(low + s, high)) for s in range(count)], axis=1)
    unit = float(np.median(slope[:, 0])) or float(slope.max()) or 1.0
    pieces = Pieces(start=low, width=integers(width), slope=floats(np.where(width > 0, slope / unit, 0.0)))
    solution = solve(state(pieces, sums, whole=True))
    if solution.status == "infeasible":
        return None
    taken = booleans(solution.values > 0.5).reshape(width.shape)
    found = integers(low + taken.sum(axis=1))
    return found if all(limit.slack(found) >= 0 for limit in sums) else None
