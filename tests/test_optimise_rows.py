from __future__ import annotations

import numpy as np
import pytest

from allocsim.errors import InvalidInput
from allocsim.optimise.limits import FREE
from allocsim.optimise.rows import rows
from optimise_worlds import evidence, scenario

FOUR = {
    "department": ["A", "A", "B", "C"],
    "class": ["must", "general", "general", "new"],
    "last_budget": [100.0, 205.0, 50.0, np.nan],
    "carryover": [0.0, 30.0, 60.0, np.nan],
}


def rule(kind: str, **keys: object) -> dict[str, object]:
    return {"name": "R", "kind": kind, **keys}


def compiled(*rules: dict[str, object], step: float = 10, columns: dict[str, object] | None = None, **budget: float):
    return rows(scenario({**FOUR, **(columns or {})}, rules=rules, step=step, **(budget or {"total": 400})), None)


def test_a_floor_rounds_up_and_a_ceiling_down_to_the_step() -> None:
    found = compiled(
        rule("floor", scope="each", where={"class": "must"}, amount=92), rule("ceiling", amount=305) | {"name": "S"}
    )
    assert found.lo.tolist() == [10, 0, 0, 0]
    assert found.name(found.lo_by[0]) == "R"
    assert [(s.sense, s.level) for s in found.sums[1:]] == [("ceiling", 30)]


def test_the_total_rounds_down_and_the_reserve_up() -> None:
    found = compiled(total=409.9, reserve=20.1)
    assert (found.total, found.reserve, found.sums[0].level) == (40, 3, 37)
    shared = compiled(total=400, reserve_share=0.013, reserve_base=2000.0)
    assert shared.reserve == 3


def test_decimals_are_exact_where_floats_are_not() -> None:
    """1.1 x 30 is 33 in decimals and 33.000000000000004 in floats; 0.29 / 0.01 is 28.999999999999996 in floats."""
    found = compiled(
        rule("floor", scope="each", of="last_budget", times=1.1),
        step=1,
        columns={"last_budget": [30.0, 10.0, 70.0, np.nan]},
    )
    assert found.lo.tolist() == [33, 11, 77, 0]
    cents = compiled(rule("fix", scope="each", where={"id": "P1"}, amount=0.29), step=0.01)
    assert (cents.lo[0], cents.hi[0]) == (29, 29)


def test_of_times_less_each_and_in_sum() -> None:
    each = compiled(rule("ceiling", scope="each", of="last_budget", times=1.1, less="carryover"))
    assert each.hi[:3].tolist() == [11, 19, 0], "a carry-over above the amount leaves nothing, not less"
    assert each.hi[3] == 41, "a line without the column is not bound"
    together = compiled(rule("floor", of="last_budget", times=1.0, less="carryover", **{"except": {"class": ["new"]}}))
    assert together.sums[1].level == 27, "355 - 90, rounded up"
    assert together.sums[1].members.tolist() == [0, 1, 2]


def test_by_makes_one_row_a_value() -> None:
    found = compiled(rule("ceiling", by="department", of="last_budget", times=1.06))
    assert [(s.label, s.members.tolist(), s.level) for s in found.sums[1:]] == [
        ("A", [0, 1], 32),
        ("B", [2], 5),
        ("C", [3], 0),
    ]


def test_change_binds_only_lines_that_had_money() -> None:
    found = compiled(rule("change", change=[-0.2, 0.25]), columns={"last_budget": [100.0, 205.0, 0.0, np.nan]})
    assert found.lo.tolist() == [8, 17, 0, 0]
    assert found.hi.tolist() == [12, 25, 41, 41]


def test_share_is_of_the_stated_total() -> None:
    found = compiled(rule("share", share=[0.1, 0.3], where={"department": "A"}), total=409, reserve=50)
    assert [(s.sense, s.level) for s in found.sums[1:]] == [("floor", 5), ("ceiling", 12)]
    assert len(compiled(rule("share", share=[0.0, 1.0])).sums) == 1


def test_grade_caps_by_the_latest_evaluation() -> None:
    world = scenario(FOUR, rules=[rule("grade", cut={"medium": 0.9, "poor": 0.5})], step=10, total=400)
    found = rows(world, evidence([70, 50, 50, 50], excused=[False, False, True, False]))
    assert found.hi.tolist() == [9, 10, 41, 41], "excused years and lines without last budget are not cut"
    assert rows(world, None).hi.tolist() == [41, 41, 41, 41]


def test_a_grade_can_be_selected_by() -> None:
    world = scenario(
        FOUR,
        rules=[rule("ceiling", scope="each", amount=20, where={"grade": "poor", "score": {"below": 55}})],
        total=400,
    )
    assert rows(world, evidence([58, 50, 90, np.nan])).hi.tolist() == [401, 20, 401, 401]


