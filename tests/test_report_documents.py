"""The JSON documents and the CSV files: published names, exact sums, null for what is not known."""

from __future__ import annotations

import csv
import gzip
import io
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import report_fixture
from allocsim.errors import InvalidInput, Problem, Text, UsageError
from allocsim.model.display import SHOWN
from allocsim.model.plan import Conflict, ConflictRule, Repair, RulesConflict
from allocsim.report import display, documents, tables

PROBLEM = Problem(message=Text("a word where a number belongs", "应为数字"), file="projects.csv", line=3, cell=None)
CONFLICT = Conflict(
    unit="万元",
    rules=(
        ConflictRule(
            name="合同承诺-水利", basis="合同", file="scenario.toml", line=30, short_by=1500.0, detail=Text("x", "甲")
        ),
        ConflictRule(name="budget.total", basis="", file=None, line=None, short_by=None, detail=Text("", "")),
    ),
    repair=(Repair(rule="绩效挂钩", row="大中型水利工程建设", name="大中型水利工程建设", start=40500.0, end=42000.0),),
)


@pytest.fixture(scope="module")
def document() -> Any:
    return json.loads(documents.dumps(documents.run(report_fixture.result())))


def test_names_are_those_that_were_published(document: Any) -> None:
    assert document["schema"] == "allocsim.run/1"
    score, rater = document["evaluate"]["projects"][0], document["evaluate"]["raters"][0]
    assert {"id", "year", "score", "low", "high", "grade", "grade_probability", "raters", "coverage"} <= score.keys()
    assert {"rater", "bias", "low", "high", "n"} <= rater.keys()
    curve = document["fit"]["projects"][0]
    assert {"id", "family", "value", "scale", "shape", "records", "own_evidence", "marginal", "flags"} <= curve.keys()
    assert curve["marginal"].keys() == {"mean", "low", "high"}
    plan = document["plan"]
    assert {
        "scenario", "year", "currency", "unit", "status", "total", "reserve", "unallocated", "benefit", "bound",
        "bound_by", "rounding_loss", "gap", "price", "better_than_last_year", "departments", "projects", "rules",
    } <= plan.keys()  # fmt: skip
    assert {"benefit", "probability", "own_evidence"} <= plan["better_than_last_year"].keys()
    assert {
        "id", "amount", "last", "requested", "low", "high", "benefit", "marginal", "held_by", "verb", "reason",
        "wrong_cut_probability",
    } <= plan["projects"][0].keys()  # fmt: skip
    rule = plan["rules"][0].keys()
    assert {"name", "kind", "level", "activity", "slack", "binding", "price_up", "price_down"} <= rule
    year = document["simulate"]
    assert {
        "replications", "seed", "baseline", "digest", "policies", "breakeven_unspent_worth", "recommended", "because",
    } <= year.keys()  # fmt: skip
    assert {
        "name", "benefit", "difference", "cvar10", "shortfall_probability", "regret", "unspent", "moved",
        "reserve_exhausted_probability", "headroom", "deciding_lanes", "better_given_curves", "gini",
    } <= year["policies"][0].keys()  # fmt: skip


def test_the_plan_adds_up_exactly(document: Any) -> None:
    plan = document["plan"]
    amounts = [project["amount"] for project in plan["projects"]]
    assert plan["total"] == plan["reserve"] + plan["unallocated"] + sum(amounts)
    assert sum(department["amount"] for department in plan["departments"]) == sum(amounts)
    assert plan["benefit"] == pytest.approx(sum(project["benefit"] for project in plan["projects"]))


def test_names_of_rules_stay_as_stated(document: Any) -> None:
    assert document["plan"]["rules"][0]["name"] == "budget.total"
    assert document["plan"]["projects"][3]["held_by"] == "绩效挂钩"


def test_what_is_not_known_is_null(document: Any) -> None:
    new = document["plan"]["projects"][7]
    assert new["last"] is None
    assert new["wrong_cut_probability"] is None
    assert document["fit"]["projects"][0]["shape"] is None


