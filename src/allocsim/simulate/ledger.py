"""One policy's books in every lane: authorised, committed, paid, on its way, the reserve and the relief accounts."""

from __future__ import annotations

import numpy as np

from allocsim.model.arrays import FloatArray
from allocsim.simulate.year import Year


class Ledger:
    """The books of one policy, in whole steps held in float64; no total reaches 2^53, so all sums are exact.

    In every phase, lane by lane: authorised + on its way + reserve + relief paid = all money, and
    0 <= paid <= committed <= authorised. Until the first move every lane authorises the plan: then ``authorised`` and
    ``committed`` have one row for all lanes.

    Attributes
    ----------
    authorised, committed, paid
        A, C, E (r, p). Before verification a subsidy by standard is committed whole, from then on its claims are.
    effect
        S: payments weighted by what money was worth when paid, flow lines only (r, p).
    on_way
        Money moved that has not arrived yet, by line of arrival (r, p).
    reserve
        V (r,).
    relief_on_way, relief, relief_effect
        Relief on its way, paid, and weighted by timeliness, by district (r, d).
    asked
        Relief asked for, met or not (r, d).
    moved
        Sum of all moves, reserve draws too (r,).
    exhausted
        1 where a draw was cut (r,).
    """

    __slots__ = (
        "_lanes",
        "asked",
        "authorised",
        "committed",
        "effect",
        "exhausted",
        "moved",
        "on_way",
        "paid",
        "relief",
        "relief_effect",
        "relief_on_way",
        "reserve",
    )

    def __init__(self, year: Year, lanes: int) -> None:
        planned = year.brief.planned.astype(np.float64)[None, :]
        self._lanes = lanes
        self.authorised = planned
        self.committed = np.where(year.brief.entitlement, planned, 0.0)
        self.paid = np.zeros((lanes, year.lines))
        self.effect = np.zeros((lanes, year.lines))
        self.on_way = np.zeros((1, year.lines))
        self.reserve = np.full(lanes, float(year.brief.reserve))
        self.relief_on_way = np.zeros((lanes, year.districts))
        self.relief = np.zeros((lanes, year.districts))
        self.relief_effect = np.zeros((lanes, year.districts))
        self.asked = np.zeros((lanes, year.districts))
        self.moved = np.zeros(lanes)
        self.exhausted = np.zeros(lanes)

    def widen(self) -> None:
        """Give every lane a row of its own of what is authorised, committed and on its way."""
        shape = self.paid.shape
        if self.authorised.shape != shape:
            self.authorised = np.broadcast_to(self.authorised, shape).copy()
            self.on_way = np.broadcast_to(self.on_way, shape).copy()
        self.widen_committed()

    def widen_committed(self) -> None:
        """Give every lane a row of its own of what is committed."""
        if self.committed.shape != self.paid.shape:
            self.committed = np.broadcast_to(self.committed, self.paid.shape).copy()

    def every_lane(self, rows: FloatArray) -> FloatArray:
        """Return ``rows`` with a row for each lane, read-only."""
        return np.broadcast_to(rows, self.paid.shape)

    def money(self) -> FloatArray:
        """Return all the money in the books (r,) [steps]: the same in every phase."""
        lines = self.every_lane(self.authorised).sum(axis=1) + self.every_lane(self.on_way).sum(axis=1)
        relief = self.relief.sum(axis=1) + self.relief_on_way.sum(axis=1)
        return np.asarray(lines + relief + self.reserve)

    def spent(self) -> FloatArray:
        """Return all that has been paid, relief too (r,) [steps]."""
        return np.asarray(self.paid.sum(axis=1) + self.relief.sum(axis=1))
