"""Money that no rule lets out: which rules keep it in, and how much goes out once each is lifted alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from allocsim.model.arrays import IntArray, integers
from allocsim.model.margin import Keeps
from allocsim.optimise.compile.rows import tightest
from allocsim.optimise.concave.refine import NoneFits
from allocsim.optimise.limits import FREE, Rows

MOST, FEW = 24, 6
"""Rules that are lifted in turn: in all, and where every plan anew takes a search."""


def unallocated_by(rows: Rows, steps: IntArray, again: Callable[[Rows], IntArray]) -> tuple[Keeps, ...]:
    """Return the rules that keep unallocated money in, those that keep most first; none where all is allocated.

    Each rule that stands at its number is lifted alone, its floors kept, and the budget planned anew: what goes out
    then is what it keeps. Where several rules stand in each other's way none of them may let anything out alone; they
    are named all the same, without an amount.

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
    for source in _standing(rows, steps)[:most]:
        try:
            out = min(left, int(again(without(rows, source)).sum()) - int(steps.sum()))
        except NoneFits:
            continue
        found.append((max(out, 0), source))
    found.sort(key=lambda each: -each[0])
    alone = [Keeps(rule=rows.name(source), keeps=rows.step.money(out)) for out, source in found if out > 0]
    return tuple(alone) or tuple(Keeps(rule=rows.name(source), keeps=None) for _, source in found)


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


def _standing(rows: Rows, steps: IntArray) -> list[int]:
    """Return the sources that stand at a number which keeps lines from more, the total and the reserve apart."""
    at_most = {limit.source for limit in rows.each if (steps[limit.project] >= limit.high).any()}
    full = {s.source for s in rows.sums[1:] if s.sense != "floor" and s.members.size and s.slack(steps) <= 0}
    counting = {each.source for kind in (rows.parts, rows.choices, rows.pots) for each in kind}
    return sorted(at_most | full | counting)
