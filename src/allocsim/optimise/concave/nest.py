"""Sums that nest, solved by prices alone at any level: what the lines of each set get whatever lies around it.

Where sets of lines nest, the best split of n steps over a set begins with the best split of n - 1 (greedy, steepest
step first). So a ceiling of a set acts on what is around it as a ceiling of each of its lines, a floor as a floor of
each, and neither depends on the money outside: the sets are filled from the smallest to the largest.

References
----------
Federgruen, A. and Groenevelt, H. (1986), The greedy procedure for resource allocation problems, Operations Research
34(6).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from allocsim.model.arrays import FloatArray, IntArray, integers
from allocsim.model.blend import Columns
from allocsim.optimise.concave.dual import fill
from allocsim.optimise.concave.refine import NoneFits
from allocsim.optimise.grid import best, up
from allocsim.optimise.limits import FREE, Rows, Sum
from allocsim.optimise.sweep import at_total

FARTHEST = 16
"""Multiple of the money there is beyond which no total is tried."""
Bounds = tuple[IntArray, IntArray]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Nest:
    """Concave curves under sums that nest; all in steps.

    Attributes
    ----------
    curves
        Curves, parameters (p,).
    rows
        The limits, at the farthest total.
    order
        Numbers of the sums but the total, from the smallest set to the largest.
    around
        Of each of them, the numbers of those whose sets hold its set and that come after it.
    inside, settled
        Of each of them, least and most of its members (m,): by bounds and the sums inside it, and by itself too.
    lo, hi
        Least and most of each line by bounds and by all sums but the total (p,).
    """

    curves: Columns
    rows: Rows
    order: tuple[int, ...]
    around: Mapping[int, frozenset[int]]
    inside: Mapping[int, Bounds]
    settled: Mapping[int, Bounds]
    lo: IntArray
    hi: IntArray

    def best(self, available: int) -> IntArray:
        """Return the best amounts (p,) with ``available`` money for the lines [steps].

        Raises
        ------
        NoneFits
            If the least amounts need more.
        """
        return _filled(self.curves, (self.lo, self.hi), available)

    def lifted(self, number: int, price: float = 0.0) -> Bounds | None:
        """Return least and most of each line (p,) where a price a step stands in the stead of one sum, not the total.

        None where a floor around it wants more than is worth its price.
        """
        lo, hi = self.rows.lo.copy(), self.rows.hi.copy()
        extra = self._extra(number, price)
        for each in self.order:
            limit = self.rows.sums[each]
            here = limit.members
            within: Bounds | None = self.settled[each]
            if each == number:
                within = self.inside[number]
            elif each in self.around[number]:
                within = _settled_at(self.curves.subset(here), limit, (lo[here], hi[here]), extra[here])
            if within is None:
                return None
            lo[here], hi[here] = within
        return lo, hi

    def at_price(self, number: int, price: float, available: int) -> int | None:
        """Return what the lines of a sum get together where a price a step stands in its stead [steps].

        0 is the total's number. None where a floor around the sum wants more than is worth the price.
        """
        if number == 0:
            return int(best(self.curves, np.full(self.lo.shape, price), self.lo, self.hi).sum())
        within = self.lifted(number, price)
        found = priced(self.curves, within, available, self._extra(number, price)) if within else None
        return None if found is None else int(found[self.rows.sums[number].members].sum())

    def _extra(self, number: int, price: float) -> FloatArray:
        extra = np.zeros(self.rows.lo.shape)
        extra[self.rows.sums[number].members] = price
        return extra


def nest(curves: Columns, rows: Rows) -> Nest | None:
    """Return the limits but the total as a nest, good for any total up to :func:`farthest`.

    None where sets cross, or where more than plain hard sums over concave curves holds.

    Parameters
    ----------
    curves
        Curves in steps, parameters (p,).
    rows
        The limits.
    """
    plain = all(limit.is_plain for limit in rows.sums)
    if not (rows.is_convex and plain) or (curves.bend > 0).any():
        return None
    rows = at_total(rows, farthest(rows))
    if (rows.lo > rows.hi).any():
        return None
    order = sorted((n for n in range(1, len(rows.sums)) if rows.sums[n].members.size), key=_size(rows.sums))
    around = _around(rows.sums, order)
    if around is None:
        return None
    lo, hi = rows.lo.copy(), rows.hi.copy()
    inside, settled = {}, {}
    try:
        for number in order:
            limit = rows.sums[number]
            here = limit.members
            inside[number] = lo[here], hi[here]
            settled[number] = lo[here], hi[here] = _settled(curves, limit, inside[number])
    except NoneFits:
        return None
    return Nest(
        curves=curves,
        rows=rows,
        order=tuple(order),
        around=around,
        inside=inside,
        settled=settled,
        lo=integers(lo),
        hi=integers(hi),
    )


def farthest(rows: Rows) -> int:
    """Return the farthest total that is tried [steps]."""
    return min(FARTHEST * max(rows.total, 1), FREE)


def _size(sums: Sequence[Sum]) -> Callable[[int], int]:
    return lambda number: sums[number].members.size


def _around(sums: Sequence[Sum], order: Sequence[int]) -> dict[int, frozenset[int]] | None:
    """Return which later sets hold each set; None where two sets cross."""
    sets = {number: frozenset(sums[number].members.tolist()) for number in order}
    around = {}
    for place, number in enumerate(order):
        holding = [other for other in order[place + 1 :] if sets[number] & sets[other]]
        if not all(sets[number] <= sets[other] for other in holding):
            return None
        around[number] = frozenset(holding)
    return around


def _settled(curves: Columns, limit: Sum, within: Bounds) -> Bounds:
    """Return least and most of a sum's members (m,) once the sum holds too."""
    lo, hi = within
    mine = curves.subset(limit.members)
    if limit.sense != "floor" and int(hi.sum()) > limit.level:
        hi = _filled(mine, (lo, hi), limit.level)
    if limit.sense != "ceiling" and int(lo.sum()) < limit.level:
        if int(hi.sum()) < limit.level:
            raise NoneFits
        lo = _filled(mine, (lo, hi), limit.level)
    return lo, hi


