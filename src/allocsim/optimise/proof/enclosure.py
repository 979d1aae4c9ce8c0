"""Curves in decimals with directed rounding: numbers that are proven to lie below and above the true benefit.

Parameters and amounts are floats taken exactly as the rational numbers that they are. Products and quotients round
outwards; ``exp`` and ``ln`` of the decimal arithmetic are rounded correctly, so the neighbours of their result hold the
true value between them. A power is ``exp(shape ln u)``; corners of piecewise curves are exact fractions.

References
----------
Moore, R. E., Kearfott, R. B. and Cloud, M. J. (2009), Introduction to Interval Analysis. General Decimal Arithmetic
Specification (Cowlishaw), exp and ln.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from allocsim.model.blend import Blend, Columns
from allocsim.model.curve import Points

DIGITS = 50
"""Decimal digits that every number is rounded to."""
DOWN = Context(prec=DIGITS, rounding=ROUND_FLOOR, Emin=MIN_EMIN, Emax=MAX_EMAX)
UP = Context(prec=DIGITS, rounding=ROUND_CEILING, Emin=MIN_EMIN, Emax=MAX_EMAX)
FAINT = Decimal(-1_000_000)
"""Below this exponent a power of e is told from nothing by its upper end only."""
ZERO, ONE = Decimal(0), Decimal(1)


class Between(NamedTuple):
    """Two decimals between which a number lies."""

    low: Decimal
    high: Decimal


class Tangents(NamedTuple):
    """Slopes of a concave curve at a point: one not above its slope to the left, one not below that to the right."""

    left: Decimal
    right: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Exact:
    """One curve with its parameters as exact numbers.

    Attributes
    ----------
    family
        As of :class:`allocsim.model.curve.CurveSet`.
    value, scale, shape
        Parameters; ``shape`` is 0 where the family has none.
    corners
        Spending and benefit of the corners of a piecewise curve, else empty.
    """

    family: str
    value: Decimal
    scale: Decimal
    shape: Decimal
    corners: tuple[tuple[Fraction, Fraction], ...] = ()

    @property
    def is_bent(self) -> bool:
        """Tell whether the curve is S-shaped."""
        return self.family == "hill" and self.shape > 1

    def benefit(self, x: Decimal) -> Between:
        """Return the benefit of spending ``x`` from 0 up."""
        if self.family == "piecewise":
            return between(piecewise(self.corners, Fraction(x)))
        return _BENEFIT[self.family](self, x) if x and self.value else Between(ZERO, ZERO)

    def tangents(self, x: Decimal) -> Tangents:
        """Return the slopes at spending ``x``; infinite to the right of nothing where the curve starts upright."""
        if self.family == "piecewise":
            return _kink(self.corners, Fraction(x))
        if not self.value:
            return Tangents(ZERO, ZERO)
        if not x and self.family in ("power", "hill"):
            return Tangents(ZERO, Decimal("Infinity"))
        slope = _SLOPE[self.family](self, x)
        return Tangents(slope.low, slope.high)

    def bend(self) -> Between:
        """Return the spending at which an S-curve turns: ``scale ((shape - 1) / (shape + 1))^(1 / shape)``."""
        ratio = Between(
            DOWN.divide(DOWN.subtract(self.shape, ONE), UP.add(self.shape, ONE)),
            UP.divide(UP.subtract(self.shape, ONE), DOWN.add(self.shape, ONE)),
        )
        log = _ln(ratio)
        root = _exp(Between(DOWN.divide(log.low, self.shape), UP.divide(log.high, self.shape)))
        return Between(DOWN.multiply(self.scale, root.low), UP.multiply(self.scale, root.high))


def exact_lines(curves: Columns) -> list[tuple[Exact, ...]]:
    """Return the members of each line's curve (p,): one, or those of its blend."""
    members = curves.members if isinstance(curves, Blend) else curves
    found = [
        Exact(
            family=family,
            value=Decimal(value),
            scale=Decimal(scale),
            shape=ZERO if shape != shape else Decimal(shape),
            corners=_fractions(points),
        )
        for family, value, scale, shape, points in zip(
            members.family,
            members.value.tolist(),
            members.scale.tolist(),
            members.shape.tolist(),
            members.points,
            strict=True,
        )
    ]
    if not isinstance(curves, Blend):
        return [(one,) for one in found]
    ends = [*curves.first.tolist(), len(found)]
    return [tuple(found[start:end]) for start, end in pairwise(ends)]


