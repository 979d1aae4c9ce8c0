"""What is drawn for a group of lanes before its year begins: changes of load, fields, reports, curve draws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allocsim.model.arrays import FloatArray, IntArray
from allocsim.model.shock import SEVERITY_UNIT, Weather, WeatherSource
from allocsim.model.stream import BLOCK, stream
from allocsim.simulate.clock import DAYS
from allocsim.simulate.exposure import WEIGHT_UNIT
from allocsim.simulate.year import Year

NEVER = DAYS + 1000
"""Arrival day of a report that is dropped."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Changes:
    """Changes of the load on districts, one entry each: from ``day`` on, ``amount`` more (or less, if negative).

    Amounts are whole multiples of 1/2^20, so the load does not depend on the order in which they are added.
    """

    lane: IntArray
    district: IntArray
    day: IntArray
    amount: FloatArray

    def of(self, new_lane: IntArray) -> Changes:
        """Return the changes of the lanes whose new number is not negative, under that number."""
        kept = new_lane[self.lane] >= 0
        return Changes(
            lane=new_lane[self.lane[kept]],
            district=self.district[kept],
            day=self.day[kept],
            amount=self.amount[kept],
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lanes:
    """A group of lanes; nothing in it depends on any policy.

    Attributes
    ----------
    number
        Number of each lane in the whole simulation (r,).
    draw
        Curve draw of each lane (r,).
    changes
        Changes of load over the year.
    planted, loss
        Planted share, and loss of the crop on planted area, by district (r, d) [share 0-1].
    onset
        Onset of each district's worst spell (largest severity x days, the first of equals), 0 = none (r, d).
    index, damage
        What an index shows and what is reported, by pay day (r, d, w) [share 0-1].
    survey_error
        Factor on the planted share as surveyed (r,).
    noise
        Standard normal noise of each line's report, period by period (n, r, p); None where nobody looks at reports.
    arrival
        Day on which each office's report of each period comes in, :data:`NEVER` where it is dropped (r, d + 1, n).
    """

    number: IntArray
    draw: IntArray
    changes: Changes
    planted: FloatArray
    loss: FloatArray
    onset: IntArray
    index: FloatArray
    damage: FloatArray
    survey_error: FloatArray
    noise: FloatArray | None
    arrival: IntArray

    def take(self, rows: IntArray) -> Lanes:
        """Return the lanes at ``rows``, in that order."""
        return Lanes(
            number=self.number[rows],
            draw=self.draw[rows],
            changes=self.changes.of(_renumber(rows, len(self.number))),
            planted=self.planted[rows],
            loss=self.loss[rows],
            onset=self.onset[rows],
            index=self.index[rows],
            damage=self.damage[rows],
            survey_error=self.survey_error[rows],
            noise=None if self.noise is None else self.noise[:, rows],
            arrival=self.arrival[rows],
        )


def lanes_of(
    year: Year, weather: WeatherSource, number: IntArray, *, seed: int, draws: int, watched: bool = True
) -> Lanes:
    """Return the lanes named, drawn block by block so that a lane is the same in whatever company.

    Parameters
    ----------
    number
        Numbers of the lanes, in any order, none twice (r,).
    draws
        K: lane r carries curve draw r mod K.
    watched
        Whether anybody looks at reports of pace; their noise is drawn only then.

    Raises
    ------
    ValueError
        If the weather knows another number of districts than the year.
    """
    parts, places = [], []
    for block in np.unique(number // BLOCK).tolist():
        at = np.flatnonzero(number // BLOCK == block)
        whole = _block(year, weather.block(block), block, seed=seed, draws=draws, watched=watched)
        rows = number[at] - block * BLOCK
        parts.append(whole if np.array_equal(rows, np.arange(BLOCK)) else whole.take(rows))
        places.append(at)
    joined = parts[0] if len(parts) == 1 else _joined(parts)
    order = np.argsort(np.concatenate(places), kind="stable")
    return joined if np.array_equal(order, np.arange(len(order))) else joined.take(order)


def load_changes(weather: Weather) -> Changes:
    """Return how the load on districts changes over the year.

    An event adds ``severity x works`` while it lasts; afterwards the share ``persistence`` of it stays through the
    hazard's ``end_day`` (harvest, year end), then it is gone.
    """
    works = np.array([hazard.works for hazard in weather.hazards])[weather.hazard]
    stays = np.array([hazard.persistence for hazard in weather.hazards])[weather.hazard]
    end = np.array([hazard.end_day for hazard in weather.hazards], dtype=np.int64)[weather.hazard] + 1
    full = np.rint(weather.severity / SEVERITY_UNIT * works * WEIGHT_UNIT) / WEIGHT_UNIT
    over = weather.onset + weather.days
    lasting = np.where(over < end, np.rint(full * stays * WEIGHT_UNIT) / WEIGHT_UNIT, 0.0)
    day = np.concatenate([weather.onset, over, end])
    amount = np.concatenate([full, lasting - full, -lasting])
    kept = (amount != 0.0) & (day <= DAYS)
    return Changes(
        lane=np.tile(weather.lane, 3)[kept],
        district=np.tile(weather.district, 3)[kept],
        day=day[kept],
        amount=amount[kept],
    )


def _block(year: Year, weather: Weather, block: int, *, seed: int, draws: int, watched: bool) -> Lanes:
    if weather.planted.shape[1] != year.districts:
        raise ValueError(f"weather of {weather.planted.shape[1]} districts for a year of {year.districts}")
    number = np.arange(BLOCK, dtype=np.int64) + block * BLOCK
    noise = None
    if watched:
        shape = (len(year.monitor.ends), BLOCK, year.lines)
        noise = stream(seed, "monitor/noise", block).standard_normal(shape)
    return Lanes(
        number=number,
        draw=number % draws,
        changes=load_changes(weather),
        planted=weather.planted,
        loss=weather.loss,
        onset=_worst_onset(weather),
        index=weather.index,
        damage=weather.damage,
        survey_error=weather.survey_error,
        noise=noise,
        arrival=_arrival(year, block, seed),
    )


def _worst_onset(weather: Weather) -> IntArray:
    onset = np.zeros(weather.planted.shape, dtype=np.int64)
    order = np.lexsort((-weather.onset, weather.severity * weather.days))
    onset[weather.lane[order], weather.district[order]] = weather.onset[order]
    return onset


def _arrival(year: Year, block: int, seed: int) -> IntArray:
    """Return the day on which each report comes in; one that a later period's report has overtaken is dropped."""
    least, most = year.monitor.delay
    shape = (BLOCK, year.districts + 1, len(year.monitor.ends))
    delay = stream(seed, "monitor/delay", block).integers(least, most + 1, shape)
    arrival = delay + np.array(year.monitor.ends)
    earliest_from = np.minimum.accumulate(arrival[..., ::-1], axis=-1)[..., ::-1]
    overtaken = np.zeros(shape, dtype=np.bool_)
    overtaken[..., :-1] = earliest_from[..., 1:] < arrival[..., :-1]
    return np.where(overtaken, NEVER, arrival)


def _renumber(rows: IntArray, lanes: int) -> IntArray:
    new = np.full(lanes, -1, dtype=np.int64)
    new[rows] = np.arange(len(rows))
    return new


def _joined(parts: list[Lanes]) -> Lanes:
    start = np.cumsum([0, *(len(part.number) for part in parts)])
    lane = np.concatenate([part.changes.lane + at for part, at in zip(parts, start, strict=False)])
    noise = [part.noise for part in parts if part.noise is not None]
    changes = Changes(
        lane=lane,
        district=_all(parts, lambda part: part.changes.district),
        day=_all(parts, lambda part: part.changes.day),
        amount=_all(parts, lambda part: part.changes.amount),
    )
    return Lanes(
        number=_all(parts, lambda part: part.number),
        draw=_all(parts, lambda part: part.draw),
        changes=changes,
        planted=_all(parts, lambda part: part.planted),
        loss=_all(parts, lambda part: part.loss),
        onset=_all(parts, lambda part: part.onset),
        index=_all(parts, lambda part: part.index),
        damage=_all(parts, lambda part: part.damage),
        survey_error=_all(parts, lambda part: part.survey_error),
        noise=np.concatenate(noise, axis=1) if noise else None,
        arrival=_all(parts, lambda part: part.arrival),
    )


def _all(parts: list[Lanes], field: Callable[[Lanes], NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate([field(part) for part in parts])
