"""Rules of coefficients, choices, pots and soft rules: what they compile to, against the rules as literally stated."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from math import floor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocsim.errors import InvalidInput
from allocsim.model.arrays import integers
from allocsim.model.scenario import Scenario
from allocsim.optimise.compile.factors import MOST_KEY, scaled
from allocsim.optimise.compile.rows import rows
from allocsim.optimise.limits import FREE, Parts, Rows
from optimise_worlds import evidence, scenario, table

NAN = float("nan")
FOUR = {
    "department": ["A", "A", "B", "C"],
    "class": ["must", "general", "general", "new"],
    "last_budget": [100.0, 205.0, 50.0, NAN],
    "max": [95.0, NAN, 40.0, 30.0],
    "min": [20.0, 0.0, NAN, 15.0],
    "staff": [0.5, 0.25, NAN, 1.0],
    "need": [1.0, 2.0, 3.0, 0.0],
}


def rule(kind: str, **keys: object) -> dict[str, object]:
    return {"name": "R", "kind": kind, **keys}


def compiled(*rules: dict[str, object], step: float = 10, total: float = 400, **columns: Sequence[Any]) -> Rows:
    return rows(scenario({**FOUR, **columns}, rules=rules, step=step, total=total), None)


def holes(found: Rows) -> dict[tuple[str, str], tuple[tuple[int, int], ...]]:
    """Return the parts of every line by the name of what states them."""
    return {
        (found.name(each.source), found.id[line]): parts
        for each in found.parts
        for line, parts in zip(each.project.tolist(), each.parts, strict=True)
    }


# ----------------------------------------------------------------------------------------------------- coefficients


def test_a_limit_counts_whole_grains() -> None:
    """Per step of 10: 5, 2.5 and 10 of the column, so a grain is 2.5 and 61 holds 24 grains."""
    (limit,) = compiled(rule("limit", column="staff", amount=61)).sums[1:]
    assert limit.weight is not None
    assert (limit.sense, limit.members.tolist(), limit.weight.tolist()) == ("ceiling", [0, 1, 3], [2, 1, 4])
    assert (limit.grain, limit.level, limit.penalty) == (2.5, 24, None)
    assert limit.slack(integers([3, 8, 100, 2])) == 24 - (6 + 8 + 8)


def test_a_limit_has_one_row_a_value_of_by_that_uses_anything() -> None:
    found = compiled(rule("limit", column="staff", amount=61, by="department"))
    assert [(s.label, s.members.tolist(), s.level) for s in found.sums[1:]] == [("A", [0, 1], 24), ("C", [3], 6)]
    assert found.is_convex


def test_coefficients_of_districts_count_for_each_line_in_them() -> None:
    world = scenario({**FOUR, "district": ["n", "s", "n", ""]}, rules=[rule("limit", column="land", amount=1)], total=9)
    (limit,) = rows(replace(world, districts=table("districts", {"id": ["n", "s"], "land": [0.3, 0.2]})), None).sums[1:]
    assert limit.weight is not None
    assert (limit.members.tolist(), limit.weight.tolist(), limit.level) == ([0, 1, 2], [3, 2, 3], 10)


def test_decimals_of_coefficients_are_exact() -> None:
    """0.1 x 3 is 0.3 in decimals and 0.30000000000000004 in floats: the third step fits."""
    (limit,) = compiled(rule("limit", column="staff", amount=0.3), step=1, staff=[0.1, NAN, 0.0, NAN]).sums[1:]
    assert (limit.level, limit.members.tolist()) == (3, [0])
    cents = compiled(rule("limit", column="staff", amount=0.007), step=0.01, staff=[0.7, NAN, NAN, NAN]).sums[1]
    assert cents.level == 1


def test_a_limit_of_nothing_that_is_used_limits_nothing() -> None:
    assert len(compiled(rule("limit", column="staff", amount=0), staff=[0.0, NAN, 0.0, NAN]).sums) == 1


def test_digits_beyond_exact_counting_are_refused_with_a_way_out() -> None:
    digits = [0.123456789012345, 0.5, 1.0, 2.0]
    with pytest.raises(InvalidInput) as caught:
        compiled(rule("limit", column="staff", amount=5), step=1, total=10**6, staff=digits)
    problem = caught.value.problems[0]
    assert "too many digits" in problem.message.en
    assert problem.hint is not None
    fewer = int(problem.hint.en.split(" digit")[0].rpartition(" ")[2])
    coarser = [round(each, 15 - fewer) for each in digits]
    found = compiled(rule("limit", column="staff", amount=5), step=1, total=10**6, staff=coarser).sums[1]
    assert found.weight is not None
    assert int(found.weight.sum()) * (10**6 + 1) < 2**62


# ---------------------------------------------------------------------------------------------------------- choices


def test_exclusive_counts_the_funded_lines_of_each_value() -> None:
    found = compiled(rule("exclusive", by="department"))
    assert [(c.label, c.members.tolist(), c.weight.tolist(), c.level) for c in found.choices] == [
        ("A", [0, 1], [1, 1], 1)
    ]
    choice = found.choices[0]
    assert [choice.activity(integers(x)) for x in ([0, 0, 9, 9], [1, 0, 0, 0], [1, 5, 0, 0])] == [0, 1, 2]


def test_min_means_if_funded_under_rules_of_what_is_funded() -> None:
    found = compiled(rule("exclusive", where={"department": "A"}), committed=[30.0, 0.0, 0.0, 0.0])
    assert holes(found) == {("projects.min", "P1"): ((0, 0), (2, FREE)), ("R", "P2"): ((0, 0), (1, FREE))}
    assert found.lo.tolist() == [3, 0, 0, 2], "what is committed stays a floor, and so does min elsewhere"
    assert [found.name(by) for by in found.lo_by] == ["projects.committed", "", "", "projects.min"]


def test_requires_waits_for_every_line_of_then_but_itself() -> None:
    found = compiled(rule("requires", where={"department": "A"}, then={"class": ["must", "new"]}))
    assert [(c.label, c.members.tolist(), c.weight.tolist(), c.level) for c in found.choices] == [
        ("P1 -> P4", [0, 3], [1, -1], 0),
        ("P2 -> P1", [1, 0], [1, -1], 0),
        ("P2 -> P4", [1, 3], [1, -1], 0),
    ]
    assert {line for _, line in holes(found)} == {"P1", "P2", "P4"}
    assert found.choices[0].activity(integers([1, 0, 0, 0])) == 1
    assert found.choices[0].activity(integers([0, 0, 0, 1])) == -1


def test_minimum_viable_is_nothing_or_enough() -> None:
    found = compiled(rule("minimum_viable", amount=41))
    assert {parts for (name, _), parts in holes(found).items() if name == "R"} == {((0, 0), (5, FREE))}
    assert {line for name, line in holes(found) if name == "projects.min"} == {"P1", "P4"}
    scaled_by = compiled(rule("minimum_viable", of="last_budget", times=0.1), last_budget=[100.0, 205.0, 0.0, NAN])
    assert {line: parts for (name, line), parts in holes(scaled_by).items() if name == "R"} == {
        "P1": ((0, 0), (1, FREE)),
        "P2": ((0, 0), (3, FREE)),
        "P3": ((0, 0), (1, FREE)),
    }
    assert scaled_by.lo.tolist() == [0] * 4, (
        "the line without the column is not bound, but its min still means if funded"
    )


def test_all_or_nothing_is_nothing_or_max() -> None:
    found = compiled(rule("all_or_nothing", where={"class": ["must", "new"]}), step=10)
    assert {line: parts for (name, line), parts in holes(found).items() if name == "R"} == {
        "P1": ((0, 0), (9, 9)),
        "P4": ((0, 0), (3, 3)),
    }
    (each,) = [each for each in found.parts if each.source == 0]
    assert each.holds(integers([9, 5, 5, 2])).tolist() == [True, False]


def test_few_moves_rest_at_last_budget_and_move_far_or_not_at_all() -> None:
    found = compiled(rule("few_moves", max_moves=2, min_change={"amount": 25}))
    (choice,) = found.choices
    assert (choice.rest_low.tolist(), choice.rest_high.tolist()) == ([10, 20, 5, 0], [10, 21, 5, 0])
    assert (choice.weight.tolist(), choice.level) == ([1, 1, 1, 1], 2)
    assert choice.activity(integers([10, 21, 6, 1])) == 2
    assert holes(found) == {
        ("R", "P1"): ((0, 7), (10, 10), (13, FREE)),
        ("R", "P2"): ((0, 17), (20, 21), (24, FREE)),
        ("R", "P3"): ((0, 2), (5, 5), (8, FREE)),
        ("R", "P4"): ((0, 0), (3, FREE)),
    }
    assert found.lo.tolist() == [2, 0, 0, 2], "min binds as ever"


def test_the_least_move_as_a_share_is_of_last_budget() -> None:
    share = compiled(rule("few_moves", max_moves=2, min_change=0.25))
    assert {line: parts for (_, line), parts in holes(share).items()} == {
        "P1": ((0, 7), (10, 10), (13, FREE)),
        "P2": ((0, 14), (20, 21), (27, FREE)),
        "P3": ((0, 3), (5, 5), (7, FREE)),
    }, "a line that had nothing moves by a step"
    whole = compiled(rule("few_moves", max_moves=2, min_change={"share": 1.2}))
    assert holes(whole)["R", "P1"] == ((10, 10), (22, FREE)), "it cannot fall so far"
    assert compiled(rule("few_moves", max_moves=2)).parts == ()
    assert compiled(rule("few_moves", max_moves=4)).is_convex, "as many moves as lines"


def test_a_part_beyond_any_amount_is_left_out() -> None:
    found = compiled(rule("minimum_viable", amount=1e15, where={"id": "P2"}), step=0.01)
    assert holes(found) == {("R", "P2"): ((0, 0),)}


# ------------------------------------------------------------------------------------------------------------- pots


def test_a_pot_is_split_by_the_weighted_mean_of_parts_of_columns() -> None:
    """Staff is 2 : 1 : - : 4 of 7 and need 1 : 2 : 3 : 0 of 6; at 7 to 3 that is (4 + 1, 2 + 2, 0 + 3, 8 + 0)/20."""
    found = compiled(rule("by_factors", factors={"staff": 7, "need": 3}))
    (pot,) = found.pots
    assert (pot.label, pot.members.tolist(), pot.key.tolist()) == ("", [0, 1, 2, 3], [5, 4, 3, 8])
    mean = [Fraction(k, sum(pot.key.tolist())) for k in pot.key.tolist()]
    assert mean == [Fraction(5, 20), Fraction(4, 20), Fraction(3, 20), Fraction(8, 20)]


def test_each_value_has_its_pot_and_who_has_no_factor_gets_nothing() -> None:
    found = compiled(rule("by_factors", factors={"need": 0.4}, by="class", where={"class": ["general", "must"]}))
    assert [(p.label, p.members.tolist(), p.key.tolist()) for p in found.pots] == [
        ("must", [0], [1]),
        ("general", [1, 2], [2, 3]),
    ]
    left = compiled(rule("by_factors", factors={"need": 1}), min=[0.0] * 4)
    assert [(p.members.tolist(), p.key.tolist()) for p in left.pots] == [([0, 1, 2], [1, 2, 3])]
    assert (left.hi[3], left.name(int(left.hi_by[3]))) == (0, "R")


def test_keys_beyond_what_is_counted_are_scaled_by_largest_remainders() -> None:
    assert scaled([MOST_KEY // 2, MOST_KEY // 2]) == [MOST_KEY // 2, MOST_KEY // 2]
    big = [10**12 + 1, 2 * 10**12, 1]
    less = scaled(big)
    assert less[2] == 1
    assert sum(less) in (MOST_KEY, MOST_KEY + 1)
    for key, exact in zip(less[:2], big[:2], strict=True):
        assert abs(key - Fraction(exact * MOST_KEY, sum(big))) <= 1
    found = compiled(
        rule("by_factors", factors={"need": 1}), need=[1.00000000003, 2.00000000007, 3.0, 1e-6], min=[0.0] * 4
    )
    assert found.pots[0].key.sum() <= MOST_KEY + 4
    assert found.pots[0].key.min() >= 1


# ------------------------------------------------------------------------------------------------------------- soft


def test_a_soft_sum_has_a_price_and_no_bound() -> None:
    soft = {"hard": False, "penalty": 0.3}
    found = compiled(rule("ceiling", amount=105, by="department", **soft))
    assert [(s.label, s.level, s.penalty) for s in found.sums[1:]] == [(d, 10, 3.0) for d in "ABC"]
    assert found.sums[0].penalty is None
    weighted = compiled(rule("limit", column="staff", amount=61, **soft)).sums[1]
    assert (weighted.grain, weighted.penalty, weighted.level) == (0.5, 0.15, 122)  # the number itself is whole grains


def test_a_soft_rule_line_by_line_becomes_sums_of_one_line() -> None:
    soft = rule("change", change=[-0.2, 0.25], hard=False, penalty=2)
    found = compiled(soft, rule("ceiling", amount=300) | {"name": "S"}, min=[0.0] * 4, max=[NAN] * 4)
    assert [(s.label, s.sense, s.level, s.penalty) for s in found.sums[1:-1]] == [
        ("P1", "floor", 8, 20.0),
        ("P1", "ceiling", 12, 20.0),
        ("P2", "floor", 17, 20.0),
        ("P2", "ceiling", 25, 20.0),
        ("P3", "floor", 4, 20.0),
        ("P3", "ceiling", 6, 20.0),
    ]
    assert found.sums[-1].penalty is None
    assert (found.lo.tolist(), found.hi.tolist(), found.each) == ([0] * 4, [41] * 4, ())
    assert found.sums[1].broken(integers([5, 0, 0, 0])) == 3


def test_a_soft_fix_is_one_sum_and_no_debt() -> None:
    must = {"scope": "each", "where": {"class": "must"}}
    found = compiled(
        rule("fix", amount=80, hard=False, penalty=1, **must),
        rule("floor", amount=50, **must) | {"name": "S"},
        rule("floor", amount=90, hard=False, penalty=1, **must) | {"name": "T"},
    )
    assert [(s.sense, s.level) for s in found.sums[1:]] == [("fix", 8), ("floor", 9)]
    assert found.rigid == 5, "what may be broken is not owed"
    assert [source.must for source in found.sources[:3]] == [False, True, False]
    nothing = compiled(rule("fix", amount=0, scope="each", where={"id": "P2"}, hard=False, penalty=1)).sums[1]
    assert (nothing.sense, nothing.level) == ("fix", 0)
    cut = compiled(rule("ceiling", amount=0, scope="each", where={"id": "P2"}, hard=False, penalty=1)).sums[1]
    assert (cut.sense, cut.level) == ("ceiling", 0)


def test_a_soft_rule_gives_way_before_it_is_priced() -> None:
    cap = rule("ceiling", scope="each", amount=30, yields_to=["paid"], hard=False, penalty=1)
    paid = rule("floor", scope="each", amount=60, where={"id": "P1"}) | {"name": "paid"}
    found = compiled(cap, paid)
    assert [s.level for s in found.sums[1:]] == [6, 3, 3, 3]


# --------------------------------------------------------------------------------------------------------- refusals

VIABLE = rule("minimum_viable", amount=1) | {"name": "S"}
POT = rule("by_factors", factors={"need": 1})


@pytest.mark.parametrize(
    ("rules", "columns", "words"),
    [
        ([rule("limit", column="stafff", amount=1)], {}, ("no table has a column 'stafff'", "did you mean 'staff'?")),
        ([rule("limit", column="class", amount=1)], {}, ("column 'class' holds no numbers",)),
        ([rule("limit", column="staff", amount=1)], {"staff": [-1.0, 0.0, 0.0, 1.0]},
         ("below zero for 'Line 1'", "except")),
        ([rule("requires", then={"id": "P9"})], {}, ("'then' selects no line", "name the lines")),
        ([rule("requires", then={"idd": "P1"})], {}, ("no table has a column 'idd'", "did you mean 'id'?")),
        ([rule("minimum_viable", of="last")], {}, ("no table has a column 'last'",)),
        ([rule("all_or_nothing")], {}, ("'max' is missing for 'Line 2'", "fill in 'max'")),
        ([rule("all_or_nothing")], {"max": [9.0, 5.0, 40.0, 30.0]},
         ("below one money_step 10 for 'Line 1', 'Line 2'", "raise 'max'")),
        ([rule("all_or_nothing")], {"max": [NAN] * 4}, ("'Line 1', 'Line 2', 'Line 3' and 1 more",)),
        ([rule("by_factors", factors={"needs": 1})], {}, ("no table has a column 'needs'", "did you mean 'need'?")),
        ([rule("by_factors", factors={"class": 1})], {}, ("holds no numbers",)),
        ([POT], {"need": [1.0, -2.0, 0.0, 0.0]}, ("factor 'need' is below zero for 'Line 2'",)),
        ([POT], {"need": [0.0, NAN, 0.0, 0.0]}, ("no line has any 'need' to split by", "take the factor out")),
        ([POT | {"by": "department"}], {}, ("no line in the pot of 'C' has any 'need'",)),
        ([POT, POT | {"name": "S", "where": {"id": "P4"}, "factors": {"staff": 1}}], {},
         ("'Line 4' is in the pot of 'R' too",)),
        ([POT, VIABLE], {}, ("is under 'S' (minimum_viable) too", "except")),
        ([POT, rule("exclusive", where={"id": "P1"}) | {"name": "S"}], {}, ("'Line 1' is under 'S' (exclusive)",)),
        ([POT | {"where": {"id": "P4"}, "factors": {"staff": 1}},
          rule("requires", where={"id": "P1"}, then={"id": "P4"}) | {"name": "S"}], {}, ("under 'S' (requires)",)),
        ([POT, rule("all_or_nothing", where={"id": "P1"}) | {"name": "S"}], {}, ("under 'S' (all_or_nothing)",)),
        ([POT, rule("few_moves", max_moves=1) | {"name": "S"}], {}, ("under 'S' (few_moves)",)),
        ([rule("exclusive", yields_to=["S"]), VIABLE], {}, ("it bounds no amounts line by line", "take 'S' out")),
        ([rule("ceiling", amount=10, scope="each", yields_to=["S"]), VIABLE], {},
         ("'S' bounds no amounts line by line",)),
        ([rule("limit", column="staff", amount=1, yields_to=["S"]), VIABLE], {}, ("it limits a sum", "take 'S' out")),
        ([rule("ceiling", amount=10, scope="each", yields_to=["S"]), POT | {"name": "S"}], {},
         ("'S' bounds no amounts",)),
    ],
)  # fmt: skip
def test_what_cannot_be_compiled_is_refused(
    rules: list[dict[str, object]], columns: dict[str, Any], words: Sequence[str]
) -> None:
    with pytest.raises(InvalidInput) as caught:
        compiled(*rules, **columns)
    problem = next(problem for problem in caught.value.problems if words[0] in problem.message.en)
    assert problem.key in ("rule.R", "rule.S")
    assert problem.file == "scenario.toml"
    assert problem.message.zh != problem.message.en
    assert len(words) == 1 or (problem.hint is not None and words[1] in problem.hint.en)


def test_a_selection_that_only_the_plan_knows_may_be_empty_but_not_what_is_required() -> None:
    poor = {"grade": "poor"}
    quiet = [rule("by_factors", factors={"need": 1}, where=poor), rule("exclusive", where=poor) | {"name": "S"}]
    world = scenario(FOUR, rules=[*quiet, rule("all_or_nothing", where=poor) | {"name": "T"}], total=400)
    assert rows(world, evidence([95.0] * 4)).is_convex
    waits = scenario(FOUR, rules=[rule("requires", then=poor)], total=400)
    with pytest.raises(InvalidInput, match="'then' selects no line"):
        rows(waits, evidence([95.0] * 4))
    assert len(rows(waits, evidence([95.0, 95.0, 95.0, 20.0])).choices) == 3


# ------------------------------------------------------------------------------------- against the rules as stated

CASES = (
    "limit", "exclusive", "requires", "minimum_viable", "all_or_nothing", "few_moves", "by_factors", "floor", "change",
)  # fmt: skip
COUNT, STEPS = 3, 6


def world(rng: np.random.Generator, kinds: Sequence[str]) -> Scenario:
    """Return three lines with odd decimals in every column, and one rule of each kind."""
    step = float(rng.choice([0.01, 1.0, 10.0]))
    numbers = lambda low, high, blank: [  # noqa: E731
        NAN if rng.random() < blank else round(float(v) * step, 4) for v in rng.uniform(low, high, COUNT)
    ]
    columns: dict[str, Any] = {
        "department": [str(d) for d in rng.choice(["A", "B"], COUNT)],
        "last_budget": numbers(0, 5, 0.3),
        "min": numbers(0, 3, 0.5),
        "max": numbers(1, 7, 0.0),
        "committed": numbers(0, 2, 0.8),
        "staff": [NAN if rng.random() < 0.2 else round(float(v), 2) for v in rng.uniform(0, 2, COUNT)],
        "need": [0.0 if rng.random() < 0.2 else round(float(v), 1) for v in rng.uniform(0.1, 3, COUNT)],
    }
    columns["max"] = [max(v, step) for v in columns["max"]]
    if not any(v > 0 for v in columns["need"]):
        columns["need"][0] = 1.0
    rules = [stated(kind, rng, step) | {"name": kind} for kind in kinds]
    return scenario(columns, rules=rules, step=step, total=STEPS * step)


def stated(kind: str, rng: np.random.Generator, step: float) -> dict[str, Any]:
    amount = round(float(rng.uniform(0, 5)) * step, 3)
    some = [f"P{p + 1}" for p in np.flatnonzero(rng.random(COUNT) < 0.6).tolist()] or ["P2"]
    by = {"by": "department"} if rng.random() < 0.5 else {}
    keys: dict[str, dict[str, Any]] = {
        "limit": {"column": "staff", "amount": amount, **by},
        "exclusive": {"where": {"id": some}, **by},
        "requires": {"where": {"id": some}, "then": {"id": [f"P{p + 1}" for p in rng.choice(COUNT, 2).tolist()]}},
        "minimum_viable": {
            "where": {"id": some},
            **({"amount": amount} if by else {"of": "last_budget", "times": 0.7}),
        },
        "all_or_nothing": {"where": {"id": some}},
        "few_moves": {
            "max_moves": int(rng.integers(0, 3)),
            "min_change": {"amount": amount} if by else {"share": round(float(rng.uniform(0, 1)), 2)},
        },
        "by_factors": {"factors": {"need": 0.3, "last_budget": 1.1} if by else {"need": 2}},
        "floor": {"amount": amount, **by},
        "change": {"change": [-0.3, 0.4]},
    }
    return {"kind": kind, **keys[kind]}


def kept_by_rows(found: Rows, x: tuple[int, ...]) -> bool:
    amounts = integers(x)
    if not all(lo <= a <= hi for lo, a, hi in zip(found.lo.tolist(), x, found.hi.tolist(), strict=True)):
        return False
    sums = all(limit.penalty is not None or limit.slack(amounts) >= 0 for limit in found.sums)
    choices = all(choice.activity(amounts) <= choice.level for choice in found.choices)
    pots = all(
        [x[p] for p in pot.members.tolist()]
        == remainders([Fraction(k) for k in pot.key.tolist()], sum(x[p] for p in pot.members.tolist()))
        for pot in found.pots
    )
    return sums and choices and pots and all(bool(parts.holds(amounts).all()) for parts in found.parts)


def remainders(parts: Sequence[Fraction], whole: int) -> list[int]:
    """Split whole steps in proportion to parts by largest remainders, the first of equal ones first."""
    quota = [whole * part / sum(parts) for part in parts]
    got = [floor(q) for q in quota]
    for place in sorted(range(len(parts)), key=lambda p: (got[p] - quota[p], p))[: whole - sum(got)]:
        got[place] += 1
    return got


class Literal:
    """The rules of a world as their words say, on amounts of money, one rule after the other."""

    def __init__(self, made: Scenario) -> None:
        self.rules = made.settings.rule
        self.step = Fraction(str(made.settings.money_step))
        self.total = Fraction(str(made.settings.budget.total))
        self.columns = made.projects.columns
        self.ids = list(made.projects.text("id"))
        self.department = list(made.projects.text("department"))

    def number(self, column: str, line: int) -> Fraction | None:
        value = float(self.columns[column][line])
        return None if np.isnan(value) else Fraction(str(value))

    def lines(self, where: Mapping[str, Any]) -> list[int]:
        return [p for p, name in enumerate(self.ids) if "id" not in where or name in where["id"]]

    def groups(self, rule: Any, lines: list[int]) -> list[list[int]]:
        if getattr(rule, "by", None) is None:
            return [lines]
        return [[p for p in lines if self.department[p] == d] for d in ("A", "B")]

    def allows(self, x: tuple[int, ...]) -> bool:
        money = [amount * self.step for amount in x]
        return (
            sum(money) <= self.total
            and all(self.own(p, money[p]) for p in range(COUNT))
            and all(getattr(self, rule.kind)(rule, money) for rule in self.rules if getattr(rule, "hard", True))
        )

    def own(self, p: int, amount: Fraction) -> bool:
        committed, least, most = (self.number(c, p) for c in ("committed", "min", "max"))
        if (committed is not None and amount < committed) or (most is not None and amount > most):
            return False
        funded = {"exclusive", "requires", "minimum_viable", "all_or_nothing"}
        optional = any(
            rule.kind in funded
            and p in self.lines(rule.where) + (self.lines(rule.then) if rule.kind == "requires" else [])
            for rule in self.rules
        )
        return least is None or amount >= least or (optional and amount == 0)

    def limit(self, rule: Any, money: list[Fraction]) -> bool:
        taken = [a * (self.number("staff", p) or 0) for p, a in enumerate(money)]
        return all(sum(taken[p] for p in g) <= Fraction(str(rule.amount)) for g in self.groups(rule, self.lines({})))

    def exclusive(self, rule: Any, money: list[Fraction]) -> bool:
        return all(sum(money[p] > 0 for p in g) <= 1 for g in self.groups(rule, self.lines(rule.where)))

    def requires(self, rule: Any, money: list[Fraction]) -> bool:
        needed = self.lines(rule.then)
        return all(money[q] > 0 for p in self.lines(rule.where) if money[p] > 0 for q in needed)

    def minimum_viable(self, rule: Any, money: list[Fraction]) -> bool:
        for p in self.lines(rule.where):
            base = self.number("last_budget", p) if rule.of else None
            level = Fraction(str(rule.amount)) if rule.of is None else (base or Fraction(0)) * Fraction(str(rule.times))
            if money[p] > 0 and money[p] < level:
                return False
        return True

    def all_or_nothing(self, rule: Any, money: list[Fraction]) -> bool:
        whole = [floor(self.number("max", p) / self.step) * self.step for p in range(COUNT)]  # type: ignore[operator]
        return all(money[p] in (0, whole[p]) for p in self.lines(rule.where))

    def few_moves(self, rule: Any, money: list[Fraction]) -> bool:
        moves = 0
        for p, amount in enumerate(money):
            last = self.number("last_budget", p) or Fraction(0)
            if abs(amount - last) < self.step:
                continue
            moves += 1
            given = rule.min_change
            least = last * Fraction(str(given.share)) if given.share is not None else Fraction(str(given.amount))
            kept = [k * self.step for k in range(99) if abs(k * self.step - last) < self.step]
            if min(abs(amount - k) for k in kept) < least:
                return False
        return moves <= rule.max_moves

    def by_factors(self, rule: Any, money: list[Fraction]) -> bool:
        for group in self.groups(rule, self.lines({})):
            shares = [Fraction(0)] * len(group)
            for name, weight in rule.factors.items():
                held = [self.number(name, p) or Fraction(0) for p in group]
                share = Fraction(str(weight)) / sum(Fraction(str(w)) for w in rule.factors.values())
                shares = [s + share * h / sum(held) for s, h in zip(shares, held, strict=True)]
            pot = sum(money[p] for p in group) / self.step
            if [money[p] / self.step for p in group] != remainders(shares, int(pot)):
                return False
        return True

    def floor(self, rule: Any, money: list[Fraction]) -> bool:
        wanted = Fraction(str(rule.amount))
        return all(sum(money[p] for p in g) >= wanted for g in self.groups(rule, self.lines({})) if g)

    def change(self, rule: Any, money: list[Fraction]) -> bool:
        least, most = (1 + Fraction(str(share)) for share in rule.change)
        known = {p: self.number("last_budget", p) for p in range(COUNT)}
        return all(least * last <= money[p] <= most * last for p, last in known.items() if last)


EVERY = list(itertools.product(range(STEPS + 2), repeat=COUNT))


def usable(made: Scenario) -> Rows | None:
    """Return the limits, or None where the world states a pot that nobody has any factor for."""
    try:
        return rows(made, None)
    except InvalidInput as error:
        refused = {problem.message.en.partition("any")[2] for problem in error.problems}
    if refused <= {" 'need' to split by", " 'last_budget' to split by"}:
        return None
    raise AssertionError(refused)


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10**6))
def test_amounts_keep_the_rows_exactly_where_they_keep_the_rules_as_stated(seed: int) -> None:
    rng = np.random.default_rng(seed)
    free = [kind for kind in CASES if kind != "by_factors"]
    kinds = (
        ["by_factors", "limit"] if rng.random() < 0.2 else rng.choice(free, rng.integers(1, 4), replace=False).tolist()
    )
    made = world(rng, kinds)
    found = usable(made)
    if found is None:
        return
    literal = Literal(made)
    wrong = [x for x in EVERY if kept_by_rows(found, x) != literal.allows(x)]
    assert not wrong


@pytest.mark.parametrize("kind", CASES)
def test_every_kind_refuses_and_allows_something_in_these_worlds(kind: str) -> None:
    told = set()
    for seed in range(12):
        made = world(np.random.default_rng(seed), [kind])
        found = usable(made)
        if found is not None:
            free = rows(made.replace(rule=[]), None)
            told |= {kept_by_rows(found, x) for x in EVERY if kept_by_rows(free, x)}
            assert all(kept_by_rows(found, x) == Literal(made).allows(x) for x in EVERY)
    assert told == {True, False}


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(["limit", "floor", "change"]))
def test_a_soft_rule_costs_its_penalty_for_each_unit_and_bounds_nothing(seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    hard = world(rng, [kind])
    soft = hard.replace(**{f"rule.{kind}.hard": False, f"rule.{kind}.penalty": 0.7})
    found, free = rows(soft, None), rows(hard.replace(rule=[]), None)
    literal = Literal(hard)
    asked: Any = literal.rules[0]
    for x in EVERY[:: 1 + seed % 5]:
        assert kept_by_rows(found, x) == kept_by_rows(free, x)
        cost = sum((s.penalty or 0) * s.broken(integers(x)) for s in found.sums)
        assert (cost == 0) == getattr(literal, kind)(asked, [amount * literal.step for amount in x])
        if kind == "limit" and asked.by is None and cost:
            used = sum(a * literal.step * (literal.number("staff", p) or 0) for p, a in enumerate(x))
            level = Fraction(str(asked.amount))
            assert cost >= 0.7 * float(used - level) - 1e-9, "whole grains: never less than the rule says"
            grain = max(s.grain for s in found.sums)
            assert cost <= 0.7 * (float(used - level) + grain) + 1e-9


def test_parts_know_which_lines_they_hold() -> None:
    parts = Parts(source=0, project=integers([2, 0]), parts=(((0, 0), (5, FREE)), ((0, 2), (4, 4))))
    assert parts.holds(integers([3, 9, 4])).tolist() == [False, False]
    assert parts.holds(integers([4, 9, 5])).tolist() == [True, True]
