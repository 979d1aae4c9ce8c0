"""The rest of the year planned anew: one multiplier per lane, and one per rule that would otherwise break."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from allocsim.model.arrays import BoolArray, FloatArray
from allocsim.model.curve import CurveSet

_HALVINGS = 34
_FIRST = np.log(4.0)
"""Half the first bracket of a multiplier, about the plan's price, on the scale of logarithms."""
_SPAN = 1e9
"""No multiplier is sought further than this factor from the plan's price."""

Test = Callable[[FloatArray], BoolArray]
"""Tells for each lane whether a point lies below the one sought."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Row:
    """A sum rule on what its members gain: between ``least`` and ``most`` (r,) [steps]; members (p,)."""

    members: BoolArray
    least: FloatArray
    most: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RestOfYear:
    """What is left to decide in each lane; money in steps, real numbers, shapes (r, p) unless said.

    Maximise, over what each line will still pay ``y`` and what is drawn from spare money ``z``,

        ``sum_p B_p(earned_p + worth_p y_p) - worth_of_spare z - dead_band (sum_p |y_p - usual_p| + z)``

    subject to ``low <= y <= high``, ``0 <= z <= spare``, ``sum_p (y_p - usual_p) = z`` and the rows.

    Attributes
    ----------
    curves
        Plan curves, spending in steps, parameters (p,).
    earned
        Spending so far, in steps that work as planned.
    worth
        How well a step works for the rest of the year [share 0-1].
    usual
        What each line will pay if nothing moves.
    low, high
        The least and most it can pay, ``low <= usual <= high``.
    spare
        Money that nobody would be paid if nothing moves (r,).
    worth_of_spare
        What a step of it keeps when left over [benefit per step].
    dead_band
        Half the cost of moving a step [benefit per step]: one half falls on the giver, the other on the taker.
    price
        Benefit per step of the total at the plan, about which multipliers are searched.
    rows
        Sum rules on ``y - usual``.
    closed
        Where all curves are saturating, (level, rate) of the spending at which the marginal benefit is m:
        ``level - rate ln m``, with ``rate = scale / worth``; else None.
    """

    curves: CurveSet
    earned: FloatArray
    worth: FloatArray
    usual: FloatArray
    low: FloatArray
    high: FloatArray
    spare: FloatArray
    worth_of_spare: float
    dead_band: float
    price: float
    rows: tuple[Row, ...] = ()
    closed: tuple[FloatArray, FloatArray] | None = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "closed", _closed(self))


def spending(problem: RestOfYear, price: FloatArray) -> FloatArray:
    """Return what each line pays at a price of money (r, p) or (r, 1) [benefit per step], shape (r, p).

    ``y = clip(max(Y(price + h), min(usual, Y(price - h))), low, high)``, h the dead band and Y(m) the spending at which
    the marginal benefit is m, ``worth B'(earned + worth Y) = m``: a line moves only where its marginal benefit leaves
    the price by more than h.
    """
    more = _met_at(problem, price + problem.dead_band)
    less = _met_at(problem, price - problem.dead_band)
    return np.clip(np.maximum(more, np.minimum(problem.usual, less)), problem.low, problem.high)


def plan_rest(problem: RestOfYear) -> FloatArray:
    """Return the best spending for the rest of the year (r, p) [steps].

    The problem is separable and concave, so it is solved by its multipliers, each by bisection on its logarithm. Rows
    that are nested or disjoint are settled from the inside out: at the price at which a row just holds, its members
    stay, so the price they see is the one from outside, cut at the row's own. Then one price of money in each lane
    settles the total. This is exact for nested and disjoint rows; of rows that cross only the smaller is kept here, and
    amounts are matched to all rows afterwards.
    """
    cuts: list[_Cut] = []
    for row in sorted(problem.rows, key=lambda row: int(row.members.sum())):
        if all(_nested(row.members, cut.members) for cut in cuts):
            cuts.append(_settle(problem, row, cuts))
    return spending(problem, _prices(_price_of_money(problem, cuts), cuts, problem.usual.shape[1]))


def objective(problem: RestOfYear, change: FloatArray) -> FloatArray:
    """Return what a change of spending (r, p) adds to the expected benefit of each lane, cost of moving off (r,)."""
    reached = problem.earned + problem.worth * (problem.usual + change)
    before = problem.earned + problem.worth * problem.usual
    gain = (problem.curves.benefit(reached) - problem.curves.benefit(before)).sum(axis=1)
    drawn = np.maximum(change.sum(axis=1), 0.0)
    cost = problem.dead_band * (np.abs(change).sum(axis=1) + drawn)
    return np.asarray(gain - cost - problem.worth_of_spare * drawn)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Cut:
    """A settled row: the price that its members see is cut to between ``least`` (ceiling) and ``most`` (floor) (r,)."""

    members: BoolArray
    least: FloatArray
    most: FloatArray


def _met_at(problem: RestOfYear, price: FloatArray) -> FloatArray:
    """Return the spending at which the marginal benefit meets a price; a price of zero or less is met nowhere."""
    least = problem.price / _SPAN**2
    marginal = np.maximum(price, least)
    if problem.closed is not None:
        level, rate = problem.closed
        met = level - rate * np.log(marginal)
    else:
        met = (problem.curves.spending_at(marginal / problem.worth) - problem.earned) / problem.worth
    return met if (price > least).all() else np.where(price > least, met, np.inf)


def _closed(problem: RestOfYear) -> tuple[FloatArray, FloatArray] | None:
    curves, worth = problem.curves, problem.worth
    if set(curves.family) != {"saturating"}:
        return None
    positive = curves.value > 0
    steepest = np.log(np.where(positive, curves.value, 1.0) / curves.scale)
    level = (curves.scale * (steepest + np.log(worth)) - problem.earned) / worth
    return np.where(positive, level, -np.inf), curves.scale / worth


def _prices(outside: FloatArray, cuts: list[_Cut], lines: int) -> FloatArray:
    """Return the price that each line sees (r, p) or (r, 1): the one from outside, cut by its rows, outermost first."""
    if not cuts:
        return outside[:, None]
    prices = np.repeat(outside[:, None], lines, axis=1)
    for cut in reversed(cuts):
        inside = prices[:, cut.members]
        prices[:, cut.members] = np.clip(inside, cut.least[:, None], cut.most[:, None])
    return prices


def _settle(problem: RestOfYear, row: Row, cuts: list[_Cut]) -> _Cut:
    """Return the prices at which a row's members, cut by the rows inside it, just reach its bounds."""
    part = _columns(problem, row.members)
    inner = [
        _Cut(members=cut.members[row.members], least=cut.least, most=cut.most)
        for cut in cuts
        if (cut.members & row.members).any()
    ]

    def change(price: FloatArray) -> FloatArray:
        return np.asarray((spending(part, _prices(price, inner, part.usual.shape[1])) - part.usual).sum(axis=1))

    lanes = len(row.least)
    about = np.full(lanes, problem.price)
    least, most = np.zeros(lanes), np.full(lanes, np.inf)
    if np.isfinite(row.most).any():
        _, least = _bisect(lambda price: change(price) > row.most, about)
    if np.isfinite(row.least).any():
        most, _ = _bisect(lambda price: change(price) >= row.least, about)
    return _Cut(members=row.members, least=least, most=np.maximum(least, most))


