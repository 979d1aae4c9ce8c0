"""What a year came to: benefit of lines, relief and what is left over, and how evenly it reached districts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocsim.model.arrays import FloatArray
from allocsim.model.curve import CurveSet
from allocsim.simulate.disburse import by_area, mean_planted
from allocsim.simulate.lanes import Lanes
from allocsim.simulate.ledger import Ledger
from allocsim.simulate.year import Year


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Crop:
    """What became of crops in each lane.

    Attributes
    ----------
    planted
        abar: planted share of the city's area (r,) [share 0-1].
    lost
        lbar: share of the crop lost, by planted area (r,) [share 0-1].
    need
        n: need of relief of each district, the need of a whole lost crop times the loss (r, d) [steps].
    """

    planted: FloatArray
    lost: FloatArray
    need: FloatArray


def crop_of(year: Year, lanes: Lanes) -> Crop:
    """Return what became of crops."""
    planted = mean_planted(year, lanes)
    harmed = by_area(year, lanes.planted * lanes.loss)
    lost = np.divide(harmed, planted, out=np.zeros_like(planted), where=planted > 0)
    return Crop(planted=planted, lost=np.minimum(lost, 1.0), need=lanes.loss * year.brief.need)


def line_benefit(year: Year, curves: CurveSet, ledger: Ledger, crop: Crop) -> FloatArray:
    """Return the benefit of each line on the lane's own curves (r, p) [benefit].

    A flow line's effect is what it paid, weighted by what money was worth. A subsidy by standard reaches
    ``A(0) abar x paid / claims`` and loses the share of the crop that was lost.
    """
    subsidies = np.flatnonzero(year.brief.entitlement)
    if not len(subsidies):
        return curves.benefit(ledger.effect)
    effect = ledger.effect.copy()
    claims = ledger.every_lane(ledger.committed)[:, subsidies]
    settled = np.divide(ledger.paid[:, subsidies], claims, out=np.zeros_like(claims), where=claims > 0)
    effect[:, subsidies] = year.brief.planned[subsidies] * crop.planted[:, None] * settled
    benefit = curves.benefit(effect)
    benefit[:, subsidies] *= (1.0 - crop.lost)[:, None]
    return benefit


def relief_benefit(year: Year, effect: FloatArray, need: FloatArray) -> FloatArray:
    """Return the benefit of relief: ``relief_return P n (1 - exp(-R / n))``, 0 where nothing is needed [benefit]."""
    per_need = np.divide(effect, need, out=np.zeros_like(effect), where=need > 0)
    return np.asarray(-year.subsidy.relief_return * year.brief.price * need * np.expm1(-per_need))


def year_benefit(year: Year, ledger: Ledger, lines: FloatArray, relief: FloatArray) -> FloatArray:
    """Return the year's benefit (r,): lines, relief, what is left over, less the cost of moving [benefit]."""
    brief = year.brief
    left = year.money - ledger.spent()
    worth = brief.unspent_worth * brief.price * left - brief.move_cost * brief.price * ledger.moved
    return np.asarray(lines.sum(axis=1) + relief.sum(axis=1) + worth)


def calm_benefit(year: Year, curves: CurveSet) -> FloatArray:
    """Return the benefit of the plan in a year without shocks, on each draw's curves (k,) [benefit]."""
    brief = year.brief
    lines = curves.benefit(np.broadcast_to(brief.planned.astype(np.float64), curves.value.shape))
    return np.asarray(lines.sum(axis=1) + brief.unspent_worth * brief.price * brief.reserve)


class Evenness:
    """Inequality of benefit between districts that have lines of their own; lines of no district are left out."""

    def __init__(self, year: Year) -> None:
        district = year.exposure.district
        order = np.argsort(district, kind="stable")
        self._order = order[district[order] >= 0]
        self._found, self._starts = np.unique(district[self._order], return_index=True)
        self._heads = self._weights(year) if len(self._found) else np.zeros(0)

    def gini(self, lines: FloatArray, relief: FloatArray) -> FloatArray:
        """Return the Gini coefficient of benefit per head (r,), NaN where no line has a district.

        ``sum w_d w_e |y_d - y_e| / (2 ybar W^2)`` with heads w and benefit per head y, relief included. Where heads are
        not known, a district's planned benefit stands in for them.

        Parameters
        ----------
        lines, relief
            Benefit by line (r, p) and of relief by district (r, d).
        """
        if not len(self._found):
            return np.full(len(lines), np.nan)
        benefit = np.add.reduceat(lines[:, self._order], self._starts, axis=1) + relief[:, self._found]
        per_head = np.divide(benefit, self._heads, out=np.zeros_like(benefit), where=self._heads > 0)
        weighed = np.ascontiguousarray(per_head * self._heads).sum(axis=1)
        apart = np.abs(per_head[:, :, None] - per_head[:, None, :]) * (self._heads[:, None] * self._heads)
        total = apart.reshape(len(lines), -1).sum(axis=1)
        scale = 2.0 * weighed * self._heads.sum()
        return np.asarray(np.divide(total, scale, out=np.zeros_like(total), where=scale > 0))

    def _weights(self, year: Year) -> FloatArray:
        heads = year.heads[self._found]
        if bool(np.all(heads >= 0)) and heads.sum() > 0:
            return np.asarray(heads, dtype=np.float64)
        planned = year.brief.curves.benefit(year.brief.planned.astype(np.float64))
        return np.asarray(np.add.reduceat(planned[self._order], self._starts), dtype=np.float64)
