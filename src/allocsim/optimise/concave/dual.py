"""The exact dual: nested ceilings solved by one price each, without any solver; the linear program's witness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from allocsim.model.arrays import BoolArray, FloatArray, IntArray
from allocsim.model.blend import Columns
from allocsim.optimise.grid import best, up

NEAR = 0.01
"""Steps a line, on average, to which smooth demand meets a level before whole amounts are looked at."""
TURNS, TRIES = 24, 6
"""Prices tried on smooth demand at most, then on whole amounts, before prices are halved instead."""
MOST = 512
"""Steps that are given one by one at most."""
CHEAPEST, DEAREST = -744.0, 709.0
"""Logarithms of prices lie between these, their exponentials being numbers above zero."""


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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Sets:
    """Lines in disjoint sets: the set of each (p,), and what each set may have (g,) [steps]."""

    of: IntArray
    level: IntArray

    def sums(self, x: FloatArray | IntArray) -> FloatArray:
        """Return the sum over each set (g,); exact for whole numbers up to 2^53."""
        return np.asarray(np.bincount(self.of, weights=x, minlength=len(self.level)), dtype=np.float64)


def split(curves: Columns, lo: IntArray, hi: IntArray, caps: Sequence[Cap]) -> Split:
    """Maximise the sum of f_p(x_p) over whole steps under bounds and nested caps, exactly.

    Caps that are nested or disjoint (departments, their groups, the total) form a tree. The greedy order, steepest
    step first, is optimal under such a tree, and greedy inside a cap does not depend on what is outside it: so the
    caps are filled from the innermost to the outermost, and what a cap gave each line is the line's ceiling in the
    next one. Filling a cap is a search for the price at which its lines, each by its own curve, want no more than
    there is; caps that share no lines are filled side by side. Steps of equal slope are given in the order of the
    lines.

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
    prices, ceiling = np.zeros(len(caps)), np.array(hi, dtype=np.int64)
    for beside in _rounds(caps, len(lo)):
        of = np.full(len(lo), -1, dtype=np.int64)
        for place, number in enumerate(beside):
            of[caps[number].members] = place
        lines = np.flatnonzero(of >= 0)
        own = curves if lines.size == len(lo) else curves.subset(lines)
        sets = _Sets(of=of[lines], level=np.array([caps[number].level for number in beside], dtype=np.int64))
        ceiling[lines], prices[beside] = _filled(own, lo[lines], ceiling[lines], sets)
    return Split(steps=ceiling, prices=prices)


def fill(curves: Columns, lo: IntArray, hi: IntArray, level: int) -> Split:
    """Split at most ``level`` steps over lines with bounds: the best whole amounts, and the price [benefit per step].

    Raises
    ------
    ValueError
        If the lower bounds alone exceed the level.
    """
    sets = _Sets(of=np.zeros(len(lo), dtype=np.int64), level=np.array([level], dtype=np.int64))
    steps, prices = _filled(curves, lo, hi, sets)
    return Split(steps=steps, prices=prices)


def _rounds(caps: Sequence[Cap], count: int) -> list[list[int]]:
    """Return the numbers of the caps in rounds: those of a round share no lines, and come after all within them."""
    size, height = [cap.members.size for cap in caps], np.zeros(len(caps), dtype=np.int64)
    widest = np.full(count, -1, dtype=np.int64)
    for number in sorted(range(len(caps)), key=lambda number: (size[number], caps[number].level)):
        lines = caps[number].members
        within, met = np.unique(widest[lines], return_counts=True)
        for inner, shared in zip(within.tolist(), met.tolist(), strict=True):
            if inner >= 0 and shared < size[inner]:
                raise ValueError("two caps cross: each holds lines that the other does not")
            height[number] = max(height[number], height[inner] + 1 if inner >= 0 else 0)
        widest[lines] = number
    return [np.flatnonzero(height == level).tolist() for level in range(int(height.max(initial=-1)) + 1)]


