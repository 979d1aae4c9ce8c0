"""Weather of a block of lanes: the events, what they do to fields, and what monitors can see of them in time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from allocsim.model.arrays import FloatArray, IntArray
from allocsim.model.settings import HazardSettings

SEVERITY_UNIT = 1024
"""Severities are whole multiples of 1/1024, so that sums of them are exact in any order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Districts:
    """What weather and fairness need of districts, axis d in the order of the table.

    ``area`` is grain area [mu], ``population`` heads or NaN, ``latitude`` and ``longitude`` degrees.
    """

    id: tuple[str, ...]
    name: tuple[str, ...]
    area: FloatArray
    population: FloatArray
    latitude: FloatArray
    longitude: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Weather:
    """One block of lanes; nothing in it depends on any policy.

    Attributes
    ----------
    lanes
        Number of lanes r.
    hazards
        The hazards, axis h.
    lane, district, hazard, onset, days, severity
        The events (e,), sorted by onset, lane, district, hazard. ``onset`` [day of year 1..365], ``days`` >= 1,
        ``severity`` in units of 1/1024.
    planted
        alpha: share of the planned area that is planted (r, d) [share 0-1].
    loss
        lambda: share of the crop on planted area that is lost by year end (r, d) [share 0-1].
    index
        What a parametric index shows on pay day w (r, d, w) [share 0-1]; sees the spell, not the crop's stage.
    damage
        Damage reported by pay day w (r, d, w) [share 0-1]: late, growing, noisy.
    survey_error
        Factor on the mean planted share as surveyed on day 120 (r,).
    """

    lanes: int
    hazards: tuple[HazardSettings, ...]
    lane: IntArray
    district: IntArray
    hazard: IntArray
    onset: IntArray
    days: IntArray
    severity: IntArray
    planted: FloatArray
    loss: FloatArray
    index: FloatArray
    damage: FloatArray
    survey_error: FloatArray


class WeatherSource(Protocol):
    """Gives the weather of any block of lanes; picklable, and the same block always gives the same weather."""

    @property
    def hazards(self) -> tuple[HazardSettings, ...]:
        """The hazards that can occur."""
        ...

    def block(self, index: int) -> Weather:
        """Return the weather of block ``index`` (lanes 32 index .. 32 index + 31)."""
        ...
