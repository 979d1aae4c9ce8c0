"""The certificate of a plan: limits checked in integers, and a bound that any multipliers prove, without a solver.

With multipliers z of the limits of sums (benefit per step of a level: not below zero for ceilings, not above zero for
floors, free where fixed) and a = A'z, no plan that keeps the limits can bring more than

    D(z) = z.b + sum over lines of max over lo <= x <= hi of f(x) - a x

because every term of (b - Ax).z is zero or more; a rule that may be broken at a penalty caps its multiplier at it.
Rules that count lines have multipliers y of their own, and lines with holes take their maximum over each interval.
Weak multipliers give a weak bound, never a wrong one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from allocsim.model.arrays import BoolArray, FloatArray, IntArray
from allocsim.model.blend import Columns
from allocsim.optimise.choice.menu import Menu, menu
from allocsim.optimise.grid import best
from allocsim.optimise.limits import Rows, Sum, signs
from allocsim.optimise.pot.pots import apportion

ROUNDING = 2.0**-48
"""Share of the sum of absolute terms that is added to a bound for the rounding of floats."""
LEAST_SCALE = 2.0**-40
"""Share of the sum of absolute benefits against which a gap is measured where the bound is near zero."""
CLOSED = 1e-6
"""The certified gap up to which a plan counts as optimal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What is proven of a plan.

    Attributes
    ----------
    benefit
        Of the whole amounts, on the curves themselves.
    objective
        The benefit less the penalties of soft rules that are broken.
    bound
        No plan under the same limits, its money whole or not, brings more.
    rounding_loss
        What whole steps are proven to cost: the bound less the same bound over whole amounts, at the same multipliers.
    gap
        (bound - rounding_loss - objective) / |bound|.
    bound_by
        ``dual``: multipliers alone prove it all; ``solver``: the bound or the rounding loss rests on a solver's tree.
    """

    benefit: float
    objective: float
    bound: float
    rounding_loss: float
    gap: float
    bound_by: Literal["dual", "solver"]

    @property
    def closed(self) -> bool:
        """Tell whether the plan is proven optimal."""
        return self.gap <= CLOSED


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """What a solver's tree has proven: no amounts bring more, their money not whole (``fluid``), or ``whole``."""

    fluid: float = math.inf
    whole: float = math.inf


NOTHING_PROVEN = Proven()


class Broken(Exception):  # noqa: N818 - it reads as what it is
    """Amounts that do not keep a limit; the message names it."""


def primal(rows: Rows, steps: IntArray) -> None:
    """Check in integers that amounts keep every limit, as stated and not as compiled into bounds.

    Parameters
    ----------
    rows
        The limits.
    steps
        Amounts (p,) [steps].

    Raises
    ------
    Broken
        With the first limit that does not hold.
    """
    if steps.dtype != np.int64 or steps.shape != (len(rows.id),):
        raise Broken("amounts are not whole steps, one for each line")
    if (steps < 0).any():
        raise Broken("an amount is below zero")
    for limit in rows.each:
        amounts = steps[limit.project]
        if (amounts < limit.low).any() or (amounts > limit.high).any():
            raise Broken(rows.name(limit.source))
    for together in rows.sums:
        if together.penalty is None and together.slack(steps) < 0:
            raise Broken(rows.name(together.source))
    for holes in rows.parts:
        if not holes.holds(steps).all():
            raise Broken(rows.name(holes.source))
    for choice in rows.choices:
        if choice.activity(steps) > choice.level:
            raise Broken(rows.name(choice.source))
    for pot in rows.pots:
        given = steps[pot.members]
        if not np.array_equal(given, apportion(pot, int(given.sum()))):
            raise Broken(rows.name(pot.source))
    if rows.equality is not None and not rows.equality.holds(steps):
        raise Broken(rows.name(rows.equality.source))
    if int(steps.sum()) + rows.reserve > rows.total:
        raise Broken("more money than there is")


def certify(
    curves: Columns,
    rows: Rows,
    *,
    steps: IntArray,
    multipliers: FloatArray,
    counting: FloatArray | None = None,
    most: Proven = NOTHING_PROVEN,
) -> Certificate:
    """Certify amounts that keep the limits.

    Parameters
    ----------
    curves
        Curves in steps, parameters (p,).
    rows
        The limits.
    steps
        Amounts (p,) [steps].
    multipliers
        One for each limit of a sum [benefit per step]; those of a wrong sign count as zero.
    counting
        One for each rule that counts lines [benefit per line]; those below zero count as zero, as do all if absent.
    most
        What a tree has proven.
    """
    primal(rows, steps)
    z = sound(multipliers, rows.sums)
    y = np.zeros(len(rows.choices)) if counting is None else np.maximum(np.nan_to_num(counting), 0.0)
    each = benefits(curves, steps)
    smooth, coarse, error = bounds(curves, menu(rows, curves), rows.sums, z, counting=y)
    value = objective(curves, rows.sums, steps)
    bound, whole = smooth + error, coarse + error
    by_tree = most.whole < whole or most.fluid < bound
    bound = min(bound, most.fluid)
    loss = max(0.0, bound - min(whole, most.whole, bound))
    scale = max(abs(bound), LEAST_SCALE * math.fsum(np.abs(each)))
    gap = (bound - loss - value) / scale if scale > 0 else 0.0
    return Certificate(
        benefit=math.fsum(each),
        objective=value,
        bound=bound,
        rounding_loss=loss,
        gap=gap,
        bound_by="solver" if by_tree else "dual",
    )


