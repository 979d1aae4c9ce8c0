"""Words: both languages say the same things, and nothing that is made anywhere lacks its words."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import report_fixture
from allocsim.model.curve import FLAGS
from allocsim.model.plan import Fact
from allocsim.optimise.compile.kinds import KINDS
from allocsim.report.lines import lines
from allocsim.report.numbers import numbers_of
from allocsim.report.reasons import ALWAYS, FORMS, NAMED, WORDED, clause
from allocsim.report.words import LANGUAGES, blanks, words

SRC = Path(__file__).resolve().parent.parent / "src" / "allocsim"
TEXT_BLANKS = {"name", "rules", "other", "column", NAMED, *WORDED}


def made_codes() -> list[tuple[str, str]]:
    """Every code of a Fact that the house makes, with the file that makes it."""
    found = set()
    for path in sorted(SRC.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Fact":
                for keyword in node.keywords:
                    if keyword.arg == "code" and isinstance(keyword.value, ast.Constant):
                        found.add((str(keyword.value.value), path.name))
    return sorted(found)


def test_both_languages_have_the_same_keys_and_blanks() -> None:
    zh, en = words("zh").entries, words("en").entries
    assert zh.keys() == en.keys()
    for key in zh:
        assert blanks(zh[key]) ^ blanks(en[key]) <= ALWAYS, key


def test_each_language_speaks_its_own() -> None:
    chinese = re.compile(r"[\u4e00-\u9fff]")
    for key, text in words("en").entries.items():
        assert not chinese.search(text) or key.startswith("term."), key
    for key, text in words("zh").entries.items():
        wordless = not re.search("[A-Za-z]", re.sub(r"\{\w+\}", "", text))
        assert chinese.search(text) or wordless or key.endswith("_en"), key


def test_codes_are_made_somewhere() -> None:
    assert len(made_codes()) > 10


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("code", "file"), made_codes())
def test_every_fact_that_the_house_makes_has_words(code: str, file: str, language: str) -> None:
    key = code if "." in code else f"because.{code}"
    assert key in words(language), f"{file} makes {code!r}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_blank_of_a_fact_has_a_form(language: str) -> None:
    for key, text in words(language).entries.items():
        if key.split(".")[0] in ("fact", "rule", "est", "because", "gain"):
            assert blanks(text) <= FORMS.keys() | TEXT_BLANKS | ALWAYS, key


@pytest.mark.parametrize("language", LANGUAGES)
def test_flags_kinds_and_verbs_have_words(language: str) -> None:
    spoken = words(language)
    for flag in FLAGS:
        assert f"flag.{flag}" in spoken
    for verb in ("increase", "keep", "reduce", "drop", "evaluate_first", "one_off", "new"):
        assert f"verb.{verb}" in spoken
    for kind in ("hold", "threshold", "reserve_index", "reoptimise"):
        assert {f"policy.{kind}", f"legal.{kind}", f"who.{kind}", f"days.{kind}"} <= spoken.entries.keys()
    for kind in (*KINDS, "total", "reserve", "gini", "worst_off"):
        assert f"kind.{kind}" in spoken
    for method in ("lp", "dual", "milp"):
        assert f"method.{method}" in spoken


def test_an_unknown_code_never_reaches_a_reader() -> None:
    result = report_fixture.result(until="plan")
    with pytest.raises(KeyError):
        clause(Fact(code="fact.moon"), words=words("zh"), numbers=numbers_of(result))
    with pytest.raises(KeyError):
        clause(Fact(code="fact.carry"), words=words("zh"), numbers=numbers_of(result))
    with pytest.raises(KeyError):
        words("fr")


def test_the_fullest_words_are_chosen() -> None:
    result = report_fixture.result(until="plan")
    spoken, written = words("zh"), numbers_of(result)
    bare = Fact(code="fact.exec", values=(("rate", 0.412), ("month", 8.0)))
    full = Fact(code="fact.exec", values=(*bare.values, ("peer", 0.62)))
    assert clause(bare, words=spoken, numbers=written) == "截至8月底执行率41.2%"
    assert clause(full, words=spoken, numbers=written) == "截至8月底执行率41.2%，本领域其他项目中位数62.0%"


def test_a_reason_is_fact_rule_and_estimate() -> None:
    rows = {row.id: row for row in lines(report_fixture.result(until="plan"))}
    assert rows["006"].reason == (
        "建议压减“重点旅游景区基础设施补助”13,000万元（−50.0%），安排13,000万元。"
        "事实：2025年综合评分58.0分（差），自评91.0分，偏高33.0分；截至8月底执行率41.0%，本领域其他项目中位数62.0%；"
        "结转6,800万元，先用结转。依据：“绩效挂钩”：评价为差，上限为上年的50%（评价结果应用办法）。"
        "测算：每增1万元预期增0.53万元绩效折算值，全市0.41万元。"
    )
    assert "‘四好农村路’" in rows["004"].reason
    english = {row.id: row for row in lines(report_fixture.result(until="plan", language="en"))}
    said = english["006"].reason.replace("\u00a0", " ")
    assert said.startswith(
        "Proposed: reduce “重点旅游景区基础设施补助” by CNY 130.0 m (−50.0 %) to CNY 130.0 m. Facts: "
    )
    assert "rated poor, capped at 50 % of last year" in said


def test_a_gap_is_that_of_the_scores_shown() -> None:
    result = report_fixture.result(until="plan")
    said = (("year", 2025.0), ("score", 82.36), ("grade", "good"), ("self", 92.34), ("gap", 92.34 - 82.36))
    told = clause(Fact(code="fact.score", values=said), words=words("zh"), numbers=numbers_of(result))
    assert told == "2025年综合评分82.3分（良），自评92.3分，偏高10.0分"


def test_a_probability_is_never_certain() -> None:
    result = report_fixture.result(until="plan")
    spoken, written = words("zh"), numbers_of(result)
    forced = Fact(code="est.forced", values=(("q", 1.0),))
    assert clause(forced, words=spoken, numbers=written).endswith("保留这笔钱更划算的概率>99%")
    assert "<1%" in clause(Fact(code="est.regret", values=(("q", 0.0),)), words=spoken, numbers=written)


def test_carry_over_of_a_line_that_ends_is_taken_back() -> None:
    result = report_fixture.result(until="plan")
    assert result.plan is not None
    carry = Fact(code="fact.carry", values=(("carry", 300.0),))
    reasons = tuple(replace(reason, facts=(carry,)) for reason in result.plan.reasons)
    rows = lines(replace(result, plan=replace(result.plan, reasons=reasons)))
    assert "结转300万元，先用结转" in rows[0].reason
    assert "结转300万元，收回" in rows[8].reason


def test_english_takes_names_from_the_tables() -> None:
    result = report_fixture.result(until="plan", language="en")
    scenario = result.scenario
    names = ["Compulsory schooling", *[""] * 8]
    projects = replace(
        scenario.projects, columns={**scenario.projects.columns, "english": np.array(names, dtype=object)}
    )
    departments = report_fixture.make_table("departments", name=["教育", "交通运输"], english=["Education", ""])
    named = replace(result, scenario=replace(scenario, projects=projects, departments=departments))
    rows = lines(named)
    assert [row.name for row in rows[:2]] == ["Compulsory schooling", "普惠性学前教育补助"]
    assert [row.department for row in rows[1:3]] == ["Education", "交通运输"]
    assert "“Compulsory schooling”" in rows[0].reason
    assert lines(named, language="zh")[0].department == "教育"


def test_chinese_stands_with_full_width_marks() -> None:
    for key, text in words("zh").entries.items():
        assert not re.search("[\u4e00-\u9fff}][,;:!?()]|[,;:!?()][\u4e00-\u9fff]", text), key
    for key, text in words("en").entries.items():
        assert key.startswith("term.") or not re.search("[，；：！？（）。、]", text), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_reason_claims_too_much(language: str) -> None:
    for text in words(language).entries.values():
        for claim in ("模型认为", "最优", "必然", "the model says", "optimal"):
            assert claim not in text


def test_verbs_tell_what_happens() -> None:
    verbs = [row.verb for row in lines(report_fixture.result(until="plan"))]
    assert verbs == ["increase", "increase", "keep", "reduce", "increase", "reduce", "evaluate_first", "new", "drop"]
