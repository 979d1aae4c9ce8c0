"""Spans: the intervals of a menu, one after another, to be dropped, narrowed and split as a search goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from allocsim.model.arrays import BoolArray, FloatArray, IntArray, booleans, floats, integers
from allocsim.model.blend import Columns
from allocsim.optimise.choice.menu import Menu
from allocsim.optimise.limits import Choice, Rows


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spans:
    """Intervals in which lines may have an amount; axis s, line by line and rising within a line.

    Attributes
    ----------
    line
        The line of each (s,).
    low, high
        Least and most whole amount (s,) [steps].
    low_by, high_by
        Index of the source that sets each end (s,), -1 for none.
    left, right
        Least and most money, whole or not, that is still looked at (s,) [steps]. At the bend of an S-curve two spans
        meet between whole steps; a search that knows where no better plan can be draws them in.
    convex
        Where the curve steepens throughout (s,): the foot of an S.
    """

    line: IntArray
    low: IntArray
    high: IntArray
    low_by: IntArray
    high_by: IntArray
    left: FloatArray
    right: FloatArray
    convex: BoolArray

    @property
    def least(self) -> IntArray:
        """Least whole amount still looked at (s,) [steps]."""
        return integers(np.maximum(self.low, np.ceil(self.left)))

    @property
    def most(self) -> IntArray:
        """Most whole amount still looked at (s,) [steps]."""
        return integers(np.minimum(self.high, np.floor(self.right)))

    @property
    def long_foot(self) -> BoolArray:
        """Tell where a curve steepens over more than one step (s,): only there are whole amounts not concave."""
        return booleans(self.convex & (self.high > self.low + 1))

    @property
    def alone(self) -> BoolArray:
        """Tell which spans are the only ones of their line (s,)."""
        return booleans(np.bincount(self.line)[self.line] == 1)

    def where(self, kept: BoolArray) -> Spans:
        """Return some of the spans."""
        return Spans(**{each.name: getattr(self, each.name)[kept] for each in fields(self)})

    def drawn_in(self, left: FloatArray, right: FloatArray) -> Spans:
        """Return the spans with only the money between ``left`` and ``right`` (s,) still looked at."""
        return replace(self, left=floats(np.maximum(self.left, left)), right=floats(np.minimum(self.right, right)))

    def holding(self, x: FloatArray) -> IntArray:
        """Return for each line the first span within whose whole ends its amount (p,) lies."""
        inside = (self.low <= x[self.line]) & (x[self.line] <= self.high)
        first = np.zeros(len(x), dtype=np.int64)
        first[self.line[inside][::-1]] = np.flatnonzero(inside)[::-1]
        return first

    def split(self, cuts: Mapping[int, Sequence[int]]) -> Spans:
        """Return the spans, some cut in parts.

        Parameters
        ----------
        cuts
            Span -> rising whole amounts with which its parts end, all below its most. Money between two whole amounts
            goes with the part above.
        """
        parts = [self.where(booleans(~np.isin(np.arange(len(self.line)), list(cuts))))]
        for span, at in cuts.items():
            own, count = self.where(booleans(np.arange(len(self.line)) == span)), len(at) + 1
            whole = replace(own, **{each.name: np.repeat(getattr(own, each.name), count) for each in fields(own)})
            low, high, left, right = (np.array(end) for end in (whole.low, whole.high, whole.left, whole.right))
            low_by, high_by = np.array(whole.low_by), np.array(whole.high_by)
            high[:-1], right[:-1], high_by[:-1] = at, np.minimum(at, right[:-1]), -1
            low[1:], left[1:], low_by[1:] = np.array(at) + 1, np.maximum(at, left[1:]), -1
            cut = replace(
                whole,
                low=integers(low),
                high=integers(high),
                low_by=integers(low_by),
                high_by=integers(high_by),
                left=floats(left),
                right=floats(right),
            )
            parts.append(cut.where(booleans(left <= right)))
        joined = {each.name: np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(self)}
        order = np.lexsort((joined["low"], joined["line"]))
        return Spans(**{name: values[order] for name, values in joined.items()})


def spans(offered: Menu, curves: Columns) -> Spans:
    """Lay out a menu; where a line is cut at the bend of its S-curve, its two spans meet at the bend."""
    line, number = np.nonzero(offered.present.T)
    low, high = offered.low[number, line], offered.high[number, line]
    left, right = low.astype(np.float64), high.astype(np.float64)
    bend = curves.bend[line]
    meets = np.zeros(len(line), dtype=np.bool_)
    if len(line) > 1:
        meets[:-1] = (line[1:] == line[:-1]) & (low[1:] == high[:-1] + 1) & (bend[:-1] > 0)
        meets[:-1] &= (high[:-1] <= bend[:-1]) & (bend[:-1] <= low[1:])
    right[meets] = bend[meets]
    left[1:][meets[:-1]] = bend[:-1][meets[:-1]]
    return Spans(
        line=integers(line),
        low=integers(low),
        high=integers(high),
        low_by=integers(offered.low_by[number, line]),
        high_by=integers(offered.high_by[number, line]),
        left=floats(left),
        right=floats(right),
        convex=booleans((bend > 0) & (high <= bend) & (left < right)),
    )


def away(found: Spans, choice: Choice) -> tuple[IntArray, FloatArray]:
    """Return the spans that a rule counts, because a line in them is not at rest, and what each counts."""
    place = np.full(int(max(found.line.max(initial=-1), choice.members.max(initial=-1))) + 1, -1, dtype=np.int64)
    place[choice.members] = np.arange(choice.members.size)
    at = place[found.line]
    counted = (at >= 0) & ((found.low < choice.rest_low[at]) | (found.low > choice.rest_high[at]))
    return integers(np.flatnonzero(counted)), floats(choice.weight[at[counted]])


def held_in(rows: Rows, found: Spans, pick: IntArray, x: FloatArray) -> Rows:
    """Return limits without holes or counting: every line bounded by its span, one in the foot of an S at its amount.

    Parameters
    ----------
    rows
        The limits.
    found
        The spans.
    pick
        Number of a span of each line (p,).
    x
        Amounts (p,) [steps]: where a curve steepens over its span no prices can find the best amount there. Where a
        span was cut the amount may be the end of the part below.
    """
    low, high, foot = found.low[pick], found.high[pick], found.long_foot[pick]
    at = np.clip(np.rint(x), np.ceil(found.left[pick]), np.floor(found.right[pick])).astype(np.int64)
    return replace(
        rows,
        lo=integers(np.where(foot, at, low)),
        hi=integers(np.where(foot, at, high)),
        lo_by=integers(found.low_by[pick]),
        hi_by=integers(found.high_by[pick]),
        parts=(),
        choices=(),
    )


def cuts_around(low: int, high: int, at: float) -> list[int]:
    """Return where to cut a span whose amount is ``at`` inside it: there, and an eighth of its length either side."""
    middle, reach = round(at), max(1, (high - low) // 8)
    ends = {middle - reach, middle - 1, middle, middle + reach}
    return sorted(end for end in ends if low <= end < high)
