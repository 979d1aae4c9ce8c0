"""The workbook: read back as a spreadsheet program reads it."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import openpyxl
import pytest

import report_fixture
from allocsim.model.settings import Settings
from allocsim.report.columns import DETAIL
from allocsim.report.lines import lines
from allocsim.report.page import page
from allocsim.report.rules import groups
from allocsim.report.workbook import FIRST_ROW, workbook

SHEETS = [
    "总表（分部门）",
    "项目明细",
    "压减及取消",
    "新增",
    "先评后定",
    "规则与依据",
    "结转情况",
    "应对策略",
    "说明",
]
HEADS = [
    "序号", "主管部门", "项目名称", "类别", "资金性质", "上年预算", "当年执行率", "评价得分", "等级", "申报数",
    "建议数", "另：上年结转（先用）", "较上年增减", "增减%", "核减额", "主要指标", "理由", "依据",
]  # fmt: skip


def opened(data: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(data))


@pytest.fixture(scope="module")
def book() -> Any:
    return opened(workbook(report_fixture.result()))


def test_sheets_and_columns_are_those_of_a_bureau(book: Any) -> None:
    assert book.sheetnames == SHEETS
    assert [cell.value for cell in book["项目明细"][FIRST_ROW]] == HEADS
    assert len(DETAIL) == len(HEADS)


def test_english_has_no_chinese_words() -> None:
    book = opened(workbook(report_fixture.result(language="en")))
    assert all(name.isascii() for name in book.sheetnames)
    assert [cell.value for cell in book["Lines"][FIRST_ROW]][:3] == ["No.", "Department", "Project"]
    assert "CNY 10,000" in str(book["Summary"].cell(3, 9).value)


def test_every_sheet_prints_on_its_paper_with_its_header(book: Any) -> None:
    for sheet in book:
        assert sheet.page_setup.orientation == "landscape"
        wide = sheet.title in ("项目明细", "压减及取消", "新增", "先评后定", "结转情况")
        assert int(sheet.page_setup.paperSize) == (8 if wide else 9)
        assert sheet.print_title_rows == f"${FIRST_ROW}:${FIRST_ROW}"
        assert sheet.cell(2, 1).value.startswith("示例数据")
        assert "单位：万元" in [cell.value for cell in sheet[3]]
        assert sheet.freeze_panes or sheet.title == "说明"


def test_total_first_then_departments_that_sum_to_it(book: Any) -> None:
    sheet = book["总表（分部门）"]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=FIRST_ROW + 1) if row[0].value]
    assert rows[0][0] == "合计"
    for column in (1, 2, 3, 4, 5, 6):
        assert rows[0][column] == sum(row[column] for row in rows[1:])
    amounts = sum(row.amount for row in lines(report_fixture.result()))
    assert rows[0][4] == amounts


def test_numbers_are_numbers_and_text_is_text(book: Any) -> None:
    sheet = book["项目明细"]
    found = 0
    for row in sheet.iter_rows(min_row=FIRST_ROW + 1):
        for cell in row:
            assert cell.data_type != "f", cell.value
            assert cell.hyperlink is None
        if str(row[2].value).startswith("=HYPERLINK"):
            found += 1
            assert row[2].data_type == "s"
    assert found == 1
    amount = HEADS.index("建议数")
    assert all(isinstance(row[amount].value, int | float) for row in sheet.iter_rows(min_row=FIRST_ROW + 1))


def test_sheets_hold_the_lines_they_name(book: Any) -> None:
    def names(sheet: str) -> list[str]:
        rows = book[sheet].iter_rows(min_row=FIRST_ROW + 1)
        return [row[2].value for row in rows if isinstance(row[0].value, int)]

    assert names("压减及取消") == ["“四好农村路”建设补助", "重点旅游景区基础设施补助", "政务信息系统运行维护"]
    assert names("新增") == ["预算绩效与业务数据共享平台"]
    assert names("先评后定") == ['=HYPERLINK("x")<script>alert(1)</script>']
    assert len(names("结转情况")) == 5
    handled = [
        row[HEADS.index("另：上年结转（先用）") + 1].value for row in book["结转情况"].iter_rows(min_row=FIRST_ROW)
    ]
    assert [word for word in handled if word] == ["处理", *["先用"] * 5]
    assert len(names("项目明细")) == len(report_fixture.LINES)


def test_policies_name_class_and_lead_time(book: Any) -> None:
    rows = [[cell.value for cell in row] for row in book["应对策略"].iter_rows(min_row=FIRST_ROW + 1, max_row=8)]
    assert [row[0] for row in rows] == ["维持原预算", "触线调剂", "指数触发动支预备费（推荐）", "重新测算调剂"]
    assert rows[2][1] == "动支预备费，预算法第40、64、69条"
    assert rows[2][3] == "3–10"


def test_a_baseline_shows_no_comparison_with_itself(book: Any) -> None:
    heads = [cell.value for cell in book["应对策略"][FIRST_ROW]]
    rows = [
        dict(zip(heads, (cell.value for cell in row), strict=True))
        for row in book["应对策略"].iter_rows(min_row=FIRST_ROW + 1, max_row=8)
    ]
    for head in ("比基准多", "95%区间", "有动作年份", "更优概率（含曲线）", "九成年份够用需"):
        assert rows[0][head] == "—"
    assert rows[2]["有动作年份"] == 210
    assert rows[2]["更优概率（含曲线）"] == "91%"


def test_few_acting_years_give_no_probability() -> None:
    result = report_fixture.result()
    assert result.comparison is not None
    pairs = zip(result.comparison.policies, (0, 1, 99, 0), strict=True)
    few = tuple(replace(policy, deciding_lanes=n) for policy, n in pairs)
    other = replace(result, comparison=replace(result.comparison, policies=few))
    book = opened(workbook(other))["应对策略"]
    heads = [cell.value for cell in book[FIRST_ROW]]
    said = [book.cell(FIRST_ROW + 1 + a, heads.index("更优概率（含曲线）") + 1).value for a in range(4)]
    assert said == ["—", "—（仅1年有动作）", "—（仅99年有动作）", "—（从未动作）"]
    assert "—（仅1年有动作）" in page(other)


def test_law_of_china_stays_in_china() -> None:
    foreign = report_fixture.result(currency="USD", unit="1000 USD", language="en")
    heads = [cell.value for cell in opened(workbook(foreign))["Policies"][FIRST_ROW]]
    assert "Legal class" not in heads
    assert "Budget Law" not in page(foreign)
    assert "预算法第40" in page(report_fixture.result())


def test_review_takes_off_what_carry_over_does_not_cover() -> None:
    rule = {
        "name": "结转抵顶",
        "kind": "ceiling",
        "scope": "each",
        "where": {"carryover": {"above": 0}},
        "of": "requested",
        "less": "carryover",
    }
    result = report_fixture.result(until="plan")
    raw = {**result.scenario.raw, "rule": [*result.scenario.raw["rule"], rule]}
    offset = replace(result, scenario=replace(result.scenario, settings=Settings.model_validate(raw)))
    before, after = lines(result), lines(offset)
    assert [row.reduction for row in before[:4]] == [0.0, 3900.0, 15000.0, 8500.0]
    assert [row.reduction for row in after[:4]] == [0.0, 2700.0, 15000.0, 600.0]


def test_variant_and_changes_stand_on_every_sheet() -> None:
    result = report_fixture.result(until="plan")
    scenario = replace(result.scenario, variant="tight", overrides={"budget.total": 1643410.0, "language": "zh"})
    book = opened(workbook(replace(result, scenario=scenario)))
    said = "示例市2027年项目支出 · 变体 tight · budget.total=1,643,410 · language=zh"
    assert {sheet.cell(3, 1).value for sheet in book} == {said}


def test_rules_name_their_lines_and_rest_on_something() -> None:
    result = report_fixture.result(until="plan")
    assert result.plan is not None
    first = result.plan.rules[1]
    joint = replace(first, row="", covered=3, price_down=0.9)
    single = replace(first, row="001")
    house = replace(result.plan.rules[0], name="budget.reserve", kind="reserve", basis="")
    other = replace(result, plan=replace(result.plan, rules=(house, joint, single)))
    told = groups(other)
    assert (told[0].basis, told[0].standing, told[0].covered) == ("预算法第四十条", 1, 1)
    assert [row.scope for row in told[1].rows] == ["全部3项各放宽一个单位", "义务教育公用经费保障"]
    assert (told[1].standing, told[1].covered, told[1].ease) == (1, 3, 0.12)


def test_nothing_to_show_is_said() -> None:
    book = opened(workbook(report_fixture.result(until="plan")))
    assert book["应对策略"].cell(FIRST_ROW + 1, 1).value == "本次未模拟年中情形。"


def test_the_same_result_gives_the_same_bytes() -> None:
    assert workbook(report_fixture.result()) == workbook(report_fixture.result())


def test_without_a_plan_there_is_no_workbook() -> None:
    with pytest.raises(ValueError, match="no plan"):
        workbook(report_fixture.result(until="fit"))
