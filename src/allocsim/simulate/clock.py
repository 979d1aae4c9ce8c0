"""The clock of the year: whole ticks, sixteen a day, and the phases of a day in the order in which they happen."""

from __future__ import annotations

from itertools import accumulate
from typing import Literal

import simpy

TICKS_A_DAY = 16
Phase = Literal["shock", "arrive", "pay", "monitor", "report", "review", "user"]
PHASES: dict[Phase, int] = {"shock": 0, "arrive": 2, "pay": 4, "monitor": 6, "report": 8, "review": 10, "user": 12}
"""Tick of each phase within its day. Whole numbers: float clocks put reports of one day in another order."""
DAYS = 365
_MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
MONTH_ENDS = tuple(accumulate(_MONTH_DAYS))
"""Last day of each month [day of year]."""


def day_of_year(date: str) -> int:
    """Return the day of a year of 365 days of ``"month-day"``; ``"06-29"`` is 180."""
    month, day = (int(part) for part in date.split("-"))
    return MONTH_ENDS[month - 1] - _MONTH_DAYS[month - 1] + day


def tick(day: int, phase: Phase) -> int:
    """Return the tick at which a phase of a day happens."""
    return day * TICKS_A_DAY + PHASES[phase]


class Clock:
    """The one SimPy environment of a group of lanes, read in days and phases."""

    __slots__ = ("environment",)

    def __init__(self) -> None:
        self.environment = simpy.Environment()

    @property
    def day(self) -> int:
        """The day of the year it is; 0 before the first."""
        return int(self.environment.now) // TICKS_A_DAY

    def until(self, day: int, phase: Phase = "user") -> simpy.Timeout:
        """Return the event to wait for: the phase of the day.

        Raises
        ------
        ValueError
            If that moment has passed.
        """
        return self.environment.timeout(tick(day, phase) - int(self.environment.now))

    def run_year(self) -> None:
        """Let the whole year pass."""
        self.environment.run(until=tick(DAYS + 1, "shock"))
