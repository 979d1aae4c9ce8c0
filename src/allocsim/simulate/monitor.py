"""What monitors report: the pace of every line by period, noisy and late, folded into one figure a line."""

from __future__ import annotations

import numpy as np

from allocsim.model.arrays import FloatArray
from allocsim.simulate.lanes import Lanes
from allocsim.simulate.load import Pace
from allocsim.simulate.year import Year

MOST_REPORTED = 1.3
"""Pace above which a report is cut [share]."""
WEIGHT = 0.5
"""Weight of a new report against what was believed before (stylised)."""


class Reports:
    """Reports of pace on their way, and what is believed of each line (q).

    A period's report is the mean pace of its pay weeks times (1 + noise z), clipped to [0, 1.3]. When it comes in,
    q <- q + 0.5 (report - q), from q = 1. Reports that a later period's report has overtaken never count. Those that
    have come in since somebody last looked are folded in when somebody looks: in the order of their periods, which is
    the order in which those that count come in.
    """

    def __init__(self, year: Year, lanes: Lanes) -> None:
        self._monitor = year.monitor
        self._pair = year.exposure.pair
        self._office = year.exposure.office
        self._arrival = lanes.arrival
        self._noise = lanes.noise
        self._sum = np.zeros((len(lanes.number), len(year.exposure.place)))
        self._weeks = 0
        self._periods: list[FloatArray] = []
        self._looked = 0
        self.believed = np.ones((len(lanes.number), year.lines))

    def add(self, pace: Pace) -> None:
        """Count one week's pace towards the period's mean."""
        self._sum += pace.work
        self._weeks += 1

    def close_period(self) -> None:
        """Send off the reports of the period that ends today."""
        self._periods.append(self._sum / max(self._weeks, 1))
        self._sum = np.zeros_like(self._sum)
        self._weeks = 0

    def look(self, day: int) -> None:
        """Fold in all reports that have come in up to ``day``."""
        for period, pace in enumerate(self._periods):
            arrival = self._arrival[:, :, period]
            new = (arrival > self._looked) & (arrival <= day)
            if new.any():
                self.believed = self._folded(pace, period, WEIGHT * new.astype(np.float64))
        self._looked = day

    def _folded(self, pace: FloatArray, period: int, weight: FloatArray) -> FloatArray:
        """Return what is believed, moved towards the reports of a period by ``weight``, of each office (r, d + 1)."""
        report = pace[:, self._pair]
        if self._noise is not None:
            report *= 1.0 + self._monitor.noise * self._noise[period]
        np.clip(report, 0.0, MOST_REPORTED, out=report)
        report -= self.believed
        report *= weight[:, self._office]
        report += self.believed
        return report
