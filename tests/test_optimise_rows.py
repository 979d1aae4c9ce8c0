from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from math import ceil
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocsim.errors import InvalidInput
from allocsim.model.plan import RulesConflict
from allocsim.model.scenario import Scenario
from allocsim.optimise.allocate import allocate
from allocsim.optimise.compile.rows import rows
from allocsim.optimise.concave.refine import NoneFits
from allocsim.optimise.limits import FREE
from allocsim.optimise.plan import plan
from optimise_worlds import brute_force, curve_set, curves, evidence, scenario, table

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


SEATS = {"id": ["n", "s", "t"], "population": [1000.0, 333.0, 50.0], "region": ["north", "south", "south"]}


def placed(
    *rules: dict[str, object],
    columns: Mapping[str, Sequence[Any]] | None = None,
    seats: Mapping[str, Sequence[Any]] | None = None,
    step: float = 1,
    total: float = 400,
) -> Scenario:
    """Return the four lines in two districts and in none, with the districts' heads."""
    world = scenario({**FOUR, "district": ["n", "s", "n", ""], **(columns or {})}, rules=rules, step=step, total=total)
    return replace(world, districts=table("districts", {**SEATS, **(seats or {})}))


def sums_of(world: Scenario) -> list[tuple[str, str, list[int], int]]:
    return [(s.sense, s.label, s.members.tolist(), s.level) for s in rows(world, None).sums[1:]]


def test_a_floor_per_head_counts_the_heads_of_each_district() -> None:
    found = sums_of(placed(rule("per_head_floor", amount=0.1), step=10))
    assert found == [("floor", "n", [0, 2], 10), ("floor", "s", [1], 4)], (
        "33.3 rounds up; no line is in t or bound there"
    )
    rural = sums_of(placed(rule("per_head_floor", amount=0.1, where={"class": "general"})))
    assert rural == [("floor", "s", [1], 34), ("floor", "n", [2], 100)], (
        "heads are the district's, whatever is selected"
    )


def test_heads_times_amount_is_exact_where_floats_are_not() -> None:
    """1.1 x 30 is 33, and 0.07 x 100 is 7, where floats say 33.000000000000004 and 7.000000000000001."""
    for amount, heads, level in ((1.1, 30.0, 33), (0.07, 100.0, 7), (0.1, 3.0, 1)):
        world = placed(rule("per_head_floor", amount=amount), seats={"population": [heads, 0.0, 9.0]})
        assert sums_of(world) == [("floor", "n", [0, 2], level), ("floor", "s", [1], 0)]


def test_regions_add_up_the_heads_of_all_their_districts() -> None:
    assert sums_of(placed(rule("per_head_floor", amount=0.1, by="region"))) == [
        ("floor", "north", [0, 2], 100),
        ("floor", "south", [1], 39),
    ]
    lines = rule("per_head_floor", amount=0.1, by="department")
    world = placed(lines, columns={"district": ["n", "n", "s", "t"]})
    assert [(label, level) for _, label, _, level in sums_of(world)] == [("A", 100), ("B", 34), ("C", 5)]


def test_heads_of_projects_are_those_of_the_value_and_stated_once() -> None:
    staff = rule("per_head_floor", amount=2, by="department", heads="staff")
    found = sums_of(placed(staff, columns={"staff": [7.0, 7.0, 3.0, 0.0]}))
    assert [(label, level) for _, label, _, level in found] == [("A", 14), ("B", 6), ("C", 0)]
    blank = sums_of(placed(staff, columns={"staff": [np.nan, 7.0, 3.0, 1.0]}))
    assert blank[0] == ("floor", "A", [0, 1], 14)
    no_districts = scenario({**FOUR, "staff": [7.0, 7.0, 3.0, 0.0]}, rules=[staff], total=400)
    assert [level for *_, level in sums_of(no_districts)] == [14, 6, 0]


PER_HEAD = rule("per_head_floor", amount=0.1)


