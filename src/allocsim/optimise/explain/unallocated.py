"""Money that no rule lets out: which rules keep it in, and how much goes out once each is lifted alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from allocsim.model.arrays import IntArray, integers
from allocsim.model.margin import Keeps
from allocsim.optimise.compile.rows import tightest
from allocsim.optimise.concave.refine import NoneFits
from allocsim.optimise.limits import FREE, Rows, Sum

MOST, FEW = 24, 6
"""Rules that are lifted in turn: in all, and where every plan anew takes a search."""


def unallocated_by(rows: Rows, steps: IntArray, again: Callable[[Rows], IntArray]) -> tuple[Keeps, ...]:
    """Return the rules that keep unallocated money in, those that keep most first; none where all is allocated.

    Each rule that stands at its number is lifted alone, its floors kept, and the budget planned anew: what goes out
    then is what it keeps. Where lines choose or share pots, rules with too little room for what a line needs keep money
    in as well: those with least room are lifted after those at their number, as many as there are tries. Where several
    rules stand in each other's way none of them may let anything out alone; they are named all the same, without an
    amount.

    Parameters
    ----------
    rows
        The limits.
    steps
        The plan (p,) [steps].
    again
        Plans anew under other limits.
    """
    left = rows.available - int(steps.sum())
    if left <= 0:
        return ()
    found = []
    most = MOST if rows.is_convex else FEW
    room = _room(rows, steps)
    for source in sorted(room, key=lambda each: (room[each], each))[:most]:
        try:
            out = min(left, int(again(without(rows, source)).sum()) - int(steps.sum()))
        except NoneFits:
            continue
        found.append((max(out, 0), source))
    found.sort(key=lambda each: -each[0])
    alone = [Keeps(rule=rows.name(source), keeps=rows.step.money(out)) for out, source in found if out > 0]
    stuck = [source for _, source in found if not math.isfinite(room[source]) or room[source] <= 0]
    return tuple(alone) or tuple(Keeps(rule=rows.name(source), keeps=None) for source in stuck)


def without(rows: Rows, source: int) -> Rows:
    """Return the limits without what one source keeps lines from getting; what it makes them get stays."""
    each = tuple(
        replace(limit, high=integers(np.full(limit.high.shape, FREE))) if limit.source == source else limit
        for limit in rows.each
    )
    sums = [
        replace(limit, sense="floor") if limit.source == source and limit.sense == "fix" else limit
        for limit in rows.sums
        if limit.source != source or limit.sense != "ceiling"
    ]
    lo, hi, lo_by, hi_by = tightest(each, len(rows.id), max(rows.available, 0) + 1)
    return replace(
        rows,
        each=each,
        sums=tuple(sums),
        parts=tuple(holes for holes in rows.parts if holes.source != source),
        choices=tuple(choice for choice in rows.choices if choice.source != source),
        pots=tuple(pot for pot in rows.pots if pot.source != source),
        lo=lo,
        hi=hi,
        lo_by=lo_by,
        hi_by=hi_by,
    )


def _room(rows: Rows, steps: IntArray) -> dict[int, float]:
    """Return what could keep lines from more, the total and the reserve apart, and how much room each has.

    Room is a share of the number, 0 where a rule stands at it: no line that could rise has a step left there. A rule
    that has none to tell, a hole or a formula, comes after all that do.
    """
    room: dict[int, float] = {}
    for own in rows.each:
        if (steps[own.project] >= own.high).any():
            room[own.source] = 0.0
    for limit in rows.sums[1:]:
        share = _share_left(limit, rows, steps) if limit.sense != "floor" else math.inf
        if share <= 0 or (not rows.is_convex and math.isfinite(share)):
            room[limit.source] = min(share, room.get(limit.source, math.inf))
    for choice in rows.choices:
        share = (choice.level - choice.activity(steps)) / max(1, choice.level)
        room[choice.source] = min(max(0.0, share), room.get(choice.source, math.inf))
    for kind in (rows.parts, rows.pots):
        for each in kind:
            room.setdefault(each.source, math.inf)
    return room


def _share_left(limit: Sum, rows: Rows, steps: IntArray) -> float:
    """Return the room of a sum as a share of its level; 0 where it is used up, infinite where it keeps no line in."""
    weight = limit.coefficients[steps[limit.members] < rows.hi[limit.members]]
    if not (weight > 0).any():
        return math.inf
    slack = limit.slack(steps)
    return 0.0 if slack < weight[weight > 0].min() else slack / max(1, abs(limit.level))
