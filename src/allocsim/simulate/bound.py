"""U: what no policy can beat in a lane, even one that knew all its weather and curves beforehand."""

from __future__ import annotations

import numpy as np

from allocsim.model.arrays import FloatArray
from allocsim.model.curve import CurveSet
from allocsim.simulate.outcome import Crop
from allocsim.simulate.year import Year

ROUNDS = 7
"""Rounds of the search for the multiplier; any multiplier gives a valid bound, more rounds a closer one."""
REACH = 6.0
"""The multiplier is sought from e^-6 to e^6 times the plan's price."""
MARGIN = 2.0**-40
"""Added to the bound, as a share, so that rounding cannot push it below an outcome that attains it."""


def bound(year: Year, curves: CurveSet, crop: Crop, *, capacity: FloatArray, best: FloatArray) -> FloatArray:
    """Return U (r,) [benefit].

    U is the dual bound of: maximise sum B(psi_max x) + unspent_worth P (money left), x <= capacity, sum x <= the plan's
    money less claims. For any multiplier mu >= unspent_worth P,

    ``D(mu) = sum_p max over 0 <= x <= capacity of (B(psi_max x) - mu x) + mu T + unspent_worth P V(0)``

    is above every attainable benefit (weak duality), so a multiplier found only nearly still gives a valid bound. To it
    come the subsidies at their claims, and relief bought at its best with the whole reserve at hand and in full time.

    Parameters
    ----------
    curves
        Of each lane (r, p).
    capacity
        Most that each flow line can pay over the year (r, p) [steps].
    best
        psi_max, the best worth of money in any week (r, p).
    """
    brief = year.brief
    flow = np.flatnonzero(brief.flow)
    claims, subsidies = _subsidies(year, curves, crop)
    total = float(brief.planned.sum()) - claims
    problem = _Split(_columns(curves, flow), capacity[:, flow], best[:, flow], total)
    least = max(brief.unspent_worth * brief.price, float(np.finfo(np.float64).tiny))
    low = max(least, brief.price * float(np.exp(-REACH)))
    dual = problem.dual(problem.price(least, low, most=max(low, brief.price) * float(np.exp(REACH))))
    sure = dual + subsidies + _relief(year, crop)
    return np.asarray(sure + MARGIN * np.abs(sure))


class _Split:
    """Money split over lines of concave benefit, lane by lane."""

    def __init__(self, curves: CurveSet, capacity: FloatArray, best: FloatArray, total: FloatArray) -> None:
        self._curves = curves
        self._capacity = capacity
        self._best = best
        self._total = total

    def spending(self, price: FloatArray) -> FloatArray:
        """Return the spending at which each line's next step is worth ``price`` (r, p)."""
        worked = self._curves.spending_at(price[:, None] / self._best)
        return np.minimum(worked / self._best, self._capacity)

    def dual(self, price: FloatArray) -> FloatArray:
        """Return D without the reserve's worth (r,)."""
        x = self.spending(price)
        gain = self._curves.benefit(self._best * x) - price[:, None] * x
        return np.asarray(gain.sum(axis=1) + price * self._total)

    def price(self, least: float, from_: float, *, most: float) -> FloatArray:
        """Return the price at which the money is spent, or ``least`` where it is not all spent at ``from_`` (r,).

        False position on ln price, the kept end's weight halved (Illinois; Dowell and Jarratt 1971); every lane makes
        the same number of rounds, so no lane's figure depends on its company.
        """
        low, high = np.full(len(self._total), np.log(from_)), np.full(len(self._total), np.log(most))
        over, under = self._excess(low), self._excess(high)
        slack = over <= 0
        side = np.zeros(len(self._total))
        for _ in range(ROUNDS):
            spread = np.where(over > under, over - under, 1.0)
            middle = low + (high - low) * np.clip(over / spread, 0.0, 1.0)
            found = self._excess(middle)
            above = found > 0
            low, high = np.where(above, middle, low), np.where(above, high, middle)
            over, under = np.where(above, found, over), np.where(above, under, found)
            under = np.where(above & (side > 0), under / 2, under)
            over = np.where(~above & (side < 0), over / 2, over)
            side = np.where(above, 1.0, -1.0)
        return np.where(slack, least, np.exp(high))

    def _excess(self, log_price: FloatArray) -> FloatArray:
        return np.asarray(self.spending(np.exp(log_price)).sum(axis=1) - self._total)


def _subsidies(year: Year, curves: CurveSet, crop: Crop) -> tuple[FloatArray, FloatArray]:
    """Return claims [steps] and benefit of the subsidies by standard, all claims paid (r,)."""
    lines = np.flatnonzero(year.brief.entitlement)
    effect = year.brief.planned[lines] * crop.planted[:, None]
    claims = np.floor(effect)
    benefit = _columns(curves, lines).benefit(np.where(claims > 0, effect, 0.0)) * (1.0 - crop.lost)[:, None]
    return claims.sum(axis=1), benefit.sum(axis=1)


def _relief(year: Year, crop: Crop) -> FloatArray:
    """Return the best that relief and what is left of the reserve can come to (r,) [benefit].

    Benefit is exponential in each district's relief per need, so the best split gives all districts the same: with the
    city's need n it is max over 0 <= R <= V(0) of relief_return P n (1 - exp(-R / n)) + unspent_worth P (V(0) - R), at
    R = n ln(relief_return / unspent_worth).
    """
    brief, gain = year.brief, year.subsidy.relief_return
    need = crop.need.sum(axis=1)
    most = float(brief.reserve)
    if gain <= brief.unspent_worth:
        drawn = np.zeros_like(need)
    elif brief.unspent_worth > 0:
        drawn = np.minimum(need * np.log(gain / brief.unspent_worth), most)
    else:
        drawn = np.full_like(need, most)
    per_need = np.divide(drawn, need, out=np.zeros_like(need), where=need > 0)
    worth = -gain * need * np.expm1(-per_need) + brief.unspent_worth * (most - drawn)
    return np.asarray(brief.price * worth)


def _columns(curves: CurveSet, lines: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> CurveSet:
    """Return the curves of some lines."""
    return CurveSet(
        family=tuple(curves.family[p] for p in lines.tolist()),
        value=curves.value[:, lines],
        scale=curves.scale[:, lines],
        shape=curves.shape[:, lines],
        points=tuple(curves.points[p] for p in lines.tolist()),
    )
