"""When a line's money is due: planned course of the year, most that a week can pay, days of paying out subsidies."""

from __future__ import annotations

import numpy as np

from allocsim.model.arrays import BoolArray, FloatArray, IntArray, floats, integers
from allocsim.model.policy import PAY_DAYS
from allocsim.simulate.clock import DAYS

LAST_DUE = 350
"""Day by which all planned money is due (stylised): two pay days are left to settle arrears before the books close."""
WORKS_START = 28
"""Day on which works begin (stylised): tenders and thaw come first."""
PAYOUT_DAYS = 90
"""Days from verification over which claims of subsidies by standard are paid evenly (stylised)."""


def planned_course(works: BoolArray) -> FloatArray:
    """Return Pi, the planned cumulative share of the year's money at each day (365 + 1, p) [share 0-1].

    Works follow the S-curve of construction, ``3 u^2 - 2 u^3`` with u running 0 -> 1 from day 28 to day 350; services
    and operating grants run evenly from day 0 to day 350. Both shapes are stylised.

    Parameters
    ----------
    works
        Which lines are works (p,).
    """
    day = np.arange(DAYS + 1, dtype=np.float64)
    even = np.clip(day / LAST_DUE, 0.0, 1.0)
    u = np.clip((day - WORKS_START) / (LAST_DUE - WORKS_START), 0.0, 1.0)
    s_curve = u * u * (3.0 - 2.0 * u)
    return floats(np.where(works, s_curve[:, None], even[:, None]))


def most_a_week(planned: IntArray, course: FloatArray, room: float) -> IntArray:
    """Return a, the most each line can pay in one week (p,) [steps]: ceil(room x A(0) x steepest planned week).

    ``room`` above 1 is what lets a line catch up; without it no shock would be transient.
    """
    weeks = course[[0, *PAY_DAYS]]
    steepest = np.round(np.diff(weeks, axis=0).max(axis=0), 12)  # noise of a difference must not round up a step
    return integers(np.ceil(room * planned * steepest))


def payout_share(verification: int) -> FloatArray:
    """Return the share of claims due by each pay day (w,): equal parts on the pay days within 90 days of verification.

    Where verification comes too late for any pay day within the span, all is due on the last pay day.
    """
    days = np.array(PAY_DAYS)
    counts = (days > verification) & (days <= verification + PAYOUT_DAYS)
    if not counts.any():
        counts = days == PAY_DAYS[-1]
    return floats(np.cumsum(counts) / counts.sum())