def between(number: Fraction) -> Between:
    """Return the decimals next to a fraction."""
    above, below = Decimal(number.numerator), Decimal(number.denominator)
    return Between(DOWN.divide(above, below), UP.divide(above, below))


def piecewise(corners: tuple[tuple[Fraction, Fraction], ...], x: Fraction) -> Fraction:
    """Return the benefit between corners, flat before the first and beyond the last."""
    after = bisect_right(corners, x, key=lambda corner: corner[0])
    if after in (0, len(corners)):
        return corners[min(after, len(corners) - 1)][1]
    (x0, y0), (x1, y1) = corners[after - 1], corners[after]
    return y0 + (y1 - y0) * (x - x0) / (x1 - x0)


def _fractions(points: Points | None) -> tuple[tuple[Fraction, Fraction], ...]:
    return tuple((Fraction(x), Fraction(y)) for x, y in points or ())


def _kink(corners: tuple[tuple[Fraction, Fraction], ...], x: Fraction) -> Tangents:
    slopes = [Fraction(0)]
    slopes += [(y1 - y0) / (x1 - x0) for (x0, y0), (x1, y1) in pairwise(corners)]
    slopes.append(Fraction(0))
    to_right = bisect_right(corners, x, key=lambda corner: corner[0])
    is_corner = to_right > 0 and corners[to_right - 1][0] == x
    left, right = slopes[to_right - is_corner], slopes[to_right]
    return Tangents(between(left).low, between(right).high)


def _exp(exponent: Between) -> Between:
    """Return e to a power, evaluated once: e^high <= e^low (1 + 2 (high - low)) where the two are within 1."""
    low, width = DOWN.exp(max(exponent.low, FAINT)), UP.subtract(exponent.high, max(exponent.low, FAINT))
    if width > 1:
        return Between(ZERO, UP.next_plus(UP.exp(max(exponent.high, FAINT))))
    high = UP.multiply(UP.next_plus(low), UP.add(ONE, UP.add(width, width))) if width > 0 else UP.next_plus(low)
    return Between(DOWN.next_minus(low) if exponent.low > FAINT else ZERO, high)


def _ln(number: Between) -> Between:
    """Return the natural logarithm of a number above zero: ln high <= ln low + (high - low) / low."""
    low = DOWN.ln(number.low)
    more = UP.divide(UP.subtract(number.high, number.low), number.low)
    return Between(DOWN.next_minus(low), UP.add(UP.next_plus(low), more))


def _negative(number: Between) -> Between:
    return Between(number.high.copy_negate(), number.low.copy_negate())


def _ratio(curve: Exact, x: Decimal) -> Between:
    return Between(DOWN.divide(x, curve.scale), UP.divide(x, curve.scale))


def _decay(curve: Exact, x: Decimal) -> Between:
    """Return exp(-x / scale)."""
    u = _ratio(curve, x)
    power = _exp(_negative(u))
    return Between(power.low, min(ONE, power.high))


def _saturating(curve: Exact, x: Decimal) -> Between:
    left = _decay(curve, x)
    return Between(
        DOWN.multiply(curve.value, DOWN.subtract(ONE, left.high)),
        UP.multiply(curve.value, UP.subtract(ONE, left.low)),
    )


def _saturating_slope(curve: Exact, x: Decimal) -> Between:
    left = _decay(curve, x)
    return Between(
        DOWN.divide(DOWN.multiply(curve.value, left.low), curve.scale),
        UP.divide(UP.multiply(curve.value, left.high), curve.scale),
    )


