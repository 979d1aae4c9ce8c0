from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocsim.model.plan import Conflict, RulesConflict
from allocsim.model.scenario import Scenario
from allocsim.optimise.compile.rows import rows
from allocsim.optimise.conflict.claims import claims
from allocsim.optimise.conflict.clauses import shown
from allocsim.optimise.conflict.conflict import conflict, irreducible
from allocsim.optimise.conflict.elastic import Elastic
from allocsim.optimise.plan import plan
from optimise_worlds import brute_force, curve_set, curves, evidence, scenario


def found(world: Scenario, scores: list[float] | None = None) -> Conflict:
    return conflict(world, rows(world, evidence(scores) if scores else None)).conflict


def test_a_grade_cap_under_a_contract_names_both_and_what_is_short() -> None:
    columns = {"name": ["Large water works", "Other"], "last_budget": [45000.0, 9000.0], "committed": [42000.0, 0.0]}
    rules = [
        {"name": "contracts", "kind": "floor", "scope": "each", "of": "committed", "basis": "contract"},
        {"name": "grade cap", "kind": "grade", "cut": {"medium": 0.9}},
    ]
    world = scenario(
        {**columns, "committed": [0.0, 0.0], "signed": [42000.0, np.nan]},
        rules=[{**rules[0], "of": "signed"}, rules[1]],
        step=10,
        currency="USD",
        unit="USD",
        total=60000,
    )
    told = found(world, [79.0, 85.0])
    assert [(r.name, r.file, r.line, r.short_by) for r in told.rules] == [
        ("contracts", "scenario.toml", 10, 1500.0),
        ("grade cap", "scenario.toml", 11, 1500.0),
    ]
    said = "; ".join(r.detail.en for r in told.rules)
    assert said == (
        "'contracts' asks at least 42,000 USD for 'Large water works': short by 1,500 USD; "
        "'grade cap' allows at most 40,500 USD for 'Large water works': short by 1,500 USD"
    )
    assert told.rules[0].detail.zh == "“contracts”要求“Large water works”至少42,000USD，差1,500USD"
    assert [(r.rule, r.row) for r in told.repair] in ([("contracts", "P1")], [("grade cap", "P1")])
    column = found(scenario(columns, rules=rules[1:], step=10, total=60000), [79.0, 85.0])
    assert [r.name for r in column.rules] == ["grade cap", "projects.committed P1"]
    assert (column.rules[1].file, column.rules[1].line) == ("projects.csv", 2)
    assert [(r.rule, r.start, r.end) for r in column.repair] == [("grade cap", 40500.0, 42000.0)], "contracts last"


def test_the_total_below_the_floors() -> None:
    world = scenario({"min": [30.0, 50.0, 0.0], "max": [99.0, 99.0, 9.0]}, total=70, reserve=5)
    told = found(world)
    assert [r.name for r in told.rules] == ["budget.total", "projects.min P1", "projects.min P2"]
    assert [r.short_by for r in told.rules] == [10, 10, 10]
    assert told.rules[0].detail.en == "the total is 70 万元: short by 10 万元"
    assert told.rules[0].detail.zh == "总额为70万元，差10万元"
    assert (told.rules[0].file, told.rules[0].line) == ("scenario.toml", 5)
    assert told.rules[1].detail.en == "column 'min' asks at least 30 万元 for 'Line 1': short by 10 万元"


def test_the_reserve_is_named_only_where_it_is_needed() -> None:
    tight = found(scenario({"min": [30.0, 50.0]}, total=82, reserve=5))
    assert [r.name for r in tight.rules] == ["budget.total", "budget.reserve", "projects.min P1", "projects.min P2"]
    assert {r.short_by for r in tight.rules} == {3}
    assert all(r.rule.startswith("projects.min") for r in tight.repair), "the reserve is law and gives last"
    alone = found(scenario({"max": [3.0]}, total=5, reserve=9))
    assert [r.name for r in alone.rules] == ["budget.total", "budget.reserve"]
    assert [(r.rule, r.start, r.end) for r in alone.repair] == [("budget.total", 5, 9)]


def test_what_no_easing_of_one_rule_ends_has_no_number() -> None:
    """P1 must have 9 by one rule and by another, with at most 5 in all: easing either floor alone ends nothing."""
    rules = [
        {"name": "one", "kind": "floor", "amount": 8, "where": {"id": ["P1", "P2"]}},
        {"name": "cap", "kind": "ceiling", "amount": 0, "where": {"id": ["P3"]}},
        {"name": "small", "kind": "ceiling", "scope": "each", "amount": 3, "where": {"id": ["P1", "P2"]}},
    ]
    told = found(scenario({"min": [0.0] * 3}, rules=rules, total=50))
    assert [(r.name, r.short_by) for r in told.rules] == [("one", 2), ("small", 2)]
    nobody = [{"name": "nobody", "kind": "floor", "amount": 5, "where": {"id": "none"}}]
    alone = found(scenario({"min": [0.0]}, rules=nobody, total=9))
    assert [(r.name, r.short_by) for r in alone.rules] == [("nobody", 5)]


