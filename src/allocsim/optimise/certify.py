"""The certificate of a plan: limits checked in integers, and a bound that any multipliers prove, without a solver.

With multipliers z of the limits of sums (benefit per step of a level: not below zero for ceilings, not above zero for
floors, free where fixed) and a = A'z, no plan that keeps the limits can bring more than

    D(z) = z.b + sum over lines of max over lo <= x <= hi of f(x) - a x

because every term of (b - Ax).z is zero or more. Weak multipliers give a weak bound, never a wrong one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from allocsim.model.arrays import FloatArray, IntArray
from allocsim.model.curve import CurveSet
from allocsim.optimise.grid import best
from allocsim.optimise.limits import Rows, Sum

ROUNDING = 2.0**-48
"""Share of the sum of absolute terms that is added to a bound for the rounding of floats."""
CLOSED = 1e-6
"""The certified gap up to which a plan counts as optimal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What is proven of a plan.

    Attributes
    ----------
    benefit
        Of the whole amounts, on the curves themselves.
    bound
        No plan under the same limits, its money whole or not, brings more.
    rounding_loss
        What whole steps are proven to cost: the bound less the same bound over whole amounts, at the same multipliers.
    gap
        (bound - rounding_loss - benefit) / |bound|.
    bound_by
        ``dual``: multipliers alone prove it all; ``solver``: the rounding loss rests on a solver's tree.
    """

    benefit: float
    bound: float
    rounding_loss: float
    gap: float
    bound_by: Literal["dual", "solver"]

    @property
    def closed(self) -> bool:
        """Tell whether the plan is proven optimal."""
        return self.gap <= CLOSED


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
        if together.slack(steps) < 0:
            raise Broken(rows.name(together.source))
    if int(steps.sum()) + rows.reserve > rows.total:
        raise Broken("more money than there is")


def certify(
    curves: CurveSet, rows: Rows, *, steps: IntArray, multipliers: FloatArray, most: float = math.inf
) -> Certificate:
    """Certify amounts that keep the limits.

    Parameters
    ----------
    curves
        Concave curves in steps, parameters (p,).
    rows
        The limits.
    steps
        Amounts (p,) [steps].
    multipliers
        One for each limit of a sum [benefit per step]; those of a wrong sign count as zero.
    most
        What a tree has proven that no whole amounts exceed; infinite where none was grown.
    """
    primal(rows, steps)
    hi = np.minimum(rows.hi, max(rows.available, 0))
    z = sound(multipliers, rows.sums)
    each = benefits(curves, steps)
    smooth, coarse, error = bounds(curves, np.minimum(rows.lo, hi), hi, rows.sums, z)
    bound, loss, benefit = smooth + error, smooth - coarse, math.fsum(each)
    by_tree = most < bound - loss
    if by_tree:
        loss = bound - most
    scale = max(abs(bound), 2.0**-40 * math.fsum(np.abs(each)))
    gap = (bound - loss - benefit) / scale if scale > 0 else 0.0
    return Certificate(
        benefit=benefit, bound=bound, rounding_loss=loss, gap=gap, bound_by="solver" if by_tree else "dual"
    )


def sound(multipliers: FloatArray, sums: Sequence[Sum]) -> FloatArray:
    """Return multipliers that prove a bound: those of a wrong sign, or not finite, become zero."""
    z = np.where(np.isfinite(multipliers), multipliers, 0.0)
    ceiling = np.array([limit.sense == "ceiling" for limit in sums])
    floor = np.array([limit.sense == "floor" for limit in sums])
    return np.where((ceiling & (z < 0)) | (floor & (z > 0)), 0.0, z)


def slopes_asked(count: int, sums: Sequence[Sum], z: FloatArray) -> FloatArray:
    """Return a = A'z, what a step of each line costs by the limits it is in (p,) [benefit per step]."""
    asked = np.zeros(count)
    for limit, multiplier in zip(sums, z.tolist(), strict=True):
        asked[limit.members] += multiplier
    return asked


def benefits(curves: CurveSet, steps: IntArray) -> list[float]:
    """Return the benefit of each line at whole amounts, ready for an exactly rounded sum."""
    return [float(value) for value in curves.benefit(steps.astype(np.float64))]


def bounds(
    curves: CurveSet, lo: IntArray, hi: IntArray, sums: Sequence[Sum], z: FloatArray
) -> tuple[float, float, float]:
    """Return D(z), the same over whole amounts, and what to add to either for the rounding of floats."""
    a = slopes_asked(len(lo), sums, z)
    levels = [float(multiplier) * limit.level for limit, multiplier in zip(sums, z.tolist(), strict=True)]
    smooth, sizes = _smooth_maxima(curves, a, lo.astype(np.float64), hi.astype(np.float64))
    x = best(curves, a, lo, hi)
    at_x = curves.benefit(x.astype(np.float64))
    error = ROUNDING * math.fsum([*np.abs(levels), *sizes, *np.abs(at_x), *np.abs(a * x)])
    coarse = math.fsum([*levels, *at_x, *(-a * x)])
    return max(math.fsum([*levels, *smooth]), coarse), coarse, error


def _smooth_maxima(curves: CurveSet, a: FloatArray, lo: FloatArray, hi: FloatArray) -> tuple[FloatArray, FloatArray]:
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
