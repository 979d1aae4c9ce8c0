"""The certificate once more in exact arithmetic: a bound that no rounding can have made too low.

The bound is the one of :mod:`allocsim.optimise.proof.certify`,

    D(z, y) = z.b + y.levels + sum over lines of max over intervals of (f(x) - a x) - costs,    a = A'z,

with multipliers taken as the rational numbers that their floats are, limits in whole numbers, and curves enclosed in
decimals of 50 digits, every maximum rounded up and what the plan brings rounded down. For a concave f and any v

    max over [lo, hi] of f(x) - a x  <=  f(v) - a v + max(0, (a - f'(v)) (v - lo), (f'(v) - a) (hi - v)),

over whole amounts with the rises of the steps beside v in the place of f'(v). So neither the floats that found the
multipliers and v, nor the solver, can make a bound wrong: only weak.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np

from allocsim.model.arrays import FloatArray, IntArray
from allocsim.model.blend import Columns
from allocsim.model.exact import ExactCertificate
from allocsim.optimise.choice.menu import Menu, menu
from allocsim.optimise.grid import best
from allocsim.optimise.limits import Rows
from allocsim.optimise.proof.certify import LEAST_SCALE, primal, sound
from allocsim.optimise.proof.enclosure import DOWN, UP, ZERO, Between, Exact, between, exact_lines, piecewise

BESIDE = 1e-6
"""Relative distance within which a corner is tried in the place of the point where a slope meets its price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactBound:
    """What no plan exceeds [benefit], rounded up: ``smooth`` with money not whole, ``whole`` in whole steps."""

    smooth: Decimal
    whole: Decimal


def certify_exact(
    curves: Columns, rows: Rows, *, steps: IntArray, multipliers: FloatArray, counting: FloatArray | None = None
) -> ExactCertificate:
    """Certify amounts that keep the limits, in exact arithmetic.

    Parameters
    ----------
    curves
        Curves in steps, parameters (p,).
    rows
        The limits.
    steps
        Amounts (p,) [steps].
    multipliers
        One for each limit of a sum [benefit per step or grain]; those of a wrong sign count as zero.
    counting
        One for each rule that counts lines [benefit per line]; those below zero count as zero, as do all if absent.

    Raises
    ------
    Broken
        With the first limit that the amounts do not keep.
    """
    primal(rows, steps)
    found = exact_bound(curves, rows, multipliers=multipliers, counting=counting)
    value = exact_value(curves, rows, steps)
    scale = max(found.smooth.copy_abs(), DOWN.multiply(Decimal(LEAST_SCALE), value.copy_abs()))
    gap = UP.divide(UP.subtract(found.whole, value), scale) if scale else ZERO
    return ExactCertificate(value=value, bound=found.smooth, whole=found.whole, gap=gap)


def exact_value(curves: Columns, rows: Rows, steps: IntArray) -> Decimal:
    """Return what whole amounts (p,) bring less the penalties of limits that they break, rounded down [benefit]."""
    value = ZERO
    for members, amount in zip(exact_lines(curves), steps.tolist(), strict=True):
        value = DOWN.add(value, _height(members, Decimal(amount)).low)
    for limit in rows.sums:
        if limit.penalty is not None:
            lost = between(Fraction(limit.penalty) * limit.broken(steps)).high
            value = DOWN.subtract(value, lost)
    return value


def exact_bound(
    curves: Columns, rows: Rows, *, multipliers: FloatArray, counting: FloatArray | None = None
) -> ExactBound:
    """Return what no plan that keeps the limits can exceed, for any multipliers, rounded up.

    Parameters
    ----------
    curves
        Curves in steps, parameters (p,).
    rows
        The limits.
    multipliers, counting
        As of :func:`certify_exact`.
    """
    z = [Fraction(each) for each in sound(multipliers, rows.sums).tolist()]
    given = np.zeros(len(rows.choices)) if counting is None else counting
    usable = np.isfinite(given) & (given > 0)
    y = [Fraction(each) for each in np.where(usable, given, 0.0).tolist()]
    levels = [each * limit.level for each, limit in zip(z, rows.sums, strict=True)]
    levels += [each * choice.level for each, choice in zip(y, rows.choices, strict=True)]
    fixed = between(sum(levels, Fraction(0))).high
    chosen = menu(rows, curves)
    smooth, whole = fixed, fixed
    for of_money, of_steps in _lines(curves, chosen, _asked(rows, z), _costs(chosen, y)):
        smooth, whole = UP.add(smooth, of_money), UP.add(whole, of_steps)
    return ExactBound(smooth=max(smooth, whole), whole=whole)