def sound(multipliers: FloatArray, sums: Sequence[Sum]) -> FloatArray:
    """Return multipliers that prove a bound: none of a wrong sign, not finite, or beyond a penalty."""
    return np.clip(np.where(np.isfinite(multipliers), multipliers, 0.0), *signs(sums))


def slopes_asked(count: int, sums: Sequence[Sum], z: FloatArray) -> FloatArray:
    """Return a = A'z, what a step of each line costs by the limits it is in (p,) [benefit per step]."""
    asked = np.zeros(count)
    for limit, multiplier in zip(sums, z.tolist(), strict=True):
        asked[limit.members] += multiplier if limit.weight is None else multiplier * limit.weight
    return asked


def benefits(curves: Columns, steps: IntArray) -> list[float]:
    """Return the benefit of each line at whole amounts, ready for an exactly rounded sum."""
    return [float(value) for value in curves.benefit(steps.astype(np.float64))]


def objective(curves: Columns, sums: Sequence[Sum], steps: IntArray) -> float:
    """Return what whole amounts bring, less the penalties of limits that they break [benefit]."""
    lost = [-limit.penalty * limit.broken(steps) for limit in sums if limit.penalty is not None]
    return math.fsum([*benefits(curves, steps), *lost])


def bounds(
    curves: Columns, chosen: Menu, sums: Sequence[Sum], z: FloatArray, *, counting: FloatArray
) -> tuple[float, float, float]:
    """Return D(z, y), the same over whole amounts, and what to add to either for the rounding of floats.

    Where lines have several intervals each one's maximum is taken, less what the rules that count lines ask at y, and
    the best of a line's intervals counts.
    """
    a, costs = slopes_asked(chosen.low.shape[1], sums, z), chosen.costs(counting)
    levels = [float(multiplier) * limit.level for limit, multiplier in zip(sums, z.tolist(), strict=True)]
    levels += [float(y) * choice.level for choice, y in zip(chosen.choices, counting.tolist(), strict=True)]
    smooth, coarse, sizes = (np.full(a.shape, start) for start in (-np.inf, -np.inf, 0.0))
    for i, there in enumerate(chosen.present):
        low, high = np.where(there, chosen.low[i], 0), np.where(there, chosen.high[i], 0)
        of_money, of_steps, size = interval_maxima(curves, a, low, high, chosen.convex[i])
        smooth = np.maximum(smooth, np.where(there, of_money - costs[i], -np.inf))
        coarse = np.maximum(coarse, np.where(there, of_steps - costs[i], -np.inf))
        sizes = np.maximum(sizes, np.where(there, size + np.abs(costs[i]), 0.0))
    error = ROUNDING * math.fsum([*np.abs(levels), *sizes])
    whole = math.fsum([*levels, *coarse])
    return max(math.fsum([*levels, *smooth]), whole), whole, error


def interval_maxima(
    curves: Columns, a: FloatArray, low: IntArray, high: IntArray, convex: BoolArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the maximum of f(x) - a x over [low, high] from above, over its whole amounts, and the size of terms (p,).

    Where the curve steepens throughout, both are at an end; the interval then reaches on to the bend, and the one
    above the bend back to it, so that together they hold all money between.
    """
    lo, hi = low.astype(np.float64), high.astype(np.float64)
    bend = curves.bend
    lo_above = np.where(~convex & (bend > 0) & (lo - 1.0 <= bend) & (bend <= lo), bend, lo)
    smooth, sizes = smooth_maxima(curves, a, lo_above, hi)
    x = best(curves, a, low, high)
    at_x = curves.benefit(x.astype(np.float64))
    coarse = at_x - a * x
    sizes = sizes + np.abs(at_x) + np.abs(a * x)
    if convex.any():
        ends = [lo, hi, np.where((hi <= bend) & (bend < hi + 1.0), bend, hi)]
        heights = [curves.benefit(end) - a * end for end in ends]
        smooth = np.where(convex, np.maximum.reduce(heights), smooth)
        coarse = np.where(convex, np.maximum(heights[0], heights[1]), coarse)
        sizes = np.where(convex, curves.benefit(ends[2]) + np.abs(a) * ends[2], sizes)
    return smooth, coarse, sizes


def smooth_maxima(curves: Columns, a: FloatArray, lo: FloatArray, hi: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the maximum of f(x) - a x over [lo, hi] from above, and the size of its terms, both (p,).

    From above by the tangent at the stationary point v: f(v) + f'(v)(x - v) - a x at the worse end of the bounds. A
    piecewise curve has its maximum at a corner.
    """
    positive = np.where(a > 0, a, 1.0)
    with np.errstate(invalid="ignore", over="ignore"):
        v = np.where(a > 0, curves.spending_at(positive), np.inf)
        v = np.clip(np.nan_to_num(v, nan=0.0, posinf=np.inf), lo, hi)
        height = curves.benefit(v)
        tilt = curves.slope(v) - a
        worse = np.maximum(tilt * (lo - v), tilt * (hi - v))
    worse = np.where((lo == hi) | np.isnan(worse), 0.0, worse)
    maxima = height - a * v + worse
    for line, points in enumerate(curves.points):
        if points is not None:
            corners = np.array([lo[line], hi[line], *(x for x, _ in points if lo[line] < x < hi[line])])
            steep, flat = np.array(points)[:, 0], np.array(points)[:, 1]
            maxima[line] = (np.interp(corners, steep, flat) - a[line] * corners).max()
    return maxima, np.abs(height) + np.abs(a * v) + np.abs(worse)
