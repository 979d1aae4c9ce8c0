"""The exact dual: nested ceilings solved by one price each, without any solver; the linear program's witness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from allocsim.model.arrays import FloatArray, IntArray
from allocsim.model.blend import Columns
from allocsim.optimise.grid import best, up


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cap:
    """A ceiling on the sum of some lines: ``sum x[members] <= level`` [steps]."""

    members: IntArray
    level: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Split:
    """Money split by prices.

    Attributes
    ----------
    steps
        Whole steps of each line (p,).
    prices
        Price at which each cap was filled, in the order of the caps [benefit per step]; 0 where it has room. What a
        cap costs is its price less the highest price of the caps around it.
    """

    steps: IntArray
    prices: FloatArray


def split(curves: Columns, lo: IntArray, hi: IntArray, caps: Sequence[Cap]) -> Split:
    """Maximise the sum of f_p(x_p) over whole steps under bounds and nested caps, exactly.

    Caps that are nested or disjoint (departments, their groups, the total) form a tree. The greedy order, steepest
    step first, is optimal under such a tree, and greedy inside a cap does not depend on what is outside it: so the
    caps are filled from the smallest to the largest, and what a cap gave each line is the line's ceiling in the next
    one. Filling one cap is a search for the price at which its lines, each by its own curve, want no more than there
    is; steps of equal slope are given in the order of the lines.

    Parameters
    ----------
    curves
        Concave curves in steps, parameters (p,).
    lo, hi
        Bounds (p,) [steps]; the lower bounds must fit under every cap.
    caps
        Ceilings on sums, nested or disjoint, in any order.

    Raises
    ------
    ValueError
        If two caps cross, or the lower bounds do not fit.

    References
    ----------
    Federgruen, A. and Groenevelt, H. (1986), The greedy procedure for resource allocation problems, Operations
    Research 34(6).
    """
    prices = np.zeros(len(caps))
    ceiling = hi.copy()
    order = sorted(range(len(caps)), key=lambda index: caps[index].members.size)
    _refuse_crossing([caps[index].members for index in order])
    for index in order:
        lines = caps[index].members
        filled = fill(curves.subset(lines), lo[lines], ceiling[lines], caps[index].level)
        ceiling[lines] = filled.steps
        prices[index] = filled.prices[0]
    return Split(steps=ceiling, prices=prices)


def fill(curves: Columns, lo: IntArray, hi: IntArray, level: int) -> Split:
    """Split at most ``level`` steps over lines with bounds: the best whole amounts, and the price [benefit per step].

    A search brackets the price until no line has more than a step between the two prices, or all that is left has one
    slope; what is left is given to the steepest steps, of equal ones to the first line.

    Raises
    ------
    ValueError
        If the lower bounds alone exceed the level.
    """
    if int(lo.sum()) > level:
        raise ValueError(f"the lower bounds need {int(lo.sum())} steps, {level} are there")
    if int(hi.sum()) <= level:
        return Split(steps=hi.copy(), prices=np.zeros(1))
    more, steps, price = _bracket(curves, lo, hi, level)
    left = level - int(steps.sum())
    slopes = up(curves, steps)
    for line in np.lexsort((np.arange(len(slopes)), -slopes)).tolist():
        given = min(left, int(more[line] - steps[line]))
        if given:
            price = float(slopes[line])
        steps[line] += given
        left -= given
    return Split(steps=steps, prices=np.array([price]))


def _bracket(curves: Columns, lo: IntArray, hi: IntArray, level: int) -> tuple[IntArray, IntArray, float]:
    """Return more than there is, as much or less, and the price of the latter.

    Regula falsi (Illinois) on the logarithm of the price, a bisection every third time; it ends where no line has more
    than one step between the two prices, or where these are neighbouring floats (lines of constant slope).
    """
    steepest = float(up(curves, lo).max())
    bottom, top = -745.0, float(np.log(steepest)) if steepest > 0 else -744.0
    more, less = hi, lo
    excess, lack, price = float(hi.sum() - level), float(lo.sum() - level), float(np.exp(top))
    for turn in range(120):
        middle = (
            0.5 * (bottom + top) if turn % 3 == 2 or lack == 0 else bottom + (top - bottom) * excess / (excess - lack)
        )
        if not bottom < middle < top or (more - less).max() <= 1 or less.sum() == level:
            break
        wanted = best(curves, np.full(lo.shape, np.exp(middle)), lo, hi)
        over = float(wanted.sum() - level)
        if over > 0:
            more, bottom, excess, lack = wanted, middle, over, 0.5 * lack
        else:
            less, top, lack, excess, price = wanted, middle, over, 0.5 * excess, float(np.exp(middle))
    return more, less.copy(), price


def _refuse_crossing(members: Sequence[IntArray]) -> None:
    """Check that sets in the order of their size are nested or disjoint."""
    known = [frozenset(lines.tolist()) for lines in members]
    for position, inner in enumerate(known):
        for outer in known[position + 1 :]:
            if inner & outer and not inner <= outer:
                raise ValueError("two caps cross: each holds lines that the other does not")
