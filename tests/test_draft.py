from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from allocsim.curves.fit import fit
from allocsim.errors import InvalidInput
from allocsim.evaluate.scores import evaluate
from allocsim.files.draft import read_draft
from allocsim.files.scenario import load
from allocsim.model.arrays import floats
from allocsim.model.curve import Curves
from allocsim.model.draft import Draft
from allocsim.model.plan import RulesConflict
from allocsim.model.result import Result
from allocsim.model.scenario import Scenario
from allocsim.optimise.compile.rows import rows
from allocsim.optimise.draft import draft, forgone_by_fix
from allocsim.optimise.plan import plan
from allocsim.optimise.proof.certify import Broken, primal
from allocsim.report import documents
from allocsim.report.draft import document, draft_csv, summary
from allocsim.report.page import page
from allocsim.report.tables import plan_csv
from allocsim.report.workbook import workbook
from optimise_worlds import brute_force, curve_set, curves, evidence, scenario
from scenarios import CHONGQING

SCORES = evidence([90.0, 85.0, 70.0, 82.0])
Breached = tuple[str, str, float, float, float]


def town(*rules: dict[str, Any], **changes: Any) -> tuple[Scenario, Curves]:
    columns = {
        "name": ["school", "works", "park", "=road"],
        "department": ["A", "A", "B", "B"],
        "last_budget": [20.0, 10.0, 10.0, 8.0],
        "committed": [0.0, 4.0, 0.0, 0.0],
        "min": [0.0, 0.0, 2.0, 0.0],
        "max": [np.nan, np.nan, np.nan, 12.0],
        **changes.pop("columns", {}),
    }
    world = scenario(columns, rules=rules, **{"total": 50.0, "reserve": 5.0, **changes})
    return world, curves(curve_set("saturating", [60.0, 40.0, 30.0, 20.0], [20.0, 10.0, 10.0, 8.0]))


def scored(world: tuple[Scenario, Curves], amounts: list[float]) -> Draft:
    return draft(world[0], SCORES, world[1], floats(amounts))


def breaches(found: Draft) -> list[Breached]:
    return [(b.rule, b.row, b.level, b.amount, b.by) for b in found.broken]


def test_the_optimum_as_a_draft_forgoes_nothing() -> None:
    world = town({"name": "caps", "kind": "ceiling", "amount": 26, "where": {"department": "A"}, "basis": "decree"})
    best = plan(world[0], SCORES, world[1])
    found = scored(world, best.amount.tolist())
    assert found.broken == ()
    assert found.forgone == 0.0
    assert found.change_to_optimum is not None
    assert not found.change_to_optimum.any()
    assert found.plan.status == "given"
    assert found.plan.gap == pytest.approx(best.gap, abs=1e-12)
    assert found.plan.bound == best.bound
    assert found.plan.better_than_last_year == best.better_than_last_year
    assert {r.name for r in found.plan.rules} == {r.name for r in best.rules}
    assert all(r.slack >= 0 for r in found.plan.rules)
    assert all(r.price_up is None and r.price_down is None for r in found.plan.rules)


def test_what_a_draft_forgoes_is_counted_line_by_line() -> None:
    world = town()
    found = scored(world, [12.0, 12.0, 12.0, 9.0])
    amounts = floats([12.0, 12.0, 12.0, 9.0])
    expected = np.array([60, 40, 30, 20]) * -np.expm1(-amounts / np.array([20, 10, 10, 8]))
    most, best = brute_force(world[1].expected, rows(world[0], SCORES))
    assert found.broken == ()
    assert found.benefit == pytest.approx(expected.sum())
    assert found.optimum_benefit == pytest.approx(most)
    assert found.forgone == pytest.approx(most - expected.sum())
    assert found.forgone > 0
    assert found.forgone_by_line is not None
    assert found.forgone_by_line.sum() == pytest.approx(found.forgone)
    assert found.plan.gap == pytest.approx(found.forgone / most, rel=0.05)
    assert found.change_to_optimum is not None
    assert any((found.plan.steps + found.change_to_optimum == x).all() for x in best)


