"""Curves counted in whole money steps: the slopes of one step, and the best whole number of steps at a price."""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from allocsim.model.arrays import FloatArray, IntArray, floats
from allocsim.model.blend import Blend, Columns
from allocsim.model.curve import CurveSet, Points
from allocsim.model.money import MoneyStep

Curve = TypeVar("Curve", CurveSet, Blend)


def in_steps(curves: Curve, step: MoneyStep) -> Curve:
    """Return the curves with spending counted in steps of money; equal decimals give equal bits at any unit.

    Parameters
    ----------
    curves
        Curves with ``scale`` in [money], parameters (p,), or blends of such curves.
    step
        The whole money in which spending is counted.
    """
    if isinstance(curves, Blend):
        return Blend(members=in_steps(curves.members, step), of=curves.of)
    corners = [None if points is None else _corners(points, step) for points in curves.points]
    return CurveSet(
        family=curves.family,
        value=curves.value,
        scale=floats(step.in_steps(curves.scale)),
        shape=curves.shape,
        points=tuple(corners),
    )


def up(curves: Columns, x: IntArray) -> FloatArray:
    """Return the slope of the step above ``x`` (p,) [benefit per step]."""
    return curves.rise(x.astype(np.float64), 1.0)


def down(curves: Columns, x: IntArray) -> FloatArray:
    """Return the slope of the step below ``x`` (p,) [benefit per step]; infinite at zero."""
    below = curves.rise(np.maximum(x - 1, 0).astype(np.float64), 1.0)
    return np.where(x > 0, below, np.inf)


def chord(curves: Columns, x: IntArray, width: IntArray) -> FloatArray:
    """Return the mean slope over ``width`` steps from ``x``, both (p,) [benefit per step]; 0 where the width is 0.

    Uses each family's own form of a rise, in which no difference of two benefits is taken.
    """
    rise = curves.rise(x.astype(np.float64), np.maximum(width, 1).astype(np.float64))
    return np.where(width > 0, rise, 0.0)


def best(curves: Columns, price: FloatArray, lo: IntArray, hi: IntArray) -> IntArray:
    """Return the fewest steps in [lo, hi] that maximise f(x) - price x, line by line.

    That is the first x whose next step brings no more than the price: up(x) <= price < down(x). Let the curve's slope
    meet the price at v, and k be v rounded down. The mean of a falling slope lies between its ends, so that
    down(k) >= price >= up(k + 1): x is k or k + 1, and the step between these two tells which. The step on the other
    side of x is looked at too; lines for which rounding interferes are bisected.

    Parameters
    ----------
    curves
        Concave curves in steps, parameters (p,).
    price
        Price of a step (p,) [benefit per step]; none or negative means as much as allowed.
    lo, hi
        Bounds (p,) [steps].
    """
    meeting = curves.spending_at(np.where(price > 0, price, 1.0))
    guess = np.floor(np.minimum(np.fmax(meeting, lo), hi)).astype(np.int64)
    higher = (guess < hi) & (up(curves, guess) > price)
    guess = guess + higher
    beside = up(curves, np.maximum(np.where(higher, guess, guess - 1), 0))
    off = np.where(higher, (guess < hi) & (beside > price), (guess > lo) & (beside <= price)) & (price > 0)
    if off.any():
        lines = np.flatnonzero(off)
        guess[lines] = _bisect(curves.subset(lines), price[lines], lo[lines], hi[lines], near=guess[lines])
    return np.where(price > 0, guess, hi).astype(np.int64)


def most(curves: Columns, price: FloatArray, lo: IntArray, hi: IntArray) -> IntArray:
    """Return the most steps in [lo, hi] that maximise f(x) - price x: the last x with down(x) >= price."""
    return best(curves, np.nextafter(price, -np.inf), lo, hi)


def _bisect(curves: Columns, price: FloatArray, lo: IntArray, hi: IntArray, *, near: IntArray) -> IntArray:
    """Return the first x in [lo, hi] with up(x) <= price, which is likely to be within some steps of ``near`` (p,)."""
    low, high = lo.copy(), hi.copy()
    for turn in range(66):
        if not (low < high).any():
            break
        middle = np.clip(near + (-8, 8)[turn], low, high) if turn < 2 else low + (high - low) // 2
        worth = (up(curves, middle) > price) & (low < high)
        low, high = np.where(worth, middle + 1, low), np.where(worth | (low == high), high, middle)
    return np.minimum(low, hi)


def _corners(points: Points, step: MoneyStep) -> Points:
    spending = step.in_steps([x for x, _ in points]).tolist()
    return tuple(zip(spending, [y for _, y in points], strict=True))
