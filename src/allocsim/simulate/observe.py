"""What a policy sees on a day: the books exactly, pace as last reported, area as surveyed, the index and the damage."""

from __future__ import annotations

import numpy as np

from allocsim.model.arrays import FloatArray, IntArray
from allocsim.model.policy import PAY_DAYS, Observation
from allocsim.simulate.disburse import mean_planted
from allocsim.simulate.lanes import Lanes
from allocsim.simulate.ledger import Ledger
from allocsim.simulate.year import Year

SURVEY_DAY = 120
"""Day from which a survey of planted area is known."""


class View:
    """Shows the books and the reports, never the truth behind them; everything shown is a copy or read-only."""

    def __init__(self, year: Year, lanes: Lanes) -> None:
        self._entitlement = year.brief.entitlement
        self._verification = year.brief.verification
        self._lanes = lanes
        self._planted = mean_planted(year, lanes)
        self._surveyed = np.clip(self._planted * lanes.survey_error, 0.0, 1.0)

    def on(self, day: int, ledger: Ledger, believed: FloatArray) -> Observation:
        """Return what is seen on ``day``."""
        week = np.searchsorted(PAY_DAYS, day, side="right") - 1
        authorised, committed = _whole(ledger, ledger.authorised), _whole(ledger, ledger.committed)
        verified = self._entitlement & (day >= self._verification)
        return Observation(
            day=day,
            week=int(week),
            authorised=authorised,
            committed=committed,
            paid=_locked_whole(ledger.paid),
            reserve=_locked_whole(ledger.reserve),
            pace=_view(believed),
            planted=_view(self._area_known(day)),
            slack=np.where(verified, authorised - committed, 0),
            index=self._shown(self._lanes.index, week),
            damage=self._shown(self._lanes.damage, week),
        )

    def _area_known(self, day: int) -> FloatArray:
        if day >= self._verification:
            return self._planted
        return self._surveyed if day >= SURVEY_DAY else np.full(len(self._planted), np.nan)

    def _shown(self, by_week: FloatArray, week: np.intp) -> FloatArray:
        if week < 0:
            return _view(np.zeros(by_week.shape[:2]))
        return _view(by_week[:, :, week])


def _whole(ledger: Ledger, rows: FloatArray) -> IntArray:
    return np.broadcast_to(_locked_whole(rows), ledger.paid.shape)


def _locked_whole(values: FloatArray) -> IntArray:
    whole = values.astype(np.int64)
    whole.setflags(write=False)
    return whole


def _view(values: FloatArray) -> FloatArray:
    view = values.view()
    view.setflags(write=False)
    return view
