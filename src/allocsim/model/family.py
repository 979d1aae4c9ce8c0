"""The curve families: benefit of spending, its slopes over whole steps, and the spending at which a slope is met.

Every function takes the family's parameters as arrays that broadcast with ``x`` and returns arrays of the broadcast
shape. Formulas: given curves of the contract; slopes in forms that do not cancel (no difference of two benefits).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from allocsim.model.arrays import FloatArray

Formula = Callable[[FloatArray, FloatArray, FloatArray, FloatArray], FloatArray]
"""A formula of (x, value, scale, shape)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One family of benefit curves, concave but for a Hill curve of shape above 1, which is S-shaped.

    Attributes
    ----------
    benefit
        ``B(x)``; zero at zero spending [benefit].
    slope
        ``B'(x)`` [benefit per money]; may be infinite at zero.
    rise
        ``(B(x + step) - B(x)) / step`` with ``step`` handed in units of money; always finite.
    spending_at
        The ``x >= 0`` at which ``B'(x)`` falls to a given slope; 0 where the curve is flatter throughout.
    """

    benefit: Formula
    slope: Formula
    rise: Callable[[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray], FloatArray]
    spending_at: Formula


def _saturating(x: FloatArray, value: FloatArray, scale: FloatArray, shape: FloatArray) -> FloatArray:
    return -value * np.expm1(-x / scale)


def _saturating_slope(x: FloatArray, value: FloatArray, scale: FloatArray, shape: FloatArray) -> FloatArray:
    return value / scale * np.exp(-x / scale)


def _saturating_rise(
    x: FloatArray, value: FloatArray, scale: FloatArray, shape: FloatArray, step: FloatArray
) -> FloatArray:
    return -value * np.exp(-x / scale) * np.expm1(-step / scale) / step


def _saturating_at(slope: FloatArray, value: FloatArray, scale: FloatArray, shape: FloatArray) -> FloatArray:
    return np.asarray(np.maximum(0.0, scale * (np.log(value) - np.log(scale) - np.log(slope))))


def _log(x: FloatArray, value: FloatArray, scale: FloatArray, shape: FloatArray) -> FloatArray:
    return np.asarray(value * np.log1p(x / scale))


def _log_slope(x: FloatArray, value: FloatArray, scale: FloatArray, shape: FloatArray) -> FloatArray:
    return value / (scale + x)


def _log_rise(x: FloatArray, value: FloatArray, scale: FloatArray, shape: FloatArray, step: FloatArray) -> FloatArray:
    return value * np.log1p(step / (scale + x)) / step


def _log_at(slope: FloatArray, value: FloatArray, scale: FloatArray, shape: FloatArray) -> FloatArray:
    return np.maximum(0.0, value / slope - scale)


def _power(x: FloatArray, value: FloatArray, scale: FloatArray, shape: FloatArray) -> FloatArray:
    return value * (x / scale) ** shape


def _power_slope(x: FloatArray, value: FloatArray, scale: FloatArray, shape: FloatArray) -> FloatArray:
    return value * shape / scale * (x / scale) ** (shape - 1.0)


def _power_rise(x: FloatArray, value: FloatArray, scale: FloatArray, shape: FloatArray, step: FloatArray) -> FloatArray:
    above = value * (x / scale) ** shape * np.expm1(shape * np.log1p(step / np.where(x > 0, x, 1.0))) / step
    return np.where(x > 0, above, value * (step / scale) ** shape / step)


def _power_at(slope: FloatArray, value: FloatArray, scale: FloatArray, shape: FloatArray) -> FloatArray:
    return scale * (slope * scale / (value * shape)) ** (1.0 / (shape - 1.0))


SETTLED = 4e-16
"""Share by which a root moves in a round at which it counts as found; each line by itself, whatever its company."""


def _hill(x: FloatArray, value: FloatArray, scale: FloatArray, shape: FloatArray) -> FloatArray:
    u = (x / scale) ** shape
    benefit = value * u / (1.0 + u)
    return np.where(np.isinf(u), value, benefit)


def _hill_slope(x: FloatArray, value: FloatArray, scale: FloatArray, shape: FloatArray) -> FloatArray:
    ratio = x / scale
    u = ratio**shape
    slope = value * shape / scale * ratio ** (shape - 1.0) / (1.0 + u) ** 2
    return np.where(np.isinf(u), 0.0, slope)


def _hill_rise(x: FloatArray, value: FloatArray, scale: FloatArray, shape: FloatArray, step: FloatArray) -> FloatArray:
    safe = np.where(x > 0, x, 1.0)
    below, above = (x / scale) ** shape, ((x + step) / scale) ** shape
    gain = np.where(
        x > 0,
        (safe / scale) ** shape * np.expm1(shape * np.log1p(step / safe)),
        (step / scale) ** shape,
    )
    rise = value * gain / ((1.0 + below) * (1.0 + above)) / step
    steep = value * np.where(x > 0, -np.expm1(-shape * np.log1p(step / safe)), 1.0) / step
    return np.where(~np.isfinite(gain) | np.isinf(above), steep / (1.0 + 1.0 / above) / (1.0 + below), rise)


def _hill_at(slope: FloatArray, value: FloatArray, scale: FloatArray, shape: FloatArray) -> FloatArray:
    """Solve B'(x) = slope by Newton's method on l = ln(x / scale), on the side where the curve flattens.

    ``ln B' = ln(value shape / scale) + (shape - 1) l - 2 ln(1 + e^(shape l))`` is concave in l. Where it falls, every
    round from the right of the root stays on the right: fourteen rounds reach the last digits. For shape <= 1 it falls
    throughout; for an S-curve it falls beyond the bend, and near the steepest slope, where two roots meet, the first
    rounds only halve the way: forty do. Above the steepest slope there is no root, and no spending is worth it.
    """
    slope, value, scale, shape = np.broadcast_arrays(slope, value, scale, shape)
    gap = np.log(value * shape / scale) - np.log(slope)
    steepens = shape > 1.0
    level = np.minimum(gap / np.maximum(1.0 - shape, 1e-300), gap / (1.0 + shape))
    if steepens.any():
        a = np.where(steepens, shape, 2.0)
        bend = np.log((a - 1.0) / (a + 1.0)) / a
        level = np.where(steepens, np.maximum(gap / (1.0 + shape), bend), level)
        too_steep = steepens & (gap + (a - 1.0) * bend - 2.0 * np.log1p((a - 1.0) / (a + 1.0)) <= 0.0)
    level = _within(level)
    bent, least = bool(steepens.any()), np.where(steepens, -1e-9, -1e-300)
    moving = np.ones(level.shape, dtype=np.bool_)
    for _ in range(40 if bent else 14):
        w = np.exp(_within(shape * level))
        off = gap + (shape - 1.0) * level - 2.0 * np.log1p(w)
        nearer = _within(level - off / np.minimum(shape - 1.0 - 2.0 * shape * w / (1.0 + w), least))
        if bent:
            nearer = np.where(steepens, np.maximum(nearer, bend), nearer)
        nearer, before = np.where(moving, nearer, level), level
        moving, level = np.abs(nearer - before) > SETTLED * (1.0 + np.abs(before)), nearer
        if not moving.any():
            break
    none = (shape >= 1.0) & (slope >= value * shape / scale) & ~steepens
    return np.where(none | too_steep if steepens.any() else none, 0.0, scale * np.exp(level))


def _within(log: FloatArray) -> FloatArray:
    """Keep a logarithm where its exponential is a number."""
    return np.maximum(np.minimum(log, 690.0), -690.0)


def _linear(x: FloatArray, value: FloatArray, scale: FloatArray, shape: FloatArray) -> FloatArray:
    return value * x / scale


def _linear_slope(x: FloatArray, value: FloatArray, scale: FloatArray, shape: FloatArray) -> FloatArray:
    return np.broadcast_to(value / scale, np.broadcast_shapes(x.shape, np.shape(value), np.shape(scale))).copy()


def _linear_rise(
    x: FloatArray, value: FloatArray, scale: FloatArray, shape: FloatArray, step: FloatArray
) -> FloatArray:
    return _linear_slope(x, value, scale, shape)


def _linear_at(slope: FloatArray, value: FloatArray, scale: FloatArray, shape: FloatArray) -> FloatArray:
    return np.where(value / scale > slope, np.inf, 0.0)


FAMILIES: dict[str, Family] = {
    "saturating": Family(
        benefit=_saturating, slope=_saturating_slope, rise=_saturating_rise, spending_at=_saturating_at
    ),
    "log": Family(benefit=_log, slope=_log_slope, rise=_log_rise, spending_at=_log_at),
    "power": Family(benefit=_power, slope=_power_slope, rise=_power_rise, spending_at=_power_at),
    "hill": Family(benefit=_hill, slope=_hill_slope, rise=_hill_rise, spending_at=_hill_at),
    "linear": Family(benefit=_linear, slope=_linear_slope, rise=_linear_rise, spending_at=_linear_at),
}
"""The closed-form families by name; a piecewise curve is points, not a formula, and lives in ``model/curve.py``."""