def _asked(rows: Rows, z: Sequence[Fraction]) -> list[Fraction]:
    """Return a = A'z, what a step of each line costs by the limits it is in (p,) [benefit per step]."""
    asked = [Fraction(0)] * len(rows.id)
    for limit, multiplier in zip(rows.sums, z, strict=True):
        if multiplier:
            weights = [1] * limit.members.size if limit.weight is None else limit.weight.tolist()
            for line, weight in zip(limit.members.tolist(), weights, strict=True):
                asked[line] += multiplier * weight
    return asked


def _costs(chosen: Menu, y: Sequence[Fraction]) -> dict[tuple[int, int], Fraction]:
    """Return what an interval of a line costs by the rules that count lines, where it costs anything [benefit]."""
    costs: dict[tuple[int, int], Fraction] = {}
    for choice, away, multiplier in zip(chosen.choices, chosen.away, y, strict=True):
        if multiplier:
            for i, place in np.argwhere(away).tolist():
                at = (i, int(choice.members[place]))
                costs[at] = costs.get(at, Fraction(0)) + multiplier * int(choice.weight[place])
    return costs


def _lines(
    curves: Columns, chosen: Menu, asked: Sequence[Fraction], costs: dict[tuple[int, int], Fraction]
) -> list[tuple[Decimal, Decimal]]:
    """Return the best of each line's intervals less its cost, over money and over whole steps, rounded up (p,)."""
    members, price = exact_lines(curves), np.array([_near(each) for each in asked])
    found: list[list[tuple[Decimal, Decimal]]] = [[] for _ in members]
    for i, there in enumerate(chosen.present):
        low, high = np.where(there, chosen.low[i], 0), np.where(there, chosen.high[i], 0)
        meeting, steps = _meeting(curves, price), best(curves, price, low, high)
        for line in np.flatnonzero(there).tolist():
            piece = _Piece(
                members=members[line],
                low=int(low[line]),
                high=int(high[line]),
                asked=between(asked[line]),
                is_convex=bool(chosen.convex[i, line]),
            )
            cost = between(costs.get((i, line), Fraction(0))).low
            of_money = piece.smooth(Fraction(float(meeting[line])), asked[line])
            of_steps = piece.whole(int(steps[line]))
            found[line].append((UP.subtract(of_money, cost), UP.subtract(of_steps, cost)))
    return [(max(money for money, _ in each), max(steps for _, steps in each)) for each in found if each]


def _near(number: Fraction) -> float:
    """Return a float near a fraction, within what floats hold."""
    most = Fraction(1e300)
    return float(max(-most, min(most, number)))


