"""The page: one safe file with the answers first, and checks that can fail."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

import report_fixture
from allocsim.model.arrays import floats, integers
from allocsim.model.result import Result
from allocsim.model.settings import Settings
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
    assert (
        "建议增加4项（+9,732万元）、压减2项（−1.85亿元）、先评后定1项、不安排1项（−1.40亿元）、维持1项，合计−2.28亿元。"
    ) in where.sentence
    assert gained.figure == "+9,310万元"
    assert "90%区间2,150万元至1.68亿元" in gained.sentence
    assert struck.caption == "比维持原预算多"
    assert "建议：指数触发动支预备费" in struck.sentence
    assert "款项须8月25日前到位，最迟8月11日前定。" in struck.sentence


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
    unsure = changed(result, better_than_last_year=replace(better, benefit=-605.0, low=-2000.0, high=900.0))
    assert "预计少605万元，区间跨零，分不出（" in cards(unsure)[1].sentence
    assert "守规则的代价" not in cards(unsure)[1].sentence
    assert cards(unsure)[1].caption == "绩效折算值之差，区间跨零"
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


def with_columns(result: Result, **columns: list[Any]) -> Result:
    """Return the result with further columns of projects."""
    made = report_fixture.make_table("projects", **columns)
    projects = replace(result.scenario.projects, columns={**result.scenario.projects.columns, **made.columns})
    return replace(result, scenario=replace(result.scenario, projects=projects))


def with_rules(result: Result, *rules: dict[str, Any]) -> Result:
    """Return the result with further rules in its settings, which its plan does not know of."""
    raw = {**result.scenario.raw, "rule": [*result.scenario.raw["rule"], *rules]}
    return replace(result, scenario=replace(result.scenario, settings=Settings.model_validate(raw)))


def moved(result: Result, line: int, steps: int) -> Result:
    """Return the result with some steps more for one line, and what is left over taken down by as many."""
    assert result.plan is not None
    more = result.plan.steps.copy()
    more[line] += steps
    return changed(result, steps=integers(more), unallocated_steps=result.plan.unallocated_steps - steps)


def test_checks_hold_on_a_sound_plan() -> None:
    assert states(report_fixture.result(until="plan")) == {
        "balance": "ok",
        "rules": "ok",
        "guaranteed": "none",
        "ceilings": "ok",
        "reserve": "ok",
        "earmarks": "none",
        "library": "none",
    }


def test_money_that_does_not_add_up_breaks_the_balance() -> None:
    result = report_fixture.result(until="plan")
    assert result.plan is not None
    steps = result.plan.steps.copy()
    steps[0] += 1
    assert states(changed(result, steps=integers(steps)))["balance"] == "broken"
    overdrawn = moved(result, 1, result.plan.unallocated_steps + 1)
    assert states(overdrawn)["balance"] == "broken"


def test_rules_are_checked_against_the_amounts() -> None:
    result = report_fixture.result(until="plan")
    plan = result.plan
    assert plan is not None
    short = tuple(replace(rule, slack=-10.0) if rule.name == "绩效挂钩" else rule for rule in plan.rules)
    assert states(changed(result, rules=short))["rules"] == "broken"
    assert states(changed(result, high=floats(plan.amount - 10.0)))["rules"] == "broken"
    assert states(changed(result, low=floats(plan.amount + 10.0)))["rules"] == "broken"
    of_line = tuple(replace(rule, row="006") if rule.level == 13000.0 else rule for rule in plan.rules)
    assert states(changed(result, rules=of_line))["rules"] == "ok"
    assert states(moved(changed(result, rules=of_line), 5, 1))["rules"] == "broken"
    assert states(changed(result, rules=()))["rules"] == "none"


def test_guarantees_are_checked_with_or_without_a_rule() -> None:
    result = report_fixture.result(until="plan")
    count = len(report_fixture.LINES)
    entitled = with_columns(result, entitlement=[100_200.0, *[np.nan] * (count - 1)])
    assert states(entitled)["guaranteed"] == "ok"
    assert states(moved(entitled, 0, -1))["guaranteed"] == "broken"
    said = next(check for check in checks(moved(entitled, 0, -1)) if check.key == "guaranteed")
    assert said.detail == "少10万元"
    quantity = [334.0, *[np.nan] * (count - 1)]
    by_standard = with_columns(result, standard=[300.0] * count, quantity=quantity)
    assert states(by_standard)["guaranteed"] == "ok"
    assert states(moved(by_standard, 0, -5010))["guaranteed"] == "broken"
    other_unit = with_columns(result, standard=[3_000_000.0] * count, quantity=quantity)
    assert states(other_unit)["guaranteed"] == "none"


def test_ceilings_of_departments_are_summed_again() -> None:
    result = report_fixture.result(until="plan")
    assert states(result)["ceilings"] == "ok"
    assert states(moved(result, 1, 300))["ceilings"] == "broken"
    raw = {**result.scenario.raw, "rule": [r for r in result.scenario.raw["rule"] if r["name"] != "部门控制数"]}
    without = replace(result, scenario=replace(result.scenario, settings=Settings.model_validate(raw)))
    assert states(without)["ceilings"] == "none"
    tight = {"name": "教育控制数", "kind": "ceiling", "where": {"department": "教育"}, "amount": 150_000}
    assert states(with_rules(without, tight))["ceilings"] == "broken"


def test_the_reserve_has_its_legal_share() -> None:
    too_small = report_fixture.result(until="plan", budget={"total": 437500.0, "reserve": 0.0, "reserve_base": 4e6})
    assert states(too_small)["reserve"] == "broken"
    no_base = report_fixture.result(until="plan", budget={"total": 437500.0, "reserve": 26000})
    assert states(no_base)["reserve"] == "none"


def test_a_fund_spends_the_sum_stated_for_it() -> None:
    fund = ["一般公共预算"] * 7 + ["政府性基金预算", "一般公共预算"]
    result = with_columns(report_fixture.result(until="plan"), fund=fund)
    assert states(result)["earmarks"] == "none"
    where = {"fund": "政府性基金预算"}
    fix = {"name": "专款专用", "kind": "fix", "where": where, "by": "fund", "amount": 2880}
    assert states(with_rules(result, fix))["earmarks"] == "ok"
    assert states(with_rules(result, {**fix, "amount": 2900}))["earmarks"] == "broken"
    ceiling = {"name": "基金上限", "kind": "ceiling", "where": where, "amount": 2880}
    assert states(with_rules(result, ceiling))["earmarks"] == "none"
    floor = {"name": "基金下限", "kind": "floor", "where": where, "amount": 2880}
    assert states(with_rules(result, ceiling, floor))["earmarks"] == "ok"
    assert states(with_rules(result, ceiling, {**floor, "amount": 2800}))["earmarks"] == "ok"
    assert states(moved(with_rules(result, ceiling, floor), 7, 1))["earmarks"] == "broken"
    everything = {"name": "全部", "kind": "fix", "amount": 411_380}
    assert states(with_rules(result, everything))["earmarks"] == "none"


def test_a_line_outside_the_library_breaks_its_check() -> None:
    result = report_fixture.result(until="plan")
    count = len(report_fixture.LINES)
    assert states(with_columns(result, state=[""] * count))["library"] == "none"
    inside = with_columns(result, state=["", *["在库"] * (count - 1)])
    assert states(inside)["library"] == "ok"
    assert "1项未填，未核" in {check.detail for check in checks(inside)}
    assert states(with_columns(result, state=["前期谋划", *["在库"] * (count - 1)]))["library"] == "broken"


def test_checks_of_chinese_law_stay_in_china() -> None:
    foreign = report_fixture.result(until="plan", currency="USD", unit="1000 USD", language="en")
    assert states(foreign) == {"balance": "ok", "rules": "ok", "ceilings": "ok"}


def test_lines_to_be_evaluated_first_are_no_reductions() -> None:
    result = report_fixture.result(until="plan")
    assert result.plan is not None
    reasons = list(result.plan.reasons)
    reasons[5] = replace(reasons[5], verb="evaluate_first")
    said = cards(changed(result, reasons=tuple(reasons)))[0].sentence
    assert "压减1项（−5,500万元）、先评后定2项（暂减1.30亿元，评价前不下达）" in said
    assert "重点旅游景区" not in said
    english = report_fixture.result(until="plan", language="en")
    assert english.plan is not None
    told = cards(changed(english, reasons=tuple(reasons)))[0].sentence.replace("\u00a0", " ")
    assert "1 reduction (−CNY 55.0 m), 2 to be evaluated first (CNY 130 m withheld until then)" in told


def test_requests_with_blanks_are_not_judged() -> None:
    result = report_fixture.result(until="plan")
    assert result.plan is not None
    asked = result.plan.requested.copy()
    asked[2] = np.nan
    said = cards(changed(result, requested=floats(asked)))[0].sentence
    assert "（1项未申报，未计入）。" in said
    assert "在盘子之内" not in said


def test_weak_curves_take_something_for_granted() -> None:
    result = report_fixture.result()
    assert "但曲线证据偏弱（领先3.8±7.6）" in cards(result)[1].sentence
    curves = result.curves
    assert curves is not None
    assert curves.selection is not None
    sure = replace(result, curves=replace(curves, selection=replace(curves.selection, weak=False)))
    assert "曲线证据偏弱" not in cards(sure)[1].sentence
    assert "按所给数计" not in cards(sure)[1].note
    stated = replace(curves, value_from=("stated", *curves.value_from[1:]))
    assert "按所给数计" in cards(replace(result, curves=stated))[1].note


def test_a_year_without_hazards_speaks_of_none() -> None:
    calm = report_fixture.result(shocks={"preset": "none"})
    assert cards(calm)[2].question == "年中偏离计划怎么办？"
    assert "400个模拟年份（未设灾害）" in cards(calm)[2].sentence
    text = page(calm)
    assert "遇旱" not in text
    assert "遇灾" not in text
    assert "变暖" not in text


def test_the_page_names_variant_and_changes() -> None:
    result = report_fixture.result(until="plan")
    scenario = replace(result.scenario, variant="tight", overrides={"budget.total": 1643410.0})
    assert "种子 1 · 变体 tight · budget.total=1,643,410</p>" in page(replace(result, scenario=scenario))