def _filled(curves: Columns, lo: IntArray, hi: IntArray, sets: _Sets) -> tuple[IntArray, FloatArray]:
    """Fill each set to its level: whole amounts (p,) and prices (g,).

    At the prices of :func:`_wanted` each set wants a little less than its level; what is left goes to the steepest
    steps above that. Sets for which this finds no end are filled by :func:`_halved`.
    """
    least = sets.sums(lo)
    if (least > sets.level).any():
        short = int(np.argmax(least > sets.level))
        raise ValueError(f"the lower bounds need {int(least[short])} steps, {sets.level[short]} are there")
    tight = sets.sums(hi) > sets.level
    if not tight.any():
        return hi.copy(), np.zeros(len(tight))
    sought = tight & (least < sets.level)
    lo, most = np.where(tight[sets.of], lo, hi), np.where((tight & ~sought)[sets.of], lo, hi)
    steps, prices, found = _wanted(curves, lo, most, sets)
    steps, last, found = _given(curves, most, sets, steps, found & sought)
    prices = np.where(np.isfinite(last), last, prices)
    for number in np.flatnonzero(tight & ~found).tolist():
        lines = np.flatnonzero(sets.of == number)
        steps[lines], prices[number] = _halved(curves.subset(lines), lo[lines], hi[lines], int(sets.level[number]))
    return steps, np.where(tight, prices, 0.0)


def _wanted(curves: Columns, lo: IntArray, hi: IntArray, sets: _Sets) -> tuple[IntArray, FloatArray, BoolArray]:
    """Return what lines want (p,) at prices (g,) at which each set wants a little less than its level, and where found.

    Whole amounts are off the smooth ones by less than a step, up or down, so that their sum is off by some half of the
    square root of their number.
    """
    log_price, rate, near = _smooth(curves, lo, hi, sets)
    margin = 1.0 + 0.5 * np.sqrt(np.bincount(sets.of, minlength=len(near)))
    log_price = np.minimum(log_price + margin / rate, DEAREST)
    steps, found = lo.copy(), ~near
    for turn in range(1, TRIES + 1):
        wanted = best(curves, np.exp(log_price)[sets.of], lo, hi)
        over = sets.sums(wanted) - sets.level
        now = ~found & (over <= 0)
        steps[now[sets.of]], found = wanted[now[sets.of]], found | now
        if found.all():
            break
        higher = np.minimum(log_price + (over + margin * 2.0**turn) / rate, DEAREST)
        log_price = np.where(found, log_price, higher)
    return steps, np.exp(log_price), found & near


def _smooth(curves: Columns, lo: IntArray, hi: IntArray, sets: _Sets) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return log prices (g,) at which smooth demand meets the levels, how fast it falls there [steps], and where met.

    The price lies between the slopes of the lines where each has the same share of its room; the middle one of these
    is tried first. From there secants of the logarithm of demand, which is not far from straight in that of the price,
    and halves where these leave what is known.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.nan_to_num((sets.level - sets.sums(lo)) / sets.sums(hi - lo))
        slopes = np.clip(np.log(curves.slope(lo + (hi - lo) * share[sets.of])), CHEAPEST, DEAREST)
    bottom, price, top, count = _ranked(slopes, sets, hi > lo)
    level, fall = np.maximum(sets.level, 0.5), np.ones(len(count))
    before, over_before = np.full((2, len(count)), np.nan)
    near = count == 0
    for _ in range(TURNS):
        demand = np.minimum(np.fmax(curves.spending_at(np.exp(price)[sets.of]), lo), hi)
        total = sets.sums(demand)
        over = np.log(np.maximum(total, 0.5) / level)
        with np.errstate(divide="ignore", invalid="ignore"):
            secant = (over - over_before) / (before - price)
        fall = np.where(np.isfinite(secant) & (secant > 0), secant, fall)
        near |= np.abs(total - sets.level) <= NEAR * count + 1.0
        if near.all():
            break
        bottom, top = np.where(over > 0, price, bottom), np.where(over > 0, top, price)
        following = price + over / fall
        following = np.where((bottom < following) & (following < top), following, 0.5 * (bottom + top))
        before, over_before, price = price, over, np.where(near, price, following)
    rate = fall * np.maximum(total, 0.5)
    return price + (total - sets.level) / rate, rate, near