def _meeting(curves: Columns, price: FloatArray) -> FloatArray:
    """Return finite amounts near which slopes meet their price (p,) [steps]: any are valid, good ones bound tightly."""
    with np.errstate(all="ignore"):
        v = np.where(price > 0, curves.spending_at(np.where(price > 0, price, 1.0)), np.inf)
    return np.asarray(np.clip(np.nan_to_num(v, nan=0.0, posinf=2.0**53), 0.0, 2.0**53), dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """One interval of one line, and what a step of it costs."""

    members: tuple[Exact, ...]
    low: int
    high: int
    asked: Between
    is_convex: bool

    def smooth(self, meeting: Fraction, asked: Fraction) -> Decimal:
        """Return the maximum of f(x) - a x over the money of the interval, rounded up.

        An S-curve's interval that ends next to the bend reaches on to it, and the one above back to it, so that
        together they hold all money between.
        """
        low, high = Decimal(self.low), Decimal(self.high)
        if low == high and not self.members[0].is_bent:
            return self._worth(low)
        if all(member.family == "piecewise" for member in self.members):
            return self._at_corners(asked)
        if len(self.members) > 1 and any(member.is_bent for member in self.members):
            return self._risen(low, high)
        if not self.members[0].is_bent:
            return self._concave(low, high, meeting)
        bend = self.members[0].bend()
        if self.is_convex:
            beyond = UP.add(high, Decimal(1))
            end = high if bend.low >= beyond else max(high, min(beyond, bend.high))
            return max(self._worth(low), self._risen(max(low, min(bend.low, end)), end))
        before = DOWN.subtract(low, Decimal(1))
        start = low if bend.high < before else max(before, min(low, bend.high))
        turned = min(high, max(start, bend.high))
        across = self._risen(start, turned) if turned > start else self._worth(start)
        return max(across, self._concave(turned, high, meeting))

    def whole(self, near: int) -> Decimal:
        """Return the maximum of f(x) - a x over the whole amounts of the interval, rounded up."""
        low, high = self.low, self.high
        if low == high:
            return self._worth(Decimal(low))
        if len(self.members) > 1 and any(member.is_bent for member in self.members):
            return self._risen(Decimal(low), Decimal(high))
        if self.is_convex:  # the bend may lie just below the last amount
            return max(self._worth(Decimal(x)) for x in {low, max(low, high - 1), high})
        is_bent = self.members[0].is_bent
        if is_bent:  # or just above the first, which then stands alone
            low += 1
        x = min(max(near, low), high)
        here = _height(self.members, Decimal(x))
        sides = [ZERO]
        if x < high:
            rise = UP.subtract(_height(self.members, Decimal(x + 1)).high, here.low)
            sides.append(UP.multiply(UP.subtract(rise, self.asked.low), Decimal(high - x)))
        if x > low:
            rise = DOWN.subtract(here.low, _height(self.members, Decimal(x - 1)).high)
            sides.append(UP.multiply(UP.subtract(self.asked.high, rise), Decimal(x - low)))
        most = UP.add(UP.subtract(here.high, self._cost(Decimal(x))), max(sides))
        return max(most, self._worth(Decimal(self.low))) if is_bent else most

    def _concave(self, low: Decimal, high: Decimal, meeting: Fraction) -> Decimal:
        """Return the maximum over money on which every member flattens: the least of what the points at hand prove."""
        points = [meeting]
        for member in self.members:
            points += [x for x, _ in member.corners if abs(x - meeting) <= Fraction(BESIDE) * max(x, meeting)]
        bound = min(self._tangent(low, high, min(high, max(low, between(point).low))) for point in points)
        return bound if bound.is_finite() else self._risen(low, high)

    def _tangent(self, low: Decimal, high: Decimal, v: Decimal) -> Decimal:
        left, right = ZERO, ZERO
        for member in self.members:
            slope = member.tangents(v)
            left, right = DOWN.add(left, slope.left), UP.add(right, slope.right)
        sides = [ZERO]
        if v > low:
            sides.append(UP.multiply(UP.subtract(self.asked.high, left), UP.subtract(v, low)))
        if v < high:
            sides.append(UP.multiply(UP.subtract(right, self.asked.low), UP.subtract(high, v)))
        return UP.add(self._worth(v), max(sides))

    def _at_corners(self, asked: Fraction) -> Decimal:
        """Return the maximum of a sum of piecewise curves: at an end or a corner, in fractions."""
        corners = {x for member in self.members for x, _ in member.corners}
        points = [Fraction(self.low), Fraction(self.high), *(x for x in corners if self.low < x < self.high)]
        worth = [sum((piecewise(m.corners, x) for m in self.members), Fraction(0)) - asked * x for x in points]
        return between(max(worth)).high

    def _risen(self, low: Decimal, high: Decimal) -> Decimal:
        """Return a bound that holds for any rising curve: the benefit of all, at the cost of the least or the most."""
        cost = min(self._cost(low), self._cost(high))
        return UP.subtract(_height(self.members, high).high, cost)

    def _worth(self, x: Decimal) -> Decimal:
        return UP.subtract(_height(self.members, x).high, self._cost(x))

    def _cost(self, x: Decimal) -> Decimal:
        """Return a x, rounded down; x is 0 or more."""
        return DOWN.multiply(self.asked.low, x)


def _height(members: Sequence[Exact], x: Decimal) -> Between:
    """Return the benefit of a line at ``x``."""
    low, high = ZERO, ZERO
    for member in members:
        benefit = member.benefit(x)
        low, high = DOWN.add(low, benefit.low), UP.add(high, benefit.high)
    return Between(low, high)
