"""How money leaves: weekly payments of works and services, subsidies on verified claims, relief on the day it comes."""

from __future__ import annotations

import numpy as np

from allocsim.model.arrays import FloatArray, IntArray
from allocsim.simulate.clock import DAYS
from allocsim.simulate.lanes import Lanes
from allocsim.simulate.ledger import Ledger
from allocsim.simulate.load import Pace
from allocsim.simulate.year import Year

RELIEF_PROMPT = 14
"""Days from onset within which relief works in full (stylised)."""
RELIEF_FADES = 56
"""Days over which it then loses all its effect (stylised)."""


class Week:
    """What all policies share on one pay day: the most each line can pay and what money is worth, by lane.

    Attributes
    ----------
    limit
        fl(a phi): the most each flow line can pay (r, p) [steps].
    worth
        psi of each line (r, p).
    dues, payments
        Room to work in (r, p).
    """

    __slots__ = ("_pair", "_weekly", "dues", "limit", "payments", "worth")

    def __init__(self, year: Year, lanes: int) -> None:
        self._pair = year.exposure.pair
        self._weekly = year.brief.weekly_limit.astype(np.float64)
        self.limit = np.empty((lanes, year.lines))
        self.worth = np.empty((lanes, year.lines))
        self.dues = np.empty((lanes, year.lines))
        self.payments = np.empty((lanes, year.lines))

    def see(self, pace: Pace) -> None:
        """Take in the pace of the week."""
        np.take(pace.work, self._pair, axis=1, out=self.limit, mode="clip")
        np.multiply(self.limit, self._weekly, out=self.limit)
        np.floor(self.limit, out=self.limit)
        np.take(pace.worth, self._pair, axis=1, out=self.worth, mode="clip")


class Disburse:
    """Pays what is due. Rows of one policy at a time; buffers are shared, results are not."""

    def __init__(self, year: Year, lanes: Lanes) -> None:
        brief = year.brief
        self._course = np.where(brief.flow, brief.profile, 0.0)
        self._lead = year.lead
        self._subsidies: IntArray = np.flatnonzero(brief.entitlement)
        self._payout = year.subsidy.payout
        self._planted = mean_planted(year, lanes)
        self._planned = brief.planned.astype(np.float64)
        self._onset = lanes.onset

    def pay(self, ledger: Ledger, week: Week, *, day: int, index: int) -> None:
        """Pay a week's dues of flow lines, and the claims of subsidies that fall due.

        A flow line commits ``C <- max(C, fl(A Pi(day + lead)))``, owes ``min(fl(A Pi(day)), C) - E`` and pays as much
        of it as the week lets it. A subsidy by standard pays its claims in equal weekly parts after verification.
        """
        rows = week.dues[: len(ledger.authorised)]
        np.multiply(ledger.authorised, self._course[min(day + self._lead, DAYS)], out=rows)
        np.maximum(ledger.committed, np.floor(rows, out=rows), out=ledger.committed)
        np.multiply(ledger.authorised, self._course[day], out=rows)
        pay = np.minimum(np.floor(rows, out=rows), ledger.committed, out=week.payments)
        pay -= ledger.paid
        np.maximum(pay, 0.0, out=pay)
        np.minimum(pay, week.limit, out=pay)
        ledger.paid += pay
        ledger.effect += np.multiply(pay, week.worth, out=pay)
        if len(self._subsidies) and self._payout[index] > 0:
            claims = ledger.every_lane(ledger.committed)[:, self._subsidies]
            ledger.paid[:, self._subsidies] = np.floor(claims * self._payout[index])

    def verify(self, ledger: Ledger) -> None:
        """Replace what is committed of subsidies by the claims of verified area, min(A, fl(A(0) abar))."""
        if len(self._subsidies):
            ledger.widen_committed()
            claims = np.floor(self._planned[self._subsidies] * self._planted[:, None])
            ledger.committed[:, self._subsidies] = np.minimum(ledger.authorised[:, self._subsidies], claims)

    def relieve(self, ledger: Ledger, amount: FloatArray, day: int) -> None:
        """Pay relief (r, d) that has come in; its effect fades from day 14 to day 70 of the district's worst spell."""
        ledger.relief_on_way -= amount
        ledger.relief += amount
        late = np.clip((day - self._onset - RELIEF_PROMPT) / RELIEF_FADES, 0.0, 1.0)
        ledger.relief_effect += amount * (1.0 - late)


def mean_planted(year: Year, lanes: Lanes) -> FloatArray:
    """Return abar, the planted share of the city's area (r,) [share 0-1]."""
    return by_area(year, lanes.planted)


def by_area(year: Year, shares: FloatArray) -> FloatArray:
    """Return the mean over districts weighted by area (r,), never above 1."""
    return np.asarray(np.minimum(np.ascontiguousarray(shares * year.subsidy.area).sum(axis=1), 1.0))
