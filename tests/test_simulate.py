"""The simulated year: its books, its identities, and the same bits however the work is split."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from allocsim.errors import AllocsimError
from allocsim.model.arrays import floats
from allocsim.model.policy import HardRow, Moves
from allocsim.simulate.check_lanes import check_lanes
from allocsim.simulate.clock import PHASES
from allocsim.simulate.lanes import lanes_of
from allocsim.simulate.run import RunOptions, curve_draws, run, usual_pace
from allocsim.simulate.world import World
from made_year import Asks, MadeWeather, Relief, Shift, Still, made_year, with_brief

ALL = (Still(), Shift(), Relief())
YEAR = made_year()
WEATHER = MadeWeather()


def options(**changes: object) -> RunOptions:
    return replace(RunOptions(replications=96, seed=3), **changes)


def test_without_shocks_hold_gives_the_plans_benefit_and_keeps_the_reserve() -> None:
    got = run(YEAR, [Still()], MadeWeather(calm=True), options=options())
    brief = YEAR.brief
    kept = brief.unspent_worth * brief.price * brief.reserve
    lines = YEAR.draws.take(got.draw).benefit(np.broadcast_to(brief.planned.astype(float), (96, YEAR.lines)))
    assert np.allclose(got.benefit[0], lines.sum(axis=1) + kept, rtol=1e-12, atol=0)
    assert np.allclose(got.benefit[0], got.calm_benefit, rtol=1e-12, atol=0)
    assert np.allclose(got.unspent[0], brief.reserve / YEAR.money, rtol=1e-15)
    assert np.all(got.spent[0, :, -1] == brief.planned.sum() * YEAR.step)


def test_without_shocks_on_the_plan_curves_the_bound_is_hold() -> None:
    expected = replace(YEAR.brief.curves, value=YEAR.brief.curves.value[None], scale=YEAR.brief.curves.scale[None],
                       shape=YEAR.brief.curves.shape[None])  # fmt: skip
    got = run(replace(YEAR, draws=expected), [Still()], MadeWeather(calm=True), options=options())
    assert np.all(got.bound >= got.benefit[0])
    assert np.allclose(got.bound, got.benefit[0], rtol=1e-6, atol=0)


def test_ledgers_balance_in_every_phase() -> None:
    lanes = lanes_of(YEAR, WEATHER, np.arange(32), seed=3, draws=5)
    world_seen = []

    def watch(world: World):
        before = {name: (ledger.committed.copy(), ledger.paid.copy()) for name, ledger in world.ledgers.items()}
        for day in range(1, 366):
            for phase in PHASES:
                yield world.until(day, phase)
                for name, books in world.ledgers.items():
                    assert np.all(books.money() == YEAR.money)
                    assert np.all(books.paid >= 0)
                    assert np.all(books.paid <= books.committed)
                    assert np.all(books.committed <= books.authorised)
                    assert np.all(books.reserve >= 0)
                    flow = YEAR.brief.flow
                    assert np.all(books.committed[:, flow] >= before[name][0][:, flow])
                    assert np.all(books.paid >= before[name][1])
                    before[name] = books.committed.copy(), books.paid.copy()
        world_seen.append(world)

    world = World(YEAR, lanes, ALL, processes=[watch])
    world.run()
    assert world_seen == [world]
    assert all((world.ledgers[name].moved > 0).any() for name in ("shift", "relief"))
    assert (world.ledgers["relief"].exhausted > 0).any()


@pytest.mark.parametrize("worth", [0.0, 0.5, 1.2])
def test_no_policy_beats_the_bound_in_any_lane(worth: float) -> None:
    got = run(with_brief(YEAR, unspent_worth=worth), ALL, WEATHER, options=options())
    assert np.all(got.bound >= got.benefit)
    assert np.all(got.bound < got.calm_benefit * 1.6)


def test_money_times_a_million_changes_nothing_but_the_unit() -> None:
    one = run(YEAR, ALL, WEATHER, options=options())
    million = run(made_year(money=1e6), ALL, WEATHER, options=options())
    for name in ("unspent", "moved", "exhausted"):
        assert np.array_equal(getattr(one, name), getattr(million, name))
    assert np.array_equal(np.rint(one.spent / 10), np.rint(million.spent / 1e7))
    assert np.allclose(one.benefit * 1e6, million.benefit, rtol=1e-12)


def test_lanes_alone_permuted_and_together_give_the_same_bits() -> None:
    assert check_lanes(YEAR, ALL, WEATHER, lanes=64) == ()
    larger = made_year(lines=37, districts=9, spread=5, subsidies=2)
    assert check_lanes(larger, ALL, MadeWeather(districts=9), lanes=40) == ()


def test_check_lanes_finds_a_policy_that_looks_across_lanes() -> None:
    class Mean(Shift):
        def act(self, brief, seen, state):
            return Shift.act(
                self, brief, replace(seen, pace=np.broadcast_to(seen.pace.mean(axis=0), seen.pace.shape)), None
            )

    assert "alone: benefit" in check_lanes(YEAR, [Mean()], WEATHER, lanes=32)


def test_the_digest_is_the_same_whatever_jobs_chunks_and_engine() -> None:
    one = run(YEAR, ALL, WEATHER, options=options())
    again = run(YEAR, ALL, WEATHER, options=options())
    assert one.digest() == again.digest()
    assert one.digest() == run(YEAR, ALL, WEATHER, options=options(chunk=17)).digest()
    assert one.digest() == run(YEAR, ALL, WEATHER, options=options(jobs=2, chunk=48)).digest()
    assert one.digest() != run(YEAR, ALL, WEATHER, options=options(seed=4)).digest()


def test_the_reference_engine_gives_the_same_bits_on_64_lanes() -> None:
    one = run(YEAR, ALL, WEATHER, options=options(replications=64))
    alone = run(YEAR, ALL, WEATHER, options=options(replications=64, reference=True))
    assert one.digest() == alone.digest()
    for name in ("planted", "lost", "calm_benefit"):
        assert np.array_equal(getattr(one, name), getattr(alone, name))


def test_more_policies_leave_the_others_as_they_were() -> None:
    all_three = run(YEAR, ALL, WEATHER, options=options())
    last = run(YEAR, ALL[2:], WEATHER, options=options())
    assert np.array_equal(all_three.benefit[2], last.benefit[0])
    assert np.array_equal(all_three.bound, last.bound)


@pytest.mark.parametrize(
    ("draws", "lanes", "most"), [(200, 1000, 200), (200, 96, 48), (200, 100, 50), (7, 30, 6), (5, 2, 1), (4, 7, 1)]
)
def test_curve_draws_divide_the_lanes(draws: int, lanes: int, most: int) -> None:
    assert curve_draws(draws, lanes) == most
    assert lanes % most == 0


def _one(at: int, amount: int, lanes: int = 32) -> np.ndarray:
    moves = np.zeros((lanes, YEAR.lines), dtype=np.int64)
    moves[:, at] = amount
    return moves


A_RULE = HardRow(name="keep line two", sense=">=", members=np.arange(YEAR.lines) == 2, level=int(YEAR.brief.planned[2]))
BROKEN = {
    "shape": (Moves(give=np.zeros((3, 3), dtype=np.int64)), 90, "shape"),
    "float": (Moves(give=np.zeros((32, YEAR.lines))), 90, "whole numbers"),
    "negative": (Moves(give=_one(1, -5), take=_one(2, -5)), 90, "negative"),
    "sums": (Moves(give=_one(1, 5), take=_one(2, 6)), 90, "differ"),
    "one side": (Moves(give=_one(1, 5)), 90, "differ"),
    "too much": (Moves(give=_one(1, 10**6), take=_one(3, 10**6)), 90, "uncommitted"),
    "room": (Moves(give=_one(1, 1), take=_one(4, 1)), 90, "can still pay"),
    "freeze": (Moves(give=_one(1, 1), take=_one(3, 1)), 320, "freeze"),
    "session": (Moves(give=_one(1, 1), take=_one(3, 1), legal="formal_adjustment"), 90, "session"),
    "class": (Moves(give=_one(1, 1), take=_one(3, 1), legal="within_project"), 90, "within_project"),
    "reserve": (Moves(relief=np.full((32, 4), 10**6)), 90, "reserve"),
    "rule": (Moves(give=_one(2, 1), take=_one(3, 1)), 90, "keep line two"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_policy_that_breaks_a_rule_is_stopped_by_name(case: str) -> None:
    moves, day, words = BROKEN[case]
    limit = np.where(np.arange(YEAR.lines) == 4, 0, YEAR.brief.weekly_limit)
    year = with_brief(YEAR, rows=(A_RULE,), weekly_limit=limit)
    with pytest.raises(AllocsimError, match=f"'asks', day {day}.*{words}") as stopped:
        run(year, [Asks(moves=moves, day=day)], MadeWeather(calm=True), options=options(replications=32))
    assert "“asks”" in stopped.value.message.zh


def test_bounds_of_lines_hold() -> None:
    tight = with_brief(YEAR, high=YEAR.brief.planned, low=YEAR.brief.planned)
    moves = Moves(give=_one(1, 1), take=_one(3, 1))
    with pytest.raises(AllocsimError, match="leaves its bounds"):
        run(tight, [Asks(moves=moves, day=90)], WEATHER, options=options(replications=32))


def test_a_stopped_policy_is_named_from_another_process_too() -> None:
    moves = Moves(give=_one(1, 5), take=_one(2, 6))
    with pytest.raises(AllocsimError, match="'asks', day 90"):
        run(YEAR, [Asks(moves=moves, day=90)], WEATHER, options=options(replications=64, chunk=32, jobs=2))


def test_a_move_arrives_after_its_lag_and_is_paid_for() -> None:
    moves = Moves(give=_one(1, 40), take=_one(3, 40))
    lanes = lanes_of(YEAR, MadeWeather(calm=True), np.arange(32), seed=3, draws=5)
    seen = {}

    def watch(world: World):
        for day in (90, 103, 104):
            yield world.until(day, "user")
            books = world.ledgers["asks"]
            seen[day] = books.authorised[0, [1, 3]] - YEAR.brief.planned[[1, 3]], books.on_way[0, 3]

    world = World(YEAR, lanes, [Asks(moves=moves, day=90)], processes=[watch])
    world.run()
    assert [(list(a), t) for a, t in seen.values()] == [([-40, 0], 40), ([-40, 0], 40), ([-40, 40], 0)]
    assert np.all(world.ledgers["asks"].moved == 40)
    assert np.all(world.ledgers["asks"].paid[:, 3] == YEAR.brief.planned[3] + 40)


def test_a_process_of_ones_own_slows_chosen_lanes_only() -> None:
    def strike(world: World):
        yield world.until(200, "user")
        world.slow(np.where(world.number % 2 == 0, 1.0, 0.0)[:, None])

    got = run(YEAR, [Still()], MadeWeather(calm=True), options=options(processes=(strike,)))
    assert np.all(got.benefit[0, ::2] < got.calm_benefit[::2])
    assert np.allclose(got.benefit[0, 1::2], got.calm_benefit[1::2], rtol=1e-12)
    assert check_lanes(YEAR, [Still()], MadeWeather(calm=True), lanes=32, processes=[strike]) == ()


def test_usual_pace_is_one_without_shocks_and_below_it_with_them() -> None:
    assert np.all(usual_pace(YEAR, MadeWeather(calm=True)) == 1.0)
    usual = usual_pace(YEAR, WEATHER)
    assert usual.shape == (52, YEAR.lines)
    assert np.all(usual[:6] == 1.0)
    assert np.all(usual[30] < 1.0)
    assert np.all(usual > 0.05)
    assert YEAR.told(usual).brief.usual_pace is not None


def test_names_must_be_unique_and_days_within_the_year() -> None:
    with pytest.raises(AllocsimError, match="one name"):
        run(YEAR, [Still(), Still()], WEATHER, options=options())
    with pytest.raises(AllocsimError, match="days must be whole"):
        run(YEAR, [Asks(moves=Moves(), day=400)], WEATHER, options=options())


def test_weather_of_other_districts_is_refused() -> None:
    with pytest.raises(ValueError, match="7 districts"):
        run(YEAR, [Still()], MadeWeather(districts=7), options=options())


def test_relief_is_paid_from_the_reserve_and_counts_once() -> None:
    got = run(YEAR, [Relief()], WEATHER, options=options())
    reserve = YEAR.brief.reserve * YEAR.step
    assert np.all(got.drawn[0] <= reserve)
    assert np.any(got.drawn[0] == reserve)
    assert np.all(got.asked[0] >= got.drawn[0])
    assert np.array_equal(got.exhausted[0] == 1, got.asked[0] > got.drawn[0])
    assert np.allclose(got.moved[0] * YEAR.money * YEAR.step, got.drawn[0])


def test_heads_weigh_districts_in_the_gini() -> None:
    known = replace(YEAR, heads=floats([10.0, 20.0, 30.0, 40.0]))
    one = run(YEAR, [Still()], WEATHER, options=options()).gini
    other = run(known, [Still()], WEATHER, options=options()).gini
    assert np.all((one > 0) & (one < 1))
    assert np.all((other > 0) & (other < 1))
    assert np.all(one != other)
    assert np.isnan(run(made_year(spread=12), [Still()], WEATHER, options=options()).gini).all()


def test_a_formal_adjustment_moves_at_once_on_a_session_day() -> None:
    moves = Moves(give=_one(1, 30), take=_one(3, 30), legal="formal_adjustment")
    lanes = lanes_of(YEAR, MadeWeather(calm=True), np.arange(32), seed=3, draws=5)
    world = World(YEAR, lanes, [Asks(moves=moves, day=209)])
    world.run()
    books = world.ledgers["asks"]
    assert np.all(books.paid[:, [1, 3]] == YEAR.brief.planned[[1, 3]] + [-30, 30])
    assert not books.on_way.any()


def test_what_is_wanted_and_not_there_is_asked_for_and_exhausts() -> None:
    wanted = np.zeros((32, 4), dtype=np.int64)
    wanted[:5, 2] = 7
    got = run(YEAR, [Asks(moves=Moves(wanted=wanted), day=90)], WEATHER, options=options(replications=32))
    assert got.exhausted[0].tolist() == [1.0] * 5 + [0.0] * 27
    assert got.asked[0].tolist() == [7 * YEAR.step] * 5 + [0.0] * 27
    assert not got.drawn.any()


def test_a_year_without_subsidies_runs() -> None:
    year = made_year(subsidies=0)
    got = run(year, [Still(), Shift()], WEATHER, options=options(replications=32))
    assert np.all(got.bound >= got.benefit)
    assert np.allclose(got.unspent[0] * year.money + got.spent[0, :, -1] / year.step, year.money, rtol=1e-12)
