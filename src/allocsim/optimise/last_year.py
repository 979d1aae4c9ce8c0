"""The plan against last year: what is gained over last year's split of the same money, how sure, on whose evidence."""

from __future__ import annotations

import math

import numpy as np

from allocsim.model.arrays import FloatArray, IntArray, floats
from allocsim.model.curve import Curves
from allocsim.model.plan import BetterThanLastYear
from allocsim.optimise.allocate import allocate
from allocsim.optimise.grid import in_steps
from allocsim.optimise.limits import Rows

BLOCK = 32
"""Draws that are evaluated at once."""


def better_than_last_year(curves: Curves, rows: Rows, steps: IntArray) -> BetterThanLastYear | None:
    """Compare the plan with last year's split scaled to the same allocated sum; None where last year sums to nothing.

    ``probability`` is the share of curve draws in which the plan brings more. ``own_evidence`` weighs each line's own
    share of evidence by the size of its change of benefit, up or down. ``same_way`` is the share of moved money (the
    sum of |plan - last year scaled|) that goes the same way in the plan for the other reading of scores, under the
    same limits.

    Parameters
    ----------
    curves
        Expected curves, draws (k, p) and the curves of the other reading.
    rows
        The limits, with last budgets.
    steps
        The plan (p,) [steps].
    """
    before = scaled_last(rows, int(steps.sum()))
    if before is None:
        return None
    plan_money, last_money = rows.step.amounts(steps), floats(before * rows.step.size)
    at_plan, at_last = curves.expected.benefit(plan_money), curves.expected.benefit(last_money)
    gain = at_plan - at_last
    gains = _gains(curves, plan_money, last_money)
    low, high = np.quantile(gains, [0.05, 0.95])
    weight = np.abs(gain)
    return BetterThanLastYear(
        benefit=math.fsum(at_plan) - math.fsum(at_last),
        low=float(low),
        high=float(high),
        probability=float((gains > 0).mean()),
        own_evidence=float((weight * curves.own_evidence).sum() / weight.sum()) if weight.any() else 0.0,
        same_way=_same_way(curves, rows, steps, before),
        last_benefit=math.fsum(at_last),
    )


def scaled_last(rows: Rows, allocated: int) -> FloatArray | None:
    """Return last year's split of ``allocated`` steps (p,) [steps], None where last year sums to nothing."""
    last = np.nan_to_num(rows.last)
    return floats(last * (allocated / last.sum())) if last.sum() > 0 else None


def _gains(curves: Curves, plan_money: FloatArray, last_money: FloatArray) -> FloatArray:
    """Return the gain of each curve draw (k,)."""
    count = len(curves.draws.value)
    gains = np.empty(count)
    for first in range(0, count, BLOCK):
        some = np.arange(first, min(first + BLOCK, count))
        drawn = curves.draws.take(some)
        gains[some] = (drawn.benefit(plan_money) - drawn.benefit(last_money)).sum(axis=-1)
    return gains


def _same_way(curves: Curves, rows: Rows, steps: IntArray, before: FloatArray) -> float | None:
    if curves.alternative is None:
        return None
    other = allocate(in_steps(curves.alternative, rows.step), rows).steps
    moved, moved_there = steps - before, other - before
    share = np.abs(moved).sum()
    return float(np.abs(moved)[np.sign(moved) == np.sign(moved_there)].sum() / share) if share > 0 else 1.0


def wrong_cut(curves: Curves, rows: Rows, steps: IntArray) -> FloatArray:
    """Return the probability that each line's cut lowers the whole (p,); NaN where the line is not cut.

    A cut is wrong in a draw where the benefit that the line loses, B_k(last) - B_k(plan), exceeds what the same money
    brings in that draw where the plan puts it: the cut times the mean gain per unit over all lines that get more. Where
    no line gets more, the cuts are compared with each other: the mean loss per unit over all lines that are cut.

    Parameters
    ----------
    curves
        Draws (k, p).
    rows
        The limits, with last budgets.
    steps
        The plan (p,) [steps].
    """
    last = np.nan_to_num(rows.last)
    cut, raised = last > steps, steps > last
    probability = np.full(len(steps), np.nan)
    if not cut.any():
        return floats(probability)
    against = raised if raised.any() else cut
    moved = np.abs(steps - last)
    plan_money, last_money = rows.step.amounts(steps), floats(last * rows.step.size)
    wrong, count = np.zeros(len(steps)), len(curves.draws.value)
    for first in range(0, count, BLOCK):
        drawn = curves.draws.take(np.arange(first, min(first + BLOCK, count)))
        change = np.abs(np.subtract(drawn.benefit(last_money), drawn.benefit(plan_money)))
        each = change[:, against].sum(axis=-1) / moved[against].sum()
        wrong += (change > each[:, None] * moved * (1.0 + 1e-12)).sum(axis=0)
    probability[cut] = wrong[cut] / count
    return floats(probability)
