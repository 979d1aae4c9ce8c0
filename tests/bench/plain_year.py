"""The year as a plain SimPy model: one environment and ordinary objects for each replication, all in Python numbers.

Written the way a researcher would write it, from the model's description and not from the engine, with the same draws
handed in. It is what the engine is measured against, and a second opinion on its figures.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import expm1, floor

import simpy

from allocsim.model.shock import Weather
from allocsim.simulate.lanes import Lanes
from allocsim.simulate.year import Year

DAY = 16
SHOCK, ARRIVE, PAY, MONITOR, REPORT, REVIEW = range(0, 12, 2)
PAY_DAYS = range(7, 365, 7)
MONTH_ENDS = (31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365)


@dataclass(frozen=True, slots=True)
class Event:
    """One spell of bad weather in one district."""

    district: int
    onset: int
    over: int
    end: int
    load: float
    stays: float


@dataclass(frozen=True, slots=True)
class Draws:
    """All that is random in one replication."""

    events: list[Event]
    planted: list[float]
    loss: list[float]
    curves: list[tuple[float, float]]
    noise: list[list[float]]
    arrival: list[list[int]]


def draws_of(year: Year, weather: Weather, lanes: Lanes, lane: int) -> Draws:
    """Return the draws of one lane of a block as plain numbers."""
    events = []
    for e in range(len(weather.lane)):
        if weather.lane[e] == lane:
            hazard = weather.hazards[weather.hazard[e]]
            load = round(int(weather.severity[e]) / 1024 * hazard.works * 2**20) / 2**20
            stays = round(load * hazard.persistence * 2**20) / 2**20
            onset, over = int(weather.onset[e]), int(weather.onset[e] + weather.days[e])
            events.append(Event(int(weather.district[e]), onset, over, hazard.end_day + 1, load, stays))
    k = int(lanes.draw[lane])
    assert lanes.noise is not None
    return Draws(
        events=events,
        planted=weather.planted[lane].tolist(),
        loss=weather.loss[lane].tolist(),
        curves=list(zip(year.draws.value[k].tolist(), year.draws.scale[k].tolist(), strict=True)),
        noise=lanes.noise[:, lane].tolist(),
        arrival=lanes.arrival[lane].T.tolist(),
    )


class District:
    """A district and the load of bad weather on it."""

    def __init__(self) -> None:
        self.load = 0.0
        self.week = 0.0
        self.counted_to = 0

    def count(self, day: int) -> None:
        self.week += self.load * (day - self.counted_to)
        self.counted_to = day

    def change(self, day: int, load: float) -> None:
        self.count(day - 1)
        self.load += load

    def close_week(self, day: int) -> float:
        self.count(day)
        week, self.week = self.week, 0.0
        return week


@dataclass(slots=True)
class Line:
    """A budget line with its books."""

    plan: int
    district: int
    vulnerability: float
    weekly: int
    course: list[float]
    lead: int
    subsidy: bool
    authorised: int = 0
    committed: int = 0
    paid: int = 0
    coming: int = 0
    effect: float = 0.0
    pace: float = 0.0
    weeks: int = 0
    paces: list[float] = field(default_factory=list)
    believed: float = 1.0

    def pay(self, day: int, load: float, harm: float) -> None:
        phi = 1.0 - self.vulnerability / 7 * load
        phi = 0.05 if phi < 0.05 else 1.0 if phi > 1.0 else phi
        self.pace += phi
        self.weeks += 1
        if self.subsidy:
            return
        ahead = floor(self.authorised * self.course[min(day + self.lead, 365)])
        if ahead > self.committed:
            self.committed = ahead
        due = floor(self.authorised * self.course[day])
        if due > self.committed:
            due = self.committed
        amount = due - self.paid
        if amount > 0:
            limit = floor(self.weekly * phi)
            if amount > limit:
                amount = limit
            self.paid += amount
            self.effect += amount * (1.0 - harm * (1.0 - phi))


class PlainYear:
    """One replication under one policy: hold, or the policy that shifts money from the slowest line to the fastest."""

    def __init__(
        self, year: Year, draws: Draws, *, planned_benefit: list[float], shift_below: float | None = None
    ) -> None:
        self.year = year
        self.draws = draws
        self.planned_benefit = planned_benefit
        self.shift_below = shift_below
        self.env = simpy.Environment()
        self.moved = 0
        self.spent_by_month: list[int] = []
        self.gini = 0.0
        brief, exposure = year.brief, year.exposure
        self.districts = [District() for _ in range(year.districts)]
        self.weights = exposure.spread.tolist()
        courses = brief.profile.T.tolist()
        self.lines = [
            Line(
                plan=plan, district=district, vulnerability=float(exposure.vulnerability[pair]), weekly=weekly,
                course=course, lead=year.lead, subsidy=bool(subsidy), authorised=plan,
                committed=plan if subsidy else 0,
            )
            for plan, district, pair, weekly, course, subsidy in zip(
                brief.planned.tolist(), exposure.district.tolist(), exposure.pair.tolist(),
                brief.weekly_limit.tolist(), courses, brief.entitlement, strict=True,
            )
        ]  # fmt: skip
        area = year.subsidy.area.tolist()
        self.planted = min(sum(a * s for a, s in zip(area, draws.planted, strict=True)), 1.0)
        harmed = sum(a * s * lost for a, s, lost in zip(area, draws.planted, draws.loss, strict=True))
        self.lost = min(harmed / self.planted, 1.0) if self.planted > 0 else 0.0
        for event in draws.events:
            self.env.process(self.spell(event))
        for process in (self.pay(), self.report_periods(), self.verify(), self.month_ends()):
            self.env.process(process)
        if shift_below is not None:
            self.env.process(self.look())
            self.env.process(self.review())

    def until(self, day: int, phase: int) -> simpy.Timeout:
        return self.env.timeout(day * DAY + phase - self.env.now)

    def spell(self, event: Event):
        district = self.districts[event.district]
        yield self.until(event.onset, SHOCK)
        district.change(event.onset, event.load)
        yield self.until(event.over, SHOCK)
        if event.over >= event.end:
            district.change(event.over, -event.load)
            return
        district.change(event.over, event.stays - event.load)
        yield self.until(event.end, SHOCK)
        district.change(event.end, -event.stays)

    def pay(self):
        harm = self.year.brief.harm
        for week, day in enumerate(PAY_DAYS):
            yield self.until(day, PAY)
            loads = [district.close_week(day) for district in self.districts]
            loads.append(sum(w * load for w, load in zip(self.weights, loads, strict=True)))
            for line in self.lines:
                line.pay(day, loads[line.district], harm)
            share = float(self.year.subsidy.payout[week])
            if share > 0:
                for line in self.lines:
                    if line.subsidy:
                        line.paid = floor(line.committed * share)

    def verify(self):
        yield self.until(self.year.brief.verification, MONITOR)
        for line in self.lines:
            if line.subsidy:
                line.committed = min(line.authorised, floor(line.plan * self.planted))

    def report_periods(self):
        for day in self.year.monitor.ends:
            yield self.until(day, MONITOR)
            for line in self.lines:
                line.paces.append(line.pace / line.weeks)
                line.pace, line.weeks = 0.0, 0

    def month_ends(self):
        for day in MONTH_ENDS:
            yield self.until(day, MONITOR)
            self.spent_by_month.append(self.spent)

    def look(self):
        looked = 0
        for day in self.year.brief.checkpoints:
            yield self.until(day, REPORT)
            for p, line in enumerate(self.lines):
                for n, pace in enumerate(line.paces):
                    if looked < self.draws.arrival[n][line.district] <= day:
                        report = pace * (1.0 + self.year.monitor.noise * self.draws.noise[n][p])
                        line.believed += 0.5 * (min(max(report, 0.0), 1.3) - line.believed)
            looked = day

    def review(self):
        brief = self.year.brief
        for day in brief.checkpoints:
            yield self.until(day, REVIEW)
            left = sum(d > day + 14 for d in PAY_DAYS)
            giver = taker = None
            for p, line in enumerate(self.lines):
                if line.subsidy:
                    continue
                spare = min(line.authorised - line.committed, line.authorised - int(brief.low[p]), line.plan // 10)
                room = min(line.weekly * left - (line.authorised - line.paid), int(brief.high[p]) - line.authorised)
                if spare > 0 and (giver is None or line.believed < giver[0].believed):
                    giver = line, spare
                if room > 0 and (taker is None or line.believed > taker[0].believed):
                    taker = line, room
            if giver and taker and giver[0] is not taker[0] and giver[0].believed < self.shift_below:
                amount = min(giver[1], taker[1])
                giver[0].authorised -= amount
                taker[0].coming += amount
                self.moved += amount
                self.env.process(self.arrive(taker[0], amount, day + 14))

    def arrive(self, line: Line, amount: int, day: int):
        yield self.until(day, ARRIVE)
        line.coming -= amount
        line.authorised += amount

    def run(self) -> float:
        """Let the year pass and return its benefit."""
        self.env.run(until=366 * DAY)
        brief = self.year.brief
        benefits = []
        for line, (value, scale) in zip(self.lines, self.draws.curves, strict=True):
            if line.subsidy:
                reached = line.plan * self.planted * line.paid / line.committed if line.committed else 0.0
                benefits.append(-value * expm1(-reached / scale) * (1.0 - self.lost))
            else:
                benefits.append(-value * expm1(-line.effect / scale))
        benefit = sum(benefits)
        self.gini = self.gini_of(benefits)
        left = self.year.money - self.spent
        worth = brief.unspent_worth * brief.price * left - brief.move_cost * brief.price * self.moved
        return benefit + worth

    def gini_of(self, benefits: list[float]) -> float:
        """Return the inequality between districts of benefit per unit of planned benefit."""
        planned, reached = {}, {}
        for line, plan, benefit in zip(self.lines, self.planned_benefit, benefits, strict=True):
            if line.district >= 0:
                planned[line.district] = planned.get(line.district, 0.0) + plan
                reached[line.district] = reached.get(line.district, 0.0) + benefit
        shares = sorted((reached[d] / planned[d], planned[d]) for d in planned)
        below = total = apart = 0.0
        for share, weight in shares:
            apart += weight * (share * below - total)
            below += weight
            total += weight * share
        return apart / (below * total)

    @property
    def spent(self) -> int:
        """All that has been paid [steps]."""
        return sum(line.paid for line in self.lines)
