"""Blends: one curve a line that is the sum of several, as risk over curve draws and pots of several lines need."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from allocsim.model.arrays import FloatArray, IntArray, floats, integers
from allocsim.model.curve import CurveSet, Points

ROUNDS = 60
FAR = 2.0**53
"""Spending beyond which nothing is looked for [money]."""
NEAR = 2.0**-1000
"""Spending below which nothing is looked for [money]."""
CLOSE = 1e-13
"""Relative width at which the spending that meets a slope counts as found."""
SAME = 1e-13
"""Difference of logarithms up to which two slopes are the same."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Blend:
    """Concave curves of lines, each the sum of its members; axis n members in the order of their lines, p lines.

    Attributes
    ----------
    members
        Concave members, parameters (n,); weights are part of their ``value``.
    of
        The line of each member (n,), not falling; every line has one at least.
    """

    members: CurveSet
    of: IntArray
    count: int = field(init=False)
    first: IntArray = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "count", int(self.of[-1]) + 1 if self.of.size else 0)
        object.__setattr__(self, "first", integers(np.searchsorted(self.of, np.arange(self.count))))

    @property
    def family(self) -> tuple[str, ...]:
        """Name of each line's family (p,): that of its members, ``blend`` where they differ."""
        names = np.array(self.members.family, dtype=object)
        ends = [*self.first[1:].tolist(), len(names)]
        each = (set(names[a:b].tolist()) for a, b in zip(self.first.tolist(), ends, strict=True))
        return tuple(kinds.pop() if len(kinds) == 1 else "blend" for kinds in each)

    @property
    def bend(self) -> FloatArray:
        """Nothing bends upwards in a blend (p,)."""
        return floats(np.zeros(self.count))

    @property
    def points(self) -> tuple[Points | None, ...]:
        """Corners of lines whose members are all piecewise (p,), those of all members together; else None."""
        ends = [*self.first[1:].tolist(), len(self.of)]
        return tuple(
            self._corners(line, [points for points in self.members.points[a:b] if points is not None], b - a)
            for line, (a, b) in enumerate(zip(self.first.tolist(), ends, strict=True))
        )

    def benefit(self, x: FloatArray) -> FloatArray:
        """Return B(x) for spending ``x`` (p,) [money]."""
        return self._sum(self.members.benefit(x[self.of]))

    def slope(self, x: FloatArray) -> FloatArray:
        """Return B'(x) for spending ``x`` (p,) [benefit per money]; at a corner, the slope to the right."""
        return self._sum(self.members.slope(x[self.of]))

    def rise(self, x: FloatArray, step: float | FloatArray) -> FloatArray:
        """Return (B(x + step) - B(x)) / step without cancellation; ``x`` (p,), ``step`` one or (p,) [money]."""
        wide = np.broadcast_to(np.asarray(step, dtype=np.float64), np.shape(x))
        return self._sum(self.members.rise(x[self.of], wide[self.of]))

    def spending_at(self, slope: FloatArray) -> FloatArray:
        """Return the spending at which B' falls to ``slope`` (p,) [money]; 0 where it is flatter from the start.

        A sum of n falling slopes is at least ``slope`` as long as each of them is a share 1/n of it, and at most
        ``slope`` once none of them is. Between these two, secants of ln B' over ln x from the mean of the members' own
        spendings, a bisection every fourth time.
        """
        wanted = np.broadcast_to(np.asarray(slope, dtype=np.float64), self.first.shape)
        number = np.diff(np.append(self.first, len(self.of)))
        alone = np.minimum(self.members.spending_at((wanted / number)[self.of]), FAR)
        low, high = np.minimum.reduceat(alone, self.first), np.maximum.reduceat(alone, self.first)
        if (low == high).all():
            return low
        least, at = low, np.clip(self._sum(alone) / number, low, high)
        over_before, over = self._excess(least, wanted), self._excess(at, wanted)
        none, before = over_before <= 0, np.maximum(least, NEAR)
        low, high = np.where(over > 0, at, before), np.where(over < 0, at, high)
        for turn in range(ROUNDS):
            open_ = ~none & (np.abs(over) > SAME) & (high - low > CLOSE * high)
            if not open_.any():
                break
            with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
                aim = at * np.exp(-over * np.log(at / before) / (over - over_before))
            aim = np.where((low < aim) & (aim < high) & (turn % 4 < 3), aim, np.sqrt(low) * np.sqrt(high))
            before, over_before = np.where(open_, at, before), np.where(open_, over, over_before)
            at = np.where(open_, aim, at)
            over = np.where(open_, self._excess(at, wanted), over)
            high, low = np.where(open_ & (over < 0), at, high), np.where(open_ & (over > 0), at, low)
        return np.where(none, least, np.where(over > SAME, high, at))

    def thinned(self, most: int) -> Blend:
        """Return blends of at most so many members a line, evenly chosen and scaled up: near these, but quicker."""
        ends = np.append(self.first, len(self.of))
        number = np.diff(ends)[self.of]
        place = np.arange(len(self.of)) - self.first[self.of]
        stride = -(-number // most)
        kept = np.flatnonzero(place % stride == 0)
        line, value = self.of[kept], self.members.value
        share = np.add.reduceat(value, self.first) / np.bincount(line, weights=value[kept], minlength=self.count)
        members = self.members.subset(integers(kept))
        return Blend(
            members=CurveSet(
                family=members.family,
                value=floats(members.value * share[line]),
                scale=members.scale,
                shape=members.shape,
                points=tuple(
                    None if each is None else tuple((x, y * float(factor)) for x, y in each)
                    for each, factor in zip(members.points, share[line], strict=True)
                ),
            ),
            of=integers(line),
        )

    def _excess(self, x: FloatArray, wanted: FloatArray) -> FloatArray:
        """Return ln B'(x) - ln wanted (p,), infinite where B' is."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.clip(np.log(self.slope(x)) - np.log(wanted), -1e3, 1e3), dtype=np.float64)

    def subset(self, lines: IntArray) -> Blend:
        """Return the blends of some lines."""
        ends = np.append(self.first, len(self.of))
        kept = [np.arange(ends[line], ends[line + 1]) for line in lines.tolist()]
        new = np.repeat(np.arange(len(kept)), [each.size for each in kept])
        chosen = np.concatenate(kept) if kept else np.zeros(0, dtype=np.int64)
        return Blend(members=self.members.subset(integers(chosen)), of=integers(new))

    def _corners(self, line: int, members: list[Points], count: int) -> Points | None:
        """Return the corners of a line from nothing on; None unless all its members have corners."""
        if len(members) < count:
            return None
        lines, heights = np.zeros(self.count), []
        at = sorted({x for points in members for x, _ in points})
        for x in at:
            lines[line] = x
            heights.append(float(self.benefit(lines)[line]))
        return tuple(zip(at, heights, strict=True))

    def _sum(self, values: FloatArray) -> FloatArray:
        return np.asarray(np.add.reduceat(values, self.first), dtype=np.float64) if self.count else floats([])


Columns = CurveSet | Blend
"""What a plan is made on: one concave curve a line, of one family or blended."""
