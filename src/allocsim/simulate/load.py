"""What weather does to lines in a week: load on districts -> pace of work (phi) and worth of money (psi)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocsim.model.arrays import FloatArray, IntArray
from allocsim.simulate.lanes import Changes
from allocsim.simulate.year import Year

LEAST_PACE = 0.05
"""Pace below which no load pushes a line (stylised)."""
WEEK = 7


@dataclass(slots=True, kw_only=True, eq=False)
class Pace:
    """Pace of one week, for each pair of place and vulnerability (r, c) [share 0-1].

    Attributes
    ----------
    work
        phi: share of the usual work that gets done.
    worth
        psi: what money spent this week is worth against usual.
    """

    work: FloatArray
    worth: FloatArray


class Load:
    """The load on every district in every lane, summed day by day into weeks.

    The load X is the sum of the severities of what is active. A week's pace is phi = clip(1 - vulnerability x mean X of
    its seven days, 0.05, 1), and psi = 1 - harm (1 - phi). X and its sums are whole multiples of 1/2^20 and weights as
    well, so every sum here is exact and no result depends on the order of adding.
    """

    def __init__(self, year: Year, lanes: int) -> None:
        self._exposure = year.exposure
        self._harm = year.brief.harm
        self._slowness = year.exposure.vulnerability / WEEK
        self._now = np.zeros((lanes, year.districts))
        self._week = np.zeros((lanes, year.districts))
        self._summed_to = 0

    @property
    def now(self) -> FloatArray:
        """X: the load of the moment (r, d)."""
        return self._now

    def change(self, day: int, changes: Changes) -> None:
        """Add to the load from ``day`` on; entries may name a lane and district twice."""
        self._sum_to(day - 1)
        np.add.at(self._now, (changes.lane, changes.district), changes.amount)

    def slow(self, day: int, load: FloatArray) -> None:
        """Add a load of one's own (r, d), or of a shape that broadcasts, from ``day`` on; rounded to 1/1024."""
        self._sum_to(day - 1)
        self._now += np.rint(np.asarray(load) * 1024) / 1024

    def close_week(self, day: int) -> Pace:
        """Return the pace of the week that ends on ``day``, and begin the next."""
        self._sum_to(day)
        city = self._week @ self._exposure.spread[:, None]
        work = np.concatenate([self._week, city], axis=1)[:, self._exposure.place]
        self._week.fill(0.0)
        work *= -self._slowness
        work += 1.0
        np.clip(work, LEAST_PACE, 1.0, out=work)
        return Pace(work=work, worth=1.0 - self._harm * (1.0 - work))

    def _sum_to(self, day: int) -> None:
        if day > self._summed_to:
            self._week += self._now * float(day - self._summed_to)
            self._summed_to = day


def by_day(changes: Changes) -> list[tuple[int, Changes]]:
    """Return the changes grouped by day, days rising."""
    order = np.argsort(changes.day, kind="stable")
    days, starts = np.unique(changes.day[order], return_index=True)
    ends = np.append(starts[1:], len(order))
    return [
        (day, _taken(changes, order[start:end]))
        for day, start, end in zip(days.tolist(), starts.tolist(), ends.tolist()[: len(days)], strict=True)
    ]


def _taken(changes: Changes, entries: IntArray) -> Changes:
    return Changes(
        lane=changes.lane[entries],
        district=changes.district[entries],
        day=changes.day[entries],
        amount=changes.amount[entries],
    )