def _settled_at(curves: Columns, limit: Sum, within: Bounds, extra: FloatArray) -> Bounds | None:
    """Return the same where steps cost ``extra`` (m,) besides; None where a floor wants more than is worth that."""
    lo, hi = within
    if limit.sense != "floor" and int(hi.sum()) > limit.level:
        full = priced(curves, (lo, hi), limit.level, extra)
        if full is None:
            return None
        hi = full
    if limit.sense != "ceiling" and int(lo.sum()) < limit.level:
        least = priced(curves, (lo, hi), limit.level, extra)
        if least is None or int(least.sum()) < limit.level:
            return None
        lo = least
    return lo, hi


def _filled(curves: Columns, bounds: Bounds, level: int) -> IntArray:
    lo, hi = bounds
    if int(lo.sum()) > level:
        raise NoneFits
    return integers(fill(curves, lo, hi, level).steps)


def priced(curves: Columns, bounds: Bounds, level: int, extra: FloatArray) -> IntArray | None:
    """Return the best amounts (p,) within ``level`` where each step of a line costs ``extra`` (p,) besides.

    None where the least amounts need more, or no step is worth anything. The price of the money itself is searched as
    in :func:`~allocsim.optimise.concave.dual.fill`; of equal steps the first line's come first.
    """
    lo, hi = bounds
    less, more = lo, best(curves, extra, lo, hi)
    if int(more.sum()) <= level:
        return more
    if int(lo.sum()) > level:
        return None
    top = float((up(curves, lo) - extra)[lo < hi].max())
    if top <= 0:
        return None
    low, high = np.log(top) - 60.0, float(np.log(top))
    excess, lack = float(more.sum() - level), float(lo.sum() - level)
    for turn in range(120):
        by_secant = low + (high - low) * excess / (excess - lack)
        middle = 0.5 * (low + high) if turn % 3 == 2 or lack == 0 or turn == 0 else by_secant
        if not low < middle < high or (more - less).max() <= 1 or int(less.sum()) == level:
            break
        wanted = best(curves, np.exp(middle) + extra, lo, hi)
        over = float(wanted.sum() - level)
        if over > 0:
            more, low, excess, lack = wanted, middle, over, 0.5 * lack
        else:
            less, high, lack, excess = wanted, middle, over, 0.5 * excess
    steps, left = less.copy(), level - int(less.sum())
    slopes = up(curves, steps) - extra
    for line in np.lexsort((np.arange(len(slopes)), -slopes)).tolist():
        given = min(left, int(more[line] - steps[line]))
        steps[line] += given
        left -= given
    return integers(steps)
