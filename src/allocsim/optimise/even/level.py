"""A cap on inequality: all pairs of groups in one program, then whole amounts beside its solution.

Money X_d and heads w_d keep a cap c on the Gini coefficient of money per head if

    sum over pairs d < e of |w_e X_d - w_d X_e|  <=  c W X.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from allocsim.errors import AllocsimError
from allocsim.model.arrays import FloatArray, IntArray, floats, integers
from allocsim.model.blend import Columns
from allocsim.optimise.choice.menu import plain
from allocsim.optimise.concave.convex import Allocation
from allocsim.optimise.concave.refine import NoneFits
from allocsim.optimise.concave.tree import could_be_better
from allocsim.optimise.effort import Effort
from allocsim.optimise.even.paired import MOST_GROUPS, Paired, around_fractions, best_whole, paired
from allocsim.optimise.even.ranked import NOT_FOUND, Allocate, by_rankings, foreseen
from allocsim.optimise.even.rankings import capped
from allocsim.optimise.limits import Rows, Sum
from allocsim.optimise.proof.certify import (
    Proven,
    bounds,
    certify,
    objective,
    slopes_asked,
    sound,
)

WINDOWS = (0, 1, 4)
"""Steps either side of the solution among which whole amounts are sought, in turn."""
NEAR = 1e-7
"""Share of the benefit that the search for whole amounts may leave: a tenth of what counts as proven."""
LARGEST, FEW = 20_000, 1_000
"""Single steps, over all lines, beyond which nothing is searched, and up to which each line must be whole."""


def level(curves: Columns, rows: Rows, effort: Effort, allocate: Allocate) -> Allocation:
    """Maximise the sum of benefits under all limits, the cap on inequality among them, in whole steps.

    Parameters
    ----------
    curves
        Curves in steps, parameters (p,).
    rows
        The limits, with a cap.
    effort
        Which methods, and until when.
    allocate
        Plans under limits without a cap.

    Returns
    -------
    Allocation
        Its ``held`` has the cuts that were needed as sums of the cap's source.

    Raises
    ------
    NoneFits
        If no whole amounts keep all limits.
    AllocsimError
        If none were found.
    """
    cap, plain = capped(rows), replace(rows, equality=None)
    cuts: list[Sum] = []
    if not (curves.bend > 0).any():
        few = len(cap.groups.label) <= MOST_GROUPS
        if few and plain.is_convex and effort.method != "dual":
            return by_pairs(curves, rows, effort)
        cuts = [paired(curves, rows, effort).cut] if few and not rows.pots else foreseen(curves, rows)
    return by_rankings(curves, rows, cuts, effort, allocate)


def by_pairs(curves: Columns, rows: Rows, effort: Effort) -> Allocation:
    """Plan by the program that states the cap pair by pair, then whole amounts beside its solution.

    Where these leave too much open, all whole amounts that could be better are searched: of lines where they are few,
    else of groups, for it is their differences that whole steps can hardly meet.

    Parameters
    ----------
    curves
        Concave curves in steps, parameters (p,).
    rows
        The limits, with a cap; no holes, no counting of lines, no pots.
    effort
        Until when.

    Raises
    ------
    NoneFits
        If no whole amounts keep all limits.
    AllocsimError
        If none were found.
    """
    order = np.array(sorted(range(len(rows.id)), key=lambda line: rows.id[line]), dtype=np.int64)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    ordered, own = _in_order(rows, order, rank), curves.subset(order)
    solved = paired(own, ordered, effort)
    under, most = replace(ordered, sums=(*ordered.sums, solved.cut)), math.inf
    steps = _beside(own, under, solved)
    if steps is None or not certify(own, under, steps=steps, multipliers=solved.multipliers).closed:
        steps, most = _searched(own, under, solved.multipliers, steps)
    certificate = certify(own, under, steps=steps, multipliers=solved.multipliers, most=Proven(whole=most))
    used = solved.cut.renumbered(integers(order))
    return Allocation(
        steps=integers(steps[rank]),
        multipliers=solved.multipliers,
        counting=floats([]),
        certificate=certificate,
        rounds=solved.rounds,
        method="milp",
        held=replace(rows, sums=(*rows.sums, used)),
    )


def _in_order(rows: Rows, order: IntArray, rank: IntArray) -> Rows:
    """Return the limits over lines in the order of their codes, groups in that of their values."""
    cap = capped(rows)
    among = cap.groups
    places = sorted(range(len(among.label)), key=lambda group: among.label[group])
    new = np.empty(len(places) + 1, dtype=np.int64)
    new[places], new[-1] = np.arange(len(places)), -1
    ranked = replace(
        among,
        label=tuple(among.label[place] for place in places),
        heads=tuple(among.heads[place] for place in places),
        of=integers(new[among.of[order]]),
    )
    return replace(
        rows,
        id=tuple(rows.id[line] for line in order.tolist()),
        each=(),
        sums=tuple(limit.renumbered(rank) for limit in rows.sums),
        lo=integers(rows.lo[order]),
        hi=integers(rows.hi[order]),
        lo_by=integers(rows.lo_by[order]),
        hi_by=integers(rows.hi_by[order]),
        last=floats(rows.last[order]),
        equality=replace(cap, groups=ranked),
    )


def _beside(curves: Columns, rows: Rows, solved: Paired) -> IntArray | None:
    """Return whole amounts beside a solution (p,), the first that are proven, else the best; None where none are found.

    First only amounts that are not whole are moved, then those of whole groups, further and further away.
    """
    gap = NEAR * abs(math.fsum(curves.benefit(solved.spending)))
    best, most = None, -math.inf
    for reach in WINDOWS:
        bounds_ = around_fractions(rows, solved.spending, reach)
        if int((bounds_[1] - bounds_[0]).max(initial=0)) * len(rows.id) > LARGEST:
            break
        found = best_whole(curves, rows, bounds_, gap=gap, lines=not reach).steps
        if found is None:
            continue
        value = objective(curves, rows.sums, found)
        if value > most:
            best, most = found, value
        if certify(curves, rows, steps=found, multipliers=solved.multipliers).closed:
            break
    return best


def _searched(curves: Columns, rows: Rows, multipliers: FloatArray, steps: IntArray | None) -> tuple[IntArray, float]:
    """Return the best of all whole amounts that could be better than a plan, and what none of them exceeds."""
    z = sound(multipliers, rows.sums)
    smooth, coarse, error = bounds(curves, plain(rows.lo, rows.hi), rows.sums, z, counting=np.zeros(0))
    low, high, reached = rows.lo, rows.hi, -math.inf
    if steps is not None:
        reached = objective(curves, rows.sums, steps)
        asked = slopes_asked(len(rows.id), rows.sums, z)
        low, high = could_be_better(curves, rows.lo, rows.hi, asked, coarse + 2 * error - reached)
        low, high = np.minimum(low, steps), np.maximum(high, steps)
    many = int((high - low).max(initial=0)) * len(rows.id)
    if many > LARGEST:
        if steps is None:
            raise AllocsimError(NOT_FOUND)
        return steps, math.inf
    lines = many <= FEW
    gap = 0.0 if lines else NEAR * abs(smooth)
    found = best_whole(curves, rows, (integers(low), integers(high)), gap=gap, lines=lines)
    if found.steps is None and steps is None:
        if found.status == "infeasible":
            raise NoneFits
        raise AllocsimError(NOT_FOUND)
    if found.steps is None or (steps is not None and objective(curves, rows.sums, found.steps) <= reached):
        found = replace(found, steps=steps)
    assert found.steps is not None
    return found.steps, max(found.most, objective(curves, rows.sums, found.steps))
