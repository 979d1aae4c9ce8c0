"""What the multipliers of a plan must fit: slopes of lines, of pots as wide as whole splits are off, sums used up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocsim.model.arrays import BoolArray, FloatArray, IntArray, booleans, floats, integers
from allocsim.model.blend import Columns
from allocsim.optimise.grid import down, up
from allocsim.optimise.limits import Pot, Rows, Sum
from allocsim.optimise.pot.pots import Pooled, apportion


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slopes:
    """What Y asks of lines (p,), of lines and pots (u,) where these are planned; m sums.

    Attributes
    ----------
    up, down
        Slopes of the step above and below.
    lower, upper
        What each step costs by its sums at least and at most; infinite where the amount cannot move that way.
    tight
        Numbers of the sums that are used up.
    over
        1 or -1 where a sum that may be broken is, above or below its level, else 0 (m,).
    is_pot
        Whose slopes are those of a pot.
    """

    up: FloatArray
    down: FloatArray
    lower: FloatArray
    upper: FloatArray
    tight: tuple[int, ...]
    over: IntArray
    is_pot: BoolArray


def of_lines(curves: Columns, rows: Rows, steps: IntArray) -> Slopes:
    """Return what Y asks of lines.

    Parameters
    ----------
    curves
        Concave curves in steps, parameters (p,).
    rows
        The limits, without holes, counting of lines and pots.
    steps
        An optimal plan (p,) [steps].
    """
    above, below = up(curves, steps), down(curves, steps)
    return Slopes(
        up=floats(above),
        down=floats(below),
        lower=floats(np.where(steps < rows.hi, above, -np.inf)),
        upper=floats(np.where(steps > rows.lo, below, np.inf)),
        tight=tuple(n for n, limit in enumerate(rows.sums) if limit.members.size and is_used_up(limit, rows, steps)),
        over=integers([over_level(limit, steps) for limit in rows.sums]),
        is_pot=booleans(np.zeros(len(steps))),
    )


def of_pots(rows: Rows, steps: IntArray, pooled: Pooled) -> Slopes:
    """Return what Y asks of lines and pots; a pot is at its bound where its lines have no room for a step each.

    A whole split is off its exact parts by less than a step a line, and the size of a pot that suits best by as many
    steps: slopes are taken that far either side. Whether a sum is used up, or broken, is told by the lines: exact
    parts are not what they get.

    Parameters
    ----------
    rows
        The limits of the lines.
    steps
        The plan (p,) [steps].
    pooled
        The problem of lines and pots, its sums one for one.
    """
    own, size = pooled.rows, integers(np.bincount(pooled.unit, weights=steps).astype(np.int64))
    low, high, is_pot = own.lo.copy(), own.hi.copy(), np.zeros(len(size), dtype=np.bool_)
    below, above = size.copy(), size.copy()
    for pot, at in zip(pooled.pots, pooled.of_pot, strict=True):
        is_pot[at], by, lines = True, len(pot.members), (rows.lo[pot.members], rows.hi[pot.members])
        if not _fits(pot, int(size[at]) + by, lines):
            high[at] = size[at]
        if not _fits(pot, int(size[at]) - by, lines):
            low[at] = size[at]
        below[at], above[at] = max(0, size[at] - by), size[at] + by
    rise, fall = up(pooled.curves, integers(above)), down(pooled.curves, integers(below))
    return Slopes(
        up=up(pooled.curves, size),
        down=down(pooled.curves, size),
        lower=floats(np.where(size < high, rise, -np.inf)),
        upper=floats(np.where(size > low, fall, np.inf)),
        tight=tuple(
            n
            for n, (limit, pots) in enumerate(zip(rows.sums, own.sums, strict=True))
            if limit.members.size
            and (
                is_used_up(limit, rows, steps)
                or limit.slack(steps) * pooled.grains[n] < _last_of_pots(pots, pooled, size < high)
            )
        ),
        over=integers([over_level(limit, steps) for limit in rows.sums]),
        is_pot=booleans(is_pot),
    )


def _fits(pot: Pot, size: int, lines: tuple[IntArray, IntArray]) -> bool:
    """Tell whether a pot may have a size: its split keeps least and most of its lines."""
    if size < 0:
        return False
    split = apportion(pot, size)
    return bool((split >= lines[0]).all() and (split <= lines[1]).all())


def _last_of_pots(limit: Sum, pooled: Pooled, can_rise: BoolArray) -> float:
    """Return what a step for each line of a pot that could rise counts in a sum, the least of the pots [grains]."""
    counts = dict(zip(limit.members.tolist(), limit.coefficients.tolist(), strict=True))
    last = [
        counts[at] * len(pot.members)
        for pot, at in zip(pooled.pots, pooled.of_pot, strict=True)
        if can_rise[at] and counts.get(at, 0.0) > 0
    ]
    return min(last, default=0.0)


def is_used_up(limit: Sum, rows: Rows, steps: IntArray) -> bool:
    """Tell whether a limit has no room for the smallest step that counts in it.

    Where some lines count against others, as in a cap on inequality, steps of several could use up less: then it has
    none for the largest.
    """
    if limit.weight is None:
        return limit.slack(steps) <= 0
    movable = limit.weight[rows.lo[limit.members] < rows.hi[limit.members]]
    if (movable < 0).any():
        return limit.slack(steps) < int(np.abs(movable).max())
    return limit.slack(steps) < int(movable.min(initial=1 << 62))


def over_level(limit: Sum, steps: IntArray) -> int:
    """Return 1 or -1 where a limit that may be broken is, above or below its level, else 0."""
    if limit.penalty is None or not limit.broken(steps):
        return 0
    return 1 if limit.activity(steps) > limit.level else -1