def _ranked(values: FloatArray, sets: _Sets, counted: BoolArray) -> tuple[FloatArray, FloatArray, FloatArray, IntArray]:
    """Return the least, the middle and the greatest of each set's values, and the number counted, all (g,)."""
    lines = np.flatnonzero(counted)
    order = lines[np.lexsort((values[lines], sets.of[lines]))]
    count = np.bincount(sets.of[lines], minlength=len(sets.level))
    first = np.cumsum(count) - count
    ranked = np.append(values[order], 0.0)
    return ranked[first], ranked[first + count // 2], ranked[first + np.maximum(count - 1, 0)], count


def _given(
    curves: Columns, hi: IntArray, sets: _Sets, steps: IntArray, found: BoolArray
) -> tuple[IntArray, FloatArray, BoolArray]:
    """Give each set found the rest of its level, to the steepest steps above ``steps``.

    Two steps of each line are looked at; where a line was given both, so many as there are to give, of the lines that
    were given any: no other can have a steeper one. Returns amounts (p,), the slope of the last step given in each
    set (g,), NaN where there was none, and where all is given.
    """
    left = np.where(found, sets.level - sets.sums(steps), 0).astype(np.int64)
    given, last, sure = _steepest(curves, hi - steps, sets, steps, left, 2)
    if (left[~sure] > MOST).any() or sure.all():
        return steps + given, last, found & sure
    lines = np.flatnonzero((given > 0) & ~sure[sets.of])
    among = _Sets(of=sets.of[lines], level=sets.level)
    wanting = np.where(sure, 0, left)
    more, deeper, _ = _steepest(curves.subset(lines), (hi - steps)[lines], among, steps[lines], wanting, left.max())
    given[lines] = more
    return steps + given, np.where(sure, last, deeper), found


def _steepest(
    curves: Columns, room: IntArray, sets: _Sets, steps: IntArray, left: IntArray, depth: int
) -> tuple[IntArray, FloatArray, BoolArray]:
    """Return how many of the ``left`` steepest steps of each set are each line's, looking at ``depth`` steps of it.

    Of equal steps the first line's are taken. Returns the numbers (p,), the slope of the last one taken (g,), NaN
    where there is none, and whether deeper looks can change nothing (g,).
    """
    above = [np.where(at < room, up(curves, steps + np.minimum(at, room)), -np.inf) for at in range(depth)]
    slopes, of = np.stack(above, axis=1).ravel(), np.repeat(sets.of, depth)
    there = np.flatnonzero((slopes > -np.inf) & (left > 0)[of])
    order = there[np.lexsort((-slopes[there], of[there]))]
    count = np.bincount(of[there], minlength=len(left))
    first, given = np.cumsum(count) - count, np.minimum(left, count)
    taken = order[np.arange(order.size) - np.repeat(first, count) < np.repeat(left, count)]
    number, last, some = np.bincount(taken // depth, minlength=len(steps)), np.full(len(left), np.nan), given > 0
    last[some] = slopes[order[(first + given - 1)[some]]]
    full = np.bincount(sets.of, weights=(number == depth) & (depth < room), minlength=len(left)) > 0
    return number, last, (given == left) & ~full


def _halved(curves: Columns, lo: IntArray, hi: IntArray, level: int) -> tuple[IntArray, float]:
    """Fill one set whatever its curves: a search brackets the price until no line has more than a step between.

    Or until all that is left has one slope: it is given line by line, the steepest first. Regula falsi (Illinois) on
    the logarithm of the price, a bisection every third time; at the latest it ends where the prices are neighbouring
    floats (lines of constant slope).
    """
    steepest = float(up(curves, lo).max())
    bottom, top = CHEAPEST - 1.0, float(np.log(steepest)) if steepest > 0 else CHEAPEST
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
    steps, left = less.copy(), level - int(less.sum())
    slopes = up(curves, steps)
    for line in np.lexsort((np.arange(len(slopes)), -slopes)).tolist():
        given = min(left, int(more[line] - steps[line]))
        if given:
            price = float(slopes[line])
        steps[line] += given
        left -= given
    return steps, price