def test_columns_of_projects_are_limits() -> None:
    found = compiled(
        columns={
            "min": [5.0, 0.0, 11.0, np.nan],
            "max": [95.0, np.nan, np.nan, 9.0],
            "committed": [0.0, 42.0, 0.0, 0.0],
        }
    )
    assert found.lo.tolist() == [1, 5, 2, 0]
    assert found.hi.tolist() == [9, 41, 41, 0]
    assert [found.name(by) for by in found.lo_by] == ["projects.min", "projects.committed", "projects.min", ""]
    assert found.rigid == 5


def test_rigid_counts_what_must_be_paid_once_a_line() -> None:
    found = compiled(
        rule("floor", scope="each", amount=50, where={"class": "must"}),
        rule("fix", scope="each", amount=80, where={"id": "P1"}) | {"name": "S"},
        rule("floor", scope="each", of="last_budget", times=1.0) | {"name": "T"},
        columns={"committed": [0.0, 100.0, 0.0, 0.0]},
    )
    assert found.rigid == 18


def test_a_ceiling_gives_way_to_a_floor_line_by_line() -> None:
    floor = rule("floor", scope="each", of="committed") | {"name": "contracts"}
    cap = rule("ceiling", scope="each", amount=30, yields_to=["contracts"])
    found = compiled(cap, floor, columns={"committed": [0.0, 40.0, 20.0, 0.0]})
    assert found.hi.tolist() == [3, 4, 3, 3]
    assert found.lo.tolist() == [0, 4, 2, 0]


def test_a_floor_gives_way_to_a_ceiling_and_a_chain_counts_what_is_left() -> None:
    last = rule("ceiling", scope="each", amount=60, where={"id": "P1"}) | {"name": "first"}
    middle = rule("floor", scope="each", amount=80, yields_to=["first"]) | {"name": "second"}
    lowest = rule("ceiling", scope="each", amount=20, yields_to=["second"]) | {"name": "third"}
    found = compiled(lowest, middle, last)
    assert found.lo.tolist() == [6, 8, 8, 8]
    assert found.hi.tolist() == [6, 8, 8, 8]


def test_change_and_fix_give_way_on_both_sides() -> None:
    named = rule("fix", scope="each", amount=200, where={"id": "P1"}) | {"name": "fixed"}
    found = compiled(rule("change", change=[-0.2, 0.25], yields_to=["fixed"]), named)
    assert (found.lo[0], found.hi[0]) == (20, 20)
    other = compiled(rule("fix", scope="each", amount=10, where={"id": "P1"}, yields_to=["fixed"]), named)
    assert (other.lo[0], other.hi[0]) == (20, 20)


EACH, TOGETHER = (rule("floor", scope=scope, amount=10) | {"name": "S"} for scope in ("each", "sum"))


@pytest.mark.parametrize(
    ("rules", "word"),
    [
        ([rule("fix", scope="each", amount=15)], "not a whole multiple"),
        ([rule("fix", amount=15)], "not a whole multiple"),
        ([rule("floor", of="lastbudget")], "no table has a column 'lastbudget'"),
        ([rule("floor", of="class")], "holds no numbers"),
        ([rule("floor", amount=1, by="departement")], "no table has a column"),
        ([rule("floor", amount=1, where={"colour": "red"})], "no table has a column 'colour'"),
        ([rule("ceiling", scope="each", amount=1, yields_to=["nobody"])], "which is no rule"),
        ([rule("ceiling", scope="each", amount=1, yields_to=["R"])], "give way to each other"),
        ([rule("ceiling", amount=10, yields_to=["S"]), EACH], "limits a sum"),
        ([rule("ceiling", scope="each", amount=10, yields_to=["S"]), TOGETHER], "limits a sum"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_as_a_limit_is_refused(rules: list[dict[str, object]], word: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        compiled(*rules)
    problem = caught.value.problems[0]
    assert word in problem.message.en
    assert (problem.file, problem.line, problem.key) == ("scenario.toml", 10, "rule.R")


def test_an_unknown_grade_gets_a_hint() -> None:
    world = scenario(FOUR, rules=[rule("grade", cut={"mediun": 0.9})], total=400)
    with pytest.raises(InvalidInput) as caught:
        rows(world, evidence([70, 70, 70, 70]))
    hint = caught.value.problems[0].hint
    assert hint is not None
    assert "medium" in hint.en


def test_all_problems_come_at_once() -> None:
    with pytest.raises(InvalidInput) as caught:
        compiled(rule("floor", of="nothing"), rule("fix", amount=15) | {"name": "S"})
    assert len(caught.value.problems) == 2


def test_a_line_without_a_ceiling_is_never_held_by_the_money_there_is() -> None:
    found = compiled(total=400, reserve=100)
    assert found.hi.tolist() == [31] * 4
    assert set(found.hi_by.tolist()) == {-1}
    assert FREE > 10**15
