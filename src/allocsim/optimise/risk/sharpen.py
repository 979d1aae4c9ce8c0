"""Whole amounts against an adversary: the last steps of a plan that weighs risk, and a bound on all whole amounts.

The plan for the blend at the adversary's mixture is whole, but not always the best whole plan against an adversary who
answers: at the best amounts several answers are equally bad, and whole steps upset that balance. Where this costs more
than a plan may fall short by, a whole-number program over the rows of his answers chooses the last steps. As in a tree
for plans without an adversary it looks at all amounts that could still be better: those whose penalty at the
multipliers is below what the bound of the blend leaves above the plan at hand.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from allocsim.model.arrays import FloatArray, IntArray, floats, integers
from allocsim.optimise.choice.menu import plain
from allocsim.optimise.concave.refine import keeps
from allocsim.optimise.concave.tree import could_be_better
from allocsim.optimise.concave.whole import TOLERANCE
from allocsim.optimise.effort import ANY, Effort
from allocsim.optimise.grid import in_steps
from allocsim.optimise.limits import Rows, Sum
from allocsim.optimise.program.problem import Pieces
from allocsim.optimise.proof.certify import bounds, slopes_asked, sound
from allocsim.optimise.risk.adversary import Spread
from allocsim.optimise.risk.cuts import Answers, Cuts, framed
from allocsim.optimise.risk.play import unit_of
from allocsim.optimise.risk.risk import Weighed

LARGEST = 2_000
"""Single steps, over all lines, beyond which only the nearest amounts are looked at and nothing is proven of others."""
NEAREST = 2
"""Steps either side of the amounts found that are looked at then."""
ENOUGH = 9e-7
"""Share of the benefit by which whole amounts may fall short of the best."""
TURNS = 8
"""Whole-number programs at most."""
NODES = 20
"""Nodes of the tree of each of them."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sharpened:
    """The best whole amounts found.

    Attributes
    ----------
    steps
        Amounts (p,) [steps].
    value
        What is maximised, at these amounts, penalties taken off.
    most
        No whole amounts that keep the limits exceed this.
    by_tree
        True where a whole-number program proves it, False where the multipliers of the blend do.
    """

    steps: IntArray
    value: float
    most: float
    by_tree: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Sought:
    """Which amounts are looked at: from ``low`` to ``high`` (p,) [steps], and whether none beyond could be better."""

    low: IntArray
    high: IntArray
    proves: bool
    tolerance: float


def sharpen(
    weighed: Weighed, rows: Rows, *, steps: IntArray, multipliers: FloatArray, effort: Effort = ANY
) -> Sharpened:
    """Search whole amounts that do better against the adversary than those of the plan for the blend.

    Parameters
    ----------
    weighed
        The blend and its adversary.
    rows
        The limits; no holes, no counting of lines, no pots.
    steps
        Whole amounts that keep them (p,) [steps].
    multipliers
        Of each limit of a sum [benefit per step or grain of its level].
    effort
        After its end the best at hand is given.
    """
    order = weighed.order
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    sums = [limit.renumbered(rank) for limit in rows.sums]
    blend, lo, hi = in_steps(weighed.columns, rows.step).subset(order), rows.lo[order], rows.hi[order]
    z, at = sound(multipliers, sums), integers(steps[order])
    _, coarse, error = bounds(blend, plain(lo, hi), sums, z, counting=np.zeros(0))
    most, value = coarse + error - weighed.offset, _value(weighed, sums, at)
    low, high = could_be_better(blend, lo, hi, slopes_asked(len(lo), sums, z), most + error - value)
    proves = int((high - low).sum()) <= LARGEST
    if not proves:
        found = weighed.spending[order]
        low = np.maximum(lo, np.floor(found).astype(np.int64) - NEAREST)
        high = np.minimum(hi, np.ceil(found).astype(np.int64) + NEAREST)
    sought = _Sought(
        low=integers(np.minimum(low, at)),
        high=integers(np.maximum(high, at)),
        proves=proves,
        tolerance=ENOUGH * abs(most),
    )
    best = Sharpened(steps=at, value=value, most=most, by_tree=False)
    if (sought.low < sought.high).any() and most - value > sought.tolerance:
        best = _searched(weighed, sums, sought, best, effort)
    return replace(best, steps=integers(best.steps[rank]))


def _searched(weighed: Weighed, sums: list[Sum], sought: _Sought, best: Sharpened, effort: Effort) -> Sharpened:
    """Return the best of the amounts sought, by whole-number programs with one answer more each time."""
    low, high, tolerance = sought.low, sought.high, sought.tolerance
    spread = Spread(unit=integers(np.arange(len(low))), share=floats(np.full(len(low), weighed.step.size)))
    width = (low[:, None] + np.arange(int((high - low).max())) < high[:, None]).astype(np.int64)
    pieces = Pieces(start=low, width=integers(width), slope=floats(np.zeros(width.shape)))
    here = weighed.adversary.answer(spread.money(low))
    answers = Answers(
        at=low,
        value=here.under(weighed.answers),
        slope=weighed.adversary.slopes(pieces, spread, weighed.answers),
    )
    unit = unit_of(answers.slope)
    options = {"mip_abs_gap": 0.5 * tolerance / unit, "mip_max_nodes": NODES}
    program = Cuts(framed(pieces, sums, unit, whole=True), pieces, answers, options)
    hidden = TOLERANCE * float(np.abs(answers.slope * width).sum(axis=(1, 2)).max() + np.abs(answers.value).max())
    for _ in range(TURNS):
        chosen = program.chosen(effort.left)
        if chosen is None:
            return best
        value = _value(weighed, sums, chosen.steps) if keeps(sums, chosen.steps) else -math.inf
        if value > best.value:
            best = replace(best, steps=chosen.steps, value=value)
        if sought.proves and chosen.most + hidden < best.most:
            best = replace(best, most=max(chosen.most + hidden, best.value), by_tree=True)
        if best.most - best.value <= tolerance or effort.is_over:
            break
        said = weighed.adversary.answer(spread.money(chosen.steps))
        slope = weighed.adversary.slopes(pieces, spread, said.choice[None])[0]
        program.add(slope, float(here.under(said.choice[None])[0]))
    return best


def _value(weighed: Weighed, sums: list[Sum], steps: IntArray) -> float:
    """Return what is maximised at amounts in the adversary's order (p,) [steps], penalties taken off."""
    lost = [limit.penalty * limit.broken(steps) for limit in sums if limit.penalty is not None]
    money = floats(weighed.step.amounts(steps))
    return math.fsum([weighed.adversary.answer(money).value, *(-each for each in lost)])
