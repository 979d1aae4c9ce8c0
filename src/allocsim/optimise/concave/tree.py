"""A bound by search: where sets of lines cross, a tree over all whole amounts that could still be better.

At multipliers z, with a = A'z, let Dg be their bound over whole amounts and let line p fall short of its best by

    penalty_p(x) = max over whole y of (f_p(y) - a_p y)  -  (f_p(x) - a_p x).

A whole plan x that keeps the limits brings at most Dg less the sum of its penalties. So in a plan better than the one
at hand no line has a penalty above Dg less what that plan brings. The penalty is convex: what is left of each line is
an interval. A whole-number program over these intervals misses no better plan, and its steps have the curve's own
slopes, so what its tree proves holds for all whole amounts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from allocsim.model.arrays import FloatArray, IntArray
from allocsim.model.blend import Columns
from allocsim.optimise.choice.menu import plain
from allocsim.optimise.concave.whole import chosen
from allocsim.optimise.grid import best
from allocsim.optimise.limits import Sum
from allocsim.optimise.proof.certify import bounds, objective, slopes_asked, sound

LARGEST = 20_000
"""Single steps, over all lines, beyond which no tree is grown."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Searched:
    """The best whole amounts found (p,) [steps], and what no whole amounts exceed [benefit]."""

    steps: IntArray
    most: float


def search(
    curves: Columns, lo: IntArray, hi: IntArray, sums: Sequence[Sum], *, steps: IntArray, multipliers: FloatArray
) -> Searched | None:
    """Search all whole amounts that could bring more than a plan; None where they are too many, or no answer came.

    Parameters
    ----------
    curves
        Concave curves in steps, parameters (p,).
    lo, hi
        Bounds (p,) [steps].
    sums
        Limits of sums.
    steps
        Whole amounts that keep all limits (p,) [steps].
    multipliers
        Of each limit of a sum [benefit per step]; the better they are, the fewer amounts are left to search.
    """
    z = sound(multipliers, sums)
    _, coarse, error = bounds(curves, plain(lo, hi), sums, z, counting=np.zeros(0))
    reached = objective(curves, sums, steps)
    low, high = could_be_better(curves, lo, hi, slopes_asked(len(lo), sums, z), coarse + 2 * error - reached)
    low, high = np.minimum(low, steps), np.maximum(high, steps)
    if not 0 < int((high - low).max()) * len(lo) <= LARGEST:
        return None
    found = chosen(curves, low, high, sums)
    if found.steps is None:  # the plan at hand is among the amounts searched: a solver that finds none proves nothing
        return None
    better = objective(curves, sums, found.steps) > reached
    return Searched(steps=found.steps if better else steps, most=max(found.most, reached))


def could_be_better(
    curves: Columns, lo: IntArray, hi: IntArray, a: FloatArray, allowance: float
) -> tuple[IntArray, IntArray]:
    """Return least and most whole amounts of each line whose penalty is within ``allowance``, both (p,) [steps].

    By bisection either side of the best amount, then one step wider for the rounding of floats.
    """
    at = best(curves, a, lo, hi)

    def short(x: IntArray) -> FloatArray:
        fall = curves.benefit(at.astype(np.float64)) - curves.benefit(x.astype(np.float64))
        return np.asarray(fall - a * (at - x), dtype=np.float64)

    ends = []
    for outer in (lo, hi):
        inside, beyond = at.copy(), outer.copy()
        for _ in range(64):
            middle = inside + (beyond - inside) // 2
            near = short(middle) <= allowance
            inside, beyond = np.where(near, middle, inside), np.where(near, beyond, middle)
        ends.append(np.where(short(outer) <= allowance, outer, inside))
    return np.maximum(lo, ends[0] - 1), np.minimum(hi, ends[1] + 1)
