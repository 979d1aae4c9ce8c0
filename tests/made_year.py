"""A made-up year of any size, weather for it, and small policies: what the tests of the simulation share."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from allocsim.model.arrays import floats, integers
from allocsim.model.curve import CurveSet
from allocsim.model.policy import LAG, PAY_DAYS, Brief, Moves, Observation
from allocsim.model.settings import HazardSettings
from allocsim.model.shock import Weather
from allocsim.model.stream import BLOCK, stream
from allocsim.simulate.clock import MONTH_ENDS
from allocsim.simulate.exposure import exposure, whole_weights
from allocsim.simulate.profile import most_a_week, payout_share, planned_course
from allocsim.simulate.year import AREA_UNIT, Monitor, Subsidy, Year

HAZARDS = (
    HazardSettings(
        name="drought", frequency=0.5, window=(150.0, 190.0, 230.0), duration=(20.0, 60.0), severity=(0.1, 0.8),
        works=0.8, persistence=0.4, end_day=270,
    ),
    HazardSettings(
        name="flood", frequency=0.6, window=(100.0, 170.0, 260.0), duration=(2.0, 9.0), severity=(0.2, 0.9), works=1.0
    ),
)  # fmt: skip


def made_year(
    *, lines: int = 12, districts: int = 4, draws: int = 5, subsidies: int = 1, spread: int = 3, money: float = 1.0
) -> Year:
    """Return a year whose plan is the best split of its total; ``money`` multiplies every amount and the step."""
    rng = stream(11, "made_year")
    scale = rng.uniform(300, 3000, lines)
    value = scale * rng.uniform(0.8, 2.5, lines)
    price = 0.35
    planned = np.maximum(np.floor(scale * np.log(value / (scale * price))), 0).astype(np.int64)
    family = tuple("saturating" for _ in range(lines))
    nothing = np.full(lines, np.nan)
    curves = CurveSet(
        family=family, value=floats(value * money), scale=floats(scale), shape=floats(nothing), points=(None,) * lines
    )
    bend = np.exp(0.2 * rng.standard_normal((draws, lines)))
    drawn = CurveSet(
        family=family,
        value=floats(value * money * bend),
        scale=floats(scale * bend[::-1]),
        shape=floats(np.broadcast_to(nothing, (draws, lines))),
        points=(None,) * lines,
    )
    entitlement = np.arange(lines) < subsidies
    where = np.arange(lines) % districts
    where[lines - spread :] = -1
    where[entitlement] = -1
    course = planned_course(np.arange(lines) % 2 == 0)
    area = rng.uniform(0, 1, districts)
    area = whole_weights(area, AREA_UNIT)
    total = int(planned.sum())
    brief = Brief(
        planned=integers(planned), reserve=total // 200, low=integers(planned // 2),
        high=integers(planned * 2), rows=(), flow=~entitlement, entitlement=entitlement, profile=course,
        weekly_limit=most_a_week(planned, course, 1.6), curves=curves, price=price * money, unspent_worth=0.5,
        move_cost=0.02, usual_pace=floats(np.ones((len(PAY_DAYS), lines))), harm=0.3, checkpoints=(90, 181, 273),
        freeze=319, verification=180, replant_by=237, need=floats(2.0 * planned[entitlement].sum() * area),
        replantable=0.3,
    )  # fmt: skip
    vulnerability = np.where(np.arange(lines) % 3 == 0, 0.8, 0.5)
    return Year(
        brief=brief,
        step=10.0 * money,
        draws=drawn,
        exposure=exposure(where, vulnerability, np.full(districts, np.nan)),
        heads=floats(np.full(districts, np.nan)),
        lead=35,
        monitor=Monitor(ends=MONTH_ENDS, noise=0.1, delay=(5, 40)),
        subsidy=Subsidy(area=floats(area), payout=payout_share(180), relief_return=2.5),
        sessions=(209, 330),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeWeather:
    """Random events and fields of no particular meaning; ``calm`` years have none."""

    districts: int = 4
    calm: bool = False
    chance: float = 0.5
    hazards: tuple[HazardSettings, ...] = HAZARDS

    def block(self, index: int) -> Weather:
        rng = stream(5, "made_weather", index)
        chance = 0.0 if self.calm else self.chance
        shape = (BLOCK, self.districts, len(self.hazards))
        lane, district, hazard = np.nonzero(rng.random(shape) < chance)
        onset = rng.integers(60, 300, shape)[lane, district, hazard]
        days = rng.integers(2, 60, shape)[lane, district, hazard]
        severity = rng.integers(50, 1000, shape)[lane, district, hazard]
        order = np.lexsort((hazard, district, lane, onset))
        hit = np.zeros((BLOCK, self.districts))
        np.maximum.at(hit, (lane, district), severity / 1024)
        index_noise = 0.0 if self.calm else 0.1
        week = np.linspace(0, 1, len(PAY_DAYS))
        shown = np.clip(hit[:, :, None] * week + index_noise * rng.random((*hit.shape, len(week))), 0, 1)
        return Weather(
            lanes=BLOCK, hazards=self.hazards, lane=integers(lane[order]), district=integers(district[order]),
            hazard=integers(hazard[order]), onset=integers(onset[order]), days=integers(days[order]),
            severity=integers(severity[order]), planted=floats(1 - 0.3 * hit), loss=floats(0.5 * hit),
            index=floats(shown), damage=floats(shown / 2), survey_error=floats(1 + 0.05 * rng.standard_normal(BLOCK)),
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Still:
    """Moves nothing."""

    name: str = "still"
    kind: str = field(default="hold", init=False)

    def days(self, brief: Brief) -> tuple[int, ...]:
        return ()

    def begin(self, brief: Brief, lanes: int) -> None:
        return None

    def act(self, brief: Brief, seen: Observation, state: None) -> Moves | None:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """At checkpoints the slowest line of those that can gives up to a tenth of its plan to the fastest."""

    name: str = "shift"
    kind: str = field(default="threshold", init=False)
    below: float = 0.97

    def days(self, brief: Brief) -> tuple[int, ...]:
        return brief.checkpoints

    def begin(self, brief: Brief, lanes: int) -> None:
        return None

    def act(self, brief: Brief, seen: Observation, state: None) -> Moves | None:
        lanes = np.arange(len(seen.reserve))
        free = np.minimum(seen.authorised - seen.committed, seen.authorised - brief.low)
        free = np.minimum(np.where(brief.flow, free, 0), brief.planned // 10)
        left = sum(day > seen.day + LAG["virement"] for day in PAY_DAYS)
        room = np.minimum(brief.weekly_limit * left - (seen.authorised - seen.paid), brief.high - seen.authorised)
        room = np.where(brief.flow, room, 0)
        giver = np.where(free > 0, seen.pace, 9.0).argmin(axis=1)
        taker = np.where(room > 0, seen.pace, -9.0).argmax(axis=1)
        amount = np.minimum(free[lanes, giver], room[lanes, taker]).clip(0)
        amount = np.where((seen.pace[lanes, giver] < self.below) & (giver != taker), amount, 0)
        give, take = np.zeros_like(seen.paid), np.zeros_like(seen.paid)
        give[lanes, giver] = amount
        take[lanes, taker] = amount
        return Moves(give=give, take=take)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relief:
    """Draws what the index shows of the need, week by week, first districts first."""

    name: str = "relief"
    kind: str = field(default="reserve_index", init=False)

    def days(self, brief: Brief) -> tuple[int, ...]:
        return tuple(day for day in PAY_DAYS if day <= brief.freeze)

    def begin(self, brief: Brief, lanes: int) -> np.ndarray:
        return np.zeros((lanes, len(brief.need)), dtype=np.int64)

    def act(self, brief: Brief, seen: Observation, state: np.ndarray) -> Moves | None:
        due = np.floor(brief.need * np.maximum(seen.index - 0.2, 0) * 0.5).astype(np.int64)
        wanted = np.maximum(due - state, 0)
        within = np.minimum(np.cumsum(wanted, axis=1), seen.reserve[:, None])
        relief = np.diff(within, axis=1, prepend=0)
        state += wanted
        return Moves(relief=relief, wanted=wanted, legal="reserve_draw")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asks:
    """Asks once for the moves it was given."""

    moves: Moves
    day: int
    name: str = "asks"
    kind: str = field(default="threshold", init=False)

    def days(self, brief: Brief) -> tuple[int, ...]:
        return (self.day,)

    def begin(self, brief: Brief, lanes: int) -> None:
        return None

    def act(self, brief: Brief, seen: Observation, state: None) -> Moves | None:
        return self.moves


def with_brief(year: Year, **changes: object) -> Year:
    """Return the year with another brief."""
    return replace(year, brief=replace(year.brief, **changes))
