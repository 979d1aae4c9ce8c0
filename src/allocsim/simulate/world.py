"""The world of a group of lanes: one SimPy environment in which weather, payments, monitors and reviews take turns."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any

import numpy as np
import simpy

from allocsim.model.arrays import FloatArray, IntArray
from allocsim.model.policy import PAY_DAYS, Policy
from allocsim.simulate.clock import MONTH_ENDS, Clock, Phase
from allocsim.simulate.disburse import Disburse, Week
from allocsim.simulate.lanes import Lanes
from allocsim.simulate.ledger import Ledger
from allocsim.simulate.load import Load, Pace, by_day
from allocsim.simulate.monitor import Reports
from allocsim.simulate.observe import View
from allocsim.simulate.review import Process, Review
from allocsim.simulate.year import Year

UserProcess = Callable[["World"], Generator[simpy.Event, Any, None]]
"""A process of one's own: a generator that waits with ``yield world.until(day, "user")``."""


class World:
    """One year of a group of lanes under all policies at once.

    All policies live in the same weather: what does not depend on them is worked out once a day for all. A process of
    one's own may read everything here and change the load; masks over ``number`` choose lanes.

    Attributes
    ----------
    number
        Number of each lane in the whole simulation (r,).
    load
        The load on districts, which :meth:`slow` changes.
    pace
        Pace of the week last paid, by pair of place and vulnerability.
    ledgers
        The books, by name of policy.
    """

    def __init__(
        self, year: Year, lanes: Lanes, policies: Sequence[Policy], *, processes: Sequence[UserProcess] = ()
    ) -> None:
        count = len(lanes.number)
        self.year = year
        self.number: IntArray = lanes.number
        self.clock = Clock()
        self.load = Load(year, count)
        self.pace: Pace | None = None
        self._lanes = lanes
        self._disburse = Disburse(year, lanes)
        self._reports = Reports(year, lanes)
        self.reviews = [Review(year, policy, self.clock, lanes=count) for policy in policies]
        self.ledgers: dict[str, Ledger] = {review.policy.name: review.ledger for review in self.reviews}
        self.capacity = np.zeros((count, year.lines))
        self.best = np.zeros((count, len(year.exposure.place)))
        self.spent = np.zeros((len(policies), count, len(MONTH_ENDS)))
        for process in (self._weather, self._pay, self._monitor, self._verify, self._report):
            self._start(process())
        for review in self.reviews:
            self._start(review.process(View(year, lanes), self._reports, self._disburse))
        for own in processes:
            self._start(own(self))

    @property
    def day(self) -> int:
        """The day of the year it is."""
        return self.clock.day

    def until(self, day: int, phase: Phase = "user") -> simpy.Timeout:
        """Return the event to wait for: the phase of the day."""
        return self.clock.until(day, phase)

    def slow(self, load: FloatArray) -> None:
        """Add a load of one's own on districts from tomorrow on (r, d), or of a shape that broadcasts."""
        self.load.slow(self.day + 1, load)

    def run(self) -> None:
        """Let the year pass."""
        self.clock.run_year()

    def _start(self, process: Process) -> None:
        self.clock.environment.process(process)

    def _weather(self) -> Process:
        for day, changes in by_day(self._lanes.changes):
            yield self.until(day, "shock")
            self.load.change(day, changes)

    def _pay(self) -> Process:
        week = Week(self.year, len(self.number))
        for index, day in enumerate(PAY_DAYS):
            yield self.until(day, "pay")
            self.pace = self.load.close_week(day)
            np.maximum(self.best, self.pace.worth, out=self.best)
            self._reports.add(self.pace)
            if self.reviews:
                week.see(self.pace)
                self.capacity += week.limit
            for ledger in self.ledgers.values():
                self._disburse.pay(ledger, week, day=day, index=index)

    def _monitor(self) -> Process:
        for day in sorted({*MONTH_ENDS, *self.year.monitor.ends}):
            yield self.until(day, "monitor")
            if day in self.year.monitor.ends:
                self._reports.close_period()
            if day in MONTH_ENDS:
                for row, ledger in enumerate(self.ledgers.values()):
                    self.spent[row, :, MONTH_ENDS.index(day)] = ledger.spent()

    def _verify(self) -> Process:
        yield self.until(self.year.brief.verification, "monitor")
        for ledger in self.ledgers.values():
            self._disburse.verify(ledger)

    def _report(self) -> Process:
        for day in sorted({day for review in self.reviews for day in review.days}):
            yield self.until(day, "report")
            self._reports.look(day)
