"""What each line may have, as intervals: holes that rules leave, rests that rules count, and the bend of an S-curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from allocsim.model.arrays import BoolArray, FloatArray, IntArray, booleans, floats, integers
from allocsim.model.blend import Columns
from allocsim.optimise.limits import Choice, Rows

Interval = tuple[int, int, int, int]
"""Least and most [steps], and the sources that set them (-1 for none)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Menu:
    """The intervals of each line, rising; axis i intervals, p lines.

    Attributes
    ----------
    low, high
        Least and most (i, p) [steps]; where a line has fewer intervals than others, low is above high.
    low_by, high_by
        Index of the source that sets each end (i, p), -1 for none.
    away
        For each rule that counts lines: which intervals of its members count (i, m).
    choices
        These rules.
    convex
        Where the curve of a line steepens throughout its interval (i, p): the foot of an S.
    """

    low: IntArray
    high: IntArray
    low_by: IntArray
    high_by: IntArray
    away: tuple[BoolArray, ...]
    choices: tuple[Choice, ...]
    convex: BoolArray

    @property
    def present(self) -> BoolArray:
        """Tell which intervals there are (i, p)."""
        return booleans(self.low <= self.high)

    @property
    def is_plain(self) -> bool:
        """Tell whether every line has one interval, on which its curve flattens."""
        return len(self.low) == 1 and not self.convex.any()

    def costs(self, multipliers: FloatArray) -> FloatArray:
        """Return what each interval costs by the rules that count lines (i, p), at multipliers of theirs [benefit]."""
        found = np.zeros(self.low.shape)
        for choice, away, multiplier in zip(self.choices, self.away, multipliers.tolist(), strict=True):
            found[:, choice.members] += multiplier * choice.weight * away
        return floats(found)


def plain(lo: IntArray, hi: IntArray) -> Menu:
    """Return the menu of lines (p,) that have one interval each [steps]."""
    nobody = integers(np.full((1, len(lo)), -1))
    return Menu(
        low=integers(lo[None, :]),
        high=integers(hi[None, :]),
        low_by=nobody,
        high_by=nobody,
        away=(),
        choices=(),
        convex=booleans(np.zeros((1, len(lo)))),
    )


def menu(rows: Rows, curves: Columns) -> Menu:
    """Return what each line may have under bounds, holes and rules that count lines, its S-curve cut at the bend.

    No line can have more than all the money there is.
    """
    most = np.minimum(rows.hi, max(rows.available, 0))
    if not (rows.parts or rows.choices or (curves.bend > 0).any()):
        return replace(
            plain(rows.lo, most), low_by=integers(rows.lo_by[None, :]), high_by=integers(rows.hi_by[None, :])
        )
    bends = np.floor(np.minimum(curves.bend, 2.0**52)).astype(np.int64)
    starts = zip(rows.lo.tolist(), most.tolist(), rows.lo_by.tolist(), rows.hi_by.tolist(), strict=True)
    lines: list[list[Interval]] = [[start] for start in starts]
    for parts in rows.parts:
        for line, allowed in zip(parts.project.tolist(), parts.parts, strict=True):
            lines[line] = _among(lines[line], [(low, high, parts.source, parts.source) for low, high in allowed])
    for choice in rows.choices:
        ends = zip(choice.members.tolist(), choice.rest_low.tolist(), choice.rest_high.tolist(), strict=True)
        for line, low, high in ends:
            lines[line] = _cut(_cut(lines[line], low, choice.source), high + 1, choice.source)
    for line in np.flatnonzero(curves.bend > 0).tolist():
        lines[line] = _cut(lines[line], int(bends[line]) + 1, -1)
    return _laid_out(lines, rows.choices, bends, curves)


def _among(line: Sequence[Interval], allowed: Sequence[Interval]) -> list[Interval]:
    """Return what two rising lists of intervals have in common; of equal ends the first list names the source."""
    found = []
    for low, high, low_by, high_by in line:
        for other_low, other_high, other_low_by, other_high_by in allowed:
            least, most = max(low, other_low), min(high, other_high)
            if least <= most:
                by = low_by if low >= other_low else other_low_by
                found.append((least, most, by, high_by if high <= other_high else other_high_by))
    return found


def _cut(line: Sequence[Interval], at: int, source: int) -> list[Interval]:
    """Return intervals cut before ``at``, the new ends set by a source."""
    found = []
    for low, high, low_by, high_by in line:
        if low < at <= high:
            found += [(low, at - 1, low_by, source), (at, high, source, high_by)]
        else:
            found.append((low, high, low_by, high_by))
    return found


def _laid_out(
    lines: Sequence[Sequence[Interval]], choices: tuple[Choice, ...], bends: IntArray, curves: Columns
) -> Menu:
    count = max((len(line) for line in lines), default=1) or 1
    table = np.full((4, count, len(lines)), -1, dtype=np.int64)
    table[0] = 1  # an interval that is not there: from 1 to -1
    for number, line in enumerate(lines):
        if line:
            table[:, : len(line), number] = np.array(line, dtype=np.int64).T
    low, high = table[0], table[1]
    away = tuple(booleans((low[:, c.members] < c.rest_low) | (low[:, c.members] > c.rest_high)) for c in choices)
    return Menu(
        low=integers(low),
        high=integers(high),
        low_by=integers(table[2]),
        high_by=integers(table[3]),
        away=away,
        choices=choices,
        convex=booleans((curves.bend > 0) & (high <= bends) & (low < high)),
    )
