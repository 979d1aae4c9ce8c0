"""Pots: lines whose money is split by a formula are planned as one line, and split again in whole steps."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from allocsim.errors import AllocsimError, Text
from allocsim.model.arrays import FloatArray, IntArray, floats, integers
from allocsim.model.blend import Blend, Columns
from allocsim.model.curve import CurveSet
from allocsim.optimise.limits import FREE, Pot, Rows, Sum

COUNTABLE = 2**61
"""Largest sum of weighted steps that is counted."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pooled:
    """A problem in which each pot is one line, in the place of its first member; axis u such lines, p lines.

    Attributes
    ----------
    curves
        Of the lines and pots (u,): a pot's is the sum of its members', each at its part of the money.
    rows
        Their limits; ``sums`` one for one as before, weighted where a sum holds some lines of a pot only.
    grains
        How many grains of each sum here make a step (or grain) of the sum as it was (m,).
    unit
        Which of them each line belongs to (p,).
    pots
        The pots, in the order of the rules; ``of_pot`` tells where each stands among the u.
    """

    curves: Blend
    rows: Rows
    grains: FloatArray
    unit: IntArray
    pots: tuple[Pot, ...]
    of_pot: tuple[int, ...]

    def split(self, steps: IntArray) -> IntArray:
        """Return amounts of lines (p,) from those of lines and pots (u,), both [steps]."""
        lines = steps[self.unit].copy()
        for pot, at in zip(self.pots, self.of_pot, strict=True):
            lines[pot.members] = apportion(pot, int(steps[at]))
        return integers(lines)

    def spread(self, values: FloatArray) -> FloatArray:
        """Return what belongs to lines (p,) from values of lines and pots (u,): NaN for the lines of a pot."""
        lines = values[self.unit].copy()
        for pot in self.pots:
            lines[pot.members] = np.nan
        return floats(lines)


