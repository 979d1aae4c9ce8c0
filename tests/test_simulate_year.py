"""The parts of the simulated year, each against its definition: lines, exposure, load, reports, relief, bound."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from allocsim.errors import AllocsimError
from allocsim.files.scenario import load
from allocsim.model.arrays import floats, integers
from allocsim.model.curve import CurveSet
from allocsim.model.policy import PAY_DAYS, HardRow
from allocsim.model.shock import Weather
from allocsim.shocks.source import districts
from allocsim.simulate.bound import bound
from allocsim.simulate.clock import MONTH_ENDS, Clock, day_of_year, tick
from allocsim.simulate.disburse import Disburse
from allocsim.simulate.exposure import exposure, whole_weights
from allocsim.simulate.lanes import NEVER, lanes_of, load_changes
from allocsim.simulate.ledger import Ledger
from allocsim.simulate.load import Load, by_day
from allocsim.simulate.monitor import Reports
from allocsim.simulate.observe import View
from allocsim.simulate.outcome import Crop, crop_of, relief_benefit
from allocsim.simulate.profile import most_a_week, payout_share, planned_course
from allocsim.simulate.world import World
from allocsim.simulate.year import year_lines
from made_year import HAZARDS, MadeWeather, Still, made_year, with_brief
from scenarios import CHONGQING

YEAR = made_year()


def test_days_and_ticks() -> None:
    assert [day_of_year(d) for d in ("01-01", "02-28", "03-01", "06-29", "12-31")] == [1, 59, 60, 180, 365]
    assert MONTH_ENDS[-1] == 365
    assert tick(8, "shock") - tick(7, "user") > 0
    assert len({tick(1, phase) for phase in ("shock", "arrive", "pay", "monitor", "report", "review")}) == 6
    clock = Clock()
    clock.environment.run(until=tick(40, "pay"))
    assert clock.day == 40
    with pytest.raises(ValueError, match="delay"):
        clock.until(39)


def test_course_starts_at_nothing_and_ends_at_all() -> None:
    course = planned_course(np.array([True, False]))
    assert np.all(course[0] == 0)
    assert np.all(course[350:] == 1)
    assert np.all(np.diff(course, axis=0) >= 0)
    assert course[175, 1] == 0.5
    assert course[189, 0] == pytest.approx(0.5)
    limit = most_a_week(np.array([100_000, 100_000]), course, 1.6)
    assert limit[1] == np.ceil(1.6 * 100_000 * 7 / 350)
    assert limit[0] > limit[1]


@given(planned=st.integers(0, 10**9), works=st.booleans())
def test_no_week_owes_more_than_can_be_paid(planned: int, works: bool) -> None:
    course = planned_course(np.array([works]))
    limit = most_a_week(np.array([planned]), course, 1.6)[0]
    owed = np.diff(np.floor(planned * course[[0, *PAY_DAYS], 0]))
    assert owed.sum() == planned
    assert owed.max() <= limit


def test_claims_are_paid_evenly_in_the_quarter_after_verification() -> None:
    share = payout_share(180)
    paid = np.diff(share, prepend=0.0)
    days = np.array(PAY_DAYS)
    assert np.allclose(paid[(days > 180) & (days <= 270)], 1 / 13)
    assert np.all(paid[(days <= 180) | (days > 270)] == 0)
    assert share[-1] == 1
    assert list(payout_share(364)[-2:]) == [0, 1]


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=40).filter(lambda w: sum(w) > 0))
def test_whole_weights_sum_to_exactly_one(weights: list[float]) -> None:
    whole = whole_weights(np.array(weights))
    assert whole.sum() == 1.0
    assert np.all(whole * 2**20 == np.rint(whole * 2**20))
    assert np.all(np.abs(whole - np.array(weights) / sum(weights)) <= 2.0**-20)


def test_exposure_weighs_districts_by_heads_where_all_are_known() -> None:
    where, hurt = np.array([1, -1, 0, -1]), np.array([0.5, 0.5, 0.5, 0.7])
    felt = exposure(where, hurt, np.array([100.0, 300.0]))
    assert felt.matrix().tolist() == [[0, 1], [0.25, 0.75], [1, 0], [0.25, 0.75]]
    assert len(felt.place) == 4
    assert felt.vulnerability[felt.pair].tolist() == hurt.tolist()
    assert exposure(where, hurt, np.array([np.nan, 300.0])).matrix()[1].tolist() == [0.5, 0.5]


def test_load_is_that_of_every_day_by_definition() -> None:
    weather = MadeWeather().block(3)
    by_definition = np.zeros((32, 4, 366))
    for e in range(len(weather.lane)):
        hazard = HAZARDS[weather.hazard[e]]
        severity, over = weather.severity[e] / 1024, weather.onset[e] + weather.days[e]
        at = weather.lane[e], weather.district[e]
        by_definition[at][weather.onset[e] : over] += severity * hazard.works
        by_definition[at][over : hazard.end_day + 1] += severity * hazard.works * hazard.persistence
    load = Load(YEAR, 32)
    changes = dict(by_day(load_changes(weather)))
    weight, hurt = YEAR.exposure.matrix(), YEAR.exposure.vulnerability[YEAR.exposure.pair]
    for day in range(1, 365):
        if day in changes:
            load.change(day, changes[day])
        assert np.allclose(load.now, by_definition[:, :, day], atol=1e-5)
        if day % 7 == 0:
            pace = load.close_week(day)
            mean = by_definition[:, :, day - 6 : day + 1].mean(axis=2) @ weight.T
            work = np.clip(1 - hurt * mean, 0.05, 1)
            assert np.allclose(pace.work[:, YEAR.exposure.pair], work, atol=1e-5)
            assert np.allclose(pace.worth, 1 - 0.3 * (1 - pace.work))
    assert np.any(pace.work < 1) or np.all(by_definition[:, :, 358:365] == 0)


def test_loads_leave_nothing_behind() -> None:
    weather = MadeWeather().block(0)
    load = Load(YEAR, 32)
    for day, changes in by_day(load_changes(replace(weather, hazards=tuple(
        hazard.model_copy(update={"end_day": 330}) for hazard in HAZARDS
    )))):  # fmt: skip
        load.change(day, changes)
    assert np.all(load.now[weather.planted == 1.0] == 0.0)
    late = (weather.onset + weather.days) > 365
    ended = np.ones((32, 4), dtype=bool)
    ended[weather.lane[late], weather.district[late]] = False
    assert np.all(load.now[ended] == 0.0)


def test_lanes_are_the_same_in_any_order() -> None:
    order = np.array([70, 3, 41, 0, 95, 31])
    lanes = lanes_of(YEAR, MadeWeather(), order, seed=2, draws=5)
    assert lanes.number.tolist() == order.tolist()
    assert lanes.draw.tolist() == (order % 5).tolist()
    for row, lane in enumerate(order.tolist()):
        alone = lanes_of(YEAR, MadeWeather(), np.array([lane]), seed=2, draws=5)
        for name in ("planted", "loss", "onset", "index", "damage", "survey_error", "arrival"):
            assert np.array_equal(getattr(alone, name)[0], getattr(lanes, name)[row])
        assert np.array_equal(alone.noise[:, 0], lanes.noise[:, row])
        mine = lanes.changes.lane == row
        assert sorted(zip(lanes.changes.day[mine], lanes.changes.amount[mine], strict=True)) == sorted(
            zip(alone.changes.day, alone.changes.amount, strict=True)
        )


def test_the_worst_spell_is_the_one_that_counts() -> None:
    blank = MadeWeather(calm=True).block(0)
    weather = replace(
        blank, lane=integers([0, 0, 0, 1]), district=integers([2, 2, 2, 0]), hazard=integers([0, 1, 0, 0]),
        onset=integers([100, 150, 200, 90]), days=integers([10, 20, 10, 5]), severity=integers([600, 300, 500, 9]),
    )  # fmt: skip

    class One(MadeWeather):
        def block(self, index: int) -> Weather:
            return weather

    onset = lanes_of(YEAR, One(), np.arange(3), seed=1, draws=1).onset
    assert onset[0].tolist() == [0, 0, 100, 0]
    assert onset[1].tolist() == [90, 0, 0, 0]
    assert not onset[2].any()


def test_a_report_overtaken_by_a_later_one_is_dropped() -> None:
    lanes = lanes_of(YEAR, MadeWeather(), np.arange(64), seed=1, draws=1)
    again = replace(YEAR, monitor=replace(YEAR.monitor, delay=(0, 0)))
    on_time = lanes_of(again, MadeWeather(), np.arange(64), seed=1, draws=1).arrival
    assert np.all(on_time == np.array(MONTH_ENDS))
    kept = lanes.arrival
    assert (kept == NEVER).any()
    assert np.all(np.diff(np.where(kept == NEVER, 0, kept).max(axis=2)) < NEVER)
    for row in kept.reshape(-1, kept.shape[2]):
        assert np.all(np.diff(row[row < NEVER]) >= 0)
    delay = kept[kept < NEVER] - np.broadcast_to(MONTH_ENDS, kept.shape)[kept < NEVER]
    assert delay.min() >= 5
    assert delay.max() == 40


@pytest.mark.parametrize("looks", [(365,), (90, 181, 273, 365), tuple(range(1, 366))])
def test_belief_does_not_depend_on_when_one_looks(looks: tuple[int, ...]) -> None:
    lanes = lanes_of(YEAR, MadeWeather(), np.arange(32), seed=1, draws=1)
    reports, load, changes = Reports(YEAR, lanes), Load(YEAR, 32), dict(by_day(lanes.changes))
    by_hand = np.ones((32, YEAR.lines))
    sent = []
    for day in range(1, 366):
        if day in changes:
            load.change(day, changes[day])
        if day in PAY_DAYS:
            pace = load.close_week(day)
            reports.add(pace)
            sent.append((day, pace.work[:, YEAR.exposure.pair]))
        if day in MONTH_ENDS:
            reports.close_period()
        if day in looks:
            reports.look(day)
    for period, end in enumerate(MONTH_ENDS):
        start = 0 if period == 0 else MONTH_ENDS[period - 1]
        mean = np.mean([work for day, work in sent if start < day <= end], axis=0)
        report = np.clip(mean * (1 + 0.1 * lanes.noise[period]), 0, 1.3)
        counts = lanes.arrival[:, YEAR.exposure.office, period] <= 365
        by_hand = np.where(counts, by_hand + 0.5 * (report - by_hand), by_hand)
    assert np.allclose(reports.believed, by_hand, rtol=1e-12)


def test_what_a_policy_sees_of_area_and_index() -> None:
    lanes = lanes_of(YEAR, MadeWeather(), np.arange(32), seed=1, draws=1)
    world = World(YEAR, lanes, [Still()])
    view, books, belief = View(YEAR, lanes), world.ledgers["still"], np.ones((32, YEAR.lines))
    early, surveyed, verified = (view.on(day, books, belief) for day in (6, 120, 180))
    true = crop_of(YEAR, lanes).planted
    assert early.week == -1
    assert np.all(np.isnan(early.planted))
    assert np.all(early.index == 0)
    assert np.allclose(surveyed.planted, np.clip(true * lanes.survey_error, 0, 1))
    assert np.array_equal(verified.planted, true)
    assert np.array_equal(verified.index, lanes.index[:, :, 24])
    assert np.array_equal(verified.damage, lanes.damage[:, :, 24])
    for shown in (verified.authorised, verified.paid, verified.pace, verified.index, verified.reserve):
        assert not shown.flags.writeable


def test_verified_claims_leave_slack_and_are_paid() -> None:
    lanes = lanes_of(YEAR, MadeWeather(), np.arange(32), seed=1, draws=1)
    world = World(YEAR, lanes, [Still()])
    world.run()
    books, planted = world.ledgers["still"], crop_of(YEAR, lanes).planted
    claims = np.floor(YEAR.brief.planned[0] * planted)
    assert np.array_equal(books.committed[:, 0], claims)
    assert np.array_equal(books.paid[:, 0], claims)
    slack = View(YEAR, lanes).on(181, books, np.ones((32, YEAR.lines))).slack
    assert np.array_equal(slack[:, 0], YEAR.brief.planned[0] - claims)
    assert not slack[:, 1:].any()


def test_relief_fades_from_a_fortnight_to_ten_weeks_after_onset() -> None:
    lanes = lanes_of(with_brief(YEAR), MadeWeather(), np.arange(2), seed=1, draws=1)
    lanes = replace(lanes, onset=integers(np.full((2, 4), 150)))
    pays, books = Disburse(YEAR, lanes), Ledger(YEAR, 2)
    for day, share in ((140, 1.0), (164, 1.0), (192, 0.5), (220, 0.0), (300, 0.0)):
        before = books.relief_effect.copy()
        pays.relieve(books, np.full((2, 4), 8.0), day)
        assert np.allclose(books.relief_effect - before, 8.0 * share)
    worth = relief_benefit(YEAR, np.array([[10.0, 5.0]]), np.array([[20.0, 0.0]]))
    assert worth[0].tolist() == [pytest.approx(2.5 * YEAR.brief.price * 20 * (1 - np.exp(-0.5))), 0.0]


FAMILIES = {
    "saturating": (0.0, "saturating"), "log": (0.0, "log"), "power": (0.6, "power"), "hill": (0.8, "hill"),
}  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
def test_bound_is_the_optimum_that_another_solver_finds(family: str) -> None:
    lines = 6
    year = made_year(lines=lines, subsidies=0, spread=2, draws=3)
    shape = floats(np.full((1, lines), FAMILIES[family][0] or np.nan))
    scale = year.draws.scale[:1]
    curves = CurveSet(family=(family,) * lines, value=year.draws.value[:1], scale=scale, shape=shape,
                      points=(None,) * lines)  # fmt: skip
    best = np.linspace(0.7, 1.0, lines)[None, :]
    capacity = year.brief.planned[None, :] * 1.2
    nothing = Crop(planted=np.ones(1), lost=np.zeros(1), need=np.zeros((1, 4)))
    total, worth = float(year.brief.planned.sum()), year.brief.unspent_worth * year.brief.price

    def loss(x: np.ndarray) -> float:
        return -float(curves.benefit(best * x).sum() + worth * (total - x.sum()))

    found = minimize(
        loss, year.brief.planned * 0.5, bounds=[(0, c) for c in capacity[0]], method="SLSQP", tol=1e-12,
        constraints={"type": "ineq", "fun": lambda x: total - x.sum()}, options={"maxiter": 500},
    )  # fmt: skip
    got = bound(year, curves, nothing, capacity=capacity, best=best)[0] - worth * year.brief.reserve
    assert got >= -found.fun * (1 - 1e-9)
    assert got == pytest.approx(-found.fun, rel=2e-4)


@settings(max_examples=25, deadline=None)
@given(need=st.floats(1, 1e4), reserve=st.integers(0, 10**4), worth=st.sampled_from([0.0, 0.3, 1.0, 3.0]))
def test_relief_in_the_bound_is_its_best(need: float, reserve: int, worth: float) -> None:
    year = with_brief(made_year(subsidies=0), reserve=reserve, unspent_worth=worth)
    curves, lines = year.draws.take(np.array([0])), year.lines
    args = {"capacity": np.zeros((1, lines)), "best": np.ones((1, lines))}
    dry = Crop(planted=np.ones(1), lost=np.zeros(1), need=np.array([[need, 0, 0, need]]))
    none = Crop(planted=np.ones(1), lost=np.zeros(1), need=np.zeros((1, 4)))
    gain = bound(year, curves, dry, **args)[0] - bound(year, curves, none, **args)[0]
    drawn = np.append(0.0, np.minimum(np.geomspace(0.01, 10**5, 4000), reserve))[:, None]
    all_ways = relief_benefit(year, drawn / 2, np.full(drawn.shape, need)) * 2 - worth * year.brief.price * drawn
    best = float(all_ways.max())
    assert gain >= best * (1 - 1e-9) - 1e-7
    assert gain <= best + 1e-3 * abs(best) + 1e-6


def _plan(steps: np.ndarray, step: object) -> SimpleNamespace:
    low, high = np.where(steps > 500, np.nan, 0.0), np.full(len(steps), np.inf)
    return SimpleNamespace(
        steps=integers(steps), reserve_steps=50, low=low, high=high, money_step=step, price=0.4
    )  # fmt: skip


def _fitted(family: str, lines: int, scale: float) -> SimpleNamespace:
    curves = CurveSet(
        family=(family,) * lines, value=floats(np.ones((2, lines))), scale=floats(np.full((2, lines), scale)),
        shape=floats(np.full((2, lines), np.nan)), points=(None,) * lines,
    )  # fmt: skip
    return SimpleNamespace(expected=curves.take(np.array(0)), draws=curves)


def test_lines_of_a_scenario() -> None:
    scenario = load(CHONGQING)
    lines, known = len(scenario.projects), districts(scenario)
    steps = np.arange(lines) * 10
    fitted = _fitted("saturating", lines, 40.0)
    row = HardRow(name="a", sense=">=", members=np.ones(lines, dtype=bool), level=0)
    year = year_lines(scenario, _plan(steps, scenario.step), fitted, rows=(row,), districts=known)
    brief, size = year.brief, scenario.step.size
    assert year.lines == lines
    assert year.districts == len(known.id)
    assert brief.entitlement.sum() >= 1
    assert np.array_equal(brief.flow, ~brief.entitlement)
    assert brief.price == pytest.approx(0.4 * size)
    assert brief.curves.scale[0] == pytest.approx(40.0 / size)
    assert brief.rows == (row,)
    assert brief.low.min() >= 0
    assert np.all(brief.low <= steps)
    assert np.all(brief.high == steps.sum() + 50)
    assert brief.need.sum() == pytest.approx(2.0 * steps[brief.entitlement].sum())
    assert year.subsidy.area.sum() == 1.0
    assert (brief.freeze, brief.verification, brief.checkpoints[0]) == (319, 180, 90)
    kinds = np.array(scenario.projects.text("kind"))
    assert np.all(brief.profile[14, kinds == "project"] == 0)
    assert np.all(brief.profile[14, kinds != "project"] > 0)


def test_too_many_steps_to_count_are_refused() -> None:
    scenario = load(CHONGQING)
    plan = _plan(np.full(len(scenario.projects), 2**47), scenario.step)
    with pytest.raises(AllocsimError, match="too fine"):
        year_lines(scenario, plan, SimpleNamespace(), rows=(), districts=districts(scenario))


def test_quarterly_reports_have_four_periods() -> None:
    scenario = load(CHONGQING).replace(**{"simulate.monitoring.every": "quarter"})
    lines = len(scenario.projects)
    fitted = _fitted("linear", lines, 1.0)
    year = year_lines(scenario, _plan(np.ones(lines), scenario.step), fitted, rows=(), districts=districts(scenario))
    assert year.monitor.ends == (90, 181, 273, 365)