def _price_of_money(problem: RestOfYear, cuts: list[_Cut]) -> FloatArray:
    """Return the price of money in each lane (r,) at which spending rises by no more than the spare that is used.

    Spare is used where the price passes what spare keeps plus its half of the cost of moving; at that very price any
    part of it may be.
    """

    def excess(price: FloatArray) -> FloatArray:
        change = spending(problem, _prices(price, cuts, problem.usual.shape[1])) - problem.usual
        return np.asarray(change.sum(axis=1))

    lanes = problem.usual.shape[0]
    kept = np.full(lanes, problem.worth_of_spare + problem.dead_band)
    at_kept = excess(kept)
    allowed = np.where(at_kept > 0, problem.spare, 0.0)
    settled = (at_kept >= 0) & (at_kept <= problem.spare)
    _, found = _bisect(lambda price: excess(price) > allowed, np.full(lanes, problem.price))
    return np.where(settled, kept, found)


def _bisect(is_low: Test, about: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the last price that passes a test and the first that fails it (r,), by halving the logarithm.

    The bracket starts about a price and doubles on the side where it does not hold the turn, to a factor of
    :data:`_SPAN` at most; a turn beyond that is taken to be there.
    """
    centre = np.log(about)
    ends = [centre - _FIRST, centre + _FIRST]
    for side, wanted in enumerate((True, False)):
        reach = _FIRST
        while reach < np.log(_SPAN) and (outside := is_low(np.exp(ends[side])) != wanted).any():
            reach *= 2.0
            ends[1 - side] = np.where(outside, ends[side], ends[1 - side])
            ends[side] = np.where(outside, centre + (2 * side - 1) * reach, ends[side])
    low, high = ends
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        below = is_low(np.exp(middle))
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.exp(low), np.exp(high)


def _nested(one: BoolArray, other: BoolArray) -> bool:
    """Tell whether two sets of lines are disjoint or one holds the other."""
    common = int((one & other).sum())
    return common in (0, int(one.sum()), int(other.sum()))


def _columns(problem: RestOfYear, members: BoolArray) -> RestOfYear:
    return RestOfYear(
        curves=lines_of(problem.curves, members),
        earned=problem.earned[:, members],
        worth=problem.worth[:, members],
        usual=problem.usual[:, members],
        low=problem.low[:, members],
        high=problem.high[:, members],
        spare=problem.spare,
        worth_of_spare=problem.worth_of_spare,
        dead_band=problem.dead_band,
        price=problem.price,
    )


def lines_of(curves: CurveSet, members: BoolArray) -> CurveSet:
    """Return the curves of some lines only."""
    kept = np.flatnonzero(members).tolist()
    return CurveSet(
        family=tuple(curves.family[p] for p in kept),
        value=curves.value[..., kept],
        scale=curves.scale[..., kept],
        shape=curves.shape[..., kept],
        points=tuple(curves.points[p] for p in kept),
    )