def test_because_is_a_sentence_in_the_language_of_the_scenario(document: Any) -> None:
    assert document["simulate"]["because"].startswith("“指数触发动支预备费”比“维持原预算”平均多")


def test_raters_show_what_each_kind_wrote(document: Any) -> None:
    assert document["evaluate"]["projects"][0]["raters"].keys() == {"self", "finance"}


def test_dumps_is_exact_and_steady() -> None:
    value = {"a": np.float64(0.1), "b": np.array([1.5, np.nan]), "c": (np.int64(3), np.bool_(True)), "中": float("inf")}
    text = documents.dumps(value)
    assert json.loads(text) == {"a": 0.1, "b": [1.5, None], "c": [3, True], "中": None}
    assert "中" in text
    assert text == documents.dumps(value)


def test_a_stage_that_was_not_run_has_no_document() -> None:
    result = report_fixture.result(until="fit")
    assert documents.run(result).keys() == {"schema", "variant", "overrides", "evaluate", "fit"}
    with pytest.raises(ValueError, match="no plan"):
        documents.of("plan", result)


def test_variant_and_changes_are_named() -> None:
    result = report_fixture.result(until="plan")
    other = replace(result, scenario=replace(result.scenario, variant="tight", overrides={"budget.total": 437500.0}))
    for found in (documents.run(other), documents.plan(other)):
        assert (found["variant"], found["overrides"]) == ("tight", {"budget.total": 437500.0})
    assert documents.plan(result)["variant"] is None


def test_a_picture_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValueError, match="no picture 'moon': known are curves, marginal, plan"):
        display.figure(report_fixture.result(until="plan"), "moon")


def test_failures_have_documents() -> None:
    found = documents.failure(InvalidInput([PROBLEM]), "zh")
    assert found is not None
    assert found["problems"][0]["message"] == "应为数字"
    clash = documents.failure(RulesConflict(CONFLICT), "en")
    assert clash is not None
    assert clash["rules"][0]["short_by"] == 1500.0
    repair = {"rule": "绩效挂钩", "row": "大中型水利工程建设", "from": 40500.0, "to": 42000.0, "detail": ""}
    assert clash["repair"] == [repair]
    assert documents.failure(UsageError(Text("no", "否")), "en") is None


def test_csv_reads_back_and_text_stays_text() -> None:
    rows = list(csv.DictReader(io.StringIO(tables.plan_csv(report_fixture.result()).decode("utf-8"))))
    assert [float(row["amount"]) for row in rows] == [line[5] for line in report_fixture.LINES]
    assert rows[6]["name"].startswith("'=HYPERLINK")
    assert rows[5]["reason"].startswith("建议压减")
    assert rows[0]["id"] == "001"


def test_outcomes_are_packed_the_same_each_time() -> None:
    result = report_fixture.result()
    packed = tables.outcomes_csv(result)
    assert packed == tables.outcomes_csv(result)
    rows = list(csv.DictReader(io.StringIO(gzip.decompress(packed).decode("utf-8"))))
    assert result.outcomes is not None
    assert len(rows) == result.outcomes.benefit.size
    assert float(rows[0]["benefit"]) == result.outcomes.benefit[0, 0]
    for made in (tables.scores_csv(result), tables.curves_csv(result)):
        assert made.startswith(b"id,")


def test_nouns_show_themselves() -> None:
    result = report_fixture.result()
    display.show()
    for noun in (result, result.evidence, result.curves, result.plan, result.outcomes, result.comparison):
        name = type(noun).__name__
        assert len(SHOWN["frame", name](noun)) > 0
        assert "<script>alert" not in SHOWN["html", name](noun)
    assert len(SHOWN["plot", "Result"](result, what="curves")) >= 4
    assert display.packed(result, ".json").startswith(b"{")
    assert display.packed(result, ".xlsx")[:2] == b"PK"
    assert display.packed(result, ".png")[1:4] == b"PNG"
    assert b"<svg" in display.packed(result, ".svg")
    assert display.packed(result.plan, ".csv").startswith(b"id,")
    with pytest.raises(ValueError, match=r"no \.docx file"):
        display.packed(result, ".docx")
    with pytest.raises(TypeError):
        display.frame(3)
