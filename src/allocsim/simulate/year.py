"""The year that is simulated, as arrays: lines, what they are exposed to, subsidies, monitoring, and the brief."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from allocsim.errors import AllocsimError, Text
from allocsim.model.arrays import BoolArray, FloatArray, IntArray, booleans, floats, integers
from allocsim.model.curve import Curves, CurveSet
from allocsim.model.plan import Plan
from allocsim.model.policy import PAY_DAYS, Brief, HardRow
from allocsim.model.scenario import Scenario
from allocsim.model.selection import selected
from allocsim.model.settings import AgricultureSettings, Monitoring
from allocsim.model.shock import Districts
from allocsim.simulate.clock import MONTH_ENDS, day_of_year
from allocsim.simulate.exposure import Exposure, exposure, whole_weights
from allocsim.simulate.profile import most_a_week, payout_share, planned_course

MOST_STEPS = 2**52
"""Whole steps are counted in float64, where whole numbers up to here are exact and so are their sums."""
AREA_UNIT = 2**40
"""Shares of area are whole multiples of 1/2^40 that sum to exactly 1: where all is planted, all is claimed."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Monitor:
    """Reports of pace: ends of their periods [day of year], noise [share], least and most delay [days]."""

    ends: tuple[int, ...]
    noise: float
    delay: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Subsidy:
    """Subsidies paid by standard x verified area, and relief.

    Attributes
    ----------
    area
        Share of each district in the city's grain area (d,).
    payout
        Share of claims due by each pay day (w,).
    relief_return
        Benefit of timely relief per unit of need, in units of the plan's price.
    """

    area: FloatArray
    payout: FloatArray
    relief_return: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Year:
    """Everything about the year that is the same in every lane; money in whole steps, shapes (p,) unless said.

    Attributes
    ----------
    brief
        What policies are told.
    step
        One step of money [money].
    draws
        Joint draws of the curves, spending in steps: parameters (k, p).
    exposure
        Which load slows which line.
    heads
        Weight of each district in the inequality of benefit (d,): heads, or NaN where they are not known.
    lead
        Days by which commitments run ahead of payments.
    sessions
        Days on which a formal adjustment can be approved.
    """

    brief: Brief
    step: float
    draws: CurveSet
    exposure: Exposure
    heads: FloatArray
    lead: int
    monitor: Monitor
    subsidy: Subsidy
    sessions: tuple[int, ...]

    @property
    def lines(self) -> int:
        """Number of lines p."""
        return len(self.brief.planned)

    @property
    def districts(self) -> int:
        """Number of districts d."""
        return self.exposure.districts

    @property
    def money(self) -> int:
        """M, all the year's money: every line's plan and the reserve [steps]."""
        return int(self.brief.planned.sum()) + self.brief.reserve

    def told(self, usual_pace: FloatArray) -> Year:
        """Return the year whose brief tells the usual pace of each line in each week (w, p) [share 0-1]."""
        return replace(self, brief=replace(self.brief, usual_pace=floats(usual_pace)))


