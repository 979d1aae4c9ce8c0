"""Ties: where several plans bring the same, the one nearest to last year's amounts, then the first lines in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from allocsim.model.arrays import FloatArray, IntArray, floats, integers
from allocsim.model.blend import Columns
from allocsim.optimise.concave.whole import is_whole
from allocsim.optimise.grid import best, down, most, up
from allocsim.optimise.limits import Sum
from allocsim.optimise.program.assemble import assembled
from allocsim.optimise.program.problem import Pieces
from allocsim.optimise.program.solve import solve
from allocsim.optimise.proof.certify import slopes_asked

CLOSE = 1e-11
"""Slopes that differ by less than this share of the steepest price are the same slope."""
ORDER = 1e-5
"""Weight of the order of lines against one step of distance from last year."""


def settle(
    curves: Columns,
    lo: IntArray,
    hi: IntArray,
    sums: Sequence[Sum],
    *,
    steps: IntArray,
    multipliers: FloatArray,
    last: FloatArray,
) -> IntArray:
    """Return the plan among equals that is nearest to last year, amounts (p,) [steps].

    At the multipliers, each line has a range of amounts that bring the same; every plan within these ranges that uses
    up the limits which carry a multiplier is as good as the one given. Among them the sum of distances from last
    budget is least, and what is then still open goes to the first lines: one linear program over the lines that have
    a range at all. Its vertices are whole for the same reason as the plan's; where they are not, the plan stays.

    Parameters
    ----------
    curves, lo, hi, sums
        The problem.
    steps, multipliers
        An optimal plan (p,) and its multipliers.
    last
        Last budget (p,) [steps]; NaN counts as nothing.
    """
    a = slopes_asked(len(lo), sums, multipliers)
    size = slopes_asked(len(lo), sums, np.abs(multipliers))
    slack = CLOSE * (size if size.any() else np.full(a.shape, float(up(curves, lo).max())))
    loose = np.flatnonzero(
        ((steps > lo) & (down(curves, steps) <= a + slack)) | ((steps < hi) & (up(curves, steps) >= a - slack))
    )
    if not loose.size or (loose.size == 1 and a[loose[0]] != 0):
        return steps
    own, (low, high) = curves.subset(loose), (steps.copy(), steps.copy())
    low[loose] = best(own, (a + slack)[loose], lo[loose], hi[loose])
    high[loose] = most(own, (a - slack)[loose], lo[loose], hi[loose])
    optimal = (low <= steps) & (steps <= high)
    low, high = np.where(optimal, low, steps), np.where(optimal, high, steps)
    open_ = np.flatnonzero(high > low)
    if not open_.size:
        return steps
    held = [_held(limit, multiplier, steps) for limit, multiplier in zip(sums, multipliers.tolist(), strict=True)]
    pieces = _distances(low[open_], high[open_], np.nan_to_num(last[open_]))
    solution = solve(assembled(pieces, [_among(limit, steps, open_) for limit in held]))
    if solution.status != "optimal":
        return steps
    nearest = pieces.start + solution.values.reshape(pieces.width.shape).sum(axis=1)
    if not is_whole(nearest):
        return steps
    settled = steps.copy()
    settled[open_] = np.rint(nearest).astype(np.int64)
    return integers(settled)


def _held(limit: Sum, multiplier: float, steps: IntArray) -> Sum:
    """Return a limit as it must hold among equals: used up exactly where it carries a multiplier."""
    if multiplier == 0 and limit.slack(steps) >= 0:
        return replace(limit, penalty=None)
    return replace(limit, sense="fix", level=limit.activity(steps), penalty=None)


def _among(limit: Sum, steps: IntArray, lines: IntArray) -> Sum:
    """Return a limit over some lines only, the others standing at ``steps``; members count within ``lines``."""
    place = np.full(len(steps), -1, dtype=np.int64)
    place[lines] = np.arange(lines.size)
    among = place[limit.members]
    weight = None if limit.weight is None else integers(limit.weight[among >= 0])
    inside = replace(limit, members=integers(limit.members[among >= 0]), weight=weight)
    rest = limit.activity(steps) - inside.activity(steps)
    return replace(inside, members=integers(among[among >= 0]), level=limit.level - rest)


def _distances(low: IntArray, high: IntArray, last: FloatArray) -> Pieces:
    """Return minus the distance from last year as pieces, tilted a little towards the lines first in order."""
    corners = np.stack([low, np.clip(np.floor(last), low, high), np.clip(np.ceil(last), low, high), high], axis=1)
    between = 2.0 * (last - np.floor(last)) - 1.0
    slope = np.stack([np.ones(len(low)), between, -np.ones(len(low))], axis=1)
    tilt = ORDER * (1.0 - np.arange(len(low)) / len(low))
    width = np.diff(corners.astype(np.int64), axis=1)
    return Pieces(start=integers(low), width=integers(width), slope=floats(slope + tilt[:, None]))