def apportion(pot: Pot, money: int) -> IntArray:
    """Split whole steps in proportion to the pot's key, the last ones by largest remainders, of equals the first.

    References
    ----------
    Hamilton's method: Balinski, M. L. and Young, H. P. (2001), Fair Representation, chapter 3.
    """
    whole = int(pot.key.sum())
    given = [key * money // whole for key in pot.key.tolist()]
    rest = [key * money % whole for key in pot.key.tolist()]
    for place in sorted(range(len(rest)), key=lambda place: -rest[place])[: money - sum(given)]:
        given[place] += 1
    return integers(given)


def pool(curves: Columns, rows: Rows, *, careful: bool = False) -> Pooled:
    """Return the problem in which each pot is one line.

    Parameters
    ----------
    curves
        Concave curves in steps, parameters (p,).
    rows
        The limits.
    careful
        True where sums that hold some lines of a pot only must leave room for the last steps of its split.

    Raises
    ------
    AllocsimError
        If a sum over some lines of a pot is too large to be counted exactly.
    """
    first = np.arange(len(rows.id))
    for pot in rows.pots:
        first[pot.members] = pot.members.min()
    kept, unit = np.unique(first, return_inverse=True)
    unit = integers(unit.ravel())
    lo, hi, lo_by, hi_by = _bounds(rows, kept, unit)
    sums = [_pooled_sum(limit, rows, unit, careful=careful) for limit in rows.sums]
    return Pooled(
        curves=_blended(curves, rows, unit),
        rows=replace(
            rows,
            id=tuple(rows.id[line] for line in kept.tolist()),
            each=(),
            sums=tuple(limit for limit, _ in sums),
            lo=lo,
            hi=hi,
            lo_by=lo_by,
            hi_by=hi_by,
            last=floats(np.bincount(unit, weights=np.nan_to_num(rows.last))),
            parts=tuple(replace(holes, project=integers(unit[holes.project])) for holes in rows.parts),
            choices=tuple(replace(choice, members=integers(unit[choice.members])) for choice in rows.choices),
            pots=(),
        ),
        grains=floats([common for _, common in sums]),
        unit=unit,
        pots=rows.pots,
        of_pot=tuple(int(unit[pot.members[0]]) for pot in rows.pots),
    )


def _bounds(rows: Rows, kept: IntArray, unit: IntArray) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Return the bounds of lines and pots (u,): a pot's hold every size whose split could keep those of its lines.

    A line's amount is less than a step from its share, so a pot may be less than a step's worth beyond what its lines
    allow at exact parts.
    """
    lo, hi = rows.lo[kept].copy(), rows.hi[kept].copy()
    lo_by, hi_by = rows.lo_by[kept].copy(), rows.hi_by[kept].copy()
    for pot in rows.pots:
        at, whole = int(unit[pot.members[0]]), int(pot.key.sum())
        lows = zip(rows.lo[pot.members].tolist(), pot.key.tolist(), strict=True)
        highs = zip(rows.hi[pot.members].tolist(), pot.key.tolist(), strict=True)
        least = [(low - 1) * whole // key + 1 if low else 0 for low, key in lows]
        most = [min(FREE, -(-(high + 1) * whole // key) - 1) for high, key in highs]
        highest, lowest = int(np.argmax(least)), int(np.argmin(most))
        lo[at], lo_by[at] = least[highest], rows.lo_by[pot.members[highest]]
        hi[at], hi_by[at] = most[lowest], rows.hi_by[pot.members[lowest]]
    return integers(lo), integers(hi), integers(lo_by), integers(hi_by)


def _blended(curves: Columns, rows: Rows, unit: IntArray) -> Blend:
    """Return the curves of lines and pots: a member that gets the part w of a pot has its scale divided by w."""
    part = np.ones(len(unit))
    for pot in rows.pots:
        part[pot.members] = pot.key / int(pot.key.sum())
    members, of = (curves.members, curves.of) if isinstance(curves, Blend) else (curves, np.arange(len(unit)))
    order = np.argsort(unit[of], kind="stable")
    member, line = members.subset(integers(order)), of[order]
    stretched = CurveSet(
        family=member.family,
        value=member.value,
        scale=floats(member.scale / part[line]),
        shape=member.shape,
        points=tuple(
            None if points is None else tuple((x / w, y) for x, y in points)
            for points, w in zip(member.points, part[line].tolist(), strict=True)
        ),
    )
    return Blend(members=stretched, of=integers(unit[line]))


def _pooled_sum(limit: Sum, rows: Rows, unit: IntArray, *, careful: bool) -> tuple[Sum, int]:
    """Return a sum over lines and pots, and how many of its grains make one of the old.

    A pot of which the sum holds every line alike counts like a line. One that the sum cuts through counts by the key's
    part of it, so that all is counted in parts of a step. With ``careful`` the level leaves room for the last steps of
    the split, as many as could fall on one side of the cut.
    """
    weights = limit.weight if limit.weight is not None else np.ones(limit.members.shape, dtype=np.int64)
    weight: dict[int, int] = dict(zip(limit.members.tolist(), weights.tolist(), strict=True))
    cut = [pot for pot in rows.pots if len({weight.get(line, 0) for line in pot.members.tolist()}) > 1]
    common = math.lcm(*(int(pot.key.sum()) for pot in cut))
    part = {
        line: key * (common // int(pot.key.sum()))
        for pot in cut
        for line, key in zip(pot.members.tolist(), pot.key.tolist(), strict=True)
    }
    found: dict[int, int] = {}
    for line, each in weight.items():
        at = int(unit[line])
        found[at] = found.get(at, 0) + each * part[line] if line in part else each * common
    room = sum(_last_steps(pot, weight) for pot in cut) if careful else 0
    level = (limit.level + {"floor": room, "ceiling": -room, "fix": 0}[limit.sense]) * common
    if max(found.values(), default=0) * max(1, rows.available) > COUNTABLE or abs(level) > COUNTABLE:
        raise AllocsimError(_too_fine(rows.name(limit.source)))
    members = sorted(found)
    plain = limit.weight is None and common == 1
    pooled = replace(
        limit,
        members=integers(members),
        level=level,
        weight=None if plain else integers([found[at] for at in members]),
        penalty=None if limit.penalty is None else limit.penalty / common,
    )
    return pooled, common


def _last_steps(pot: Pot, weight: dict[int, int]) -> int:
    """Return what the last steps of a pot's split, one a line at most, can add to or take from a sum."""
    counted = [weight.get(line, 0) for line in pot.members.tolist()]
    return min(sum(each - min(counted) for each in counted), sum(max(counted) - each for each in counted))


def _too_fine(name: str) -> Text:
    return Text(
        f"'{name}' holds some lines of a pot whose parts are too fine to be counted: use a coarser money_step",
        f"“{name}”只含资金池中的部分项目，其份额过细，无法精确计数：请加大 money_step",
    )