def year_lines(
    scenario: Scenario,
    plan: Plan,
    curves: Curves,
    *,
    rows: tuple[HardRow, ...],
    districts: Districts,
    still: BoolArray | None = None,
) -> Year:
    """Return the year to simulate.

    Lines of ``agriculture.lines`` are paid by standard (entitlement lines), all others are flow lines: works where
    ``kind`` is ``project``, services else. A line in a ``district`` feels that district's weather, any other the whole
    city's by heads. ``vulnerability`` is a column of projects, else the setting.

    Parameters
    ----------
    rows
        Sum rules of the plan that moves must keep.
    districts
        The districts that the weather knows, axis d.
    still
        Lines whose amount no move may change within the year (p,); none where absent.

    Returns
    -------
    Year
        With a usual pace of 1 in its brief, until :meth:`Year.told` another.

    Raises
    ------
    AllocsimError
        If there are too many steps to count exactly.
    """
    settings, farming = scenario.settings.simulate, scenario.settings.agriculture
    if int(plan.steps.sum()) + plan.reserve_steps > MOST_STEPS:
        message = Text("money_step is too fine: over 2^52 steps in all", "money_step 过细：总额超过2^52个单位")
        raise AllocsimError(message)
    rows_of = {name: row for row, name in enumerate(districts.id)}
    district = np.array([rows_of.get(name, -1) for name in scenario.projects.text("district")], dtype=np.int64)
    vulnerability = scenario.projects.number("vulnerability", settings.vulnerability)
    area = np.nan_to_num(districts.area)
    area = whole_weights(area if area.sum() > 0 else np.ones(len(area)), AREA_UNIT)
    verification = day_of_year(farming.verification) if farming else day_of_year("06-29")
    return Year(
        brief=_stilled(_brief(scenario, plan, curves, rows=rows, area=floats(area)), still),
        step=scenario.step.size,
        draws=curves.draws.scaled(scenario.step.size),
        exposure=exposure(district, vulnerability, districts.population),
        heads=floats(districts.population),
        lead=settings.commitment_lead,
        monitor=_monitor(settings.monitoring),
        subsidy=Subsidy(
            area=floats(area),
            payout=payout_share(verification),
            relief_return=farming.relief_return if farming else 0.0,
        ),
        sessions=tuple(sorted(day_of_year(date) for date in settings.sessions)),
    )


def _brief(scenario: Scenario, plan: Plan, curves: Curves, *, rows: tuple[HardRow, ...], area: FloatArray) -> Brief:
    settings, farming = scenario.settings.simulate, scenario.settings.agriculture
    entitlement = _entitlement(scenario, farming)
    course = planned_course(booleans([kind == "project" for kind in scenario.projects.text("kind")]))
    low, high = _bounds(plan)
    subsidies = float(plan.steps[entitlement].sum())
    return Brief(
        planned=plan.steps,
        reserve=plan.reserve_steps,
        low=low,
        high=high,
        rows=rows,
        flow=booleans(~entitlement),
        entitlement=entitlement,
        profile=course,
        weekly_limit=most_a_week(plan.steps, course, settings.room),
        curves=curves.expected.scaled(scenario.step.size),
        price=plan.price * scenario.step.size,
        unspent_worth=settings.unspent_worth,
        move_cost=settings.move_cost,
        usual_pace=floats(np.ones((len(PAY_DAYS), len(plan.steps)))),
        harm=settings.harm,
        checkpoints=tuple(sorted(day_of_year(date) for date in settings.checkpoints)),
        freeze=day_of_year(settings.freeze),
        verification=day_of_year(farming.verification) if farming else day_of_year("06-29"),
        replant_by=day_of_year(farming.replant_by) if farming else day_of_year("08-25"),
        need=floats((farming.need_rate if farming else 0.0) * subsidies * area),
        replantable=farming.replantable if farming else 0.0,
    )


def _stilled(brief: Brief, still: BoolArray | None) -> Brief:
    """Return the brief with the bounds of some lines at their plan."""
    if still is None or not still.any():
        return brief
    low, high = np.where(still, brief.planned, brief.low), np.where(still, brief.planned, brief.high)
    return replace(brief, low=integers(low), high=integers(high))


def _entitlement(scenario: Scenario, farming: AgricultureSettings | None) -> BoolArray:
    if farming is None:
        return booleans(np.zeros(len(scenario.projects), dtype=np.bool_))
    return booleans(selected(scenario, farming.lines))


def _bounds(plan: Plan) -> tuple[IntArray, IntArray]:
    """Return what bounds and rules allow each line, in whole steps; a plan written by hand may stand outside."""
    most = int(plan.steps.sum()) + plan.reserve_steps
    step = plan.money_step
    low = [step.up(v) if np.isfinite(v) else 0 for v in plan.low.tolist()]
    high = [min(step.down(v), most) if np.isfinite(v) else most for v in plan.high.tolist()]
    return integers(np.minimum(low, plan.steps)), integers(np.maximum(high, plan.steps))


def _monitor(monitoring: Monitoring) -> Monitor:
    ends = MONTH_ENDS if monitoring.every == "month" else MONTH_ENDS[2::3]
    least, most = (round(days) for days in monitoring.delay)
    return Monitor(ends=ends, noise=monitoring.noise, delay=(least, most))
