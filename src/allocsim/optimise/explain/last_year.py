"""The plan against last year: what is gained over last year's split of the same money, how sure, on whose evidence."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from allocsim.model.arrays import FloatArray, IntArray, floats
from allocsim.model.curve import Curves
from allocsim.model.plan import BetterThanLastYear
from allocsim.optimise.allocate import allocate
from allocsim.optimise.explain.prices import Prices
from allocsim.optimise.grid import in_steps
from allocsim.optimise.limits import Rows

BLOCK = 32
"""Draws that are evaluated at once."""
ROUNDING = 1e-12
"""Share by which a loss must exceed what its money is worth, so that equals count as equals."""


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


def worth_elsewhere(found: Prices, rows: Rows) -> FloatArray:
    """Return what the money of each line could earn elsewhere (p,) [benefit per money].

    The largest of the total's price and the multipliers of the ceilings that the line is in, each times what a step of
    the line counts there: where a ceiling rather than the total is what is scarce, money that a line gives up is worth
    what the other lines under that ceiling make of it. A ceiling with no other line that can move offers nothing
    elsewhere, and neither do floors.

    Parameters
    ----------
    found
        Prices of the plan; of each multiplier the least is taken, as of the total.
    rows
        The limits, of the same sums.
    """
    worth = np.full(len(rows.id), found.least[0] if np.isfinite(found.least[0]) else 0.0)
    for least, limit in zip(found.least[1:].tolist(), rows.sums[1:], strict=True):
        if math.isfinite(least) and least > 0:
            can_move = rows.lo[limit.members] < rows.hi[limit.members]
            has_others = can_move.sum() > can_move.astype(np.int64)
            offered = np.where(has_others, least * limit.coefficients, 0.0)
            worth[limit.members] = np.maximum(worth[limit.members], offered)
    return floats(np.maximum(worth, 0.0) / rows.step.size)


def wrong_cut(
    curves: Curves, rows: Rows, steps: IntArray, *, price: float | FloatArray, held: Sequence[int] | IntArray
) -> FloatArray:
    """Return the probability that each line's cut loses more than its money is worth elsewhere (p,).

    The share of draws k in which the benefit that the line loses, B_k(last) - B_k(plan), exceeds cut x price_k. Money
    is worth in a draw what it is worth to the lines that compete for it freely:

        price_k = price x mean over free lines of the draw's marginal / mean over free lines of the expected marginal,

    where a line is free if nothing holds it and it gets money; the plain price where no line is free. NaN where a line
    is not cut, where a fixed amount holds it (there is nothing to choose), and where it is dropped to nothing (no
    record speaks of curves at zero spending).

    Parameters
    ----------
    curves
        Expected curves and draws (k, p).
    rows
        The limits, with last budgets.
    steps
        The plan (p,) [steps].
    price
        What one more unit of money brings elsewhere, to the whole or for each line (p,) [benefit per money]; as
        :func:`worth_elsewhere` tells.
    held
        Source that holds each line (p,), -1 for none.
    """
    last, holder = np.nan_to_num(rows.last), np.array(held, dtype=np.int64)
    fixes = np.array([source.kind == "fix" for source in rows.sources])
    judged = (last > steps) & (steps > 0) & ~((holder >= 0) & fixes[holder])
    probability = np.full(len(steps), np.nan)
    if not judged.any():
        return floats(probability)
    plan_money, last_money = rows.step.amounts(steps), floats(last * rows.step.size)
    at_price = (last_money - plan_money) * price
    free = (holder < 0) & (steps > 0)
    usual = float(curves.expected.rise(plan_money, rows.step.size)[free].sum())
    wrong, count = np.zeros(len(steps)), len(curves.draws.value)
    for first in range(0, count, BLOCK):
        drawn = curves.draws.take(np.arange(first, min(first + BLOCK, count)))
        lost = drawn.benefit(last_money) - drawn.benefit(plan_money)
        marginal = drawn.rise(plan_money, rows.step.size)[:, free].sum(axis=-1)
        dearer = marginal / usual if usual > 0 else np.ones(len(lost))
        wrong += (lost > dearer[:, None] * at_price * (1.0 + ROUNDING)).sum(axis=0)
    probability[judged] = wrong[judged] / count
    return floats(probability)