RULES: list[tuple[dict[str, Any], list[float], list[Breached]]] = [
    ({"kind": "ceiling", "amount": 20, "where": {"department": "A"}}, [15, 8, 5, 5], [("r", "", 20, 23, 3)]),
    ({"kind": "floor", "amount": 15, "where": {"department": "B"}}, [15, 8, 5, 5], [("r", "", 15, 10, 5)]),
    ({"kind": "fix", "amount": 20, "where": {"department": "A"}}, [15, 8, 5, 5], [("r", "", 20, 23, 3)]),
    ({"kind": "fix", "amount": 30, "where": {"department": "A"}}, [15, 8, 5, 5], [("r", "", 30, 23, 7)]),
    ({"kind": "ceiling", "amount": 22, "by": "department"}, [15, 8, 15, 5], [("r", "A", 22, 23, 1)]),
    (
        {"kind": "ceiling", "amount": 7, "scope": "each"},
        [15, 7, 8, 5],
        [("r", "P1", 7, 15, 8), ("r", "P3", 7, 8, 1)],
    ),
    ({"kind": "fix", "amount": 7, "scope": "each", "where": {"id": "P1"}}, [6, 7, 8, 5], [("r", "P1", 7, 6, 1)]),
    (
        {"kind": "change", "change": [-0.5, 0.2]},
        [25, 4, 8, 6],
        [("r", "P1", 24, 25, 1), ("r", "P2", 5, 4, 1)],
    ),
    ({"kind": "grade", "cut": {"medium": 0.9}}, [10, 10, 10, 10], [("r", "P3", 9, 10, 1)]),
    (
        {"kind": "share", "by": "department", "share": [0.1, 0.4]},
        [15, 8, 2, 1],
        [("r", "A", 20, 23, 3), ("r", "B", 5, 3, 2)],
    ),
]


@pytest.mark.parametrize(("rule", "amounts", "expected"), RULES)
def test_every_kind_of_breach(rule: dict[str, Any], amounts: list[float], expected: list[Breached]) -> None:
    found = scored(town({"name": "r", "basis": "decree", **rule}), amounts)
    assert sorted(breaches(found)) == expected
    assert {b.basis for b in found.broken} == {"decree"}
    told = {(r.row, r.level, r.activity): r for r in found.plan.rules if r.name == "r"}
    for breach in found.broken:
        report = told[breach.row, breach.level, breach.amount]
        assert report.slack == -breach.by
        assert report.binding
    together = [r for r in found.plan.rules if r.name == "r" and r.covered > 1]
    for report in together:
        assert report.slack == -sum(b.by for b in found.broken if b.is_over == (report.sense == "ceiling"))


def test_limits_that_lines_state_and_the_money() -> None:
    found = scored(town(), [20.0, 3.0, 1.0, 13.0])
    assert breaches(found) == [
        ("projects.committed", "P2", 4, 3, 1),
        ("projects.min", "P3", 2, 1, 1),
        ("projects.max", "P4", 12, 13, 1),
    ]
    assert [b.is_over for b in found.broken] == [False, False, True]


@pytest.mark.parametrize(
    ("first", "expected", "reserve", "unallocated", "total"),
    [
        (20.0, [], 5, 5, 50),
        (25.0, [], 5, 0, 50),
        (28.0, [("budget.reserve", "", 5, 2, 3)], 2, 0, 50),
        (30.0, [("budget.reserve", "", 5, 0, 5)], 0, 0, 50),
        (33.0, [("budget.total", "", 50, 53, 3), ("budget.reserve", "", 5, 0, 5)], 0, 0, 53),
    ],
)
def test_money_comes_out_of_the_reserve_before_it_breaks_the_total(
    first: float, expected: list[Breached], reserve: float, unallocated: float, total: float
) -> None:
    found = scored(town(), [first, 8.0, 6.0, 6.0])
    assert breaches(found) == expected
    assert (found.plan.reserve, found.plan.unallocated, found.plan.total) == (reserve, unallocated, total)
    assert found.plan.total == found.plan.reserve + found.plan.unallocated + found.plan.amount.sum()


def test_a_draft_that_breaks_rules_may_bring_more() -> None:
    found = scored(town({"name": "caps", "kind": "ceiling", "scope": "each", "amount": 5}), [20.0, 11.0, 8.0, 6.0])
    assert found.forgone is not None
    assert found.forgone < 0
    assert found.plan.gap < 0


