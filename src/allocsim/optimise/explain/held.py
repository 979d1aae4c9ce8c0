"""What holds each line: the limit that keeps its marginal benefit from meeting the price, and how far it could go."""

from __future__ import annotations

import numpy as np

from allocsim.model.arrays import BoolArray, IntArray, booleans, integers
from allocsim.model.blend import Columns
from allocsim.optimise.concave.convex import Allocation
from allocsim.optimise.grid import down, up
from allocsim.optimise.limits import Rows
from allocsim.optimise.proof.certify import slopes_asked

CLOSE = 1e-9
"""Share of a slope below which it counts as equal to the price."""


def held_by(curves: Columns, rows: Rows, found: Allocation) -> tuple[int, ...]:
    """Return the source that holds each line (p,), -1 where its marginal benefit meets the price of all money.

    A bound holds a line that would move beyond it at the prices of the sums it is in. Else the dearest of those sums
    holds it, the total apart; a line that is worth no money at its price is held by nothing.

    Parameters
    ----------
    curves
        Concave curves in steps, parameters (p,).
    rows
        The limits.
    found
        An optimal plan.
    """
    x, count = found.steps, len(rows.id)
    asked = slopes_asked(count, rows.sums, found.multipliers)
    above, below = up(curves, x), down(curves, x)
    wants_more = (x == rows.hi) & (above > asked * (1 + CLOSE))
    wants_less = (x == rows.lo) & (rows.lo > 0) & (below < asked * (1 - CLOSE))
    dearest = _dearest(rows, found)
    fixed = np.where(rows.hi_by >= 0, rows.hi_by, rows.lo_by)
    holder = np.where(wants_less, rows.lo_by, dearest)
    holder = np.where(wants_more & (rows.hi_by >= 0), rows.hi_by, holder)
    holder = np.where(rows.lo == rows.hi, fixed, holder)
    for pot in rows.pots:
        holder[pot.members] = pot.source
    return tuple(holder.tolist())


def _dearest(rows: Rows, found: Allocation) -> IntArray:
    """Return the source of the sum, the total apart, whose multiplier weighs most on each line (p,); -1 for none."""
    source = np.full(len(rows.id), -1, dtype=np.int64)
    weight = np.full(len(rows.id), CLOSE * max(1e-300, float(np.abs(found.multipliers).max(initial=0.0))))
    for number, limit in enumerate(rows.sums):
        if number and limit.members.size:
            pull = abs(found.multipliers[number]) * limit.coefficients
            heavier = weight[limit.members] < pull
            lines = limit.members[heavier]
            source[lines], weight[lines] = limit.source, pull[heavier]
    return source


def pressed(rows: Rows, found: Allocation, held: tuple[int, ...]) -> BoolArray:
    """Tell which lines what holds them keeps from more money (p,): their ceiling, or a sum whose multiplier is a cost.

    Parameters
    ----------
    rows
        The limits.
    found
        An optimal plan.
    held
        Source that holds each line (p,), -1 for none.
    """
    holder = np.array(held, dtype=np.int64)
    cost = np.zeros(len(held))
    for limit, multiplier in zip(rows.sums[1:], found.multipliers[1:].tolist(), strict=True):
        mine = limit.members[holder[limit.members] == limit.source]
        cost[mine] += multiplier
    return booleans((holder >= 0) & (((holder == rows.hi_by) & (found.steps == rows.hi)) | (cost > 0)))


def reach(rows: Rows) -> tuple[IntArray, IntArray]:
    """Return least and most that bounds and limits of sums allow each line (p,) [steps].

    From the bounds, each sum in turn: a line gets at most what a ceiling leaves when the others have their least, and
    at least what a floor wants when the others have their most; repeated until nothing changes or 20 times. Exact where
    sums are nested, an outer estimate where they cross.
    """
    low, high = rows.lo.copy(), rows.hi.copy()
    for _ in range(20):
        before = low.sum(), high.sum()
        for limit in rows.sums:
            members = limit.members
            if not limit.is_plain:
                continue
            if limit.sense != "floor":
                room = limit.level - int(low[members].sum())
                high[members] = np.minimum(high[members], low[members] + max(room, 0))
            if limit.sense != "ceiling":
                want = limit.level - int(high[members].sum())
                low[members] = np.maximum(low[members], high[members] + want)
        if before == (low.sum(), high.sum()):
            break
    return integers(low), integers(high)