@pytest.mark.parametrize(
    ("stated", "columns", "seats", "word"),
    [
        (PER_HEAD, {}, {"population": [np.nan, 3.0, 1.0]}, "'population' of 'n' is missing (districts.csv, line 2)"),
        (PER_HEAD, {}, {"population": [-1.0, 3.0, 1.0]}, "is below zero"),
        (PER_HEAD, {"district": ["n", "s", "n", "x"]}, {}, "'population' of 'x' is missing"),
        (PER_HEAD | {"by": "region"}, {}, {"population": [1, 3, np.nan]}, "'south' is missing (districts.csv, line 4)"),
        (PER_HEAD | {"by": "department"}, {}, {}, "'population' of 'C' is missing"),
        (PER_HEAD | {"heads": "populace"}, {}, {}, "no table counts heads in a number column 'populace'"),
        (PER_HEAD | {"heads": "score"}, {}, {}, "no table counts heads"),
        (PER_HEAD | {"heads": "region"}, {}, {}, "no table counts heads"),
        (PER_HEAD | {"by": "distrct"}, {}, {}, "no table has a column 'distrct'"),
        (PER_HEAD | {"amount": 1e14}, {}, {}, "no amount is so large"),
        (
            PER_HEAD | {"by": "department", "heads": "staff"},
            {"staff": [7.0, 8.0, 3.0, 0.0]},
            {},
            "lines of 'A' differ in 'staff' (projects.csv, line 2, 3)",
        ),
    ],
)  # fmt: skip
def test_heads_that_nobody_knows_are_refused(
    stated: dict[str, object], columns: dict[str, Any], seats: dict[str, Any], word: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        rows(placed(stated, columns=columns, seats=seats), None)
    problem = caught.value.problems[0]
    assert word in problem.message.en
    assert problem.message.zh != problem.message.en
    assert (problem.file, problem.line, problem.key) == ("scenario.toml", 10, "rule.R")


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_per_head_floors_hold_exactly_and_the_plan_is_the_best_that_keeps_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    step = float(rng.choice([0.01, 1.0, 10.0]))
    heads, amount = rng.integers(0, 40, 3).astype(float), round(float(rng.uniform(0, 0.2)), 3)
    seats = {"population": heads, "region": ["north", "south", "south"]}
    by = str(rng.choice(["district", "region"]))
    home = [str(d) for d in rng.choice(["n", "s", "t", ""], 4)]
    stated = rule("per_head_floor", amount=round(amount * step, 6), by=by)
    cap = {"name": "cap", "kind": "ceiling", "amount": 6 * step, "by": "department"}
    world = placed(stated, cap, columns={"district": [*home[:3], "n"]}, seats=seats, step=step, total=12 * step)
    limits = rows(world, None)
    family = [str(f) for f in rng.choice(["saturating", "log", "power"], 4)]
    shapes = curve_set(family, rng.uniform(5, 20, 4), rng.uniform(1, 8, 4), rng.uniform(0.3, 0.9, 4))
    best, plans = brute_force(shapes, limits)
    if not plans:
        with pytest.raises(NoneFits):
            allocate(shapes, limits)
        return
    found = allocate(shapes, limits)
    assert found.certificate.benefit == pytest.approx(best, rel=1e-12)
    assert found.certificate.closed
    people = dict(zip(SEATS["id"], heads, strict=True))
    region = dict(zip(SEATS["id"], seats["region"], strict=True)) if by == "region" else {d: d for d in SEATS["id"]}
    for value in set(region.values()):
        lines = [p for p, d in enumerate([*home[:3], "n"]) if d and region[d] == value]
        count = sum(int(n) for d, n in people.items() if region[d] == value)
        if lines:
            owed = Fraction(str(round(amount * step, 6))) * count / Fraction(str(step))
            assert found.steps[lines].sum() >= owed
            level = next(s.level for s in limits.sums if s.label == value and s.sense == "floor")
            assert level == ceil(owed), "not a step more than is owed"


def test_a_floor_per_head_is_priced_and_named_in_a_conflict() -> None:
    per_head = rule("per_head_floor", amount=0.1, basis="notice 7")
    world = placed(per_head, columns={"last_budget": [20.0, 20.0, 20.0, 200.0]}, total=200)
    fitted = curves(curve_set("saturating", [1.0, 90.0, 1.0, 90.0], [20.0, 20.0, 20.0, 20.0]))
    made = plan(world, evidence([80.0] * 4), fitted)
    report = next(r for r in made.rules if (r.name, r.row) == ("R", "n"))
    assert (report.kind, report.sense, report.level, report.activity) == ("per_head_floor", "floor", 100, 100)
    assert report.basis == "notice 7"
    assert report.binding
    eased = replace(world, districts=table("districts", {**SEATS, "population": [990.0, 333.0, 50.0]}))
    gained = plan(eased, evidence([80.0] * 4), fitted).benefit.sum() - made.benefit.sum()
    assert report.price_down is not None
    assert report.price_down == pytest.approx(gained, rel=1e-9)
    assert {made.held_by[0], made.held_by[2]} <= {"R", ""}
    short = replace(world, districts=table("districts", {**SEATS, "population": [1900.0, 333.0, 50.0]}))
    with pytest.raises(RulesConflict) as caught:
        plan(short, evidence([80.0] * 4), fitted)
    told = caught.value.conflict
    assert [(r.name, r.file, r.line, r.short_by) for r in told.rules] == [
        ("R", "scenario.toml", 10, 24.0),
        ("budget.total", "scenario.toml", 5, 24.0),
    ]
