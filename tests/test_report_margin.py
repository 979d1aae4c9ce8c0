"""The plan at its margin as people read it: how lines gain, what a little more money does, what keeps money in."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

import report_fixture
from allocsim.model.margin import Keeps, Margin, NextUnit, PriceRange
from allocsim.model.plan import Fact
from allocsim.model.result import Result
from allocsim.report import documents, tables, terminal
from allocsim.report.lines import lines
from allocsim.report.margins import little
from allocsim.report.numbers import numbers_of
from allocsim.report.page import page
from allocsim.report.rules import groups, range_words
from allocsim.report.words import LANGUAGES, words

M = (("m", 0.31), ("price", 0.41))
LEVELS = (("level", 100200.0), ("next", 100210.0))
SWAP = (("other", "002"), ("loss", 0.02))
FACTS = (
    Fact(code="gain.rule", values=(("rules", "三保优先 / projects.max"), *LEVELS, ("m", 0.31), ("elsewhere", 0.2))),
    Fact(code="gain.sum", values=(("name", "部门控制数"), ("of", "教育"), *LEVELS, ("total", 437900.0), *SWAP)),
    Fact(code="gain.floor", values=(("name", "合同承诺"), ("level", 180000.0), *M, ("times", 1.32))),
    Fact(code="gain.margin", values=(*M, ("under", 0.00001), ("total", 437900.0), ("delta", 400.0))),
    Fact(code="gain.merit", values=(*M, ("times", 12.4))),
    Fact(code="gain.first", values=M),
    Fact(code="gain.even", values=M),
    Fact(code="gain.nothing"),
    Fact(code="gain.bend", values=(("amount", 900.0), *M)),
)
OTHERS = (
    Fact(code="gain.rule", values=(("rules", "三保优先"), *LEVELS, ("m", 0.31))),
    Fact(code="gain.sum", values=(("name", "部门控制数"),)),
    Fact(code="gain.sum", values=(("name", "部门控制数"), ("level", 100200.0))),
    Fact(code="gain.sum", values=(("name", "部门控制数"), *LEVELS)),
    Fact(code="gain.floor", values=(("name", "合同承诺"), ("level", 180000.0), ("m", 0.0))),
    Fact(code="gain.margin", values=(*M, ("under", 0.02))),
    Fact(code="gain.hole", values=(("name", "起步规模"), ("amount", 900.0), *M)),
    Fact(code="gain.count", values=(("name", "少动求稳"),)),
    Fact(code="gain.pot", values=(("name", "因素法"),)),
)
MARGIN = Margin(
    more=2797.5,
    less=3324.5,
    next_unit=NextUnit(id="002", others=("004",), benefit=0.18),
    unallocated_by=(Keeps(rule="部门控制数", keeps=90.0), Keeps(rule="projects.max", keeps=30.0)),
)
RANGES = (
    PriceRange(rule="budget.total", row="", low=430000.0, high=440000.0),
    PriceRange(rule="部门控制数", row="教育", low=150000.0, high=None),
)


def result(language: str = "zh", *, facts: tuple[Fact, ...] = FACTS, margin: Margin | None = MARGIN) -> Result:
    made = report_fixture.result(until="plan", language=language)
    assert made.plan is not None
    return replace(made, plan=replace(made.plan, to_gain=facts, margin=margin, ranges=RANGES))


def told(of: Result) -> list[str]:
    assert of.plan is not None
    spoken = words(of.scenario.settings.language)
    return little(of.plan, of.scenario, words=spoken, numbers=numbers_of(of))


def test_a_line_says_what_would_let_it_gain() -> None:
    said = [row.to_gain for row in lines(result())]
    assert said[0] == (
        "须把“三保优先、项目上限”对它的限额由100,200万元提到100,210万元，每1万元在此带来0.31万元，别处少得0.20万元"
    )
    assert said[1] == (
        "须把“部门控制数（教育）”由100,200万元提到100,210万元，总额也须到437,900万元；"
        "或由同受其限的“普惠性学前教育补助”让出，每1万元合计少得0.020万元"
    )
    assert "低<0.01%" in said[3]
    assert "增加400万元、到437,900万元时轮到它" in said[3]
    assert "12倍" in said[4]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("facts", [FACTS, OTHERS])
def test_every_way_to_gain_has_words(language: str, facts: tuple[Fact, ...]) -> None:
    rows = lines(result(language, facts=facts))
    assert all(row.to_gain and "{" not in row.to_gain for row in rows)
    assert len({row.to_gain for row in rows}) == len(rows)


def test_what_was_not_asked_is_not_told() -> None:
    bare = report_fixture.result(until="plan")
    assert all(row.to_gain == "" for row in lines(bare))
    document: Any = documents.plan(bare)
    assert (document["one_percent"], document["next_unit"], document["projects"][0]["to_gain"]) == (None, None, None)
    assert told(bare) == []


def test_documents_hold_codes_and_numbers() -> None:
    document = json.loads(documents.dumps(documents.plan(result())))
    assert document["one_percent"] == {"more": 2797.5, "less": 3324.5}
    assert document["next_unit"] == {"id": "002", "others": ["004"], "benefit": 0.18}
    assert document["unallocated_by"][0] == {"rule": "部门控制数", "keeps": 90.0}
    first = document["projects"][0]["to_gain"]
    assert first["code"] == "gain.rule"
    assert first["next"] == 100210.0
    assert first["text"].startswith("须把“三保优先")
    assert document["rules"][0]["price_range"] == {"low": 430000.0, "high": 440000.0}
    assert document["rules"][1]["price_range"] is None
    rows = list(csv.DictReader(io.StringIO(tables.plan_csv(result()).decode("utf-8"))))
    assert rows[0]["to_gain"] == first["text"]


def test_a_little_more_and_a_little_less() -> None:
    assert told(result())[:2] == [
        "总额多1%，可多得2,798万元；少1%，要少得3,325万元。",
        "再多的下一笔钱给“普惠性学前教育补助”、“‘四好农村路’建设补助”，每1万元带来0.18万元。",
    ]
    none = Margin(more=None, less=None, next_unit=None, unallocated_by=())
    assert told(result(margin=none))[0] == "总额增减1%，都没有经校核的方案能满足全部规则。"
    one = replace(MARGIN, less=None, next_unit=None)
    assert told(result("en", margin=one))[0].endswith("with 1 % less no certified plan keeps all rules.")
    assert told(result("en", margin=one))[1] == "No line gets more from the next money."


def test_money_left_over_names_what_keeps_it_in() -> None:
    assert told(result())[2] == (
        "未安排的120万元被留住，是因为“部门控制数”（单独放开可出90万元）、“项目上限”（单独放开可出30万元）。"
    )
    together = replace(
        MARGIN, unallocated_by=(Keeps(rule="部门控制数", keeps=None), Keeps(rule="绩效挂钩", keeps=None))
    )
    assert "“部门控制数”、“绩效挂钩”一并留住" in told(result(margin=together))[2]
    assert "不再增加效益" in told(result(margin=replace(MARGIN, unallocated_by=())))[2]
    spent = result()
    assert spent.plan is not None
    assert told(replace(spent, plan=replace(spent.plan, unallocated_steps=0)))[2] == ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_page_and_terminal_tell_it(language: str) -> None:
    made = result(language)
    html = page(made)
    assert all(part.split("“")[0].replace("'", "&#39;") in html for part in told(made))
    assert lines(made)[7].to_gain in html
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(terminal.summary("plan", made))
    shown = console.export_text()
    assert told(made)[0] in shown


def test_prices_tell_how_far_they_hold() -> None:
    made = result()
    rows = {(g.name, row.scope): row for g in groups(made) for row in g.rows}
    spoken, written = words("zh"), numbers_of(made)
    assert range_words(rows["总额", ""], spoken, written) == "数字在430,000至440,000之间，此价上下不超过10%"
    assert range_words(rows["部门控制数", "教育"], spoken, written) == "数字从150,000起，此价上下不超过10%"
    assert range_words(rows["部门控制数", "大数据"], spoken, written) == ""
    assert "数字在430,000至440,000之间" in page(made)