def test_rules_in_conflict_leave_the_draft_scored() -> None:
    world = town(
        {"name": "much", "kind": "floor", "amount": 30, "where": {"department": "A"}},
        {"name": "little", "kind": "ceiling", "amount": 20, "where": {"department": "A"}},
    )
    world = world[0], replace(world[1], alternative=world[1].expected)
    found = scored(world, [15.0, 8.0, 5.0, 5.0])
    assert breaches(found) == [("much", "", 30, 23, 7), ("little", "", 20, 23, 3)]
    assert found.optimum is None
    assert found.optimum_benefit is found.forgone is found.forgone_by_line is found.change_to_optimum is None
    assert found.conflict is not None
    assert {rule.name for rule in found.conflict.rules} == {"much", "little"}
    assert np.isnan([found.plan.bound, found.plan.gap, found.plan.price]).all()
    result = Result(scenario=world[0], evidence=SCORES, curves=world[1])
    told = json.loads(documents.dumps(document(found, result)))
    assert told["forgoes"] is None
    assert told["gap"] is None
    assert [b["rule"] for b in told["broken"]] == ["much", "little"]
    assert "much" in _printed(found, result)
    with pytest.raises(RulesConflict):
        plan(world[0], SCORES, world[1])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 20), min_size=4, max_size=4))
def test_what_breaks_nothing_is_a_plan_and_forgoes_no_less_than_nothing(amounts: list[int]) -> None:
    world = town(
        {"name": "caps", "kind": "ceiling", "amount": 26, "where": {"department": "A"}},
        {"name": "pace", "kind": "change", "change": [-0.6, 0.5]},
    )
    found = scored(world, [float(x) for x in amounts])
    try:
        primal(rows(world[0], SCORES), found.plan.steps)
    except Broken:
        assert found.broken
    else:
        assert not found.broken
        assert found.forgone is not None
        assert found.forgone >= -1e-9
        assert found.plan.gap >= -1e-12
    assert all(b.by == abs(b.level - b.amount) > 0 for b in found.broken)


def test_whole_steps_are_exact_at_any_step() -> None:
    world = town({"name": "r", "kind": "ceiling", "amount": 0.3, "where": {"id": "P1"}}, step=0.1)
    assert breaches(scored(world, [0.3, 4.0, 2.0, 0.0])) == []
    assert breaches(scored(world, [0.4, 4.0, 2.0, 0.0])) == [("r", "", 0.3, 0.4, 0.1)]


@pytest.mark.parametrize("amounts", [[1.0, 2.0], [1.0, 4.0, 2.0, np.nan], [0.5, 4, 2, 1], [-1, 4, 2, 1], [np.inf] * 4])
def test_amounts_that_are_none_are_refused(amounts: list[float]) -> None:
    with pytest.raises(InvalidInput):
        scored(town(), amounts)


def test_a_fixed_amount_shows_what_it_forgoes() -> None:
    fix = {"kind": "fix", "where": {"id": "P4"}}
    world = town(
        {"name": "leader", "amount": 12, **fix},
        {"name": "both", "kind": "fix", "amount": 24, "where": {"department": "A"}},
    )
    free = town({"name": "both", "kind": "fix", "amount": 24, "where": {"department": "A"}})
    most, _ = brute_force(free[1].expected, rows(free[0], SCORES))
    held, _ = brute_force(world[1].expected, rows(world[0], SCORES))
    (found,) = forgone_by_fix(world[0], SCORES, world[1])
    assert (found.rule, found.line) == ("leader", "P4")
    assert found.benefit == pytest.approx(most - held)
    assert found.benefit > 0.1
    best = brute_force(free[1].expected, rows(free[0], SCORES))[1][0]
    idle = town(
        {"name": "leader", "amount": int(best[3]), **fix},
        {"name": "both", "kind": "fix", "amount": 24, "where": {"department": "A"}},
    )
    assert forgone_by_fix(idle[0], SCORES, idle[1])[0].benefit == pytest.approx(0, abs=1e-9)
    assert forgone_by_fix(free[0], SCORES, free[1]) == ()


def test_a_rule_that_gave_way_to_a_fixed_amount_stands_without_it() -> None:
    each = {"scope": "each", "where": {"id": "P4"}}
    ceiling = {"name": "cap", "kind": "ceiling", "amount": 3, **each}
    leader = {"name": "leader", "kind": "fix", "amount": 10, **each}
    world, alone = town({**ceiling, "yields_to": ["leader"]}, leader), town(ceiling)
    (found,) = forgone_by_fix(world[0], SCORES, world[1])
    most, _ = brute_force(alone[1].expected, rows(alone[0], SCORES))
    held, _ = brute_force(world[1].expected, rows(world[0], SCORES))
    assert found.benefit == pytest.approx(max(0.0, most - held))


