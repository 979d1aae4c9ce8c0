"""Policies by hand: hold, threshold on three lines, index payouts, rules kept, and what a scenario compares."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from allocsim.errors import InvalidInput
from allocsim.model.policy import LAG, PAY_DAYS
from allocsim.model.settings import Settings
from allocsim.policies.catalogue import policies
from allocsim.policies.hold import Hold
from allocsim.policies.reoptimise import Reoptimise
from allocsim.policies.reserve_index import ReserveIndex
from allocsim.policies.room import UnderWay, giveable, matched, receivable, within_ceilings, within_floors
from allocsim.policies.threshold import Threshold
from policy_worlds import brief, row, seen

FREE = 1000 - 593
"""Of 1,000 steps paid evenly, what is not committed on day 181: floor(1000 x 216/364) = 593 are."""


def _act(policy: Any, told: Any, what: Any) -> Any:
    return policy.act(told, what, policy.begin(told, len(what.reserve)))


def test_hold_asks_on_no_day() -> None:
    assert Hold().days(brief([1000])) == ()
    assert Hold().act(brief([1000]), seen(brief([1000])), Hold().begin(brief([1000]), 1)) is None


def test_threshold_on_three_lines() -> None:
    told = brief([1000, 3000, 1000])
    what = seen(told, pace=[[0.5, 1.0, 0.75]])
    moves = _act(Threshold(), told, what)
    assert what.authorised[0, 0] - what.committed[0, 0] == FREE
    assert moves.give.tolist() == [[FREE // 2, 0, 0]]
    assert moves.take.tolist() == [[0, 153, 50]]  # 203 split 3 to 1: 152 and 50, the last step to the first line
    assert moves.legal == "virement"


def test_threshold_gives_slack_of_verified_lines_whole() -> None:
    told = brief([1000, 500], entitlement=np.array([False, True]), flow=np.array([True, False]))
    what = seen(told, slack=[[0, 70]], committed=[[593, 430]])
    moves = _act(Threshold(cut=0.0), told, what)
    assert moves.give.tolist() == [[0, 70]]
    assert moves.take.tolist() == [[70, 0]]


def test_threshold_gives_back_what_fits_nowhere() -> None:
    told = brief([1000, 1000], weekly_limit=np.array([31, 26]))
    what = seen(told, pace=[[0.1, 1.0]])
    weeks = sum(day > 181 + LAG["virement"] for day in PAY_DAYS)
    room = 26 * weeks - int(what.authorised[0, 1] - what.paid[0, 1])
    moves = _act(Threshold(cut=1.0), told, what)
    assert 0 < room < FREE
    assert moves.take.tolist() == [[0, room]]
    assert moves.give.tolist() == [[room, 0]]


def test_threshold_asks_only_before_the_freeze() -> None:
    assert Threshold().days(brief([1], freeze=200)) == (90, 181)


def test_room_and_gift_by_hand() -> None:
    told = brief([1000, 1000], high=np.array([1100, 9000]), low=np.array([0, 900]))
    what = seen(told)
    weeks = sum(day > 195 for day in PAY_DAYS)
    unpaid = 1000 - int(what.paid[0, 0])
    coming = np.array([[30, 0]])
    assert receivable(told, what, coming, lag=14).tolist() == [
        [min(31 * weeks - unpaid - 30, 1100 - 1030), 31 * weeks - unpaid]
    ]
    assert giveable(told, what).tolist() == [[FREE, 100]]


def test_floors_and_ceilings_cut_in_proportion() -> None:
    told = brief([1000] * 4, rows=(row(">=", [0, 1], 1910, 4), row("<=", [2, 3], 2040, 4)))
    what = seen(told)
    assert within_floors(told, what, np.array([[200, 100, 50, 0]])).tolist() == [[60, 30, 50, 0]]
    coming = np.array([[0, 0, 10, 0]])
    assert within_ceilings(told, what, coming, room=np.array([[5, 5, 90, 60]])).tolist() == [[5, 5, 18, 12]]


def test_money_inside_a_group_of_like_lines_passes_a_tight_floor() -> None:
    told = brief([1000] * 4, rows=(row(">=", [0, 1], 2000, 4),))
    nothing = np.zeros((1, 4), dtype=np.int64)
    found = matched(told, seen(told), nothing, give=np.array([[100, 0, 0, 0]]), take=np.array([[0, 60, 40, 0]]))
    assert found is not None
    assert found.give is not None
    assert found.give.tolist() == [[60, 0, 0, 0]]
    assert found.take is not None
    assert found.take.tolist() == [[0, 60, 0, 0]]
    assert matched(told, seen(told), nothing, give=np.array([[9, 0, 0, 0]]), take=np.array([[0, 0, 9, 0]])) is None


def test_matched_moves_keep_every_row_and_every_sum() -> None:
    rng = np.random.default_rng(3)
    rows = (row(">=", [0, 1, 2], 2950, 8), row("<=", [2, 3, 4], 3030, 8), row(">=", [5, 6], 1990, 8))
    told = brief([1000] * 8, rows=rows)
    one = seen(told)
    lanes = 200
    what = seen(told, authorised=np.repeat(one.authorised, lanes, axis=0))
    side = rng.random((lanes, 8)) < 0.5
    give = np.where(side, rng.integers(0, 300, (lanes, 8)), 0)
    take = np.where(side, 0, rng.integers(0, 300, (lanes, 8)))
    found = matched(told, what, np.zeros_like(give), give=give, take=take)
    assert found is not None
    assert found.give is not None
    assert found.take is not None
    assert (found.give.sum(axis=1) == found.take.sum(axis=1)).all()
    assert (found.give <= give).all()
    assert (found.take <= take).all()
    after = what.authorised - found.give + found.take
    for rule in rows:
        total = after[:, rule.members].sum(axis=1)
        assert ((total >= rule.level) if rule.sense == ">=" else (total <= rule.level)).all()
    assert found.give.sum() > 0


def test_money_under_way_is_counted_until_it_has_arrived() -> None:
    told = brief([1000, 1000])
    under_way = UnderWay()
    what = seen(told, day=90, pace=[[0.1, 1.0]])
    moves = Threshold().act(told, what, under_way)
    assert moves is not None
    assert moves.take is not None
    assert under_way.coming(seen(told, day=100)).tolist() == moves.take.tolist()
    assert under_way.coming(seen(told, day=105)).tolist() == [[0, 0]]


@pytest.mark.parametrize(("shown", "share"), [(0.0, 0.0), (0.15, 0.0), (0.375, 0.3), (0.6, 0.6), (1.0, 0.6)])
def test_index_payout(shown: float, share: float) -> None:
    assert ReserveIndex().payout(np.array([shown]))[0] == pytest.approx(share)


def test_exit_at_the_attachment_pays_all_at_once() -> None:
    found = ReserveIndex(attach=0.4, exit=0.4).payout(np.array([0.39, 0.4, 0.41]))
    assert found.tolist() == [0.0, 0.0, 0.4]


def test_index_draws_what_exceeds_earlier_draws() -> None:
    told = brief([10], reserve=1000, need=np.array([1000.0, 500.0]))
    policy = ReserveIndex()
    state = policy.begin(told, 1)
    first = policy.act(told, seen(told, index=[[0.375, 0.1]]), state)
    assert first is not None
    assert first.relief is not None
    assert first.relief.tolist() == [[300, 0]]
    second = policy.act(told, seen(told, reserve=[700], index=[[0.6, 0.375]]), state)
    assert second is not None
    assert second.relief is not None
    assert second.relief.tolist() == [[300, 150]]
    assert policy.act(told, seen(told, reserve=[250], index=[[0.5, 0.2]]), state) is None


def test_short_reserve_is_split_in_proportion_and_the_want_is_told() -> None:
    told = brief([10], reserve=100, need=np.array([1000.0, 500.0]))
    policy = ReserveIndex(trigger="damage")
    moves = _act(policy, told, seen(told, damage=[[1.0, 1.0]], index=[[0.0, 0.0]]))
    assert moves.wanted.tolist() == [[600, 300]]
    assert moves.relief.tolist() == [[67, 33]]
    assert moves.legal == "reserve_draw"
    assert policy.days(told)[-1] == 315


def test_scenario_names_its_policies(tiny: Any) -> None:
    scenario = tiny(
        simulate={"policies": ["careful", "reoptimise", "fast", "half", "still"], "baseline": "still"},
        policy=[
            {"name": "careful", "kind": "threshold", "cut": 0.25},
            {"name": "fast", "kind": "reserve_index", "trigger": "damage", "cover": 0.5},
            {"name": "half", "kind": "reoptimise", "trust": 0.5},
            {"name": "still", "kind": "hold"},
        ],
    )
    found = policies(scenario)
    assert found == (
        Hold(name="still"),
        Threshold(name="careful", cut=0.25),
        Reoptimise(),
        ReserveIndex(name="fast", trigger="damage", cover=0.5),
        Reoptimise(name="half", trust=0.5),
    )
    assert [policy.kind for policy in found] == ["hold", "threshold", "reoptimise", "reserve_index", "reoptimise"]
    assert pickle.loads(pickle.dumps(found)) == found


def test_unknown_policies_are_named_together(tiny: Any) -> None:
    scenario = tiny(simulate={"policies": ["threshhold", "nothing"], "baseline": "hold"}, policy=[])
    with pytest.raises(InvalidInput) as caught:
        policies(scenario)
    assert [problem.key for problem in caught.value.problems] == ["simulate.policies", "simulate.policies"]
    hint = caught.value.problems[0].hint
    assert hint is not None
    assert "threshold" in hint.en


@pytest.fixture
def tiny() -> Any:
    class Tiny:
        def __init__(self, **stated: Any) -> None:
            self.settings = Settings.model_validate(
                {"title": "t", "year": 2027, "tables": {"projects": "p.csv"}, "budget": {"total": 1.0}, **stated}
            )
            self.lines: dict[str, tuple[str, int]] = {}

    return Tiny
