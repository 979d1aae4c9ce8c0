"""The page: one safe file with the answers first, and checks that can fail."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

import report_fixture
from allocsim.model.arrays import integers
from allocsim.model.result import Result
from allocsim.report.checks import checks
from allocsim.report.opening import cards
from allocsim.report.page import page

VOID = {"meta", "img", "br", "link", "input"}


class Outline(HTMLParser):
    """Collects tags and attributes, and fails on tags that do not close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def outline(text: str) -> Outline:
    parser = Outline()
    parser.feed(text)
    assert parser.open == []
    return parser


@pytest.fixture(scope="module", params=["zh", "en"])
def shown(request: pytest.FixtureRequest) -> tuple[str, str]:
    return request.param, page(report_fixture.result(language=request.param))


def test_it_is_one_file_that_needs_nothing(shown: tuple[str, str]) -> None:
    _, text = shown
    parser = outline(text)
    policy = next(a for tag, a in parser.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy["content"] == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert {tag for tag, _ in parser.tags}.isdisjoint({"script", "link", "iframe", "object", "form", "base"})
    for _, attributes in parser.tags:
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href"):
            assert (attributes.get(name) or "#").startswith(("data:image/svg+xml;base64,", "#"))
    assert "url(" not in text


def test_it_speaks_its_language_and_says_that_data_are_made_up(shown: tuple[str, str]) -> None:
    language, text = shown
    parser = outline(text)
    assert parser.tags[0] == ("html", {"lang": "zh-CN" if language == "zh" else "en"})
    assert text.count("示例数据") >= 2
    assert ("明年的钱往哪儿摆" in text) == (language == "zh")


def test_text_of_a_table_never_becomes_a_tag(shown: tuple[str, str]) -> None:
    _, text = shown
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


def test_every_table_and_picture_can_be_heard(shown: tuple[str, str]) -> None:
    _, text = shown
    parser = outline(text)
    heads = [a for tag, a in parser.tags if tag == "th"]
    assert all(a.get("scope") in ("col", "row", "rowgroup") for a in heads)
    pictures = [a for tag, a in parser.tags if tag == "img"]
    assert len(pictures) == 5
    assert all(len(a.get("alt") or "") > 15 for a in pictures)
    targets = {a["href"] for tag, a in parser.tags if tag == "a"}
    assert targets <= {f"#{a['id']}" for _, a in parser.tags if "id" in a}


def test_no_blank_and_no_code_is_left(shown: tuple[str, str]) -> None:
    _, text = shown
    body = re.sub(r"<style>.*?</style>|data:image[^\"]*", "", text, flags=re.S)
    assert not re.search(r"\{\w*\}|nan\b|None\b|\bfact\.|\brule\.|\best\.|\bbudget\.total", body)


def test_the_same_result_gives_the_same_page() -> None:
    assert page(report_fixture.result()) == page(report_fixture.result())


@pytest.mark.parametrize("until", ["evaluate", "fit", "plan"])
def test_what_was_not_run_is_left_out(until: str) -> None:
    text = page(report_fixture.result(until=until))
    outline(text)
    assert ('id="policies"' in text) is False
    assert ('id="departments"' in text) == (until == "plan")
    assert ('id="evidence"' in text) is True


def test_a_table_of_120_lines_shows_every_line() -> None:
    result = report_fixture.result(13)
    text = page(result)
    assert text.count('class="project"') == 13 * len(report_fixture.LINES)


def changed(result: Result, **fields: Any) -> Result:
    assert result.plan is not None
    return replace(result, plan=replace(result.plan, **fields))


def test_the_three_questions_are_answered() -> None:
    where, gained, struck = cards(report_fixture.result())
    assert where.figure == "41.15亿元"
    assert "部门申报46.86亿元，缺口5.71亿元" in where.sentence
    assert "增加4项+9,732万元，压减2项−1.85亿元，不再安排1项，维持2项" in where.sentence
    assert gained.figure == "+9,310万元"
    assert "90%区间2,150万元至1.68亿元" in gained.sentence
    assert struck.caption == "比维持原预算多"
    assert "建议：指数触发动支预备费" in struck.sentence
    assert "8月25日前定" in struck.sentence


def test_weak_data_and_losses_are_told() -> None:
    result = report_fixture.result()
    assert result.plan is not None
    better = result.plan.better_than_last_year
    assert better is not None
    weak = changed(result, better_than_last_year=replace(better, low=-500.0))
    assert "现有数据分不出优劣" in cards(weak)[1].sentence
    assert "现有数据分不出优劣" not in cards(result)[1].sentence
    worse = changed(result, better_than_last_year=replace(better, benefit=-900.0, low=-1200.0, high=-500.0))
    assert "预计少900万元" in cards(worse)[1].sentence
    assert "守规则的代价" in cards(worse)[1].sentence
    nothing = changed(result, better_than_last_year=None)
    assert cards(nothing)[1].figure == "不作比较"


@pytest.mark.parametrize(("verdict", "said"), [("hold", "没有哪个策略胜过维持原预算"), ("too_close", "分不出优劣")])
def test_doing_nothing_is_an_answer(verdict: Any, said: str) -> None:
    result = report_fixture.result()
    assert result.comparison is not None
    recommended = "hold" if verdict == "hold" else None
    compared = replace(
        result.comparison, verdict=verdict, recommended=recommended, because=(), breakeven_unspent_worth=None
    )
    other = replace(result, comparison=compared)
    assert said in cards(other)[2].sentence
    outline(page(other))


def states(result: Result) -> dict[str, str]:
    return {check.key: check.state for check in checks(result)}


def test_checks_hold_on_a_sound_plan() -> None:
    assert states(report_fixture.result(until="plan")) == {
        "balance": "ok",
        "rules": "ok",
        "guaranteed": "ok",
        "ceilings": "ok",
        "reserve": "ok",
        "earmarks": "none",
        "library": "none",
    }


def test_each_check_can_fail() -> None:
    result = report_fixture.result(until="plan")
    plan = result.plan
    assert plan is not None
    steps = plan.steps.copy()
    steps[0] += 1
    assert states(changed(result, steps=integers(steps)))["balance"] == "broken"
    for name, key in (("三保优先", "guaranteed"), ("部门控制数", "ceilings"), ("绩效挂钩", "rules")):
        rules = tuple(replace(rule, slack=-10.0) if rule.name == name else rule for rule in plan.rules)
        assert states(changed(result, rules=rules))[key] == "broken"
        assert states(changed(result, rules=rules))["rules"] == "broken"
    too_much = report_fixture.result(until="plan", budget={"total": 1.0, "reserve": 0.0, "reserve_base": 200_000})
    assert states(too_much)["reserve"] == "broken"
    no_base = report_fixture.result(until="plan", budget={"total": 1.0, "reserve": 26000})
    assert states(no_base)["reserve"] == "none"


def test_a_line_outside_the_library_breaks_its_check() -> None:
    result = report_fixture.result(until="plan")
    projects = result.scenario.projects
    state = np.array(["在库"] * len(projects), dtype=object)
    inside = replace(projects, columns={**projects.columns, "state": state})
    assert states(replace(result, scenario=replace(result.scenario, projects=inside)))["library"] == "ok"
    state = state.copy()
    state[0] = "前期谋划"
    outside = replace(projects, columns={**projects.columns, "state": state})
    assert states(replace(result, scenario=replace(result.scenario, projects=outside)))["library"] == "broken"
