"""A policy at work: asked on its days, its moves checked, booked, and arriving when their time has come."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any

import numpy as np
import simpy

from allocsim.errors import Text
from allocsim.model.arrays import FloatArray
from allocsim.model.policy import Moves, Policy
from allocsim.simulate.check_moves import Accepted, PolicyError, accepted
from allocsim.simulate.clock import DAYS, Clock
from allocsim.simulate.disburse import Disburse
from allocsim.simulate.ledger import Ledger
from allocsim.simulate.monitor import Reports
from allocsim.simulate.observe import View
from allocsim.simulate.year import Year

Process = Generator[simpy.Event, Any, None]


def review_days(policy: Policy, year: Year) -> tuple[int, ...]:
    """Return the days on which the policy wants to be asked, rising.

    Raises
    ------
    PolicyError
        If one is no day of the year, or what is returned is no row of days.
    """
    asked: object = policy.days(year.brief)
    days = tuple(asked) if isinstance(asked, Iterable) else (None,)
    if not all(_is_day(day) for day in days):
        raise PolicyError(
            Text(
                f"policy '{policy.name}': its days must be whole, 1 to {DAYS}",
                f"应对策略“{policy.name}”：日期须为1至{DAYS}的整数",
            )
        )
    return tuple(sorted({int(day) for day in days}))


def _is_day(day: object) -> bool:
    return isinstance(day, int | float | np.number) and day in range(1, DAYS + 1)


class Review:
    """One policy with its books, in one group of lanes."""

    def __init__(self, year: Year, policy: Policy, clock: Clock, *, lanes: int) -> None:
        self._year = year
        self._clock = clock
        self.policy = policy
        self.ledger = Ledger(year, lanes)
        self.days = review_days(policy, year)

    def process(self, view: View, reports: Reports, disburse: Disburse) -> Process:
        """Ask the policy on each of its days and book what it moves."""
        state = self.policy.begin(self._year.brief, len(self.ledger.reserve))
        for day in self.days:
            yield self._clock.until(day, "review")
            moves = self.policy.act(self._year.brief, view.on(day, self.ledger, reports.believed), state)
            if moves is not None:
                self._book(moves, day, disburse)

    def _book(self, moves: Moves, day: int, disburse: Disburse) -> None:
        if not isinstance(moves, Moves):
            kind = type(moves).__name__
            raise PolicyError(
                Text(
                    f"policy '{self.policy.name}', day {day}: 'act' must return Moves or None, not {kind}",
                    f"应对策略“{self.policy.name}”，第{day}天：act 须返回 Moves 或 None，而非 {kind}",
                )
            )
        passed = accepted(self._year, self.ledger, moves, policy=self.policy.name, day=day)
        if passed is None:
            return
        if passed.give is not None and passed.take is not None:
            self._send(passed, passed.give, passed.take, day)
        if passed.wanted is not None:
            self._draw(passed, passed.wanted, disburse)

    def _send(self, passed: Accepted, give: FloatArray, take: FloatArray, day: int) -> None:
        ledger = self.ledger
        ledger.widen()
        ledger.authorised -= give
        ledger.moved += take.sum(axis=1)
        if passed.arrives <= day:
            ledger.authorised += take
            return
        ledger.on_way += take
        self._clock.environment.process(self._arrive(take, passed.arrives))

    def _arrive(self, take: FloatArray, day: int) -> Process:
        yield self._clock.until(day, "arrive")
        self.ledger.on_way -= take
        self.ledger.authorised += take

    def _draw(self, passed: Accepted, wanted: FloatArray, disburse: Disburse) -> None:
        ledger = self.ledger
        ledger.asked += wanted
        relief = np.zeros_like(wanted) if passed.relief is None else passed.relief
        np.maximum(ledger.exhausted, relief.sum(axis=1) < wanted.sum(axis=1), out=ledger.exhausted)
        if passed.relief is not None:
            ledger.reserve -= relief.sum(axis=1)
            ledger.moved += relief.sum(axis=1)
            ledger.relief_on_way += relief
            self._clock.environment.process(self._relieve(relief, passed.relief_arrives, disburse))

    def _relieve(self, relief: FloatArray, day: int, disburse: Disburse) -> Process:
        yield self._clock.until(day, "arrive")
        disburse.relieve(self.ledger, relief, day)