def _printed(found: Draft, result: Result, **options: Any) -> str:
    console = Console(width=140, file=io.StringIO(), record=True)
    console.print(summary(found, result, **options))
    return console.export_text()


def test_the_document_is_a_plan_with_what_it_breaks_and_forgoes() -> None:
    fix = {"name": "leader", "kind": "fix", "amount": 12, "scope": "each", "where": {"id": "P4"}, "basis": "note"}
    world = town(fix)
    found = scored(world, [12.0, 12.0, 8.0, 9.0])
    result = Result(scenario=world[0], evidence=SCORES, curves=world[1])
    fixes = forgone_by_fix(world[0], SCORES, world[1])
    told = json.loads(documents.dumps(document(found, result, fixes=fixes)))
    assert told["schema"] == "allocsim.plan/1"
    assert told["status"] == "given"
    assert told["broken"] == [{"rule": "leader", "row": "P4", "level": 12, "amount": 9, "by": 3, "basis": "note",
                                "counted_in": "money", "hard": True}]  # fmt: skip
    assert [row["amount"] for row in told["projects"]] == [12, 12, 8, 9]
    forgoes = told["forgoes"]
    assert forgoes["projects"][3] | {"benefit": 0} == {"id": "P4", "amount": 9, "better": 12, "benefit": 0}
    assert sum(row["benefit"] for row in forgoes["projects"]) == pytest.approx(forgoes["benefit"])
    assert told["fixes"] == [{"rule": "leader", "id": "P4", "benefit": fixes[0].benefit}]
    said = _printed(found, result, fixes=fixes)
    assert "违反1条限制" in said
    assert "“leader”锁定“=road”" in said
    assert "不足 3" in said
    table = list(csv.DictReader(io.StringIO(draft_csv(found, result).decode())))
    assert [row["name"] for row in table] == ["school", "works", "park", "'=road"]
    assert [row["broken"] for row in table] == ["", "", "", "leader"]
    assert float(table[3]["change"]) == 3


def test_english_speaks_of_short_and_over() -> None:
    world = town(columns={"max": [np.nan, 6.0, np.nan, 12.0]})
    spoken = world[0].replace(language="en")
    found = draft(spoken, SCORES, world[1], floats([12.0, 3.0, 8.0, 13.0]))
    said = _printed(found, Result(scenario=spoken, evidence=SCORES, curves=world[1]))
    assert "breaks 2 limits" in said
    assert "short by 1" in said
    assert "over by 1" in said


def _file(folder: Path, text: str) -> Path:
    path = folder / "draft.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "head", ["id,amount", "项目编码,建议数", "项目代码,安排数(万元)", "编号,金额", "Project code,Proposed"]
)
def test_headers_in_both_languages(tmp_path: Path, head: str) -> None:
    world, _ = town()
    path = _file(tmp_path, f'某市草案,\n{head}\n合计,99\nP3,3\nP1,"1,000"\n,7\nP2,２\nP4,0\n')
    assert read_draft(path, world).tolist() == [1000, 2, 3, 0]


