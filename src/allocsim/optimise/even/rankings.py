"""What a cap on inequality asks of the money of groups once they are ranked: one weighted sum, valid for every plan.

Whatever the ranking of the groups, money X_d and heads w_d keep a cap c on the Gini coefficient only if

    sum over d of X_d (heads below d - heads above d)  <=  c W X,

and for the ranking by money per head this is the cap itself. Any mixture of rankings holds as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from allocsim.model.arrays import IntArray, integers
from allocsim.model.groups import lead
from allocsim.optimise.limits import Equality, Rows, Sum

LARGEST = 2**52
"""Coefficients up to here are exact in floats. Where a ranking asks for larger ones they are scaled down and rounded
up, by less than the margin that every bound has for the rounding of floats."""


def capped(rows: Rows) -> Equality:
    """Return the cap of limits that have one."""
    if rows.equality is None:
        raise ValueError("there is no cap on inequality")
    return rows.equality


def cut(cap: Equality, steps: IntArray, *, largest: int = LARGEST) -> Sum:
    """Return what the ranking by money per head asks, equal groups in no order.

    Parameters
    ----------
    cap
        The cap.
    steps
        Whole amounts (p,) that are ranked.
    largest
        Size of the coefficients. Smaller ones than :data:`LARGEST` are rounded down, as those of a mixture.
    """
    ahead = lead(cap.groups.per_head(steps), cap.groups.heads)
    if largest < LARGEST:
        return mixture(cap, ahead, largest=largest)
    coefficients, scale = _scaled(cap, ahead, LARGEST)
    return _sum(cap, [math.ceil(each) for each in coefficients], scale)


def mixture(cap: Equality, ahead: Sequence[Fraction], *, largest: int) -> Sum:
    """Return what a mixture of rankings asks, its coefficients rounded down: amounts below zero there are none.

    Parameters
    ----------
    cap
        The cap.
    ahead
        Heads below less heads above of each group, on average over the rankings (d,).
    largest
        Size of the coefficients.
    """
    coefficients, scale = _scaled(cap, ahead, largest)
    return _sum(cap, [math.floor(each) for each in coefficients], scale)


def _scaled(cap: Equality, ahead: Sequence[Fraction], largest: int) -> tuple[list[Fraction], Fraction]:
    """Return the coefficients in grains, and grains per head and step: whole numbers unless these are too large."""
    allowed = cap.cap * sum(cap.groups.heads, Fraction(0))
    coefficients = [each - allowed for each in ahead]
    common = math.lcm(*(each.denominator for each in coefficients))
    shared = math.gcd(*(int(each * common) for each in coefficients)) or 1
    scale = Fraction(common, shared)
    widest = max(abs(each) for each in coefficients) * scale
    if widest > largest:
        scale *= largest / widest
    return [each * scale for each in coefficients], scale


def _sum(cap: Equality, weights: Sequence[int], scale: Fraction) -> Sum:
    """Return a cut; its activity times its grain is money times what the ranking's Gini is above the cap."""
    of = cap.groups.of
    weight = np.where(of >= 0, np.array([*weights, 0], dtype=np.int64)[of], 0)
    members = np.flatnonzero(weight)
    return Sum(
        source=cap.source,
        label="",
        sense="ceiling",
        members=integers(members),
        level=0,
        weight=integers(weight[members]),
        grain=float(1 / (scale * sum(cap.groups.heads, Fraction(0)))),
    )
