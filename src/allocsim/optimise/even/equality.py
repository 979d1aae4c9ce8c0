"""The cap on inequality as a plan reports it: the Gini coefficient there is, and what moving the cap is worth."""

from __future__ import annotations

from allocsim.model.arrays import IntArray, floats, integers
from allocsim.model.plan import RuleReport
from allocsim.optimise.even.rankings import capped
from allocsim.optimise.explain.prices import Prices, moved_together
from allocsim.optimise.limits import Rows


def of_equality(rows: Rows, steps: IntArray, found: Prices) -> RuleReport:
    """Return the report of the cap; its prices are the change of benefit per unit of the Gini coefficient.

    Raising the cap moves the level of every cut by the money there is, in the cut's own grains.

    Parameters
    ----------
    rows
        The limits, with the cap and the cuts that were needed.
    steps
        The plan (p,) [steps].
    found
        Its prices.
    """
    cap = capped(rows)
    origin = rows.sources[cap.source]
    numbers = [number for number, limit in enumerate(rows.sums) if limit.source == cap.source]
    money = sum(cap.groups.money(steps))
    by = floats([money / rows.sums[number].grain for number in numbers])
    up, down = moved_together(found, integers(numbers), by)
    gini = cap.groups.gini(steps)
    tight = set(found.region.tight) & set(numbers)
    return RuleReport(
        name=origin.name,
        kind=origin.kind,
        basis=origin.basis,
        row="",
        covered=len(cap.groups.label),
        sense="ceiling",
        level=float(cap.cap),
        activity=float(gini),
        slack=float(cap.cap - gini),
        binding=gini == cap.cap or any(found.most[number] > 0 for number in tight),
        price_up=up,
        price_down=down,
        counted_in="column",
    )
