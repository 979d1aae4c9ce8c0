"""What rules count, rules that may be broken, and plans that weigh risk, as people read them."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from rich.console import Console

import report_fixture
from allocsim.model.draft import Breach
from allocsim.model.exact import ExactCertificate
from allocsim.model.plan import EquityReport, RuleReport
from allocsim.model.result import Result
from allocsim.model.risk import Risk
from allocsim.model.settings import Settings
from allocsim.report import documents, prose, terminal
from allocsim.report.checks import checks
from allocsim.report.counts import counts
from allocsim.report.numbers import numbers_of
from allocsim.report.opening import cards
from allocsim.report.page import page
from allocsim.report.planned import plan as plan_document
from allocsim.report.rules import groups
from allocsim.report.words import LANGUAGES, words
from allocsim.report.workbook import workbook

RISK = Risk(
    level=0.9,
    measure="improvement",
    risk_aversion=0.4,
    uncertainty_budget=None,
    draws=200,
    mean=1_000_000.0,
    cvar_benefit=980_000.0,
    cvar_improvement=4_000.0,
    probability=0.93,
    objective=7_000.0,
)
COUNTED = (
    ("科技馆二选一", "exclusive", "lines", 1.0, "不高于 1个项目", "at most 1 line"),
    ("少动求稳", "few_moves", "lines", 4.0, "不高于 4个项目", "at most 4 lines"),
    ("编制约束", "limit", "column", 48000.5, "不高于 48,000.5（staff）", "at most 48,000.5 of staff"),
    ("equity.gini", "gini", "column", 0.3, "不高于 0.300", "at most 0.300"),
)


def reported(name: str, kind: str, counted_in: Any, level: float, **more: Any) -> RuleReport:
    stated = {"price_up": None, "price_down": None, "slack": 0.0, "binding": True, "covered": 1, **more}
    return RuleReport(
        name=name, kind=kind, basis="纪要", row="", sense="ceiling", level=level, activity=level,
        counted_in=counted_in, **stated,
    )  # fmt: skip


def with_kinds(language: str = "zh", *, broken: float = 250.0, until: str = "plan") -> Result:
    """Return the finished year with a rule of every way of counting, and one that may be broken."""
    rules: list[dict[str, Any]] = [
        {"name": "编制约束", "kind": "limit", "column": "staff", "amount": 48000.5},
        {"name": "内部指引", "kind": "ceiling", "amount": 1000, "hard": False, "penalty": 0.02},
        {"name": "用地", "kind": "limit", "column": "land", "amount": 10, "hard": False, "penalty": 3.0},
    ]
    result = report_fixture.result(language=language, until=until)
    raw = {**result.scenario.raw, "rule": [*result.scenario.raw["rule"], *rules]}
    stated = replace(result.scenario, settings=Settings.model_validate(raw), raw=raw)
    assert result.plan is not None
    soft = (
        reported("内部指引", "ceiling", "money", 1000.0, hard=False, broken=broken, slack=-broken, price_up=0.02),
        reported("用地", "limit", "column", 10.0, hard=False, broken=0.0, slack=2.0, covered=1, binding=False),
    )
    told = [
        reported(*each[:4], price_up=5.5 if each[2] == "column" else None, covered=3 if each[2] == "lines" else 1)
        for each in COUNTED
    ]
    made_plan = replace(
        result.plan,
        rules=(*result.plan.rules, *told, *soft),
        at_choices=True,
        method="milp",
        bound_by="solver",
        risk=RISK,
        equity=EquityReport(by="district", worst_off=0.0123, name="城口", gini=0.2154),
    )
    return replace(result, scenario=stated, plan=made_plan)


def shown(result: Result, *, width: int = 160) -> str:
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(terminal.summary("plan", result))
    return console.export_text().replace("\u00a0", " ")


@pytest.mark.parametrize("language", LANGUAGES)
def test_counts_are_never_told_as_money(language: str) -> None:
    result = with_kinds(language)
    html = page(result).replace("\u00a0", " ")
    found = {group.rows[0].report.name: group for group in groups(result)}
    for name, _, _, _, zh, en in COUNTED:
        expected = zh if language == "zh" else en
        sense = words(language)("sense.ceiling")
        assert f"{sense} {found[name].rows[0].level}" == expected
        assert f"<td>{expected}</td>" in html
        assert (found[name].standing, found[name].covered) == (1, 1)
    price = found["编制约束"].price.replace("\u00a0", " ")
    assert price == ("5.50万元（每单位staff）" if language == "zh" else "CNY 55,000 per unit of staff")
    assert found["equity.gini"].price.endswith("（每放宽0.01）" if language == "zh" else " for each 0.01")
    assert found["少动求稳"].price == "—"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_soft_rule_says_what_breaking_it_costs(language: str) -> None:
    zh = language == "zh"
    result = with_kinds(language)
    found = {group.name: group for group in groups(result)}
    assert found["内部指引"].soft.replace("\u00a0", " ") == (
        "可突破，每突破1万元扣0.020万元；现突破250万元，扣5.00万元"
        if zh
        else "may be broken, at CNY 200 for each CNY 10,000; broken by CNY 2.5 m, which costs CNY 50,000"
    )
    assert found["用地"].soft.replace("\u00a0", " ") == (
        "可突破，每突破1个单位的land扣3.00万元；现未突破"
        if zh
        else "may be broken, at CNY 30,000 for each unit of land; kept"
    )
    assert found["编制约束"].soft == ""
    line = "软约束2条，突破1条，扣5.00万元。" if zh else "Soft rules: 1 of 2 broken, which costs CNY 50,000."
    assert line in shown(result)
    assert line in page(result).replace("\u00a0", " ")
    assert line in cards(result)[0].sentence.replace("\u00a0", " ")
    assert ("软约束“内部指引”：可突破" if zh else "Soft rule “内部指引”: may be broken") in shown(result)
    assert f'<span class="verb less">{words(language)("page.soft")}</span>' in page(result)
    kept = with_kinds(language, broken=0.0)
    assert ("软约束均未突破。" if zh else "No soft rule is broken.") in shown(kept)


def test_a_plan_without_soft_rules_speaks_of_none() -> None:
    result = report_fixture.result(until="plan")
    assert result.plan is not None
    assert counts(result.scenario, words("zh"), numbers_of(result)).softly(result.plan) == ""
    assert "软约束" not in shown(result)
    assert 'class="headline"' not in page(result)


def test_a_soft_rule_that_is_broken_breaks_no_check() -> None:
    check = {check.key: check for check in checks(with_kinds())}["rules"]
    assert check.state == "ok"
    assert check.label == "硬性规则全部满足"
    assert check.detail.endswith("；软约束突破1条")
    plain = {check.key: check for check in checks(report_fixture.result(until="plan"))}["rules"]
    assert plain.label == "规则全部满足"
    result = with_kinds()
    assert result.plan is not None
    hard = tuple(replace(rule, hard=True) for rule in result.plan.rules)
    short = {c.key: c.state for c in checks(replace(result, plan=replace(result.plan, rules=hard)))}
    assert short["rules"] == "broken"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_workbook_counts_what_the_page_counts(language: str) -> None:
    book = openpyxl.load_workbook(io.BytesIO(workbook(with_kinds(language))))
    spoken = words(language)
    sheet = book[spoken("sheet.rules")]
    rows = {row[0]: row for row in sheet.iter_rows(min_row=5, values_only=True)}
    heads = [cell.value for cell in sheet[4]]
    assert heads[8] == spoken("column.price_at", one="1万元" if language == "zh" else "CNY 10,000")
    assert heads[10] == spoken("column.soft")
    assert rows["编制约束"][4] == ("48,000.5（staff）" if language == "zh" else "48,000.5 of staff")
    assert rows["少动求稳"][4] == ("4个项目" if language == "zh" else "4 lines")
    assert rows["内部指引"][4] == 1000
    assert str(rows["内部指引"][10]).startswith("可突破" if language == "zh" else "may be broken")
    assert not rows["少动求稳"][10]


@pytest.mark.parametrize("language", LANGUAGES)
def test_prices_hold_at_the_choices_made(language: str) -> None:
    zh = language == "zh"
    at = "在现有取舍下" if zh else "at the choices made"
    chosen, plain = with_kinds(language), report_fixture.result(until="plan", language=language)
    assert at in shown(chosen)
    assert words(language)("lead.rules_at") in page(chosen)
    assert any(at.lower() in text.lower() for text in prose.certificate(chosen))
    for told in (shown(plain), page(plain), *prose.certificate(plain)):
        assert at.lower() not in told.lower()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_certificate_names_method_and_objective(language: str) -> None:
    zh = language == "zh"
    text = " ".join(prose.certificate(with_kinds(language))).replace("\u00a0", " ")
    assert (
        "求解方法：整数规划，共解4个规划。" if zh else "Solved by: whole-number program; 4 programs in all."
    ) in text
    assert ("任何方案的目标值都不会比它多出" if zh else "no plan brings more of the objective than this one") in text
    assert (
        "目标值＝0.6×期望值＋0.4×最差10%抽样曲线下的平均值，均按比上年结构多得计。"
        if zh
        else "The objective is 0.6 × the mean + 0.4 × the mean over the worst 10 % of the curve draws, "
        "both of the gain over last year's split."
    ) in text
    assert ("须信任求解器" if zh else "takes the solver's word") in text
    assert ("软约束的扣减" if zh else "soft rules costs is taken off") in text
    neutral = " ".join(prose.certificate(report_fixture.result(until="plan", language=language)))
    assert ("任何方案的绩效折算值" if zh else "no plan brings more performance-weighted spending") in neutral
    assert ("目标值" if zh else "objective") not in neutral


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_plan_at_its_limit_tells_what_another_could_bring(language: str) -> None:
    result = report_fixture.result(until="plan", language=language)
    assert result.plan is not None
    open_ = replace(result, plan=replace(result.plan, status="limit", gap=0.0004, rounds=0, method="dual"))
    expected = (
        "本方案满足全部硬性规则，但在时限内未能证明是最好的：其他方案的绩效折算值最多还可多400万元，相当于理论上限的0.040%。"
        if language == "zh"
        else "another plan could bring at most CNY 4.0 m more performance-weighted spending, 0.040 % of the bound."
    )
    told = [text.replace("\u00a0", " ") for text in prose.certificate(open_)]
    assert any(expected in text for text in told)
    assert expected in shown(open_, width=260)
    assert any(text in ("求解方法：影子价格直接求解。", "Solved by: shadow prices alone.") for text in told)
    assert expected not in shown(result, width=260)


def test_exact_arithmetic_is_told() -> None:
    result = report_fixture.result(until="plan")
    assert result.plan is not None
    proof = ExactCertificate(
        value=Decimal("999999"), bound=Decimal("1000000.1"), whole=Decimal("1000000"), gap=Decimal("1e-7")
    )
    proven = replace(result, plan=replace(result.plan, exact=proof))
    assert "另用精确算术复核：相对差距不超过百万分之一，不受舍入影响。" in prose.certificate(proven)
    document_of = plan_document(proven)
    assert document_of["exact"] == {
        "value": "999999", "bound": "1000000.1", "whole": "1000000", "gap": "1E-7", "closed": True
    }  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_bad_curves_have_a_card(language: str) -> None:
    zh = language == "zh"
    card = cards(with_kinds(language))[-1]
    said_ = card.sentence.replace("\u00a0", " ")
    assert card.figure.replace("\u00a0", " ") == ("+4,000万元" if zh else "+CNY 40.0 m")
    expected = (
        (
            "按200组曲线抽样，绩效折算值平均100.00亿元，最差10%的情形平均98.00亿元。",
            "最差10%的情形平均多4,000万元，优于上年结构的概率93%。",
            "本方案兼顾风险：期望值占0.6，最差10%的平均占0.4，均按比上年结构多得计。",
        )
        if zh
        else (
            "CNY 9.80 bn on average over the worst 10 %.",
            "it is better with probability 93 %.",
            "the mean counts 0.6 and the mean over the worst 10 % 0.4, both of the gain over last year's split.",
        )
    )
    assert all(part in said_ for part in expected)
    assert card.sentence in page(with_kinds(language)).replace("&#39;", "'")
    assert "城口" in cards(with_kinds(language))[0].note


@pytest.mark.parametrize(
    ("changes", "zh", "en"),
    [
        ({"risk_aversion": 0.0}, "只看期望值，未计风险", "looks at the mean alone"),
        ({"risk_aversion": 0.0, "uncertainty_budget": 5.0}, "防5项同时落到低位", "guards against 5 lines"),
        ({"cvar_improvement": -300.0}, "平均少300万元", "falls by CNY 3.0 m"),
    ],
)
def test_how_much_a_plan_weighs_risk(changes: dict[str, Any], zh: str, en: str) -> None:
    for language, expected in zip(LANGUAGES, (zh, en), strict=True):
        result = with_kinds(language)
        assert result.plan is not None
        other = replace(result, plan=replace(result.plan, risk=replace(RISK, **changes)))
        assert expected in cards(other)[-1].sentence.replace("\u00a0", " ")
        assert expected in shown(other, width=400)


def test_a_first_year_has_no_gain_to_lose() -> None:
    result = with_kinds()
    assert result.plan is not None
    first = replace(RISK, cvar_improvement=None, probability=None)
    card = cards(replace(result, plan=replace(result.plan, risk=first)))[-1]
    assert card.figure == "98.00亿元"
    assert card.caption == "最差10%曲线下的平均绩效折算值"
    assert [name for name, _ in card.beside] == ["平均", "最差10%平均"]


def test_four_cards_stand_two_by_two() -> None:
    assert '<div class="cards four">' in page(with_kinds(until="simulate"))
    assert '<div class="cards">' in page(report_fixture.result())


def test_evenness_is_told() -> None:
    assert "按district比人均：城口最低，人均123.00元；基尼系数0.215。" in shown(with_kinds())
    assert "least in 城口, CNY 123.00 a head; Gini coefficient 0.215." in shown(with_kinds("en"))


def test_documents_tell_kinds_risk_and_method() -> None:
    told = json.loads(documents.dumps(plan_document(with_kinds())))
    assert (told["at_choices"], told["method"], told["rounds"], told["objective"]) == (True, "milp", 4, 999999.0)
    assert told["risk"] == {
        "level": 0.9, "measure": "improvement", "risk_aversion": 0.4, "uncertainty_budget": None, "draws": 200,
        "mean": 1_000_000.0, "cvar_benefit": 980_000.0, "cvar_improvement": 4_000.0, "probability": 0.93,
        "objective": 7_000.0,
    }  # fmt: skip
    assert told["equity"] == {"by": "district", "worst_off": 0.0123, "name": "城口", "gini": 0.2154}
    rules = {rule["name"]: rule for rule in told["rules"]}
    assert [rules["内部指引"][key] for key in ("counted_in", "hard", "broken")] == ["money", False, 250.0]
    assert [rules["少动求稳"][key] for key in ("counted_in", "hard", "broken")] == ["lines", True, 0.0]
    bare = plan_document(report_fixture.result(until="plan"))
    assert (bare["risk"], bare["equity"], bare["exact"], bare["at_choices"]) == (None, None, None, False)


def test_every_way_of_counting_breaches_has_words() -> None:
    counted = counts(with_kinds().scenario, words("zh"), numbers_of(with_kinds()))
    told = [
        counted.amount(breach.rule, breach.counted_in, breach.by)
        for breach in (
            Breach(rule="编制约束", row="", level=1, amount=3, by=2.25, basis="", counted_in="column"),
            Breach(rule="少动求稳", row="", level=1, amount=3, by=2, basis="", counted_in="lines"),
            Breach(rule="equity.gini", row="", level=0.3, amount=0.35, by=0.05, basis="", counted_in="column"),
            Breach(rule="内部指引", row="", level=1, amount=3, by=2000, basis=""),
        )
    ]
    assert told == ["2.25（staff）", "2个项目", "0.050", "2,000"]
