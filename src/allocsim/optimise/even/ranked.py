"""A cap on inequality where lines may choose or share pots: one cut after another, until a plan keeps the cap.

A plan under some of the cuts is a relaxation: what bounds it bounds the plan under the cap, and where it keeps the cap
it is the best.

References
----------
Kelley, J. E. (1960), The cutting-plane method for solving convex programs, Journal of the Society for Industrial and
Applied Mathematics 8(4).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from allocsim.errors import AllocsimError, Text
from allocsim.model.arrays import integers
from allocsim.model.blend import Columns
from allocsim.optimise.concave.convex import Allocation
from allocsim.optimise.concave.refine import NoneFits, refine
from allocsim.optimise.effort import Effort
from allocsim.optimise.even.rankings import LARGEST, capped, cut
from allocsim.optimise.limits import Equality, Rows, Sum
from allocsim.optimise.pot.pots import COUNTABLE
from allocsim.optimise.proof.certify import LEAST_SCALE, Certificate, benefits

ROUNDS, TURNS = 200, 48
"""Linear programs that look for cuts, then plans made, at most."""
PATIENCE = 12
"""Plans that may miss the cap by their whole steps, before the cuts are tightened by as much as they missed it."""
FINE = 1024
"""Parts of a step to which amounts of a linear program are ranked."""
CLOSE = Fraction(1, 10**7)
"""Share of the cap by which a linear program may miss it: whole steps miss it by more."""
NOT_FOUND = Text(
    "no whole amounts were found that keep the cap on the Gini coefficient: use a finer money_step",
    "未找到满足基尼系数上限的整数方案：请改用更小的 money_step",
)

Allocate = Callable[[Columns, Rows, Effort], Allocation]


def by_rankings(curves: Columns, rows: Rows, cuts: list[Sum], effort: Effort, allocate: Allocate) -> Allocation:
    """Plan without the cap, forbid what the ranking of the groups says is too unequal, and plan again, to the end.

    Parameters
    ----------
    curves
        Curves in steps, parameters (p,).
    rows
        The limits, with a cap.
    cuts
        Cuts to begin with.
    effort
        Which methods, and until when.
    allocate
        Plans under limits without a cap.

    Raises
    ------
    NoneFits
        If no whole amounts keep all limits.
    AllocsimError
        If none were found in so many plans.
    """
    cap, plain = capped(rows), replace(rows, equality=None)
    best: Allocation | None = None
    for turn in range(1, TURNS + 1):
        relaxed = allocate(curves, _with(plain, cuts), effort)
        if cap.holds(relaxed.steps):
            return _under(relaxed, cap)
        cuts.append(cut(cap, relaxed.steps, largest=_largest(rows)))
        if turn % PATIENCE == 0 or effort.is_over:
            best = _tightened(curves, plain, cap, cuts, relaxed, effort, allocate) or best
            if best is not None and (best.certificate.closed or effort.is_over):
                break
    if best is None:
        raise AllocsimError(NOT_FOUND)
    return best


def foreseen(curves: Columns, rows: Rows) -> list[Sum]:
    """Return cuts that money in parts of a step needs, by coarse linear programs; none where curves are S-shaped."""
    cap, cuts = capped(rows), list[Sum]()
    if (curves.bend > 0).any():
        return cuts
    at_once = Effort(deadline=-math.inf)
    for _ in range(ROUNDS):
        spending = refine(curves, rows.lo, rows.hi, [*rows.sums, *cuts], effort=at_once).spending
        fine = integers(np.rint(spending * FINE))
        if cap.groups.gini(fine) <= cap.cap * (1 + CLOSE):
            break
        cuts.append(cut(cap, fine, largest=_largest(rows)))
    return cuts


def _tightened(
    curves: Columns,
    plain: Rows,
    cap: Equality,
    cuts: Sequence[Sum],
    relaxed: Allocation,
    effort: Effort,
    allocate: Allocate,
) -> Allocation | None:
    """Return a plan under cuts so tight that its whole steps keep the cap, judged by the bound of a relaxed plan."""
    above = float(cap.groups.gini(relaxed.steps) - cap.cap)
    for _ in range(PATIENCE):
        tight = [replace(each, level=-math.ceil(above * plain.available / each.grain)) for each in cuts]
        try:
            found = allocate(curves, _with(plain, tight), effort)
        except NoneFits:
            return None
        if cap.holds(found.steps):
            return _under(replace(found, certificate=_judged(curves, found, relaxed.certificate)), cap)
        above += float(cap.groups.gini(found.steps) - cap.cap)
    return None


def _judged(curves: Columns, found: Allocation, relaxed: Certificate) -> Certificate:
    """Return the certificate of a plan against what a relaxation of its problem proves."""
    value = found.certificate.objective
    bound, most = relaxed.bound, relaxed.bound - relaxed.rounding_loss
    scale = max(abs(bound), LEAST_SCALE * math.fsum(np.abs(benefits(curves, found.steps))))
    gap = (most - value) / scale if scale > 0 else 0.0
    return replace(found.certificate, bound=bound, rounding_loss=bound - most, gap=gap, bound_by=relaxed.bound_by)


def _largest(rows: Rows) -> int:
    """Return the size of coefficients that stay countable where pots are counted in parts of a step."""
    if not rows.pots:
        return LARGEST
    parts = math.lcm(*(int(pot.key.sum()) for pot in rows.pots))
    return max(1, COUNTABLE // (parts * max(1, rows.available)))


def _with(plain: Rows, cuts: Sequence[Sum]) -> Rows:
    return replace(plain, sums=(*plain.sums, *cuts))


def _under(found: Allocation, cap: Equality) -> Allocation:
    return replace(found, held=replace(found.held, equality=cap))