def _log(curve: Exact, x: Decimal) -> Between:
    u = _ratio(curve, x)
    grown = _ln(Between(DOWN.add(ONE, u.low), UP.add(ONE, u.high)))
    return Between(max(ZERO, DOWN.multiply(curve.value, grown.low)), UP.multiply(curve.value, grown.high))


def _log_slope(curve: Exact, x: Decimal) -> Between:
    return Between(
        DOWN.divide(curve.value, UP.add(curve.scale, x)),
        UP.divide(curve.value, DOWN.add(curve.scale, x)),
    )


def _exponent(curve: Exact, x: Decimal) -> Between:
    """Return shape ln(x / scale)."""
    log = _ln(_ratio(curve, x))
    return Between(DOWN.multiply(curve.shape, log.low), UP.multiply(curve.shape, log.high))


def _power(curve: Exact, x: Decimal) -> Between:
    u = _exp(_exponent(curve, x))
    return Between(DOWN.multiply(curve.value, u.low), UP.multiply(curve.value, u.high))


def _power_slope(curve: Exact, x: Decimal) -> Between:
    height = _power(curve, x)
    return Between(
        DOWN.divide(DOWN.multiply(height.low, curve.shape), x),
        UP.divide(UP.multiply(height.high, curve.shape), x),
    )


def _hill(curve: Exact, x: Decimal) -> Between:
    """Return value u / (1 + u) with u = (x / scale)^shape, by whichever of u and 1 / u is at most about 1."""
    exponent = _exponent(curve, x)
    if exponent.high <= 0:
        u = _exp(exponent)
        return Between(
            DOWN.divide(DOWN.multiply(curve.value, u.low), UP.add(ONE, u.low)),
            UP.divide(UP.multiply(curve.value, u.high), DOWN.add(ONE, u.high)),
        )
    over = _exp(_negative(exponent))
    return Between(
        DOWN.divide(curve.value, UP.add(ONE, over.high)),
        UP.divide(curve.value, DOWN.add(ONE, over.low)),
    )


def _hill_slope(curve: Exact, x: Decimal) -> Between:
    """Return value shape / x times u / (1 + u)^2, which is the same for u and 1 / u and rises up to u = 1."""
    exponent = _exponent(curve, x)
    other = _negative(exponent)
    u = _exp(Between(min(exponent.low, other.low), min(ZERO, exponent.high, other.high)))  # exp(-|exponent|)
    low = DOWN.divide(u.low, UP.multiply(UP.add(ONE, u.low), UP.add(ONE, u.low)))
    high = min(Decimal("0.25"), UP.divide(u.high, DOWN.multiply(DOWN.add(ONE, u.high), DOWN.add(ONE, u.high))))
    steep = Between(
        DOWN.divide(DOWN.multiply(curve.value, curve.shape), x),
        UP.divide(UP.multiply(curve.value, curve.shape), x),
    )
    return Between(DOWN.multiply(steep.low, low), UP.multiply(steep.high, high))


def _linear(curve: Exact, x: Decimal) -> Between:
    return Between(
        DOWN.divide(DOWN.multiply(curve.value, x), curve.scale),
        UP.divide(UP.multiply(curve.value, x), curve.scale),
    )


def _linear_slope(curve: Exact, x: Decimal) -> Between:
    return Between(DOWN.divide(curve.value, curve.scale), UP.divide(curve.value, curve.scale))


_Formula = Callable[[Exact, Decimal], Between]
_BENEFIT: dict[str, _Formula] = {
    "saturating": _saturating,
    "log": _log,
    "power": _power,
    "hill": _hill,
    "linear": _linear,
}
_SLOPE: dict[str, _Formula] = {
    "saturating": _saturating_slope,
    "log": _log_slope,
    "power": _power_slope,
    "hill": _hill_slope,
    "linear": _linear_slope,
}
