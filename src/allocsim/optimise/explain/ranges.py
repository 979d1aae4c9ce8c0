"""How far prices reach: the numbers of a limit between which what one step more brings stays nearly the same.

Let V(n) be what the best plan brings with a limit at n, and say V is concave, as it is under convex limits. A plan in
which a price c a step stands in the limit's stead maximises V(n) - c n, and so comes out where V's steps fall to c. So
each end of a range takes one plan, at 0.9 or at 1.1 times the price: nothing is searched.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from allocsim.model.blend import Columns
from allocsim.model.margin import PriceRange
from allocsim.optimise.allocate import allocate
from allocsim.optimise.concave.nest import Nest, farthest
from allocsim.optimise.concave.refine import NoneFits
from allocsim.optimise.effort import Effort
from allocsim.optimise.explain.prices import Prices
from allocsim.optimise.limits import Rows, Sense
from allocsim.optimise.sweep import at_total

WITHIN = 0.1
"""Share of a price by which it may differ and still count as the same."""
EVEN = 1e-9
"""Share of a price below which two prices count as equal."""
PLANS = 24
"""Linear programs solved for all ranges together, where no other budget is given."""


class Spent(Exception):  # noqa: N818 - it reads as what it is
    """As many programs were solved as may be."""


def price_ranges(
    curves: Columns, rows: Rows, worth: Prices, *, nested: Nest | None, plans: int = PLANS
) -> tuple[PriceRange, ...]:
    """Return the ranges of the total, the reserve and every sum that is used up and has a price.

    A range holds the numbers at which one step more changes the benefit by what it does now, within 10 %, both
    planned anew; whole steps that crossing sets of lines make may bend V a little. Where sums nest every end is found
    by prices alone. Else it takes a plan by linear programs, the dearest sums first, until ``plans`` are made. Limits
    that leave holes, count lines or weigh steps have no range.

    Parameters
    ----------
    curves
        Curves in steps, parameters (p,).
    rows
        The limits.
    worth
        Prices of an optimal plan under them.
    nested
        The limits as a nest where sums nest.
    plans
        How many plans may be made by linear programs.
    """
    if not rows.is_convex or (curves.bend > 0).any():
        return ()
    used = [n for n in worth.region.tight if n and rows.sums[n].is_plain]
    dearest = sorted(used, key=lambda n: -max(abs(price or 0.0) for price in worth.of_sum(n)))
    found: list[PriceRange] = []
    activity = _activity(curves, rows, nested, [plans])
    try:
        if 0 in worth.region.tight:
            found += _of_money(rows, worth, activity)
        for number in dearest:
            found += _of_sum(rows, worth, number, activity)
    except Spent:
        pass
    return tuple(found)


Activity = Callable[[int, float], int | None]
"""(sum, price) -> what its lines get together where the price stands in its stead [steps]; None where none fits."""


def _of_money(rows: Rows, worth: Prices, activity: Activity) -> list[PriceRange]:
    """Return the ranges of the total and of the reserve, which is the same money seen from the other side."""
    gained, lost = worth.of_sum(0)
    told = []
    ends = _ends(activity, 0, gained)
    if ends is not None:
        low, high = (end + rows.reserve for end in ends)
        most = None if high >= farthest(rows) - 1 else rows.step.money(high)
        told.append(PriceRange(rule=rows.name(rows.sums[0].source), row="", low=rows.step.money(low), high=most))
    ends = _ends(activity, 0, None if lost is None else -lost) if rows.reserve else None
    if ends is not None:
        named = next(source.name for source in rows.sources if source.standing == "reserve")
        low, high = (rows.total - 1 - end for end in reversed(ends))
        told.append(PriceRange(rule=named, row="", low=rows.step.money(max(0, low)), high=rows.step.money(high)))
    return told


def _of_sum(rows: Rows, worth: Prices, number: int, activity: Activity) -> list[PriceRange]:
    ends = _ends(activity, number, worth.of_sum(number)[0])
    if ends is None:
        return []
    limit = rows.sums[number]
    low, high = (rows.step.money(end) for end in ends)
    return [PriceRange(rule=rows.name(limit.source), row=limit.label, low=low, high=high)]


def _ends(activity: Activity, number: int, price: float | None) -> tuple[int, int] | None:
    """Return the least and the most level of a sum at which a step more brings nearly ``price``; None without a price.

    The least level is where V's steps have fallen to the dearer price; the last step that brings at least the cheaper
    price ends one level beyond the most.
    """
    if not price:
        return None
    room = WITHIN * abs(price)
    low = activity(number, (price + room) * (1 + EVEN) if price > 0 else (price + room) * (1 - EVEN))
    high = activity(number, (price - room) * (1 - EVEN) if price > 0 else (price - room) * (1 + EVEN))
    return None if low is None or high is None else (low, high - 1)


def _activity(curves: Columns, rows: Rows, nested: Nest | None, left: list[int]) -> Activity:
    """Return what finds a sum's activity at a price: prices where sums nest, else as many programs as are left."""
    if nested is not None:
        return lambda number, price: nested.at_price(number, price, rows.available)

    def activity(number: int, price: float) -> int | None:
        if left[0] <= 0:
            raise Spent
        left[0] -= 1
        try:
            found = allocate(curves, _at_price(rows, number, price), Effort(method="lp"))
        except NoneFits:
            return None
        return rows.sums[number].activity(found.steps) if found.certificate.closed else None

    return activity


def _at_price(rows: Rows, number: int, price: float) -> Rows:
    """Return the limits with a price in the stead of one sum: a soft limit that every step of its lines breaks."""
    if number == 0:
        rows = at_total(rows, farthest(rows))
    members = rows.sums[number].members
    sense: Sense = "ceiling" if price > 0 else "floor"
    level = 0 if price > 0 else int(np.minimum(rows.hi[members], rows.total).sum())
    asked = replace(rows.sums[number], sense=sense, level=level, penalty=abs(price))
    sums = [asked if place == number else limit for place, limit in enumerate(rows.sums)]
    return replace(rows, sums=tuple(sums) if number else (*rows.sums, asked))
