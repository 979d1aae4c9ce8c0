"""Rules that choose, count or split: what a line, a draft and the way to more say of them."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from rich.console import Console

import report_fixture
from allocsim.model.arrays import floats
from allocsim.model.plan import Fact
from allocsim.model.result import Result
from allocsim.model.settings import Settings
from allocsim.optimise.draft import draft
from allocsim.optimise.plan import plan
from allocsim.report.draft import document, summary
from allocsim.report.lines import lines
from allocsim.report.numbers import numbers_of
from allocsim.report.reasons import clause, named
from allocsim.report.rules import groups, row_words
from allocsim.report.words import LANGUAGES, words
from optimise_worlds import curve_set, curves, evidence, scenario

SCORES = evidence([90.0, 85.0, 70.0, 82.0])
NOTE = {"name": "X", "basis": "note"}
STAFF = {**NOTE, "kind": "limit", "column": "staff", "amount": 5}
OUT = {"name": "out", "kind": "ceiling", "where": {"id": "P4"}, "amount": 0}


def made(*rules: dict[str, Any], values: tuple[float, ...] = (60, 40, 30, 20), **columns: list[Any]) -> Result:
    """Plan four lines under rules, every curve given as benefit of score 100."""
    projects = {
        "name": ["school", "works", "park", "road"],
        "department": ["A", "A", "B", "B"],
        "last_budget": [20.0, 10.0, 10.0, 8.0],
        "staff": [0.1, 0.2, 0.3, 0.1],
        "need": [3.0, 1.0, 0.0, 2.0],
        **columns,
    }
    world = scenario(projects, rules=rules, total=50.0, reserve=5.0)
    shapes = curves(curve_set("saturating", list(values), [20.0, 10.0, 10.0, 8.0]))
    return Result(scenario=world, evidence=SCORES, curves=shapes, plan=plan(world, SCORES, shapes))


def said(result: Result, line: int) -> tuple[str, str]:
    """Return the clause of the rule that holds a line, in both languages."""
    assert result.plan is not None
    fact = result.plan.reasons[line].rule
    assert fact is not None
    zh, en = (
        clause(
            named(fact, dict(zip(result.plan.id, result.plan.name, strict=True))),
            words=words(language),
            numbers=numbers_of(result, language=language),
        ).replace("\u00a0", " ")
        for language in LANGUAGES
    )
    return zh, en


CHOICES: list[tuple[str, list[dict[str, Any]], dict[str, Any], int, tuple[str, str]]] = [
    (
        "the alternative was chosen",
        [{**NOTE, "kind": "exclusive", "where": {"id": ["P3", "P4"]}}],
        {},
        3,
        ("“X”所列项目只能安排一项，已选“park”", "“X” funds one of its lines at most, and “park” is chosen"),
    ),
    (
        "a prerequisite is missing",
        [{**NOTE, "kind": "requires", "where": {"id": "P3"}, "then": {"id": "P4"}}, OUT],
        {},
        2,
        ("“X”：须先安排“road”，而其未安排", "“X” requires “road”, not funded"),
    ),
    (
        "nothing makes it worth its money",
        [{**NOTE, "kind": "requires", "where": {"id": "P3"}, "then": {"id": "P4"}}, OUT],
        {},
        3,
        (
            "“X”允许不安排，同样的钱用在别处更值",
            "“X” lets it go unfunded, and its money does more elsewhere",
        ),
    ),
    (
        "another line waits for it",
        [{**NOTE, "kind": "requires", "where": {"id": "P1"}, "then": {"id": "P4"}}],
        {"values": (60, 40, 30, 0.5), "min": [0.0, 0.0, 0.0, 3.0]},
        3,
        ("“X”：本项是“school”的前置，须予安排", "“X”: “school” requires this line"),
    ),
    (
        "too little to be viable",
        [{**NOTE, "kind": "minimum_viable", "where": {"id": "P4"}, "amount": 30}],
        {},
        3,
        ("“X”：安排则不少于30万元，不足则不安排", "“X”: nothing, or at least CNY 300,000"),
    ),
    (
        "at its least viable amount",
        [{**NOTE, "kind": "minimum_viable", "where": {"id": "P4"}, "amount": 9}],
        {},
        3,
        ("“X”：安排则不少于9万元，不足则不安排", "“X”: nothing, or at least CNY 90,000"),
    ),
    (
        "its own least amount",
        [{**NOTE, "kind": "exclusive", "where": {"id": ["P4"]}}],
        {"min": [0.0, 0.0, 0.0, 30.0]},
        3,
        ("安排则不少于30万元，不足则不安排", "nothing, or at least CNY 300,000"),
    ),
    (
        "all or nothing",
        [{**NOTE, "kind": "all_or_nothing", "where": {"id": "P4"}}],
        {"max": [np.nan, np.nan, np.nan, 20.0]},
        3,
        ("“X”：要么全额安排20万元，要么不安排", "“X”: all of CNY 200,000, or nothing"),
    ),
    (
        "no more lines may move",
        [{**NOTE, "kind": "few_moves", "max_moves": 1}],
        {},
        0,
        (
            "“X”：最多调整1项，名额已满，本项维持上年",
            "“X” caps moves at 1, and others have taken them, so this line keeps its last budget",
        ),
    ),
    (
        "no move that small",
        [{**NOTE, "kind": "few_moves", "max_moves": 4, "min_change": {"amount": 4}}],
        {},
        2,
        ("“X”：要调整就不少于4万元，不足则维持上年", "“X”: a move of CNY 40,000 at least, or none"),
    ),
    (
        "its part of a pot",
        [{**NOTE, "kind": "by_factors", "where": {"department": ["A", "B"]}, "factors": {"need": 1}}],
        {},
        1,
        ("按“X”分配，占整笔资金45万元的16.7%", "“X” gives it 16.7 % of a pot of CNY 450,000"),
    ),
    (
        "nothing of any factor",
        [{**NOTE, "kind": "by_factors", "where": {"department": ["A", "B"]}, "factors": {"need": 1}}],
        {},
        2,
        ("“X”：各分配因素均为零，不参与分配", "“X”: nothing of any factor, so no part"),
    ),
    (
        "broken, as it may be",
        [{**NOTE, "kind": "ceiling", "where": {"id": "P1"}, "amount": 5, "hard": False, "penalty": 0.01}],
        {},
        0,
        (
            "已突破软约束“X”13万元，每1万元扣0.010万元",
            "breaks “X” by CNY 130,000, which is allowed at CNY 100 for each CNY 10,000",
        ),
    ),
    (
        "kept, for breaking it costs more",
        [{**NOTE, "kind": "ceiling", "where": {"id": "P1"}, "amount": 5, "hard": False, "penalty": 9}],
        {},
        0,
        (
            "守住软约束“X”：若突破，每1万元扣9.00万元",
            "kept within “X”, which may be broken at CNY 90,000 for each CNY 10,000",
        ),
    ),
    (
        "a scarce thing, softly",
        [{**STAFF, "hard": False, "penalty": 100}],
        {},
        0,
        (
            "守住软约束“X”（staff）：若突破，每单位staff扣100.00万元",
            "kept within “X”, which may be broken at CNY 1,000,000 for each unit of staff",
        ),
    ),
]


@pytest.mark.parametrize(
    ("rules", "changes", "line", "expected"), [c[1:] for c in CHOICES], ids=[c[0] for c in CHOICES]
)
def test_a_line_says_which_choice_holds_it(
    rules: list[dict[str, Any]], changes: dict[str, Any], line: int, expected: tuple[str, str]
) -> None:
    result = made(*rules, **changes)
    assert said(result, line) == expected
    for language in LANGUAGES:
        row = lines(result, language=language)[line]
        assert expected[LANGUAGES.index(language)] in row.reason.replace("\u00a0", " ")
        assert "P1" not in row.reason


def test_a_scarce_thing_has_a_price_of_its_own_unit() -> None:
    result = made(STAFF)
    zh, en = said(result, 0)
    assert result.plan is not None
    price = next(rule.price_up for rule in result.plan.rules if rule.name == "X")
    assert price is not None
    assert zh == f"受“X”（staff）限制；每放宽1个单位的staff可多得{price:.2f}万元"
    assert en.startswith("held by “X”; one more of staff is worth CNY ")
    group = next(group for group in groups(result) if group.name == "X")
    row = group.rows[0]
    assert (row.level, row.activity, row.slack) == ("5（staff）", "5（staff）", "0（staff）")
    assert group.price == f"{price:.2f}万元（每单位staff）"
    english = next(group for group in groups(result, language="en") if group.name == "X")
    assert english.rows[0].level == "5 of staff"
    assert english.price.endswith(" per unit of staff")


@pytest.mark.parametrize(
    ("code", "values", "zh", "en"),
    [
        (
            "rule.limit",
            {"name": "X", "column": "staff", "each": 9.5, "at": "choices"},
            "受“X”（staff）限制；在现有取舍下每放宽1个单位的staff可多得9.50万元",
            "held by “X”; at the choices made, one more of staff is worth CNY 95,000",
        ),
        ("rule.limit", {"name": "X", "column": "staff"}, "受“X”（staff）限制", "held by “X” (staff)"),
        (
            "rule.ceiling",
            {"name": "X", "price": 0.31, "at": "choices"},
            "受“X”限制；在现有取舍下放宽1万元可多得0.31万元",
            "held by “X”; at the choices made, CNY 10,000 more of room is worth CNY 3,100",
        ),
        (
            "rule.floor",
            {"name": "X", "price": 0.31, "at": "choices"},
            "由“X”托底；在现有取舍下放低1万元可多得0.31万元",
            "held up by “X”; at the choices made, CNY 10,000 less is worth CNY 3,100",
        ),
        ("rule.exclusive", {"name": "X"}, "“X”所列项目只能安排一项", "“X” funds one of its lines at most"),
        ("rule.gini", {}, "受人均差距上限（基尼系数）限制", "held by the cap on inequality (Gini coefficient)"),
        ("rule.worst_off", {}, "由人均最低保障托底", "held up by what a head gets at least"),
        (
            "rule.worst_off",
            {"price": 0.2},
            "由人均最低保障托底；放低1万元可多得0.20万元",
            "held up by what a head gets at least; CNY 10,000 less is worth CNY 2,000",
        ),
    ],
)
def test_clauses_that_need_no_plan(code: str, values: dict[str, Any], zh: str, en: str) -> None:
    result = report_fixture.result(until="plan")
    fact = Fact(code=code, values=tuple(values.items()))
    for language, expected in zip(LANGUAGES, (zh, en), strict=True):
        told = clause(fact, words=words(language), numbers=numbers_of(result, language=language))
        assert told.replace("\u00a0", " ") == expected


def test_equity_holds_lines_in_words() -> None:
    result = made()
    raw = {**result.scenario.raw, "equity": {"by": "department", "heads": "none", "worst_off": 20}}
    world = replace(result.scenario, settings=Settings.model_validate(raw), raw=raw)
    assert result.curves is not None
    even = Result(
        scenario=world, evidence=SCORES, curves=result.curves, plan=plan(world, SCORES, result.curves)
    )  # the park's and the road's department would have 15 without it
    held = [row for row in lines(even) if row.held_by == "人均最低保障"]
    assert held
    assert all("由人均最低保障托底" in row.reason for row in held)
    names = [group.name for group in groups(even)]
    assert "人均最低保障" in names
    assert next(g for g in groups(even) if g.name == "人均最低保障").basis == "本方案所列"


def test_a_draft_breaks_choices_in_their_own_units() -> None:
    pair = {"name": "pair", "kind": "exclusive", "where": {"id": ["P3", "P4"]}, "basis": "minutes"}
    first = {"name": "first", "kind": "requires", "where": {"id": "P1"}, "then": {"id": "P2"}}
    soft = {"name": "guide", "kind": "ceiling", "where": {"id": "P1"}, "amount": 5, "hard": False, "penalty": 0.01}
    result = made(pair, first, {**STAFF, "name": "staff", "amount": 4}, soft)
    assert result.curves is not None
    found = draft(result.scenario, SCORES, result.curves, floats([20.0, 0.0, 8.0, 8.0]))
    told = document(found, result)
    by_rule = {breach["rule"]: breach for breach in told["broken"]}
    assert (by_rule["pair"]["counted_in"], by_rule["pair"]["hard"], by_rule["pair"]["by"]) == ("lines", True, 1.0)
    assert (by_rule["staff"]["counted_in"], by_rule["guide"]["hard"]) == ("column", False)
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(summary(found, result))
    text = console.export_text()
    assert "所给方案违反3条限制：" in text
    assert "school → works" in text
    assert "超出 1个项目" in text
    assert "超出 1.2（staff）" in text
    assert text.index("pair") < text.index("另突破1条软约束（可突破，计扣减）：") < text.index("guide")


def test_a_draft_may_bring_more_and_still_be_worse() -> None:
    soft = {"name": "guide", "kind": "ceiling", "where": {"id": "P1"}, "amount": 5, "hard": False, "penalty": 9}
    result = made(soft)
    assert result.curves is not None
    found = draft(result.scenario, SCORES, result.curves, floats([18.0, 12.0, 9.0, 6.0]))
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(summary(found, result))
    text = console.export_text()
    assert "所给方案不违反任何规则。" in text
    assert "按目标值比它高" in text
    assert "违反上述规则换来的" not in text


@pytest.mark.parametrize(
    ("rules", "line", "zh", "en"),
    [
        (
            [{**NOTE, "kind": "exclusive", "where": {"id": ["P3", "P4"]}}], 3,
            "“X”所列项目只能安排一项，须由“park”让出", "“X” funds one of its lines at most: “park” must give way",
        ),
        (
            [{**NOTE, "kind": "requires", "where": {"id": "P3"}, "then": {"id": "P4"}}, OUT], 2,
            "“X”：须先安排“road”", "“X”: “road” must be funded first",
        ),
        (
            [{**NOTE, "kind": "few_moves", "max_moves": 1}], 1,
            "“X”的名额已满，须有别的项目让出", "“X” lets no more lines through: another must give way",
        ),
        (
            [{**NOTE, "kind": "by_factors", "where": {"department": ["A", "B"]}, "factors": {"need": 1}}], 2,
            "份额由“X”的公式定，须增加整笔资金", "its part follows from the formula of “X”: the whole pot must grow",
        ),
    ],
)  # fmt: skip
def test_what_would_let_a_line_gain_names_the_choice(rules: list[dict[str, Any]], line: int, zh: str, en: str) -> None:
    result = made(*rules)
    assert lines(result)[line].to_gain == zh
    assert lines(result, language="en")[line].to_gain == en


def test_a_line_at_rest_that_wants_no_more_is_not_kept_by_the_count() -> None:
    first = lines(made({**NOTE, "kind": "few_moves", "max_moves": 1}))[0]
    assert first.held_by == "X"
    assert first.to_gain.startswith("下一笔每1万元带来")


def test_rows_of_prerequisites_name_both_lines() -> None:
    assert row_words("P1 -> P2", {"P1": "云", "P2": "应用"}) == "云 → 应用"
    assert row_words("P1", {"P1": "云"}) == "云"
    assert row_words("北部", {"P1": "云"}) == "北部"