def test_a_rule_may_stand_in_its_own_way() -> None:
    world = scenario(
        {"last_budget": [105.0]}, rules=[{"name": "still", "kind": "change", "change": [0.0, 0.0]}], step=10, total=500
    )
    told = found(world)
    assert [r.name for r in told.rules] == ["still"]
    assert "at least 110 万元" in told.rules[0].detail.en
    assert "at most 100 万元" in told.rules[0].detail.en
    assert told.rules[0].detail.zh == ("“still”要求“Line 1”至少110万元；“still”只允许“Line 1”至多100万元，差10万元")


def test_rows_of_a_rule_are_told_apart() -> None:
    rules = [
        {"name": "caps", "kind": "ceiling", "amount": 10, "by": "department"},
        {"name": "each", "kind": "floor", "scope": "each", "amount": 4},
    ]
    columns = {"department": ["A", "B", "B", "B", "B", "B"]}
    told = found(scenario(columns, rules=rules, total=90))
    assert told.rules[0].detail.en == "'caps' allows at most 10 万元 for 5 lines of 'B' together: short by 10 万元"
    assert (
        told.rules[1].detail.en == "'each' asks, line by line, at least 20 万元 for 5 lines together: short by 10 万元"
    )
    assert {r.row for r in told.repair if r.rule == "caps"} <= {"B"}


def test_only_whole_amounts_conflict() -> None:
    """Each pair of three lines has exactly one step: halves would do, whole steps never."""
    pairs = [
        {"name": "".join(pair), "kind": "fix", "amount": 1, "where": {"id": pair}}
        for pair in (["P1", "P2"], ["P2", "P3"], ["P1", "P3"])
    ]
    world = scenario({"min": [0.0] * 3}, rules=pairs, total=9)
    with pytest.raises(RulesConflict) as caught:
        plan(world, evidence([80.0] * 3), curves(curve_set("log", [1.0] * 3, [1.0] * 3)))
    assert [r.name for r in caught.value.conflict.rules] == ["P1P2", "P2P3", "P1P3"]
    assert caught.value.exit_code == 4
    assert caught.value.conflict.repair


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_conflicts_are_irreducible_and_their_numbers_true(seed: int) -> None:
    """All named clash, all but any one hold, and easing one by ``short_by`` is enough where a step less is not."""
    rng = np.random.default_rng(seed)
    ids = ["P1", "P2", "P3", "P4"]
    pick = lambda: [str(i) for i in rng.choice(ids, int(rng.integers(1, 4)), replace=False)]  # noqa: E731
    rules = [
        {
            "name": f"R{n}",
            "kind": str(rng.choice(["floor", "ceiling"])),
            "amount": int(rng.integers(1, 9)),
            "where": {"id": pick()},
        }
        for n in range(6)
    ]
    world = scenario({"max": [5.0] * 4}, rules=rules, total=int(rng.integers(6, 14)), reserve=1)
    limits = rows(world, None)
    curve = curve_set("log", [1.0] * 4, [1.0] * 4)
    if brute_force(curve, limits)[1]:
        return
    told = found(world)
    claimed = claims(limits)
    elastic = Elastic(claimed, 4)
    named = [c for c, claim in enumerate(claimed) if claim.group in {r.name for r in told.rules}]
    assert not elastic.holds(named)
    for rule in told.rules:
        others = [c for c in named if claimed[c].group != rule.name]
        assert elastic.holds(others)
        if rule.short_by is not None:
            mine = [c for c in named if claimed[c].group == rule.name]
            for by, ends in ((rule.short_by, True), (rule.short_by - 1, False)):
                sign = 1 if claimed[mine[0]].side == "ceiling" else -1
                eased = [
                    replace(claim, level=claim.level + sign * int(by)) if c in mine else claim
                    for c, claim in enumerate(claimed)
                ]
                assert Elastic(eased, 4).holds(named) is ends


def test_what_is_short_and_what_is_eased_are_whole_steps() -> None:
    """P1, P2 and P4 cross in pairs: half a step of R1 would do if amounts could be halves, but amounts are whole."""
    rules = [
        {"name": "R0", "kind": "floor", "amount": 4, "where": {"id": ["P1", "P2", "P4"]}},
        {"name": "R1", "kind": "ceiling", "amount": 2, "where": {"id": ["P2", "P4"]}},
        {"name": "R3", "kind": "ceiling", "amount": 3, "where": {"id": ["P1", "P2", "P3"]}},
        {"name": "R4", "kind": "floor", "amount": 4, "where": {"id": ["P3", "P4"]}},
    ]
    told = found(scenario({"max": [5.0] * 4}, rules=rules, total=20))
    assert {r.name: r.short_by for r in told.rules} == {"R0": 1, "R1": 1, "R3": 1, "R4": 1}
    assert [abs(r.end - r.start) for r in told.repair] == [1]


def test_dropping_in_blocks_leaves_what_dropping_one_by_one_leaves() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        cores = [set(rng.choice(20, int(rng.integers(1, 5)), replace=False).tolist()) for _ in range(4)]

        def clash(kept, cores=cores) -> bool:
            return any(core <= set(kept) for core in cores)

        one_by_one = list(range(20))
        for item in range(20):
            rest = [i for i in one_by_one if i != item]
            if clash(rest):
                one_by_one = rest
        assert irreducible(list(range(20)), clash) == one_by_one


def test_amounts_are_written_as_people_read_them() -> None:
    assert [shown(v) for v in (42000.0, 1500.5, 0.01, 1e9)] == ["42,000", "1,500.5", "0.01", "1,000,000,000"]