def test_every_wrong_row_is_told_at_once(tmp_path: Path) -> None:
    world, _ = town(columns={"id": ["EDU1", "EDU2", "PARK", "ROAD"]})
    text = "id,amount\nEDU1,1.5\nEDU2,-4\nEDU2,3\nPRAK,7\nROAD,many\n"
    with pytest.raises(InvalidInput) as caught:
        read_draft(_file(tmp_path, text), world)
    said = [(p.line, p.key, p.message.en) for p in caught.value.problems]
    assert said == [
        (2, "amount", "1.5 is no whole multiple of money_step (1)"),
        (3, "amount", "-4 is negative"),
        (4, "id", "'EDU2' stands here a second time"),
        (5, "id", "no project has the code 'PRAK'"),
        (6, "amount", "amount: 'many' is not a number"),
        (None, "id", "the draft lacks PARK (park)"),
    ]
    assert {p.file for p in caught.value.problems} == {"draft.csv"}
    assert caught.value.problems[3].hint == ("did you mean 'PARK'?", "是否应为“PARK”？")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,budget\nP1,3\n", "lacks a header"),
        ("id,amount\n", "holds no rows"),
        ("id,amount,金额\nP1,3,4\n", "mean the same"),
        ("id,amount\nP1,\nP2,4\nP3,2\nP4,1\n", "the amount is blank"),
        ("id,amount\nP1,85%\nP2,4\nP3,2\nP4,1\n", "percentage"),
        ("name,amount\nschool,1\nworks,4\nparc,2\n=road,1\n", "no project is called 'parc'"),
        ("单位：元,\nid,amount\nP1,5\nP2,40000\nP3,20000\nP4,0\n", "0.0005 is no whole multiple"),
        ("单位：万美元,\nid,amount\nP1,5\nP2,4\nP3,2\nP4,0\n", "amounts stand in '万美元'"),
        ("单位：bushels,\nid,amount\nP1,5\nP2,4\nP3,2\nP4,0\n", "amounts stand in 'bushels'"),
    ],
)
def test_files_that_are_no_draft(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        read_draft(_file(tmp_path, text), town()[0])


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "broken.xlsx").write_bytes(b"PK no zip")
    (tmp_path / "draft.pdf").write_bytes(b"%PDF")
    for name, said in (("gone.csv", "does not exist"), ("broken.xlsx", "no xlsx"), ("draft.pdf", "not read")):
        with pytest.raises(InvalidInput, match=said):
            read_draft(tmp_path / name, town()[0])


def test_a_unit_above_the_header_is_converted(tmp_path: Path) -> None:
    world, _ = town()
    dollars = scenario({"name": list("abcd")}, currency="USD", unit="1000 USD", total=50.0)
    ours = (("元", "10,000"), ("CNY 10,000", "1"), ("亿元", "0.0001"), ("万元", "1"), ("million yuan", "0.01"))
    theirs = (("千美元", "1"), ("USD 1,000", "1"), ("USD", "1,000"), ("k", "1"))
    for planned, units in ((world, ours), (dollars, theirs)):
        for unit, text in units:
            body = f'"单位：{unit}",\nid,amount\nP1,"{text}"\nP2,0\nP3,0\nP4,0\n'
            assert read_draft(_file(tmp_path, body), planned).tolist() == [1, 0, 0, 0]


def test_names_stand_in_for_codes_and_places_are_cells(tmp_path: Path) -> None:
    world, _ = town(columns={"name": ["school", "repairs", "park", "repairs"]})
    path = tmp_path / "draft.xlsx"
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet("项目明细")
    book.add_worksheet("other")
    table = [["草案"], ["序号", "主管部门", "项目名称", "建议数"], ["", "合计", "", 10]]
    table += [[1, "A", "school", 4], [2, "A", "repairs", 3], [3, "B", "park", 2], [4, "B", "repairs", 1]]
    for at, row in enumerate(table):
        sheet.write_row(at, 0, row)
    book.close()
    assert read_draft(path, world).tolist() == [4, 3, 2, 1]
    stricter = town(columns={"name": ["school", "repairs", "park", "repairs"]}, step=2.0)[0]
    with pytest.raises(InvalidInput) as caught:
        read_draft(path, stricter)
    assert [p.place for p in caught.value.problems] == ["draft.xlsx!项目明细!D5", "draft.xlsx!项目明细!D7"]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_plan_of_the_house_comes_back(tmp_path: Path, language: str) -> None:
    world = load(CHONGQING).replace(language=language)
    known = evaluate(world)
    fitted = fit(world, known)
    made = plan(world, known, fitted)
    result = Result(scenario=world, evidence=known, curves=fitted, plan=made)
    (tmp_path / "plan.csv").write_bytes(plan_csv(result))
    (tmp_path / "plan.xlsx").write_bytes(workbook(result))
    for name in ("plan.csv", "plan.xlsx"):
        assert (read_draft(tmp_path / name, world) == made.amount).all()
    found = draft(world, known, fitted, read_draft(tmp_path / "plan.csv", world))
    assert found.broken == ()
    assert found.forgone == 0
    moved = made.amount.copy()
    moved[0] -= 10
    worse = draft(world, known, fitted, floats(moved))
    assert worse.forgone is not None
    assert worse.forgone > 0
    (tmp_path / "draft.csv").write_bytes(draft_csv(worse, result))
    assert (read_draft(tmp_path / "draft.csv", world) == moved).all()
    shown = replace(result, plan=worse.plan)
    assert page(shown)
    assert workbook(shown)
    assert "given" in documents.dumps(document(worse, result))
